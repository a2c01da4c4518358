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
}

struct Counting;

// SAFETY: everything is the system allocator's; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        LIVE.set(LIVE.get() + 1);
        // SAFETY: the caller's word.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        LIVE.set(LIVE.get() - 1);
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
