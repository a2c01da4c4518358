//! Values behind one word, read and edited by several threads, on the pool's own reclamation.

use super::{Dice, good};
use crate::{
    reclaim::{Domain, Guard, Retired, magazine},
    sync::{AtomicPtr, Mutex, Ordering, lock},
    value::{
        collection::{Attempt, Verdict},
        element::Element,
        hash::{HashEdit, HashValue},
        list::{ListEdit, ListRoot, ListValue},
        packed::run::Side,
        tree::{
            edit::Edit,
            fields::FieldTree,
            graveyard::{Graveyard, SLICE},
            node::NodeRef,
            store::{Detached, NodeStore},
        },
        writer::written,
    },
};
use std::{
    cell::RefCell,
    ptr::{self, NonNull},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    thread,
};

/// How often each thread acts.
const ACTS: usize = if cfg!(miri) { 25 } else { 30_000 };

thread_local! {
    static GRAVEYARD: RefCell<Graveyard> = RefCell::default();
}

/// Records that were made and not yet freed, in the test whose turn it is.
static RECORDS: AtomicUsize = AtomicUsize::new(0);
static TURN: Mutex<()> = Mutex::new(());

/// What a thread edits with while it is pinned.
struct Pinned<'g, 'd>(&'g Guard<'d>);

// SAFETY: a guard hands out and takes back blocks as asked; what is retired waits for the readers.
unsafe impl NodeStore for Pinned<'_, '_> {
    fn take(&self, bytes: usize) -> NonNull<u8> {
        self.0.take_block(bytes)
    }

    unsafe fn put(&self, block: NonNull<u8>, bytes: usize) {
        // SAFETY: the caller's word.
        unsafe { self.0.put_block(block, bytes) };
    }

    unsafe fn retire(&self, block: NonNull<u8>, bytes: usize) {
        let bytes = u32::try_from(bytes).unwrap();
        // SAFETY: the caller's word.
        unsafe { self.0.retire(Retired::Block { block, bytes }) };
    }

    unsafe fn retire_tree(&self, tree: Detached) {
        unsafe fn bury(record: NonNull<u8>) -> usize {
            // SAFETY: `retire_tree` has written it there.
            let tree = unsafe { record.cast::<Detached>().read() };
            // SAFETY: the grace period is over.
            GRAVEYARD.with_borrow_mut(|graveyard| unsafe { graveyard.bury(tree.root) });
            0
        }
        let block = self.0.take_block(16);
        // SAFETY: the block is ours, and long enough.
        unsafe { block.cast::<Detached>().write(tree) };
        // SAFETY: nobody else has seen the block, nor can anybody reach the tree.
        unsafe { self.0.retire(Retired::Owner { block, bytes: 16, held: 0, drop_content: bury }) };
    }
}

/// Frees a slice of what this thread has to free; true when nothing is left.
fn free_slice() -> bool {
    GRAVEYARD.with_borrow_mut(|graveyard| {
        let mut nodes = 0;
        graveyard.free(SLICE, |block, bytes| {
            nodes += 1;
            // SAFETY: taken from a magazine with that size, and nobody can reach it.
            unsafe { magazine::release(block, bytes) };
        });
        assert!(nodes <= SLICE);
        graveyard.is_empty()
    })
}

/// What a key holds.
enum Record {
    Packed(Vec<u8>),
    Tree(Box<FieldTree>),
    List(ListRoot, Vec<u8>),
}

impl Record {
    fn boxed(self) -> NonNull<Self> {
        RECORDS.fetch_add(1, SeqCst);
        NonNull::from(Box::leak(Box::new(self)))
    }

    /// Frees the record alone.
    unsafe fn free(record: NonNull<u8>) {
        RECORDS.fetch_sub(1, SeqCst);
        // SAFETY: the caller has the last pointer to it.
        drop(unsafe { Box::from_raw(record.cast::<Self>().as_ptr()) });
    }

    /// Frees the record, and buries what is below it.
    unsafe fn free_all(record: NonNull<u8>) {
        // SAFETY: valid by the caller's word.
        let nodes: Vec<_> = match unsafe { record.cast::<Self>().as_ref() } {
            Self::Packed(_) => Vec::new(),
            Self::Tree(tree) => tree.children.live().map(NodeRef::node).collect(),
            Self::List(root, _) => root.middle.into_iter().collect(),
        };
        // SAFETY: as the caller says.
        unsafe { Self::free(record) };
        for node in nodes {
            // SAFETY: the grace period is over.
            GRAVEYARD.with_borrow_mut(|graveyard| unsafe { graveyard.bury(node) });
        }
    }
}

/// A key: one word.
struct Key {
    word: AtomicPtr<Record>,
    domain: Arc<Domain>,
}

impl Key {
    fn new() -> Self {
        Self { word: AtomicPtr::new(ptr::null_mut()), domain: Domain::new() }
    }

    fn look<'g>(&self, _guard: &'g Guard<'_>) -> Option<(NonNull<Record>, &'g Record)> {
        let record = NonNull::new(self.word.load(Ordering::Acquire))?;
        // SAFETY: found under a guard, and retired after it is unlinked.
        Some((record, unsafe { record.as_ref() }))
    }

    /// Puts a record in the place of another one, which is retired with its tree or alone.
    fn swap(
        &self,
        old: Option<NonNull<Record>>,
        new: Option<NonNull<Record>>,
        retire: unsafe fn(NonNull<u8>),
        guard: &Guard<'_>,
    ) -> bool {
        let pointer =
            |record: Option<NonNull<Record>>| record.map_or(ptr::null_mut(), NonNull::as_ptr);
        let swapped = self.word.compare_exchange(
            pointer(old),
            pointer(new),
            Ordering::AcqRel,
            Ordering::Acquire,
        );
        match (swapped, old, new) {
            (Ok(_), Some(old), _) => {
                // The block is the domain's own, so that it can be put back whatever it stands for.
                unsafe fn run(block: NonNull<u8>) -> usize {
                    // SAFETY: `swap` has written it there.
                    let (record, retire) =
                        unsafe { block.cast::<(NonNull<u8>, unsafe fn(NonNull<u8>))>().read() };
                    // SAFETY: the grace period of the record is over.
                    unsafe { retire(record) };
                    0
                }
                let block = guard.take_block(16);
                // SAFETY: the block is ours, and long enough.
                unsafe { block.cast().write((old.cast::<u8>(), retire)) };
                let item = Retired::Owner { block, bytes: 16, held: 0, drop_content: run };
                // SAFETY: the CAS has unlinked the record.
                unsafe { guard.retire(item) };
            }
            (Err(_), _, Some(new)) => {
                // SAFETY: nobody has seen it.
                unsafe { Record::free(new.cast()) };
            }
            _ => {}
        }
        swapped.is_ok()
    }

    /// Edits the hash, whatever anybody else does meanwhile.
    fn edit_hash<H: std::hash::BuildHasher>(&self, wishes: &mut HashEdit<'_, H>) {
        let wishes = wishes.settle();
        let guard = self.domain.pin();
        let store = Pinned(&guard);
        let mut attempt = Attempt::new(&store);
        loop {
            let old = self.look(&guard);
            let verdict = wishes.apply(hash_of(old), &mut attempt).unwrap();
            let (new, retire): (_, unsafe fn(_)) = match verdict {
                Verdict::Unchanged => return,
                Verdict::Empty => (None, Record::free_all),
                Verdict::Packed => {
                    let packing = attempt.packing();
                    let bytes = written(packing.encoded_len(), |to| packing.write(to));
                    (Some(Record::Packed(bytes).boxed()), Record::free)
                }
                Verdict::Tree => {
                    (Some(Record::Tree(Box::new(*attempt.tree().unwrap())).boxed()), Record::free)
                }
            };
            if self.swap(old.map(|(record, _)| record), new, retire, &guard) {
                if new.is_some() {
                    // SAFETY: the CAS has published the attempt's value.
                    unsafe { attempt.commit() };
                }
                return;
            }
            attempt.begin_again();
        }
    }

    /// Edits the list, whatever anybody else does meanwhile.
    fn edit_list(&self, steps: impl Fn(&mut ListEdit<'_, '_, '_, Pinned<'_, '_>>)) {
        let guard = self.domain.pin();
        let store = Pinned(&guard);
        let mut edit = Edit::new(&store);
        loop {
            let old = self.look(&guard);
            let mut list = ListEdit::new(list_of(old), &mut edit);
            steps(&mut list);
            let image = list.finish();
            let (new, retire): (_, unsafe fn(_)) = if image.root.len == 0 {
                (None, Record::free_all)
            } else {
                let ends = written(image.encoded_len(), |to| image.write(to));
                (Some(Record::List(image.root, ends).boxed()), Record::free)
            };
            if self.swap(old.map(|(record, _)| record), new, retire, &guard) {
                if new.is_some() {
                    // SAFETY: the CAS has published the edit's list.
                    unsafe { edit.commit() };
                }
                return;
            }
            edit.begin_again();
        }
    }

    fn delete(&self) {
        let guard = self.domain.pin();
        while let Some((record, _)) = self.look(&guard) {
            if self.swap(Some(record), None, Record::free_all, &guard) {
                return;
            }
        }
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        self.delete();
        // SAFETY: no thread has a guard any more.
        unsafe { self.domain.close() };
        while !free_slice() {}
    }
}

fn hash_of<'g>(record: Option<(NonNull<Record>, &'g Record)>) -> HashValue<'g> {
    match record {
        None => HashValue::EMPTY,
        Some((_, Record::Packed(bytes))) => HashValue::packed(bytes),
        // SAFETY: found under a guard.
        Some((_, Record::Tree(tree))) => unsafe { HashValue::tree(tree) },
        Some((_, Record::List(..))) => unreachable!("no list here"),
    }
}

fn list_of<'g>(record: Option<(NonNull<Record>, &'g Record)>) -> ListValue<'g> {
    match record {
        None => ListValue::EMPTY,
        // SAFETY: found under a guard.
        Some((_, Record::List(root, ends))) => unsafe { ListValue::new(*root, ends) },
        Some(_) => unreachable!("a list here"),
    }
}

/// Runs writers to their end and a reader as long as they run.
fn run(key: Key, write: impl Fn(&Key, usize, &mut Dice) + Sync, read: impl Fn(&Key) + Sync) {
    let _turn = lock(&TURN);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let (key, write, read, done) = (&key, &write, &read, &done);
        let writers: Vec<_> = (0..2)
            .map(|number| {
                scope.spawn(move || {
                    let mut dice = Dice::new(100 + number as u64);
                    for _ in 0..ACTS {
                        write(key, number, &mut dice);
                        free_slice();
                    }
                    while !free_slice() {}
                })
            })
            .collect();
        scope.spawn(move || {
            while !done.load(SeqCst) {
                read(key);
            }
        });
        let ends: Vec<_> = writers.into_iter().map(|writer| writer.join()).collect();
        done.store(true, SeqCst);
        ends.into_iter().for_each(|end| end.unwrap());
    });
    drop(key);
    assert_eq!(RECORDS.load(SeqCst), 0, "leaked");
}

#[test]
fn a_hash_is_seen_whole_whoever_edits_or_deletes_it() {
    let hasher = good();
    let fields: Vec<_> = (0..200).map(|n| format!("field:{n}")).collect();

    run(
        Key::new(),
        |key, number, dice| {
            let mut edit = HashEdit::new(&hasher);
            let value = format!("{number}:{}", dice.below(1_000_000));
            // Both witnesses get the same value in one edit; the others come and go.
            edit.set(b"witness", value.as_bytes()).unwrap();
            edit.set(b"another witness", value.as_bytes()).unwrap();
            for field in fields.iter().skip(dice.below(200) as usize).take(dice.below(60) as usize)
            {
                if dice.one_in(2) {
                    edit.set(field.as_bytes(), value.as_bytes()).unwrap();
                } else {
                    edit.remove(field.as_bytes()).unwrap();
                }
            }
            key.edit_hash(&mut edit);
            if dice.one_in(50) {
                key.delete();
            }
        },
        |key| {
            let guard = key.domain.pin();
            let hash = hash_of(key.look(&guard));
            let first = hash.get(b"witness", &hasher).map(Element::to_vec);
            assert_eq!(hash.iter().count() as u64, hash.len());
            let second = hash.get(b"another witness", &hasher).map(Element::to_vec);
            assert_eq!(first, second, "half of an edit is seen");
        },
    );
}

#[test]
fn a_list_is_seen_whole_whoever_edits_or_deletes_it() {
    const TEXTS: [&str; 4] = ["a", "1234567", "an element of some length", "another element"];

    run(
        Key::new(),
        |key, number, dice| {
            let text = TEXTS[dice.below(4) as usize];
            let times = 1 + dice.below(4);
            // One writer pushes twins at the left, the other one takes twins from the right.
            if number == 0 {
                key.edit_list(|list| {
                    for _ in 0..2 * times {
                        list.push(Side::Left, text.as_bytes()).unwrap();
                    }
                    if list.len() > 400 {
                        list.trim(0, 300);
                    }
                });
            } else {
                key.edit_list(|list| list.trim(0, list.len().saturating_sub(2 * times)));
                if dice.one_in(500) {
                    key.delete();
                }
            }
        },
        |key| {
            let guard = key.domain.pin();
            let list = list_of(key.look(&guard));
            let texts: Vec<_> = list.iter().map(Element::to_vec).collect();
            assert_eq!(texts.len() as u64, list.len());
            assert!(texts.chunks(2).all(|twins| twins.len() == 2 && twins[0] == twins[1]));
        },
    );
}
