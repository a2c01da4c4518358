//! Keeping the limits: what the pool calls before and after a write.

use super::{
    Admission, Evictor, Place, RETIRED_DIVISOR, Refusal, VICTIMS,
    host::{Cause, Host},
    rule::Rule,
    search::Victim,
    usage::{Noted, Usage},
};
use crate::sync::{Mutant, is_mutant};

impl Evictor {
    /// Makes room for the bytes of a record that is to be written.
    ///
    /// Evicts until there is room, or until it has evicted two records and as many bytes as are
    /// needed: the rest is left to the writes that follow, as after a limit was lowered.
    ///
    /// # Errors
    ///
    /// Why there is no room. Nothing has to be undone.
    #[inline]
    pub(crate) fn make_room<H: Host>(&self, host: &H, bytes: usize) -> Result<(), Refusal> {
        let excess = self.budget.excess(host.local(), bytes as u64);
        if excess == 0 { Ok(()) } else { self.evict_bytes(host, excess, bytes as u64) }
    }

    #[cold]
    fn evict_bytes<H: Host>(&self, host: &H, excess: u64, needed: u64) -> Result<(), Refusal> {
        let most = self.budget.most();
        if needed > most {
            return Err(Refusal::TooLarge);
        }
        if host.retired_bytes() > most / RETIRED_DIVISOR {
            return Err(Refusal::Stalled);
        }
        let rule = self.rule().ok_or(Refusal::Full)?;
        let (mut freed, mut victims) = (0, 0);
        while freed < excess && (victims < VICTIMS || freed < needed) {
            let victim = self.find_victim(host, rule).ok_or(Refusal::Full)?;
            let bytes = host.bytes(victim.seen) as u64;
            if self.evict(host, victim) {
                self.keys.subtract(host.local());
                freed += bytes;
                victims += 1;
            }
        }
        Ok(())
    }

    /// Takes room for a key before it is published, if the policy cannot promise it for later.
    ///
    /// # Errors
    ///
    /// [`Refusal::Full`], with nothing to be undone.
    #[inline]
    pub(crate) fn take_place<H: Host>(&self, host: &H) -> Result<Place, Refusal> {
        match self.rule() {
            Some(rule) if !rule.is_volatile => Ok(Place::Open),
            rule => self.take_place_now(host, rule),
        }
    }

    fn take_place_now<H: Host>(&self, host: &H, rule: Option<Rule>) -> Result<Place, Refusal> {
        let keys = self.keys.add(host.local());
        if keys > self.keys.most() && !self.evict_keys(host, rule, keys) {
            self.keys.subtract(host.local());
            return Err(Refusal::Full);
        }
        Ok(Place::Taken)
    }

    /// Gives back what was taken for an insert that did not come about.
    pub(crate) fn leave_place<H: Host>(&self, host: &H, place: Place) {
        if place == Place::Taken {
            self.keys.subtract(host.local());
        }
    }

    /// Counts a record that has been published under a key that was absent, and evicts for it.
    pub(crate) fn note_inserted<H: Host>(
        &self,
        host: &H,
        entry: Entry,
        millis: impl FnOnce() -> u64,
    ) {
        self.budget.charge(host.local(), signed(entry.bytes));
        self.pace.note_insert();
        self.pace.count_use(Noted::New, host.local(), millis);
        if entry.admission == Admission::Trial
            && let Some(trial) = self.trials.newest()
        {
            self.put_in(host, trial, entry.hash);
        }
        let rule = self.rule();
        if entry.place == Place::Open {
            self.count_key(host, rule);
        }
        if rule.is_some() && self.is_limited() {
            self.fit(self.keys.count());
        }
    }

    /// Counts a key that has been published, and evicts for it.
    pub(super) fn count_key<H: Host>(&self, host: &H, rule: Option<Rule>) {
        let keys = self.keys.add(host.local());
        if keys > self.keys.most() {
            self.evict_keys(host, rule, keys);
        }
    }

    /// Counts a record of `new_bytes` that has replaced one of `old_bytes` in its slot.
    #[inline]
    pub(crate) fn note_replaced<H: Host>(
        &self,
        host: &H,
        (old, old_bytes): (&Usage, usize),
        (new, new_bytes): (&Usage, usize),
        millis: impl FnOnce() -> u64,
    ) {
        if !is_mutant(Mutant::MarkCopiedEarly) {
            new.follow(old);
        }
        self.budget.charge(host.local(), signed(new_bytes) - signed(old_bytes));
        let is_new_use = new.last_use() != old.last_use();
        let noted = if is_new_use { Noted::New } else { Noted::Again };
        self.pace.count_use(noted, host.local(), millis);
    }

    /// Counts a record that this thread's CAS has removed.
    #[inline]
    pub(crate) fn note_removed<H: Host>(&self, host: &H, bytes: usize) {
        self.keys.subtract(host.local());
        self.budget.charge(host.local(), -signed(bytes));
    }

    /// Counts a record that is to be kept from eviction.
    ///
    /// # Errors
    ///
    /// [`Refusal::Full`] when as much is kept as may be.
    pub(crate) fn keep(&self, bytes: usize) -> Result<(), Refusal> {
        let fits = self.kept.add(bytes as u64, self.keys.most(), self.budget.most());
        if fits { Ok(()) } else { Err(Refusal::Full) }
    }

    /// Counts a kept record out, which was removed or replaced.
    pub(crate) fn stop_keeping(&self, bytes: usize) {
        self.kept.subtract(bytes as u64);
    }

    /// Evicts a key, if there are more than there may be; two after the limit was lowered. False
    /// when it finds nothing that may go.
    #[cold]
    fn evict_keys<H: Host>(&self, host: &H, rule: Option<Rule>, counted: usize) -> bool {
        let Some(rule) = rule else { return false };
        let most = self.keys.most();
        let is_lowered = self.keys.is_lowered();
        let evicts_for_others = is_lowered || is_mutant(Mutant::EvictUnrightfully);
        let mut victims = if evicts_for_others { VICTIMS } else { 1 };
        let mut keys = counted;
        let is_right_first = is_mutant(Mutant::RightBeforeVictim);
        while keys > most && victims > 0 {
            if is_right_first && !self.take_right(keys) {
                break;
            }
            // No victim: what is counted too much is a removal between its CAS and its counting, or
            // nothing may go.
            let Some(victim) = self.find_victim(host, rule) else {
                if is_right_first {
                    self.keys.give_back();
                }
                return false;
            };
            if !is_right_first && !self.take_right(keys) {
                self.spare(host, &victim);
                break;
            }
            if self.evict(host, victim) {
                victims -= 1;
                keys = self.keys.count();
            } else {
                keys = self.keys.give_back();
            }
        }
        if is_lowered && keys <= most {
            self.keys.note_met(most);
        }
        true
    }

    /// Takes the right to evict a key; false when there are no more than there may be by now.
    ///
    /// Lock-free: tries again only when somebody else has counted.
    fn take_right(&self, seen: usize) -> bool {
        if is_mutant(Mutant::EvictUnrightfully) {
            self.keys.flush(-1);
            return true;
        }
        let mut keys = seen;
        while keys > self.keys.most() {
            match self.keys.take_right(keys) {
                Ok(()) => return true,
                Err(now) => keys = now,
            }
        }
        false
    }

    /// Removes a victim; false when it was replaced or removed meanwhile.
    pub(super) fn evict<H: Host>(&self, host: &H, victim: Victim<H::Seen>) -> bool {
        let bytes = host.bytes(victim.seen);
        let is_gone = host.remove(victim.seen, victim.cause);
        if is_gone || is_mutant(Mutant::LoserSubtracts) {
            self.budget.charge(host.local(), -signed(bytes));
        }
        if !is_gone {
            self.spare(host, &victim);
            return false;
        }
        if let Some(hash) = victim.trial
            && victim.cause == Cause::Evicted
            && let Some(trial) = self.trials.newest()
        {
            trial.remember(hash);
        }
        true
    }

    /// Lets a victim be; if it was to be judged in the ring, it is again.
    fn spare<H: Host>(&self, host: &H, victim: &Victim<H::Seen>) {
        if let Some(hash) = victim.trial
            && let Some(trial) = self.trials.newest()
        {
            self.put_in(host, trial, hash);
        }
    }
}

/// A record that has been inserted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) hash: u64,
    pub(crate) bytes: usize,
    pub(crate) admission: Admission,
    pub(crate) place: Place,
}

/// A size as a change of the accounts.
fn signed(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}
