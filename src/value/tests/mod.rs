//! Hashes, sets and lists against the standard library's, by random edits.

#![expect(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a test may fail, and its random numbers are small"
)]

mod corrupt;
mod fields;
mod graves;
mod lists;
mod shared;

use super::tree::node::Node;
use std::hash::{BuildHasher, Hasher};

/// Pseudo-random numbers, the same at each run.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// A number below a bound.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((u128::from(self.0) * u128::from(bound)) >> 64) as u64
    }

    /// Whether one chance in so many comes true.
    pub(super) fn one_in(&mut self, chances: u64) -> bool {
        self.below(chances) == 0
    }

    /// A text: mostly short, sometimes a number, rarely long.
    pub(super) fn text(&mut self) -> Vec<u8> {
        let len = match self.below(100) {
            0 => 250 + self.below(20),
            1 => 500 + self.below(20),
            2 if self.one_in(4) => self.below(3_000),
            3 if self.one_in(100) => self.below(70_000),
            4..40 => return (self.below(1 << 40) as i64 - (1 << 20)).to_string().into_bytes(),
            _ => self.below(24),
        };
        (0..len).map(|_| self.below(256) as u8).collect()
    }
}

/// A hasher that tells texts apart by a few bits only.
#[derive(Clone, Copy)]
pub(super) struct Coarse {
    /// Keeps these bits of a good hash.
    pub(super) mask: u64,
}

pub(super) struct CoarseHasher(u64, u64);

impl BuildHasher for Coarse {
    type Hasher = CoarseHasher;

    fn build_hasher(&self) -> CoarseHasher {
        CoarseHasher(self.mask, 0xCBF2_9CE4_8422_2325)
    }
}

impl Hasher for CoarseHasher {
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.1 = (self.1 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3);
        }
        self.1 ^= self.1 >> 32;
        self.1 = self.1.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.1 ^= self.1 >> 29;
    }

    fn finish(&self) -> u64 {
        self.1 & self.0
    }
}

/// A hasher as the pool has one, but the same at each run.
fn good() -> foldhash::fast::FixedState {
    foldhash::fast::FixedState::with_seed(1)
}

#[test]
fn a_node_in_a_record_takes_a_word() {
    assert_eq!(size_of::<Option<Node>>(), 8);
    assert_eq!(size_of::<super::tree::fields::FieldTree>(), 16 + 32 * 8);
    assert_eq!(size_of::<super::list::ListRoot>(), 32);
}
