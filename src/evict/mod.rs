//! Eviction: how a pool keeps within its limits, and whom it gives up for that.
//!
//! Limits are kept by those who write: a write that would go beyond one evicts before it returns,
//! a victim or two and what its own record takes. Victims are found by looking at the table's own
//! buckets. There is no list of records, no sketch and no lock; a read changes at most the access
//! word of the record that it has found, and hardly ever that.
//!
//! # How it works
//!
//! The [`Evictor`] does not know the table: it asks a [`Host`](host::Host) for the records of a
//! bucket, what is known [about them](host::Facts), and for the removal of the exact one that it
//! has seen. Each record has an [access word](usage::Usage): the [tick](pace::Pace) of its last
//! use, how many ticks have seen a use since the evictor took note (up to 3), and whether it is in
//! trial.
//!
//! A *hand* goes round the buckets, one or two at a step; records lie in buckets at random, and so
//! a bucket is a sample. What has expired goes first, whatever the policy.
//!
//! | policy      | whom it gives up                                                                |
//! |-------------|---------------------------------------------------------------------------------|
//! | `lru`       | of nine or more under the hand, who was used least lately                       |
//! | `lfu`       | a trial that failed; else under the hand, who was not used since it came by last |
//! | `random`    | any of a bucket                                                                 |
//! | `ttl`       | of nine or more under the hand, whose deadline is nearest                       |
//!
//! `volatile-*` spares what has no deadline (and `volatile-lfu` tries nobody). When a look finds
//! nobody, the next one follows, up to a whole round.
//!
//! **`lfu`** has two parts. A new key is *in trial*: its hash goes into a [ring](trial) of 8 % of
//! the records. When it comes out, the record is judged: used in two ticks or more, or some thirty
//! times in one, it moves to the *main* part, that is, a bit of its word is cleared; otherwise it
//! goes, and leaves a ghost. A key whose ghost is still there when it comes back goes to the main
//! part at once. In the main part the hand takes a use back from everybody in a bucket where all
//! have been used, and evicts the oldest of those who have none left. A bucket that is all in use makes the ring give up a trial
//! early, down to 1 % of the records: who is used gets room at the cost of who is new. And since
//! failed trials may be victims enough for ever, the hand looks out for the forgotten once in
//! sixteen evictions. Until the pool is nearly full nobody is tried: the first keys are all in the
//! main part, or a loop would never get into it.
//!
//! Where it is bytes that have to come free, a large record has to be worth more than a small one: in the
//! main part it counts as used when it has a use for each mean size that it takes, three at most, and
//! of those who may go the one goes whose age times size is the greatest. For a limit on keys sizes do
//! not matter.
//!
//! **Keys** are counted in [one word](key_limit). An insert into a full pool exchanges its key, once
//! that was published, for another one, and neither is counted. Any other insert counts its key after
//! it was published, and evicts while there are too many:
//!
//! ```text
//! publish
//! while keys ≥ most:  v = a victim other than mine; none → count
//!                     remove v: won → done;  lost → again
//! k = keys.fetch_add(1) + 1
//! while k > most:  v = a victim other than mine; none → done (a removal has yet to subtract)
//!                  CAS keys k → k − 1, while k > most    the right to evict one
//!                  remove v: won → done;  lost → k = keys.fetch_add(1) + 1
//! ```
//!
//! Under policies that may find nobody (`noeviction`, `volatile-*`; any, where more than half of the
//! keys are [spared]) the key is counted before it is published, and a write that finds no
//! room fails with nothing to undo.
//!
//! **Bytes** are counted [where they are allocated](crate::reclaim::ledger) and limited by a
//! [`budget`]. A write makes room before it allocates. What is larger than the limit is refused, and
//! nothing is evicted for it.
//!
//! # What a record in trial goes through
//!
//! | state              | leaves by                         | done by                            |
//! |--------------------|-----------------------------------|------------------------------------|
//! | published, marked  | push of its hash                  | who inserted it                    |
//! | in the ring        | pop, or displaced by a push       | an evictor; who inserts            |
//! | under judgement    | clearing the mark, then *confirm* | the evictor, if it was used        |
//! | under judgement    | removal of the exact word, ghost  | the evictor, if it was not         |
//! | under judgement    | push of its hash, again           | the evictor that lost either       |
//! | lost from the ring | the hand, 64 ticks after its last use | any evictor                    |
//!
//! # Invariants
//!
//! * **E1** Whoever takes a hash out of the ring settles it: the record is gone or is not in trial,
//!   or the hash is back in the ring.
//! * **E2** A record is removed only as the exact word that was judged (R17): whoever overwrites it
//!   in time keeps it.
//! * **E3** Only the thread whose CAS has changed a slot changes the accounts for it (R20): who
//!   removes subtracts, who inserts adds. Who exchanges has done both.
//! * **E4** At rest there are as many keys as are counted, and not more than there may be.
//! * **E5** The record that a write has published is not its own victim.
//!
//! E1 against an overwrite: its record takes over the mark with the word it copies. If the evictor
//! clears the mark of the old record after that, either its confirmation (a CAS of the slot's word
//! by itself) comes before the overwrite's CAS, which then reads it, and
//! [`follow`](usage::Usage::follow) sees the mark cleared; or it comes after it and fails, and the
//! hash goes back into the ring. A read cannot bring the mark back, since it changes the word by
//! CAS.
//!
//! E4: an exchange leaves both the keys and their count as they were. It needs no edge of its own:
//! who finds the slot of its victim empty has read the CAS that emptied it, which came after its key
//! was published. Of what is counted, each key too many has an inserter that has counted it and has
//! not returned. It finds a victim, since whoever reads a count sees the records that were counted;
//! or the excess is a removal that has yet to subtract. The right is taken before the victim, and so
//! two do not evict for one key. Nobody evicts for others: their search would have been for nothing,
//! and with a busy cache on two threads every other one was. Only a limit that was lowered has keys
//! too many that nobody owns, and so an insert evicts two until it is met. While writes run there
//! may be one key too many for each that is in flight.
//!
//! # Linearization points
//!
//! | operation           | takes effect at                                                  |
//! |---------------------|------------------------------------------------------------------|
//! | eviction            | the host's CAS of the slot, as any removal                        |
//! | promotion           | `fetch_and` of the access word                                    |
//! | right to evict      | CAS of the count of keys                                          |
//! | a changed limit     | its store; writes that begin later keep it, two victims at a time |
//!
//! # Orderings
//!
//! | edge             | from                                | to                                  | carries |
//! |------------------|-------------------------------------|-------------------------------------|---------|
//! | `count→find`     | `keys` RMW, Release, after publishing | `keys` RMW, Acquire               | the record that was counted |
//! | `confirm→follow` | the host's CAS of the slot, Release | the overwrite's CAS of the slot, Acquire | the cleared mark |
//!
//! Everything else is advisory and Relaxed: access words, ticks, the hand, settings, sums.
//!
//! # Reclamation
//!
//! Seen records are read under the host's guard. The evictor retires nothing itself: removal is the
//! host's. Rings and ghosts live as long as the evictor.
//!
//! # Progress
//!
//! All of it is lock-free: a CAS that fails is another write that succeeded. The work of a write is
//! bounded: two victims and what its record takes; for each of them a few looks (one or two nearly
//! always), after which the first that may go is taken. Only where next to nothing may go is it a
//! whole round of the table.
//!
//! # Measured, and what lost
//!
//! Hit ratios over 35 columns of real traces (`benches/hit_ratio`), mean: this `lfu` 47.9 %, S3-FIFO
//! as in `quick_cache` 46.6, W-TinyLFU as in moka 46.6, Redis's LFU 42.7, exact LRU 35.6.
//!
//! * Sizes in the main part, by bytes (values of 32 to 8,064): 44.4 to 48.9 on average over the same
//!   columns; in the choice alone, without what counts as used: 46.9.
//! * A use counts once a tick: +0.1 to +0.4 points against counting each hit, and reads write less.
//! * Ticks of uses, not of time: with seconds `lru` loses 3 to 9 points. 4 to 64 ticks a turn of the
//!   cache make no difference.
//! * A hand instead of random buckets: +0.1 to +0.5. A hand that takes every bucket in turn goes in
//!   step with a program's loop, and loses 3 points there; skipping one at random does not.
//! * Trials of 5 % gain 0.2 on average and lose 5 points on a ledger's trace; of 15 % lose 1.
//! * Ghosts for as many failures as there are records gain on disk traces and lose 4 points on loops.
//! * Lost: a second lap for a trial used once (−0.1); ring sizes that adapt by what the ghosts say
//!   (−0.1 to −2); remembering victims of the main part too (−0.4); age over uses as a rank (−0.3);
//!   judging trials after one use (−0.3).
//!
//! # References
//!
//! Redis's sampling eviction and its policy names; CLOCK (Corbató 1968); S3-FIFO (Yang et al., SOSP
//! 2023); Morris's counter (1978).

mod budget;
pub(crate) mod enforce;
pub(crate) mod host;
mod key_limit;
pub(crate) mod local;
#[cfg(all(test, pool_loom, not(pool_shuttle)))]
mod loom;
mod pace;
mod rule;
mod search;
pub(crate) mod spared;
#[cfg(all(test, not(pool_loom)))]
mod tests;
mod timeline;
mod trial;
pub(crate) mod usage;

use crate::{
    pool::policy::EvictionPolicy,
    sync::{AtomicU64, AtomicUsize, Ordering},
};
use budget::Budget;
use crossbeam_utils::CachePadded;
use key_limit::KeyLimit;
use local::Local;
use pace::Pace;
use rule::{Rule, place_of, policy_at, rule_at};
use spared::Spared;
use trial::Trials;
use usage::{Tick, Usage, lot_of};

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
    pub(crate) spared: Spared,
    trials: Trials,
    /// The policy's place in the list of rules.
    place: AtomicUsize,
    /// The number of keys that pace and trials were last fitted to.
    fitted: AtomicUsize,
    hand: CachePadded<AtomicUsize>,
    /// Bytes in use that are no records, as of the last look.
    fixed: AtomicU64,
}

impl Evictor {
    /// An evictor with a policy, a limit on keys and one on bytes.
    pub(crate) fn new(policy: EvictionPolicy, keys: Option<usize>, bytes: Option<u64>) -> Self {
        Self {
            pace: CachePadded::new(Pace::new()),
            budget: Budget::new(bytes),
            keys: KeyLimit::new(keys),
            spared: Spared::default(),
            trials: Trials::new(),
            place: AtomicUsize::new(place_of(policy)),
            fitted: AtomicUsize::new(0),
            hand: CachePadded::new(AtomicUsize::new(0)),
            fixed: AtomicU64::new(0),
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

    /// Changes the limit on keys; none is no limit. Inserts that follow evict two keys for each that
    /// they add, until it is met.
    pub(crate) fn set_max_keys(&self, keys: Option<usize>) {
        self.keys.set_most(keys);
    }

    /// The limit on keys.
    pub(crate) fn max_keys(&self) -> Option<usize> {
        Some(self.keys.most()).filter(|most| *most != usize::MAX)
    }

    /// The limit on bytes.
    #[inline]
    pub(crate) fn max_memory(&self) -> Option<u64> {
        Some(self.budget.most()).filter(|most| *most != u64::MAX)
    }

    /// Changes the limit on bytes; none is no limit. Writes that follow evict two records more than
    /// they need until it is met.
    pub(crate) fn set_max_memory(&self, bytes: Option<u64>) {
        self.budget.set_most(bytes);
    }

    /// Bytes of the trial ring and the ghosts, and of the beginnings of ticks.
    pub(crate) fn bytes(&self) -> usize {
        self.trials.bytes() + self.pace.bytes()
    }

    /// Bytes in use that are no records, as of the last look.
    #[inline]
    pub(crate) fn fixed_bytes(&self) -> u64 {
        // ORDERING: Relaxed; a sum, nothing is carried.
        self.fixed.load(Ordering::Relaxed)
    }

    /// Notes how many bytes are in use that are no records.
    pub(crate) fn set_fixed_bytes(&self, bytes: u64) {
        // ORDERING: Relaxed; as above.
        self.fixed.store(bytes, Ordering::Relaxed);
    }

    #[inline]
    fn rule(&self) -> Option<Rule> {
        // ORDERING: Relaxed; a setting.
        rule_at(self.place.load(Ordering::Relaxed))
    }

    /// Notes a read of a record, the thread's so-manieth; `millis` is the time since the pool began.
    #[inline]
    pub(crate) fn touch(
        &self,
        usage: &Usage,
        local: &Local,
        reads: u64,
        millis: impl FnOnce() -> u64,
    ) {
        let (now, lot) = (self.pace.now(), lot_of(reads));
        if usage.needs_note(now, lot) {
            self.note(usage, now, lot, local, millis);
        }
    }

    /// The rest of [`touch`](Self::touch), out of the way of the reads that need it not.
    #[cold]
    #[inline(never)]
    fn note(
        &self,
        usage: &Usage,
        now: Tick,
        lot: u32,
        local: &Local,
        millis: impl FnOnce() -> u64,
    ) {
        self.pace.count_use(usage.note(now, lot), local, millis);
    }

    /// Asks the processor for what [`admit`](Self::admit) will need.
    #[inline]
    pub(crate) fn expect(&self, hash: u64) {
        if let Some(trial) = self.trials.newest() {
            trial.expect_ghost(hash);
        }
    }

    /// Decides where a record begins whose key is absent, while so many bytes are in use. Once for
    /// each insert, since a ghost is taken once; whoever has to try again may be tried for it.
    pub(crate) fn admit(&self, hash: u64, used: u64) -> Admission {
        let tries = self.rule().is_some_and(Rule::tries);
        if !tries || !self.is_nearly_full(used) {
            return Admission::Main;
        }
        let was_tried = self.trials.fitting(self.keys.count()).take_ghost(hash);
        if was_tried { Admission::Main } else { Admission::Trial }
    }

    /// Whether anything may ever have to be evicted.
    #[inline]
    pub(crate) fn is_limited(&self) -> bool {
        self.keys.most() != usize::MAX || self.budget.most() != u64::MAX
    }

    /// Whether the room that is left is no more than the share of the trials.
    fn is_nearly_full(&self, used: u64) -> bool {
        let (keys, most_keys) = (self.keys.count(), self.keys.most());
        let most_bytes = self.budget.comfortable();
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
