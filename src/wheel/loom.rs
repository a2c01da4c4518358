//! Models of the wheel's cap and of the sweep that skipped pushes owe, over the real code.
//!
//! | model                                    | actors | wrong way that must fail                 |
//! |------------------------------------------|--------|------------------------------------------|
//! | `a_skipped_push_against_a_sweep`         | 2      | `FulfilBeforePublish`, `OweByLoad`, `OweThisRound` |
//! | `a_skipped_push_against_two_sweeps`      | 3      | –                                        |
//! | `a_sweep_against_an_overwrite`           | 2      | –                                        |
//! | `a_fire_under_the_cap_against_an_overwrite` | 2   | `NoConfirm`                              |

use super::shelf::Shelf;
use crate::{
    model::{breaks, holds, holds_within},
    reclaim::Seat,
    sync::Mutant,
};
use ::loom::thread;
use std::sync::Arc;

/// When the models begin.
const START: u64 = 8;

/// The deadline of all records.
const DEADLINE: u64 = START + 1;

type World = Shelf<1>;

/// A shelf of two keys, the second of which was written when the cap was reached: a round is owed.
fn world() -> Arc<World> {
    let world = World::new(2, 1, START);
    world.domain.sit(&world.domain.reserve_seat());
    world.wheel.cap.set_reached(true);
    world.set(1, DEADLINE);
    assert!(world.wheel.owes_sweep());
    Arc::new(world)
}

/// Starts an actor.
fn actor<R: 'static>(
    world: &Arc<World>,
    act: impl FnOnce(&World) -> R + Send + 'static,
) -> thread::JoinHandle<R> {
    let (world, seat): (_, Seat) = (Arc::clone(world), world.domain.reserve_seat());
    thread::spawn(move || {
        world.domain.sit(&seat);
        act(&world)
    })
}

/// Sweeps until nothing is owed; then every deadline is met at its tick.
fn assert_all_met(world: &World, now: u64) {
    while world.wheel.owes_sweep() {
        world.advance(now, 1);
    }
    world.advance_fully(now + 2);
    for key in 0..2 {
        assert_eq!(world.deadline_of(key), None, "broken: a deadline is not met");
    }
    world.advance_fully(now + 6);
    assert_eq!(world.entries(), 0, "broken: an entry is left for a key that is gone");
}

/// A push is skipped, or would be, while others sweep. Returns whether a round is owed then, and how
/// many entries there are.
fn a_skipped_push(sweepers: usize, slices: usize) -> (bool, u64) {
    let world = world();
    let writer = actor(&world, |w| w.set(0, DEADLINE));
    let sweep = |_| {
        actor(&world, move |w| {
            for _ in 0..slices {
                w.wheel.sweep(START, w, &w.domain.pin());
            }
        })
    };
    let sweepers: Vec<_> = (0..sweepers).map(sweep).collect();
    writer.join().unwrap();
    sweepers.into_iter().for_each(|sweeper| sweeper.join().unwrap());
    let outcome = (world.wheel.owes_sweep(), world.entries());
    assert_all_met(&world, START);
    outcome
}

fn a_skipped_push_against_a_sweep() -> (bool, u64) {
    a_skipped_push(1, 4)
}

#[test]
fn a_skipped_push_is_made_up_for_in_a_round_that_begins_later() {
    let legal = [(false, 2), (false, 3), (true, 1), (true, 2)];
    holds(100, legal, a_skipped_push_against_a_sweep);
    for mutant in [Mutant::FulfilBeforePublish, Mutant::OweByLoad, Mutant::OweThisRound] {
        breaks(mutant, "broken", a_skipped_push_against_a_sweep);
    }
}

fn a_skipped_push_against_two_sweeps() -> (bool, u64) {
    a_skipped_push(2, 1)
}

#[test]
fn a_skipped_push_is_made_up_for_by_two_that_sweep() {
    let legal = [(true, 0), (true, 1), (true, 2), (true, 3)];
    holds_within(2, 1_000, legal, a_skipped_push_against_two_sweeps);
}

/// A record that no entry leads to is overwritten while a sweep meets it. Returns how many entries
/// there are then.
fn a_sweep_against_an_overwrite() -> u64 {
    let world = world();
    world.wheel.cap.set_reached(false);
    let writer = actor(&world, |w| w.set(1, DEADLINE));
    let sweeper = actor(&world, |w| {
        w.advance(START, 1);
        w.advance(START, 1);
    });
    writer.join().unwrap();
    sweeper.join().unwrap();
    let entries = world.entries();
    assert_all_met(&world, START);
    entries
}

#[test]
fn a_record_that_is_swept_and_overwritten_is_met() {
    holds(50, [1, 2], a_sweep_against_an_overwrite);
}

/// The entry of a record fires when the cap is reached, so that no other is pushed, while the record
/// is overwritten. Returns whether a round is owed then.
fn a_fire_under_the_cap_against_an_overwrite() -> bool {
    let world = World::new(2, 1, START);
    world.domain.sit(&world.domain.reserve_seat());
    world.set(0, START);
    world.set(0, START + 2);
    world.wheel.cap.set_reached(true);
    let world = Arc::new(world);
    let writer = actor(&world, |w| w.set(0, DEADLINE));
    let helper = actor(&world, |w| w.advance_fully(DEADLINE));
    writer.join().unwrap();
    helper.join().unwrap();
    let is_owed = world.wheel.owes_sweep();
    assert_all_met(&world, DEADLINE);
    is_owed
}

#[test]
fn a_fire_that_may_not_push_leaves_its_record_to_a_sweep() {
    holds(50, [true], a_fire_under_the_cap_against_an_overwrite);
    breaks(Mutant::NoConfirm, "broken", a_fire_under_the_cap_against_an_overwrite);
}
