//! Lists.

use super::Dice;
use crate::value::{
    element::Element,
    list::{Digits, ListEdit, ListImage, ListRoot, ListValue},
    packed::run::Side,
    tree::{edit::Edit, heap::Heap},
    writer::written,
};
use std::collections::VecDeque;

/// What a record holds of a list.
#[derive(Clone)]
struct Held {
    root: ListRoot,
    digits: Digits,
    ends: Vec<u8>,
}

impl Held {
    fn nothing() -> Self {
        Self { root: ListRoot::EMPTY, digits: Digits::EMPTY, ends: Vec::new() }
    }

    fn list(&self) -> ListValue<'_> {
        // SAFETY: the tests free nothing that is held.
        unsafe { ListValue::new(self.root, &self.digits, &self.ends) }
    }

    /// What takes its place when an attempt has won.
    fn after(image: &ListImage<'_, '_>) -> Self {
        let ends = written(image.encoded_len(), |to| image.write(to));
        Self { root: image.root, digits: *image.digits(), ends }
    }
}

/// One step of an edit.
#[derive(Debug)]
enum Step {
    Push(Side, Vec<u8>),
    Trim(u64, u64),
    Set(u64, Vec<u8>),
    Insert(u64, Vec<u8>),
    Remove(Vec<u64>),
}

impl Step {
    fn roll(dice: &mut Dice, len: u64, grows: bool, text: &dyn Fn(&mut Dice) -> Vec<u8>) -> Self {
        let side = if dice.one_in(2) { Side::Left } else { Side::Right };
        match dice.below(12) {
            0..4 if grows => Self::Push(side, text(dice)),
            0..4 if dice.one_in(12) => {
                let (a, b) = (dice.below(len + 2), dice.below(len + 2));
                Self::Trim(a.min(b), a.max(b))
            }
            0..6 => {
                let count = dice.below(if grows { 2 } else { 5 });
                match side {
                    Side::Left => Self::Trim(count.min(len), len),
                    Side::Right => Self::Trim(0, len.saturating_sub(count)),
                }
            }
            6 => Self::Set(dice.below(len + 1), text(dice)),
            7 if !grows => {
                let mut indices: Vec<_> =
                    (0..dice.below(20)).map(|_| dice.below(len.max(1))).collect();
                indices.sort_unstable();
                indices.dedup();
                indices.retain(|&index| index < len);
                Self::Remove(indices)
            }
            7..9 if grows => Self::Insert(dice.below(len + 2), text(dice)),
            _ => Self::Push(side, text(dice)),
        }
    }

    fn apply<'a>(&'a self, edit: &mut ListEdit<'a, '_, '_, Heap>) {
        match self {
            Self::Push(side, text) => edit.push(*side, text).unwrap(),
            Self::Trim(from, to) => edit.trim(*from, *to),
            Self::Set(index, text) => drop(edit.set(*index, text).unwrap()),
            Self::Insert(index, text) => edit.insert(*index, text).unwrap(),
            Self::Remove(indices) => edit.remove(indices),
        }
    }

    fn apply_to_oracle(&self, oracle: &mut VecDeque<Vec<u8>>) {
        let len = oracle.len();
        let at = |index: u64| (index as usize).min(len);
        match self {
            Self::Push(Side::Left, text) => oracle.push_front(text.clone()),
            Self::Push(Side::Right, text) => oracle.push_back(text.clone()),
            Self::Trim(from, to) => {
                oracle.truncate(at(*to));
                oracle.drain(..at(*from).min(at(*to)));
            }
            Self::Set(index, text) => {
                if let Some(element) = oracle.get_mut(*index as usize) {
                    element.clone_from(text);
                }
            }
            Self::Insert(index, text) => oracle.insert(at(*index), text.clone()),
            Self::Remove(indices) => {
                for &index in indices.iter().rev() {
                    oracle.remove(index as usize);
                }
            }
        }
    }
}

/// Edits a list by random steps, one to three at a time, and compares it with a queue.
fn edit_a_list(seed: u64, edits: usize, most: usize, text: &dyn Fn(&mut Dice) -> Vec<u8>) {
    let heap = Heap::default();
    let mut dice = Dice::new(seed);
    let mut held = Held::nothing();
    let mut oracle = VecDeque::new();
    let (mut grows, mut at_ends) = (true, 0);
    for number in 0..edits {
        if oracle.len() > most || dice.one_in(1_000) {
            grows = false;
        } else if oracle.len() < 5 {
            grows = true;
        }
        let mut steps = Vec::new();
        for _ in 0..=dice.below(3) {
            let step = Step::roll(&mut dice, oracle.len() as u64, grows, text);
            step.apply_to_oracle(&mut oracle);
            steps.push(step);
        }
        if let [Step::Push(side, _)] = &*steps
            && dice.one_in(4)
        {
            let len = oracle.len() as u64;
            let step =
                if *side == Side::Left { Step::Trim(0, len - 1) } else { Step::Trim(1, len) };
            step.apply_to_oracle(&mut oracle);
            steps.push(step);
        }

        let mut edit = Edit::new(&heap);
        if dice.one_in(8) {
            // This attempt loses.
            let mut list = ListEdit::new(held.list(), &mut edit);
            steps.iter().for_each(|step| step.apply(&mut list));
            list.finish();
            edit.begin_again();
        }
        let mut list = ListEdit::new(held.list(), &mut edit);
        steps.iter().for_each(|step| step.apply(&mut list));
        assert_eq!(list.len(), oracle.len() as u64);
        let mut next = Held::after(&list.finish());
        let mut small = Edit::new(&heap);
        if let Some(same) = at_once(&held, &steps, &mut small) {
            assert!(same.list().iter().eq(next.list().iter()), "{steps:?}");
            at_ends += 1;
            if dice.one_in(2) {
                std::mem::swap(&mut edit, &mut small);
                next = same;
            }
        }
        drop(small);
        if next.root.len == 0 {
            drop(edit);
            heap.detach(held.list().nodes(), held.root.bytes);
        } else {
            // SAFETY: nobody else edits.
            unsafe { edit.commit() };
        }
        held = next;
        heap.collect();

        let list = held.list();
        assert_eq!(list.len(), oracle.len() as u64, "edit {number}: {steps:?}");
        assert_eq!(list.bytes(), heap.live_bytes() as u64, "edit {number}: {steps:?}");
        for index in [0, list.len() / 2, dice.below(list.len() + 1), list.len().wrapping_sub(1)] {
            let expected = oracle.get(index as usize);
            assert_eq!(list.at(index).map(Element::to_vec).as_ref(), expected, "edit {number}");
        }
        if number % 64 == 0 {
            check_whole(list, &oracle, &mut dice);
            check_copy(&held, &oracle, &heap, &mut dice);
        }
    }
    assert!(cfg!(miri) || at_ends > edits / 20, "{at_ends} edits at an end only");
    heap.detach(held.list().nodes(), held.root.bytes);
    heap.collect();
    assert_eq!(heap.live_blocks(), 0, "leaked");
}

/// What a single step, or a push to a full list, makes when it needs no edit of the whole list.
fn at_once(held: &Held, steps: &[Step], edit: &mut Edit<'_, Heap>) -> Option<Held> {
    let (list, len) = (held.list(), held.root.len);
    let image = match steps {
        [Step::Push(side, text)] => {
            let pushed = list.pushed(*side, text);
            pushed.or_else(|| list.pushed_by(*side, text, u64::MAX, edit))?
        }
        [Step::Push(side, text), Step::Trim(from, to)]
            if (*side == Side::Left && (*from, *to) == (0, len))
                || (*side == Side::Right && (*from, *to) == (1, len + 1)) =>
        {
            let pushed = list.pushed_to(*side, text, len);
            pushed.or_else(|| list.pushed_by(*side, text, len, edit))?
        }
        [Step::Trim(1, to)] if *to == len => {
            let popped = list.popped(Side::Left);
            popped.or_else(|| list.popped_by(Side::Left, edit))?.0
        }
        [Step::Trim(0, to)] if len.checked_sub(1) == Some(*to) => {
            let popped = list.popped(Side::Right);
            let (image, taken) = popped.or_else(|| list.popped_by(Side::Right, edit))?;
            assert_eq!(Some(taken.to_vec()), list.at(*to).map(Element::to_vec));
            image
        }
        [Step::Set(index, text)] => list.replaced(*index, text, edit)?,
        _ => return None,
    };
    Some(Held::after(&image))
}

/// Checks all ways to see everything.
fn check_whole(list: ListValue<'_>, oracle: &VecDeque<Vec<u8>>, dice: &mut Dice) {
    assert!(list.iter().map(Element::to_vec).eq(oracle.iter().cloned()));
    let len = oracle.len() as u64;
    let back = list.iter_from(len.wrapping_sub(1), Side::Right).map(Element::to_vec);
    assert!(back.eq(oracle.iter().rev().cloned()));
    for _ in 0..5 {
        let from = dice.below(len + 2);
        let right = list.iter_from(from, Side::Left).map(Element::to_vec);
        assert!(right.eq(oracle.iter().skip(from as usize).cloned()));
        let left = list.iter_from(from, Side::Right).map(Element::to_vec);
        let expected = if from < len { from as usize + 1 } else { 0 };
        assert!(left.eq(oracle.iter().take(expected).rev().cloned()));
    }
    if let Some(text) = oracle.get(dice.below(len.max(1)) as usize) {
        let expected: Vec<_> = (0..len).filter(|&index| oracle[index as usize] == *text).collect();
        assert!(list.positions(text, Side::Left).eq(expected.iter().copied()));
        assert!(list.positions(text, Side::Right).eq(expected.iter().rev().copied()));
    }
}

/// Checks that a copy has the same elements, and no node in common with the list.
fn check_copy(held: &Held, oracle: &VecDeque<Vec<u8>>, heap: &Heap, dice: &mut Dice) {
    let before = heap.live_bytes();
    let mut edit = Edit::new(heap);
    let mut list = ListEdit::new(held.list(), &mut edit);
    list.copy();
    let copy = Held::after(&list.finish());
    // SAFETY: nobody else edits.
    unsafe { edit.commit() };

    assert_eq!(heap.live_bytes() as u64, before as u64 + copy.list().bytes());
    check_whole(copy.list(), oracle, dice);

    heap.detach(copy.list().nodes(), copy.root.bytes);
    heap.collect();
    assert_eq!(heap.live_bytes(), before);
}

fn scaled(edits: usize) -> usize {
    if cfg!(miri) { edits / 400 + 10 } else { edits }
}

#[test]
fn a_list_is_what_a_queue_is() {
    let short = |dice: &mut Dice| dice.below(100_000).to_string().into_bytes();
    for (seed, most) in [30, 300, 3_000].into_iter().enumerate() {
        edit_a_list(50 + seed as u64, scaled(40_000), most, &short);
    }
}

#[test]
fn a_list_of_texts_of_all_lengths_is_what_a_queue_is() {
    for (seed, most) in [30, 1_000].into_iter().enumerate() {
        edit_a_list(60 + seed as u64, scaled(20_000), most, &Dice::text);
    }
}

#[test]
fn a_list_of_texts_about_as_long_as_a_chunk_is_what_a_queue_is() {
    let text = |dice: &mut Dice| vec![b'x'; 400 + dice.below(200) as usize];
    edit_a_list(70, scaled(10_000), 300, &text);
}

#[test]
fn a_long_list_of_empty_texts_is_what_a_queue_is() {
    edit_a_list(80, scaled(30_000), 20_000, &|_| Vec::new());
}

#[test]
fn a_long_list_gives_and_takes_chunks_at_its_ends_without_an_edit_of_all_of_it() {
    let heap = Heap::default();
    let texts: Vec<_> = (0..1_000).map(|n| format!("element {n:05}").into_bytes()).collect();
    let mut oracle: VecDeque<_> = texts.iter().cloned().collect();
    let nothing = Held::nothing();
    let mut edit = Edit::new(&heap);
    let mut list = ListEdit::new(nothing.list(), &mut edit);
    texts.iter().for_each(|text| list.push(Side::Right, text).unwrap());
    let mut held = Held::after(&list.finish());
    // SAFETY: nobody else edits.
    unsafe { edit.commit() };

    for side in [Side::Left, Side::Right] {
        let (mut given, mut taken) = (0, 0);
        for text in &texts[..300] {
            let (list, mut edit) = (held.list(), Edit::new(&heap));
            given += u32::from(list.pushed(side, text).is_none());
            let image = list.pushed_by(side, text, u64::MAX, &mut edit).unwrap();
            held = Held::after(&image);
            // SAFETY: nobody else edits.
            unsafe { edit.commit() };

            let (list, mut edit) = (held.list(), Edit::new(&heap));
            taken += u32::from(list.popped(side.other()).is_none());
            let (image, element) = list.popped_by(side.other(), &mut edit).unwrap();
            let popped = match side {
                Side::Left => {
                    oracle.push_front(text.clone());
                    oracle.pop_back()
                }
                Side::Right => {
                    oracle.push_back(text.clone());
                    oracle.pop_front()
                }
            };
            assert_eq!(Some(element.to_vec()), popped);
            held = Held::after(&image);
            // SAFETY: nobody else edits.
            unsafe { edit.commit() };
            heap.collect();
            assert_eq!(held.list().bytes(), heap.live_bytes() as u64);
        }
        assert!(given > 5 && taken > 5, "{given} chunks given, {taken} taken");
    }
    assert!(held.list().iter().map(Element::to_vec).eq(oracle.iter().cloned()));
    heap.detach(held.list().nodes(), held.root.bytes);
    heap.collect();
    assert_eq!(heap.live_blocks(), 0, "leaked");
}

/// Pushes or pops one element at an end as a command does: by an edit of the whole list only when need be.
fn step_at_end(held: &Held, push: Option<&[u8]>, side: Side, heap: &Heap) -> Held {
    let (list, mut edit) = (held.list(), Edit::new(heap));
    let image = match push {
        Some(text) => list.pushed_by(side, text, u64::MAX, &mut edit),
        None => list.popped_by(side, &mut edit).map(|(image, _)| image),
    };
    let next = if let Some(image) = image {
        Held::after(&image)
    } else {
        edit.begin_again();
        let mut list = ListEdit::new(list, &mut edit);
        let len = list.len();
        match (push, side) {
            (Some(text), _) => list.push(side, text).unwrap(),
            (None, Side::Left) => list.trim(1, len),
            (None, Side::Right) => list.trim(0, len - 1),
        }
        Held::after(&list.finish())
    };
    // SAFETY: nobody else edits.
    unsafe { edit.commit() };
    heap.collect();
    assert_eq!(next.list().bytes(), heap.live_bytes() as u64);
    next
}

#[test]
fn chunks_between_the_ends_and_the_middle_are_read_copied_and_freed_as_all_others() {
    let heap = Heap::default();
    let mut dice = Dice::new(90);
    let (mut held, mut oracle) = (Held::nothing(), VecDeque::<Vec<u8>>::new());
    let (rounds, each) = if cfg!(miri) { (1, 80) } else { (6, 400) };
    let mut most_aside = 0;
    for round in 0..rounds {
        for side in [Side::Left, Side::Right] {
            for number in 0..each {
                let text = format!("{round} {number}").into_bytes();
                held = step_at_end(&held, Some(&text), side, &heap);
                if side == Side::Left {
                    oracle.push_front(text);
                } else {
                    oracle.push_back(text);
                }
            }
            for _ in 0..dice.below(each / 2) {
                held = step_at_end(&held, None, side, &heap);
                drop(if side == Side::Left { oracle.pop_front() } else { oracle.pop_back() });
            }
        }
        let list = held.list();
        most_aside = most_aside.max(held.digits.nodes().count());
        for (index, text) in oracle.iter().enumerate() {
            assert_eq!(list.at(index as u64).map(Element::to_vec).as_ref(), Some(text));
        }
        for _ in 0..if cfg!(miri) { 1 } else { 20 } {
            check_whole(list, &oracle, &mut dice);
        }
        check_copy(&held, &oracle, &heap, &mut dice);

        // An edit in the middle has them all in one tree, and loses nothing.
        let mut edit = Edit::new(&heap);
        let mut steps = ListEdit::new(list, &mut edit);
        let at = oracle.len() / 2;
        steps.insert(at as u64, b"between").unwrap();
        oracle.insert(at, b"between".to_vec());
        held = Held::after(&steps.finish());
        // SAFETY: nobody else edits.
        unsafe { edit.commit() };
        heap.collect();
        assert_eq!(held.digits.nodes().count(), 0);
        assert_eq!(held.list().bytes(), heap.live_bytes() as u64);
        check_whole(held.list(), &oracle, &mut dice);
    }
    assert!(cfg!(miri) || most_aside > 8, "{most_aside} chunks aside at most");

    // An end that is used up is a chunk then, and freed with the others.
    let aside = |held: &Held| held.digits.nodes().count();
    while aside(&held) == 0 {
        held = step_at_end(&held, None, Side::Left, &heap);
    }
    heap.detach(held.list().nodes(), held.root.bytes);
    heap.collect();
    assert_eq!(heap.live_blocks(), 0, "leaked");
}
