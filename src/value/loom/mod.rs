//! Models of values that are trees, over their real code: who frees which node, and when.
//!
//! | model                                | race | actors | wrong way that must fail                |
//! |--------------------------------------|------|--------|-----------------------------------------|
//! | `two_writers_and_a_reader`           | R25  | 3      | `LoserFreesShared`, `LoserFreesNothing`, `DeadListKept`, `WinnerFreesAtOnce`, `ReadUnpinned` |
//! | `one_edit_of_two_fields`             | R25  | 2      | –                                       |
//! | `a_deletion_a_writer_and_a_reader`   | R25  | 3      | `TreeWithoutGrace`, `ChildrenWithoutGrace`, `RecordAlone` |
//! | `two_deletions_and_a_writer`         | R25  | 3      | –                                       |
//! | `two_grafts_and_a_reader`            | R25  | 3      | `GraftUnasked`, `LoserFreesNothing`, `WinnerFreesAtOnce` |
//! | `there_and_back_between_packed_and_tree` | R25 | 3   | `LoserFreesNothing`, `WinnerFreesAtOnce` |
//! | `two_ends_of_a_list_and_a_reader`    | R25  | 3      | `LoserFreesNothing`, `WinnerFreesAtOnce`, `ReadUnpinned` |
//!
//! Nodes come from a heap that frees at the first legal instant: when everybody who was pinned at
//! the retiring has unpinned. Loom watches a cell for each block, so that a reading that is not
//! ordered after the writing and before the freeing fails. What is left at the end is audited: each
//! node is freed, or reached once.
//!
//! Some wrong ways of the plan cannot be written down here. A commit is never shown what the slot
//! holds, so it cannot retire the difference to a later version. A leaf's content is copied, and
//! cannot borrow from the packed record. A graveyard is borrowed exclusively, and has no second
//! owner.

mod heap;
mod key;

use super::{hash::HashEdit, packed::run::Side};
use crate::{
    model::{breaks, holds},
    sync::{Mutant, Ordering},
};
use ::loom::thread;
use key::{Found, Key, Literal, Record, hash_of, list_of};
use std::sync::{Arc, LazyLock};

/// Two fields whose paths part below the root, one level down.
const LEFT: &str = "0100000000000001";
const RIGHT: &str = "0200000000000002";

/// A field below another child of the root, one of the others.
const FAR: &str = "F00000000000000E";

/// Fields that make a tree, with a branch on the way to the two.
static OTHERS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let near = (0..34).map(|n| format!("0{n:015X}"));
    near.chain((0..40).map(|n| format!("{:X}{n:015X}", 1 + n % 15))).collect()
});

/// A packed hash in which both fields are zero.
fn packed() -> Arc<Key> {
    let key = Key::new();
    key.slot.store(key.record(Record::Packed(vec![0])).as_ptr(), Ordering::Release);
    let mut edit = HashEdit::new(&Literal);
    edit.set(LEFT.as_bytes(), b"0").unwrap();
    edit.set(RIGHT.as_bytes(), b"0").unwrap();
    key.edit_hash(&mut edit);
    key
}

/// Adds or removes the other fields.
fn convert(key: &Key, to_tree: bool) {
    let mut edit = HashEdit::new(&Literal);
    for field in &*OTHERS {
        let field = field.as_bytes();
        if to_tree { edit.set(field, b"0") } else { edit.remove(field) }.unwrap();
    }
    key.edit_hash(&mut edit);
    let is_tree = key.read(|found| matches!(found, Some((_, Record::Tree(_)))));
    assert_eq!(is_tree, Some(to_tree), "broken: not converted");
}

/// A hash that is a tree, in which both fields are zero.
fn tree() -> Arc<Key> {
    let key = packed();
    convert(&key, true);
    key
}

/// Both fields of a hash.
fn both(found: Found<'_>) -> (Vec<u8>, Vec<u8>) {
    let hash = hash_of(found);
    let get = |field: &str| hash.get(field.as_bytes(), &Literal).map_or(vec![], |v| v.to_vec());
    (get(LEFT), get(RIGHT))
}

/// Runs an actor in a thread of its own.
fn actor<R: 'static>(
    key: &Arc<Key>,
    act: impl FnOnce(&Key) -> R + 'static,
) -> thread::JoinHandle<R> {
    let key = Arc::clone(key);
    thread::spawn(move || act(&key))
}

fn set(key: &Key, field: &str) -> Option<usize> {
    let mut edit = HashEdit::new(&Literal);
    edit.set(field.as_bytes(), b"1").unwrap();
    key.edit_hash(&mut edit)
}

/// How many attempts two writers may have lost, and what a reader beside them may have seen: whoever
/// lost an attempt came second.
fn two_writers_seen() -> [(usize, usize, String); 10] {
    let orders = [(0, 0, "00 01 10 11"), (0, 1, "00 10 11"), (1, 0, "00 01 11")];
    let legal = orders.into_iter().flat_map(|(left, right, all)| {
        all.split(' ').map(move |seen| (left, right, seen.to_owned()))
    });
    legal.collect::<Vec<_>>().try_into().unwrap()
}

fn two_writers_and_a_reader() -> (usize, usize, String) {
    let key = tree();
    let left = actor(&key, |key| set(key, LEFT).unwrap());
    let right = actor(&key, |key| set(key, RIGHT).unwrap());
    let reader = actor(&key, |key| key.read(both).unwrap());
    let (left, right, seen) = (left.join().unwrap(), right.join().unwrap(), reader.join().unwrap());
    let last = key.read(both);
    assert_eq!(last, Some((b"1".to_vec(), b"1".to_vec())), "broken: a lost update");
    key.audit();
    (left, right, format!("{}{}", seen.0.escape_ascii(), seen.1.escape_ascii()))
}

#[test]
fn r25_writers_retire_what_they_replaced() {
    holds(1_000, two_writers_seen(), two_writers_and_a_reader);
    for (mutant, reason) in [
        (Mutant::LoserFreesShared, "broken: it becomes Freed"),
        (Mutant::LoserFreesNothing, "broken: leaked or lost"),
        (Mutant::DeadListKept, "broken: it becomes Retired"),
        (Mutant::WinnerFreesAtOnce, "Causality violation"),
        (Mutant::ReadUnpinned, "broken: use after free"),
    ] {
        breaks(mutant, reason, two_writers_and_a_reader);
    }
}

fn one_edit_of_two_fields() -> (u8, u8) {
    let key = tree();
    let writer = actor(&key, |key| {
        for value in [b"1", b"2"] {
            let mut edit = HashEdit::new(&Literal);
            edit.set(LEFT.as_bytes(), value).unwrap();
            edit.set(RIGHT.as_bytes(), value).unwrap();
            key.edit_hash(&mut edit);
        }
    });
    let reader = actor(&key, |key| (key.read(both).unwrap(), key.read(both).unwrap()));
    writer.join().unwrap();
    let (first, second) = reader.join().unwrap();
    assert!(first.0 == first.1 && second.0 == second.1, "broken: half an edit is seen");
    assert!(first <= second, "broken: an older version is seen after a newer one");
    key.audit();
    (first.0[0] - b'0', second.0[0] - b'0')
}

#[test]
fn r25_a_reader_sees_whole_versions() {
    let legal = [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)];
    holds(100, legal, one_edit_of_two_fields);
}

fn a_deletion_a_writer_and_a_reader() -> (bool, Option<bool>) {
    let key = tree();
    let deleter = actor(&key, |key| {
        let deleted = key.delete();
        key.heap.free_slice(2);
        deleted
    });
    let writer = actor(&key, |key| set(key, LEFT).is_some());
    let reader = actor(&key, |key| {
        let seen = key.read(|found| {
            let hash = hash_of(found);
            assert_eq!(hash.iter().count() as u64, hash.len(), "broken: entries are missing");
            hash.get(LEFT.as_bytes(), &Literal).unwrap().to_vec() == b"1"
        });
        key.heap.free_slice(2);
        seen
    });
    assert!(deleter.join().unwrap());
    let (written, seen) = (writer.join().unwrap(), reader.join().unwrap());
    assert!(key.read(|_| ()).is_none());
    key.audit();
    (written, seen)
}

#[test]
fn r25_a_deletion_owns_the_version_that_it_detached() {
    let legal = [
        (false, None),
        (false, Some(false)),
        (true, None),
        (true, Some(false)),
        (true, Some(true)),
    ];
    holds(1_000, legal, a_deletion_a_writer_and_a_reader);
    for (mutant, reason) in [
        (Mutant::TreeWithoutGrace, "Causality violation"),
        (Mutant::ChildrenWithoutGrace, "Causality violation"),
        (Mutant::RecordAlone, "broken: leaked or lost"),
    ] {
        breaks(mutant, reason, a_deletion_a_writer_and_a_reader);
    }
}

fn two_deletions_and_a_writer() -> (bool, bool) {
    let key = tree();
    let first = actor(&key, Key::delete);
    let second = actor(&key, Key::delete);
    let writer = actor(&key, |key| set(key, RIGHT).is_some());
    let (first, second) = (first.join().unwrap(), second.join().unwrap());
    assert!(first ^ second, "broken: both have deleted, or none");
    let written = writer.join().unwrap();
    key.audit();
    (first, written)
}

#[test]
fn r25_one_deletion_wins() {
    let legal = [(false, false), (false, true), (true, false), (true, true)];
    holds(1_000, legal, two_deletions_and_a_writer);
}

/// Two writers of fields below the same child of the root, or below two of them.
fn two_grafts_and_a_reader(other: &'static str) -> (usize, usize, String) {
    let key = tree();
    let left = actor(&key, |key| key.graft(LEFT, b"1"));
    let right = actor(&key, move |key| key.graft(other, b"1"));
    let get = move |found: Found<'_>| {
        let hash = hash_of(found);
        assert_eq!(hash.iter().count() as u64, hash.len(), "broken: entries are missing");
        [LEFT, other].map(|field| hash.get(field.as_bytes(), &Literal).unwrap().to_vec())
    };
    let reader = actor(&key, move |key| key.read(get).unwrap());
    let (left, right, seen) = (left.join().unwrap(), right.join().unwrap(), reader.join().unwrap());
    let last = key.read(get).unwrap();
    assert_eq!(last.concat(), b"11", "broken: a lost update");
    key.audit();
    (left, right, seen.concat().escape_ascii().to_string())
}

#[test]
fn r25_what_is_below_the_root_is_made_once_if_it_fits_the_next_version() {
    for other in [RIGHT, FAR] {
        holds(1_000, two_writers_seen(), move || two_grafts_and_a_reader(other));
    }
    for (mutant, other, reason) in [
        (Mutant::GraftUnasked, RIGHT, "broken: it becomes Retired"),
        (Mutant::LoserFreesNothing, RIGHT, "broken: leaked or lost"),
        (Mutant::WinnerFreesAtOnce, FAR, "Causality violation"),
    ] {
        breaks(mutant, reason, move || two_grafts_and_a_reader(other));
    }
}

fn there_and_back_between_packed_and_tree() -> String {
    let key = packed();
    let converter = actor(&key, |key| {
        convert(key, true);
        convert(key, false);
    });
    let writer = actor(&key, |key| set(key, LEFT).unwrap());
    let reader = actor(&key, |key| key.read(both).unwrap());
    converter.join().unwrap();
    let (_, seen) = (writer.join().unwrap(), reader.join().unwrap());
    let last = key.read(both);
    assert_eq!(last, Some((b"1".to_vec(), b"0".to_vec())), "broken: a lost update");
    key.audit();
    format!("{}{}", seen.0.escape_ascii(), seen.1.escape_ascii())
}

#[test]
fn r25_a_value_is_converted_under_readers_and_writers() {
    let legal = ["00".to_owned(), "10".to_owned()];
    holds(1_000, legal, there_and_back_between_packed_and_tree);
    for (mutant, reason) in [
        (Mutant::LoserFreesNothing, "broken: leaked or lost"),
        (Mutant::WinnerFreesAtOnce, "Causality violation"),
    ] {
        breaks(mutant, reason, there_and_back_between_packed_and_tree);
    }
}

/// Elements of which two fill an end.
static TEXTS: LazyLock<Vec<Vec<u8>>> =
    LazyLock::new(|| (0..12).map(|number| format!("{number:0200}").into_bytes()).collect());

fn two_ends_of_a_list_and_a_reader() -> Vec<usize> {
    let key = Key::new();
    key.edit_list(|list| {
        TEXTS[2..].iter().for_each(|text| list.push(Side::Right, text).unwrap());
    });
    // The next push makes a chunk of the far half of the head, the next pop an end of a chunk.
    let pusher = actor(&key, |key| {
        key.edit_list(|list| {
            list.push(Side::Left, &TEXTS[1]).unwrap();
            list.push(Side::Left, &TEXTS[0]).unwrap();
        })
    });
    let popper = actor(&key, |key| key.edit_list(|list| list.trim(0, list.len() - 3)));
    let reader = actor(&key, |key| {
        key.read(|found| {
            let list = list_of(found);
            let numbers = list.iter().map(|text| text.with_text(number)).collect::<Vec<_>>();
            assert_eq!(numbers.len() as u64, list.len(), "broken: elements are missing");
            assert!(numbers.windows(2).all(|pair| pair[0] + 1 == pair[1]), "broken: {numbers:?}");
            vec![numbers[0], numbers[numbers.len() - 1]]
        })
    });
    pusher.join().unwrap();
    popper.join().unwrap();
    let seen = reader.join().unwrap().unwrap();
    let last: Vec<_> = list_of(key.find()).iter().map(|text| text.with_text(number)).collect();
    assert_eq!(last, (0..9).collect::<Vec<_>>(), "broken: a lost update");
    key.audit();
    seen
}

fn number(text: &[u8]) -> usize {
    std::str::from_utf8(text).unwrap().parse().unwrap()
}

#[test]
fn r25_both_ends_of_a_list_are_edited_under_a_reader() {
    let legal = [vec![0, 8], vec![0, 11], vec![2, 8], vec![2, 11]];
    holds(1_000, legal, two_ends_of_a_list_and_a_reader);
    for (mutant, reason) in [
        (Mutant::LoserFreesNothing, "broken: leaked or lost"),
        (Mutant::WinnerFreesAtOnce, "Causality violation"),
        (Mutant::ReadUnpinned, "broken: use after free"),
    ] {
        breaks(mutant, reason, two_ends_of_a_list_and_a_reader);
    }
}
