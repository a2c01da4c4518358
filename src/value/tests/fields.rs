//! Hashes and sets.

use super::{Coarse, Dice, good};
use crate::value::{
    collection::{Attempt, Verdict},
    element::Element,
    hash::{HashEdit, HashValue},
    set::{SetEdit, SetValue},
    tree::{fields::FieldTree, heap::Heap, node::NodeRef},
    writer::written,
};
use std::{
    collections::{HashMap, HashSet},
    hash::BuildHasher,
};

/// What a record holds of a hash or set.
#[derive(Clone)]
enum Held {
    Nothing,
    Packed(Vec<u8>),
    Tree(Box<FieldTree>),
}

impl Held {
    fn hash(&self) -> HashValue<'_> {
        match self {
            Self::Nothing => HashValue::EMPTY,
            Self::Packed(bytes) => HashValue::packed(bytes),
            // SAFETY: the tests free nothing that is held.
            Self::Tree(tree) => unsafe { HashValue::tree(tree) },
        }
    }

    fn set(&self) -> SetValue<'_> {
        match self {
            Self::Nothing => SetValue::EMPTY,
            Self::Packed(bytes) => SetValue::packed(bytes),
            // SAFETY: the tests free nothing that is held.
            Self::Tree(tree) => unsafe { SetValue::tree(tree) },
        }
    }

    fn detach(&self, heap: &Heap) {
        if let Self::Tree(tree) = self {
            heap.detach(tree.children.live().map(NodeRef::node), tree.bytes);
        }
    }

    /// What takes its place when an attempt has won.
    fn after(&self, verdict: Verdict, mut attempt: Attempt<'_, '_, Heap>, heap: &Heap) -> Self {
        let held = match verdict {
            Verdict::Unchanged => return self.clone(),
            Verdict::Empty => {
                self.detach(heap);
                return Self::Nothing;
            }
            Verdict::Packed => {
                let packing = attempt.packing();
                Self::Packed(written(packing.encoded_len(), |to| packing.write(to)))
            }
            Verdict::Tree => Self::Tree(Box::new(*attempt.tree().unwrap())),
        };
        // SAFETY: nobody else edits.
        unsafe { attempt.commit() };
        held
    }

    /// What takes its place by an edit of a hash that wins.
    fn hash_after<H: BuildHasher>(&self, changes: &mut HashEdit<'_, H>, heap: &Heap) -> Self {
        let mut attempt = Attempt::new(heap);
        let verdict = changes.settle().apply(self.hash(), &mut attempt).unwrap();
        self.after(verdict, attempt, heap)
    }

    /// What takes its place by an edit of a set that wins.
    fn set_after<H: BuildHasher>(&self, changes: &mut SetEdit<'_, H>, heap: &Heap) -> Self {
        let mut attempt = Attempt::new(heap);
        let verdict = changes.settle().apply(self.set(), &mut attempt).unwrap();
        self.after(verdict, attempt, heap)
    }
}

/// What a test of hashes varies.
struct Course<H> {
    seed: u64,
    edits: usize,
    fields: u64,
    hasher: H,
    /// Whether the lengths of values vary widely.
    has_long: bool,
}

fn edit_a_hash<H: BuildHasher>(course: Course<H>) {
    let Course { seed, edits, fields, hasher, has_long } = course;
    let heap = Heap::default();
    let mut dice = Dice::new(seed);
    let mut held = Held::Nothing;
    let mut oracle = HashMap::<Vec<u8>, Vec<u8>>::new();
    let mut shrinks = false;
    for number in 0..edits {
        if dice.one_in(200) {
            shrinks = !shrinks;
        }
        let count = if dice.one_in(20) { dice.below(100) } else { dice.below(3) };
        let changes: Vec<_> = (0..=count)
            .map(|_| {
                let field = format!("field:{}", dice.below(fields)).into_bytes();
                let value =
                    if has_long { dice.text() } else { dice.below(1_000).to_string().into() };
                let removes = dice.one_in(if shrinks { 1 } else { 4 });
                (field, (!removes).then_some(value))
            })
            .collect();

        let mut wishes = HashEdit::new(&hasher);
        for (field, value) in &changes {
            match value {
                Some(value) => wishes.set(field, value).unwrap(),
                None => wishes.remove(field).unwrap(),
            }
        }
        let wishes = wishes.settle();
        let mut attempt = Attempt::new(&heap);
        if dice.one_in(8) {
            // This attempt loses.
            wishes.apply(held.hash(), &mut attempt).unwrap();
            attempt.begin_again();
        }
        let verdict = wishes.apply(held.hash(), &mut attempt).unwrap();
        let outcome = attempt.outcome();
        let next = held.after(verdict, attempt, &heap);
        held = next;
        heap.collect();

        let touched: HashSet<_> = changes.iter().map(|(field, _)| field).collect();
        let there = |oracle: &HashMap<Vec<u8>, _>| {
            touched.iter().copied().filter(|&field| oracle.contains_key(field)).collect()
        };
        let before: HashSet<_> = there(&oracle);
        for (field, value) in &changes {
            match value {
                Some(value) => drop(oracle.insert(field.clone(), value.clone())),
                None => drop(oracle.remove(field)),
            }
        }
        let after: HashSet<_> = there(&oracle);
        let added = after.difference(&before).count();
        let removed = before.difference(&after).count();
        assert_eq!((outcome.added, outcome.removed), (added, removed), "edit {number}");
        check_hash(held.hash(), &oracle, &hasher, &heap, &changes);
        if number % 100 == 0 {
            check_whole_hash(held.hash(), &oracle);
            check_copy(&held, &oracle, &heap);
        }
    }
    held.detach(&heap);
    heap.collect();
    assert_eq!(heap.live_blocks(), 0, "leaked");
}

/// Checks what an edit may have changed.
fn check_hash<H: BuildHasher>(
    hash: HashValue<'_>,
    oracle: &HashMap<Vec<u8>, Vec<u8>>,
    hasher: &H,
    heap: &Heap,
    changes: &[(Vec<u8>, Option<Vec<u8>>)],
) {
    assert_eq!(hash.len(), oracle.len() as u64);
    assert_eq!(hash.collection().bytes(), heap.live_bytes() as u64);
    for (field, _) in changes {
        assert_eq!(hash.get(field, hasher).map(Element::to_vec).as_ref(), oracle.get(field));
        assert_eq!(hash.contains(field, hasher), oracle.contains_key(field));
    }
}

/// Checks all ways to see everything.
fn check_whole_hash(hash: HashValue<'_>, oracle: &HashMap<Vec<u8>, Vec<u8>>) {
    let owned = |(field, value): (Element<'_>, Element<'_>)| (field.to_vec(), value.to_vec());
    let all: HashMap<_, _> = hash.iter().map(owned).collect();
    assert_eq!(&all, oracle);
    let by_number: HashMap<_, _> =
        (0..hash.len()).map(|number| owned(hash.at(number).unwrap())).collect();
    assert_eq!(&by_number, oracle);
    assert!(hash.at(hash.len()).is_none());
    let (mut scanned, mut cursor, mut calls) = (HashMap::new(), 0, 0);
    loop {
        cursor = hash.scan(cursor, 10, |field, value| {
            assert_eq!(scanned.insert(field.to_vec(), value.to_vec()), None, "shown twice");
        });
        calls += 1;
        if cursor == 0 {
            break;
        }
    }
    assert_eq!(&scanned, oracle);
    assert!(calls <= 17 * (1 + oracle.len()), "{calls} calls for {} fields", oracle.len());
}

/// Checks that a copy of a tree has the same entries, and no node in common with it.
fn check_copy(held: &Held, oracle: &HashMap<Vec<u8>, Vec<u8>>, heap: &Heap) {
    let Held::Tree(tree) = held else { return };
    let before = heap.live_bytes();
    let mut attempt = Attempt::new(heap);
    attempt.copy(tree);
    let copy = Held::Tree(Box::new(*attempt.tree().unwrap()));
    // SAFETY: nobody else edits.
    unsafe { attempt.commit() };

    assert_eq!(heap.live_bytes(), 2 * before);
    check_whole_hash(copy.hash(), oracle);

    copy.detach(heap);
    heap.collect();
    assert_eq!(heap.live_bytes(), before);
    check_whole_hash(held.hash(), oracle);
}

fn scaled(edits: usize) -> usize {
    if cfg!(miri) { edits / 400 + 10 } else { edits }
}

#[test]
fn a_hash_is_what_a_hash_map_is() {
    for (seed, fields) in [20, 90, 500, 5_000].into_iter().enumerate() {
        edit_a_hash(Course {
            seed: seed as u64,
            edits: scaled(20_000),
            fields,
            hasher: good(),
            has_long: false,
        });
    }
}

#[test]
fn a_hash_with_long_values_is_what_a_hash_map_is() {
    for (seed, fields) in [5, 60, 1_000].into_iter().enumerate() {
        edit_a_hash(Course {
            seed: 10 + seed as u64,
            edits: scaled(8_000),
            fields,
            hasher: good(),
            has_long: true,
        });
    }
}

#[test]
fn fields_whose_hashes_agree_are_told_apart() {
    // No hash at all, the tag only, the last levels of the tree only, and sixteen paths.
    for (seed, mask) in [0, 0xFF, 0x0FFF << 14, 0x0F << 60].into_iter().enumerate() {
        edit_a_hash(Course {
            seed: 20 + seed as u64,
            edits: scaled(4_000),
            fields: 400,
            hasher: Coarse { mask },
            has_long: seed % 2 == 0,
        });
    }
}

#[test]
fn a_new_field_of_a_large_hash_makes_few_nodes() {
    let (heap, hasher) = (Heap::default(), good());
    let (mut held, mut most) = (Held::Nothing, 0);
    for number in 0..scaled(40_000) {
        let (field, before) = (number.to_string(), heap.live_blocks());
        let mut edit = HashEdit::new(&hasher);
        edit.set(field.as_bytes(), b"0123456789abcdef").unwrap();
        held = held.hash_after(&mut edit, &heap);
        // What the edit has replaced is still there.
        most = most.max(heap.live_blocks() - before);
        heap.collect();
    }

    assert!(most <= 12, "{most} nodes");
    held.detach(&heap);
    heap.collect();
    assert_eq!(heap.live_blocks(), 0, "leaked");
}

#[test]
fn a_set_is_what_a_hash_set_is() {
    for (seed, members) in [20_u64, 100, 2_000].into_iter().enumerate() {
        let heap = Heap::default();
        let hasher = good();
        let mut dice = Dice::new(30 + seed as u64);
        let mut held = Held::Nothing;
        let mut oracle = HashSet::new();
        for number in 0..scaled(20_000) {
            let grows = (number / 500) % 2 == 0;
            let texts: Vec<_> =
                (0..=dice.below(4)).map(|_| dice.below(members).to_string().into_bytes()).collect();
            let removes = dice.one_in(4) == grows;

            let mut wishes = SetEdit::new(&hasher);
            for text in &texts {
                if removes { wishes.remove(text) } else { wishes.add(text) }.unwrap();
            }
            let mut attempt = Attempt::new(&heap);
            let verdict = wishes.settle().apply(held.set(), &mut attempt).unwrap();
            let outcome = attempt.outcome();
            let next = held.after(verdict, attempt, &heap);
            held = next;
            heap.collect();

            let changed = texts
                .iter()
                .filter(
                    |&text| {
                        if removes { oracle.remove(text) } else { oracle.insert(text.clone()) }
                    },
                )
                .count();
            assert_eq!(outcome.added + outcome.removed, changed);
            assert_eq!(outcome.replaced, 0);
            assert_eq!(held.set().len(), oracle.len() as u64);
            assert_eq!(held.set().collection().bytes(), heap.live_bytes() as u64);
            for text in &texts {
                assert_eq!(held.set().contains(text, &hasher), oracle.contains(text));
            }
            if number % 50 == 0 {
                let all: HashSet<_> = held.set().iter().map(Element::to_vec).collect();
                assert_eq!(all, oracle);
                let numbers = 0..held.set().len();
                let all: HashSet<_> =
                    numbers.map(|number| held.set().at(number).unwrap().to_vec()).collect();
                assert_eq!(all, oracle);
            }
        }
        held.detach(&heap);
        heap.collect();
        assert_eq!(heap.live_blocks(), 0, "leaked");
    }
}

#[test]
fn fields_of_a_packed_hash_stay_in_the_order_in_which_they_came() {
    let (heap, hasher) = (Heap::default(), good());
    let mut edit = HashEdit::new(&hasher);
    for (field, value) in [("b", "1"), ("a", "2"), ("c", "3"), ("b", "4")] {
        edit.set(field.as_bytes(), value.as_bytes()).unwrap();
    }
    let held = Held::Nothing.hash_after(&mut edit, &heap);
    assert_eq!(held.hash().len(), 3);

    let mut edit = HashEdit::new(&hasher);
    edit.set(b"a", b"a longer value").unwrap();
    edit.remove(b"c").unwrap();
    edit.set(b"0", b"last").unwrap();
    let held = held.hash_after(&mut edit, &heap);

    let all: Vec<_> = held.hash().iter().map(|(f, v)| (f.to_vec(), v.to_vec())).collect();
    let expected = [("b", "4"), ("a", "a longer value"), ("0", "last")];
    assert_eq!(all, expected.map(|(f, v)| (f.into(), v.into())));
}

#[test]
fn one_field_of_a_packed_hash_changes_and_the_others_stay() {
    let (heap, hasher) = (Heap::default(), good());
    for count in 1..=9 {
        let before: Vec<_> =
            (0..count).map(|n| (format!("field:{n}").into_bytes(), vec![b'x'; n])).collect();
        let mut edit = HashEdit::new(&hasher);
        before.iter().for_each(|(field, value)| edit.set(field, value).unwrap());
        let held = Held::Nothing.hash_after(&mut edit, &heap);
        // Past the last one, a field is added, or is not there.
        for index in 0..=count {
            for value in [None, Some(b"".as_slice()), Some(b"12345678"), Some(&[b'y'; 200])] {
                let field = format!("field:{index}").into_bytes();
                let mut after = before.clone();
                let mut edit = HashEdit::new(&hasher);
                match value {
                    Some(value) => {
                        edit.set(&field, value).unwrap();
                        let entry = (field.clone(), value.to_vec());
                        after.splice(index..(index + 1).min(count), [entry]);
                    }
                    None => {
                        edit.remove(&field).unwrap();
                        after.splice(index..(index + 1).min(count), []);
                    }
                }
                let held = held.hash_after(&mut edit, &heap);

                let all: Vec<_> =
                    held.hash().iter().map(|(f, v)| (f.to_vec(), v.to_vec())).collect();
                assert_eq!(all, after, "{count} fields, {index} becomes {value:?}");
                for (field, value) in &after {
                    let found = held.hash().get(field, &hasher).map(Element::to_vec);
                    assert_eq!(found.as_ref(), Some(value));
                }
            }
        }
    }
}

#[test]
fn a_packed_value_takes_a_tag_and_an_end_more_than_its_entries_but_no_last_end() {
    let (heap, hasher) = (Heap::default(), good());
    for (fields, bytes) in [(1, 28), (2, 1 + 2 * 29 - 2), (8, 231), (41, 1 + 41 * 29 - 2)] {
        let texts: Vec<_> = (0..fields).map(|n| format!("field-{n:02}")).collect();
        let mut hash = HashEdit::new(&hasher);
        let mut set = SetEdit::new(&hasher);
        for text in &texts {
            hash.set(text.as_bytes(), b"a value of 16 B.").unwrap();
            set.add(text.as_bytes()).unwrap();
        }
        let hash = Held::Nothing.hash_after(&mut hash, &heap);
        let set = Held::Nothing.set_after(&mut set, &heap);

        let len = |held: &Held| if let Held::Packed(bytes) = held { bytes.len() } else { 0 };
        assert_eq!((len(&hash), len(&set)), (bytes, bytes - 17 * fields), "{fields}");
    }
}

#[test]
fn what_is_there_throughout_a_scan_is_shown_whatever_happens_meanwhile() {
    let (heap, hasher) = (Heap::default(), good());
    let mut dice = Dice::new(40);
    for _ in 0..if cfg!(miri) { 1 } else { 60 } {
        let stays: HashSet<_> = (0..300).map(|n| format!("stays:{n}").into_bytes()).collect();
        let mut edit = SetEdit::new(&hasher);
        stays.iter().for_each(|member| edit.add(member).unwrap());
        let mut held = Held::Nothing.set_after(&mut edit, &heap);
        let (mut cursor, mut shown) = (0, HashSet::new());
        loop {
            cursor = held.set().scan(cursor, 5, |member| {
                shown.insert(member.to_vec());
            });
            if cursor == 0 {
                break;
            }
            let removes = dice.one_in(2);
            let passers: Vec<_> = (0..dice.below(400))
                .map(|_| format!("passes:{}", dice.below(3_000)).into_bytes())
                .collect();
            let mut edit = SetEdit::new(&hasher);
            for member in &passers {
                if removes { edit.remove(member) } else { edit.add(member) }.unwrap();
            }
            held = held.set_after(&mut edit, &heap);
            heap.collect();
        }

        assert!(stays.is_subset(&shown));
        held.detach(&heap);
        heap.collect();
    }
    assert_eq!(heap.live_blocks(), 0, "leaked");
}

#[test]
fn a_cursor_that_was_never_returned_is_safe() {
    let (heap, hasher) = (Heap::default(), good());
    let members: Vec<_> = (0..1_000).map(|n: u32| n.to_le_bytes()).collect();
    let mut edit = SetEdit::new(&hasher);
    members.iter().for_each(|member| edit.add(member).unwrap());
    let held = Held::Nothing.set_after(&mut edit, &heap);

    for cursor in [1, 77, 1 << 49, (1 << 50) - 1, 1 << 50, u64::MAX] {
        let mut shown = 0;
        let next = held.set().scan(cursor, 1, |_| shown += 1);
        assert!(next == 0 || next > cursor);
        assert!(shown < 100);
    }
    held.detach(&heap);
    heap.collect();
}
