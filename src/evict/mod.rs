//! PLACEHOLDER
mod budget;
pub(crate) mod enforce;
mod ghost;
pub(crate) mod host;
mod kept;
mod key_limit;
pub(crate) mod local;
#[cfg(all(test, pool_loom))]
mod loom;
mod pace;
mod ring;
mod rule;
mod search;
#[cfg(all(test, not(pool_loom)))]
mod tests;
mod timeline;
mod trials;
pub(crate) mod usage;

use crate::{
    pool::policy::EvictionPolicy,
    sync::{AtomicUsize, Ordering},
};
use budget::Budget;
use crossbeam_utils::CachePadded;
use kept::Kept;
use key_limit::KeyLimit;
use local::Local;
use pace::Pace;
use rule::{Rule, place_of, policy_at, rule_at};
use trials::Trials;
use usage::{Tick, Usage};

/// Victims of one write, beyond those whose room its own record takes.
const VICTIMS: usize = 2;
/// How full a pool is when new records begin to be tried, as a divisor of what is left.
const NEARLY_FULL_DIVISOR: usize = 12;
/// Retired bytes that are too many, as a divisor of the limit on memory.
const RETIRED_DIVISOR: u64 = 4;

/// Why there is no room.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Refusal {
    /// The value alone is larger than the limit on memory. Nothing was evicted for it.
    TooLarge,
    /// There is nothing that the policy lets go.
    Full,
    /// Too much is retired and not free, because some reader stays pinned: evicting would not help.
    Stalled,
}

/// Where a new record begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Admission {
    /// In the main part: the pool has room, or the key has failed a trial lately and is back.
    Main,
    /// In trial.
    Trial,
}

impl Admission {
    /// The access word to begin with.
    #[inline]
    pub(crate) fn usage(self, now: Tick) -> Usage {
        Usage::new(now, self == Self::Trial)
    }
}

/// When an insert is counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    /// Before: the policy may find no victim, and then the insert fails.
    Taken,
    /// After it was published, when it will find one.
    Open,
}

/// What keeps a pool within its limits.
#[derive(Debug)]
pub(crate) struct Evictor {
    /// Written by every tick and read by every read.
    pub(crate) pace: CachePadded<Pace>,
    pub(crate) budget: Budget,
    pub(crate) keys: KeyLimit,
    kept: Kept,
    trials: Trials,
    /// The policy's place in the list of rules.
    place: AtomicUsize,
    /// The number of keys that pace and trials were last fitted to.
    fitted: AtomicUsize,
    hand: CachePadded<AtomicUsize>,
}

impl Evictor {
    /// An evictor with a policy, a limit on keys and one on bytes.
    pub(crate) fn new(policy: EvictionPolicy, keys: Option<usize>, bytes: Option<u64>) -> Self {
        Self {
            pace: CachePadded::new(Pace::new()),
            budget: Budget::new(bytes),
            keys: KeyLimit::new(keys),
            kept: Kept::new(),
            trials: Trials::new(),
            place: AtomicUsize::new(place_of(policy)),
            fitted: AtomicUsize::new(0),
            hand: CachePadded::new(AtomicUsize::new(0)),
        }
    }

    /// The policy in force.
    pub(crate) fn policy(&self) -> EvictionPolicy {
        // ORDERING: Relaxed; a setting.
        policy_at(self.place.load(Ordering::Relaxed))
    }

    /// Changes the policy. Records keep their words: what one policy has learnt, another may use.
    pub(crate) fn set_policy(&self, policy: EvictionPolicy) {
        // ORDERING: Relaxed; a setting.
        self.place.store(place_of(policy), Ordering::Relaxed);
    }

    /// Changes the limit on keys; none is no limit. Inserts that follow evict two keys more than
    /// they add until it is met.
    pub(crate) fn set_max_keys(&self, keys: Option<usize>) {
        self.keys.set_most(keys);
    }

    /// Changes the limit on bytes; none is no limit. Writes that follow evict two records more than
    /// they need until it is met.
    pub(crate) fn set_max_memory(&self, bytes: Option<u64>) {
        self.budget.set_most(bytes);
    }

    /// Bytes of the trial ring and the ghosts.
    pub(crate) fn bytes(&self) -> usize {
        self.trials.bytes()
    }

    #[inline]
    fn rule(&self) -> Option<Rule> {
        // ORDERING: Relaxed; a setting.
        rule_at(self.place.load(Ordering::Relaxed))
    }

    /// Notes a read of a record; `lot` is random, `millis` the time since the pool began.
    #[inline]
    pub(crate) fn touch(
        &self,
        usage: &Usage,
        local: &Local,
        lot: u32,
        millis: impl FnOnce() -> u64,
    ) {
        let noted = usage.touch(self.pace.now(), lot);
        self.pace.count_use(noted, local, millis);
    }

    /// Decides where a record begins whose key is absent. Once for each command, since a ghost is
    /// taken once.
    pub(crate) fn admit(&self, hash: u64) -> Admission {
        let tries = self.rule().is_some_and(Rule::tries);
        if !tries || !self.is_nearly_full() {
            return Admission::Main;
        }
        let was_tried = self.trials.fitting(self.keys.count()).ghosts.take(hash);
        if was_tried { Admission::Main } else { Admission::Trial }
    }

    /// Whether the room that is left is no more than the share of the trials.
    fn is_nearly_full(&self) -> bool {
        let (keys, most_keys) = (self.keys.count(), self.keys.most());
        let (used, most_bytes) = (self.budget.used(), self.budget.most());
        most_keys.saturating_sub(keys) <= most_keys / NEARLY_FULL_DIVISOR
            || most_bytes.saturating_sub(used) <= most_bytes / NEARLY_FULL_DIVISOR as u64
    }

    /// Fits pace and trials to a number of keys that has changed by a sixteenth or more.
    fn fit(&self, keys: usize) {
        // ORDERING: Relaxed; a tuning value.
        let fitted = self.fitted.load(Ordering::Relaxed);
        if keys.abs_diff(fitted) > fitted / 16 {
            // ORDERING: Relaxed; as above.
            self.fitted.store(keys, Ordering::Relaxed);
            self.pace.fit(keys);
            self.trials.fit(keys);
        }
    }
}
