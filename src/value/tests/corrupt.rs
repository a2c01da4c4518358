//! Bytes that were never written as a value: whatever is asked of them, nothing bad happens.

use super::{Dice, good};
use crate::value::{
    collection::{Attempt, Verdict},
    element::Element,
    field_hash::FieldHash,
    hash::{HashEdit, HashValue},
    list::{Digits, ListEdit, ListRoot, ListValue},
    packed::run::Side,
    set::{SetEdit, SetValue},
    tree::{edit::Edit, heap::Heap},
    writer::written,
};

/// How many buffers a test looks at.
const BUFFERS: usize = if cfg!(miri) { 60 } else { 15_000 };

/// Bytes that are arbitrary, or once were a value and then were changed here and there.
fn spoil(dice: &mut Dice, value: &[u8]) -> Vec<u8> {
    let mut bytes = if dice.one_in(4) {
        (0..dice.below(80)).map(|_| dice.below(256) as u8).collect()
    } else {
        value.to_vec()
    };
    for _ in 0..dice.below(6) {
        let at = dice.below(bytes.len().max(1) as u64) as usize;
        match dice.below(6) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at.min(bytes.len()), dice.below(256) as u8),
            2 => drop(bytes.get_mut(at).map(|byte| *byte = [0, 1, 0x7F, 0x80, 0xFE, 0xFF][at % 6])),
            _ => drop(bytes.get_mut(at).map(|byte| *byte = dice.below(256) as u8)),
        }
    }
    bytes
}

/// A packed hash that was really written.
fn packed_hash(dice: &mut Dice, heap: &Heap) -> Vec<u8> {
    let pairs: Vec<_> = (0..=dice.below(30)).map(|_| (dice.text(), dice.text())).collect();
    let hasher = good();
    let mut edit = HashEdit::new(&hasher);
    for (field, value) in pairs.iter().filter(|(f, v)| f.len() + v.len() < 100) {
        edit.set(field, value).unwrap();
    }
    let edit = edit.settle();
    let mut attempt = Attempt::new(heap);
    let Verdict::Packed = edit.apply(HashValue::EMPTY, &mut attempt).unwrap() else {
        return Vec::new();
    };
    written(attempt.packing().encoded_len(), |to| attempt.packing().write(to))
}

/// Makes what an attempt has come to, as if it had won, and frees it.
fn finish(verdict: Verdict, mut attempt: Attempt<'_, '_, Heap>, heap: &Heap) {
    match verdict {
        Verdict::Unchanged | Verdict::Empty => {}
        Verdict::Packed => {
            let packing = attempt.packing();
            let bytes = written(packing.encoded_len(), |to| packing.write(to));
            let value = HashValue::packed(&bytes);
            assert_eq!(value.iter().count() as u64, value.len(), "what is written is sound");
        }
        Verdict::Tree => {
            let tree = *attempt.tree().unwrap();
            // SAFETY: the tree is the attempt's.
            let value = unsafe { HashValue::tree(&tree) };
            assert_eq!(value.iter().count() as u64, value.len(), "what is written is sound");
            assert_eq!(value.scan(0, usize::MAX, |_, _| {}), 0);
        }
    }
    attempt.begin_again();
    assert_eq!(heap.live_blocks(), 0);
}

#[test]
fn a_spoilt_hash_is_read_and_edited_without_harm() {
    let (heap, hasher) = (Heap::default(), good());
    let mut dice = Dice::new(90);
    for _ in 0..BUFFERS {
        let whole = packed_hash(&mut dice, &heap);
        let bytes = spoil(&mut dice, &whole);
        let hash = HashValue::packed(&bytes);

        let mut fields: Vec<_> = hash.iter().map(|(field, _)| field.to_vec()).collect();
        fields.push(dice.text());
        for field in &fields {
            assert!(
                hash.get(field, &hasher).is_none_or(|value| value.text_len() <= bytes.len() + 20)
            );
        }
        for number in 0..hash.len().min(300) {
            let _ = hash.at(number);
        }
        assert_eq!(hash.scan(0, 3, |_, _| {}), 0);

        let value = dice.text();
        for field in fields.iter().rev().take(3) {
            let mut edit = HashEdit::new(&hasher);
            if dice.one_in(3) { edit.remove(field) } else { edit.set(field, &value) }.unwrap();
            let edit = edit.settle();
            let mut attempt = Attempt::new(&heap);
            let verdict = edit.apply(hash, &mut attempt).unwrap();
            // One changed entry leaves the others as they were, and so is not sound in general.
            if let Verdict::Packed = verdict {
                written(attempt.packing().encoded_len(), |to| attempt.packing().write(to));
            }
        }
        let mut edit = HashEdit::new(&hasher);
        for field in &fields {
            if dice.one_in(3) { edit.remove(field) } else { edit.set(field, &value) }.unwrap();
        }
        edit.set(b"one", b"1").unwrap();
        edit.set(b"another", b"2").unwrap();
        let edit = edit.settle();
        let mut attempt = Attempt::new(&heap);
        let verdict = edit.apply(hash, &mut attempt).unwrap();
        if let Verdict::Packed = verdict {
            written(attempt.packing().encoded_len(), |to| attempt.packing().write(to));
        } else {
            finish(verdict, attempt, &heap);
        }
    }
}

#[test]
fn a_value_longer_than_its_ends_can_tell_is_edited_without_harm() {
    let (heap, hasher) = (Heap::default(), good());
    for len in [0xFFF0, 0xFFFF, 0x1_0000, 0x1_0001, 0x1_1170] {
        // One entry and its tag; what follows the field is its value, and junk behind that.
        let mut bytes = vec![1, FieldHash::of(&hasher, b"f").tag(), 1, b'f', 1, b'v'];
        bytes.resize(2 + len, 0xA5);
        let hash = HashValue::packed(&bytes);
        assert_eq!(hash.get(b"f", &hasher).map(Element::to_vec), Some(b"v".to_vec()));

        for (field, value) in [(b"f", Some(b"another")), (b"f", None), (b"g", Some(b"another"))] {
            let mut edit = HashEdit::new(&hasher);
            match value {
                Some(value) => edit.set(field, value).unwrap(),
                None => edit.remove(field).unwrap(),
            }
            let edit = edit.settle();
            let mut attempt = Attempt::new(&heap);
            let verdict = edit.apply(hash, &mut attempt).unwrap();
            assert_eq!(value.is_none(), matches!(verdict, Verdict::Empty), "{len} bytes");
            finish(verdict, attempt, &heap);
        }
    }
}

#[test]
fn a_spoilt_set_is_read_and_edited_without_harm() {
    let (heap, hasher) = (Heap::default(), good());
    let mut dice = Dice::new(91);
    for _ in 0..BUFFERS {
        let whole = packed_hash(&mut dice, &heap);
        let bytes = spoil(&mut dice, &whole);
        let set = SetValue::packed(&bytes);

        let members: Vec<_> = set.iter().map(Element::to_vec).collect();
        let found = members.iter().filter(|member| set.contains(member, &hasher)).count();
        assert!(found <= members.len());
        let more: Vec<_> = (0..dice.below(100)).map(|_| dice.text()).collect();
        let mut edit = SetEdit::new(&hasher);
        more.iter().for_each(|member| edit.add(member).unwrap());
        members.iter().take(5).for_each(|member| edit.remove(member).unwrap());
        let edit = edit.settle();
        let mut attempt = Attempt::new(&heap);

        match edit.apply(set, &mut attempt).unwrap() {
            Verdict::Packed => {
                written(attempt.packing().encoded_len(), |to| attempt.packing().write(to));
            }
            Verdict::Tree => {
                let tree = *attempt.tree().unwrap();
                // SAFETY: the tree is the attempt's.
                let set = unsafe { SetValue::tree(&tree) };
                assert_eq!(set.iter().count() as u64, set.len());
            }
            Verdict::Unchanged | Verdict::Empty => {}
        }
    }
    assert_eq!(heap.live_blocks(), 0);
}

#[test]
fn a_list_that_counts_too_few_tells_no_position_beyond() {
    let heap = Heap::default();
    let mut edit = Edit::new(&heap);
    let mut list = ListEdit::new(ListValue::EMPTY, &mut edit);
    for _ in 0..3 {
        list.push(Side::Right, b"x").unwrap();
    }
    let image = list.finish();
    let ends = written(image.encoded_len(), |to| image.write(to));
    let root = ListRoot { middle: None, len: 1, ..image.root };
    // SAFETY: there are no nodes.
    let list = unsafe { ListValue::new(root, &Digits::EMPTY, &ends) };

    for side in [Side::Left, Side::Right] {
        assert_eq!(list.positions(b"x", side).collect::<Vec<_>>(), [0]);
    }
}

#[test]
fn a_spoilt_list_is_read_and_edited_without_harm() {
    let heap = Heap::default();
    let mut dice = Dice::new(92);
    for _ in 0..BUFFERS {
        let texts: Vec<_> = (0..dice.below(30)).map(|_| dice.text()).collect();
        let mut edit = Edit::new(&heap);
        let mut list = ListEdit::new(ListValue::EMPTY, &mut edit);
        for text in texts.iter().filter(|text| text.len() < 60) {
            list.push(Side::Right, text).unwrap();
        }
        let image = list.finish();
        let whole = written(image.encoded_len(), |to| image.write(to));
        let mut root = ListRoot { middle: None, ..image.root };
        let ends = spoil(&mut dice, &whole);
        if dice.one_in(8) {
            root.head_count = dice.below(1 << 16) as u16;
            root.tail_count = dice.below(1 << 16) as u16;
            root.len = dice.below(1 << 20);
        }
        // SAFETY: there are no nodes.
        let list = unsafe { ListValue::new(root, &Digits::EMPTY, &ends) };

        let len = list.len();
        assert!(list.iter().count() <= ends.len());
        assert!(list.iter_from(len.wrapping_sub(1), Side::Right).count() <= ends.len());
        let found = (0..len.min(100)).filter(|&index| list.at(index).is_some()).count();
        assert!(found <= ends.len());
        assert!(list.positions(b"1", Side::Right).count() <= ends.len());
        for step in 0..4 {
            let mut edit = Edit::new(&heap);
            let mut list = ListEdit::new(list, &mut edit);
            let index = dice.below(len + 2);
            let text = dice.text();
            match step {
                0 => list.trim(index / 2, index),
                1 => drop(list.set(index, &text).unwrap()),
                2 => list.insert(index, &text).unwrap(),
                _ => list.remove(&[index, index + 1]),
            }
            (0..dice.below(40))
                .for_each(|_| list.push(Side::Left, b"an element of a list").unwrap());
            let image = list.finish();
            written(image.encoded_len(), |to| image.write(to));
        }
    }
    assert_eq!(heap.live_blocks(), 0);
}
