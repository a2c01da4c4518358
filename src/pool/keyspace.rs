//! Keys as such: DEL, EXISTS, TYPE, KEYS, DBSIZE, FLUSHALL and their kin.

use super::{
    MemoryCachePool,
    engine::{Engine, Step, Touch},
    removal::RemovalCause,
};
use crate::{
    glob::Pattern,
    record::{Live, Value},
    tally::Tally,
};
use std::fmt;

/// The type of a value.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum ValueType {
    /// Bytes.
    String,
    /// Fields and their values.
    Hash,
    /// A sequence.
    List,
    /// Members, each once.
    Set,
    /// A host's own value.
    Object,
}

impl fmt::Display for ValueType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::String => "string",
            Self::Hash => "hash",
            Self::List => "list",
            Self::Set => "set",
            Self::Object => "object",
        })
    }
}

impl ValueType {
    /// The type of a record's value.
    pub(super) fn of(live: Live<'_>) -> Self {
        match live.value() {
            Value::Bytes(_) | Value::Integer(_) => Self::String,
            Value::Object(_) => Self::Object,
            Value::Hash(_) => Self::Hash,
            Value::Set(_) => Self::Set,
            Value::List(_) => Self::List,
        }
    }
}

impl MemoryCachePool {
    /// Removes `key`; false when it does not exist.
    ///
    /// Its memory is free once nobody can be looking at it any more, a few dozen writes later; that of a
    /// large collection comes free little by little, with the writes of the thread that has removed it.
    pub fn delete(&self, key: impl AsRef<[u8]>) -> bool {
        let guard = self.engine.pin();
        let remove = |live: Option<Live<'_>>| match live {
            Some(_) => Ok(Step::Remove(true)),
            None => Ok(Step::Keep(false)),
        };
        // The only error is a key too long to exist.
        self.engine.write(&guard, key.as_ref(), Tally::Deletes, remove).unwrap_or(false)
    }

    /// As [`delete`](Self::delete), which never frees anything large on the spot either.
    pub fn unlink(&self, key: impl AsRef<[u8]>) -> bool {
        self.delete(key)
    }

    /// Removes several keys, one after the other, and returns how many there were. Not yet atomic.
    pub fn delete_many<K: AsRef<[u8]>>(&self, keys: &[K]) -> usize {
        keys.iter().filter(|key| self.delete(key)).count()
    }

    /// Whether `key` exists. Does not count as a use of the key.
    #[must_use]
    pub fn exists(&self, key: impl AsRef<[u8]>) -> bool {
        self.engine.read(key.as_ref(), Touch::No, |_| ()).is_some()
    }

    /// How many of several keys exist; one that is named twice counts twice. Not yet atomic.
    #[must_use]
    pub fn exists_many<K: AsRef<[u8]>>(&self, keys: &[K]) -> usize {
        keys.iter().filter(|key| self.exists(key)).count()
    }

    /// Uses `key` without reading it; false when it does not exist.
    pub fn touch(&self, key: impl AsRef<[u8]>) -> bool {
        self.engine.read(key.as_ref(), Touch::Yes, |_| ()).is_some()
    }

    /// The type of the value of `key`. Does not count as a use of the key.
    #[must_use]
    pub fn type_of(&self, key: impl AsRef<[u8]>) -> Option<ValueType> {
        self.engine.read(key.as_ref(), Touch::No, ValueType::of)
    }

    /// All keys that match a glob pattern of Redis's, in no order.
    ///
    /// Walks the whole table in slices, without stopping anybody: a key that exists throughout is
    /// returned once, one that comes or goes meanwhile may be returned or not. O(keys) times the
    /// work of a match, which is at most the product of the two lengths.
    #[must_use]
    pub fn keys(&self, pattern: impl AsRef<[u8]>) -> Vec<Vec<u8>> {
        let pattern = Pattern::new(pattern.as_ref());
        let mut keys = Vec::new();
        let before = self.engine.table.size(&self.engine.pin());
        self.engine.walk(|_, live| {
            if pattern.matches(live.key()) {
                keys.push(live.key().to_vec());
            }
        });
        if before != self.engine.table.size(&self.engine.pin()) {
            // The walk may have met a key on both sides of the change.
            keys.sort_unstable();
            keys.dedup();
        }
        keys
    }

    /// Some key, each about as likely as any other; `None` when there is none.
    ///
    /// Looks through buckets from a random one on until it finds a key.
    #[must_use]
    pub fn randomkey(&self) -> Option<Vec<u8>> {
        let engine = &*self.engine;
        let start = u64::from(engine.pin().random());
        // The walk from there on, and then the one from the beginning.
        random_key_from(engine, start).or_else(|| random_key_from(engine, 0))
    }

    /// How many keys there are, those included that have expired and were not removed yet.
    #[must_use]
    pub fn dbsize(&self) -> usize {
        usize::try_from(self.engine.domain.total(Tally::Keys).cast_signed()).unwrap_or(0)
    }

    /// Removes every key, in slices, without stopping anybody. Keys that are written meanwhile may
    /// stay. Their memory is free once nobody can be looking at it any more; but for the eight bytes or
    /// so for each that had a deadline, which stay among the
    /// [wheel's](super::CacheStats::wheel_entries) until it has come.
    pub fn flushall(&self) {
        self.engine.walk(|guard, live| {
            self.engine.remove_seen(guard, live, RemovalCause::Flushed);
        });
        self.engine.domain.advance();
        #[cfg(feature = "tracing")]
        tracing::info!("flushed");
    }
}

/// A random key of the first bucket from a cursor on that has one.
fn random_key_from(engine: &Engine, mut cursor: u64) -> Option<Vec<u8>> {
    loop {
        let guard = engine.pin();
        let mut seen = 0_u32;
        let mut chosen = None;
        cursor = engine.scan_bucket(cursor, &guard, |live| {
            seen += 1;
            // Each key of the bucket ends up chosen with the same probability.
            if guard.random().is_multiple_of(seen) {
                chosen = Some(live);
            }
        });
        if let Some(live) = chosen {
            return Some(live.key().to_vec());
        }
        if cursor == 0 {
            return None;
        }
    }
}
