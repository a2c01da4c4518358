//! What the pool asks of the allocator, counted.

use memory_cache_pool::{CacheConfig, Error, MemoryCachePool};
use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

thread_local! {
    /// Allocations of this thread.
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
    /// Allocations minus frees of this thread.
    static LIVE: Cell<isize> = const { Cell::new(0) };
    /// Bytes allocated minus bytes freed by this thread.
    static BYTES: Cell<isize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: everything is the system allocator's; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        LIVE.set(LIVE.get() + 1);
        BYTES.set(BYTES.get().wrapping_add_unsigned(layout.size()));
        // SAFETY: the caller's word.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        LIVE.set(LIVE.get() - 1);
        BYTES.set(BYTES.get().wrapping_sub_unsigned(layout.size()));
        // SAFETY: the caller's word.
        unsafe { System.dealloc(block, layout) };
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const OVERWRITES: usize = if cfg!(miri) { 256 } else { 64_000 };

#[test]
fn an_overwrite_in_steady_state_allocates_nothing() -> Result<(), Error> {
    let pool = MemoryCachePool::new(CacheConfig::new().capacity(100)).unwrap_or_default();
    for round in 0..OVERWRITES {
        pool.set(format!("key {}", round % 50), [0; 64])?;
    }

    let keys: Vec<String> = (0..50).map(|key| format!("key {key}")).collect();
    let (before, live) = (ALLOCATIONS.get(), LIVE.get());
    for round in 0..OVERWRITES {
        pool.set(&keys[round % 50], [1; 64])?;
    }
    let (asked, grown) = (ALLOCATIONS.get() - before, LIVE.get() - live);

    assert_eq!((asked, grown), (0, 0));
    Ok(())
}

#[test]
fn reads_and_increments_allocate_nothing() -> Result<(), Error> {
    let pool = MemoryCachePool::new(CacheConfig::new().capacity(100)).unwrap_or_default();
    pool.set("key", "value")?;
    pool.incr("counter")?;
    pool.get_with("key", <[u8]>::len)?;

    let before = ALLOCATIONS.get();
    for _ in 0..OVERWRITES {
        pool.get_with("key", <[u8]>::len)?;
        pool.get_with("counter", <[u8]>::len)?;
        pool.incr("counter")?;
    }

    assert_eq!(ALLOCATIONS.get() - before, 0);
    Ok(())
}

/// What is told of memory against what the allocator was asked for, for values of every size.
#[cfg(not(miri))]
#[test]
fn the_memory_in_use_is_what_was_allocated_to_within_two_percent() -> Result<(), Error> {
    for (count, len) in [
        (60_000, 0),
        (60_000, 1),
        (60_000, 60),
        (5_000, 1_000),
        (2_000, 4_096),
        (2_000, 4_097),
        (300, 100_000),
        (40, 1 << 20),
    ] {
        let before = BYTES.get();
        let pool = MemoryCachePool::new(CacheConfig::new()).unwrap_or_default();
        for key in 0..count {
            pool.set(format!("key {key}"), vec![1; len])?;
        }
        for key in (0..count).step_by(3) {
            pool.set(format!("key {key}"), vec![2; len + 5])?;
            pool.delete(format!("key {}", key + 1));
            pool.expire(format!("key {}", key + 2), 1_000)?;
        }
        let allocated = usize::try_from(BYTES.get() - before).unwrap_or(0);
        let stats = pool.get_stats();

        // What is large of a table comes from the system, past the allocator: the buckets, which are
        // a power of two, and the overflow buckets but for the first 60 KiB.
        let buckets = (stats.table_bytes + 1).next_power_of_two() / 2;
        let small = (stats.table_bytes - buckets).min(60 << 10);
        let mapped = if buckets < 64 << 10 { 0 } else { stats.table_bytes - small };
        let told = stats.memory_usage - mapped;
        let error = told.abs_diff(allocated);
        assert!(error * 50 <= allocated + (4 << 10), "{len}: {told} of {allocated}, {stats:?}");
    }
    Ok(())
}
