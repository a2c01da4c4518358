//! Where randomness comes from: fresh for each pool, and none at all in models, whose every run has
//! to take the same steps.

/// The hash function's seeds of one pool.
#[cfg(not(pool_loom))]
pub(crate) type KeyHasher = foldhash::fast::RandomState;

/// The hash function's seeds of one pool.
#[cfg(pool_loom)]
pub(crate) type KeyHasher = foldhash::fast::FixedState;

/// A seed for pseudo-random numbers.
pub(crate) fn random_seed() -> u64 {
    use std::hash::BuildHasher;
    if cfg!(pool_loom) { 1 } else { foldhash::quality::RandomState::default().hash_one(0) }
}
