//! A chunk: some cells for the entries of one tick, in one block.
//!
//! ```text
//! offset  0  next u64: the chunk below in its slot's stack
//!         8  label u64: tick << 2 | class
//!        16  filled u32: how many cells are filled at least, and so where to look for one that is not
//!        20  claimed u32: [31] unlinked | cells handed to helpers
//!        24  cells u64: 5, 13, 29 or 61 of them by class, so that the block has 64 to 512 bytes
//!
//! cell    0          nobody has written it yet
//!         hint       an entry
//!         all ones   TAKEN: nobody may write it any more, nor one behind it
//! ```

use crate::{
    reclaim::{
        Guard, Retired,
        magazine::{self, block_bytes},
    },
    sync::{AtomicPtr, AtomicU32, AtomicU64, CHUNK_CELLS, Mutant, Ordering, UnsafeCell, is_mutant},
    wheel::hint::Hint,
};
use std::{
    marker::PhantomData,
    mem::ManuallyDrop,
    ptr::{self, NonNull},
};

/// A cell that nobody has written.
const EMPTY: u64 = 0;
/// A cell at which the chunk has ended.
const TAKEN: u64 = u64::MAX;
/// In `claimed`: somebody has unlinked the chunk; only models look.
const UNLINKED: u32 = 1 << 31;
/// Where a label's tick begins.
const TICK_SHIFT: u32 = 2;
/// The largest class.
const LAST_CLASS: usize = CHUNK_CELLS.len() - 1;

const _: () = assert!(CHUNK_CELLS.len() <= 1 << TICK_SHIFT);

/// The beginning of every chunk.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Chunk {
    next: UnsafeCell<*mut Self>,
    label: UnsafeCell<u64>,
    filled: AtomicU32,
    claimed: AtomicU32,
}

/// How a writer fared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Filled {
    /// The entry is in a cell.
    Done,
    /// There is none left for it.
    Full,
    /// There is none for it; the chunk is being drained.
    Ended,
}

/// A chunk that a guard keeps alive.
///
/// It is a pointer to the whole block, where `&Chunk` would reach the header only.
#[derive(Clone, Copy, Debug)]
pub(super) struct Linked<'g> {
    chunk: NonNull<Chunk>,
    guard: PhantomData<&'g ()>,
}

/// The top of a slot's stack.
#[inline]
pub(super) fn load<'g>(head: &AtomicPtr<Chunk>, _guard: &'g Guard<'_>) -> Option<Linked<'g>> {
    // ORDERING: Acquire, edge `link→use`: the chunk's header and its first entry. Chunks below were
    // published by earlier writes to this head, which later ones carry on, being RMWs.
    let top = NonNull::new(head.load(Ordering::Acquire))?;
    Some(Linked { chunk: top, guard: PhantomData })
}

impl Linked<'_> {
    #[inline]
    fn header(&self) -> &Chunk {
        // SAFETY: linked under the guard whose lifetime we have, and therefore not freed.
        unsafe { self.chunk.as_ref() }
    }

    #[inline]
    fn label(&self) -> u64 {
        // SAFETY: written while the chunk was private, before the CAS that linked it.
        self.header().label.with(|label| unsafe { *label })
    }

    /// The tick at which its entries fire.
    #[inline]
    pub(super) fn tick(&self) -> u64 {
        self.label() >> TICK_SHIFT
    }

    /// Bytes of its block.
    pub(super) fn bytes(&self) -> usize {
        block_of(class_of(self.label()))
    }

    /// The class of a chunk on top of it, for more entries of the same tick.
    #[inline]
    pub(super) fn next_class(&self) -> usize {
        (class_of(self.label()) + 1).min(LAST_CLASS)
    }

    #[inline]
    fn cell(&self, index: usize) -> &AtomicU64 {
        debug_assert!(index < self.cells());
        // SAFETY: the block is of a class that has this cell.
        let cell = unsafe { cell(self.chunk, index) };
        // SAFETY: the cell was written before the chunk was linked, and is not freed for the guard's
        // sake.
        unsafe { cell.as_ref() }
    }

    /// Cells of the chunk.
    #[inline]
    pub(super) fn cells(&self) -> usize {
        CHUNK_CELLS[class_of(self.label())]
    }

    /// Writes an entry into the first empty cell.
    ///
    /// Lock-free: goes on to the next cell only when another push has filled this one.
    #[inline]
    pub(super) fn fill(&self, hint: Hint) -> Filled {
        let header = self.header();
        // ORDERING: Relaxed; says where to begin. The cells before it are filled for good (L4).
        let known = header.filled.load(Ordering::Relaxed);
        let cells = self.cells();
        for index in known as usize..cells {
            if is_mutant(Mutant::FilledBeforeWritten) {
                self.note_filled(index);
            }
            match self.write(index, hint) {
                EMPTY => {
                    self.note_filled(index);
                    return Filled::Done;
                }
                TAKEN => return Filled::Ended,
                _ => {}
            }
        }
        Filled::Full
    }

    /// Writes a cell if it is empty; returns what it was.
    #[inline]
    fn write(&self, index: usize, hint: Hint) -> u64 {
        let cell = self.cell(index);
        if is_mutant(Mutant::FillByStore) {
            // ORDERING: Acquire and Release as below; between the two others can write the cell.
            let seen = cell.load(Ordering::Acquire);
            if seen == EMPTY {
                cell.store(hint.raw(), Ordering::Release);
            }
            return seen;
        }
        // ORDERING: Release, edge `write→fire`: who fires the entry finds the record that was
        // published before. Acquire on failure, edge `take→late`.
        match cell.compare_exchange(EMPTY, hint.raw(), Ordering::Release, Ordering::Acquire) {
            Ok(seen) | Err(seen) => seen,
        }
    }

    /// Says that a cell is filled, as are all before it.
    #[inline]
    fn note_filled(&self, index: usize) {
        #[expect(clippy::cast_possible_truncation, reason = "a chunk has few cells")]
        let filled = index as u32 + 1;
        // ORDERING: Relaxed; as in `fill`. It goes back when a writer has slept before this.
        self.header().filled.store(filled, Ordering::Relaxed);
    }

    /// Claims cells for the caller alone; returns the first, which may be behind the last one there is.
    pub(super) fn claim(&self, cells: usize) -> usize {
        let claimed = &self.header().claimed;
        #[expect(clippy::cast_possible_truncation, reason = "a claim is a few cells")]
        let cells = cells as u32;
        if is_mutant(Mutant::ClaimByStore) {
            // ORDERING: the mutant claims by two steps; two helpers can get the same cells.
            let first = claimed.load(Ordering::Relaxed);
            // ORDERING: as above.
            claimed.store(first + cells, Ordering::Relaxed);
            return first as usize;
        }
        // ORDERING: Relaxed; that no two get the same cells is the RMW's atomicity. What is in them
        // comes through the cells.
        (claimed.fetch_add(cells, Ordering::Relaxed) & !UNLINKED) as usize
    }

    /// Takes the entry out of a cell that was claimed; none when the chunk ends here, which it does
    /// from now on, if nobody has written the cell.
    #[inline]
    pub(super) fn take(&self, index: usize) -> Option<Hint> {
        let cell = self.cell(index);
        // ORDERING: Acquire, edge `write→fire`.
        let mut raw = cell.load(Ordering::Acquire);
        if raw == EMPTY && !is_mutant(Mutant::PassOverUnwritten) {
            // ORDERING: AcqRel: Acquire as above; Release, edge `take→late`: the writer who comes to
            // this cell has to see that its tick has come.
            raw = cell.swap(TAKEN, Ordering::AcqRel);
        }
        (raw != EMPTY).then(|| Hint::from_raw(raw))
    }

    /// Takes the chunk off its slot's stack, if it is on top; true for one caller.
    pub(super) fn unlink(&self, head: &AtomicPtr<Chunk>) -> bool {
        // SAFETY: written while the chunk was private, before the CAS that linked it.
        let next = self.header().next.with(|next| unsafe { *next });
        let next = if is_mutant(Mutant::UnlinkChain) { ptr::null_mut() } else { next };
        // ORDERING: Relaxed; the RMW carries on what published the chunk below. That the slot has
        // been left is said by another write.
        head.compare_exchange(self.chunk.as_ptr(), next, Ordering::Relaxed, Ordering::Relaxed)
            .is_ok()
    }

    /// Hands an unlinked chunk to the collector.
    ///
    /// # Safety
    ///
    /// The caller has unlinked it.
    pub(super) unsafe fn retire(self, guard: &Guard<'_>) {
        let class = class_of(self.label());
        if cfg!(pool_loom) {
            // ORDERING: Relaxed; a mark for the model.
            let before = self.header().claimed.fetch_or(UNLINKED, Ordering::Relaxed);
            assert_eq!(before & UNLINKED, 0, "broken: a chunk is retired twice");
        }
        if is_mutant(Mutant::FreeChunkAtOnce) {
            // SAFETY: none; the mutant lets others write to a block that is somebody else's by then.
            unsafe { guard.put_block(self.chunk.cast(), block_of(class)) };
            return;
        }
        // SAFETY: unlinked by the caller, and taken with this size.
        unsafe { guard.retire(retired(self.chunk, class)) };
    }
}

/// Frees a stack of chunks that nobody else can reach.
///
/// # Safety
///
/// As it says; `top` is null or was taken from a slot of a wheel that is being dropped.
pub(super) unsafe fn free_stack(mut top: *mut Chunk) {
    while let Some(chunk) = NonNull::new(top) {
        let linked = Linked { chunk, guard: PhantomData };
        // SAFETY: written before the chunk was linked.
        top = linked.header().next.with(|next| unsafe { *next });
        let retired = retired(chunk, class_of(linked.label()));
        // SAFETY: nobody else can reach it, so that there is no grace period to wait for.
        if let (Some((block, bytes)), _) = unsafe { retired.finish() } {
            // SAFETY: `finish` leaves the block to us, of the size it was taken with.
            unsafe { magazine::release(block, bytes) };
        }
    }
}

/// A chunk that nobody else has seen, with one entry in it; freed unless it is linked.
#[derive(Debug)]
pub(super) struct Draft<'g, 'd> {
    chunk: NonNull<Chunk>,
    class: usize,
    guard: &'g Guard<'d>,
}

impl<'g, 'd> Draft<'g, 'd> {
    /// Takes a block and writes the entry into its first cell.
    pub(super) fn new(class: usize, tick: u64, hint: Hint, guard: &'g Guard<'d>) -> Self {
        let chunk = guard.take_block(block_of(class)).cast::<Chunk>();
        let header = Chunk {
            next: UnsafeCell::new(ptr::null_mut()),
            label: UnsafeCell::new(tick << TICK_SHIFT | class as u64),
            filled: AtomicU32::new(1),
            claimed: AtomicU32::new(0),
        };
        // SAFETY: the block is ours, large enough and aligned.
        unsafe { chunk.write(header) };
        for index in 0..CHUNK_CELLS[class] {
            let content = if index == 0 { hint.raw() } else { EMPTY };
            // SAFETY: the block was taken with room for the cells of this class.
            let cell = unsafe { cell(chunk, index) };
            // SAFETY: as above.
            unsafe { cell.write(AtomicU64::new(content)) };
        }
        Self { chunk, class, guard }
    }

    /// Bytes of its block.
    pub(super) fn bytes(&self) -> usize {
        block_of(self.class)
    }

    /// Puts the chunk on top of a slot's stack, if `top` is still what is there.
    pub(super) fn link(self, head: &AtomicPtr<Chunk>, top: Option<Linked<'_>>) -> Result<(), Self> {
        let top = top.map_or(ptr::null_mut(), |top| top.chunk.as_ptr());
        // SAFETY: the chunk is valid.
        let header = unsafe { self.chunk.as_ref() };
        // SAFETY: the chunk is private until the CAS below.
        header.next.with_mut(|next| unsafe { *next = top });
        let linked = head.compare_exchange(
            top,
            self.chunk.as_ptr(),
            // ORDERING: Release, edges `link→use` and `write→fire`. Acquire, edge `leave→late`: who
            // finds the slot left has to see that its tick has come. Relaxed on failure: the caller
            // loads again.
            Ordering::AcqRel,
            Ordering::Relaxed,
        );
        if linked.is_err() {
            return Err(self);
        }
        let _ = ManuallyDrop::new(self);
        Ok(())
    }
}

impl Drop for Draft<'_, '_> {
    fn drop(&mut self) {
        // SAFETY: the chunk is private, and dropped once, here.
        unsafe { drop_content(self.chunk.cast()) };
        // SAFETY: the block was taken from this guard's domain with this size, and nobody else has
        // seen it.
        unsafe { self.guard.put_block(self.chunk.cast(), block_of(self.class)) };
    }
}

/// The class in a label.
#[inline]
fn class_of(label: u64) -> usize {
    (label & ((1 << TICK_SHIFT) - 1)) as usize
}

/// Bytes of a chunk's block.
#[inline]
pub(super) fn block_of(class: usize) -> usize {
    block_bytes(size_of::<Chunk>() + CHUNK_CELLS[class] * size_of::<AtomicU64>())
}

/// The place of a cell.
///
/// # Safety
///
/// `chunk` is a block of a class that has this cell.
#[inline]
unsafe fn cell(chunk: NonNull<Chunk>, index: usize) -> NonNull<AtomicU64> {
    // SAFETY: the cells lie behind the header, in the same block.
    let cells = unsafe { chunk.add(1) }.cast::<AtomicU64>();
    // SAFETY: the caller's word.
    unsafe { cells.add(index) }
}

/// How a chunk is given back.
fn retired(chunk: NonNull<Chunk>, class: usize) -> Retired {
    let block = chunk.cast();
    #[expect(clippy::cast_possible_truncation, reason = "at most 512 bytes")]
    let bytes = block_of(class) as u32;
    if cfg!(not(pool_loom)) {
        return Retired::Block { block, bytes };
    }
    Retired::Owner { block, bytes, held: 0, drop_content }
}

/// Drops what a chunk holds: nothing, but under loom its atomics have destructors.
///
/// # Safety
///
/// `block` is a chunk that nobody else can reach.
unsafe fn drop_content(block: NonNull<u8>) -> usize {
    let chunk = block.cast::<Chunk>();
    // SAFETY: valid by the caller's word; the label was written before anybody else saw it.
    let label = unsafe { chunk.as_ref() }.label.with(|label| unsafe { *label });
    for index in 0..CHUNK_CELLS[class_of(label)] {
        // SAFETY: the chunk has the cells of its class.
        let cell = unsafe { cell(chunk, index) };
        // SAFETY: dropped once, here.
        unsafe { cell.drop_in_place() };
    }
    // SAFETY: as above.
    unsafe { chunk.drop_in_place() };
    0
}

#[cfg(all(test, not(pool_loom)))]
mod tests {
    use super::*;

    #[test]
    fn chunks_have_the_sizes_of_blocks() {
        let sizes: Vec<_> = (0..=LAST_CLASS).map(block_of).collect();

        assert_eq!(sizes, [64, 128, 256, 512]);
    }
}
