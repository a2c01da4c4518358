//! Policies by what they choose from, and pools with limits.

use memory_cache_pool::{CacheConfig, EvictionPolicy, ManualClock, MemoryCachePool};
use std::sync::Arc;

/// Those that may choose any key.
pub(crate) const ALL_KEYS: [EvictionPolicy; 3] =
    [EvictionPolicy::AllKeysLru, EvictionPolicy::AllKeysLfu, EvictionPolicy::AllKeysRandom];
/// Those that choose from keys with a deadline.
pub(crate) const VOLATILE: [EvictionPolicy; 4] = [
    EvictionPolicy::VolatileLru,
    EvictionPolicy::VolatileLfu,
    EvictionPolicy::VolatileRandom,
    EvictionPolicy::VolatileTtl,
];

/// A pool as configured.
pub(crate) fn pool(config: CacheConfig) -> MemoryCachePool {
    MemoryCachePool::new(config).unwrap_or_default()
}

/// A pool with a limit on keys, and its clock.
pub(crate) fn pool_of(keys: usize, policy: EvictionPolicy) -> (MemoryCachePool, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(1_000_000));
    let config = CacheConfig::new().max_keys(keys).eviction_policy(policy).clock(clock.clone());
    (pool(config), clock)
}
