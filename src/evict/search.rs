//! Finding a victim: by sampling the table's own buckets, and by judging trials.

use super::{
    Evictor,
    host::{Cause, Facts, Host},
    rule::{Order, Rule},
    trial::Trial,
    usage::{MOST_USES, Tick},
};
use crate::sync::{Mutant, Ordering, is_mutant};

/// Candidates among which the one to go is chosen, where an order chooses.
const CANDIDATES: usize = 9;
/// Buckets that are looked at for that many candidates.
const BUCKETS: usize = 64;
/// Looks at a bucket or a trial in which `lfu` finds its victim, nearly always in the first.
const LOOKS: usize = 32;
/// After how many ticks without use a record in trial is judged wherever it is met: its hash may
/// have been lost from the ring.
const LOST_TICKS: u32 = 64;

/// After how many ticks without use a record is forgotten: everybody else was used sixteen times.
const FORGOTTEN_TICKS: u32 = 256;
/// How many victims there are for each look for those who are forgotten.
const LOOK_FOR_FORGOTTEN: u32 = 16;

/// Buckets in which a record that may go is looked for before it is said that there is none, where
/// there may be none.
const MOST_BUCKETS: usize = 1_024;

/// A record that is to go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Victim<S> {
    pub(super) seen: S,
    pub(super) cause: Cause,
    /// The hash that was taken out of the ring for it: remembered when it goes, and put back when
    /// it does not.
    pub(super) trial: Option<u64>,
}

impl<S> Victim<S> {
    fn met(seen: S, cause: Cause) -> Self {
        Self { seen, cause, trial: None }
    }
}

/// What a look at one bucket or more has found.
struct Sample<S> {
    expired: Option<S>,
    /// The one that ranks highest, with its rank.
    best: Option<(u64, S)>,
    candidates: usize,
}

impl<S: Copy> Sample<S> {
    fn new() -> Self {
        Self { expired: None, best: None, candidates: 0 }
    }

    /// Considers a record; `rank` is the higher, the sooner it should go, or none.
    fn consider(&mut self, seen: S, facts: &Facts<'_>, rank: impl FnOnce() -> Option<u64>) {
        if !facts.may_go {
            return;
        }
        if facts.has_expired {
            self.expired = Some(seen);
            return;
        }
        let Some(rank) = rank() else { return };
        self.candidates += 1;
        if self.best.is_none_or(|(best, _)| rank > best) {
            self.best = Some((rank, seen));
        }
    }

    /// One that has expired before all others, the one that ranks highest otherwise.
    fn victim(&self) -> Option<Victim<S>> {
        let expired = self.expired.map(|seen| Victim::met(seen, Cause::Expired));
        expired.or_else(|| self.best.map(|(_, seen)| Victim::met(seen, Cause::Evicted)))
    }
}

/// How the judgement over a hash from the ring ended.
pub(super) enum Judgement<S> {
    Goes(Victim<S>),
    /// Promoted, or not in trial any more, or gone.
    Settled,
}

impl Evictor {
    /// Finds a record that is to go by a rule; where it is bytes that are to come free, `mean` says
    /// how many a record has on average, and `lfu` weighs uses by size.
    ///
    /// A few looks nearly always; a pass over the whole table when there is next to nothing that
    /// may go.
    pub(super) fn find_victim<H: Host>(
        &self,
        host: &H,
        rule: Rule,
        mean: Option<u64>,
    ) -> Option<Victim<H::Seen>> {
        let now = self.pace.now();
        let found = match rule.order {
            Order::Often => self.find_by_use(host, rule, now, mean),
            Order::Lately | Order::Random | Order::Deadline => self.find_by_rank(host, rule, now),
        };
        found.or_else(|| self.find_any(host, rule, now))
    }

    /// The one that ranks highest of a few.
    fn find_by_rank<H: Host>(&self, host: &H, rule: Rule, now: Tick) -> Option<Victim<H::Seen>> {
        let mut sample = Sample::new();
        let wanted = if rule.order == Order::Random { 1 } else { CANDIDATES };
        for _ in 0..BUCKETS.min(host.buckets()) {
            self.sample_bucket(host, &mut sample, |_, facts| rank(host, rule, now, facts));
            if sample.candidates >= wanted || sample.expired.is_some() {
                break;
            }
        }
        sample.victim()
    }

    /// The first of whom it can be said that it was not used: a trial that failed, or a record of
    /// the main part that nobody has used since the hand came by.
    fn find_by_use<H: Host>(
        &self,
        host: &H,
        rule: Rule,
        now: Tick,
        mean: Option<u64>,
    ) -> Option<Victim<H::Seen>> {
        let size = |seen| mean.map_or(1, |_| host.bytes(seen) as u64);
        let rank = |seen, facts: &Facts<'_>, is_unused: bool| {
            let may_go = is_unused && !is_spared(rule, facts);
            may_go.then(|| (rank_by_age(facts, now) + 1).saturating_mul(size(seen)))
        };
        // Failed trials may be victims enough for ever: the hand has to move all the same, or what
        // was in use once would stay.
        if host.random().is_multiple_of(LOOK_FOR_FORGOTTEN) {
            let mut sample = Sample::new();
            self.sample_bucket(host, &mut sample, |seen, facts| {
                rank(seen, facts, now.since(facts.usage.last_use()) > FORGOTTEN_TICKS)
            });
            if let Some(victim) = sample.victim() {
                return Some(victim);
            }
        }
        let trial = if rule.tries() { self.trials.newest() } else { None };
        let mut keep = self.trials.share();
        for _ in 0..LOOKS {
            if let Some(trial) = trial
                && let Some(hash) = trial.pop(keep)
            {
                keep = self.trials.share();
                let [next, after_next] = trial.upcoming();
                host.prefetch_hashes(after_next, next);
                if let Some(next) = next {
                    trial.expect_ghost(next);
                }
                match self.judge(host, trial, hash) {
                    Judgement::Goes(victim) => return Some(victim),
                    Judgement::Settled => continue,
                }
            }
            let mut sample = Sample::new();
            let bucket = self.sample_bucket(host, &mut sample, |seen, facts| {
                let is_used = is_in_use(facts, mean.map(|mean| (mean, size(seen))));
                rank(seen, facts, !is_used && is_in_main(facts, now))
            });
            if let Some(victim) = sample.victim() {
                return Some(victim);
            }
            lower_all(host, bucket, now);
            // All of the bucket is in use: a trial is judged early. Who is used gets more of the
            // room than who is new.
            keep = self.trials.floor();
        }
        None
    }

    /// The one that ranks highest in the first bucket that has any that may go.
    fn find_any<H: Host>(&self, host: &H, rule: Rule, now: Tick) -> Option<Victim<H::Seen>> {
        // There may be none with a deadline, or none but those that are spared, and not every write
        // can go and see.
        let may_be_none = rule.is_volatile || self.is_crowded();
        let buckets = if may_be_none { MOST_BUCKETS } else { usize::MAX };
        let first = self.step(host);
        (0..host.buckets().min(buckets)).find_map(|offset| {
            let mut sample = Sample::new();
            host.visit(first.wrapping_add(offset), |seen| {
                let facts = host.facts(seen);
                sample.consider(seen, &facts, || rank(host, rule, now, &facts));
            });
            sample.victim()
        })
    }

    /// Judges the record in trial of a hash that was taken out of the ring.
    pub(super) fn judge<H: Host>(&self, host: &H, trial: &Trial, hash: u64) -> Judgement<H::Seen> {
        let mut tried = None;
        host.visit_hash(hash, |seen| {
            if host.facts(seen).usage.is_in_trial() {
                tried = Some(seen);
            }
        });
        let Some(seen) = tried else { return Judgement::Settled };
        let facts = host.facts(seen);
        if facts.may_go && facts.has_expired {
            return Judgement::Goes(Victim { seen, cause: Cause::Expired, trial: Some(hash) });
        }
        if facts.may_go && !facts.usage.may_stay() {
            return Judgement::Goes(Victim { seen, cause: Cause::Evicted, trial: Some(hash) });
        }
        if !promote(host, seen, facts) {
            self.put_in(host, trial, hash);
        }
        Judgement::Settled
    }

    /// Puts a hash into the ring. The one that it displaces, if any, is promoted unseen: a ring
    /// comes round only while the pool has room.
    pub(super) fn put_in<H: Host>(&self, host: &H, trial: &Trial, hash: u64) {
        let Some(displaced) = trial.push(hash) else { return };
        host.visit_hash(displaced, |seen| {
            let facts = host.facts(seen);
            if facts.usage.is_in_trial() {
                // Lost only to an overwrite that has copied the mark; whoever meets the record
                // later judges it by its age.
                promote(host, seen, facts);
            }
        });
    }

    /// Considers the records of the next bucket, and asks for those of the one behind it.
    fn sample_bucket<H: Host>(
        &self,
        host: &H,
        sample: &mut Sample<H::Seen>,
        rank: impl Fn(H::Seen, &Facts<'_>) -> Option<u64>,
    ) -> usize {
        let bucket = self.step(host);
        host.visit(bucket, |seen| {
            let facts = host.facts(seen);
            sample.consider(seen, &facts, || rank(seen, &facts));
        });
        bucket
    }

    /// Moves the hand on by one bucket or two.
    ///
    /// A hand that goes round looks at everybody equally often, which draws at random do not, and
    /// knows what it will need. That it sometimes skips a bucket keeps it from going in step with
    /// a program that uses its keys in a loop.
    fn step<H: Host>(&self, host: &H) -> usize {
        let stride = 1 + (host.random() & 1) as usize;
        // ORDERING: Relaxed; a place to look at, nothing is carried.
        let bucket = self.hand.fetch_add(stride, Ordering::Relaxed);
        host.prefetch(bucket.wrapping_add(stride));
        bucket
    }
}

/// Ends a record's trial; false when it was replaced meanwhile by one that may still be in trial.
fn promote<H: Host>(host: &H, seen: H::Seen, facts: Facts<'_>) -> bool {
    facts.usage.promote();
    is_mutant(Mutant::PromoteUnconfirmed) || host.confirm(seen)
}

/// Takes a use back from every record of the main part in a bucket.
fn lower_all<H: Host>(host: &H, bucket: usize, now: Tick) {
    host.visit(bucket, |seen| {
        let facts = host.facts(seen);
        if is_in_main(&facts, now) {
            facts.usage.lower();
        }
    });
}

/// Whether the hand passes a record for its uses. Where bytes are to come free, it needs one for each
/// mean size that it takes, as far as uses are counted: so a large record stays for as long as it is
/// worth the small ones in whose place it is.
fn is_in_use(facts: &Facts<'_>, mean_and_size: Option<(u64, u64)>) -> bool {
    let uses = facts.usage.uses();
    match mean_and_size {
        Some((mean, size)) if (1..MOST_USES).contains(&uses) => {
            u64::from(uses).saturating_mul(mean) >= size
        }
        _ => uses != 0,
    }
}

/// Whether the hand judges a record, and not the ring.
fn is_in_main(facts: &Facts<'_>, now: Tick) -> bool {
    !facts.usage.is_in_trial() || now.since(facts.usage.last_use()) > LOST_TICKS
}

/// Whether a rule spares a record.
fn is_spared(rule: Rule, facts: &Facts<'_>) -> bool {
    rule.is_volatile && facts.deadline == 0
}

/// How soon a record should go; none is not at all.
fn rank<H: Host>(host: &H, rule: Rule, now: Tick, facts: &Facts<'_>) -> Option<u64> {
    if is_spared(rule, facts) {
        return None;
    }
    Some(match rule.order {
        Order::Lately => rank_by_age(facts, now),
        Order::Often => rank_by_age(facts, now) >> facts.usage.uses(),
        Order::Random => u64::from(host.random()),
        Order::Deadline => u64::MAX - facts.deadline,
    })
}

fn rank_by_age(facts: &Facts<'_>, now: Tick) -> u64 {
    u64::from(now.since(facts.usage.last_use()))
}
