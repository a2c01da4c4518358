//! A pool and the plain keyspace beside it, step by step.

use super::{
    command::{Command, run},
    oracle::Oracle,
    reply::{Reply, text},
};
use memory_cache_pool::{
    ByteSize, CacheConfig, Error, EvictionPolicy, ManualClock, MemoryCachePool,
};
use std::{sync::Arc, time::Duration};

/// A pool and the oracle beside it, with one clock.
#[derive(Debug)]
pub(crate) struct Pair {
    pub(crate) pool: MemoryCachePool,
    pub(crate) oracle: Oracle,
    clock: Arc<ManualClock>,
    max_keys: Option<usize>,
    /// Whether memory is limited, so that any command that writes may be refused.
    has_max_memory: bool,
}

impl Pair {
    /// Creates both, empty, at a time that is not zero.
    pub(crate) fn new(
        config: CacheConfig,
        default_ttl: Option<u64>,
        max_keys: Option<usize>,
    ) -> Self {
        const BEGAN: u64 = 1_700_000_000_000;
        let clock = Arc::new(ManualClock::new(BEGAN));
        let config = config.clock(clock.clone());
        let config = match default_ttl {
            Some(ttl) => config.default_ttl(Duration::from_millis(ttl)),
            None => config,
        };
        let config = match max_keys {
            Some(keys) => config.max_keys(keys),
            None => config,
        };
        let config = config.eviction_policy(EvictionPolicy::NoEviction);
        let pool = MemoryCachePool::new(config).expect("the configuration is valid");
        Self {
            pool,
            oracle: Oracle::new(BEGAN, default_ttl),
            clock,
            max_keys,
            has_max_memory: false,
        }
    }

    /// Changes a limit, if that is the command.
    fn change_limits(&mut self, command: &Command) -> bool {
        match command {
            Command::MaxKeys(keys) => {
                self.max_keys = keys.map(|keys| usize::from(keys % 7) + 1);
                self.pool.set_max_keys(self.max_keys).expect("at least one");
            }
            Command::MaxMemory(kib) => {
                self.has_max_memory = kib.is_some();
                let size = kib.map(|kib| ByteSize((64 + u64::from(kib)) << 10));
                self.pool.set_max_memory(size).expect("at least the least");
            }
            _ => return false,
        }
        true
    }

    /// Runs a command on both and compares what they answer.
    ///
    /// # Panics
    ///
    /// When they differ.
    pub(crate) fn step(&mut self, command: &Command) {
        let is_full = self.max_keys.is_some_and(|most| self.pool.dbsize() >= most);
        if self.change_limits(command) {
            return;
        }
        let is_limited = self.max_keys.is_some() || self.has_max_memory;
        if is_limited && matches!(command, Command::Mset(_)) {
            // Which of its keys are written when the room runs out is not what this compares.
            return;
        }
        let answer = run(&self.pool, command, self.oracle.now());
        if let Command::Advance(millis) = command {
            self.clock.advance(Duration::from_millis(u64::from(*millis)));
        }
        if answer == Err(Error::OutOfMemory) {
            if self.has_max_memory {
                return;
            }
            assert!(is_full, "{command:?} was refused although there is room");
            let mut after = self.oracle.clone();
            let _ = after.apply(command);
            assert!(after.keys().len() > self.oracle.keys().len(), "{command:?} adds no key");
            return;
        }
        match command {
            Command::Randomkey => self.check_random_key(&answer),
            Command::Incrbyfloat(key, _) if self.oracle.leaves_float_to_the_pool(*key) => {
                if let Ok(Reply::Value(Some(sum))) = answer {
                    self.oracle.adopt(*key, sum.0);
                }
            }
            _ => {
                let expected = self.oracle.apply(command);
                assert_eq!(answer, expected, "{command:?} on {:?}", self.oracle);
            }
        }
    }

    fn check_random_key(&self, answer: &Result<Reply, Error>) {
        let keys = self.oracle.keys();
        match answer {
            Ok(Reply::Value(None)) => assert!(keys.is_empty(), "there are keys"),
            Ok(Reply::Value(Some(key))) => assert!(keys.contains(&key.0), "{key:?} is none"),
            _ => unreachable!("{answer:?} is no key"),
        }
    }

    /// Compares the whole keyspaces.
    ///
    /// # Panics
    ///
    /// When they differ.
    pub(crate) fn check_all(&mut self) {
        let mut keys = self.pool.keys("*");
        keys.sort();
        assert_eq!(keys, self.oracle.keys());
        for (key, info) in keys.iter().map(|key| (key, self.pool.get(key))) {
            assert!(info.is_ok(), "{:?} has no value", text(Some(key.clone())));
        }
        assert_eq!(self.pool.dbsize(), keys.len());
        assert_eq!(self.pool.debug_keys().count(), keys.len());
    }
}
