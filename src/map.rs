//! The table as a map of its own, for keys and values of any type.

use crate::{
    reclaim::{Domain, Guard, Retired, magazine::block_bytes},
    sync::UnsafeCell,
    table::{self, Insert, Table},
    tally::Tally,
};
use std::{
    borrow::Borrow,
    fmt,
    hash::{BuildHasher, Hash},
    ptr::NonNull,
    sync::Arc,
};

/// A lock-free hash map of immutable entries: the table that the pool is built on.
///
/// Reads are wait-free and write nothing that is shared; an overwrite is one compare-and-swap.
/// There is no API that returns something locked or pinned: values are shown to a closure. The map
/// does not grow yet: beyond the capacity that it was created for it stays correct and gets slower,
/// until an insert is refused at 126 entries per bucket.
///
/// ```
/// use memory_cache_pool::LockFreeMap;
///
/// let map = LockFreeMap::with_capacity(1_000);
/// map.insert("BTCUSDT".to_owned(), 61_837.63)?;
/// assert_eq!(map.get_with("BTCUSDT", |price| *price), Some(61_837.63));
/// assert!(map.remove("BTCUSDT"));
/// # Ok::<(), memory_cache_pool::Error>(())
/// ```
pub struct LockFreeMap<K, V, S = foldhash::fast::RandomState> {
    // Declared before the table: what is retired may go back to the table's overflow buckets.
    domain: OwnedDomain,
    table: Table<Entry<K, V>>,
    hasher: S,
}

/// A domain that closes when it is dropped.
struct OwnedDomain(Arc<Domain>);

impl Drop for OwnedDomain {
    fn drop(&mut self) {
        // SAFETY: guards borrow the map that owns this domain, so that none exists any more.
        unsafe { self.0.close() };
    }
}

/// An entry: what a slot points at.
#[repr(C, align(16))]
struct Entry<K, V> {
    birth: UnsafeCell<u32>,
    /// For a migration, which has to know where an entry goes.
    hash: u64,
    key: K,
    value: V,
}

// SAFETY: the block has the size that `new_entry` takes.
unsafe impl<K, V> table::Record for Entry<K, V> {
    fn birth(&self) -> u32 {
        // SAFETY: written before the record was placed, and not since.
        self.birth.with(|birth| unsafe { *birth })
    }

    unsafe fn set_birth(&self, version: u32) {
        // SAFETY: the caller says that the entry is private.
        self.birth.with_mut(|birth| unsafe { *birth = version });
    }

    fn bucket_hash(&self) -> u32 {
        #[expect(clippy::cast_possible_truncation, reason = "the lower half is asked for")]
        let lower = self.hash as u32;
        lower
    }

    unsafe fn retired(entry: NonNull<Self>) -> Retired {
        #[expect(clippy::cast_possible_truncation, reason = "checked when the map is created")]
        let bytes = block_bytes(size_of::<Self>()) as u32;
        Retired::Owner { block: entry.cast(), bytes, held: 0, drop_content: drop_entry::<K, V> }
    }
}

/// Drops an entry and leaves its block; what else becomes free is not counted.
///
/// # Safety
///
/// `block` holds an entry of these types that nobody else can reach.
unsafe fn drop_entry<K, V>(block: NonNull<u8>) -> usize {
    // SAFETY: the caller's word.
    unsafe { block.cast::<Entry<K, V>>().drop_in_place() };
    0
}

// SAFETY: entries are shared between threads by reference and dropped on any of them, which asks
// `Send + Sync` of both types; the map itself has no tie to a thread.
unsafe impl<K: Send + Sync, V: Send + Sync, S: Send> Send for LockFreeMap<K, V, S> {}
// SAFETY: as above.
unsafe impl<K: Send + Sync, V: Send + Sync, S: Sync> Sync for LockFreeMap<K, V, S> {}

impl<K, V> LockFreeMap<K, V> {
    /// Creates a map for so many entries.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self::with_capacity_and_hasher(capacity, foldhash::fast::RandomState::default())
    }
}

impl<K, V, S> LockFreeMap<K, V, S> {
    /// Creates a map for so many entries, with a hasher of the caller's.
    ///
    /// The upper 16 bits of the hash and its lower bits should both be well mixed.
    #[must_use]
    pub fn with_capacity_and_hasher(capacity: usize, hasher: S) -> Self {
        const { assert!(size_of::<Entry<K, V>>() < 1 << 31, "an entry is below 2 GiB") };
        const { assert!(align_of::<Entry<K, V>>() <= 16, "no alignment beyond 16 bytes") };
        let table = Table::with_capacity(capacity);
        Self { domain: OwnedDomain(Domain::new()), table, hasher }
    }

    /// How many entries there are; approximate while others write.
    #[must_use]
    pub fn len(&self) -> usize {
        usize::try_from(self.domain.0.total(Tally::Keys).cast_signed()).unwrap_or(0)
    }

    /// Whether there are no entries; approximate while others write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<K: Eq + Hash, V, S: BuildHasher> LockFreeMap<K, V, S> {
    /// Shows the value of a key, and returns what `look` makes of it. Wait-free.
    ///
    /// The entry is held while `look` runs, and with it the memory that anybody retires meanwhile.
    pub fn get_with<Q, R>(&self, key: &Q, look: impl FnOnce(&V) -> R) -> Option<R>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let guard = self.domain.0.pin();
        let found =
            self.table.find(self.hasher.hash_one(key), |entry| is_key(entry, key), &guard)?;
        // SAFETY: found under the guard, and so valid as long as it.
        Some(look(unsafe { &found.as_ref().value }))
    }

    /// Whether there is an entry for a key. Wait-free.
    pub fn contains_key<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.get_with(key, |_| ()).is_some()
    }

    /// Inserts or overwrites an entry; true when there was one. Lock-free.
    ///
    /// # Errors
    ///
    /// [`Error::TableFull`](crate::Error::TableFull) when the key's chain is as long as it may get;
    /// the entry is dropped then.
    pub fn insert(&self, key: K, value: V) -> Result<bool, crate::Error> {
        let guard = self.domain.0.pin();
        let hash = self.hasher.hash_one(&key);
        let mut entry = new_entry(&guard, Entry { birth: UnsafeCell::new(0), hash, key, value });
        loop {
            // SAFETY: the entry is private here, and stays valid while the guard is held: one that
            // lost its commit is retired, not freed.
            let key = unsafe { &entry.as_ref().key };
            let has_key = |other| is_key(other, key);
            if let Some(found) = self.table.find_for_write(hash, has_key, &guard) {
                // SAFETY: the entry is private, of this domain, with the same key and hash.
                if unsafe { self.table.replace(&found, hash, entry, &guard) }.is_some() {
                    return Ok(true);
                }
                continue;
            }
            // SAFETY: the entry is private, of this domain, and of this hash.
            match unsafe { self.table.insert(hash, entry, has_key, &guard) } {
                Insert::Done => return Ok(false),
                Insert::Present => {}
                // SAFETY: the entry lost its commit: we own it, and others read its birth only.
                Insert::Lost => entry = unsafe { moved(&guard, entry) },
                Insert::Full => {
                    // SAFETY: the entry was not placed, so that it is ours alone.
                    unsafe { free_private(&guard, entry) };
                    return Err(crate::Error::TableFull);
                }
            }
        }
    }

    /// Removes an entry; false when there is none. Lock-free.
    ///
    /// Key and value are dropped once nobody can be looking at them any more, a few dozen writes
    /// later or with the map.
    pub fn remove<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let guard = self.domain.0.pin();
        let hash = self.hasher.hash_one(key);
        let has_key = |entry| is_key(entry, key);
        while let Some(found) = self.table.find_for_write(hash, has_key, &guard) {
            // SAFETY: found under the guard.
            if unsafe { self.table.remove(&found, &guard) }.is_some() {
                return true;
            }
        }
        false
    }
}

impl<K, V, S> fmt::Debug for LockFreeMap<K, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LockFreeMap").field("len", &self.len()).finish_non_exhaustive()
    }
}

/// Whether an entry found under a guard has this key.
fn is_key<K: Borrow<Q>, V, Q: Eq + ?Sized>(entry: NonNull<Entry<K, V>>, key: &Q) -> bool {
    // SAFETY: the table asks about records that it has found under the caller's guard, or about
    // ones that the caller owns.
    unsafe { entry.as_ref() }.key.borrow() == key
}

/// Puts an entry into a block.
fn new_entry<K, V>(guard: &Guard<'_>, entry: Entry<K, V>) -> NonNull<Entry<K, V>> {
    let block = guard.take_block(block_bytes(size_of::<Entry<K, V>>())).cast::<Entry<K, V>>();
    // SAFETY: the block is ours, and large and aligned enough for an entry.
    unsafe { block.write(entry) };
    block
}

/// Moves an entry that has lost its commit into a fresh block, since a block is placed only once.
///
/// # Safety
///
/// The entry is the caller's, out of the table, and others may read only its `birth`.
unsafe fn moved<K, V>(guard: &Guard<'_>, entry: NonNull<Entry<K, V>>) -> NonNull<Entry<K, V>> {
    // SAFETY: the entry is valid and the caller's; its block is retired without dropping what we
    // move out of it.
    let Entry { hash, key, value, .. } = unsafe { entry.read() };
    #[expect(clippy::cast_possible_truncation, reason = "checked when the map is created")]
    let bytes = block_bytes(size_of::<Entry<K, V>>()) as u32;
    // SAFETY: the entry is out of the table and came from this domain with this size.
    unsafe { guard.retire(Retired::Block { block: entry.cast(), bytes }) };
    new_entry(guard, Entry { birth: UnsafeCell::new(0), hash, key, value })
}

/// Frees an entry that was never placed.
///
/// # Safety
///
/// The entry is private to the caller and came from this guard's domain.
unsafe fn free_private<K, V>(guard: &Guard<'_>, entry: NonNull<Entry<K, V>>) {
    // SAFETY: the caller's word.
    unsafe { entry.drop_in_place() };
    // SAFETY: as above.
    unsafe { guard.put_block(entry.cast(), block_bytes(size_of::<Entry<K, V>>())) };
}

#[cfg(all(test, not(pool_loom)))]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_found_until_it_is_removed() -> Result<(), crate::Error> {
        let map = LockFreeMap::with_capacity(10);

        assert!(!map.insert("a".to_owned(), 1)?);
        assert!(map.insert("a".to_owned(), 2)?);
        assert_eq!(map.get_with("a", |value| *value), Some(2));
        assert_eq!(map.len(), 1);
        assert!(map.remove("a"));
        assert!(!map.remove("a"));
        assert!(!map.contains_key("a"));
        assert!(map.is_empty());
        Ok(())
    }

    #[test]
    fn a_map_grows_with_its_entries_and_shrinks_with_them() {
        let map = LockFreeMap::with_capacity(1);
        let entries = if cfg!(miri) { 300 } else { 100_000 };

        assert!((0..entries).all(|key| map.insert(key, key) == Ok(false)));
        let buckets = buckets(&map);
        assert!((0..entries).all(|key| map.get_with(&key, |value| *value) == Some(key)));
        assert!((0..entries).all(|key| map.remove(&key)));

        assert!(buckets > entries / 9, "{buckets} buckets for {entries} entries");
        assert!(self::buckets(&map) < 200, "{} buckets for none", self::buckets(&map));
        assert_eq!(map.insert(7, 7), Ok(false));
    }

    #[test]
    fn entries_whose_hashes_are_all_the_same_are_taken_until_their_chain_is_full() {
        let map = LockFreeMap::with_capacity_and_hasher(1, SameHash);

        let taken = (0..200).take_while(|key| map.insert(*key, *key).is_ok()).count();

        assert_eq!(taken, 126);
        assert!(buckets(&map) <= 256, "{} buckets do not help", buckets(&map));
        assert!((0..126).all(|key| map.get_with(&key, |value| *value) == Some(key)));
        assert!((0..126).all(|key| map.remove(&key)));
        assert_eq!(map.insert(7, 7), Ok(false));
    }

    #[test]
    fn a_map_that_is_dropped_while_it_grows_drops_every_value_once() {
        let value = Arc::new(());
        for entries in 10..if cfg!(miri) { 13 } else { 200 } {
            let map = LockFreeMap::with_capacity(1);
            for key in 0..entries {
                assert_eq!(map.insert(key, Arc::clone(&value)), Ok(false));
            }
            for key in entries / 3..entries {
                assert!(map.remove(&key));
            }
        }

        assert_eq!(Arc::strong_count(&value), 1);
    }

    /// How many buckets a map has.
    fn buckets<K, V, S>(map: &LockFreeMap<K, V, S>) -> usize {
        map.table.bytes(&map.domain.0.pin()) / 64
    }

    /// Sends every key to one bucket, with one tag.
    struct SameHash;

    impl BuildHasher for SameHash {
        type Hasher = Self;

        fn build_hasher(&self) -> Self {
            Self
        }
    }

    impl std::hash::Hasher for SameHash {
        fn write(&mut self, _: &[u8]) {}

        fn finish(&self) -> u64 {
            0
        }
    }

    #[test]
    fn every_value_is_dropped_once() {
        let value = Arc::new(());
        let map = LockFreeMap::with_capacity(100);

        for key in 0..if cfg!(miri) { 100 } else { 1_000 } {
            assert!(map.insert(key % 50, Arc::clone(&value)).is_ok());
            map.remove(&((key + 7) % 50));
        }
        drop(map);

        assert_eq!(Arc::strong_count(&value), 1);
    }
}
