//! Trees whose grace period is over, freed a slice at a time.

use super::node::{Node, NodeRef};
use crate::value::field_hash::FAN;
use std::ptr::NonNull;

/// Nodes that one operation frees at most.
pub(crate) const SLICE: usize = 64;

/// What one thread has to free: a stack of nodes, each with everything below it.
///
/// No second grace period is needed: whoever could reach any node of a version was pinned when the
/// version was detached.
#[derive(Debug)]
pub(crate) struct Graveyard {
    stack: Vec<Node>,
}

impl Default for Graveyard {
    /// An empty one, with room for all trees that hang below one record: a list that grows to that in
    /// several steps takes half of the time of a DEL.
    fn default() -> Self {
        Self { stack: Vec::with_capacity(FAN) }
    }
}

impl Graveyard {
    /// Takes over a tree.
    ///
    /// # Safety
    ///
    /// Nothing below the node can be reached any more, the grace period of that is over, and it is
    /// buried once.
    pub(crate) unsafe fn bury(&mut self, root: Node) {
        self.stack.push(root);
    }

    /// Whether there is nothing to free.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.stack.is_empty()
    }

    /// Frees up to `most` nodes by a call for each block; returns their bytes.
    pub(crate) fn free(&mut self, most: usize, mut put: impl FnMut(NonNull<u8>, usize)) -> u64 {
        let mut freed = 0;
        for _ in 0..most {
            let Some(node) = self.stack.pop() else { break };
            // SAFETY: the node was buried with its tree, and nothing of a tree is freed before it
            // is popped.
            let buried = unsafe { NodeRef::new(node) };
            self.stack.extend(buried.below().map(NodeRef::node));
            let bytes = buried.block_bytes();
            freed += bytes as u64;
            put(node.0, bytes);
        }
        freed
    }
}
