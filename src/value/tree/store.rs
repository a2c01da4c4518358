//! Where nodes come from and where they go.

use super::node::Node;
use std::ptr::NonNull;

/// A tree that nobody can reach any more, apart from readers that found it before.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Detached {
    /// Its root.
    pub(crate) root: Node,
    /// Bytes of all its nodes.
    pub(crate) bytes: u64,
}

/// What an edit asks of reclamation; a guard's thread answers it.
///
/// # Safety
///
/// `take` hands out blocks of at least that many bytes, aligned to 16, that nobody else uses until
/// they come back. What is retired stays as it is until everybody who was pinned then has unpinned.
pub(crate) unsafe trait NodeStore {
    /// Takes a block of a class size; its content is arbitrary.
    fn take(&self, bytes: usize) -> NonNull<u8>;

    /// Puts back a block that nobody else has seen.
    ///
    /// # Safety
    ///
    /// The block came from [`take`](Self::take) with the same size.
    unsafe fn put(&self, block: NonNull<u8>, bytes: usize);

    /// Hands over a node, without what is below it, to be put back after its grace period.
    ///
    /// # Safety
    ///
    /// As for `put`, but that readers who are pinned may have seen it. It is unlinked: nobody who
    /// pins from now on can reach it. It is retired once, and by nothing else.
    unsafe fn retire(&self, block: NonNull<u8>, bytes: usize);

    /// Hands over a whole tree, to be buried in a [`Graveyard`](super::graveyard::Graveyard) after
    /// its grace period.
    ///
    /// # Safety
    ///
    /// As for `retire`, of every node of the tree.
    unsafe fn retire_tree(&self, tree: Detached);
}
