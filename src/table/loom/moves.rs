//! Models of growth, shrinking and scanning, over the table's real code.
//!
//! | model                             | race | actors                                | wrong way that must fail       |
//! |-----------------------------------|------|---------------------------------------|--------------------------------|
//! | `two_inserts_while_moving`, `two_inserts_and_a_growth` | R7 | move, insert / insert the same key | – |
//! | `an_insert_and_a_growth`          | R7   | grow, move / insert                   | `MoveWithoutHelp`, `SlotsFrozenFirst`, `TentativeMoved` |
//! | `an_attach_while_moving`          | R7   | move, get / insert that attaches      | `NoneIsDone`                   |
//! | `an_update_while_moving`          | R7   | move, get / overwrite, remove         | –                              |
//! | `a_reader_while_moving`           | R7   | move, overwrite, get, remove / get, get | `ReaderIgnoresDone`          |
//! | `a_reader_of_what_was_moved_and_freed` | R7 | overwrite, free / get            | `ReaderIgnoresDone`            |
//! | `a_miss_while_moving`             | R7   | move, insert, get / get, get          | `ReaderIgnoresDone`            |
//! | `a_late_helper`                   | R7   | move, get / move, remove              | `FilledFromEmpty`              |
//! | `a_chain_is_moved`                | R7   | move, get / move, remove              | `ControlStored`                |
//! | `a_late_helper_of_two_moves`      | R7   | move / move, move on, remove          | –                              |
//! | `the_next_growth`                 | R21  | move a bucket / move the other, grow  | `GrowBeforeRoot`               |
//! | `two_growers`                     | R21  | grow / grow, get                      | `NextByStore`, `FreedAtOnce`   |
//! | `the_last_two_buckets`            | R21  | move / move / get                     | `CountRelaxed`                 |
//! | `shrinking_two_sources`           | R7   | move, overwrite, get / remove, get    | `OtherSourceDone`              |
//! | `shrinking_two_helpers`           | R7   | move / move, remove                   | `OneSourceFrozen`              |
//! | `a_reader_while_shrinking`        | R7   | move, overwrite, get / get, get       | `OtherSourceDone`              |
//! | `a_scan_across_growth`, `…shrink` | R22  | scan / overwrite, resize              | `PlainCursor` (shrinking)      |
//! | `a_scan_of_what_was_moved_before` | R22  | scan / move the rest                  | `ScanIgnoresDone`              |
//! | `a_removal_and_an_insert_during_a_scan` | R19 | scan / remove, insert again      | –                              |
//! | `a_detached_bucket_of_a_generation_that_is_gone` | R6 | remove / resize          | –                              |
//!
//! That an insert takes a frozen slot for a free one has no wrong way here: the commit fails, since
//! the control word was frozen first, and what is moved are committed records only.
//!
//! The longer models explore fewer preemptions than the others.

use super::{World, actor, two};
use crate::{
    model::{breaks, breaks_within, holds, holds_within},
    sync::Mutant,
};
use std::{collections::BTreeSet, sync::Arc};

fn two_inserts_while_moving() -> (bool, bool) {
    let world = World::moving(1, &[(2, 0)], 2);
    let outcome = two(
        &world,
        |w| {
            w.move_bucket(0, 0);
            w.insert(1, 10)
        },
        |w| w.insert(1, 20),
    );
    assert!(outcome.0 ^ outcome.1, "broken: both or none inserted");
    let payload = if outcome.0 { 10 } else { 20 };
    assert_eq!(world.live(), [(1, payload), (2, 0)], "broken: one winner, one record");
    outcome
}

/// An insert that has taken its snapshot before the move begins, which the policy of moving one's
/// own bucket first would otherwise keep from happening.
fn two_inserts_and_a_growth() -> (bool, bool) {
    let world = World::new(1);
    assert!(world.insert(2, 0));
    let outcome = two(
        &world,
        |w| {
            w.resize(0, 2);
            w.insert(1, 10)
        },
        |w| w.insert(1, 20),
    );
    assert!(outcome.0 ^ outcome.1, "broken: both or none inserted");
    let payload = if outcome.0 { 10 } else { 20 };
    assert_eq!(world.live(), [(1, payload), (2, 0)], "broken: one winner, one record");
    outcome
}

#[test]
fn r7_an_insert_and_a_move_agree_on_who_was_first() {
    holds_within(2, 200, [(false, true), (true, false)], two_inserts_while_moving);
    holds_within(2, 200, [(false, true), (true, false)], two_inserts_and_a_growth);
}

fn an_insert_and_a_growth() {
    let world = World::new(1);
    let ((), inserted) = two(&world, |w| w.resize(0, 2), |w| w.insert(1, 10));
    assert!(inserted, "broken: an insert of an absent key was refused");
    assert_eq!(world.live(), [(1, 10)], "broken: an insert that succeeded is lost");
}

#[test]
fn r7_an_insert_that_was_committed_is_moved_and_no_other() {
    holds(100, [()], an_insert_and_a_growth);
    breaks(Mutant::MoveWithoutHelp, "broken", an_insert_and_a_growth);
    breaks(Mutant::SlotsFrozenFirst, "", an_insert_and_a_growth);
    breaks(Mutant::TentativeMoved, "broken", an_insert_and_a_growth);
}

fn an_attach_while_moving() -> Option<u64> {
    let world = World::new(1);
    assert!(world.insert(0, 1) && world.insert(2, 1));
    let (seen, inserted) = two(
        &world,
        |w| {
            w.resize(0, 2);
            assert_eq!(w.payload(0), Some(1), "broken: a record is lost");
            w.payload(4)
        },
        |w| w.insert(4, 2),
    );
    assert!(inserted, "broken: an insert of an absent key was refused");
    assert_eq!(world.live(), [(0, 1), (2, 1), (4, 2)], "broken: a record is lost");
    seen
}

#[test]
fn r7_an_attached_bucket_is_moved_with_its_chain() {
    holds_within(1, 200, [None, Some(2)], an_attach_while_moving);
    breaks(Mutant::NoneIsDone, "", an_attach_while_moving);
}

fn an_update_while_moving() -> Option<u64> {
    let world = World::new(1);
    assert!(world.insert(0, 1));
    let (seen, ()) = two(
        &world,
        |w| {
            w.resize(0, 2);
            w.payload(0)
        },
        |w| {
            assert_eq!(w.replace(0, 2), Some(1), "broken: a record is lost");
            assert_eq!(w.remove(0), Some(2), "broken: an overwrite is lost");
        },
    );
    assert_eq!(world.live(), [], "broken: a record is resurrected");
    seen
}

#[test]
fn r7_an_overwrite_that_wins_against_the_freeze_is_moved() {
    holds_within(2, 200, [None, Some(1), Some(2)], an_update_while_moving);
}

fn a_reader_while_moving() -> (Option<u64>, Option<u64>) {
    // The other bucket is never moved, so that the root stays.
    let world = World::moving(2, &[(0, 1)], 4);
    let ((), seen) = two(
        &world,
        |w| {
            w.move_bucket(0, 0);
            assert_eq!(w.replace(0, 2), Some(1), "broken: a record is lost");
            assert_eq!(w.payload(0), Some(2), "broken: time goes backwards");
        },
        |w| (w.payload(0), w.payload(0)),
    );
    assert!(seen.0 <= seen.1, "broken: time goes backwards: {seen:?}");
    assert!(seen.0.is_some(), "broken: a key that was there throughout is missing");
    seen
}

#[test]
fn r7_a_reader_never_goes_back_to_the_old_bucket() {
    let legal = [(1, 1), (1, 2), (2, 2)].map(|(a, b)| (Some(a), Some(b)));
    holds(50, legal, a_reader_while_moving);
    breaks(Mutant::ReaderIgnoresDone, "broken", a_reader_while_moving);
}

fn a_reader_of_what_was_moved_and_freed() -> Option<u64> {
    // The other bucket is never moved: the root keeps the frozen word of what the overwrite frees.
    let world = World::moving(2, &[(0, 1)], 4);
    world.domain.show_edges();
    world.move_bucket(0, 0);
    let ((), seen) = two(
        &world,
        |w| {
            assert_eq!(w.replace(0, 2), Some(1), "broken: a record is lost");
            w.domain.advance();
        },
        |w| w.payload(0),
    );
    assert!(seen.is_some(), "broken: a key that was there throughout is missing");
    seen
}

#[test]
fn r7_a_reader_follows_no_word_of_a_bucket_that_was_moved_before_it_came() {
    holds(20, [Some(1), Some(2)], a_reader_of_what_was_moved_and_freed);
    breaks(Mutant::ReaderIgnoresDone, "freed", a_reader_of_what_was_moved_and_freed);
}

fn a_miss_while_moving() -> (Option<u64>, Option<u64>) {
    let world = World::moving(2, &[], 4);
    let ((), seen) = two(
        &world,
        |w| {
            w.move_bucket(0, 1);
            assert!(w.insert(1, 7));
            assert_eq!(w.payload(1), Some(7), "broken: a record is missed");
        },
        |w| (w.payload(1), w.payload(1)),
    );
    assert!(seen.0 <= seen.1, "broken: time goes backwards: {seen:?}");
    seen
}

#[test]
fn r7_a_miss_looks_whether_the_bucket_was_moved() {
    holds(20, [(None, None), (None, Some(7)), (Some(7), Some(7))], a_miss_while_moving);
    breaks(Mutant::ReaderIgnoresDone, "broken", a_miss_while_moving);
}

fn a_late_helper() -> Option<u64> {
    let world = World::moving(1, &[(0, 1)], 2);
    let (seen, ()) = two(
        &world,
        |w| {
            w.move_bucket(0, 0);
            w.payload(0)
        },
        |w| {
            w.move_bucket(0, 0);
            assert_eq!(w.remove(0), Some(1), "broken: a record is lost");
        },
    );
    assert_eq!(world.live(), [], "broken: a record is resurrected");
    seen
}

#[test]
fn r7_a_late_helper_resurrects_nothing() {
    holds_within(2, 100, [None, Some(1)], a_late_helper);
    breaks(Mutant::FilledFromEmpty, "", a_late_helper);
}

fn a_chain_is_moved() -> Option<u64> {
    // All three go to the first half, which needs an overflow bucket of its own.
    let world = World::moving(1, &[(0, 1), (2, 2), (4, 3)], 2);
    let (seen, ()) = two(
        &world,
        |w| {
            w.move_bucket(0, 0);
            w.payload(4)
        },
        |w| assert_eq!(w.remove(4), Some(3), "broken: a record is lost"),
    );
    assert_eq!(world.live(), [(0, 1), (2, 2)], "broken: a record is lost or resurrected");
    seen
}

/// As above, with a helper in the place of the one who moves the bucket first.
fn a_chain_is_moved_by_two() {
    let world = World::moving(1, &[(0, 1), (2, 2), (4, 3)], 2);
    two(
        &world,
        |w| w.move_bucket(0, 0),
        |w| {
            w.move_bucket(0, 0);
            assert_eq!(w.remove(4), Some(3), "broken: a record is lost");
        },
    );
    assert_eq!(world.live(), [(0, 1), (2, 2)], "broken: a record is lost or resurrected");
}

#[test]
fn r7_a_chain_is_moved_whole_and_once() {
    holds_within(1, 100, [None, Some(3)], a_chain_is_moved);
    breaks_within(1, Mutant::ControlStored, "", a_chain_is_moved_by_two);
}

fn a_late_helper_of_two_moves() {
    let world = World::moving(1, &[(0, 1)], 2);
    two(
        &world,
        |w| w.move_bucket(0, 0),
        |w| {
            w.resize(0, 2);
            w.resize(1, 4);
            assert_eq!(w.remove(0), Some(1), "broken: a record is lost");
        },
    );
    assert_eq!(world.live(), [], "broken: a record is resurrected");
}

#[test]
fn r7_a_helper_may_be_two_moves_late() {
    holds_within(2, 100, [()], a_late_helper_of_two_moves);
}

fn the_next_growth() -> u32 {
    let world = World::moving(2, &[(0, 1), (1, 1)], 4);
    two(
        &world,
        |w| w.move_bucket(0, 1),
        |w| {
            w.move_bucket(0, 0);
            let guard = w.domain.pin();
            let root = w.table.root(&guard);
            let last = root.next().unwrap_or(root);
            w.table.begin(last, 8, &guard);
            if let Some(next) = last.next() {
                w.table.migrate(last, next, 0, &guard);
                w.table.migrate(last, next, 1, &guard);
            }
        },
    );
    assert_eq!(world.live(), [(0, 1), (1, 1)], "broken: a record is lost");
    let guard = world.domain.pin();
    let root = world.table.root(&guard);
    root.number + root.next().map_or(0, |next| 10 * next.number)
}

#[test]
fn r21_only_a_complete_root_grows() {
    // The root is the successor, with one of its own or without.
    holds(20, [1, 21], the_next_growth);
    breaks(Mutant::GrowBeforeRoot, "", the_next_growth);
}

fn two_growers() -> u32 {
    let world = World::new(1);
    world.domain.show_edges();
    assert!(world.insert(0, 1));
    two(
        &world,
        |w| {
            w.resize(0, 2);
            w.domain.advance();
        },
        |w| {
            w.resize(0, 2);
            assert_eq!(w.payload(0), Some(1), "broken: a record is lost");
            w.domain.advance();
        },
    );
    assert_eq!(world.live(), [(0, 1)], "broken: a record is lost");
    world.root_number()
}

#[test]
fn r21_two_growers_agree_on_the_successor() {
    holds_within(2, 100, [1], two_growers);
    breaks(Mutant::NextByStore, "", two_growers);
    breaks(Mutant::FreedAtOnce, "freed", two_growers);
}

fn the_last_two_buckets() -> Option<u64> {
    let world = World::moving(2, &[(0, 1)], 4);
    let first = actor(&world, |w| w.move_bucket(0, 0));
    let second = actor(&world, |w| w.move_bucket(0, 1));
    let reader = actor(&world, |w| w.payload(0));
    first.join().unwrap();
    second.join().unwrap();
    let seen = reader.join().unwrap();
    assert_eq!(seen, Some(1), "broken: a bucket of the new root is not filled");
    seen
}

#[test]
fn r21_whoever_sees_the_new_root_sees_it_filled() {
    holds(100, [Some(1)], the_last_two_buckets);
    breaks(Mutant::CountRelaxed, "", the_last_two_buckets);
}

/// A table of two buckets with a record each, on its way to one.
fn shrinking() -> Arc<World> {
    World::moving(2, &[(0, 1), (1, 2)], 1)
}

fn shrinking_two_sources() -> Option<u64> {
    let world = shrinking();
    let ((), seen) = two(
        &world,
        |w| {
            w.move_bucket(0, 1);
            assert_eq!(w.replace(1, 5), Some(2), "broken: a record is lost");
            assert_eq!(w.payload(1), Some(5), "broken: time goes backwards");
        },
        |w| {
            assert_eq!(w.remove(0), Some(1), "broken: a record is lost");
            w.payload(1)
        },
    );
    assert_eq!(world.live(), [(1, 5)], "broken: a record is lost or resurrected");
    seen
}

#[test]
fn r7_both_sources_of_a_bucket_arrive() {
    holds_within(1, 100, [Some(2), Some(5)], shrinking_two_sources);
    breaks_within(1, Mutant::OtherSourceDone, "", shrinking_two_sources);
}

fn shrinking_two_helpers() {
    let world = shrinking();
    two(
        &world,
        |w| w.move_bucket(0, 0),
        |w| {
            w.move_bucket(0, 1);
            assert_eq!(w.remove(1), Some(2), "broken: a record is lost");
        },
    );
    assert_eq!(world.live(), [(0, 1)], "broken: a record is lost or resurrected");
}

#[test]
fn r7_two_helpers_of_a_pair_move_it_once() {
    holds_within(2, 100, [()], shrinking_two_helpers);
    breaks(Mutant::OneSourceFrozen, "", shrinking_two_helpers);
}

fn a_reader_while_shrinking() -> (Option<u64>, Option<u64>) {
    let world = shrinking();
    let ((), seen) = two(
        &world,
        |w| {
            w.move_bucket(0, 0);
            assert_eq!(w.replace(1, 5), Some(2), "broken: a record is lost");
            assert_eq!(w.payload(1), Some(5), "broken: time goes backwards");
        },
        |w| (w.payload(1), w.payload(1)),
    );
    assert!(seen.0 <= seen.1, "broken: time goes backwards: {seen:?}");
    seen
}

#[test]
fn r7_a_key_goes_by_the_bucket_that_it_came_from() {
    let legal = [(2, 2), (2, 5), (5, 5)].map(|(a, b)| (Some(a), Some(b)));
    holds(50, legal, a_reader_while_shrinking);
    breaks(Mutant::OtherSourceDone, "", a_reader_while_shrinking);
}

/// A scan while a table is overwritten and resized.
fn a_scan_across(from: usize, keys: [u64; 2], to: usize) {
    let world = World::new(from);
    for key in keys {
        assert!(world.insert(key, 1));
    }
    let (seen, ()) = two(
        &world,
        |w| w.scan(),
        move |w| {
            assert_eq!(w.replace(keys[1], 9), Some(1), "broken: a record is lost");
            w.resize(0, to);
        },
    );
    assert_eq!(seen, BTreeSet::from(keys), "broken: a scan misses a key");
}

#[test]
fn r22_a_scan_across_a_change_of_size_misses_nothing() {
    holds_within(2, 100, [()], || a_scan_across(2, [0, 3], 4));
    holds_within(2, 100, [()], || a_scan_across(4, [1, 2], 2));
    breaks(Mutant::PlainCursor, "broken", || a_scan_across(4, [1, 2], 2));
}

fn a_scan_of_what_was_moved_before() {
    let world = World::moving(2, &[], 4);
    world.move_bucket(0, 0);
    assert!(world.insert(2, 1));
    let (seen, ()) = two(&world, |w| w.scan(), |w| w.move_bucket(0, 1));
    assert_eq!(seen, BTreeSet::from([2]), "broken: a scan misses a key");
}

#[test]
fn r22_a_scan_finds_what_was_only_ever_in_the_successor() {
    holds(20, [()], a_scan_of_what_was_moved_before);
    breaks(Mutant::ScanIgnoresDone, "broken", a_scan_of_what_was_moved_before);
}

fn a_removal_and_an_insert_during_a_scan() -> bool {
    let world = World::new(1);
    assert!(world.insert(0, 1) && world.insert(2, 1));
    let (seen, ()) = two(
        &world,
        |w| w.scan(),
        |w| {
            assert_eq!(w.remove(2), Some(1), "broken: a record is lost");
            assert!(w.insert(2, 2), "broken: an insert of an absent key was refused");
        },
    );
    assert!(seen.contains(&0), "broken: a scan misses a key that was there throughout");
    seen.contains(&2)
}

#[test]
fn r19_a_key_that_was_gone_for_a_while_may_be_missed() {
    holds(20, [false, true], a_removal_and_an_insert_during_a_scan);
}

fn a_detached_bucket_of_a_generation_that_is_gone() {
    let world = World::new(1);
    world.domain.show_edges();
    for key in [0, 2, 4] {
        assert!(world.insert(key, 1));
    }
    two(
        &world,
        |w| {
            // Detaches the overflow bucket, which comes back when the generation may be gone.
            assert_eq!(w.remove(4), Some(1), "broken: a record is lost");
            w.domain.advance();
        },
        |w| {
            w.resize(0, 2);
            w.domain.advance();
        },
    );
    world.domain.advance();
    assert_eq!(world.live(), [(0, 1), (2, 1)], "broken: a record is lost");
}

#[test]
fn r6_a_bucket_does_not_come_back_to_a_generation_that_is_gone() {
    holds_within(1, 50, [()], a_detached_bucket_of_a_generation_that_is_gone);
}
