//! The memory of a table: a slice of zeroed cells, straight from the system when it is large.
//!
//! A table that grows allocates twice what it has, inside an operation that must stay short. Pages
//! that come fresh from the system are zero already and are backed one by one as they are first
//! touched, so that allocating costs a system call whatever the size; giving them back costs as much
//! as they were many, and so goes in slices. A table that is sized beforehand is written as a whole
//! when it is created, in huge pages where there are any: a table that does not fit the caches
//! otherwise costs a miss of the address translation per lookup beside that of the cache.

use std::{
    alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error},
    marker::PhantomData,
    mem::ManuallyDrop,
    ops::Deref,
    ptr::NonNull,
};

/// Bytes of a huge page on x86-64 and on most aarch64.
#[cfg_attr(pool_loom, expect(dead_code, reason = "a model has small tables"))]
const HUGE_PAGE: usize = 2 << 20;

/// From this size on memory comes from the system instead of the allocator.
const LARGE: usize = 64 << 10;

/// Bytes given back at a time: some ten microseconds.
#[cfg(not(pool_loom))]
const SLICE: usize = 128 << 10;

/// A type that is valid when all its bytes are zero.
///
/// # Safety
///
/// As it says; and it has no destructor, but under loom.
pub(super) unsafe trait Zeroed {
    /// The value whose bytes are zero.
    fn zeroed() -> Self;
}

/// How the memory is going to be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Backing {
    /// All of it, at once, for long: huge pages.
    Whole,
    /// Bit by bit: small pages, since the zeroing of a huge one takes as long as a hundred writes.
    Gradual,
}

/// A slice of cells that were zeroed when it was created.
#[derive(Debug)]
pub(super) struct ZeroedSlice<T: Zeroed> {
    first: NonNull<T>,
    len: usize,
    /// Bytes that are not given back yet, from the start.
    left: usize,
    cells: PhantomData<T>,
}

// SAFETY: it owns its cells.
unsafe impl<T: Zeroed + Send> Send for ZeroedSlice<T> {}
// SAFETY: as above.
unsafe impl<T: Zeroed + Sync> Sync for ZeroedSlice<T> {}

impl<T: Zeroed> ZeroedSlice<T> {
    /// Allocates so many cells, at least one.
    pub(super) fn new(len: usize, backing: Backing) -> Self {
        let layout = layout::<T>(len);
        let first = allocate(layout, backing).cast::<T>();
        if cfg!(pool_loom) {
            for index in 0..len {
                // SAFETY: within the allocation.
                let cell = unsafe { first.add(index) };
                // SAFETY: ours alone; loom's atomics are more than zero bytes.
                unsafe { cell.write(T::zeroed()) };
            }
        }
        Self { first, len, left: layout.size(), cells: PhantomData }
    }

    /// Lets go of the cells, to be taken up again by [`from_raw`](Self::from_raw).
    pub(super) fn into_raw(self) -> NonNull<T> {
        ManuallyDrop::new(self).first
    }

    /// Takes up what [`into_raw`](Self::into_raw) has let go.
    ///
    /// # Safety
    ///
    /// `first` came from `into_raw` of a slice of `len` cells, and is taken up once.
    pub(super) unsafe fn from_raw(first: NonNull<T>, len: usize) -> Self {
        Self { first, len, left: layout::<T>(len).size(), cells: PhantomData }
    }

    /// Gives some of the memory back; true when nothing is left. The cells are gone from then on.
    ///
    /// # Safety
    ///
    /// Nobody uses the cells any more, and nobody will, but for calling this again.
    #[cfg(not(pool_loom))]
    pub(super) unsafe fn give_back_slice(&mut self) -> bool {
        let layout = layout::<T>(self.len);
        if !is_from_system(layout) {
            // SAFETY: the caller's word.
            unsafe { self.give_back_all() };
            return true;
        }
        let bytes = self.left.min(SLICE);
        self.left -= bytes;
        // SAFETY: within the mapping.
        let end = unsafe { self.first.cast::<u8>().add(self.left) };
        // SAFETY: the last bytes of what is left of our mapping, which nobody uses.
        unsafe { system::unmap(end, bytes) };
        self.left == 0
    }

    /// Gives all that is left back.
    ///
    /// # Safety
    ///
    /// As for [`give_back_slice`](Self::give_back_slice).
    unsafe fn give_back_all(&mut self) {
        let layout = layout::<T>(self.len);
        let left = std::mem::replace(&mut self.left, 0);
        if left == 0 {
            return;
        }
        if cfg!(pool_loom) {
            let cells = NonNull::slice_from_raw_parts(self.first, self.len);
            // SAFETY: initialised by `new`, and dropped once, here.
            unsafe { cells.drop_in_place() };
        }
        if is_from_system(layout) {
            // SAFETY: all that is left of our mapping.
            unsafe { system::unmap(self.first.cast(), left) };
        } else {
            // SAFETY: allocated by `new` with this layout.
            unsafe { dealloc(self.first.as_ptr().cast(), layout) };
        }
    }
}

impl<T: Zeroed> Deref for ZeroedSlice<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        // SAFETY: zeroed cells are valid, and they live as long as we do.
        unsafe { std::slice::from_raw_parts(self.first.as_ptr(), self.len) }
    }
}

impl<T: Zeroed> Drop for ZeroedSlice<T> {
    fn drop(&mut self) {
        // SAFETY: it is dropped once, by its owner.
        unsafe { self.give_back_all() };
    }
}

/// The layout of so many cells; whole pages when it is large.
fn layout<T>(len: usize) -> Layout {
    let pages = |layout: Layout| {
        let page = if layout.size() >= LARGE { 4096 } else { 1 };
        Layout::from_size_align(layout.size().next_multiple_of(page), layout.align())
    };
    match Layout::array::<T>(len).and_then(pages) {
        Ok(layout) => layout,
        // The configuration bounds the number of keys; the system refuses what is too much.
        Err(_) => unreachable!("a table of {len} cells"),
    }
}

/// Whether memory of this layout comes from the system.
fn is_from_system(layout: Layout) -> bool {
    system::IS_THERE && layout.size() >= LARGE
}

/// Zeroed memory.
fn allocate(layout: Layout, backing: Backing) -> NonNull<u8> {
    let memory = if is_from_system(layout) {
        system::map(layout.size(), backing)
    } else {
        // SAFETY: a cell has a size, and there is at least one.
        NonNull::new(unsafe { alloc_zeroed(layout) })
    };
    memory.unwrap_or_else(|| handle_alloc_error(layout))
}

/// Memory mappings.
#[cfg(all(target_os = "linux", not(miri), not(pool_loom)))]
mod system {
    use super::{Backing, HUGE_PAGE};
    use std::ptr::{self, NonNull};

    pub(super) const IS_THERE: bool = true;

    /// Maps zeroed pages; `None` when the system has none.
    pub(super) fn map(bytes: usize, backing: Backing) -> Option<NonNull<u8>> {
        let wants_huge = backing == Backing::Whole && bytes >= HUGE_PAGE;
        // Huge pages lie at multiples of their size: what sticks out on both sides is cut off.
        let spare = if wants_huge { HUGE_PAGE } else { 0 };
        let start = map_anywhere(bytes.checked_add(spare)?)?;
        let skipped = start.align_offset(spare.max(1));
        // SAFETY: at most `spare` bytes on, and so within the mapping.
        let memory = unsafe { start.add(skipped) };
        if wants_huge {
            // SAFETY: the part of the mapping before `memory`, which nobody uses.
            unsafe { unmap(start, skipped) };
            // SAFETY: within the mapping.
            let rest = unsafe { memory.add(bytes) };
            // SAFETY: the part of the mapping behind `memory`, which nobody uses.
            unsafe { unmap(rest, spare - skipped) };
        }
        let advice = if wants_huge { libc::MADV_HUGEPAGE } else { libc::MADV_NOHUGEPAGE };
        // SAFETY: the range is ours; the call changes how it is backed, not what is in it. That
        // there are no huge pages is no error.
        unsafe { libc::madvise(memory.as_ptr().cast(), bytes, advice) };
        Some(memory)
    }

    fn map_anywhere(bytes: usize) -> Option<NonNull<u8>> {
        let (rights, flags) =
            (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        // SAFETY: a new mapping, which touches no memory that is in use.
        let memory = unsafe { libc::mmap(ptr::null_mut(), bytes, rights, flags, -1, 0) };
        if memory == libc::MAP_FAILED { None } else { NonNull::new(memory.cast()) }
    }

    /// Unmaps pages.
    ///
    /// # Safety
    ///
    /// They are part of a mapping of [`map`]'s, and nobody uses them.
    pub(super) unsafe fn unmap(memory: NonNull<u8>, bytes: usize) {
        if bytes > 0 {
            // SAFETY: the caller's word.
            unsafe { libc::munmap(memory.as_ptr().cast(), bytes) };
        }
    }
}

/// No memory mappings: the allocator serves all sizes.
#[cfg(not(all(target_os = "linux", not(miri), not(pool_loom))))]
mod system {
    use super::Backing;
    use std::ptr::NonNull;

    pub(super) const IS_THERE: bool = false;

    pub(super) fn map(_: usize, _: Backing) -> Option<NonNull<u8>> {
        None
    }

    pub(super) unsafe fn unmap(_: NonNull<u8>, _: usize) {}
}

#[cfg(all(test, not(pool_loom)))]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

    // SAFETY: an integer.
    unsafe impl Zeroed for AtomicU64 {
        fn zeroed() -> Self {
            Self::new(0)
        }
    }

    #[test]
    fn cells_are_zero_and_can_be_written() {
        for (len, backing) in
            [(3, Backing::Gradual), (20_000, Backing::Gradual), (1 << 19, Backing::Whole)]
        {
            let len = if cfg!(miri) { len.min(300) } else { len };
            let cells = ZeroedSlice::<AtomicU64>::new(len, backing);

            assert!(cells.iter().all(|cell| cell.load(Relaxed) == 0));
            cells[len - 1].store(7, Relaxed);

            assert_eq!((cells.len(), cells[len - 1].load(Relaxed)), (len, 7));
        }
    }

    #[test]
    fn a_large_slice_for_long_use_begins_at_a_huge_page() {
        let len = 2 * HUGE_PAGE / size_of::<AtomicU64>();
        let cells = ZeroedSlice::<AtomicU64>::new(if cfg!(miri) { 3 } else { len }, Backing::Whole);

        assert!(!system::IS_THERE || cells.as_ptr().addr().is_multiple_of(HUGE_PAGE));
    }

    #[test]
    fn memory_is_given_back_in_slices() {
        let len = if cfg!(miri) { 10 } else { 5 * SLICE / 2 / size_of::<AtomicU64>() };
        let mut cells = ZeroedSlice::<AtomicU64>::new(len, Backing::Gradual);

        let mut slices = 1;
        // SAFETY: nobody uses the cells.
        while !unsafe { cells.give_back_slice() } {
            slices += 1;
        }

        assert_eq!(slices, if system::IS_THERE { 3 } else { 1 });
    }
}
