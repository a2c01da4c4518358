//! Removing what has expired on request: by call, by a thread of the pool's own, by an async task.
//!
//! Writers do the same in small slices, so that a pool that is written to needs none of these. A pool
//! that is only read answers as exactly without them, and keeps the memory. While a task runs, writers
//! leave it to that, and are spared the slices, as long as it is less than two intervals late.

use super::{MemoryCachePool, engine::Engine};
use crate::sync::{Condvar, JoinHandle, Mutex, Ordering, PoisonError, ThreadBuilder, lock};
use std::{
    io,
    sync::{Arc, Weak},
    time::Duration,
};

/// How often a cleanup task runs unless the configuration says otherwise.
pub(super) const DEFAULT_INTERVAL: Duration = Duration::from_millis(100);

/// Entries that are looked at under one pin.
const SLICE: usize = 64;

/// Entries that a task looks at before it lets others have their turn.
#[cfg(feature = "tokio")]
const TASK_SLICE: usize = 512;

/// The name of the thread, within the fifteen bytes that Linux shows.
const THREAD_NAME: &str = "cache-cleanup";

/// What a [cleanup](MemoryCachePool::cleanup_expired_keys) came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Cleanup {
    /// Keys that had expired and were removed.
    pub removed: usize,
    /// Whether more was due when the budget was used up.
    pub remaining: bool,
}

impl MemoryCachePool {
    /// Removes keys that have expired, looking at no more than about `budget` of those whose time
    /// may have come; `usize::MAX` removes them all.
    ///
    /// Lock-free, and done in slices that hold back no memory; any number of threads may share the
    /// work. O(keys whose time has come), plus up to 256 steps for each of nine levels when nobody
    /// has written or cleaned up for long; independent of how many keys there are.
    #[expect(clippy::must_use_candidate, reason = "what it removes is what it is called for")]
    pub fn cleanup_expired_keys(&self, budget: usize) -> Cleanup {
        self.engine.cleanup(budget, || true)
    }

    /// Starts the thread that calls [`cleanup_expired_keys`](Self::cleanup_expired_keys) every
    /// [`cleanup_interval`](crate::CacheConfig::cleanup_interval), 100 ms by default; nothing happens
    /// when it is running already.
    ///
    /// It runs until [`stop_cleanup_task`](Self::stop_cleanup_task), or until the last handle of the
    /// pool is dropped, which waits for the thread to end.
    ///
    /// # Errors
    ///
    /// When the system has no thread for it.
    pub fn start_cleanup_task(&self) -> io::Result<()> {
        self.keeper.start(&self.engine)
    }

    /// The same as a task for the host's own tokio runtime, which has to have time enabled: to be
    /// spawned. It ends when the last handle of the pool has been dropped, at its next turn; to end
    /// it before, abort it.
    ///
    /// It keeps no thread of the runtime longer than a slice of 512 keys.
    #[cfg(feature = "tokio")]
    pub fn cleanup_task(&self) -> impl Future<Output = ()> + Send + 'static {
        let relief = Relief::new(&self.engine);
        let interval = self.engine.cleanup_interval();
        async move {
            let engine = &relief.0;
            loop {
                tokio::time::sleep(interval).await;
                while let Some(engine) = engine.upgrade() {
                    if !engine.cleanup(TASK_SLICE, || true).remaining {
                        break;
                    }
                    drop(engine);
                    tokio::task::yield_now().await;
                }
                if engine.strong_count() == 0 {
                    return;
                }
            }
        }
    }

    /// Ends the thread of [`start_cleanup_task`](Self::start_cleanup_task) and waits until it has
    /// ended, a slice of its work at most; nothing happens when there is none.
    pub fn stop_cleanup_task(&self) {
        self.keeper.stop();
    }
}

impl Engine {
    /// How often a cleanup task runs.
    pub(super) fn cleanup_interval(&self) -> Duration {
        self.config.cleanup_interval.unwrap_or(DEFAULT_INTERVAL)
    }

    /// Advances the wheel to the present, in slices between which it asks whether to go on.
    pub(super) fn cleanup(&self, mut budget: usize, goes_on: impl Fn() -> bool) -> Cleanup {
        let mut removed = 0;
        let mut is_more_due = true;
        // A sweep goes no further than what is owed now: while the wheel is full, it owes more.
        let sweep = self.wheel.owed_round();
        let is_swept = || sweep.is_none_or(|round| self.wheel.has_swept(round));
        while budget > 0 && goes_on() && (is_more_due || !is_swept()) {
            let slice = budget.min(SLICE);
            let now = self.clock.now_millis();
            let advanced = self.wheel.advance(now, slice, self, &self.pin());
            removed += advanced.expired;
            is_more_due = advanced.is_more_due;
            // What was swept without a removal is cheap.
            budget -= if is_more_due { slice } else { advanced.expired.clamp(1, slice) };
        }
        if removed > 0 {
            self.domain.advance();
        }
        #[cfg(feature = "tracing")]
        tracing::debug!(removed, "cleaned up");
        Cleanup { removed, remaining: is_more_due || !is_swept() }
    }
}

/// Spares writers the cleanup as long as a task lives that does it. When there are two, and one ends,
/// writers clean up beside the other.
#[derive(Debug)]
struct Relief(Weak<Engine>);

impl Relief {
    fn new(engine: &Arc<Engine>) -> Self {
        let interval = u64::try_from(engine.cleanup_interval().as_millis());
        // ORDERING: Relaxed; a setting.
        engine.patience.store(2 * interval.unwrap_or(0), Ordering::Relaxed);
        Self(Arc::downgrade(engine))
    }
}

impl Drop for Relief {
    fn drop(&mut self) {
        if let Some(engine) = self.0.upgrade() {
            // ORDERING: Relaxed; a setting.
            engine.patience.store(0, Ordering::Relaxed);
        }
    }
}

/// Keeps the cleanup's thread, and ends it when the last handle goes.
///
/// It is not a part of the engine, which the thread itself keeps alive while it works: so it is
/// always a handle that waits for the thread, and never the thread for itself.
#[derive(Debug, Default)]
pub(super) struct Keeper {
    task: Mutex<Option<Task>>,
}

/// A running thread.
#[derive(Debug)]
struct Task {
    signal: Arc<Signal>,
    thread: JoinHandle<()>,
}

/// Tells the thread to stop, and wakes it for that.
#[derive(Debug, Default)]
struct Signal {
    is_stopped: Mutex<bool>,
    stopped: Condvar,
}

impl Signal {
    fn is_stopped(&self) -> bool {
        *lock(&self.is_stopped)
    }

    fn stop(&self) {
        *lock(&self.is_stopped) = true;
        self.stopped.notify_all();
    }

    /// Waits for so long; false when it is time to stop.
    fn wait(&self, interval: Duration) -> bool {
        let guard = lock(&self.is_stopped);
        let waited = self.stopped.wait_timeout_while(guard, interval, |is_stopped| !*is_stopped);
        let (is_stopped, _) = waited.unwrap_or_else(PoisonError::into_inner);
        !*is_stopped
    }
}

impl Keeper {
    fn start(&self, engine: &Arc<Engine>) -> io::Result<()> {
        let mut task = lock(&self.task);
        if task.is_some() {
            return Ok(());
        }
        let signal = Arc::new(Signal::default());
        let relief = Relief::new(engine);
        let (engine, heeded) = (Arc::clone(engine), Arc::clone(&signal));
        let thread = ThreadBuilder::new().name(THREAD_NAME.to_owned()).spawn(move || {
            let _relief = relief;
            while heeded.wait(engine.cleanup_interval()) {
                engine.cleanup(usize::MAX, || !heeded.is_stopped());
            }
        })?;
        *task = Some(Task { signal, thread });
        Ok(())
    }

    fn stop(&self) {
        // Held until the thread has ended, so that no other one is started before.
        let mut task = lock(&self.task);
        let Some(Task { signal, thread }) = task.take() else { return };
        signal.stop();
        // It does not panic; and if it did, it would have said so.
        let _ = thread.join();
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.stop();
    }
}

#[cfg(all(test, feature = "tokio", not(pool_loom)))]
mod tests {
    use super::*;
    use crate::CacheConfig;

    #[test]
    fn a_task_cleans_up_until_the_pool_is_dropped() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let config = CacheConfig::new().cleanup_interval(Duration::from_millis(1));
            let pool = MemoryCachePool::new(config).unwrap();
            let task = tokio::spawn(pool.cleanup_task());
            for key in 0..2_000_u32 {
                pool.psetex(key.to_be_bytes(), 1, "v").unwrap();
            }
            while pool.dbsize() > 0 {
                tokio::task::yield_now().await;
            }

            drop(pool);
            task.await.unwrap();
        });
    }
}
