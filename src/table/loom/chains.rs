//! Models of a bucket and its chain, over the table's real code.
//!
//! | model                                   | race | actors | wrong way that must fail           |
//! |-----------------------------------------|------|--------|------------------------------------|
//! | `two_inserts_of_one_key`                | R1   | 2      | `CommitUnchecked`                  |
//! | `…_while_an_earlier_slot_is_freed`      | R2   | 2      | `FirstFreeSlot`                    |
//! | `insert_remove_insert_against_insert`   | R3   | 2      | `EmptyWithoutStamp`, `StampUnchecked` |
//! | `two_inserts_of_one_key`                | R4   | 2      | `NoHelp`                           |
//! | `insert_remove_insert_against_insert`   | R5   | 2      | `RecordPlacedAgain`                |
//! | `a_commit_in_the_head_against_detach`   | R6   | 2      | `DetachWithoutHelp`                |
//! | `an_insert_into_what_is_detached`       | R6   | 2      | `DetachByStore`                    |
//! | `a_removal_against_an_overwrite`        | R17  | 2      | `RemoveByKey`                      |
//!
//! The table has one bucket, of two slots.

use super::{World, two};
use crate::{
    model::{breaks, holds},
    sync::Mutant,
};
use std::sync::Arc;

fn two_inserts_of_one_key() -> (bool, bool) {
    let world = World::new(1);
    let outcome = two(&world, |w| w.insert(10, 1), |w| w.insert(10, 2));
    assert!(outcome.0 ^ outcome.1, "broken: both or none inserted");
    world.assert_once(10, 1);
    assert_eq!(world.payload(10), Some(if outcome.0 { 1 } else { 2 }), "broken: the loser's value");
    outcome
}

#[test]
fn r1_one_of_two_inserts_of_one_key_succeeds() {
    holds(50, [(false, true), (true, false)], two_inserts_of_one_key);
    breaks(Mutant::CommitUnchecked, "broken", two_inserts_of_one_key);
}

#[test]
fn r4_a_committed_record_is_seen_by_the_next_scan() {
    breaks(Mutant::NoHelp, "broken", two_inserts_of_one_key);
}

fn two_inserts_of_one_key_while_an_earlier_slot_is_freed() -> (bool, bool) {
    let world = World::new(1);
    world.insert(20, 0);
    let outcome = two(
        &world,
        |w| w.insert(10, 1),
        |w| {
            w.remove(20);
            w.insert(10, 2)
        },
    );
    assert!(outcome.0 ^ outcome.1, "broken: both or none inserted");
    world.assert_once(10, 1);
    outcome
}

#[test]
fn r2_an_earlier_slot_that_comes_free_makes_no_duplicate() {
    let model = two_inserts_of_one_key_while_an_earlier_slot_is_freed;
    holds(100, [(false, true), (true, false)], model);
    breaks(Mutant::FirstFreeSlot, "broken", model);
}

fn insert_remove_insert_against_insert() -> (bool, bool, bool) {
    let world = World::new(1);
    let ((inserted, removed), other) = two(
        &world,
        |w| {
            let inserted = w.insert(10, 1);
            let removed = w.remove(10).is_some();
            w.insert(20, 3);
            (inserted, removed)
        },
        |w| w.insert(10, 2),
    );
    let left = usize::from(inserted) + usize::from(other) - usize::from(removed);
    world.assert_once(10, left);
    world.assert_once(20, 1);
    (inserted, removed, other)
}

#[test]
fn r3_a_late_record_in_a_reused_slot_is_not_finished() {
    let legal = [(false, true, true), (true, true, false), (true, true, true)];
    holds(200, legal, insert_remove_insert_against_insert);
    breaks(Mutant::EmptyWithoutStamp, "broken", insert_remove_insert_against_insert);
    breaks(Mutant::StampUnchecked, "broken", insert_remove_insert_against_insert);
}

fn an_insert_against_two_commits() -> (bool, bool) {
    let world = World::new(1);
    world.insert(20, 0);
    let outcome = two(
        &world,
        |w| {
            w.remove(20);
            let inserted = w.insert(10, 1);
            w.remove(10);
            w.insert(10, 3);
            inserted
        },
        |w| w.insert(10, 2),
    );
    world.assert_once(10, 1);
    outcome
}

#[test]
fn a_version_that_comes_back_lets_a_late_commit_pass() {
    let legal = [(false, true), (true, false), (true, true)];
    holds(100, legal, an_insert_against_two_commits);
    breaks(Mutant::NarrowVersion, "broken", an_insert_against_two_commits);
}

#[test]
fn r5_a_committed_record_is_not_taken_for_a_doomed_one() {
    // A record that is placed again is written again, while others read its birth.
    breaks(Mutant::RecordPlacedAgain, "Causality violation", insert_remove_insert_against_insert);
}

/// A chain of a head with a free slot and an overflow bucket that holds key 3.
fn with_overflow() -> Arc<World> {
    let world = World::new(1);
    for key in 1..=3 {
        assert!(world.insert(key, 0));
    }
    world.remove(1);
    world
}

fn a_commit_in_the_head_against_detach() -> (bool, bool) {
    let world = with_overflow();
    let outcome = two(
        &world,
        |w| w.insert(10, 1),
        |w| {
            w.remove(3);
            w.insert(20, 2)
        },
    );
    assert_eq!(outcome, (true, true), "broken: an insert of an absent key was refused");
    world.assert_once(10, 1);
    world.assert_once(20, 1);
    world.assert_once(2, 1);
    world.assert_once(3, 0);
    outcome
}

#[test]
fn r6_a_detach_loses_no_commit() {
    holds(200, [(true, true)], a_commit_in_the_head_against_detach);
    breaks(Mutant::DetachWithoutHelp, "broken", a_commit_in_the_head_against_detach);
}

fn an_insert_into_what_is_detached() -> bool {
    let world = World::new(1);
    for key in 1..=3 {
        assert!(world.insert(key, 0));
    }
    let (inserted, removed) = two(&world, |w| w.insert(10, 1), |w| w.remove(3).is_some());
    assert!(inserted && removed, "broken: an insert or a removal failed");
    assert_eq!(world.payload(10), Some(1), "broken: the record went with its overflow bucket");
    world.assert_once(10, 1);
    // What is left of the chain tells whether the bucket was detached.
    world.first_overflow() == 1
}

#[test]
fn r6_nothing_is_committed_into_a_detached_bucket() {
    holds(50, [false, true], an_insert_into_what_is_detached);
    breaks(Mutant::DetachByStore, "broken", an_insert_into_what_is_detached);
}

fn a_removal_against_an_overwrite() -> bool {
    let world = World::new(1);
    world.insert(10, 1);
    let (_, evicted) = two(&world, |w| w.set(10, 2), |w| w.evict(10, 1));
    assert_eq!(world.payload(10), Some(2), "broken: the new record was removed for the old one");
    world.assert_once(10, 1);
    evicted
}

#[test]
fn r17_an_evictor_removes_only_the_record_it_judged() {
    holds(20, [false, true], a_removal_against_an_overwrite);
    breaks(Mutant::RemoveByKey, "broken", a_removal_against_an_overwrite);
}

fn a_reader_against_an_overwrite() -> u64 {
    let world = World::new(1);
    world.insert(10, 1);
    let (_, seen) = two(
        &world,
        |w| w.set(10, 2),
        |w| {
            let first = w.payload(10);
            let second = w.payload(10);
            assert!(first <= second, "broken: time goes backwards");
            second
        },
    );
    match seen {
        Some(seen) => seen,
        None => panic!("broken: a key that was there throughout is missing"),
    }
}

#[test]
fn a_reader_sees_a_record_whole_or_not_at_all() {
    holds(5, [1, 2], a_reader_against_an_overwrite);
}

fn a_reader_against_an_insert() -> Option<u64> {
    let world = World::new(1);
    two(&world, |w| w.insert(10, 1), |w| w.payload(10)).1
}

#[test]
fn a_reader_sees_an_inserted_record_whole_or_not_at_all() {
    holds(5, [None, Some(1)], a_reader_against_an_insert);
}
