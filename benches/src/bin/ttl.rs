//! What a time to live costs a SET: the pool's own, without one and with one, in turn.
//!
//! `cargo run --release -p memory-cache-pool-benches --bin ttl [ROUNDS]`
//!
//! Rounds are short and alternate, and what counts is the median of the ratios of neighbours, so that
//! whatever else the machine does meets both alike. On a busy machine the twentieth of the rounds that was
//! disturbed least tells more, and is shown too.

use memory_cache_pool_benches::{
    contender::{Contender, Pool},
    keys::{Key, key, keys_of, shuffled},
    round,
};
use std::{
    env,
    io::{self, Write},
    time::Duration,
};

/// Keys of a round, and its operations.
const KEYS: u64 = 10_000;
const OPS: usize = 10_000;

/// Milliseconds to live that are counted from now, and from the last tick.
const LIVES: [i64; 2] = [20_000, 60_000];

/// What so many of a hundred numbers do not exceed.
fn percentile(numbers: &[f64], share: usize) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() * share / 100).copied().unwrap_or(f64::NAN)
}

fn nanos(time: Duration) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "some thousands")]
    let ops = OPS as f64;
    time.as_secs_f64() * 1e9 / ops
}

/// Sets all keys, with a time to live or without.
fn set(pool: &Pool, keys: &[Key], life: Option<i64>) -> Duration {
    match life {
        None => round::set(pool, keys, OPS),
        Some(millis) => round::set_px(pool, keys, millis, OPS),
    }
}

/// Overwrites keys of a pool that lives on.
fn overwrites(order: &[Key], life: Option<i64>) -> impl FnMut() -> Duration {
    let pool = Pool::with_capacity(OPS);
    let _ = set(&pool, order, life);
    move || set(&pool, order, life)
}

/// Fills a new pool.
fn inserts(order: &[Key], life: Option<i64>) -> impl FnMut() -> Duration {
    move || set(&Pool::with_capacity(OPS), order, life)
}

/// Measures both in turn, and tells the medians and the least disturbed twentieth.
fn compare(
    name: &str,
    rounds: usize,
    mut without: impl FnMut() -> Duration,
    mut with: impl FnMut() -> Duration,
    out: &mut impl Write,
) -> io::Result<()> {
    let (mut plain, mut expiring, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds + rounds / 10 {
        // Each of them comes first equally often.
        let (one, other) = if round % 2 == 0 {
            let one = nanos(without());
            (one, nanos(with()))
        } else {
            let other = nanos(with());
            (nanos(without()), other)
        };
        if round >= rounds / 10 {
            plain.push(one);
            expiring.push(other);
            ratios.push(other / one);
        }
    }
    let [one, other, ratio] = [&plain, &expiring, &ratios].map(|times| percentile(times, 50));
    let [best, other_best] = [&plain, &expiring].map(|times| percentile(times, 5));
    writeln!(
        out,
        "{name:20} SET {one:6.1}, PX {other:6.1} ns, {ratio:.2} times; \
         undisturbed {best:6.1}, {other_best:6.1} ns, {:.2} times",
        other_best / best
    )
}

fn main() -> io::Result<()> {
    let rounds = env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(1_001);
    let shuffled = keys_of(&shuffled(KEYS, 1));
    let in_order: Vec<_> = (0..KEYS).map(key).collect();
    let mut out = io::stdout().lock();
    for life in LIVES {
        let name = format!("overwrite, {life} ms");
        let (without, with) = (overwrites(&shuffled, None), overwrites(&shuffled, Some(life)));
        compare(&name, rounds, without, with, &mut out)?;
        let name = format!("new key, {life} ms");
        let (without, with) = (inserts(&in_order, None), inserts(&in_order, Some(life)));
        compare(&name, rounds, without, with, &mut out)?;
    }
    Ok(())
}
