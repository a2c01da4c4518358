//! A key: one word, and what commands do with it.

use super::heap::{Heap, Life, What};
use crate::{
    sync::{AtomicPtr, AtomicUsize, Mutant, Ordering, is_mutant, set_watch},
    value::{
        change::{Change, Wish},
        collection::{Attempt, Verdict},
        element::Element,
        hash::{HashEdit, HashValue},
        list::{Digits, ListEdit, ListRoot, ListValue},
        tree::{
            edit::Edit,
            fields::{FieldTree, Graft},
            node::{Node, NodeRef},
        },
        writer::written,
    },
};
use std::{
    hash::{BuildHasher, Hasher},
    ptr::{self, NonNull},
    rc::Rc,
    sync::{Arc, Mutex},
};

/// What a slot points at.
pub(super) enum Record {
    Packed(Vec<u8>),
    Tree(FieldTree),
    List(ListRoot, Digits, Vec<u8>),
}

impl Record {
    /// The nodes that hang below.
    pub(super) fn below(&self) -> Vec<Node> {
        match self {
            Self::Packed(_) => Vec::new(),
            Self::Tree(tree) => tree.children.live().map(NodeRef::node).collect(),
            Self::List(root, digits, _) => root.middle.into_iter().chain(digits.nodes()).collect(),
        }
    }
}

/// A key and what its actors do with it.
pub(super) struct Key {
    pub(super) slot: AtomicPtr<Record>,
    pub(super) heap: Heap,
}

pub(super) type Found<'g> = Option<(NonNull<Record>, &'g Record)>;

impl Key {
    /// A key that is absent; the model watches its blocks from now on.
    pub(super) fn new() -> Arc<Self> {
        let heap = Heap { books: Mutex::default(), gate: AtomicUsize::new(0) };
        let key = Arc::new(Self { slot: AtomicPtr::new(ptr::null_mut()), heap });
        let watched = Arc::downgrade(&key);
        set_watch(Some(Rc::new(move |block| {
            if let Some(key) = watched.upgrade() {
                key.heap.read(block);
            }
        })));
        key
    }

    pub(super) fn find(&self) -> Found<'_> {
        let record = NonNull::new(self.slot.load(Ordering::Acquire))?;
        self.heap.read(record.cast());
        // SAFETY: memory is not given back while the model runs.
        Some((record, unsafe { record.as_ref() }))
    }

    /// A record that nobody else has seen.
    pub(super) fn record(&self, content: Record) -> NonNull<Record> {
        let record = NonNull::from(Box::leak(Box::new(content)));
        self.heap.enter(record.cast(), move || {
            // SAFETY: leaked by `record`, and forgotten once.
            drop(unsafe { Box::from_raw(record.as_ptr()) });
        });
        record
    }

    /// Puts a record in the place of another one; of a failed attempt the new one is freed.
    pub(super) fn swap(
        &self,
        old: Found<'_>,
        new: Option<NonNull<Record>>,
        keeps_tree: bool,
    ) -> bool {
        let before = old.map_or(ptr::null_mut(), |(record, _)| record.as_ptr());
        let after = new.map_or(ptr::null_mut(), NonNull::as_ptr);
        let result = self.slot.compare_exchange(before, after, Ordering::AcqRel, Ordering::Acquire);
        if result.is_ok() {
            // Whoever pins after what follows is retired sees the unlinking.
            self.heap.gate.fetch_add(1, Ordering::AcqRel);
        }
        match (result, old, new) {
            (Ok(_), Some((old, _)), _) if keeps_tree => {
                self.heap.retire(What::Block(old.cast()), old.cast());
            }
            (Ok(_), Some((old, _)), _) => self.discard(old),
            (Err(_), _, Some(new)) => self.heap.mark(new.cast(), Life::Live, Life::Freed),
            _ => {}
        }
        result.is_ok()
    }

    /// Retires a record with all that is below it.
    pub(super) fn discard(&self, record: NonNull<Record>) {
        if is_mutant(Mutant::RecordAlone) {
            return self.heap.retire(What::Block(record.cast()), record.cast());
        }
        if is_mutant(Mutant::TreeWithoutGrace) {
            self.heap.mark(record.cast(), Life::Live, Life::Retired);
            return self.heap.finish(What::Whole(record));
        }
        if is_mutant(Mutant::ChildrenWithoutGrace) {
            self.heap.bury_below(record);
            return self.heap.retire(What::Block(record.cast()), record.cast());
        }
        self.heap.retire(What::Whole(record), record.cast());
    }

    /// Edits the hash if it is there; returns how many attempts were lost.
    pub(super) fn edit_hash(&self, wishes: &mut HashEdit<'_, Literal>) -> Option<usize> {
        let _pin = self.heap.pin();
        let wishes = wishes.settle();
        let mut attempt = Attempt::new(&self.heap);
        let mut lost = 0;
        loop {
            let old = self.find();
            old?;
            let verdict = wishes.apply(hash_of(old), &mut attempt).unwrap();
            let new = match verdict {
                Verdict::Unchanged => return Some(lost),
                Verdict::Empty => None,
                Verdict::Packed => {
                    let packing = attempt.packing();
                    let bytes = written(packing.encoded_len(), |to| packing.write(to));
                    Some(self.record(Record::Packed(bytes)))
                }
                Verdict::Tree => Some(self.record(Record::Tree(*attempt.tree().unwrap()))),
            };
            if self.swap(old, new, new.is_some()) {
                if new.is_some() {
                    // SAFETY: the CAS has published the attempt's value.
                    unsafe { attempt.commit() };
                }
                return Some(lost);
            }
            lost += 1;
            if is_mutant(Mutant::LoserFreesShared) {
                // The wrong way: it frees what its version has reached.
                for child in attempt.tree().into_iter().flat_map(|tree| tree.children.live()) {
                    self.heap.mark(child.node().address(), Life::Live, Life::Freed);
                }
            }
            attempt.begin_again();
        }
    }

    /// Gives a field of a tree a value; what is below the root is made again only if another write has
    /// changed the same child of the root. Returns how many compare-and-swaps were lost.
    pub(super) fn graft(&self, field: &str, value: &[u8]) -> usize {
        let _pin = self.heap.pin();
        let wish = Wish::Set(Element::of(value));
        let change = Change::of(&Literal, field.as_bytes(), wish, 0).unwrap();
        let (mut found, mut lost) = (self.find(), 0);
        while let Some((_, Record::Tree(made_of))) = found {
            let mut edit = Edit::new(&self.heap);
            let graft = Graft::new(made_of, &change, &mut edit).unwrap();
            while let Some((_, Record::Tree(tree))) = found
                && graft.fits(tree)
            {
                let mut next = *tree;
                graft.change_root(&mut next);
                if self.swap(found, Some(self.record(Record::Tree(next))), true) {
                    // SAFETY: the CAS has published what the edit has made, in the place of a version
                    // that the graft fits.
                    unsafe { edit.commit() };
                    return lost;
                }
                lost += 1;
                found = self.find();
            }
        }
        panic!("broken: there is no tree");
    }

    pub(super) fn edit_list(&self, steps: impl Fn(&mut ListEdit<'_, '_, '_, Heap>)) -> usize {
        let _pin = self.heap.pin();
        let mut edit = Edit::new(&self.heap);
        for lost in 0.. {
            let old = self.find();
            let mut list = ListEdit::new(list_of(old), &mut edit);
            steps(&mut list);
            let image = list.finish();
            let ends = written(image.encoded_len(), |to| image.write(to));
            let new = Some(self.record(Record::List(image.root, *image.digits(), ends)));
            if self.swap(old, new, true) {
                // SAFETY: the CAS has published the edit's list.
                unsafe { edit.commit() };
                return lost;
            }
            edit.begin_again();
        }
        0
    }

    /// Shows the value, if there is one.
    pub(super) fn read<R>(&self, look: impl FnOnce(Found<'_>) -> R) -> Option<R> {
        let _pin = (!is_mutant(Mutant::ReadUnpinned)).then(|| self.heap.pin());
        let found = self.find();
        found?;
        Some(look(found))
    }

    /// Deletes the value; true if this did it.
    pub(super) fn delete(&self) -> bool {
        let _pin = self.heap.pin();
        loop {
            let found = self.find();
            if found.is_none() {
                return false;
            }
            if self.swap(found, None, false) {
                return true;
            }
        }
    }

    /// Drains what is buried; then every block is freed, or reached once.
    pub(super) fn audit(&self) {
        self.heap.free_slice(usize::MAX);
        let mut reached = Vec::new();
        if let Some((record, content)) = self.find() {
            reached.push(record.cast());
            reached.extend(content.below().into_iter().map(Node::address));
            let mut index = 1;
            while index < reached.len() {
                // SAFETY: everything after the record is a node of the current version.
                let node = unsafe { NodeRef::new(Node::at(reached[index])) };
                reached.extend(node.below().map(|child| child.node().address()));
                index += 1;
            }
        }
        self.heap.books(|books| {
            for (block, state) in &books.blocks {
                let times = reached.iter().filter(|other| *other == block).count();
                let expected = [Life::Freed, Life::Live][times.min(1)];
                assert!(times <= 1, "broken: a node is reached twice");
                assert_eq!(state.life, expected, "broken: leaked or lost");
            }
        });
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        set_watch(None);
    }
}

/// A hasher whose hash is the field itself, in hexadecimal digits.
#[derive(Debug)]
pub(super) struct Literal;

pub(super) struct LiteralHasher(u64);

impl BuildHasher for Literal {
    type Hasher = LiteralHasher;

    fn build_hasher(&self) -> LiteralHasher {
        LiteralHasher(0)
    }
}

impl Hasher for LiteralHasher {
    fn write(&mut self, bytes: &[u8]) {
        let text = std::str::from_utf8(bytes).unwrap();
        self.0 = u64::from_str_radix(text, 16).unwrap();
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

pub(super) fn hash_of<'g>(found: Found<'g>) -> HashValue<'g> {
    match found {
        Some((_, Record::Packed(bytes))) => HashValue::packed(bytes),
        // SAFETY: memory is not given back while the model runs.
        Some((_, Record::Tree(tree))) => unsafe { HashValue::tree(tree) },
        _ => HashValue::EMPTY,
    }
}

pub(super) fn list_of<'g>(found: Found<'g>) -> ListValue<'g> {
    match found {
        // SAFETY: memory is not given back while the model runs.
        Some((_, Record::List(root, digits, ends))) => unsafe {
            ListValue::new(*root, digits, ends)
        },
        _ => ListValue::EMPTY,
    }
}
