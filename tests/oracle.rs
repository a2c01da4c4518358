//! Random commands on the pool and on a plain map: every reply is the same.

mod support;

use memory_cache_pool::CacheConfig;
use std::panic::{AssertUnwindSafe, catch_unwind};
use support::{pair::Pair, source::Source};

const COMMANDS: usize = if cfg!(miri) { 80 } else { 40_000 };

fn compare(mut pair: Pair, seed: u64) {
    let mut source = Source(seed);
    for step in 0..COMMANDS {
        pair.step(&source.draw());
        if step.is_multiple_of(100) {
            pair.check_all();
        }
    }
}

#[test]
fn a_pool_answers_as_a_plain_map_does() {
    compare(Pair::new(CacheConfig::new().capacity(50), None, None), 0x9E37_79B9_7F4A_7C15);
}

#[test]
fn a_default_time_to_live_is_given_to_what_has_none() {
    compare(Pair::new(CacheConfig::new().capacity(50), Some(700), None), 0xD1B5_4A32_D192_ED03);
}

#[test]
fn a_pool_that_is_too_small_answers_no_differently() {
    compare(Pair::new(CacheConfig::new().capacity(1), None, None), 0xA076_1D64_78BD_642F);
}

#[test]
fn a_full_pool_refuses_new_keys_and_nothing_else() {
    compare(Pair::new(CacheConfig::new(), Some(5_000), Some(3)), 0xE703_7ED1_A0B4_28DB);
}

#[test]
fn a_pool_without_statistics_answers_the_same() {
    compare(
        Pair::new(CacheConfig::new().capacity(50).enable_stats(false), None, None),
        0x8EBC_6AF0_9C88_C6E3,
    );
}

#[test]
fn the_comparison_sees_a_write_that_only_one_side_has_made() {
    let mut pair = Pair::new(CacheConfig::new(), None, None);
    pair.pool.set("a", "unknown to the other side").unwrap();

    let caught = catch_unwind(AssertUnwindSafe(|| pair.check_all()));

    assert!(caught.is_err());
}
