//! Which share of the requests finds its key in the cache: this pool's policies against peers and
//! against what is possible.
//!
//! ```text
//! cargo bench -p memory-cache-pool-benches --bench hit_ratio [-- [--quick] [--large] [--only=PART] [TRACE]]
//! ```
//!
//! It replays the traces that lie beside the repository in `shared/traces` (or where `TRACES`
//! says), or a seeded mix, and says so, when there are none: get, and on a miss set. It is a count, not a timing:
//! the machine does not matter. `--large` replays the large traces too, `--quick`, which is also
//! what `cargo test --benches` runs, a small mix only; of the parts `keys`, `threads`, `bytes` and `curves`
//! one can be asked for with `--only=PART`. Tables and curves go to `target/hit_ratio`.

mod cache;
mod exact;
mod peers;
mod plot;
mod pool_of_keys;
mod replay;
mod report;
mod workload;

use std::{env, error::Error, process::ExitCode};

fn main() -> ExitCode {
    match run(&env::args().skip(1).collect::<Vec<_>>()) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            // The error is why the run ended, and has nowhere else to go.
            let _ = std::io::Write::write_fmt(&mut std::io::stderr(), format_args!("{error}\n"));
            ExitCode::FAILURE
        }
    }
}

/// Runs what the arguments ask for; returns how many columns failed.
fn run(arguments: &[String]) -> Result<u32, Box<dyn Error>> {
    let asks_for = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let named = arguments.iter().find(|argument| !argument.starts_with("--"));
    exact::check();
    // `cargo bench` says `--bench`, `cargo test` does not.
    let is_quick = asks_for("--quick") || !asks_for("--bench");
    let mut workloads = Vec::new();
    if !is_quick {
        let is_wanted = |name: &str| match named {
            Some(named) => name.contains(named.as_str()),
            None => asks_for("--large") || !workload::LARGE.contains(&name),
        };
        workloads = workload::traces(is_wanted)?;
    }
    if workloads.is_empty() {
        report::line(&workload::why_synthetic(is_quick, named))?;
        let length = if is_quick { 20_000 } else { 400_000 };
        workloads.push(workload::synthetic(length));
    }
    let only = arguments.iter().find_map(|argument| argument.strip_prefix("--only="));
    let is_asked_for = |part: &str| only.is_none_or(|only| only == part);
    let mut failed = 0;
    if is_asked_for("keys") {
        failed = report::by_keys(&workloads)?.failed;
    }
    if is_asked_for("threads") {
        report::by_threads(&workloads)?;
    }
    if is_asked_for("bytes") {
        report::by_bytes(&workloads)?;
    }
    if is_asked_for("curves") {
        report::curves(&workloads)?;
    }
    Ok(failed)
}
