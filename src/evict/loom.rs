//! Models of eviction, over its real code and a table of a few slots.
//!
//! | model                                   | race | actors | wrong way that must fail           |
//! |-----------------------------------------|------|--------|------------------------------------|
//! | `an_insert_against_the_judge_of_its_trial` | –  | 2      | –                                  |
//! | `a_promotion_against_an_overwrite`      | –    | 2      | `PromoteUnconfirmed`, `MarkCopiedEarly` |
//! | `a_promotion_against_a_read`            | –    | 2      | `TouchByStore`                     |
//! | `an_eviction_against_an_overwrite`      | R17  | 2      | `RemoveByKey`                      |
//! | `an_eviction_against_a_delete`          | R17, R20 | 2  | `LoserSubtracts`                   |
//! | `an_eviction_against_expiry`            | R18, R20 | 2  | `LoserSubtracts`                   |
//! | `two_evictions_and_an_overwrite`        | R20  | 3      | `LoserSubtracts`                   |
//! | `two_inserts_at_the_limit`              | –    | 2      | `CountBeforePublish`, `LoserSubtracts` |
//! | `three_inserts_below_the_limit`         | –    | 3      | `EvictUnrightfully`                |
//! | `two_inserts_and_a_delete_at_the_limit` | –    | 3      | `RightBeforeVictim`                |
//!
//! Edges `push→pop` and `count→find` have no wrong way of their own: weakened to Relaxed, the first
//! fails the model of the insert, the second those of the limit.

use super::{
    Admission, Evictor, Place,
    enforce::Entry,
    host::{Cause, Facts, Host},
    local::Local,
    rule::{place_of, rule_at},
    search::Judgement,
    usage::{Tick, Usage},
};
use crate::{
    model::{breaks, breaks_within, holds, holds_within},
    pool::policy::EvictionPolicy,
    sync::{AtomicUsize, Mutant, Ordering, UnsafeCell, is_mutant},
};
use ::loom::{sync::Arc, thread};

/// What a slot holds when it holds no record; otherwise the record's number and one.
const GONE: usize = 0;

/// A record; private to who writes it until its number is in a slot.
struct Record {
    usage: UnsafeCell<Usage>,
    deadline: u64,
}

impl Record {
    fn new(is_in_trial: bool, uses: u32) -> Self {
        let usage = Usage::new(Tick::new(0), is_in_trial);
        use_often(&usage, uses);
        Self { usage: UnsafeCell::new(usage), deadline: 0 }
    }

    fn main() -> Self {
        Self::new(false, 0)
    }

    fn expired() -> Self {
        Self { deadline: 1, ..Self::main() }
    }

    /// The access word; loom fails if it was not written before.
    fn usage(&self) -> &Usage {
        // SAFETY: written while the record is private, which loom checks, and not since.
        self.usage.with(|usage| unsafe { &*usage })
    }
}

/// Uses a record in so many ticks.
fn use_often(usage: &Usage, uses: u32) {
    for tick in 1..=uses {
        usage.touch(Tick::new(tick), 0);
    }
}

/// One bucket; each slot is for one key.
struct World {
    evictor: Evictor,
    slots: Vec<AtomicUsize>,
    records: Vec<Record>,
}

impl World {
    /// A world with a record in each of the first `filled` slots; the others are yet to come.
    fn new(
        policy: EvictionPolicy,
        most: usize,
        slots: usize,
        records: Vec<Record>,
        filled: usize,
    ) -> Arc<Self> {
        let evictor = Evictor::new(policy, Some(most), None);
        evictor.trials.fit(1);
        evictor.trials.fitting(1);
        let local = Local::default();
        for _ in 0..filled {
            evictor.keys.add(&local);
        }
        let word = |slot| AtomicUsize::new(if slot < filled { slot + 1 } else { GONE });
        Arc::new(Self { evictor, slots: (0..slots).map(word).collect(), records })
    }

    fn view(&self) -> View<'_> {
        View { world: self, local: Local::default(), mine: GONE }
    }

    fn record(&self, word: usize) -> &Record {
        &self.records[word - 1]
    }

    fn load(&self, slot: usize) -> usize {
        self.slots[slot].load(Ordering::Acquire)
    }

    fn swap(&self, slot: usize, seen: usize, next: usize) -> bool {
        let (to, other) = (Ordering::AcqRel, Ordering::Acquire);
        self.slots[slot].compare_exchange(seen, next, to, other).is_ok()
    }

    /// Puts record `word` into a slot whose key is absent and which nobody else inserts.
    fn insert(&self, slot: usize, word: usize, admission: Admission) {
        let mut view = self.view();
        view.mine = word;
        let entry = Entry { hash: hash(slot), admission, place: Place::Open };
        // SAFETY: the record is private until the swap.
        self.record(word).usage.with_mut(|usage| unsafe { *usage = admission.usage(Tick::new(0)) });
        assert!(self.swap(slot, GONE, word));
        self.evictor.note_inserted(&view, entry, || 0);
    }

    /// As [`insert`](Self::insert), as far as the limit on keys is concerned.
    fn insert_key(&self, slot: usize, word: usize) {
        let mut view = self.view();
        view.mine = word;
        let rule = rule_at(place_of(RANDOM));
        if is_mutant(Mutant::CountBeforePublish) {
            self.evictor.count_key(&view, rule);
        }
        assert!(self.swap(slot, GONE, word));
        if !is_mutant(Mutant::CountBeforePublish) {
            self.evictor.count_key(&view, rule);
        }
    }

    /// Puts record `word` in the place of the one that is there, and uses it; false when the key is
    /// gone or was written meanwhile.
    fn overwrite(&self, slot: usize, word: usize, uses: u32) -> bool {
        let seen = self.load(slot);
        if seen == GONE {
            return false;
        }
        let old = self.record(seen).usage();
        let heir = old.inherit(Tick::new(0));
        use_often(&heir, uses);
        // SAFETY: the record is private until the swap.
        self.record(word).usage.with_mut(|usage| unsafe { *usage = heir });
        if !self.swap(slot, seen, word) {
            return false;
        }
        let new = self.record(word).usage();
        self.evictor.note_replaced(&Local::default(), old, new, || 0);
        true
    }

    /// Deletes a key, or removes it because it has expired; whether it did.
    fn delete(&self, slot: usize) -> bool {
        let seen = self.load(slot);
        let removed = seen != GONE && self.swap(slot, seen, GONE);
        if removed {
            self.evictor.note_removed(&Local::default());
        }
        removed
    }

    /// Judges a key whose hash was taken out of the ring; whether it was evicted.
    fn judge(&self, slot: usize) -> bool {
        let view = self.view();
        let trial = self.evictor.trials.newest().unwrap();
        match self.evictor.judge(&view, trial, hash(slot)) {
            Judgement::Goes(victim) => self.evictor.evict(&view, victim),
            Judgement::Settled => false,
        }
    }

    /// Evicts any, as for the limit on bytes; whether it did.
    fn evict(&self) -> bool {
        let view = self.view();
        let rule = rule_at(place_of(RANDOM)).unwrap();
        let Some(victim) = self.evictor.find_victim(&view, rule, None) else { return false };
        let evicted = self.evictor.evict(&view, victim);
        if evicted || is_mutant(Mutant::LoserSubtracts) {
            self.evictor.keys.subtract(&view.local);
        }
        evicted
    }

    fn is_in_trial(&self, slot: usize) -> bool {
        let word = self.load(slot);
        word != GONE && self.record(word).usage().is_in_trial()
    }

    /// Fails if a key is in trial whose hash is in no ring.
    fn check_for_orphans(&self, slot: usize) {
        let trial = self.evictor.trials.newest().unwrap();
        let is_in_ring = trial.rest().contains(&hash(slot));
        assert!(!self.is_in_trial(slot) || is_in_ring, "orphan: in trial, and in no ring");
    }

    fn live(&self) -> usize {
        (0..self.slots.len()).filter(|slot| self.load(*slot) != GONE).count()
    }

    /// Fails if the accounts are not those of the records that are there; returns how many are.
    fn check_accounts(&self) -> usize {
        let live = self.live();
        assert_eq!(self.evictor.keys.count(), live, "keys counted");
        live
    }
}

/// A world as one actor sees it.
struct View<'w> {
    world: &'w World,
    local: Local,
    mine: usize,
}

impl Host for View<'_> {
    /// A slot and the word that it held.
    type Seen = (usize, usize);

    fn buckets(&self) -> usize {
        1
    }

    fn visit(&self, _: usize, see: impl FnMut((usize, usize))) {
        let all = (0..self.world.slots.len()).map(|slot| (slot, self.world.load(slot)));
        all.filter(|(_, word)| *word != GONE).for_each(see);
    }

    fn visit_hash(&self, hash: u64, see: impl FnMut((usize, usize))) {
        let slot = slot_of(hash);
        let seen = Some((slot, self.world.load(slot)));
        seen.filter(|(_, word)| *word != GONE).into_iter().for_each(see);
    }

    fn prefetch(&self, _: usize) {}

    fn prefetch_hashes(&self, _: Option<u64>, _: Option<u64>) {}

    fn facts(&self, (_, word): (usize, usize)) -> Facts<'_> {
        let record = self.world.record(word);
        Facts {
            usage: record.usage(),
            deadline: record.deadline,
            has_expired: record.deadline != 0,
            may_go: word != self.mine,
        }
    }

    fn bytes(&self, _: (usize, usize)) -> usize {
        0
    }

    fn remove(&self, (slot, word): (usize, usize), _: Cause) -> bool {
        if is_mutant(Mutant::RemoveByKey) {
            return self.world.slots[slot].swap(GONE, Ordering::AcqRel) != GONE;
        }
        self.world.swap(slot, word, GONE)
    }

    fn confirm(&self, (slot, word): (usize, usize)) -> bool {
        self.world.swap(slot, word, word)
    }

    fn local(&self) -> &Local {
        &self.local
    }

    fn random(&self) -> u32 {
        1
    }

    fn retired_bytes(&self) -> u64 {
        0
    }

    fn own_retired_bytes(&self) -> u64 {
        0
    }

    fn used(&self) -> u64 {
        0
    }

    fn fixed_bytes(&self) -> u64 {
        0
    }
}

/// The hash of the key that a slot is for.
fn hash(slot: usize) -> u64 {
    slot as u64 + 1
}

fn slot_of(hash: u64) -> usize {
    usize::try_from(hash).unwrap() - 1
}

/// Runs two actors on a world to their end.
fn two<A: 'static, B: 'static>(
    world: &Arc<World>,
    first: impl FnOnce(&World) -> A + Send + 'static,
    second: impl FnOnce(&World) -> B + Send + 'static,
) -> (A, B) {
    let (one, other) = (Arc::clone(world), Arc::clone(world));
    let first = thread::spawn(move || first(&one));
    let second = thread::spawn(move || second(&other));
    (first.join().unwrap(), second.join().unwrap())
}

const LFU: EvictionPolicy = EvictionPolicy::AllKeysLfu;
const RANDOM: EvictionPolicy = EvictionPolicy::AllKeysRandom;

fn an_insert_against_the_judge_of_its_trial() -> bool {
    let world = World::new(LFU, 10, 1, vec![Record::main()], 0);
    let ((), evicted) = two(
        &world,
        |world| world.insert(0, 1, Admission::Trial),
        |world| {
            let hash = world.evictor.trials.newest().and_then(|trial| trial.pop(0));
            hash.is_some_and(|hash| world.judge(slot_of(hash)))
        },
    );
    world.check_for_orphans(0);
    assert_eq!(world.load(0) == GONE, evicted);
    evicted
}

#[test]
fn whoever_takes_a_hash_out_of_the_ring_finds_its_record() {
    holds(5, [false, true], an_insert_against_the_judge_of_its_trial);
}

fn a_promotion_against_an_overwrite() -> bool {
    let records = vec![Record::new(true, 2), Record::main()];
    let world = World::new(LFU, 10, 1, records, 1);
    let (evicted, replaced) = two(&world, |world| world.judge(0), |world| world.overwrite(0, 2, 0));
    assert!(!evicted && replaced, "it had been used");
    world.check_for_orphans(0);
    world.check_accounts();
    world.is_in_trial(0)
}

#[test]
fn a_promotion_is_not_lost_to_an_overwrite() {
    holds(20, [false, true], a_promotion_against_an_overwrite);
    for mutant in [Mutant::PromoteUnconfirmed, Mutant::MarkCopiedEarly] {
        breaks(mutant, "orphan", a_promotion_against_an_overwrite);
    }
}

fn a_promotion_against_a_read() -> bool {
    let world = World::new(LFU, 10, 1, vec![Record::new(true, 2)], 1);
    let (evicted, ()) = two(
        &world,
        |world| world.judge(0),
        |world| {
            world.record(1).usage().touch(Tick::new(3), 0);
        },
    );
    assert!(!evicted, "it had been used");
    world.check_for_orphans(0);
    world.record(1).usage().last_use() == Tick::new(3)
}

#[test]
fn a_promotion_is_not_undone_by_a_read() {
    holds(3, [false, true], a_promotion_against_a_read);
    breaks(Mutant::TouchByStore, "orphan", a_promotion_against_a_read);
}

fn an_eviction_against_an_overwrite() -> bool {
    let records = vec![Record::new(true, 0), Record::main()];
    let world = World::new(LFU, 10, 1, records, 1);
    let (evicted, replaced) = two(&world, |world| world.judge(0), |world| world.overwrite(0, 2, 2));
    assert!(evicted != replaced, "a record was evicted that was not judged");
    world.check_for_orphans(0);
    evicted
}

#[test]
fn r17_the_evictor_removes_only_what_it_has_judged() {
    holds(5, [false, true], an_eviction_against_an_overwrite);
    breaks(Mutant::RemoveByKey, "not judged", an_eviction_against_an_overwrite);
}

fn an_eviction_against_a_delete() -> (bool, bool) {
    let world = World::new(RANDOM, 10, 2, vec![Record::main(), Record::main()], 2);
    let done = two(&world, World::evict, |world| world.delete(0));
    world.check_accounts();
    done
}

#[test]
fn r20_an_eviction_and_a_delete_count_what_they_have_removed() {
    holds(5, [(false, true), (true, false), (true, true)], an_eviction_against_a_delete);
    breaks(Mutant::LoserSubtracts, "keys counted", an_eviction_against_a_delete);
}

fn an_eviction_against_expiry() -> (bool, usize) {
    let records = vec![Record::expired(), Record::main(), Record::main()];
    let world = World::new(RANDOM, 2, 3, records, 2);
    let ((), expired) =
        two(&world, |world| world.insert(2, 3, Admission::Main), |world| world.delete(0));
    let live = world.check_accounts();
    assert!(world.load(0) == GONE && live <= 2, "what has expired goes first");
    (expired, live)
}

#[test]
fn r18_an_eviction_and_an_expiry_remove_a_key_once() {
    holds(20, [(false, 2), (true, 1), (true, 2)], an_eviction_against_expiry);
    breaks(Mutant::LoserSubtracts, "keys counted", an_eviction_against_expiry);
}

fn two_evictions_and_an_overwrite() -> (usize, bool) {
    let records = vec![Record::main(), Record::main(), Record::main()];
    let world = World::new(RANDOM, 10, 2, records, 2);
    let evictors = [(); 2].map(|()| {
        let world = Arc::clone(&world);
        thread::spawn(move || world.evict())
    });
    let writer = Arc::clone(&world);
    let writer = thread::spawn(move || writer.overwrite(0, 3, 0));
    let evicted = evictors.map(|evictor| evictor.join().unwrap());
    let replaced = writer.join().unwrap();
    let live = world.check_accounts();
    let evicted = evicted.into_iter().filter(|evicted| *evicted).count();
    assert_eq!(live + evicted, 2, "each eviction removes one");
    (evicted, replaced)
}

#[test]
fn r20_whoever_wins_the_swap_counts_it() {
    let legal = [(0, true), (1, false), (1, true), (2, false), (2, true)];
    holds(50, legal, two_evictions_and_an_overwrite);
    breaks(Mutant::LoserSubtracts, "keys counted", two_evictions_and_an_overwrite);
}

/// Two inserts into a pool that is full with one key.
fn two_inserts_at_the_limit() -> usize {
    let records = vec![Record::main(), Record::main(), Record::main()];
    let world = World::new(RANDOM, 1, 3, records, 1);
    two(&world, |world| world.insert_key(1, 2), |world| world.insert_key(2, 3));
    let live = world.live();
    assert_eq!(world.evictor.keys.count(), live, "keys counted");
    assert!(live <= 1, "over the limit at rest");
    assert_eq!(live, 1, "evicted one too many");
    world.load(1) + world.load(2)
}

#[test]
fn the_limit_on_keys_is_kept_to_the_key() {
    holds(50, [2, 3], two_inserts_at_the_limit);
    breaks(Mutant::CountBeforePublish, "over the limit", two_inserts_at_the_limit);
    breaks(Mutant::LoserSubtracts, "keys counted", two_inserts_at_the_limit);
}

/// Three inserts into a pool that has room for one key: none finds it full before it is counted.
fn three_inserts_below_the_limit() -> usize {
    let records = vec![Record::main(), Record::main(), Record::main()];
    let world = World::new(RANDOM, 1, 3, records, 0);
    let third = Arc::clone(&world);
    let third = thread::spawn(move || third.insert_key(2, 3));
    two(&world, |world| world.insert_key(0, 1), |world| world.insert_key(1, 2));
    third.join().unwrap();
    let live = world.live();
    assert_eq!(world.evictor.keys.count(), live, "keys counted");
    assert!(live <= 1, "over the limit at rest");
    assert_eq!(live, 1, "evicted one too many");
    (0..3).map(|slot| world.load(slot)).sum()
}

#[test]
fn the_limit_on_keys_is_met_to_the_key() {
    holds_within(2, 50, [1, 2, 3], three_inserts_below_the_limit);
    let wrong = Mutant::EvictUnrightfully;
    breaks_within(2, wrong, "evicted one too many", three_inserts_below_the_limit);
}

/// As [`two_inserts_at_the_limit`], while the key that was there is deleted.
fn two_inserts_and_a_delete_at_the_limit() -> usize {
    let records = vec![Record::main(), Record::main(), Record::main()];
    let world = World::new(RANDOM, 1, 3, records, 1);
    let deleter = Arc::clone(&world);
    let deleter = thread::spawn(move || {
        if deleter.swap(0, 1, GONE) {
            deleter.evictor.keys.subtract(&Local::default());
        }
    });
    two(&world, |world| world.insert_key(1, 2), |world| world.insert_key(2, 3));
    deleter.join().unwrap();
    let live = world.live();
    assert_eq!(world.evictor.keys.count(), live, "keys counted");
    assert!(live <= 1, "over the limit at rest");
    live
}

#[test]
fn the_limit_on_keys_holds_while_keys_are_deleted() {
    // One too few when a delete was met between removing and subtracting.
    holds_within(2, 50, [0, 1], two_inserts_and_a_delete_at_the_limit);
    let wrong = Mutant::RightBeforeVictim;
    breaks_within(2, wrong, "over the limit", two_inserts_and_a_delete_at_the_limit);
}
