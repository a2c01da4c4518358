//! A store for tests that keeps account of every block.

use super::{
    graveyard::{Graveyard, SLICE},
    node::Node,
    store::{Detached, NodeStore},
};
use std::{
    alloc::{Layout, alloc, dealloc, handle_alloc_error},
    cell::RefCell,
    collections::HashMap,
    ptr::NonNull,
};

/// What tests fill memory with before it is written and after it was freed.
const POISON: u8 = 0xA5;

/// A store whose blocks are freed when the test says that the grace period is over.
#[derive(Default)]
pub(crate) struct Heap {
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    live: HashMap<NonNull<u8>, usize>,
    live_bytes: usize,
    retired: HashMap<NonNull<u8>, usize>,
    trees: Vec<Detached>,
    /// What hung below records that are gone.
    detached: Vec<Node>,
    detached_bytes: u64,
    graveyard: Graveyard,
}

impl State {
    fn free(&mut self, block: NonNull<u8>, bytes: usize) {
        assert_eq!(self.live.remove(&block), Some(bytes), "a block that is not live is freed");
        self.live_bytes -= bytes;
        // SAFETY: the block was live, of this size, and `take` has allocated it.
        unsafe { block.as_ptr().write_bytes(POISON, bytes) };
        // SAFETY: as above.
        unsafe { dealloc(block.as_ptr(), layout(bytes)) };
    }
}

impl Heap {
    /// Ends the grace period of everything retired so far, and drains the graveyard in slices.
    pub(crate) fn collect(&self) {
        let mut state = self.state.borrow_mut();
        for (block, bytes) in std::mem::take(&mut state.retired) {
            state.free(block, bytes);
        }
        let trees = std::mem::take(&mut state.trees);
        let expected: u64 = trees.iter().map(|tree| tree.bytes).sum();
        for tree in trees {
            // SAFETY: retired, buried once, and nobody reads in the test meanwhile.
            unsafe { state.graveyard.bury(tree.root) };
        }
        for node in std::mem::take(&mut state.detached) {
            // SAFETY: as above.
            unsafe { state.graveyard.bury(node) };
        }
        let expected = expected + std::mem::take(&mut state.detached_bytes);
        let mut freed = 0;
        while !state.graveyard.is_empty() {
            let mut graveyard = std::mem::take(&mut state.graveyard);
            let mut nodes = 0;
            freed += graveyard.free(SLICE, |block, bytes| {
                nodes += 1;
                state.free(block, bytes);
            });
            assert!(nodes <= SLICE, "a slice of {nodes} nodes");
            state.graveyard = graveyard;
        }
        assert_eq!(freed, expected, "a tree's bytes");
    }

    /// Retires what hung below a record that is gone, as a deletion of its key does.
    pub(crate) fn detach(&self, nodes: impl Iterator<Item = Node>, bytes: u64) {
        let mut state = self.state.borrow_mut();
        state.detached.extend(nodes);
        state.detached_bytes += bytes;
    }

    /// Bytes of all blocks that were not freed.
    pub(crate) fn live_bytes(&self) -> usize {
        self.state.borrow().live_bytes
    }

    /// The number of blocks that were not freed.
    pub(crate) fn live_blocks(&self) -> usize {
        self.state.borrow().live.len()
    }
}

// SAFETY: blocks are allocated as asked, are live until they are put back, and what is retired
// stays until `collect`.
unsafe impl NodeStore for Heap {
    fn take(&self, bytes: usize) -> NonNull<u8> {
        assert!(bytes > 0 && bytes.is_multiple_of(16), "no class size: {bytes}");
        // SAFETY: the layout has a size.
        let block = unsafe { alloc(layout(bytes)) };
        let Some(block) = NonNull::new(block) else { handle_alloc_error(layout(bytes)) };
        if !cfg!(miri) {
            // SAFETY: the block is ours.
            unsafe { block.as_ptr().write_bytes(POISON, bytes) };
        }
        let mut state = self.state.borrow_mut();
        state.live.insert(block, bytes);
        state.live_bytes += bytes;
        block
    }

    unsafe fn put(&self, block: NonNull<u8>, bytes: usize) {
        self.state.borrow_mut().free(block, bytes);
    }

    unsafe fn retire(&self, block: NonNull<u8>, bytes: usize) {
        let mut state = self.state.borrow_mut();
        assert_eq!(state.live.get(&block), Some(&bytes), "a block that is not live is retired");
        assert_eq!(state.retired.insert(block, bytes), None, "a block is retired twice");
    }

    unsafe fn retire_tree(&self, tree: Detached) {
        self.state.borrow_mut().trees.push(tree);
    }
}

/// The layout of a block.
fn layout(bytes: usize) -> Layout {
    Layout::from_size_align(bytes, 16).unwrap_or(Layout::new::<u128>())
}
