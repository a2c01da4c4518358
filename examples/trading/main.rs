//! A trading desk on the pool: market data is replayed as fast as it goes, and turned into quotes,
//! signals, risk figures and orders under Redis's commands, while readers poll them.
//!
//! ```text
//! cargo run --release --example trading [-- [--data DIR] [--generated] [--json]]
//! ```
//!
//! Everything that was read back is checked; the exit status is 1 when a check fails and 2 when the
//! arguments or the data are wrong.

mod arguments;
mod checks;
mod desk;
mod latency;
mod market;
mod readers;
mod report;

use arguments::{Arguments, Source};
use desk::Desk;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use latency::Latencies;
use market::Market;
use memory_cache_pool::{CacheConfig, MemoryCachePool};
use std::{
    env,
    error::Error,
    io::{self, IsTerminal, Write},
    process::ExitCode,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

/// Threads that poll while the desk writes.
const READERS: usize = 2;

/// Everything that a run has found out.
struct Outcome {
    market: Market,
    latencies: Latencies,
    checks: Vec<checks::Check>,
    stats: memory_cache_pool::CacheStats,
    elapsed: Duration,
    clock_nanos: f64,
}

fn main() -> ExitCode {
    match run() {
        Ok(is_sound) => ExitCode::from(u8::from(!is_sound)),
        Err(error) if is_closed_pipe(&*error) => ExitCode::SUCCESS,
        Err(error) => {
            // There is nowhere else to say it.
            let _ = writeln!(io::stderr(), "trading: {error}");
            ExitCode::from(2)
        }
    }
}

/// Whether whoever read our output has had enough of it.
fn is_closed_pipe(error: &(dyn Error + 'static)) -> bool {
    let error = error.downcast_ref::<io::Error>();
    error.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// Runs the desk as the arguments say; false when a check has failed.
fn run() -> Result<bool, Box<dyn Error>> {
    let arguments = Arguments::parse(env::args().skip(1))?;
    if arguments.help {
        writeln!(io::stdout(), "{}", arguments::USAGE)?;
        return Ok(true);
    }
    let market = match &arguments.source {
        Source::Directory(directory) => Market::load(directory)?,
        Source::Generated => Market::generate(),
    };
    let outcome = trade(market)?;
    let is_sound = outcome.checks.iter().all(|check| check.has_passed);
    let mut out = io::stdout().lock();
    if arguments.json {
        report::write_json(&outcome, &mut out)?;
    } else {
        report::write_table(&outcome, &mut out)?;
    }
    Ok(is_sound)
}

/// Replays the market through a pool, with readers beside it, and checks what came out.
fn trade(market: Market) -> Result<Outcome, Box<dyn Error>> {
    let pool = MemoryCachePool::new(CacheConfig::new().capacity(20_000))?;
    let clock_nanos = latency::cost_of_the_clock();
    let progress = progress_bar(market.ticks.len() as u64);
    let has_ended = AtomicBool::new(false);
    let mut desk = Desk::new(&pool, &market);
    let began = Instant::now();
    let (replay, polled) = thread::scope(|scope| {
        let readers: Vec<_> = (0..READERS)
            .map(|_| scope.spawn(|| readers::poll(&pool, &market, &has_ended)))
            .collect();
        let replay = desk.replay(|done| progress.set_position(done as u64));
        // ORDERING: Relaxed; only the end itself is told, the scope joins the readers.
        has_ended.store(true, Ordering::Relaxed);
        let polled: Vec<_> = readers.into_iter().map(thread::ScopedJoinHandle::join).collect();
        (replay, polled)
    });
    let elapsed = began.elapsed();
    progress.finish_and_clear();
    replay?;
    let polled: Vec<_> =
        polled.into_iter().collect::<Result<_, _>>().map_err(|_| "a reader has panicked")?;
    let checks = checks::all(&pool, &desk, &polled)?;
    let mut latencies = desk.latencies;
    for reader in &polled {
        latencies.add(&reader.latencies)?;
    }
    let stats = pool.get_stats();
    Ok(Outcome { market, latencies, checks, stats, elapsed, clock_nanos })
}

/// A bar on standard error when that is a terminal, else nothing.
fn progress_bar(ticks: u64) -> ProgressBar {
    let target = if io::stderr().is_terminal() {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    let bar = ProgressBar::with_draw_target(Some(ticks), target);
    match ProgressStyle::with_template("{bar:40} {pos}/{len} ticks, {per_sec}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
