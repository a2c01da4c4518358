//! A contender that does nothing but take memory that the process has not touched yet.

use crate::contender::Contender;
use std::{
    ptr::{self, NonNull},
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

/// Bytes that each SET moves on: what the tables of a map that doubles come to for each insert, with
/// buckets of 64 bytes for two to four keys.
const STEP: usize = 64;

/// What the machine asks of whoever grows: a SET writes one byte in fresh memory, which on the first
/// of each page waits for the kernel to find and zero it, and under a hypervisor for the host to do
/// the same.
#[derive(Debug)]
pub struct FreshPages {
    memory: Option<NonNull<u8>>,
    bytes: usize,
    next: AtomicUsize,
}

// SAFETY: the memory is its own, and each byte is written once, by whoever `next` has given it to.
unsafe impl Sync for FreshPages {}

impl Contender for FreshPages {
    const NAME: &'static str = "fresh pages";

    fn with_capacity(keys: usize) -> Self {
        let bytes = (keys * STEP).max(1);
        let (rights, flags) =
            (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        // SAFETY: a new mapping, which touches no memory that is in use.
        let memory = unsafe { libc::mmap(ptr::null_mut(), bytes, rights, flags, -1, 0) };
        let memory = NonNull::new(memory.cast()).filter(|_| memory != libc::MAP_FAILED);
        Self { memory, bytes, next: AtomicUsize::new(0) }
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
        let at = self.next.fetch_add(STEP, Relaxed);
        if let Some(memory) = self.memory.filter(|_| at < self.bytes) {
            // SAFETY: within the mapping, by the condition above.
            let byte = unsafe { memory.add(at) };
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

impl Drop for FreshPages {
    fn drop(&mut self) {
        if let Some(memory) = self.memory {
            // SAFETY: mapped by `with_capacity`, of that size, and nobody uses it any more.
            unsafe { libc::munmap(memory.as_ptr().cast(), self.bytes) };
        }
    }
}
