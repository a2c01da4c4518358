//! The contenders behind one trait: caches of keys, of which only the hits are of interest.

use crate::evict::local::Local;
use memory_cache_pool_benches::keys::Random;
use std::cell::RefCell;

/// What one thread keeps to itself.
#[derive(Debug)]
pub(crate) struct Seat {
    pub(crate) local: Local,
    random: RefCell<Random>,
}

impl Seat {
    pub(crate) fn new(seed: u64) -> Self {
        Self { local: Local::default(), random: RefCell::new(Random::new(seed)) }
    }

    /// A random number.
    pub(crate) fn draw(&self) -> u32 {
        (self.random.borrow_mut().draw() >> 32) as u32
    }
}

/// A cache under test. Keys come as hashes, which are unique here.
pub(crate) trait Cache: Sync {
    /// What the tables call it.
    fn name(&self) -> &'static str;

    /// Whether a key is there.
    fn get(&self, seat: &Seat, hash: u64) -> bool;

    /// Sets a key, to a value with which its record takes so many bytes.
    fn set(&self, seat: &Seat, hash: u64, bytes: usize);

    /// Keys and bytes that it holds.
    fn held(&self) -> (usize, u64);
}
