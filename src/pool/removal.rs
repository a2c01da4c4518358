//! What a listener is told when a value goes.

use super::strings::with_last_bytes;
use crate::{
    record::{Live, Object, Value},
    sync::{AtomicU64, Ordering},
};
use std::{fmt, sync::Arc, sync::mpsc, time::Duration};

/// Why a value went.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum RemovalCause {
    /// Another one was written in its place: by SET and its kin, `set_object`, APPEND, SETRANGE,
    /// INCRBYFLOAT, `update`, by a command that stores its result, or by COPY or RENAME onto the key.
    Replaced,
    /// Its deadline had passed.
    Expired,
    /// It was removed by request: by DEL and its kin, by RENAME of the key, by a time to live in the
    /// past, or because its last element was.
    Deleted,
    /// It had to make room.
    Evicted,
    /// By FLUSHALL.
    Flushed,
}

/// A value that is gone.
///
/// Of a hash, a list or a set only the size is told, so that an event takes O(1).
#[derive(Clone)]
#[non_exhaustive]
pub enum RemovedValue {
    /// A copy of a string; a number as it is printed, with every increment that was answered.
    String(Vec<u8>),
    /// A host's own value.
    Object(Arc<dyn std::any::Any + Send + Sync>),
    /// A hash of so many fields.
    Hash(u64),
    /// A list of so many elements.
    List(u64),
    /// A set of so many members.
    Set(u64),
}

impl fmt::Debug for RemovedValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::String(bytes) => write!(f, "String(b\"{}\")", bytes.escape_ascii()),
            Self::Object(_) => f.write_str("Object(..)"),
            Self::Hash(fields) => write!(f, "Hash({fields})"),
            Self::List(elements) => write!(f, "List({elements})"),
            Self::Set(members) => write!(f, "Set({members})"),
        }
    }
}

/// A value that is gone, where from and why.
///
/// Whoever takes a value out of its key reports it, once: no value is reported twice, and none is
/// left out while the pool is there. What goes with the pool is not reported.
///
/// What is changed and stays is no removal: an element of a hash, a list or a set that is written or
/// removed, a counter that INCR or DECR moves, a time to live that is given or taken.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Removal {
    /// The key.
    pub key: Vec<u8>,
    /// What it held.
    pub value: RemovedValue,
    /// Why it holds it no more.
    pub cause: RemovalCause,
}

impl Removal {
    /// The removal of a record that is out of the table.
    pub(super) fn of(old: Live<'_>, cause: RemovalCause) -> Self {
        let value = match old.value() {
            Value::Bytes(bytes) => RemovedValue::String(bytes.to_vec()),
            // Frozen, so that no increment is answered that would come after it.
            Value::Integer(_) => {
                RemovedValue::String(with_last_bytes(old, <[u8]>::to_vec).unwrap_or_default())
            }
            Value::Object(object) => RemovedValue::Object(Object::clone(object)),
            Value::Hash(hash) => RemovedValue::Hash(hash.len()),
            Value::List(list) => RemovedValue::List(list.len()),
            Value::Set(set) => RemovedValue::Set(set.len()),
        };
        Self { key: old.key().to_vec(), value, cause }
    }
}

/// The receiving end of a [channel of removals](super::CacheConfig::removal_channel).
///
/// It holds so many removals as the channel was made for. One that comes when it is full is dropped
/// and [counted](Self::dropped): nobody who writes waits for whoever reads here.
#[derive(Debug)]
pub struct Removals {
    receiver: mpsc::Receiver<Removal>,
    dropped: Arc<AtomicU64>,
}

impl Removals {
    /// The oldest removal that nobody has taken yet, if there is one.
    #[must_use]
    pub fn try_next(&self) -> Option<Removal> {
        self.receiver.try_recv().ok()
    }

    /// The same, and waits for one so long; `None` too when the pool is gone.
    #[must_use]
    pub fn next_within(&self, timeout: Duration) -> Option<Removal> {
        self.receiver.recv_timeout(timeout).ok()
    }

    /// All removals, waiting for each; ends when the pool is gone.
    pub fn iter(&self) -> impl Iterator<Item = Removal> + '_ {
        self.receiver.iter()
    }

    /// How many removals were dropped because the channel was full.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        // ORDERING: Relaxed; a statistic.
        self.dropped.load(Ordering::Relaxed)
    }
}

/// A channel for so many removals, at least one: what takes them, and where they come out.
pub(super) fn channel(capacity: usize) -> (impl Fn(Removal) + Send + Sync, Removals) {
    let (sender, receiver) = mpsc::sync_channel(capacity.max(1));
    let dropped = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&dropped);
    let offer = move |removal| {
        if sender.try_send(removal).is_err() {
            // ORDERING: Relaxed; a statistic.
            counted.fetch_add(1, Ordering::Relaxed);
        }
    };
    (offer, Removals { receiver, dropped })
}
