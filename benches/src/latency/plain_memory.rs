//! Contenders without a table: what the memory itself asks of whoever grows, and of whoever holds as
//! much of it as the others.

use crate::contender::{Contender, head};
use std::{
    hash::BuildHasher,
    ptr::{self, NonNull},
    sync::atomic::{
        AtomicU64, AtomicUsize,
        Ordering::{Acquire, Relaxed, Release},
    },
};

/// Memory of its own, in small pages, as the pool's table is.
#[derive(Debug)]
pub(super) struct Mapping {
    memory: Option<NonNull<u8>>,
    bytes: usize,
}

// SAFETY: it hands out addresses only; who uses them answers for it.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps so many bytes, none of which is touched.
    pub(super) fn new(bytes: usize) -> Self {
        let bytes = bytes.max(1);
        let (rights, flags) =
            (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        // SAFETY: a new mapping, which touches no memory that is in use.
        let memory = unsafe { libc::mmap(ptr::null_mut(), bytes, rights, flags, -1, 0) };
        let memory = NonNull::new(memory.cast::<u8>()).filter(|_| memory != libc::MAP_FAILED);
        if let Some(memory) = memory {
            // SAFETY: advice about the mapping above.
            unsafe { libc::madvise(memory.as_ptr().cast(), bytes, libc::MADV_NOHUGEPAGE) };
        }
        Self { memory, bytes }
    }

    /// Has the kernel find all pages now.
    pub(super) fn touch(&self) {
        if let Some(memory) = self.memory {
            // SAFETY: populating keeps what is in a mapping; where it cannot, nothing happens.
            unsafe { libc::madvise(memory.as_ptr().cast(), self.bytes, libc::MADV_POPULATE_WRITE) };
        }
    }

    /// The address of a byte; `None` beyond the end.
    #[inline(always)]
    fn at(&self, offset: usize) -> Option<NonNull<u8>> {
        // SAFETY: within the mapping, by the condition.
        self.memory.filter(|_| offset < self.bytes).map(|memory| unsafe { memory.add(offset) })
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        if let Some(memory) = self.memory {
            // SAFETY: mapped by `new`, of that size, and nobody uses it any more.
            unsafe { libc::munmap(memory.as_ptr().cast(), self.bytes) };
        }
    }
}

/// Bytes that each SET moves on: what the tables of a map that doubles come to for each insert, with
/// buckets of 64 bytes for two to four keys.
const STEP: usize = 64;

/// What the machine asks of whoever grows: a SET writes one byte in fresh memory, which on the first
/// of each page waits for the kernel to find and zero it, and under a hypervisor for the host to do
/// the same.
#[derive(Debug)]
pub struct FreshPages {
    mapping: Mapping,
    next: AtomicUsize,
}

impl Contender for FreshPages {
    const NAME: &'static str = "fresh pages";

    fn with_capacity(keys: usize) -> Self {
        Self { mapping: Mapping::new(keys * STEP), next: AtomicUsize::new(0) }
    }

    fn growing(_start: usize, limit: usize) -> Self {
        Self::with_capacity(limit)
    }

    #[inline(always)]
    fn get(&self, _key: &[u8]) -> Option<u64> {
        None
    }

    #[inline(always)]
    fn set(&self, _key: &[u8], _value: &[u8]) {
        if let Some(byte) = self.mapping.at(self.next.fetch_add(STEP, Relaxed)) {
            // SAFETY: mapped for writing, and nobody else's, since `next` hands it out once.
            unsafe { byte.write_volatile(1) };
        }
    }

    #[inline(always)]
    fn remove(&self, _key: &[u8]) -> bool {
        false
    }

    fn hold(&self, _key: &[u8], during: impl FnOnce()) {
        during();
    }
}

/// Bytes of a key's place: what the leanest of the others takes for one.
const PLACE: usize = 128;

/// What the machine asks of whoever holds as much: a place for each key in memory that was touched
/// before, found by its hash alone, and one word of it read or written. Nothing is allocated, moved,
/// compared or shared: an operation that takes long was the processor's, the kernel's or the
/// hypervisor's doing.
#[derive(Debug)]
pub struct TouchedPages {
    mapping: Mapping,
    hasher: foldhash::fast::RandomState,
}

impl TouchedPages {
    #[inline(always)]
    fn place(&self, key: &[u8]) -> Option<&AtomicU64> {
        let places = self.mapping.bytes / PLACE;
        #[expect(clippy::cast_possible_truncation, reason = "a hash")]
        let number = (self.hasher.hash_one(key) as usize).checked_rem(places)?;
        let place = self.mapping.at(number * PLACE)?.cast::<AtomicU64>();
        // SAFETY: mapped, aligned, zeroed at first, and accessed through such references only.
        Some(unsafe { place.as_ref() })
    }
}

impl Contender for TouchedPages {
    const NAME: &'static str = "touched pages";

    fn with_capacity(keys: usize) -> Self {
        let mapping = Mapping::new(keys * PLACE);
        mapping.touch();
        Self { mapping, hasher: foldhash::fast::RandomState::default() }
    }

    fn growing(_start: usize, limit: usize) -> Self {
        Self::with_capacity(limit)
    }

    #[inline(always)]
    fn get(&self, key: &[u8]) -> Option<u64> {
        self.place(key).map(|place| place.load(Acquire))
    }

    #[inline(always)]
    fn set(&self, key: &[u8], value: &[u8]) {
        if let Some(place) = self.place(key) {
            place.store(head(value), Release);
        }
    }

    #[inline(always)]
    fn remove(&self, _key: &[u8]) -> bool {
        false
    }

    fn hold(&self, _key: &[u8], during: impl FnOnce()) {
        during();
    }
}
