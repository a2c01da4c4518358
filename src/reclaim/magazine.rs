//! Free blocks by size, kept by the thread that freed them.
//!
//! A block that a thread frees is very likely the next one that it needs, and is still in its
//! cache. Each thread keeps a few blocks of every size class (a multiple of 16 bytes up to
//! [`LARGEST_BLOCK`]); beyond that, and for larger blocks, the global allocator is asked.

use std::{
    alloc::{Layout, alloc, dealloc, handle_alloc_error},
    ptr::NonNull,
};

/// Alignment of every block, which leaves four bits of a slot's word free.
pub(crate) const BLOCK_ALIGN: usize = 16;

/// The largest block that a magazine keeps, in bytes.
pub(crate) const LARGEST_BLOCK: usize = 1280;

/// Blocks kept per size class.
const ROUNDS: usize = 64;

/// Number of size classes.
const CLASSES: usize = LARGEST_BLOCK / BLOCK_ALIGN;

/// Rounds a size up to its class, which is what a block of that size really takes.
#[inline]
pub(crate) const fn block_bytes(size: usize) -> usize {
    (size + BLOCK_ALIGN - 1) & !(BLOCK_ALIGN - 1)
}

/// One thread's free blocks.
///
/// The classes share one flat array of stacks, allocated class by class at the first free.
#[derive(Debug)]
pub(crate) struct Magazines {
    classes: [Magazine; CLASSES],
}

/// The free blocks of one size class: a stack.
#[derive(Debug)]
struct Magazine {
    blocks: Vec<NonNull<u8>>,
}

impl Magazines {
    /// Creates empty magazines; nothing is allocated.
    pub(crate) fn new() -> Self {
        Self { classes: std::array::from_fn(|_| Magazine { blocks: Vec::new() }) }
    }

    /// Hands out a block of `bytes`, which must be a class size as [`block_bytes`] gives it, if one
    /// lies ready. Its content is arbitrary.
    #[inline]
    pub(crate) fn take(&mut self, bytes: usize) -> Option<NonNull<u8>> {
        debug_assert!(bytes > 0 && bytes.is_multiple_of(BLOCK_ALIGN));
        self.classes.get_mut(bytes / BLOCK_ALIGN - 1)?.blocks.pop()
    }

    /// Whether a block of a class size lies ready.
    pub(crate) fn has(&self, bytes: usize) -> bool {
        let class = self.classes.get(bytes / BLOCK_ALIGN - 1);
        class.is_some_and(|magazine| !magazine.blocks.is_empty())
    }

    /// Takes back a block of `bytes` that [`allocate`] has handed out, for whomever. Returns by how
    /// many bytes that changes what is taken from the allocator.
    ///
    /// # Safety
    ///
    /// `block` came from `allocate` with the same size, and nobody else uses it any more.
    #[inline]
    pub(crate) unsafe fn put(&mut self, block: NonNull<u8>, bytes: usize) -> i64 {
        if let Some(magazine) = self.classes.get_mut(bytes / BLOCK_ALIGN - 1)
            && magazine.blocks.len() < magazine.blocks.capacity()
        {
            fetch_for_writing(block, bytes);
            magazine.blocks.push(block);
            return 0;
        }
        // SAFETY: the caller's word.
        unsafe { self.put_elsewhere(block, bytes) }
    }

    /// Takes back a block for which there is no room: opens its magazine, if that was never used.
    ///
    /// # Safety
    ///
    /// As for [`put`](Self::put).
    #[cold]
    #[inline(never)]
    unsafe fn put_elsewhere(&mut self, block: NonNull<u8>, bytes: usize) -> i64 {
        if let Some(magazine) = self.classes.get_mut(bytes / BLOCK_ALIGN - 1)
            && magazine.blocks.capacity() == 0
        {
            magazine.blocks.reserve_exact(ROUNDS);
            magazine.blocks.push(block);
            return (ROUNDS * size_of::<NonNull<u8>>()) as i64;
        }
        // SAFETY: the caller hands the block over, and says that it came from `allocate` with the
        // same size.
        unsafe { release(block, bytes) };
        -(bytes as i64)
    }

    /// Returns every block to the global allocator; returns how many bytes those were, with the
    /// lists of them.
    pub(crate) fn clear(&mut self) -> usize {
        let mut given_back = 0;
        for (class, magazine) in self.classes.iter_mut().enumerate() {
            given_back += magazine.blocks.capacity() * size_of::<NonNull<u8>>();
            for block in std::mem::take(&mut magazine.blocks) {
                let bytes = (class + 1) * BLOCK_ALIGN;
                given_back += bytes;
                // SAFETY: a magazine owns its blocks, and each came from `allocate` with the size
                // of its class.
                unsafe { release(block, bytes) };
            }
        }
        given_back
    }

    /// Bytes that lie ready here.
    pub(crate) fn held_bytes(&self) -> usize {
        let bytes = |(class, magazine): (usize, &Magazine)| {
            (class + 1) * BLOCK_ALIGN * magazine.blocks.len()
        };
        self.classes.iter().enumerate().map(bytes).sum()
    }
}

impl Drop for Magazines {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Asks the processor for the lines of a block that is going to be written soon, as likely as not by
/// this thread's next write. The block was retired some hundred writes ago, and of its lines only
/// the one with the key was read then; without this, the compare-and-swap that publishes the next
/// record waits until they have come.
#[inline]
fn fetch_for_writing(block: NonNull<u8>, bytes: usize) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: a prefetch does not access memory in a way that can fault; where a processor does not
    // know this one, it is a no-op.
    unsafe {
        std::arch::asm!(
            "prefetchw [{first}]",
            "prefetchw [{second}]",
            "prefetchw [{last}]",
            first = in(reg) block.as_ptr(),
            second = in(reg) block.as_ptr().wrapping_add(64),
            last = in(reg) block.as_ptr().wrapping_add(bytes - 1),
            options(nostack, preserves_flags, readonly),
        );
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    let _ = (block, bytes);
}

/// The layout of a block of `bytes`.
fn layout(bytes: usize) -> Layout {
    match Layout::from_size_align(bytes, BLOCK_ALIGN) {
        Ok(layout) => layout,
        // Sizes are bounded by the limits on keys and values, far below `isize::MAX`.
        Err(_) => unreachable!("a block of {bytes} bytes"),
    }
}

/// Asks the global allocator for a block.
#[cold]
#[inline(never)]
pub(crate) fn allocate(bytes: usize) -> NonNull<u8> {
    let layout = layout(bytes);
    // SAFETY: the layout has a size, since `bytes` is at least one class.
    let block = unsafe { alloc(layout) };
    NonNull::new(block).unwrap_or_else(|| handle_alloc_error(layout))
}

/// Gives a block back to the global allocator.
///
/// # Safety
///
/// `block` came from [`allocate`] with the same size, and nobody else uses it any more.
#[cold]
#[inline(never)]
pub(crate) unsafe fn release(block: NonNull<u8>, bytes: usize) {
    // SAFETY: by the caller's word the block came from `alloc` with this layout.
    unsafe { dealloc(block.as_ptr(), layout(bytes)) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_freed_block_is_the_next_one_handed_out() {
        let mut magazines = Magazines::new();

        let first = allocate(128);
        assert_eq!(magazines.take(128), None);
        // SAFETY: `first` was just taken with this size.
        let list = unsafe { magazines.put(first, 128) };
        assert_eq!((list, magazines.has(128), magazines.has(112)), (512, true, false));
        let again = magazines.take(128);

        assert_eq!(again, Some(first));
        // SAFETY: as above.
        assert_eq!(unsafe { magazines.put(first, 128) }, 0);
        assert_eq!(magazines.clear(), 640);
    }

    #[test]
    fn a_magazine_holds_a_bounded_number_of_blocks() {
        let mut magazines = Magazines::new();
        let blocks: Vec<_> = (0..ROUNDS * 3).map(|_| allocate(32)).collect();

        for block in blocks {
            // SAFETY: each block was taken with this size and is put back once.
            unsafe { magazines.put(block, 32) };
        }

        assert_eq!(magazines.held_bytes(), ROUNDS * 32);
    }

    #[test]
    fn a_block_larger_than_the_largest_class_goes_straight_back() {
        let mut magazines = Magazines::new();

        let bytes = LARGEST_BLOCK + BLOCK_ALIGN;
        let block = allocate(bytes);
        // SAFETY: the block was just taken with this size.
        assert_eq!(unsafe { magazines.put(block, bytes) }, -(bytes as i64));

        assert_eq!((magazines.held_bytes(), magazines.take(bytes)), (0, None));
    }
}
