//! The pool itself, with a limit on keys or on the memory in use.

use crate::cache::{Cache, Limit};
use memory_cache_pool::{CacheConfig, EvictionPolicy, MemoryCachePool};

/// What a record of the pool takes besides its value: a header, and here a key of eight bytes.
pub(crate) const RECORD_BYTES: u32 = 32 + 8;

/// What values are parts of.
static TEXT: [u8; 1 << 13] = [b'v'; 1 << 13];

/// A table of this size and more comes from the system.
const MAPPED: usize = 64 << 10;

/// The value with which a record weighs so much.
pub(crate) fn value(weight: u32) -> &'static [u8] {
    &TEXT[..weight.saturating_sub(RECORD_BYTES) as usize]
}

/// A pool with values of as many bytes as a weight leaves for them.
#[derive(Debug)]
pub(crate) struct Pool {
    pool: MemoryCachePool,
    is_on_keys: bool,
}

impl Pool {
    /// An empty one with a policy.
    pub(crate) fn new(policy: EvictionPolicy, limit: Limit) -> Self {
        let config = CacheConfig::new().capacity(limit.keys).eviction_policy(policy);
        let config = if limit.is_on_keys {
            config.max_keys(limit.keys)
        } else {
            let empty = empty_bytes(config.clone());
            config.max_memory(limit.weight + empty)
        };
        let pool = MemoryCachePool::new(config).unwrap_or_default();
        Self { pool, is_on_keys: limit.is_on_keys }
    }
}

/// What a pool takes that holds nothing: the table, the wheel, what a thread keeps. The peers count
/// nothing of that kind, so the pool gets it on top of the limit.
fn empty_bytes(config: CacheConfig) -> u64 {
    // A limit that is not reached, because only a pool with one remembers what it evicts.
    let pool = MemoryCachePool::new(config.max_memory(1 << 40)).unwrap_or_default();
    // A write, so that the thread has what it keeps.
    let _ = pool.set("", "");
    pool.delete("");
    pool.get_stats().memory_usage as u64
}

impl Cache for Pool {
    fn get(&self, hash: u64) -> bool {
        matches!(self.pool.get_with(hash.to_be_bytes(), |_| ()), Ok(Some(())))
    }

    fn set(&self, hash: u64, weight: u32) {
        // A set that fails shows as misses.
        let _ = self.pool.set(hash.to_be_bytes(), value(weight));
    }

    fn mapped(&self) -> u64 {
        let table = self.pool.get_stats().table_bytes;
        if table < MAPPED { 0 } else { table as u64 }
    }

    fn held(&self) -> u64 {
        if self.is_on_keys {
            self.pool.dbsize() as u64
        } else {
            self.pool.get_stats().record_bytes as u64
        }
    }
}
