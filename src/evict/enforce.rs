//! Keeping the limits: what the pool calls before and after a write.

use super::{
    Admission, Evictor, Place, RETIRED_DIVISOR, Refusal, VICTIMS,
    host::{Cause, Host},
    local::Local,
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
        let after = host.used().saturating_add(bytes as u64);
        let comfortable = self.budget.comfortable();
        if after <= comfortable { Ok(()) } else { self.evict_bytes(host, after, bytes as u64) }
    }

    /// The part of [`make_room`](Self::make_room) for a pool that is full: `after` bytes would be in
    /// use.
    #[cold]
    fn evict_bytes<H: Host>(&self, host: &H, after: u64, needed: u64) -> Result<(), Refusal> {
        let (most, comfortable) = (self.budget.most(), self.budget.comfortable());
        if needed.saturating_add(host.fixed_bytes()) > comfortable {
            return Err(Refusal::TooLarge);
        }
        let is_in_reserve = after <= most;
        let Some(rule) = self.rule() else {
            return if is_in_reserve { Ok(()) } else { Err(Refusal::Full) };
        };
        if !is_in_reserve && host.retired_bytes() > most / RETIRED_DIVISOR {
            return Err(Refusal::Stalled);
        }
        // What this thread has retired comes free before long.
        let excess = (after - comfortable).saturating_sub(host.own_retired_bytes());
        let mean = host.used().saturating_sub(host.fixed_bytes()) / self.keys.count().max(1) as u64;
        let (mut freed, mut victims) = (0, 0);
        while freed < excess && (victims < VICTIMS || freed < needed) {
            let Some(victim) = self.find_victim(host, rule, Some(mean)) else {
                return if is_in_reserve { Ok(()) } else { Err(Refusal::Full) };
            };
            let bytes = host.bytes(victim.seen) as u64;
            let is_gone = self.evict(host, victim);
            if is_gone || is_mutant(Mutant::LoserSubtracts) {
                self.keys.subtract(host.local());
            }
            if is_gone {
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
            Some(rule) if !rule.is_volatile && !self.is_crowded() => Ok(Place::Open),
            rule => self.take_place_now(host, rule),
        }
    }

    /// Whether so many keys are spared that a policy may find nobody.
    #[inline]
    pub(super) fn is_crowded(&self) -> bool {
        let spared = self.spared.keys();
        spared != 0 && spared > self.keys.most().min(self.keys.count()) as u64 / 2
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
        if self.keys.is_full() && rule.is_some_and(|rule| self.exchange(host, rule)) {
            return;
        }
        let keys = self.keys.add(host.local());
        if keys > self.keys.most() {
            self.evict_keys(host, rule, keys);
        }
    }

    /// Evicts a key for one that has been published into a full pool: there are as many as before,
    /// and neither is counted. False when there is room by now, or nothing that may go.
    ///
    /// Lock-free: tries again only when another write took the victim.
    fn exchange<H: Host>(&self, host: &H, rule: Rule) -> bool {
        while self.keys.is_full() {
            let Some(victim) = self.find_victim(host, rule, None) else { return false };
            if self.evict(host, victim) || is_mutant(Mutant::LoserSubtracts) {
                return true;
            }
        }
        false
    }

    /// Notes a record that has replaced another one in its slot.
    #[inline]
    pub(crate) fn note_replaced(
        &self,
        local: &Local,
        old: &Usage,
        new: &Usage,
        millis: impl FnOnce() -> u64,
    ) {
        if !is_mutant(Mutant::MarkCopiedEarly) {
            new.follow(old);
        }
        let is_new_use = new.last_use() != old.last_use();
        let noted = if is_new_use { Noted::New } else { Noted::Again };
        self.pace.count_use(noted, local, millis);
    }

    /// Counts a record that this thread's CAS has removed.
    #[inline]
    pub(crate) fn note_removed(&self, local: &Local) {
        self.keys.subtract(local);
    }

    /// Evicts a key, if there are more than there may be; two after the limit was lowered. False
    /// when it finds nothing that may go.
    #[cold]
    fn evict_keys<H: Host>(&self, host: &H, rule: Option<Rule>, counted: usize) -> bool {
        let Some(rule) = rule else { return false };
        let most = self.keys.most();
        let is_lowered = self.keys.is_lowered();
        let evicts_for_others = is_lowered || is_mutant(Mutant::EvictUnrightfully);
        let most_victims = if evicts_for_others { VICTIMS } else { 1 };
        let mut victims = most_victims;
        let mut keys = counted;
        let is_right_first = is_mutant(Mutant::RightBeforeVictim);
        while keys > most && victims > 0 {
            if is_right_first && !self.take_right(keys) {
                break;
            }
            // No victim: what is counted too much is a removal between its CAS and its counting, or
            // nothing may go.
            let Some(victim) = self.find_victim(host, rule, None) else {
                if is_right_first {
                    self.keys.give_back();
                }
                return victims < most_victims;
            };
            if !is_right_first && !self.take_right(keys) {
                self.spare(host, &victim);
                break;
            }
            if self.evict(host, victim) {
                victims -= 1;
                keys = self.keys.count();
            } else if is_mutant(Mutant::LoserSubtracts) {
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
        if !host.remove(victim.seen, victim.cause) {
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
    pub(crate) admission: Admission,
    pub(crate) place: Place,
}
