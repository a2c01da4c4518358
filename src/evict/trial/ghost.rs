//! Ghosts: fingerprints of keys that failed their trial lately.
//!
//! A key that comes back before its ghost has faded was evicted too soon, and goes to the main part
//! at once. Four fingerprints of 16 bits share a word, the newest in the lowest lane; a new one
//! pushes the oldest out. So a ghost lasts for about as many failures as there are lanes, exactly
//! so on average only.
//!
//! The word is all there is to know, and nothing else depends on it: every access is Relaxed, and a
//! lost race loses a ghost at most.

use super::ring::zeroed;
use crate::{
    prefetch::prefetch,
    sync::{AtomicU64, Mutant, Ordering, is_mutant},
};

/// Fingerprints in a word.
const LANES: usize = 4;
const LANE_BITS: usize = 16;
const LANE: u64 = (1 << LANE_BITS) - 1;

/// A table of fingerprints.
#[derive(Debug)]
pub(super) struct Ghosts(Box<[AtomicU64]>);

impl Ghosts {
    /// A table that remembers about `count` keys.
    pub(super) fn new(count: usize) -> Self {
        Self(zeroed(count.div_ceil(LANES).max(1)))
    }

    /// Asks the processor for what [`remember`](Self::remember) or [`take`](Self::take) will need.
    #[inline]
    pub(super) fn expect(&self, hash: u64) {
        prefetch(self.find(hash).0);
    }

    /// Remembers a key that has failed.
    ///
    /// Lock-free: tries again only when another change of the word succeeded.
    pub(super) fn remember(&self, hash: u64) {
        let (set, print) = self.find(hash);
        // ORDERING: Relaxed; as the module says.
        let mut word = set.load(Ordering::Relaxed);
        while let Err(now) = swap(set, word, word << LANE_BITS | print) {
            word = now;
        }
    }

    /// Whether a key has failed lately; true for one of those who ask.
    ///
    /// Lock-free: tries again only when another change of the word succeeded.
    pub(super) fn take(&self, hash: u64) -> bool {
        let (set, print) = self.find(hash);
        // ORDERING: Relaxed; as the module says.
        let mut word = set.load(Ordering::Relaxed);
        loop {
            let lane_of = |lane: &usize| word >> (lane * LANE_BITS) & LANE == print;
            let Some(lane) = (0..LANES).find(lane_of) else { return false };
            match swap(set, word, word & !(LANE << (lane * LANE_BITS))) {
                Ok(()) => return true,
                Err(now) => word = now,
            }
        }
    }

    /// How many words it has.
    pub(super) fn words(&self) -> usize {
        self.0.len()
    }

    /// The word of a hash, and its fingerprint in it, which is not 0.
    ///
    /// The lower half of the hash chooses the word, the uppermost bits are the fingerprint.
    fn find(&self, hash: u64) -> (&AtomicU64, u64) {
        let low = hash & u64::from(u32::MAX);
        let index = (low * self.0.len() as u64) >> u32::BITS;
        (&self.0[index as usize], (hash >> (u64::BITS as usize - LANE_BITS)).max(1))
    }
}

/// Replaces a word, if it is still the one seen; tells what it is otherwise.
fn swap(set: &AtomicU64, seen: u64, next: u64) -> Result<(), u64> {
    if is_mutant(Mutant::GhostByStore) {
        // ORDERING: Relaxed; a mutant's step, which overwrites others'.
        set.store(next, Ordering::Relaxed);
        return Ok(());
    }
    // ORDERING: Relaxed; as the module says.
    set.compare_exchange(seen, next, Ordering::Relaxed, Ordering::Relaxed).map(|_| ())
}

#[cfg(all(test, not(pool_loom)))]
mod tests {
    use super::*;

    /// A hash with a fingerprint of its own, in the first word.
    fn hash(number: u64) -> u64 {
        number << 48
    }

    #[test]
    fn a_ghost_is_taken_once() {
        let ghosts = Ghosts::new(100);

        assert!(!ghosts.take(hash(5)));
        ghosts.remember(hash(5));
        assert!(!ghosts.take(hash(6)));
        assert!(ghosts.take(hash(5)));
        assert!(!ghosts.take(hash(5)));
    }

    #[test]
    fn the_oldest_of_a_word_fades_first() {
        let ghosts = Ghosts::new(4);

        for number in 1..=5 {
            ghosts.remember(hash(number));
        }

        assert!(!ghosts.take(hash(1)));
        assert!((2..=5).all(|number| ghosts.take(hash(number))));
    }

    #[test]
    fn a_ghost_lasts_for_as_many_failures_as_there_are_lanes_on_average() {
        let lanes = if cfg!(miri) { 400 } else { 40_000 };
        let ghosts = Ghosts::new(lanes);
        let hash = |number: usize| (number as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        for number in 0..3 * lanes {
            ghosts.remember(hash(number));
        }

        let left = (0..3 * lanes).rev().map(|number| ghosts.take(hash(number)));
        let left: Vec<_> = left.collect();

        // Failures fall into words at random: half of those of the last `lanes` and more are left,
        // next to none of those twice as old.
        let young = left[..lanes / 2].iter().filter(|is_left| **is_left).count();
        let old = left[2 * lanes..].iter().filter(|is_left| **is_left).count();
        assert!(young > lanes / 2 * 9 / 10, "{young}");
        assert!(old < lanes / 10, "{old}");
    }
}
