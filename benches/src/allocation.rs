//! The allocator of all benchmarks: mimalloc, whose bytes can be counted.
//!
//! Counting is off until it is asked for, and then costs an addition to the thread's own counter.
//! Bytes are those asked for, so that what a contender gives back shows at once, however long the
//! allocator keeps the pages.

use mimalloc::MiMalloc;
use std::{
    alloc::{GlobalAlloc, Layout},
    cell::Cell,
    sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering::Relaxed},
};

/// Counters; threads beyond this number share them.
const STRIPES: usize = 64;

/// A thread's counter on a cache line of its own.
#[derive(Debug)]
#[repr(align(128))]
struct Stripe(AtomicI64);

static COUNTS: AtomicBool = AtomicBool::new(false);
static BYTES: [Stripe; STRIPES] = [const { Stripe(AtomicI64::new(0)) }; STRIPES];
static NEXT: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// The stripe of this thread; has no destructor, so that it can be used at any time.
    static STRIPE: Cell<Option<usize>> = const { Cell::new(None) };
    static IS_COUNTED: Cell<bool> = const { Cell::new(true) };
}

/// Does something whose allocations are not the contender's, and are freed when nobody looks.
pub fn uncounted<R>(work: impl FnOnce() -> R) -> R {
    IS_COUNTED.set(false);
    let result = work();
    IS_COUNTED.set(true);
    result
}

/// Counts, or stops counting, from here on.
pub fn count(on: bool) {
    COUNTS.store(on, Relaxed);
}

/// Bytes allocated less those freed while counting was on; only differences mean something.
#[must_use]
pub fn bytes() -> i64 {
    BYTES.iter().map(|stripe| stripe.0.load(Relaxed)).sum()
}

fn add(bytes: usize, sign: i64) {
    if !IS_COUNTED.get() {
        return;
    }
    let stripe = STRIPE.get().unwrap_or_else(|| {
        let stripe = NEXT.fetch_add(1, Relaxed) % STRIPES;
        STRIPE.set(Some(stripe));
        stripe
    });
    BYTES[stripe].0.fetch_add(sign * i64::try_from(bytes).unwrap_or(0), Relaxed);
}

/// mimalloc, counted when asked for.
#[derive(Debug)]
pub struct Counted;

// SAFETY: all of it is mimalloc's; counting does not touch the memory and does not allocate.
unsafe impl GlobalAlloc for Counted {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if COUNTS.load(Relaxed) {
            add(layout.size(), 1);
        }
        // SAFETY: the caller's word.
        unsafe { MiMalloc.alloc(layout) }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if COUNTS.load(Relaxed) {
            add(layout.size(), 1);
        }
        // SAFETY: the caller's word.
        unsafe { MiMalloc.alloc_zeroed(layout) }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        if COUNTS.load(Relaxed) {
            add(new_size, 1);
            add(layout.size(), -1);
        }
        // SAFETY: the caller's word.
        unsafe { MiMalloc.realloc(block, layout, new_size) }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if COUNTS.load(Relaxed) {
            add(layout.size(), -1);
        }
        // SAFETY: the caller's word.
        unsafe { MiMalloc.dealloc(block, layout) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_counted_while_counting_is_on() {
        count(true);
        let before = bytes();
        let block = vec![0_u8; 10_000_000];
        let others = uncounted(|| vec![0_u8; 10_000_000]);
        let held = bytes() - before;
        drop(block);
        let left = bytes() - before;
        count(false);
        drop(others);

        // Other tests may allocate meanwhile.
        assert!((9_000_000..11_000_000).contains(&held), "{held}");
        assert!(left.abs() < 1_000_000, "{left}");
    }
}
