//! Trees whose grace period is over, freed a slice at a time.

use super::node::{Node, NodeRef};
use crate::{prefetch::prefetch, value::field_hash::FAN};
use std::ptr::NonNull;

/// Nodes that are freed at once at most.
///
/// Whoever does it was about to do something else. A SET that frees a part of a hash of a million
/// fields, in microseconds, medians and 99th percentiles of four rounds on a busy machine:
///
/// | nodes | median, mimalloc | 99th | median, glibc | 99th |
/// |------:|-----------------:|-----:|--------------:|-----:|
/// | 64, none fetched ahead | 10 | 19 | 23 | 65 |
/// | 64    | 8.9              | 12.6 | 26            | 59   |
/// | 16    | 2.2              | 3.7  | 10            | 25   |
/// | 8     | 1.2              | 2.2  | 3.6           | 5.9  |
///
/// With 8, such a hash is gone after some 6,400 writes, each of which gives back 7 KB.
pub(crate) const SLICE: usize = 8;

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

    /// Asks for what the next slice frees, so that whoever does waits for one node and not for each.
    fn fetch_next(&self) {
        self.stack.iter().rev().take(SLICE).for_each(|node| prefetch(node.0.as_ptr()));
    }

    /// Frees up to `most` nodes by a call for each block; returns their bytes.
    pub(crate) fn free(&mut self, most: usize, mut put: impl FnMut(NonNull<u8>, usize)) -> u64 {
        let mut freed = 0;
        for _ in 0..most {
            let Some(node) = self.stack.pop() else { break };
            // SAFETY: the node was buried with its tree, and nothing of a tree is freed before it
            // is popped.
            let buried = unsafe { NodeRef::new(node) };
            let left = self.stack.len();
            self.stack.extend(buried.below().map(NodeRef::node));
            if self.stack.len() > left {
                self.fetch_next();
            }
            let bytes = buried.block_bytes();
            freed += bytes as u64;
            put(node.0, bytes);
        }
        self.fetch_next();
        freed
    }
}
