//! One limit on memory for all databases.
//!
//! Each database is a pool with a limit of its own. The limits of all of them sum up to `maxmemory`,
//! so that together they keep it at any moment; each has what it uses, and an equal share of what is
//! free. Shares are made anew when a database is opened, ten times a second, and when a write finds
//! no room: it is tried once more then. Until then a database that grows fast may evict although
//! another has room. With one database in use, which is the rule, its limit is the whole.
//!
//! Nothing is changed as long as nobody sets `maxmemory`: the host's pool keeps the limit that its
//! host gave it, which is the limit of all then.

use crate::databases::Databases;
use memory_cache_pool::{ByteSize, CacheConfig, EvictionPolicy};

/// The least that a pool can have.
const LEAST: u64 = 64 << 10;

/// A limit and what makes room at it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct MemoryLimit {
    /// Bytes in all; none is no limit.
    pub(crate) bytes: Option<u64>,
    pub(crate) policy: EvictionPolicy,
}

impl MemoryLimit {
    /// How a pool begins under this limit, alone.
    pub(crate) fn config(self) -> CacheConfig {
        let config = CacheConfig::new().eviction_policy(self.policy);
        match self.bytes {
            Some(bytes) => config.max_memory(bytes.max(LEAST)),
            None => config,
        }
    }
}

/// What each may have of `limit`, by what each uses.
fn shares(limit: u64, used: &[u64]) -> Vec<u64> {
    let total: u64 = used.iter().sum();
    let count = used.len().max(1) as u64;
    let share = |used: &u64| match limit.checked_sub(total) {
        Some(free) => used + free / count,
        None => {
            let part = u128::from(limit) * u128::from(*used) / u128::from(total.max(1));
            u64::try_from(part).unwrap_or(limit)
        }
    };
    used.iter().map(|used| share(used).max(LEAST)).collect()
}

impl Databases {
    /// Gives every database its share anew; false when there is nothing to share.
    pub(crate) fn share_memory(&self) -> bool {
        let pools = self.used();
        let Some(limit) = self.limit().bytes else { return false };
        if pools.len() < 2 {
            return false;
        }
        let used: Vec<_> =
            pools.iter().map(|(_, pool)| pool.get_stats().memory_usage as u64).collect();
        for ((_, pool), share) in pools.iter().zip(shares(limit, &used)) {
            // It is not below the least, which is all that could be wrong.
            let _set = pool.set_max_memory(Some(ByteSize(share)));
        }
        true
    }

    /// Sets the limit of all databases together, and what makes room at it.
    pub(crate) fn set_limit(&self, limit: MemoryLimit) {
        self.remember_limit(limit);
        for (_, pool) in self.used() {
            pool.set_eviction_policy(limit.policy);
            // As above.
            let _set = pool.set_max_memory(limit.bytes.map(|bytes| ByteSize(bytes.max(LEAST))));
        }
        self.share_memory();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use memory_cache_pool::MemoryCachePool;

    #[test]
    fn shares_are_what_is_used_and_a_part_of_what_is_free() {
        let mb = |amount: u64| amount << 20;
        assert_eq!(shares(mb(100), &[mb(50)]), [mb(100)]);
        assert_eq!(shares(mb(100), &[mb(50), mb(10)]), [mb(70), mb(30)]);
        assert_eq!(shares(mb(30), &[mb(50), mb(10)]), [mb(25), mb(5)]);
        assert_eq!(shares(1, &[0, 0]), [LEAST, LEAST]);
    }

    #[test]
    fn databases_keep_one_limit_together() {
        let limit = MemoryLimit { bytes: Some(8 << 20), policy: EvictionPolicy::NoEviction };
        let host = MemoryCachePool::new(limit.config()).unwrap();
        let databases = Databases::new(host, 3, limit);
        let value = vec![0; 1000];
        for number in 0..30_000 {
            let (pool, _) = databases.open(number % 3).unwrap();
            if pool.set(format!("{number}"), &value).is_err() {
                databases.share_memory();
            }
        }
        let used = databases.used();
        let total: u64 = used.iter().map(|(_, pool)| pool.get_stats().memory_usage as u64).sum();
        assert!(total > 6 << 20 && total < 9 << 20, "{total}");
        databases.set_limit(MemoryLimit { bytes: None, ..limit });
        assert!(databases.used().iter().all(|(_, pool)| pool.max_memory().is_none()));
    }
}
