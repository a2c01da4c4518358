//! A heap that frees at the first legal instant, and knows of every block what has become of it.

use super::key::Record;
use crate::{
    sync::{AtomicUsize, Ordering, UnsafeCell},
    value::tree::{
        graveyard::Graveyard,
        node::Node,
        store::{Detached, NodeStore},
    },
};
use std::{
    alloc::{Layout, alloc, dealloc},
    collections::HashMap,
    ptr::NonNull,
    rc::Rc,
    sync::{Mutex, PoisonError},
};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Life {
    Live,
    Retired,
    Freed,
}

/// A block, and the cell through which loom sees it.
pub(super) struct Block {
    pub(super) life: Life,
    cell: Rc<UnsafeCell<()>>,
    /// Frees the memory when the model is over.
    forget: Box<dyn FnOnce()>,
}

/// Something that waits for readers.
pub(super) struct Garbage {
    what: What,
    waits_for: Vec<usize>,
}

pub(super) enum What {
    Block(NonNull<u8>),
    /// A node and all below it.
    Tree(Node),
    /// A record and all below it.
    Whole(NonNull<Record>),
}

/// What is known outside of the model; loom does not see it, and no switch can happen inside.
#[derive(Default)]
pub(super) struct Books {
    pub(super) blocks: HashMap<NonNull<u8>, Block>,
    pinned: Vec<usize>,
    pins: usize,
    garbage: Vec<Garbage>,
    graveyard: Graveyard,
}

/// Where nodes and records come from.
pub(super) struct Heap {
    pub(super) books: Mutex<Books>,
    /// Pins, unpins and unlinkings are ordered here, as a scheme of epochs orders them.
    pub(super) gate: AtomicUsize,
}

// SAFETY: the actors of a model take turns on one thread.
unsafe impl Send for Heap {}
// SAFETY: as above.
unsafe impl Sync for Heap {}

/// The right to read, as a number in the books.
pub(super) struct Pin<'h>(&'h Heap, usize);

impl Heap {
    pub(super) fn books<R>(&self, work: impl FnOnce(&mut Books) -> R) -> R {
        work(&mut self.books.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Enters a block into the books.
    pub(super) fn enter(&self, block: NonNull<u8>, forget: impl FnOnce() + 'static) {
        let cell = Rc::new(UnsafeCell::new(()));
        cell.with_mut(|_| ());
        let new = Block { life: Life::Live, cell, forget: Box::new(forget) };
        let before = self.books(|books| books.blocks.insert(block, new));
        assert!(before.is_none(), "memory is reused while the model runs");
    }

    /// Notes that a block is read.
    pub(super) fn read(&self, block: NonNull<u8>) {
        let cell = self.books(|books| {
            let block = books.blocks.get(&block)?;
            assert_ne!(block.life, Life::Freed, "broken: use after free");
            Some(Rc::clone(&block.cell))
        });
        if let Some(cell) = cell {
            cell.with(|_| ());
        }
    }

    pub(super) fn mark(&self, block: NonNull<u8>, from: Life, to: Life) {
        if std::thread::panicking() {
            return;
        }
        let cell = self.books(|books| {
            let Some(known) = books.blocks.get_mut(&block) else { panic!("an unknown block") };
            assert_eq!(known.life, from, "broken: it becomes {to:?}");
            known.life = to;
            Rc::clone(&known.cell)
        });
        if to == Life::Freed {
            cell.with_mut(|_| ());
        }
    }

    pub(super) fn pin(&self) -> Pin<'_> {
        self.gate.fetch_add(1, Ordering::AcqRel);
        self.books(|books| {
            books.pins += 1;
            books.pinned.push(books.pins);
            Pin(self, books.pins)
        })
    }

    pub(super) fn retire(&self, what: What, block: NonNull<u8>) {
        self.mark(block, Life::Live, Life::Retired);
        self.books(|books| {
            let waits_for = books.pinned.clone();
            books.garbage.push(Garbage { what, waits_for });
        });
    }

    /// What nobody waits for any more is freed, or goes to the graveyard.
    pub(super) fn finish(&self, what: What) {
        match what {
            What::Block(block) => self.mark(block, Life::Retired, Life::Freed),
            What::Tree(node) => {
                // Its life goes on as that of the nodes below it, until a slice comes to it.
                self.mark(node.address(), Life::Retired, Life::Live);
                self.bury(node);
            }
            What::Whole(record) => {
                self.bury_below(record);
                self.mark(record.cast(), Life::Retired, Life::Freed);
            }
        }
    }

    fn bury(&self, node: Node) {
        // SAFETY: buried once, as the books show.
        self.books(|books| unsafe { books.graveyard.bury(node) });
    }

    pub(super) fn bury_below(&self, record: NonNull<Record>) {
        self.read(record.cast());
        // SAFETY: memory is not given back while the model runs.
        for node in unsafe { record.as_ref() }.below() {
            self.bury(node);
        }
    }

    /// Frees a slice of what is buried.
    pub(super) fn free_slice(&self, most: usize) {
        let mut graveyard = self.books(|books| std::mem::take(&mut books.graveyard));
        graveyard.free(most, |block, _| self.mark(block, Life::Live, Life::Freed));
        self.books(|books| books.graveyard = graveyard);
    }
}

impl Drop for Pin<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        self.0.gate.fetch_add(1, Ordering::AcqRel);
        let ready = self.0.books(|books| {
            books.pinned.retain(|&pin| pin != self.1);
            books.garbage.iter_mut().for_each(|item| item.waits_for.retain(|&pin| pin != self.1));
            let (ready, waiting) = std::mem::take(&mut books.garbage)
                .into_iter()
                .partition::<Vec<_>, _>(|item| item.waits_for.is_empty());
            books.garbage = waiting;
            ready
        });
        ready.into_iter().for_each(|item| self.0.finish(item.what));
    }
}

impl Drop for Heap {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let blocks = self.books(|books| std::mem::take(&mut books.blocks));
            blocks.into_values().for_each(|block| (block.forget)());
        }
    }
}

// SAFETY: blocks are allocated as asked and stay until the model is over.
unsafe impl NodeStore for Heap {
    fn take(&self, bytes: usize) -> NonNull<u8> {
        let layout = Layout::from_size_align(bytes, 16).unwrap();
        // SAFETY: the layout has a size.
        let block = NonNull::new(unsafe { alloc(layout) }).unwrap();
        self.enter(block, move || {
            // SAFETY: allocated with this layout, and forgotten once.
            unsafe { dealloc(block.as_ptr(), layout) };
        });
        block
    }

    unsafe fn put(&self, block: NonNull<u8>, _: usize) {
        self.mark(block, Life::Live, Life::Freed);
    }

    unsafe fn retire(&self, block: NonNull<u8>, _: usize) {
        Heap::retire(self, What::Block(block), block);
    }

    unsafe fn retire_tree(&self, tree: Detached) {
        Heap::retire(self, What::Tree(tree.root), tree.root.address());
    }
}
