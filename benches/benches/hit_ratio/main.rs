//! Which share of the requests finds its key in the cache: this pool's policies against peers and
//! against what is possible.
//!
//! ```text
//! cargo bench -p memory-cache-pool-benches --bench hit_ratio [-- [--quick] [--large] [TRACE]]
//! ```
//!
//! It replays the traces that lie beside the repository in `shared/traces` (or where `TRACES`
//! says), or a seeded mix when there are none: get, and on a miss set. It is a count, not a timing:
//! the machine does not matter. `--large` replays the large traces too, `--quick`, which is also
//! what `cargo test --benches` runs, a small mix only. Tables and curves go to `target/hit_ratio`.

#[path = "../../../src/evict/mod.rs"]
#[expect(dead_code, unused_imports, reason = "a replay uses a part of it, and its tests run there")]
mod evict;
#[path = "../../../src/sync.rs"]
#[expect(dead_code, unused_imports, reason = "the evictor uses a part of it")]
mod sync;

mod cache;
mod exact;
mod peers;
mod plain_host;
mod plot;
mod pool_of_keys;
mod replay;
mod report;
mod workload;

/// Where the evictor finds the names of the policies.
mod pool {
    pub(crate) mod policy {
        pub(crate) use memory_cache_pool::EvictionPolicy;
    }
}

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
        let length = if is_quick { 20_000 } else { 400_000 };
        workloads.push(workload::synthetic(length));
    }
    let verdict = report::by_keys(&workloads)?;
    report::by_threads(&workloads)?;
    report::by_bytes(&workloads)?;
    report::curves(&workloads)?;
    Ok(verdict.failed)
}
