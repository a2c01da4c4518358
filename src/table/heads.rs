//! The heads of all chains, in one piece of memory: in huge pages when it is large.
//!
//! A table that does not fit the caches costs a miss of the cache and one of the address
//! translation per lookup. The latter goes away with pages of 2 MiB, which Linux hands out on
//! request (`madvise`); a table is written as a whole when it is created, so that nobody pays for
//! the zeroing of a page later.

use super::bucket::Bucket;
use std::{
    alloc::{Layout, alloc, dealloc, handle_alloc_error},
    ops::Deref,
    ptr::{self, NonNull},
};

/// Bytes of a huge page on x86-64 and on most aarch64.
const HUGE_PAGE: usize = 2 << 20;

/// A fixed number of buckets.
#[derive(Debug)]
pub(super) struct Heads {
    first: NonNull<Bucket>,
    len: usize,
}

// SAFETY: it owns its buckets, which are `Send` and `Sync`.
unsafe impl Send for Heads {}
// SAFETY: as above.
unsafe impl Sync for Heads {}

impl Heads {
    /// Allocates and initialises so many buckets, at least one.
    pub(super) fn new(len: usize) -> Self {
        let layout = layout(len);
        // SAFETY: a bucket has a size, and there is at least one.
        let memory = unsafe { alloc(layout) };
        let Some(first) = NonNull::new(memory.cast::<Bucket>()) else { handle_alloc_error(layout) };
        if layout.align() == HUGE_PAGE {
            ask_for_huge_pages(memory, layout.size());
        }
        for index in 0..len {
            // SAFETY: within the allocation.
            let bucket = unsafe { first.add(index) };
            // SAFETY: ours alone and not initialised yet.
            unsafe { bucket.write(Bucket::new()) };
        }
        Self { first, len }
    }
}

impl Deref for Heads {
    type Target = [Bucket];

    #[inline]
    fn deref(&self) -> &[Bucket] {
        // SAFETY: `new` has initialised all of them, and they live as long as we do.
        unsafe { std::slice::from_raw_parts(self.first.as_ptr(), self.len) }
    }
}

impl Drop for Heads {
    fn drop(&mut self) {
        let buckets = ptr::slice_from_raw_parts_mut(self.first.as_ptr(), self.len);
        // SAFETY: initialised, and dropped once, here; under loom its atomics have destructors.
        unsafe { buckets.drop_in_place() };
        // SAFETY: allocated by `new` with this layout.
        unsafe { dealloc(self.first.as_ptr().cast(), layout(self.len)) };
    }
}

/// The layout of so many buckets.
fn layout(len: usize) -> Layout {
    let buckets = Layout::array::<Bucket>(len);
    let align = |layout: Layout| {
        let huge = layout.size() >= HUGE_PAGE && cfg!(not(miri));
        layout.align_to(if huge { HUGE_PAGE } else { layout.align() })
    };
    match buckets.and_then(align) {
        Ok(layout) => layout,
        // The configuration bounds the number of keys; the allocator refuses what is too much.
        Err(_) => unreachable!("a table of {len} buckets"),
    }
}

/// Asks for huge pages; that there are none is no error.
fn ask_for_huge_pages(memory: *mut u8, bytes: usize) {
    #[cfg(all(target_os = "linux", not(miri)))]
    // SAFETY: the range is ours; the call changes how it is backed, not what is in it.
    unsafe {
        libc::madvise(memory.cast(), bytes, libc::MADV_HUGEPAGE);
    }
    #[cfg(not(all(target_os = "linux", not(miri))))]
    let _ = (memory, bytes);
}

#[cfg(all(test, not(pool_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_large_table_begins_at_a_huge_page() {
        let len = 2 * HUGE_PAGE / size_of::<Bucket>();
        let heads = Heads::new(if cfg!(miri) { 3 } else { len });

        assert!(cfg!(miri) || heads.as_ptr().addr().is_multiple_of(HUGE_PAGE));
        assert_eq!(heads.iter().filter(|head| head.control().overflow() != 0).count(), 0);
    }
}
