//! Contenders whose entries can expire.
//!
//! Entries without a time to live stay. A [`Session`] is what one thread works with: a connection
//! where there is one, otherwise a reference.

mod caches;
mod redis;
mod sweeper;

pub use caches::{Moka, Stretto};
pub use redis::{Connection, Redis};
pub use sweeper::Sweeper;

use crate::{
    allocation,
    contender::{Contender, Pool},
    latency::roster::EmptyLoop,
};
use memory_cache_pool::SetOptions;
use std::{hint::black_box, io, time::Duration};

/// A cache under test.
pub trait Expiring: Sync + Sized {
    /// What the tables call it.
    const NAME: &'static str;

    /// What one thread works with.
    type Session<'e>: Session
    where
        Self: 'e;

    /// Creates one with room for this many keys.
    ///
    /// # Errors
    ///
    /// What keeps it from being there.
    fn start(keys: usize) -> io::Result<Self>;

    /// What a thread works with.
    ///
    /// # Errors
    ///
    /// When there is no connection to be had.
    fn session(&self) -> io::Result<Self::Session<'_>>;
}

/// One thread's way to a cache.
pub trait Session: Send {
    /// Whether a key is there.
    fn get(&mut self, key: &[u8]) -> bool;

    /// Sets a value that stays.
    fn set(&mut self, key: &[u8], value: &[u8]);

    /// Sets one of many values, with a time to live or without; done when [`flush`](Self::flush) is.
    fn fill(&mut self, key: &[u8], value: &[u8], ttl: Option<Duration>);

    /// Returns when what was filled in has taken effect.
    fn flush(&mut self) {}

    /// Entries held, expired ones included.
    fn entries(&mut self) -> u64;

    /// Bytes held; only differences mean something.
    fn bytes(&mut self) -> i64 {
        allocation::bytes()
    }
}

impl Expiring for Pool {
    const NAME: &'static str = <Self as Contender>::NAME;

    type Session<'e> = &'e Self;

    fn start(keys: usize) -> io::Result<Self> {
        Ok(Self::with_capacity(keys))
    }

    fn session(&self) -> io::Result<&Self> {
        Ok(self)
    }
}

/// The pool with its cleanup task, where [`Pool`] leaves all to those who write.
#[derive(Debug)]
pub struct PoolWithTask(Pool);

impl Expiring for PoolWithTask {
    const NAME: &'static str = "pool-task";

    type Session<'e> = &'e Pool;

    fn start(keys: usize) -> io::Result<Self> {
        let pool = Pool::with_capacity(keys);
        pool.0.start_cleanup_task()?;
        Ok(Self(pool))
    }

    fn session(&self) -> io::Result<&Pool> {
        Ok(&self.0)
    }
}

impl Session for &Pool {
    #[inline(always)]
    fn get(&mut self, key: &[u8]) -> bool {
        Contender::get(*self, key).is_some()
    }

    #[inline(always)]
    fn set(&mut self, key: &[u8], value: &[u8]) {
        Contender::set(*self, key, value);
    }

    fn fill(&mut self, key: &[u8], value: &[u8], ttl: Option<Duration>) {
        let options = ttl.map_or_else(SetOptions::new, |ttl| SetOptions::new().px(millis(ttl)));
        let done = self.0.set_options(key, value, options);
        debug_assert!(done.is_ok());
    }

    fn entries(&mut self) -> u64 {
        self.0.get_stats().key_count as u64
    }
}

/// A time to live in whole milliseconds, at least one.
fn millis(ttl: Duration) -> i64 {
    i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX).max(1)
}

impl Expiring for EmptyLoop {
    const NAME: &'static str = <Self as Contender>::NAME;

    type Session<'e> = Self;

    fn start(_keys: usize) -> io::Result<Self> {
        Ok(Self)
    }

    fn session(&self) -> io::Result<Self> {
        Ok(*self)
    }
}

impl Session for EmptyLoop {
    #[inline(always)]
    fn get(&mut self, _key: &[u8]) -> bool {
        false
    }

    #[inline(always)]
    fn set(&mut self, _key: &[u8], _value: &[u8]) {}

    fn fill(&mut self, key: &[u8], _value: &[u8], _ttl: Option<Duration>) {
        black_box(key);
    }

    fn entries(&mut self) -> u64 {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{thread, time::Instant};

    /// Fills in one that stays and one that goes, and waits until it has gone.
    fn holds_what_it_is_given<E: Expiring>() -> io::Result<()> {
        let cache = E::start(100)?;
        let mut session = cache.session()?;
        session.fill(b"stays", b"value", None);
        session.fill(b"goes", b"value", Some(Duration::from_secs(1)));
        session.flush();
        assert!(session.get(b"stays"));
        assert!(session.get(b"goes"));
        assert_eq!(session.entries(), 2);

        session.set(b"new", b"value");
        let began = Instant::now();
        while session.get(b"goes") {
            assert!(began.elapsed() < Duration::from_secs(10), "it does not go");
            thread::yield_now();
        }

        assert!(session.get(b"stays"));
        assert!(session.get(b"new"));
        Ok(())
    }

    #[test]
    fn the_pool_expires() {
        holds_what_it_is_given::<Pool>().unwrap();
    }

    #[test]
    fn the_pool_with_its_task_expires() {
        holds_what_it_is_given::<PoolWithTask>().unwrap();
    }

    #[test]
    fn moka_expires() {
        holds_what_it_is_given::<Moka>().unwrap();
    }

    #[test]
    fn stretto_expires() {
        holds_what_it_is_given::<Stretto>().unwrap();
    }

    #[test]
    fn the_sweeper_expires() {
        holds_what_it_is_given::<Sweeper>().unwrap();
    }

    #[test]
    fn redis_expires_where_it_is_installed() {
        match holds_what_it_is_given::<Redis>() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            done => done.unwrap(),
        }
    }
}
