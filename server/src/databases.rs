//! The numbered databases: one pool each.
//!
//! A key belongs to one database for as long as it lives, so that nothing is gained by keeping them
//! in one table; and the pool that the host uses stays free of prefixes. Database 0 is the host's;
//! the others are made when they are first selected. SWAPDB exchanges the numbers of two pools for
//! all clients; the host keeps the pool that it has.

use crate::{
    memory_limit::MemoryLimit,
    sync::{Version, lock},
};
use memory_cache_pool::{CacheStats, MemoryCachePool};
use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// The numbered databases.
#[derive(Debug)]
pub(crate) struct Databases {
    pools: RwLock<Vec<Option<MemoryCachePool>>>,
    /// The limit of all of them together.
    limit: Mutex<MemoryLimit>,
    /// Counts exchanges.
    numbering: Version,
}

impl Databases {
    /// So many databases, of which the first is `pool`.
    pub(crate) fn new(pool: MemoryCachePool, databases: usize, limit: MemoryLimit) -> Self {
        let mut pools = vec![None; databases.max(1)];
        if let Some(first) = pools.first_mut() {
            *first = Some(pool);
        }
        let limit = Mutex::new(limit);
        Self { pools: RwLock::new(pools), limit, numbering: Version::default() }
    }

    /// Database 0.
    pub(crate) fn first(&self) -> (MemoryCachePool, u64) {
        self.open(0).unwrap_or_default()
    }

    /// The pool of a number, which is made if need be, and as of which exchange it is right.
    pub(crate) fn open(&self, database: usize) -> Option<(MemoryCachePool, u64)> {
        let numbering = self.numbering();
        if let Some(Some(pool)) = self.read().get(database) {
            return Some((pool.clone(), numbering));
        }
        let mut pools = self.write();
        let place = pools.get_mut(database)?;
        let is_new = place.is_none();
        if is_new {
            *place = MemoryCachePool::new(self.limit().config()).ok();
        }
        let found = place.clone().map(|pool| (pool, numbering));
        drop(pools);
        if is_new {
            self.share_memory();
        }
        found
    }

    /// The databases that were ever used, with their numbers.
    pub(crate) fn used(&self) -> Vec<(usize, MemoryCachePool)> {
        let pools = self.read();
        let used = pools.iter().enumerate().filter_map(|(at, pool)| Some((at, pool.clone()?)));
        used.collect()
    }

    /// What each of them tells of itself.
    pub(crate) fn stats(&self) -> Vec<CacheStats> {
        self.used().iter().map(|(_, pool)| pool.get_stats()).collect()
    }

    /// Exchanges the numbers of two databases; false when there is no such number.
    pub(crate) fn swap(&self, one: usize, other: usize) -> bool {
        let mut pools = self.write();
        if one >= pools.len() || other >= pools.len() {
            return false;
        }
        pools.swap(one, other);
        self.numbering.advance();
        true
    }

    /// The limit of all of them together.
    pub(crate) fn limit(&self) -> MemoryLimit {
        *lock(&self.limit)
    }

    /// Remembers a limit for the pools that are made from now on.
    pub(crate) fn remember_limit(&self, limit: MemoryLimit) {
        *lock(&self.limit) = limit;
    }

    /// Changes with every exchange.
    #[inline]
    pub(crate) fn numbering(&self) -> u64 {
        self.numbering.get()
    }

    fn read(&self) -> RwLockReadGuard<'_, Vec<Option<MemoryCachePool>>> {
        self.pools.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Vec<Option<MemoryCachePool>>> {
        self.pools.write().unwrap_or_else(PoisonError::into_inner)
    }
}
