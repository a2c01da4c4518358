//! What the wheel promises.

use super::{shelf::Shelf, *};

/// When the tests begin, in Unix milliseconds.
const START: u64 = 1_700_000_000_123;

#[test]
fn a_record_goes_when_its_deadline_has_passed_and_not_before() {
    let shelf = Shelf::<9>::new(1, 1, START);
    shelf.set(0, START + 50);

    assert_eq!(shelf.advance_fully(START + 50), 0);
    assert_eq!(shelf.deadline_of(0), Some(START + 50));

    assert_eq!(shelf.advance_fully(START + 51), 1);
    assert_eq!(shelf.deadline_of(0), None);
    assert_eq!(shelf.entries(), 0);
}
