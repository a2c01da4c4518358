//! The options of SET and GETEX, and what they amount to.

use crate::error::Error;
use std::time::Duration;

/// When a value is to expire.
///
/// Times are Redis's: signed, so that a wrong one can be refused as Redis refuses it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expiry {
    /// The time to live stays as it is.
    Keep,
    /// The key no longer expires.
    Persist,
    /// In so many seconds from now.
    InSeconds(i64),
    /// In so many milliseconds from now.
    InMillis(i64),
    /// At this time in seconds since 1970 UTC.
    AtSeconds(i64),
    /// At this time in milliseconds since 1970 UTC.
    AtMillis(i64),
}

/// Options of [`set_options`](crate::MemoryCachePool::set_options).
///
/// Options that contradict each other (two times to live, or `nx` and `xx`) are refused with
/// [`Error::Syntax`] when they are used.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct SetOptions {
    expiry: Option<Expiry>,
    contradicts: bool,
    nx: bool,
    xx: bool,
    get: bool,
    no_evict: bool,
}

/// What [`set_options`](crate::MemoryCachePool::set_options) did.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct SetReply {
    /// Whether the value was written: false when `nx` or `xx` forbade it.
    pub was_set: bool,
    /// The value before, when `get` asked for it and there was one.
    pub previous: Option<Vec<u8>>,
}

impl SetOptions {
    /// No options: a plain SET.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// EX: expires in so many seconds.
    ///
    /// Thirty seconds or more are counted from the kernel's last tick, some milliseconds ago
    /// ([`Clock::coarse_millis`](crate::Clock::coarse_millis)), and less from now.
    #[must_use]
    pub fn ex(self, seconds: i64) -> Self {
        self.expiring(Expiry::InSeconds(seconds))
    }

    /// PX: expires in so many milliseconds, counted as [`ex`](Self::ex) does.
    #[must_use]
    pub fn px(self, millis: i64) -> Self {
        self.expiring(Expiry::InMillis(millis))
    }

    /// EXAT: expires at a time in seconds since 1970 UTC; one in the past deletes the key.
    #[must_use]
    pub fn exat(self, unix_seconds: i64) -> Self {
        self.expiring(Expiry::AtSeconds(unix_seconds))
    }

    /// PXAT: expires at a time in milliseconds since 1970 UTC; one in the past deletes the key.
    #[must_use]
    pub fn pxat(self, unix_millis: i64) -> Self {
        self.expiring(Expiry::AtMillis(unix_millis))
    }

    /// PX, for a [`Duration`]; less than a millisecond is refused as zero is.
    #[must_use]
    pub fn ttl(self, ttl: Duration) -> Self {
        self.px(i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX))
    }

    /// KEEPTTL: keeps the time to live of the value before.
    #[must_use]
    pub fn keep_ttl(self) -> Self {
        self.expiring(Expiry::Keep)
    }

    /// NX: only if the key does not exist.
    #[must_use]
    pub fn nx(mut self) -> Self {
        self.nx = true;
        self
    }

    /// XX: only if the key exists.
    #[must_use]
    pub fn xx(mut self) -> Self {
        self.xx = true;
        self
    }

    /// GET: asks for the value before.
    #[must_use]
    pub fn get(mut self) -> Self {
        self.get = true;
        self
    }

    /// Spares the key from eviction: see [`set_no_evict`](crate::MemoryCachePool::set_no_evict). A
    /// key that is spared already stays so without it.
    #[must_use]
    pub fn no_evict(mut self) -> Self {
        self.no_evict = true;
        self
    }

    pub(super) fn expiring(mut self, expiry: Expiry) -> Self {
        self.contradicts |= self.expiry.is_some();
        self.expiry = Some(expiry);
        self
    }

    /// Whether the value before is asked for.
    pub(super) fn wants_previous(&self) -> bool {
        self.get
    }

    /// Whether the key is to be spared.
    pub(super) fn spares(&self) -> bool {
        self.no_evict
    }

    /// Whether the condition lets the write happen.
    pub(super) fn permits(&self, exists: bool) -> bool {
        !(self.nx && exists || self.xx && !exists)
    }

    /// Whether nothing is asked of what was there before, but maybe its deadline.
    pub(super) fn is_plain(&self) -> bool {
        !(self.nx || self.xx || self.get || self.no_evict)
    }

    /// The deadline that results; `present` as for [`Expiry::deadline`].
    pub(super) fn deadline(&self, present: impl FnOnce(u64) -> u64) -> Result<NewDeadline, Error> {
        if self.contradicts || self.nx && self.xx {
            return Err(Error::Syntax);
        }
        match self.expiry {
            None => Ok(NewDeadline::Default),
            Some(expiry) => expiry.deadline(present),
        }
    }
}

/// What an expiry amounts to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum NewDeadline {
    /// As configured.
    Default,
    /// As the value before.
    Keep,
    /// At this time in Unix milliseconds, which lies ahead; 0 is never.
    At(u64),
    /// It has passed: the key goes.
    Past,
}

impl Expiry {
    /// The deadline as SET, GETEX and SETEX take it: zero and negative times are refused. `present`
    /// tells from when a life of so many milliseconds counts, and for 0 what time it is.
    pub(super) fn deadline(self, present: impl FnOnce(u64) -> u64) -> Result<NewDeadline, Error> {
        let (time, scale) = match self {
            Self::Keep => return Ok(NewDeadline::Keep),
            Self::Persist => return Ok(NewDeadline::At(0)),
            Self::InSeconds(seconds) => (seconds, Scale::IN_SECONDS),
            Self::InMillis(millis) => (millis, Scale::IN_MILLIS),
            Self::AtSeconds(seconds) => (seconds, Scale::AT_SECONDS),
            Self::AtMillis(millis) => (millis, Scale::AT_MILLIS),
        };
        if time <= 0 {
            return Err(Error::InvalidExpire);
        }
        let now = present(scale.life(time)?);
        match u64::try_from(scale.deadline(time, now)?) {
            Ok(deadline) if deadline > now => Ok(NewDeadline::At(deadline)),
            _ => Ok(NewDeadline::Past),
        }
    }
}

/// Unit and origin of a time that is given.
#[derive(Clone, Copy)]
pub(super) struct Scale {
    is_seconds: bool,
    is_relative: bool,
}

impl Scale {
    pub(super) const IN_SECONDS: Self = Self { is_seconds: true, is_relative: true };
    pub(super) const IN_MILLIS: Self = Self { is_seconds: false, is_relative: true };
    pub(super) const AT_SECONDS: Self = Self { is_seconds: true, is_relative: false };
    pub(super) const AT_MILLIS: Self = Self { is_seconds: false, is_relative: false };

    /// A time in milliseconds.
    ///
    /// # Errors
    ///
    /// `InvalidExpire` when it does not fit into 64 bits.
    pub(super) fn millis(self, time: i64) -> Result<i64, Error> {
        let millis = if self.is_seconds { time.checked_mul(1000) } else { Some(time) };
        millis.ok_or(Error::InvalidExpire)
    }

    /// The milliseconds to live that a time says; 0 for a time in the calendar.
    fn life(self, time: i64) -> Result<u64, Error> {
        let millis = self.millis(time)?;
        Ok(if self.is_relative { u64::try_from(millis).unwrap_or(0) } else { 0 })
    }

    /// A time as Unix milliseconds, which may have passed.
    ///
    /// # Errors
    ///
    /// `InvalidExpire` when it does not fit into 64 bits.
    pub(super) fn deadline(self, time: i64, now: u64) -> Result<i64, Error> {
        let begin = if self.is_relative { i64::try_from(now).unwrap_or(i64::MAX) } else { 0 };
        self.millis(time)?.checked_add(begin).ok_or(Error::InvalidExpire)
    }
}
