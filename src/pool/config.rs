//! The configuration of a pool, validated once.

use super::{
    byte_size::ByteSize,
    element_host::ElementHost,
    listener::Listener,
    policy::EvictionPolicy,
    removal::{Removal, Removals, channel},
};
use crate::clock::{Clock, SystemClock, TimeSource};
use std::{error, fmt, sync::Arc, time::Duration};

/// The largest capacity and `max_keys`: two billion keys.
const MOST_KEYS: usize = 1 << 31;

/// The smallest `max_memory`, so that there is room for a table and a thread.
const LEAST_MEMORY: u64 = 64 << 10;

/// The longest `default_ttl`: 10,000 years.
const LONGEST_TTL: Duration = Duration::from_secs(10_000 * 366 * 86_400);

/// How a pool is to be.
///
/// ```
/// use memory_cache_pool::{CacheConfig, MemoryCachePool};
/// use std::time::Duration;
///
/// let config = CacheConfig::new().max_keys(100_000).default_ttl(Duration::from_secs(60));
/// let pool = MemoryCachePool::new(config)?;
/// # Ok::<(), memory_cache_pool::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct CacheConfig {
    pub(super) max_memory: Option<ByteSize>,
    pub(super) max_keys: Option<usize>,
    pub(super) default_ttl: Option<Duration>,
    pub(super) list_max_len: Option<usize>,
    pub(super) eviction_policy: EvictionPolicy,
    pub(super) cleanup_interval: Option<Duration>,
    pub(super) no_evict_percent: u8,
    pub(super) enable_stats: bool,
    pub(super) capacity: Option<usize>,
    pub(super) clock: Option<Arc<dyn Clock>>,
    pub(super) listener: Option<Listener>,
    pub(super) element_host: Option<Arc<dyn ElementHost>>,
}

impl Default for CacheConfig {
    fn default() -> Self {
        Self::new()
    }
}

impl CacheConfig {
    /// No limits, no default time to live, statistics on, system time.
    #[must_use]
    pub fn new() -> Self {
        Self {
            max_memory: None,
            max_keys: None,
            default_ttl: None,
            list_max_len: None,
            eviction_policy: EvictionPolicy::default(),
            cleanup_interval: None,
            no_evict_percent: 50,
            enable_stats: true,
            capacity: None,
            clock: None,
            listener: None,
            element_host: None,
        }
    }

    /// Limits the memory in use, at least 64 KiB: records, table, what is retired and not yet free,
    /// and what threads keep ready. A sixteenth of it is a reserve for what is retired while some
    /// reader is slow. When a write has returned, no more is in use than this, 4 KiB a thread, and
    /// one value for each thread that is writing; only while the table grows for very small values,
    /// or after the limit was lowered, may it take some writes to get there.
    #[must_use]
    pub fn max_memory(mut self, size: impl Into<ByteSize>) -> Self {
        self.max_memory = Some(size.into());
        self
    }

    /// Limits the number of keys, and sizes the table for it. When an insert has returned, there are
    /// no more than this, and one for each other thread that is inserting. Keys that have expired
    /// count until they are removed.
    #[must_use]
    pub fn max_keys(mut self, keys: usize) -> Self {
        self.max_keys = Some(keys);
        self
    }

    /// The most elements of a list: a push beyond it drops those at the other end, as a ring buffer
    /// does. [`PushOptions::max_len`](crate::PushOptions::max_len) goes before it.
    #[must_use]
    pub fn list_max_len(mut self, elements: usize) -> Self {
        self.list_max_len = Some(elements);
        self
    }

    /// The time to live of what is written without one. Whole milliseconds count.
    #[must_use]
    pub fn default_ttl(mut self, ttl: Duration) -> Self {
        self.default_ttl = Some(ttl);
        self
    }

    /// What makes room at a limit; `allkeys-lfu` by default. How lately a key was used is measured in
    /// *ticks*: a sixteenth of the keys has been used in each, or a quarter of a second has passed.
    #[must_use]
    pub fn eviction_policy(mut self, policy: EvictionPolicy) -> Self {
        self.eviction_policy = policy;
        self
    }

    /// The most of `max_keys` and of `max_memory` that keys may take which are
    /// [spared from eviction](crate::MemoryCachePool::set_no_evict), in percent, from 0 to 90; 50 by
    /// default. Beyond it no other key is spared, and what is spared may not grow; each thread that
    /// writes may be one key ahead. A pool without limits spares as much as it holds.
    #[must_use]
    pub fn no_evict_percent(mut self, percent: u8) -> Self {
        self.no_evict_percent = percent;
        self
    }

    /// How often the [cleanup task](crate::MemoryCachePool::start_cleanup_task) runs, if it is
    /// started; every 100 ms by default. Twice as late it may be before writers help it.
    #[must_use]
    pub fn cleanup_interval(mut self, interval: Duration) -> Self {
        self.cleanup_interval = Some(interval);
        self
    }

    /// Whether operations are counted, at about a nanosecond each; they are by default.
    #[must_use]
    pub fn enable_stats(mut self, enable: bool) -> Self {
        self.enable_stats = enable;
        self
    }

    /// Accepted for the sake of configurations that name it: a pool is always thread-safe.
    #[must_use]
    pub fn thread_safe(self, _: bool) -> Self {
        self
    }

    /// How many keys the table is sized for at first, if not for `max_keys`: 1,000 by default. It
    /// grows and shrinks with the keys, but not below this. A table that is sized beforehand needs
    /// not grow, and lies in huge pages where the system has some.
    #[must_use]
    pub fn capacity(mut self, keys: usize) -> Self {
        self.capacity = Some(keys);
        self
    }

    /// Where time is taken from; the system's by default.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Has `host` told which elements of hashes, lists and sets come and go that stand for objects of
    /// its own: for a language binding that keeps objects by reference.
    ///
    /// As soon as there are any, what goes as a whole is looked through: DEL, expiry and eviction of
    /// a collection take O(elements) then.
    #[must_use]
    pub fn element_host(mut self, host: Arc<dyn ElementHost>) -> Self {
        self.element_host = Some(host);
        self
    }

    /// Checks the configuration as [`MemoryCachePool::new`](crate::MemoryCachePool::new) will.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] names the field that cannot be as it is.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.validate()
    }

    /// Tells `listener` of every value that goes, once, and why; see [`Removal`]. There is one
    /// listener or [channel](Self::removal_channel): the last that is given counts.
    ///
    /// It is called by whoever has removed the value, when that is done and before his call returns:
    /// those who write, who flush, who clean up; a read too, when it meets a key that has expired. It
    /// runs under the pin of that operation: it should be short and must not block, and what has more
    /// to do takes the channel. Should it panic, the panic ends there.
    ///
    /// It may use the pool. What it removes itself is told when it has returned: it is never called
    /// from within itself in one thread, but may be by several threads at a time. Only should it not
    /// remove something at every call, by writing over what it wrote at the one before, or at a limit
    /// of keys by writing one for each that was evicted: that does not come to an end.
    ///
    /// ```
    /// use memory_cache_pool::{CacheConfig, MemoryCachePool, RemovalCause};
    /// use std::sync::Mutex;
    ///
    /// static EVICTED: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());
    /// let config = CacheConfig::new().max_keys(2).on_removal(|removal| {
    ///     if removal.cause == RemovalCause::Evicted {
    ///         EVICTED.lock().unwrap().push(removal.key);
    ///     }
    /// });
    /// let pool = MemoryCachePool::new(config)?;
    /// pool.mset(&[("a", "1"), ("b", "2"), ("c", "3")])?;
    /// assert_eq!(EVICTED.lock()?.len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn on_removal(mut self, listener: impl Fn(Removal) + Send + Sync + 'static) -> Self {
        self.listener = Some(Listener::new(listener));
        self
    }

    /// The same as a channel for up to `capacity` removals, at least one, at whose other end a thread
    /// of the host's may take its time. When it is full, removals are dropped and counted.
    ///
    /// ```
    /// use memory_cache_pool::{CacheConfig, MemoryCachePool, RemovalCause};
    ///
    /// let (config, removals) = CacheConfig::new().removal_channel(1_000);
    /// let pool = MemoryCachePool::new(config)?;
    /// pool.set("key", "value")?;
    /// pool.delete("key");
    /// let removal = removals.try_next().expect("a removal");
    /// assert_eq!((&*removal.key, removal.cause), (&b"key"[..], RemovalCause::Deleted));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn removal_channel(self, capacity: usize) -> (Self, Removals) {
        let (offer, removals) = channel(capacity);
        (self.on_removal(offer), removals)
    }

    /// Checks everything that can be wrong.
    pub(crate) fn validate(&self) -> Result<(), ConfigError> {
        check_keys("max_keys", self.max_keys)?;
        check_keys("capacity", self.capacity)?;
        check_max_memory(self.max_memory)?;
        if self.no_evict_percent > 90 {
            let reason = "must be from 0 to 90";
            return Err(ConfigError::Invalid { field: "no_evict_percent", reason });
        }
        if self.list_max_len == Some(0) {
            let reason = "must be at least 1";
            return Err(ConfigError::Invalid { field: "list_max_len", reason });
        }
        if self.default_ttl.is_some_and(|ttl| ttl.as_millis() == 0 || ttl > LONGEST_TTL) {
            let reason = "must be from 1 ms to 10,000 years";
            return Err(ConfigError::Invalid { field: "default_ttl", reason });
        }
        if self.cleanup_interval.is_some_and(|interval| interval.as_millis() == 0) {
            let reason = "must be at least 1 ms";
            return Err(ConfigError::Invalid { field: "cleanup_interval", reason });
        }
        Ok(())
    }

    /// The clock to use.
    pub(super) fn time_source(&self) -> TimeSource {
        match &self.clock {
            None => TimeSource::System(SystemClock::new()),
            Some(clock) => TimeSource::Custom(Arc::clone(clock)),
        }
    }

    /// The default time to live in milliseconds.
    pub(super) fn default_ttl_millis(&self) -> Option<u64> {
        self.default_ttl.and_then(|ttl| u64::try_from(ttl.as_millis()).ok())
    }
}

/// Checks a number of keys.
pub(super) fn check_keys(field: &'static str, keys: Option<usize>) -> Result<(), ConfigError> {
    if keys.is_some_and(|keys| keys == 0 || keys > MOST_KEYS) {
        return Err(ConfigError::Invalid { field, reason: "must be from 1 to 2^31" });
    }
    Ok(())
}

/// Checks a limit on memory.
pub(super) fn check_max_memory(size: Option<ByteSize>) -> Result<(), ConfigError> {
    if size.is_some_and(|size| size.0 < LEAST_MEMORY) {
        let reason = "must be at least 64 KiB";
        return Err(ConfigError::Invalid { field: "max_memory", reason });
    }
    Ok(())
}

/// Why a configuration is refused.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ConfigError {
    /// A field's value cannot be.
    Invalid {
        /// The field.
        field: &'static str,
        /// What its value has to be.
        reason: &'static str,
    },
    /// A text is not what it should be.
    Unreadable {
        /// What it should be.
        expected: &'static str,
        /// The text, cut to a bounded length.
        text: String,
    },
}

impl ConfigError {
    /// A text that could not be read.
    pub(super) fn unreadable(expected: &'static str, text: &str) -> Self {
        Self::Unreadable { expected, text: text.chars().take(40).collect() }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid { field, reason } => write!(f, "{field} {reason}"),
            Self::Unreadable { expected, text } => write!(f, "{text:?} is not a {expected}"),
        }
    }
}

impl error::Error for ConfigError {}

#[cfg(all(test, not(pool_loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_field_that_cannot_be_is_named() {
        let refused = [
            (CacheConfig::new().max_keys(0), "max_keys"),
            (CacheConfig::new().max_memory((64 << 10) - 1), "max_memory"),
            (CacheConfig::new().capacity(usize::MAX), "capacity"),
            (CacheConfig::new().default_ttl(Duration::from_nanos(1)), "default_ttl"),
            (CacheConfig::new().default_ttl(Duration::MAX), "default_ttl"),
            (CacheConfig::new().cleanup_interval(Duration::ZERO), "cleanup_interval"),
            (CacheConfig::new().list_max_len(0), "list_max_len"),
            (CacheConfig::new().no_evict_percent(91), "no_evict_percent"),
        ];
        for (config, name) in refused {
            let error = config.validate();
            assert!(matches!(error, Err(ConfigError::Invalid { field, .. }) if field == name));
        }
    }

    #[test]
    fn a_pool_is_thread_safe_whatever_is_asked_for() {
        assert_eq!(CacheConfig::new().thread_safe(false).validate(), Ok(()));
    }
}
