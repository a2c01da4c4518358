//! Replays: get, and on a miss set.

use crate::{
    cache::{Contender, Limit},
    pool_of_keys::RECORD_BYTES,
    workload::Workload,
};
use memory_cache_pool_benches::allocation;
use std::{
    sync::{
        Barrier,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    thread,
};

/// Requests that a thread takes at a time. Of more, the order of the requests would be another,
/// which costs hits in a loop however many threads replay it; of fewer, two threads would miss the
/// same key at once.
const SLICE: usize = 16;

/// How a replay ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outcome {
    /// Hits of all requests, in percent.
    pub(crate) hit_ratio: f64,
    /// What the cache held at the end, in percent of what it may hold.
    pub(crate) held: f64,
    /// Bytes that it had allocated at the end, whatever for, in percent of the same.
    pub(crate) allocated: f64,
}

/// Parts of a whole in percent.
#[expect(clippy::cast_precision_loss, reason = "counts below 2^53")]
pub(crate) fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 }
}

/// Replays a workload through a new cache on so many threads.
pub(crate) fn replay(
    workload: &Workload,
    contender: Contender,
    limit: Limit,
    threads: usize,
    weight: fn(u64) -> u32,
) -> Outcome {
    let hashes = workload.hashes();
    allocation::count(true);
    let before = allocation::bytes();
    let cache = (contender.build)(limit);
    let look_up = |key: &u32| {
        let hash = hashes[*key as usize];
        let is_hit = cache.get(hash);
        if !is_hit {
            cache.set(hash, weight(hash));
        }
        u64::from(is_hit)
    };
    let requests = &workload.requests;
    let hits = if threads == 1 {
        requests.iter().map(look_up).sum()
    } else {
        on_threads(threads, requests, look_up)
    };
    let allocated = u64::try_from(allocation::bytes() - before).unwrap_or(0) + cache.mapped();
    let held = percent(cache.held(), limit.weight);
    drop(cache);
    allocation::count(false);
    Outcome {
        hit_ratio: percent(hits, workload.requests.len() as u64),
        held,
        allocated: percent(allocated, limit.weight),
    }
}

/// Lets threads take slices in turn; returns the sum of what `look_up` returns.
fn on_threads(threads: usize, requests: &[u32], look_up: impl Fn(&u32) -> u64 + Sync) -> u64 {
    let slices: Vec<_> = requests.chunks(SLICE).collect();
    let next = AtomicUsize::new(0);
    let start = Barrier::new(threads);
    let run = || {
        let mut hits = 0;
        start.wait();
        while let Some(slice) = slices.get(next.fetch_add(1, Relaxed)) {
            hits += slice.iter().map(&look_up).sum::<u64>();
        }
        hits
    };
    thread::scope(|scope| {
        let run = &run;
        let running = (0..threads).map(|_| scope.spawn(run));
        let running: Vec<_> = running.collect();
        running.into_iter().filter_map(|thread| thread.join().ok()).sum()
    })
}

/// Every record weighs the same.
pub(crate) fn one(_: u64) -> u32 {
    1
}

/// Values of 32 to 8,064 bytes, as many of each order of magnitude, with their records. The sizes come
/// from bits of the hash that choose no ghost.
pub(crate) fn mixed_bytes(hash: u64) -> u32 {
    let order = (hash >> 40) % 8;
    let within = (hash >> 43) % 32;
    RECORD_BYTES + u32::try_from((32 + within) << order).unwrap_or(u32::MAX / 2)
}
