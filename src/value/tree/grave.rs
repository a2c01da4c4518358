//! Trees in the care of the pool's reclamation.

use super::{
    graveyard::{Graveyard, SLICE},
    node::Node,
    store::{Detached, NodeStore},
};
use crate::reclaim::{Guard, Retired, magazine};
use std::ptr::NonNull;

/// What a record, or a part of a tree, leaves when its grace period is over.
#[derive(Debug)]
pub(crate) struct Grave {
    nodes: Graveyard,
    /// The record's block, and its size, if a record is buried with its tree.
    record: Option<(NonNull<u8>, usize)>,
}

impl Grave {
    /// Puts trees, and the block of the record that they hang below, into the form in which they
    /// are retired together. O(trees).
    ///
    /// # Safety
    ///
    /// The record is valid and so are the trees; whoever retires this has unlinked all of them, and
    /// nobody frees them but through what this returns. The blocks are of a guard's magazines.
    pub(crate) unsafe fn retired(
        trees: impl Iterator<Item = Node>,
        record: Option<(NonNull<u8>, usize)>,
        bytes: u64,
    ) -> Retired {
        let mut nodes = Graveyard::default();
        // SAFETY: nobody frees a slice before the grace period is over; the rest is the caller's
        // word.
        trees.for_each(|root| unsafe { nodes.bury(root) });
        let grave = NonNull::from(Box::leak(Box::new(Self { nodes, record })));
        Retired::Gradual {
            remains: grave.cast(),
            bytes,
            is_counted: true,
            free_slice: Self::free_slice,
        }
    }

    /// Frees up to a slice of nodes; true when nothing is left.
    ///
    /// # Safety
    ///
    /// `grave` came from [`retired`](Self::retired), the grace period is over, nobody else uses it,
    /// and it is not used again once this has returned true.
    unsafe fn free_slice(grave: NonNull<u8>) -> bool {
        let mut grave = grave.cast::<Self>();
        // SAFETY: the caller's word.
        let whole = unsafe { grave.as_mut() };
        // SAFETY: a buried node's block came from a magazine with that size, and its grace period
        // is over.
        whole.nodes.free(SLICE, |block, bytes| unsafe { magazine::release(block, bytes) });
        if !whole.nodes.is_empty() {
            return false;
        }
        if let Some((block, bytes)) = whole.record.take() {
            // SAFETY: as above, of the record, which holds nothing else to drop.
            unsafe { magazine::release(block, bytes) };
        }
        // SAFETY: the caller's word; allocated by `retired`.
        drop(unsafe { Box::from_raw(grave.as_ptr()) });
        true
    }
}

// SAFETY: a guard hands out and takes back blocks as asked, and what is retired through it waits
// for everybody who is pinned.
unsafe impl NodeStore for Guard<'_> {
    #[inline]
    fn take(&self, bytes: usize) -> NonNull<u8> {
        self.take_block(bytes)
    }

    #[inline]
    unsafe fn put(&self, block: NonNull<u8>, bytes: usize) {
        // SAFETY: the caller's word.
        unsafe { self.put_block(block, bytes) };
    }

    #[inline]
    unsafe fn retire(&self, block: NonNull<u8>, bytes: usize) {
        // An entry has at most a field and a value of 512 MiB each.
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        // SAFETY: the caller's word.
        unsafe { self.retire_block(block, bytes) };
    }

    unsafe fn retire_tree(&self, tree: Detached) {
        // SAFETY: the caller's word.
        let grave = unsafe { Grave::retired(std::iter::once(tree.root), None, tree.bytes) };
        // SAFETY: as above.
        unsafe { Guard::retire(self, grave) };
    }
}
