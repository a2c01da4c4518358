//! Deadlines: EXPIRE and its kin, TTL and its kin, PERSIST.

use super::{
    MemoryCachePool,
    engine::{Step, Touch},
    options::Scale,
};
use crate::{error::Error, record::Live, tally::Tally};
use std::time::Duration;

/// When EXPIRE may change a deadline. A key without one counts as living for ever.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ExpireCondition {
    /// Always.
    #[default]
    Always,
    /// NX: only if the key has none.
    Nx,
    /// XX: only if the key has one.
    Xx,
    /// GT: only if the new one is later. With XX it is the same, since a key without a deadline has
    /// none later.
    Gt,
    /// LT: only if the new one is sooner.
    Lt,
    /// XX LT: only if the key has one and the new one is sooner.
    XxLt,
}

impl ExpireCondition {
    /// Whether the deadline may change from `old` (0 is none) to `new`.
    fn permits(self, old: u64, new: i64) -> bool {
        let has_one = old != 0;
        let old = i64::try_from(old).unwrap_or(i64::MAX);
        match self {
            Self::Always => true,
            Self::Nx => !has_one,
            Self::Xx => has_one,
            Self::Gt => has_one && new > old,
            Self::Lt => !has_one || new < old,
            Self::XxLt => has_one && new < old,
        }
    }
}

/// How long a key has to live.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ttl {
    /// There is no such key.
    Missing,
    /// It does not expire.
    Persistent,
    /// It expires after this time, which is whole milliseconds.
    Left(Duration),
}

impl Ttl {
    /// What is left at `now` of a record's deadline.
    pub(super) fn of(live: Live<'_>, now: u64) -> Self {
        match live.deadline() {
            0 => Self::Persistent,
            deadline => Self::Left(Duration::from_millis(deadline.saturating_sub(now))),
        }
    }
}

impl MemoryCachePool {
    /// Lets `key` expire in so many seconds; false when it does not exist. Zero or less deletes it.
    ///
    /// The key gets a new record, for which there has to be room as for any write, and the old one's
    /// comes free when nobody looks at it any more.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidExpire`] when the time does not fit into 64 bits of milliseconds; or as
    /// [`set`](Self::set). Nothing has changed then.
    pub fn expire(&self, key: impl AsRef<[u8]>, seconds: i64) -> Result<bool, Error> {
        self.expire_if(key, seconds, ExpireCondition::Always)
    }

    /// As [`expire`](Self::expire), in milliseconds.
    ///
    /// # Errors
    ///
    /// As [`expire`](Self::expire).
    pub fn pexpire(&self, key: impl AsRef<[u8]>, millis: i64) -> Result<bool, Error> {
        self.pexpire_if(key, millis, ExpireCondition::Always)
    }

    /// As [`expire`](Self::expire), at a time in seconds since 1970 UTC; one that has passed deletes
    /// the key.
    ///
    /// # Errors
    ///
    /// As [`expire`](Self::expire).
    pub fn expireat(&self, key: impl AsRef<[u8]>, unix_seconds: i64) -> Result<bool, Error> {
        self.expireat_if(key, unix_seconds, ExpireCondition::Always)
    }

    /// As [`expireat`](Self::expireat), in milliseconds.
    ///
    /// # Errors
    ///
    /// As [`expire`](Self::expire).
    pub fn pexpireat(&self, key: impl AsRef<[u8]>, unix_millis: i64) -> Result<bool, Error> {
        self.pexpireat_if(key, unix_millis, ExpireCondition::Always)
    }

    /// As [`expire`](Self::expire), under a condition; false when it does not hold.
    ///
    /// # Errors
    ///
    /// As [`expire`](Self::expire).
    pub fn expire_if(
        &self,
        key: impl AsRef<[u8]>,
        seconds: i64,
        condition: ExpireCondition,
    ) -> Result<bool, Error> {
        self.set_deadline(key.as_ref(), seconds, Scale::IN_SECONDS, condition)
    }

    /// As [`expire_if`](Self::expire_if), in milliseconds.
    ///
    /// # Errors
    ///
    /// As [`expire`](Self::expire).
    pub fn pexpire_if(
        &self,
        key: impl AsRef<[u8]>,
        millis: i64,
        condition: ExpireCondition,
    ) -> Result<bool, Error> {
        self.set_deadline(key.as_ref(), millis, Scale::IN_MILLIS, condition)
    }

    /// As [`expireat`](Self::expireat), under a condition; false when it does not hold.
    ///
    /// # Errors
    ///
    /// As [`expire`](Self::expire).
    pub fn expireat_if(
        &self,
        key: impl AsRef<[u8]>,
        unix_seconds: i64,
        condition: ExpireCondition,
    ) -> Result<bool, Error> {
        self.set_deadline(key.as_ref(), unix_seconds, Scale::AT_SECONDS, condition)
    }

    /// As [`expireat_if`](Self::expireat_if), in milliseconds.
    ///
    /// # Errors
    ///
    /// As [`expire`](Self::expire).
    pub fn pexpireat_if(
        &self,
        key: impl AsRef<[u8]>,
        unix_millis: i64,
        condition: ExpireCondition,
    ) -> Result<bool, Error> {
        self.set_deadline(key.as_ref(), unix_millis, Scale::AT_MILLIS, condition)
    }

    /// The record is replaced, not changed in place, and a number is frozen only once the condition
    /// holds: a refused EXPIRE leaves a hot counter hot.
    fn set_deadline(
        &self,
        key: &[u8],
        time: i64,
        scale: Scale,
        condition: ExpireCondition,
    ) -> Result<bool, Error> {
        let engine = &*self.engine;
        let guard = engine.pin_to_write();
        let now = engine.clock.now_millis();
        let deadline = scale.deadline(time, now)?;
        engine.write(&guard, key, Tally::OtherOperations, |live| {
            let Some(live) = live else { return Ok(Step::Keep(false)) };
            if !condition.permits(live.deadline(), deadline) {
                return Ok(Step::Keep(false));
            }
            Ok(match u64::try_from(deadline) {
                Ok(deadline) if deadline > now => Step::Redate(deadline, true),
                _ => Step::Remove(true),
            })
        })
    }

    /// Lets `key` live for ever; false when it does not exist or has no deadline.
    ///
    /// # Errors
    ///
    /// [`Error::OutOfMemory`] and [`Error::Stalled`] as [`set`](Self::set). Nothing has changed then.
    pub fn persist(&self, key: impl AsRef<[u8]>) -> Result<bool, Error> {
        let guard = self.engine.pin_to_write();
        let persist = |live: Option<Live<'_>>| match live {
            Some(live) if live.deadline() != 0 => Ok(Step::Redate(0, true)),
            _ => Ok(Step::Keep(false)),
        };
        match self.engine.write(&guard, key.as_ref(), Tally::OtherOperations, persist) {
            // It cannot exist.
            Err(Error::KeyTooLong) => Ok(false),
            done => done,
        }
    }

    /// How long `key` has to live. Does not count as a use of the key.
    #[must_use]
    pub fn time_to_live(&self, key: impl AsRef<[u8]>) -> Ttl {
        let engine = &*self.engine;
        engine
            .read(key.as_ref(), Touch::No, |live| Ttl::of(live, engine.clock.now_millis()))
            .unwrap_or(Ttl::Missing)
    }

    /// Seconds that `key` has to live, rounded to the nearest; −1 without a deadline, −2 without the
    /// key.
    #[must_use]
    pub fn ttl(&self, key: impl AsRef<[u8]>) -> i64 {
        rounded_to_seconds(self.pttl(key))
    }

    /// Milliseconds that `key` has to live; −1 without a deadline, −2 without the key.
    #[must_use]
    pub fn pttl(&self, key: impl AsRef<[u8]>) -> i64 {
        match self.time_to_live(key) {
            Ttl::Missing => -2,
            Ttl::Persistent => -1,
            Ttl::Left(left) => i64::try_from(left.as_millis()).unwrap_or(i64::MAX),
        }
    }

    /// The deadline of `key` in seconds since 1970 UTC, rounded; −1 without one, −2 without the key.
    #[must_use]
    pub fn expiretime(&self, key: impl AsRef<[u8]>) -> i64 {
        rounded_to_seconds(self.pexpiretime(key))
    }

    /// The deadline of `key` in milliseconds since 1970 UTC; −1 without one, −2 without the key.
    #[must_use]
    pub fn pexpiretime(&self, key: impl AsRef<[u8]>) -> i64 {
        match self.engine.read(key.as_ref(), Touch::No, |live| live.deadline()) {
            None => -2,
            Some(0) => -1,
            Some(deadline) => i64::try_from(deadline).unwrap_or(i64::MAX),
        }
    }
}

/// Milliseconds to seconds as Redis rounds them; the negative answers stay.
fn rounded_to_seconds(millis: i64) -> i64 {
    if millis < 0 { millis } else { millis / 1000 + i64::from(millis % 1000 >= 500) }
}
