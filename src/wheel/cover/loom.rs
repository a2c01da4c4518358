//! Models of the cover, over the real code of the wheel and a keyspace of one word a key.
//!
//! A level has four slots here; the wheel of most models has one level. Times are in milliseconds
//! after [`START`]; a record with deadline `d` is due at `d + 1`, which is also its tick.

use crate::{
    model::{breaks, holds, holds_within},
    reclaim::Seat,
    sync::{Mutant, set_mutant},
    wheel::{Hint, level::Help, shelf::Shelf},
};
use ::loom::thread;
use std::sync::Arc;

/// When the models begin.
const START: u64 = 8;

/// No deadline.
const NEVER: u64 = 0;

/// A deadline, so many milliseconds after the start.
const fn at(millis: u64) -> u64 {
    START + millis
}

type World = Shelf<1>;

/// A shelf of one key, written once for each deadline.
fn world<const LEVELS: usize>(deadlines: &[u64]) -> Arc<Shelf<LEVELS>> {
    let world = Shelf::new(1, 1, START);
    world.domain.sit(&world.domain.reserve_seat());
    for deadline in deadlines {
        world.set(0, *deadline);
    }
    Arc::new(world)
}

/// Starts an actor.
fn actor<R: 'static, const LEVELS: usize>(
    world: &Arc<Shelf<LEVELS>>,
    act: impl FnOnce(&Shelf<LEVELS>) -> R + Send + 'static,
) -> thread::JoinHandle<R> {
    let (world, seat): (_, Seat) = (Arc::clone(world), world.domain.reserve_seat());
    thread::spawn(move || {
        world.domain.sit(&seat);
        act(&world)
    })
}

/// Two writers overwrite one key, written with these deadlines before; returns how many entries there
/// are then.
fn storm(before: &[u64], writes: [[u64; 2]; 2]) -> u64 {
    let world: Arc<World> = world(before);
    let writers = writes.map(|deadlines| {
        actor(&world, move |w| deadlines.iter().for_each(|deadline| w.set(0, *deadline)))
    });
    for writer in writers {
        writer.join().unwrap();
    }
    let entries = world.entries();
    assert!(entries <= 2, "broken: the storm grows the wheel");
    entries
}

fn a_storm_of_overwrites() -> u64 {
    storm(&[at(2)], [[at(2); 2]; 2])
}

#[test]
fn r15_a_storm_of_overwrites_pushes_once() {
    holds(100, [1], a_storm_of_overwrites);
}

fn a_storm_on_an_absent_key() -> u64 {
    storm(&[], [[at(2); 2]; 2])
}

#[test]
fn r15_a_storm_on_an_absent_key_pushes_once_for_each_writer() {
    holds(100, [1, 2], a_storm_on_an_absent_key);
}

fn a_storm_with_persist() -> u64 {
    let entries = storm(&[at(2)], [[NEVER, at(2)], [at(2), NEVER]]);
    assert_eq!(entries, 1, "broken: the storm grows the wheel");
    entries
}

#[test]
fn r15_set_and_persist_in_turn_push_once() {
    holds(100, [1], a_storm_with_persist);
    breaks(Mutant::PersistForgetsCover, "broken", a_storm_with_persist);
}

/// Fires what is due at a tick, without choosing among levels.
fn fire_due(world: &World, now: u64) -> usize {
    let mut expired = 0;
    loop {
        let guard = &world.domain.pin();
        match world.wheel.levels[0].help(now, 1, guard) {
            Help::Claimed(batch) => {
                let fire = |hint: &Hint| world.wheel.fire(*hint, now, world, guard);
                expired += batch.hints().iter().map(fire).sum::<usize>();
            }
            Help::Stepped => {}
            Help::Idle => return expired,
        }
    }
}

/// Checks that a key with this deadline is met at its tick, and that no entry is left then.
fn assert_met<const LEVELS: usize>(world: &Shelf<LEVELS>, deadline: u64) {
    assert_eq!(world.deadline_of(0), Some(deadline), "broken: removed before its deadline");
    world.advance_fully(deadline);
    assert_eq!(world.deadline_of(0), Some(deadline), "broken: removed before its deadline");
    world.advance_fully(deadline + 1);
    assert_eq!(world.deadline_of(0), None, "broken: a deadline is not met");
    world.advance_fully(deadline + 5);
    assert_eq!(world.entries(), 0, "broken: an entry is left for a key that is gone");
}

/// A key was written with each of these deadlines; a writer gives it another one while a helper goes
/// on to a time before that. Returns whether the helper has removed the key, and how many entries
/// there are then. The last deadline is met, whatever happened.
fn replace<const LEVELS: usize>(before: &[u64], next: u64, until: u64) -> (bool, u64) {
    let world: Arc<Shelf<LEVELS>> = world(before);
    let writer = actor(&world, move |w| w.set(0, next));
    let helper = actor(&world, move |w| w.advance_fully(until));
    writer.join().unwrap();
    let expired = helper.join().unwrap() > 0;
    let entries = world.entries();
    assert_met(&world, next);
    (expired, entries)
}

fn replace_by_a_later_deadline() -> (bool, u64) {
    replace::<1>(&[at(0)], at(2), at(2))
}

#[test]
fn r15_a_later_deadline_is_met_while_the_old_one_is_fired() {
    holds(100, [(false, 1), (true, 1)], replace_by_a_later_deadline);
    breaks(Mutant::NoSecondLook, "broken", replace_by_a_later_deadline);
}

fn replace_by_a_sooner_deadline() -> (bool, u64) {
    // The key's entry is at tick 1, its deadline's tick is 3; the new one's is 2.
    replace::<1>(&[at(0), at(2)], at(1), at(1))
}

#[test]
fn r15_a_sooner_deadline_is_met_while_the_old_entry_is_fired() {
    holds(100, [(false, 1), (false, 2)], replace_by_a_sooner_deadline);
    for mutant in [Mutant::NoConfirm, Mutant::NoCoverRecheck] {
        breaks(mutant, "broken", replace_by_a_sooner_deadline);
    }
}

fn replace_by_a_deadline_that_is_fired_at_once() -> bool {
    let world: Arc<World> = world(&[at(2)]);
    let writer = actor(&world, |w| w.set(0, at(0)));
    let helper = actor(&world, |w| w.advance_fully(at(1)));
    writer.join().unwrap();
    let expired = helper.join().unwrap() > 0;
    // A push that was late is one tick ahead.
    world.advance_fully(at(2));
    assert_eq!(world.deadline_of(0), None, "broken: a deadline is not met");
    expired
}

#[test]
fn r15_a_deadline_before_the_old_entry_is_met() {
    let model = replace_by_a_deadline_that_is_fired_at_once;
    holds(50, [false, true], model);
    breaks(Mutant::FulfilBeforePublish, "broken", model);
}

fn replace_of_a_record_without_a_deadline() -> (bool, u64) {
    // PERSIST has left the entry at tick 1 to its successor.
    replace::<1>(&[at(0), NEVER], at(1), at(1))
}

#[test]
fn r15_a_deadline_after_persist_is_met_while_the_old_entry_is_fired() {
    holds(100, [(false, 1)], replace_of_a_record_without_a_deadline);
    breaks(Mutant::NoConfirm, "broken", replace_of_a_record_without_a_deadline);
}

/// Without the confirmation a sooner deadline may be met late, but not later than the old one.
fn replace_unconfirmed() -> bool {
    set_mutant(Mutant::NoConfirm);
    let world: Arc<World> = world(&[at(0), at(2)]);
    let writer = actor(&world, |w| w.set(0, at(1)));
    let helper = actor(&world, |w| w.advance_fully(at(1)));
    writer.join().unwrap();
    helper.join().unwrap();
    world.advance_fully(at(2));
    let is_late = world.deadline_of(0).is_some();
    world.advance_fully(at(3));
    assert_eq!(world.deadline_of(0), None, "broken: a deadline is not met");
    is_late
}

#[test]
fn r15_what_is_not_confirmed_is_late_and_not_lost() {
    holds(100, [false, true], replace_unconfirmed);
}

/// As [`replace`], with two helpers that are at the tick already; returns whether one of them has
/// removed the key.
fn replace_under_two_helpers(before: &[u64], next: u64) -> bool {
    let world: Arc<World> = world(before);
    let step = world.wheel.levels[0].help(at(1), 1, &world.domain.pin());
    assert!(matches!(step, Help::Stepped));
    let writer = actor(&world, move |w| w.set(0, next));
    let helpers = [(); 2].map(|()| actor(&world, |w| fire_due(w, at(1))));
    writer.join().unwrap();
    let expired = helpers.map(|helper| helper.join().unwrap());
    assert_met(&world, next);
    expired != [0, 0]
}

fn replace_by_a_later_deadline_under_two_helpers() -> bool {
    replace_under_two_helpers(&[at(0)], at(2))
}

fn replace_by_a_sooner_deadline_under_two_helpers() -> bool {
    replace_under_two_helpers(&[at(0), at(2)], at(1))
}

#[test]
fn r15_deadlines_are_met_while_two_helpers_fire() {
    holds(1_000, [false, true], replace_by_a_later_deadline_under_two_helpers);
    holds(1_000, [false], replace_by_a_sooner_deadline_under_two_helpers);
}

/// A key has one entry too many, and both are due; two helpers fire them. Returns how many entries
/// are left.
fn two_entries_of_one_key() -> u64 {
    let world: Arc<World> = world(&[at(0), at(2)]);
    {
        let guard = world.domain.pin();
        assert!(world.wheel.levels[0].push(Hint::of(0), at(1), &guard));
    }
    let helpers = [(); 2].map(|()| actor(&world, |w| fire_due(w, at(1))));
    for helper in helpers {
        helper.join().unwrap();
    }
    let entries = world.entries();
    assert_eq!(entries, 1, "broken: an entry too many lives on");
    entries
}

#[test]
fn an_entry_too_many_ends_when_it_fires() {
    holds(100, [1], two_entries_of_one_key);
    breaks(Mutant::EveryFirePushes, "broken", two_entries_of_one_key);
}

/// Two writers give new deadlines to a key while a helper fires its entry. Returns the deadline that
/// is left.
fn two_replacements_while_the_entry_is_fired() -> u64 {
    let world: Arc<World> = world(&[at(0), at(2)]);
    let writers = [at(2), at(1)].map(|next| actor(&world, move |w| w.set(0, next)));
    let helper = actor(&world, |w| fire_due(w, at(1)));
    for writer in writers {
        writer.join().unwrap();
    }
    helper.join().unwrap();
    let Some(left) = world.deadline_of(0) else { panic!("broken: removed before its deadline") };
    world.advance_fully(left + 1);
    assert_eq!(world.deadline_of(0), None, "broken: a deadline is not met");
    left
}

#[test]
fn r15_the_sooner_of_two_deadlines_is_met_while_the_old_entry_is_fired() {
    let model = two_replacements_while_the_entry_is_fired;
    holds_within(2, 1_000, [at(1), at(2)], model);
    breaks(Mutant::NoConfirmOfCovered, "broken", model);
}

fn replace_on_the_second_level() -> (bool, u64) {
    // The entry is on the second level, at tick 12; it fires early, and leads to the first level.
    replace::<2>(&[at(4), at(7)], at(5), at(4))
}

fn replace_from_the_second_level_to_the_first() -> (bool, u64) {
    replace::<2>(&[at(4)], at(2), at(2))
}

#[test]
fn deadlines_on_two_levels_are_met_while_entries_fire_early() {
    let model = replace_on_the_second_level;
    holds(100, [(false, 1), (false, 2)], model);
    for mutant in [Mutant::NoConfirm, Mutant::NoCoverRecheck] {
        breaks(mutant, "broken", model);
    }
}

/// Both levels are brought to just before a key's deadline while it is inserted. Returns how many
/// entries there are then: one, and one in a tick that was left meanwhile.
fn insert_while_levels_move_on() -> u64 {
    let (expired, entries) = replace::<2>(&[], at(4), at(4));
    assert!(!expired && entries <= 2, "broken: looked for among ticks that are long past");
    entries
}

#[test]
fn a_level_that_moves_on_while_it_is_chosen_is_not_late() {
    holds(100, [1, 2], insert_while_levels_move_on);
    for mutant in [Mutant::StayOnLevel, Mutant::LookRelaxed] {
        breaks(mutant, "broken", insert_while_levels_move_on);
    }
}

#[test]
fn a_sooner_deadline_gets_an_entry_on_a_finer_level() {
    let model = replace_from_the_second_level_to_the_first;
    holds(100, [(false, 2)], model);
    breaks(Mutant::InheritLaterEntry, "broken", model);
}

/// A key was deleted and is inserted again while the old record's entry fires. Returns how many
/// entries there are then.
fn insert_while_an_old_entry_fires() -> u64 {
    let world: Arc<World> = world(&[at(0)]);
    world.delete(0);
    let writer = actor(&world, |w| w.set(0, at(1)));
    let helper = actor(&world, |w| w.advance_fully(at(1)));
    writer.join().unwrap();
    helper.join().unwrap();
    let entries = world.entries();
    assert_met(&world, at(1));
    entries
}

#[test]
fn a_record_that_is_met_before_its_writer_has_pushed_gets_an_entry_or_two() {
    holds(50, [1, 2], insert_while_an_old_entry_fires);
    breaks(Mutant::BirthAsCover, "broken", insert_while_an_old_entry_fires);
}

/// PERSIST while the entry fires; long after, when ticks look alike again, the key gets a deadline.
/// Returns how many entries there are after the PERSIST.
fn persist_while_the_entry_fires() -> u64 {
    let world: Arc<World> = world(&[at(0), at(2)]);
    let writer = actor(&world, |w| w.set(0, NEVER));
    let helper = actor(&world, |w| w.advance_fully(at(1)));
    writer.join().unwrap();
    helper.join().unwrap();
    let entries = world.entries();
    // Eight ticks on, the tick of the old entry would look as if it were ahead.
    world.advance_fully(at(8));
    world.set(0, at(9));
    assert_met(&world, at(9));
    entries
}

#[test]
fn a_cover_does_not_outlive_its_entry() {
    holds(50, [0, 1], persist_while_the_entry_fires);
    for mutant in [Mutant::KeepStaleCover, Mutant::NoCoverRecheck] {
        breaks(mutant, "broken", persist_while_the_entry_fires);
    }
}
