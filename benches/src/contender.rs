//! The contenders behind one trait.

use memory_cache_pool::{CacheConfig, MemoryCachePool};
use std::{cell::RefCell, hash::BuildHasher, hint::black_box, sync::Arc};

type Hasher = foldhash::fast::RandomState;
type Bytes = Box<[u8]>;

/// A map or cache under test.
pub trait Contender: Sized {
    /// What the tables call it.
    const NAME: &'static str;

    /// Creates one with room for this many keys.
    fn with_capacity(keys: usize) -> Self;

    /// Creates one that begins with room for `start` keys and grows to `limit`.
    #[must_use]
    fn growing(start: usize, limit: usize) -> Self {
        let _ = limit;
        Self::with_capacity(start)
    }

    /// Reads a value and returns its first eight bytes as a number.
    fn get(&self, key: &[u8]) -> Option<u64>;

    /// Sets a value.
    fn set(&self, key: &[u8], value: &[u8]);

    /// Removes a key; true when it was there.
    fn remove(&self, key: &[u8]) -> bool;

    /// Reads a key, and keeps what a reader may keep of it until `during` returns: the guard of an
    /// epoch, the lock of a shard, a counted reference; nothing where there is a copy only.
    fn hold(&self, key: &[u8], during: impl FnOnce());
}

/// A contender that can count under a key.
pub trait Counter {
    /// Adds one and returns the sum.
    fn incr(&self, key: &[u8]) -> i64;
}

/// The first eight bytes of a value.
#[inline]
#[must_use]
pub fn head(value: &[u8]) -> u64 {
    value.first_chunk().map_or(0, |head| u64::from_le_bytes(*head))
}

/// This crate.
#[derive(Debug)]
pub struct Pool(pub MemoryCachePool);

impl Contender for Pool {
    const NAME: &'static str = "pool";

    fn with_capacity(keys: usize) -> Self {
        let config = CacheConfig::new().capacity(keys);
        Self(MemoryCachePool::new(config).unwrap_or_default())
    }

    #[inline(always)]
    fn get(&self, key: &[u8]) -> Option<u64> {
        self.0.get_with(key, head).ok().flatten()
    }

    #[inline(always)]
    fn set(&self, key: &[u8], value: &[u8]) {
        let done = self.0.set(key, value);
        debug_assert_eq!(done, Ok(()));
    }

    #[inline(always)]
    fn remove(&self, key: &[u8]) -> bool {
        self.0.delete(key)
    }

    fn hold(&self, key: &[u8], during: impl FnOnce()) {
        let pinned = self.0.pin();
        let value = black_box(pinned.get(key));
        during();
        black_box(value.is_ok());
    }
}

impl Counter for Pool {
    #[inline(always)]
    fn incr(&self, key: &[u8]) -> i64 {
        self.0.incr(key).unwrap_or_default()
    }
}

/// papaya.
#[derive(Debug)]
pub struct Papaya(papaya::HashMap<Bytes, Bytes, Hasher>);

impl Contender for Papaya {
    const NAME: &'static str = "papaya";

    fn with_capacity(keys: usize) -> Self {
        Self(papaya::HashMap::with_capacity_and_hasher(keys, Hasher::default()))
    }

    #[inline(always)]
    fn get(&self, key: &[u8]) -> Option<u64> {
        self.0.pin().get(key).map(|value| head(value))
    }

    #[inline(always)]
    fn set(&self, key: &[u8], value: &[u8]) {
        self.0.pin().insert(key.into(), value.into());
    }

    #[inline(always)]
    fn remove(&self, key: &[u8]) -> bool {
        self.0.pin().remove(key).is_some()
    }

    fn hold(&self, key: &[u8], during: impl FnOnce()) {
        let pinned = self.0.pin();
        black_box(pinned.get(key));
        during();
    }
}

/// flurry.
#[derive(Debug)]
pub struct Flurry(flurry::HashMap<Bytes, Bytes, Hasher>);

impl Contender for Flurry {
    const NAME: &'static str = "flurry";

    fn with_capacity(keys: usize) -> Self {
        Self(flurry::HashMap::with_capacity_and_hasher(keys, Hasher::default()))
    }

    #[inline(always)]
    fn get(&self, key: &[u8]) -> Option<u64> {
        self.0.pin().get(key).map(|value| head(value))
    }

    #[inline(always)]
    fn set(&self, key: &[u8], value: &[u8]) {
        self.0.pin().insert(key.into(), value.into());
    }

    #[inline(always)]
    fn remove(&self, key: &[u8]) -> bool {
        self.0.pin().remove(key).is_some()
    }

    fn hold(&self, key: &[u8], during: impl FnOnce()) {
        let pinned = self.0.pin();
        black_box(pinned.get(key));
        during();
    }
}

/// `DashMap`.
#[derive(Debug)]
pub struct DashMap {
    map: dashmap::DashMap<Bytes, Bytes, Hasher>,
    counters: dashmap::DashMap<Bytes, i64, Hasher>,
}

impl Contender for DashMap {
    const NAME: &'static str = "dashmap";

    fn with_capacity(keys: usize) -> Self {
        Self {
            map: dashmap::DashMap::with_capacity_and_hasher(keys, Hasher::default()),
            counters: dashmap::DashMap::with_hasher(Hasher::default()),
        }
    }

    #[inline(always)]
    fn get(&self, key: &[u8]) -> Option<u64> {
        self.map.get(key).map(|value| head(&value))
    }

    #[inline(always)]
    fn set(&self, key: &[u8], value: &[u8]) {
        self.map.insert(key.into(), value.into());
    }

    #[inline(always)]
    fn remove(&self, key: &[u8]) -> bool {
        self.map.remove(key).is_some()
    }

    fn hold(&self, key: &[u8], during: impl FnOnce()) {
        let value = black_box(self.map.get(key));
        during();
        drop(value);
    }
}

/// `DashMap`, by a user who looks the key up first and changes the value in place: what its owned
/// keys cost a SET otherwise.
#[derive(Debug)]
pub struct DashMapInPlace(DashMap);

impl Contender for DashMapInPlace {
    const NAME: &'static str = "dashmap-get_mut";

    fn with_capacity(keys: usize) -> Self {
        Self(DashMap::with_capacity(keys))
    }

    #[inline(always)]
    fn get(&self, key: &[u8]) -> Option<u64> {
        self.0.get(key)
    }

    #[inline(always)]
    fn set(&self, key: &[u8], value: &[u8]) {
        if let Some(mut old) = self.0.map.get_mut(key) {
            *old = value.into();
            return;
        }
        self.0.set(key, value);
    }

    #[inline(always)]
    fn remove(&self, key: &[u8]) -> bool {
        self.0.remove(key)
    }

    fn hold(&self, key: &[u8], during: impl FnOnce()) {
        self.0.hold(key, during);
    }
}

impl Counter for DashMap {
    #[inline(always)]
    fn incr(&self, key: &[u8]) -> i64 {
        if let Some(mut count) = self.counters.get_mut(key) {
            *count += 1;
            return *count;
        }
        *self.counters.entry(key.into()).and_modify(|count| *count += 1).or_insert(1)
    }
}

/// `scc::HashMap`.
#[derive(Debug)]
pub struct Scc(scc::HashMap<Bytes, Bytes, Hasher>);

impl Contender for Scc {
    const NAME: &'static str = "scc";

    fn with_capacity(keys: usize) -> Self {
        Self(scc::HashMap::with_capacity_and_hasher(keys, Hasher::default()))
    }

    #[inline(always)]
    fn get(&self, key: &[u8]) -> Option<u64> {
        self.0.read_sync(key, |_, value| head(value))
    }

    #[inline(always)]
    fn set(&self, key: &[u8], value: &[u8]) {
        self.0.upsert_sync(key.into(), value.into());
    }

    #[inline(always)]
    fn remove(&self, key: &[u8]) -> bool {
        self.0.remove_sync(key).is_some()
    }

    fn hold(&self, key: &[u8], during: impl FnOnce()) {
        self.0.read_sync(key, |_, value| {
            black_box(value);
            during();
        });
    }
}

/// `quick_cache`, with room for twice the keys, so that it evicts none.
pub struct QuickCache(
    quick_cache::sync::Cache<Bytes, Arc<[u8]>, quick_cache::UnitWeighter, Hasher>,
);

impl std::fmt::Debug for QuickCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("QuickCache").field("len", &self.0.len()).finish()
    }
}

impl Contender for QuickCache {
    const NAME: &'static str = "quick_cache";

    fn with_capacity(keys: usize) -> Self {
        Self::growing(keys, keys)
    }

    fn growing(start: usize, limit: usize) -> Self {
        Self(quick_cache::sync::Cache::with(
            start * 2,
            limit as u64 * 2,
            quick_cache::UnitWeighter,
            Hasher::default(),
            quick_cache::sync::DefaultLifecycle::default(),
        ))
    }

    #[inline(always)]
    fn get(&self, key: &[u8]) -> Option<u64> {
        self.0.get(key).map(|value| head(&value))
    }

    #[inline(always)]
    fn set(&self, key: &[u8], value: &[u8]) {
        self.0.insert(key.into(), value.into());
    }

    #[inline(always)]
    fn remove(&self, key: &[u8]) -> bool {
        self.0.remove(key).is_some()
    }

    fn hold(&self, key: &[u8], during: impl FnOnce()) {
        let value = black_box(self.0.get(key));
        during();
        drop(value);
    }
}

/// moka, with room for twice the keys.
#[derive(Debug)]
pub struct Moka(moka::sync::Cache<Bytes, Arc<[u8]>, Hasher>);

impl Contender for Moka {
    const NAME: &'static str = "moka";

    fn with_capacity(keys: usize) -> Self {
        Self::growing(keys, keys)
    }

    fn growing(start: usize, limit: usize) -> Self {
        let builder = moka::sync::Cache::builder().max_capacity(limit as u64 * 2);
        Self(builder.initial_capacity(start).build_with_hasher(Hasher::default()))
    }

    #[inline(always)]
    fn get(&self, key: &[u8]) -> Option<u64> {
        self.0.get(key).map(|value| head(&value))
    }

    #[inline(always)]
    fn set(&self, key: &[u8], value: &[u8]) {
        self.0.insert(key.into(), value.into());
    }

    #[inline(always)]
    fn remove(&self, key: &[u8]) -> bool {
        self.0.remove(key).is_some()
    }

    fn hold(&self, key: &[u8], during: impl FnOnce()) {
        let value = black_box(self.0.get(key));
        during();
        drop(value);
    }
}

type Shard<V> = parking_lot::Mutex<hashbrown::HashTable<(Bytes, V)>>;

/// 64 mutexes, each over a part of the keys.
#[derive(Debug)]
pub struct ShardedMutex {
    hasher: Hasher,
    shards: Vec<Shard<Bytes>>,
    counters: Vec<Shard<i64>>,
}

/// Number of shards.
const SHARDS: usize = 64;

impl ShardedMutex {
    #[inline]
    fn shard<'s, V>(&self, shards: &'s [Shard<V>], key: &[u8]) -> (u64, &'s Shard<V>) {
        let hash = self.hasher.hash_one(key);
        // The map uses the lowest and the uppermost bits.
        (hash, &shards[(hash >> 40) as usize % SHARDS])
    }
}

impl Contender for ShardedMutex {
    const NAME: &'static str = "sharded-mutex";

    fn with_capacity(keys: usize) -> Self {
        let shard = |_| Shard::new(hashbrown::HashTable::with_capacity(keys / SHARDS + 1));
        Self {
            hasher: Hasher::default(),
            shards: (0..SHARDS).map(shard).collect(),
            counters: (0..SHARDS).map(|_| Shard::default()).collect(),
        }
    }

    #[inline(always)]
    fn get(&self, key: &[u8]) -> Option<u64> {
        let (hash, shard) = self.shard(&self.shards, key);
        shard.lock().find(hash, |entry| *entry.0 == *key).map(|(_, value)| head(value))
    }

    #[inline(always)]
    fn set(&self, key: &[u8], value: &[u8]) {
        let (hash, shard) = self.shard(&self.shards, key);
        // Made and dropped outside of the lock, as `insert` of a map in a mutex would not.
        let (key, value): (Bytes, Bytes) = (key.into(), value.into());
        let mut shard = shard.lock();
        if let Some((_, old)) = shard.find_mut(hash, |entry| entry.0 == key) {
            let replaced = std::mem::replace(old, value);
            drop(shard);
            drop((key, replaced));
            return;
        }
        let entry = (key, value);
        shard.insert_unique(hash, entry, |(key, _)| self.hasher.hash_one(&**key));
    }

    #[inline(always)]
    fn remove(&self, key: &[u8]) -> bool {
        let (hash, shard) = self.shard(&self.shards, key);
        let mut shard = shard.lock();
        let Ok(entry) = shard.find_entry(hash, |entry| *entry.0 == *key) else { return false };
        let (removed, _) = entry.remove();
        drop(shard);
        drop(removed);
        true
    }

    fn hold(&self, key: &[u8], during: impl FnOnce()) {
        black_box(self.get(key));
        during();
    }
}

impl Counter for ShardedMutex {
    #[inline(always)]
    fn incr(&self, key: &[u8]) -> i64 {
        let (hash, shard) = self.shard(&self.counters, key);
        let mut shard = shard.lock();
        if let Some((_, count)) = shard.find_mut(hash, |entry| *entry.0 == *key) {
            *count += 1;
            return *count;
        }
        shard.insert_unique(hash, (key.into(), 1), |(key, _)| self.hasher.hash_one(&**key));
        1
    }
}

/// One thread's plain map: the floor.
#[derive(Debug)]
pub struct Floor(RefCell<hashbrown::HashMap<Bytes, Bytes, Hasher>>);

impl Contender for Floor {
    const NAME: &'static str = "[floor] hashbrown";

    fn with_capacity(keys: usize) -> Self {
        let map = hashbrown::HashMap::with_capacity_and_hasher(keys, Hasher::default());
        Self(RefCell::new(map))
    }

    #[inline(always)]
    fn get(&self, key: &[u8]) -> Option<u64> {
        self.0.borrow().get(key).map(|value| head(value))
    }

    #[inline(always)]
    fn set(&self, key: &[u8], value: &[u8]) {
        self.0.borrow_mut().insert(key.into(), value.into());
    }

    #[inline(always)]
    fn remove(&self, key: &[u8]) -> bool {
        self.0.borrow_mut().remove(key).is_some()
    }

    fn hold(&self, key: &[u8], during: impl FnOnce()) {
        black_box(self.get(key));
        during();
    }
}
