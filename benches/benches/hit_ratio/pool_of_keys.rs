//! The pool itself, with a limit on keys.

use crate::cache::{Cache, Seat};
use memory_cache_pool::{CacheConfig, EvictionPolicy, MemoryCachePool};

/// A pool of keys with empty values.
#[derive(Debug)]
pub(crate) struct Pool(MemoryCachePool);

impl Pool {
    /// An empty one with a policy.
    pub(crate) fn new(policy: EvictionPolicy, keys: usize) -> Self {
        let config = CacheConfig::new().max_keys(keys).eviction_policy(policy);
        Self(MemoryCachePool::new(config).unwrap_or_default())
    }
}

impl Cache for Pool {
    fn get(&self, _: &Seat, hash: u64) -> bool {
        matches!(self.0.get_with(hash.to_be_bytes(), |_| ()), Ok(Some(())))
    }

    fn set(&self, _: &Seat, hash: u64, _: u32) {
        // A set that fails shows as misses.
        let _ = self.0.set(hash.to_be_bytes(), "");
    }

    fn held(&self) -> u64 {
        self.0.dbsize() as u64
    }
}
