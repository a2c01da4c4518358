//! Waiting for a key to change.

use super::{
    MemoryCachePool,
    engine::{Engine, live_of},
};
use crate::{
    clock::monotonic_millis,
    sync::{Condvar, Mutex, PoisonError, lock},
};
use std::{
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

/// A key that somebody watches.
#[derive(Debug)]
pub(super) struct Watched {
    key: Box<[u8]>,
    changes: Mutex<Changes>,
    changed: Condvar,
}

/// How often a key has changed since it was watched, and who is to be told of the next time.
#[derive(Debug, Default)]
struct Changes {
    version: u64,
    wakers: Vec<Waker>,
}

impl Watched {
    pub(super) fn new(key: &[u8]) -> Self {
        Self { key: key.into(), changes: Mutex::default(), changed: Condvar::new() }
    }

    pub(super) fn key(&self) -> &[u8] {
        &self.key
    }

    /// Counts a change and wakes everybody who waits for one.
    pub(super) fn change(&self) {
        let wakers = {
            let mut changes = lock(&self.changes);
            changes.version = changes.version.wrapping_add(1);
            std::mem::take(&mut changes.wakers)
        };
        self.changed.notify_all();
        wakers.into_iter().for_each(Waker::wake);
    }

    fn version(&self) -> u64 {
        lock(&self.changes).version
    }

    /// The version, once it is another one; none after a time in milliseconds.
    fn wait(&self, seen: u64, millis: u64) -> Option<u64> {
        let changes = lock(&self.changes);
        let timeout = Duration::from_millis(millis);
        let is_seen = |changes: &mut Changes| changes.version == seen;
        let waited = self.changed.wait_timeout_while(changes, timeout, is_seen);
        let (changes, _) = waited.unwrap_or_else(PoisonError::into_inner);
        (changes.version != seen).then_some(changes.version)
    }

    /// The same for a task, which is woken.
    fn poll(&self, seen: u64, context: &Context<'_>) -> Poll<u64> {
        let mut changes = lock(&self.changes);
        if changes.version != seen {
            return Poll::Ready(changes.version);
        }
        if !changes.wakers.iter().any(|waker| waker.will_wake(context.waker())) {
            changes.wakers.push(context.waker().clone());
        }
        Poll::Pending
    }
}

/// A key that is watched; see [`watch`](MemoryCachePool::watch).
///
/// It remembers the last change that it was told of: [`wait`](Self::wait) and
/// [`changed`](Self::changed) return at once when there has been another one since. Changes that come
/// while nobody waits are told as one.
#[derive(Debug)]
pub struct Watch {
    engine: Arc<Engine>,
    watched: Arc<Watched>,
    hash: u64,
    seen: u64,
}

impl MemoryCachePool {
    /// Watches `key`, which need not exist: whatever is written to it, changes its time to live or
    /// removes it, eviction and expiry included, is a change. So is a write of the value that it has.
    ///
    /// What is read after this call is at least as new as the version that the watch begins with, so
    /// that no change comes between a read and the wait that follows it:
    ///
    /// ```
    /// use memory_cache_pool::MemoryCachePool;
    /// use std::time::Duration;
    ///
    /// let pool = MemoryCachePool::default();
    /// let mut watch = pool.watch("signal");
    /// assert_eq!(pool.get("signal")?, None);
    /// std::thread::scope(|scope| {
    ///     scope.spawn(|| pool.set("signal", "buy"));
    ///     assert!(watch.wait(Duration::from_secs(5)));
    /// });
    /// assert_eq!(pool.get("signal")?.as_deref(), Some(&b"buy"[..]));
    /// # Ok::<(), memory_cache_pool::Error>(())
    /// ```
    ///
    /// Writers of other keys pay nothing, or, for one key in 64, a look whether it is the one. A write
    /// of a watched key takes a lock for a moment and wakes those who wait. Takes a system call.
    #[must_use]
    pub fn watch(&self, key: impl AsRef<[u8]>) -> Watch {
        let engine = Arc::clone(&self.engine);
        let hash = engine.hash(key.as_ref());
        let watched = engine.audience.add(key.as_ref(), hash);
        let seen = watched.version();
        Watch { engine, watched, hash, seen }
    }
}

impl Watch {
    /// The key.
    #[must_use]
    pub fn key(&self) -> &[u8] {
        self.watched.key()
    }

    /// A number that every change of the key moves, its expiry included. Two of them can be compared
    /// while the key is watched throughout, whichever watches of it they come from.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.deadline();
        self.watched.version()
    }

    /// Whether the key has changed since its version was this one.
    #[must_use]
    pub fn changed_since(&self, version: u64) -> bool {
        self.version() != version
    }

    /// Waits until the key has changed, or for so long; false when it has not.
    ///
    /// A key that expires while nobody writes is noticed within a millisecond of its deadline by the
    /// system's clock. A [clock of the host's own](crate::Clock) is looked at when as much real time
    /// has passed as it had left to the deadline.
    pub fn wait(&mut self, timeout: Duration) -> bool {
        let millis = u64::try_from(timeout.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX);
        let end = monotonic_millis().saturating_add(millis);
        loop {
            let to_deadline = self.deadline();
            let left = end.saturating_sub(monotonic_millis());
            if let Some(version) = self.watched.wait(self.seen, left.min(to_deadline)) {
                self.seen = version;
                return true;
            }
            if left == 0 {
                return false;
            }
        }
    }

    /// Waits until the key has changed, and returns its version; on any runtime.
    ///
    /// It has no timer: of an expiry it is told when somebody removes the key, as writers do, or a
    /// [cleanup task](MemoryCachePool::start_cleanup_task) every few milliseconds. Dropping the future
    /// is harmless.
    pub async fn changed(&mut self) -> u64 {
        let version = poll_fn(|context| {
            self.deadline();
            self.watched.poll(self.seen, context)
        })
        .await;
        self.seen = version;
        version
    }

    /// Milliseconds until the key will have expired; it is removed if it has.
    fn deadline(&self) -> u64 {
        self.engine.millis_to_expiry(self.watched.key(), self.hash)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.engine.audience.take_off(&self.watched, self.hash);
    }
}

impl Engine {
    /// Milliseconds until a key will have expired, for ever when it does not; removes it if it has.
    fn millis_to_expiry(&self, key: &[u8], hash: u64) -> u64 {
        let guard = &self.pin();
        while let Some(found) = self.find_for_write(guard, key, hash) {
            let live = live_of(&found, guard);
            match live.deadline() {
                0 => break,
                deadline if self.is_current(live) => {
                    return deadline.saturating_sub(self.clock.now_millis()).saturating_add(1);
                }
                // If that fails it was written meanwhile, and may live.
                _ => self.remove_expired(guard, &found),
            };
        }
        u64::MAX
    }
}
