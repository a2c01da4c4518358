//! Deadlines that are set, moved and taken back while time goes by, on the pool and on a plain map:
//! what has expired is removed in time, and nothing else.

use arbitrary::{Arbitrary, Result as Drawn, Unstructured};
use memory_cache_pool::{CacheConfig, ManualClock, MemoryCachePool, SetOptions};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// When a schedule begins, in Unix milliseconds.
const START: u64 = 1_700_000_000_000;

/// By how many milliseconds a removal may be late: a tick of the wheel's second level, and the one
/// after which a key has expired.
const LATE: u64 = 33;

/// The same, once the clock was set back: readings of several threads may differ by the first term,
/// and so the wheel does not take that for a change.
const LATE_AFTER_CHANGE: u64 = 4_096 + LATE;

/// A time, from a millisecond to decades; each order of magnitude as likely as another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Millis(u64);

impl<'a> Arbitrary<'a> for Millis {
    fn arbitrary(u: &mut Unstructured<'a>) -> Drawn<Self> {
        let bits = u.int_in_range(0..=40)?;
        Ok(Self(1 + u.int_in_range(0..=(1_u64 << bits) - 1)?))
    }
}

/// One of some keys.
#[derive(Arbitrary, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Key(u8);

impl Key {
    fn bytes(self) -> [u8; 1] {
        [self.0 % 48]
    }
}

/// A move of a schedule.
#[derive(Arbitrary, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Move {
    /// SET with PX.
    SetPx(Key, Millis),
    /// The same for several keys in a row.
    SetMany(Key, u8, Millis),
    /// SET without.
    Set(Key),
    /// SET with KEEPTTL.
    SetKeeping(Key),
    /// INCR, which keeps the deadline and may change the record in place.
    Incr(Key),
    /// DEL.
    Delete(Key),
    /// PERSIST.
    Persist(Key),
    /// PEXPIRE.
    Pexpire(Key, Millis),
    /// FLUSHALL.
    Flushall,
    /// Time goes by.
    Advance(Millis),
    /// The clock is set back.
    SetBack(Millis),
    /// A cleanup within a budget.
    CleanUp(u8),
}

/// A pool, a plain map of the deadlines (0 is none) that it should have, and the time.
pub(crate) struct Schedule {
    pool: MemoryCachePool,
    clock: Arc<ManualClock>,
    deadlines: BTreeMap<[u8; 1], u64>,
    now: u64,
    late: u64,
}

impl Schedule {
    /// An empty pool.
    pub(crate) fn new() -> Self {
        let clock = Arc::new(ManualClock::new(START));
        let config = CacheConfig::new().capacity(1).clock(Arc::clone(&clock) as _);
        let pool = MemoryCachePool::new(config).expect("a valid configuration");
        Self { pool, clock, deadlines: BTreeMap::new(), now: START, late: LATE }
    }

    /// Makes a move on both sides.
    pub(crate) fn step(&mut self, step: Move) {
        match step {
            Move::SetPx(key, millis) => self.set_px(key, millis),
            Move::SetMany(Key(first), keys, millis) => {
                for key in 0..keys {
                    self.set_px(Key(first.wrapping_add(key)), millis);
                }
            }
            Move::Set(key) => {
                self.pool.set(key.bytes(), "7").expect("a plain write");
                self.deadlines.insert(key.bytes(), 0);
            }
            Move::SetKeeping(key) => {
                let options = SetOptions::new().keep_ttl();
                self.pool.set_options(key.bytes(), "8", options).expect("a plain write");
                self.keep_or_insert(key);
            }
            Move::Incr(key) => {
                self.pool.incr(key.bytes()).expect("all values are numbers");
                self.keep_or_insert(key);
            }
            Move::Delete(key) => {
                self.pool.delete(key.bytes());
                // What has expired is not there to be deleted, and left to the wheel.
                let now = self.now;
                self.deadlines.retain(|other, deadline| {
                    *other != key.bytes() || *deadline != 0 && *deadline < now
                });
            }
            Move::Persist(key) => {
                self.pool.persist(key.bytes()).expect("room");
                self.redate(key, 0);
            }
            Move::Pexpire(key, Millis(millis)) => {
                let time = i64::try_from(millis).expect("decades");
                self.pool.pexpire(key.bytes(), time).expect("decades");
                self.redate(key, self.now + millis);
            }
            Move::Flushall => {
                self.pool.flushall();
                self.deadlines.clear();
            }
            Move::Advance(Millis(millis)) => {
                self.now += millis;
                self.clock.advance(Duration::from_millis(millis));
            }
            Move::SetBack(Millis(millis)) => self.set_back(millis),
            Move::CleanUp(budget) => {
                self.pool.cleanup_expired_keys(budget.into());
            }
        }
    }

    fn set_px(&mut self, key: Key, Millis(millis): Millis) {
        let options = SetOptions::new().px(i64::try_from(millis).expect("decades"));
        self.pool.set_options(key.bytes(), "9", options).expect("a plain write");
        self.deadlines.insert(key.bytes(), self.now + millis);
    }

    fn set_back(&mut self, millis: u64) {
        // What has expired does not come back, whether or not it was removed before.
        self.check();
        self.now = self.now.saturating_sub(millis).max(1);
        self.clock.set_millis(self.now);
        self.late = LATE_AFTER_CHANGE;
    }

    fn is_alive(&self, deadline: u64) -> bool {
        deadline == 0 || deadline >= self.now
    }

    fn keep_or_insert(&mut self, key: Key) {
        let deadline = self.deadlines.get(&key.bytes()).copied().unwrap_or_default();
        let kept = if self.is_alive(deadline) { deadline } else { 0 };
        self.deadlines.insert(key.bytes(), kept);
    }

    fn redate(&mut self, key: Key, deadline: u64) {
        let now = self.now;
        self.deadlines
            .entry(key.bytes())
            .and_modify(|old| *old = if *old == 0 || *old >= now { deadline } else { *old });
    }

    /// Cleans up, and compares what is there.
    pub(crate) fn check(&mut self) {
        self.pool.cleanup_expired_keys(usize::MAX);
        let (now, late) = (self.now, self.late);
        self.deadlines.retain(|_, deadline| *deadline == 0 || *deadline + late >= now);
        let size = self.pool.dbsize();
        assert!(size <= self.deadlines.len(), "a key is left that should have been removed");
        let mut alive = 0;
        for (key, deadline) in &self.deadlines {
            let is_alive = self.is_alive(*deadline);
            let seen = match self.pool.pexpiretime(key) {
                -2 => None,
                -1 => Some(0),
                deadline => u64::try_from(deadline).ok(),
            };
            assert_eq!(seen, is_alive.then_some(*deadline), "the deadline of {key:?}");
            alive += usize::from(is_alive);
        }
        assert!(size >= alive, "a key is gone before its time");
        // Reading has removed what had expired since.
        self.deadlines.retain(|_, deadline| *deadline == 0 || *deadline >= now);
    }

    /// Lets all deadlines pass: the keys without one stay, and nothing of the wheel.
    pub(crate) fn finish(mut self) {
        self.check();
        self.step(Move::Advance(Millis(1 << 43)));
        self.check();
        let lasting = self.deadlines.values().filter(|deadline| **deadline == 0).count();
        assert_eq!(self.pool.dbsize(), lasting);
        assert_eq!(self.pool.get_stats().wheel_entries, 0, "an entry is left");
    }
}
