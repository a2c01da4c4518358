//! What time it is, as exactly as each question needs it, and what has expired by then.
//!
//! There are two readings of one clock: the *precise* one, and the *coarse* one, which is a little behind
//! and a fifth of the price. Who asks the coarse one lets the precise one decide where the difference
//! could be told:
//!
//! | question                            | coarse                    | precise                         |
//! |-------------------------------------|---------------------------|---------------------------------|
//! | has a deadline passed               | while it is far           | from [`CLOSE_MILLIS`] before it |
//! | from when does a life count         | [`LONG_LIFE_MILLIS`] or more | a shorter one, EXPIRE and its kin |
//! | when was a value written or used    | always                    |                                 |
//!
//! So a deadline is met to the millisecond in any case; a long life ends sooner by the lag, as if the SET
//! had been made that much sooner.

use super::engine::Engine;
use crate::{record::Live, sync::Ordering};
use std::time::Duration;

/// How far a coarse reading of the clock may lie behind a precise one.
const COARSE_LAG_MILLIS: u64 = 20;

/// How near a deadline has to be for the precise clock to be asked.
///
/// The lag, many times: the processor whose ticks move the coarse clock of a virtual machine may itself
/// be kept waiting, while the others go on and see an old time.
const CLOSE_MILLIS: u64 = 500;

/// The shortest time to live that a SET counts from the coarse clock.
///
/// The lag is taken from the life, never added to it: a few ten-thousandths as a rule, and less than two
/// hundredths when the kernel's ticks are half a second late, which is what [`CLOSE_MILLIS`] allows for.
/// Reading the precise clock takes 25 to 40 ns, where all else that a SET does takes 45 to 85: the
/// processor cannot work ahead meanwhile.
const LONG_LIFE_MILLIS: u64 = 30_000;

/// When a value is written, and when it expires.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dates {
    /// Unix milliseconds; 0 is never.
    pub(super) deadline: u64,
    /// Milliseconds since the pool began.
    pub(super) written: u64,
}

impl Engine {
    /// Whether a deadline has passed; at the deadline itself a key is still there.
    ///
    /// Reads the cheap clock first, and the precise one only when that leaves it open.
    #[inline(never)]
    pub(super) fn has_expired(&self, deadline: u64) -> bool {
        let coarse = self.clock.coarse_millis();
        if deadline > coarse.saturating_add(CLOSE_MILLIS) {
            return false;
        }
        deadline < coarse || self.clock.now_millis() > deadline
    }

    /// Whether a record has no deadline, or one that has not passed.
    #[inline(always)]
    pub(super) fn is_current(&self, live: Live<'_>) -> bool {
        live.deadline() == 0 || !self.has_expired(live.deadline())
    }

    /// As [`has_expired`](Self::has_expired) of a deadline or 0, for who has looked at the clock.
    #[inline]
    pub(super) fn has_expired_since(&self, deadline: u64, elapsed: u64) -> bool {
        deadline != 0
            && deadline <= self.began.saturating_add(elapsed).saturating_add(CLOSE_MILLIS)
            && self.has_expired(deadline)
    }

    /// The present, from which a life of so many milliseconds is counted; 0 for an absolute deadline.
    #[inline]
    pub(super) fn present_for(&self, life: u64) -> u64 {
        if life >= LONG_LIFE_MILLIS { self.clock.coarse_millis() } else { self.clock.now_millis() }
    }

    /// When a plain write happens, and when what it writes expires.
    #[inline(always)]
    pub(super) fn default_dates(&self) -> Dates {
        match self.default_ttl {
            None => Dates { deadline: 0, written: self.elapsed_coarse() },
            Some(life) => self.dates_for(life),
        }
    }

    /// When a write happens, and when what it writes expires, which lives for so many milliseconds.
    #[inline]
    pub(super) fn dates_for(&self, life: u64) -> Dates {
        let now = self.present_for(life);
        Dates { deadline: now.saturating_add(life), written: self.elapsed_at(now) }
    }

    /// The deadline of a plain write: the configured time to live from now, or none.
    #[inline]
    pub(super) fn default_deadline(&self) -> u64 {
        self.default_ttl.map_or(0, |life| self.dates_for(life).deadline)
    }

    /// Milliseconds since the pool began, coarsely.
    #[inline(always)]
    pub(super) fn elapsed_coarse(&self) -> u64 {
        self.elapsed_at(self.clock.coarse_millis())
    }

    /// Milliseconds from the pool's begin to what the clock shows.
    #[inline(always)]
    pub(super) fn elapsed_at(&self, now: u64) -> u64 {
        let elapsed = now.saturating_sub(self.began);
        // ORDERING: Relaxed; coarse time. Written only when time goes on, once a millisecond at most:
        // not for a reading that lags behind another thread's.
        let ahead = self.recent.load(Ordering::Relaxed).wrapping_sub(elapsed);
        if ahead > COARSE_LAG_MILLIS {
            self.let_time_pass(elapsed);
        }
        elapsed
    }

    #[cold]
    #[inline(never)]
    fn let_time_pass(&self, elapsed: u64) {
        // ORDERING: Relaxed; as above.
        self.recent.store(elapsed, Ordering::Relaxed);
        self.evictor.pace.let_time_pass(elapsed);
    }

    /// How long ago a record was used.
    pub(super) fn idle(&self, live: Live<'_>) -> Duration {
        let used = self.evictor.pace.millis_at(live.usage().last_use());
        Duration::from_millis(self.elapsed_coarse().saturating_sub(used))
    }

    /// Milliseconds since the pool began, as of the last look at the clock: by a write, or by one in
    /// 64 increments.
    #[inline]
    pub(super) fn elapsed_recent(&self) -> u64 {
        // ORDERING: Relaxed; coarse time, nothing is carried.
        self.recent.load(Ordering::Relaxed)
    }
}
