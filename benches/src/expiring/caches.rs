//! moka and stretto.

use super::{Expiring, Session};
use std::{io, sync::Arc, time::Duration, time::Instant};

type Bytes = Box<[u8]>;

/// A value and how long it is to live, which moka asks its `Expiry` for.
#[derive(Clone, Debug)]
struct Timed {
    value: Arc<[u8]>,
    ttl: Option<Duration>,
}

/// Takes the time to live from the value.
#[derive(Debug)]
struct AsToldByValue;

impl moka::Expiry<Bytes, Timed> for AsToldByValue {
    fn expire_after_create(&self, _: &Bytes, value: &Timed, _: Instant) -> Option<Duration> {
        value.ttl
    }

    fn expire_after_update(
        &self,
        _: &Bytes,
        value: &Timed,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        value.ttl
    }
}

/// moka, with room for twice the keys.
#[derive(Debug)]
pub struct Moka(moka::sync::Cache<Bytes, Timed, foldhash::fast::RandomState>);

impl Expiring for Moka {
    const NAME: &'static str = "moka";

    type Session<'e> = &'e Self;

    fn start(keys: usize) -> io::Result<Self> {
        let builder = moka::sync::Cache::builder().max_capacity(keys as u64 * 2);
        let builder = builder.initial_capacity(keys).expire_after(AsToldByValue);
        Ok(Self(builder.build_with_hasher(foldhash::fast::RandomState::default())))
    }

    fn session(&self) -> io::Result<&Self> {
        Ok(self)
    }
}

impl Session for &Moka {
    #[inline(always)]
    fn get(&mut self, key: &[u8]) -> bool {
        self.0.get(key).is_some_and(|timed| !timed.value.is_empty())
    }

    #[inline(always)]
    fn set(&mut self, key: &[u8], value: &[u8]) {
        self.fill(key, value, None);
    }

    #[inline(always)]
    fn fill(&mut self, key: &[u8], value: &[u8], ttl: Option<Duration>) {
        self.0.insert(key.into(), Timed { value: value.into(), ttl });
    }

    fn flush(&mut self) {
        self.0.run_pending_tasks();
    }

    fn entries(&mut self) -> u64 {
        self.0.entry_count()
    }
}

/// stretto, with room for twice the keys; it has two threads of its own.
pub struct Stretto(stretto::Cache<Bytes, Bytes>);

impl std::fmt::Debug for Stretto {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stretto").field("len", &self.0.len()).finish()
    }
}

impl Expiring for Stretto {
    const NAME: &'static str = "stretto";

    type Session<'e> = &'e Self;

    fn start(keys: usize) -> io::Result<Self> {
        let most = i64::try_from(keys * 2).unwrap_or(i64::MAX);
        let builder = stretto::Cache::builder(keys * 10, most).set_ignore_internal_cost(true);
        builder.finalize().map(Self).map_err(io::Error::other)
    }

    fn session(&self) -> io::Result<&Self> {
        Ok(self)
    }
}

impl Session for &Stretto {
    #[inline(always)]
    fn get(&mut self, key: &[u8]) -> bool {
        self.0.get(key).is_some_and(|value| !value.value().is_empty())
    }

    #[inline(always)]
    fn set(&mut self, key: &[u8], value: &[u8]) {
        // It may drop what it is given.
        let _ = self.0.insert(key.into(), value.into(), 1);
    }

    fn fill(&mut self, key: &[u8], value: &[u8], ttl: Option<Duration>) {
        match ttl {
            None => self.set(key, value),
            Some(ttl) => drop(self.0.insert_with_ttl(key.into(), value.into(), 1, ttl)),
        }
    }

    fn flush(&mut self) {
        let _ = self.0.wait();
    }

    fn entries(&mut self) -> u64 {
        self.0.len() as u64
    }
}
