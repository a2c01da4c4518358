//! The contenders behind one trait: caches of keys, of which only the hits are of interest.

use crate::{peers, pool_of_keys::Pool};
use memory_cache_pool::EvictionPolicy;

/// A cache under test. Keys come as hashes, which are unique.
pub(crate) trait Cache: Sync {
    /// Whether a key is there.
    fn get(&self, hash: u64) -> bool;

    /// Sets a key, to a value with which it weighs so much.
    fn set(&self, hash: u64, weight: u32);

    /// How much it holds: the sum of the weights.
    fn held(&self) -> u64;

    /// Bytes that it has from the system and not from the allocator.
    fn mapped(&self) -> u64 {
        0
    }
}

/// What a cache may hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limit {
    /// The sum of the weights.
    pub(crate) weight: u64,
    /// How many keys that is about, for those who have to size something.
    pub(crate) keys: usize,
    /// Whether every weight is 1, so that the limit is one on keys.
    pub(crate) is_on_keys: bool,
}

impl Limit {
    /// So many keys.
    pub(crate) fn of_keys(keys: usize) -> Self {
        Self { weight: keys as u64, keys, is_on_keys: true }
    }

    /// So many bytes, in which there is room for about so many keys.
    pub(crate) fn of_bytes(bytes: u64, keys: usize) -> Self {
        Self { weight: bytes, keys, is_on_keys: false }
    }
}

/// A cache that takes part.
#[derive(Clone, Copy)]
pub(crate) struct Contender {
    /// What the tables call it.
    pub(crate) name: &'static str,
    /// Builds an empty one.
    pub(crate) build: fn(Limit) -> Box<dyn Cache>,
}

/// The caches that take part; the pool's own policies come first.
pub(crate) const CONTENDERS: [Contender; 5] = [
    Contender { name: "pool lru", build: |limit| pool(EvictionPolicy::AllKeysLru, limit) },
    Contender { name: "pool lfu", build: |limit| pool(EvictionPolicy::AllKeysLfu, limit) },
    Contender { name: "moka", build: |limit| Box::new(peers::Moka::new(limit)) },
    Contender { name: "quick_cache", build: |limit| Box::new(peers::QuickCache::new(limit)) },
    Contender { name: "foyer", build: |limit| Box::new(peers::Foyer::new(limit)) },
];

fn pool(policy: EvictionPolicy, limit: Limit) -> Box<dyn Cache> {
    Box::new(Pool::new(policy, limit))
}

/// Where the pool's policies stand in [`CONTENDERS`].
pub(crate) const LRU: usize = 0;
/// As [`LRU`].
pub(crate) const LFU: usize = 1;
