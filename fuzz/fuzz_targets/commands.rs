//! Any sequence of commands, with moves of the clock, gets from the pool the answers of a plain
//! keyspace.

#![no_main]

#[path = "../../tests/support/mod.rs"]
mod support;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use memory_cache_pool::CacheConfig;
use support::{command::Command, pair::Pair};

/// How the pool is configured, and what it is asked.
#[derive(Arbitrary, Debug)]
struct Case {
    default_ttl: Option<u8>,
    max_keys: Option<u8>,
    has_stats: bool,
    commands: Vec<Command>,
}

fuzz_target!(|case: Case| {
    let config = CacheConfig::new().capacity(1).enable_stats(case.has_stats);
    let default_ttl = case.default_ttl.map(|ttl| u64::from(ttl) + 1);
    let max_keys = case.max_keys.map(|keys| usize::from(keys % 7) + 1);
    let mut pair = Pair::new(config, default_ttl, max_keys);
    for command in &case.commands {
        pair.step(command);
    }
    pair.check_all();
});
