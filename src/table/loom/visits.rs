//! Models of visits of what a hash may mean, over the table's real code.
//!
//! | model                       | actors                        | wrong way that must fail |
//! |-----------------------------|-------------------------------|--------------------------|
//! | `a_visit_while_moving`      | visit / move, overwrite       | `VisitIgnoresFrozen`     |
//! | `a_visit_while_shrinking`   | visit / move                  | `VisitIgnoresFrozen`     |
//! | `a_confirmation_and_a_move` | visit and confirm / move, overwrite | –                  |

use super::{World, payload_of, two};
use crate::{
    model::{breaks, holds_within},
    sync::Mutant,
};
use std::collections::BTreeSet;

impl World {
    /// The payloads of the records that a key's hash may mean.
    fn visit(&self, key: u64) -> BTreeSet<u64> {
        let guard = self.domain.pin();
        let mut seen = BTreeSet::new();
        self.table.visit_matching(key, &guard, &mut |found| {
            seen.insert(payload_of(found.record));
        });
        seen
    }

    /// Confirms the record of a payload, wherever it is; false when it is not there any more.
    fn confirm(&self, key: u64, payload: u64) -> bool {
        let guard = self.domain.pin();
        loop {
            let mut confirmed = None;
            self.table.visit_matching(key, &guard, &mut |found| {
                if payload_of(found.record) == payload {
                    confirmed = Some(self.table.confirm(&found));
                }
            });
            match confirmed {
                Some(true) => return true,
                Some(false) => {}
                None => return false,
            }
        }
    }
}

fn a_visit_across(from: usize, key: u64, to: usize) -> BTreeSet<u64> {
    let world = World::moving(from, &[(0, 10), (key, 20)], to);
    let (seen, ()) = two(
        &world,
        move |w| w.visit(key),
        move |w| {
            w.move_bucket(0, 0);
            w.replace(key, 21);
        },
    );
    assert!(seen.contains(&20) || seen.contains(&21), "broken: a record is not shown");
    seen.into_iter().filter(|payload| *payload >= 20).collect()
}

fn a_visit_while_moving() -> BTreeSet<u64> {
    a_visit_across(1, 1, 2)
}

fn a_visit_while_shrinking() -> BTreeSet<u64> {
    a_visit_across(2, 2, 1)
}

#[test]
fn a_visit_shows_a_record_that_is_being_moved() {
    let legal = || [BTreeSet::from([20]), BTreeSet::from([21])];
    holds_within(2, 1_000, legal(), a_visit_while_moving);
    holds_within(2, 1_000, legal(), a_visit_while_shrinking);
    for model in [a_visit_while_moving, a_visit_while_shrinking] {
        breaks(Mutant::VisitIgnoresFrozen, "broken", model);
    }
}

fn a_confirmation_and_a_move() -> bool {
    let world = World::moving(1, &[(0, 10), (1, 20)], 2);
    let (is_confirmed, before) = two(
        &world,
        |w| w.confirm(1, 20),
        |w| {
            w.move_bucket(0, 0);
            w.replace(1, 21)
        },
    );
    assert_eq!(before, Some(20), "broken: a confirmed record is lost");
    assert_eq!(world.payload(1), Some(21), "broken: a confirmation brings a record back");
    is_confirmed
}

#[test]
fn a_confirmation_changes_nothing_wherever_the_record_is() {
    holds_within(2, 1_000, [false, true], a_confirmation_and_a_move);
}
