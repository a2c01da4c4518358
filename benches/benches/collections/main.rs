//! Hashes, lists and sets against maps of the standard library's collections behind locks, and
//! against Redis behind a unix socket.
//!
//! ```text
//! cargo bench -p memory-cache-pool-benches --bench collections [-- [--quick] [PART]...]
//! ```
//!
//! Parts are `throughput`, `queue`, `tails` and `memory`, which are shown if none is named, and
//! `deletions`, which takes eight minutes. Rounds of the contenders alternate in one run, and the median
//! round is shown. `--quick`, which is also what `cargo test` does, proves that everything runs; its
//! figures mean nothing. Without `redis-server` Redis is left out, and that is said.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it prints tables")]

mod memory;
mod queue;
mod server;
mod space;
mod tails;
mod throughput;
mod workload;

use memory_cache_pool_benches::expiring::{Expiring, Redis};
use server::Server;
use space::{Dash, Mutexes, Pool, Space};

/// How much is done.
#[derive(Clone, Copy, Debug)]
struct Scale {
    rounds: usize,
    /// Operations of one thread in one round.
    ops: usize,
    /// Elements of the largest values.
    most: usize,
    /// Operations of which a tail is taken.
    timed: usize,
    /// Hashes whose bytes are counted.
    hashes: usize,
}

/// What prints a part's tables.
type Show = fn(Scale);

/// Whether a part takes so long that it is only shown when it is named.
type IsLong = bool;

/// Starts a server; says so if there is none.
fn redis() -> Option<Server> {
    match Redis::start(0) {
        Ok(redis) => Some(Server(redis)),
        Err(error) => {
            eprintln!("Redis IS LEFT OUT, since redis-server does not start: {error}");
            None
        }
    }
}

/// The contenders, the pool first; Redis last, if it is there.
fn spaces(redis: Option<Server>) -> Vec<Box<dyn Space>> {
    let mut all: Vec<Box<dyn Space>> =
        vec![Box::<Pool>::default(), Box::<Dash>::default(), Box::<Mutexes>::default()];
    if let Some(redis) = redis {
        all.push(Box::new(redis));
    }
    all
}

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let asks_for = |word: &str| arguments.iter().any(|argument| argument == word);
    let is_quick = asks_for("--quick") || !asks_for("--bench");
    let scale = if is_quick {
        Scale { rounds: 1, ops: 200, most: 2_000, timed: 200, hashes: 100 }
    } else {
        Scale { rounds: 9, ops: 20_000, most: 1_000_000, timed: 200_000, hashes: 100_000 }
    };
    let parts: [(&str, Show, IsLong); 5] = [
        ("throughput", throughput::show, false),
        ("queue", queue::show, false),
        ("tails", tails::show, false),
        ("memory", memory::show, false),
        ("deletions", tails::show_deletions, true),
    ];
    let is_named = |name: &str| parts.iter().any(|(part, ..)| *part == name);
    let names_parts = arguments.iter().any(|argument| is_named(argument));
    for (name, show, is_long) in parts {
        if asks_for(name) || !names_parts && (is_quick || !is_long) {
            show(scale);
            println!();
        }
    }
}
