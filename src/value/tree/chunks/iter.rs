//! Walking over chunks, in either direction.

use super::{branch::AnyBranch, child_with, element_count, marks::Marks};
use crate::value::{few::Few, packed::run::Side, tree::node::NodeRef};

/// The chunks of a tree from one of them on.
#[derive(Debug)]
pub(crate) struct Chunks<'g> {
    /// The branches above, and which child of each comes next.
    path: Few<(AnyBranch<'g>, Option<usize>), 6>,
    /// Where it comes from.
    side: Side,
    /// The first chunk, until it was shown.
    first: Option<NodeRef<'g>>,
    /// What those behind the first one must hold to be shown.
    wanted: Marks,
    /// Elements of those that were not shown.
    passed: u64,
}

impl<'g> Chunks<'g> {
    /// No chunks.
    pub(crate) const fn none() -> Self {
        Self { path: Few::new(), side: Side::Left, first: None, wanted: Marks::NONE, passed: 0 }
    }

    /// The chunks from the one that an element is in, coming from a side.
    pub(crate) fn from(root: NodeRef<'g>, index: u64, side: Side) -> Self {
        let mut chunks = Self { side, ..Self::none() };
        let (mut node, mut rest) = (root, index);
        while let Some(branch) = node.list_branch() {
            let (at, before) = child_with(&branch, rest);
            chunks.path.push((branch, chunks.beside(at)));
            let Some(child) = branch.child(at) else { return chunks };
            node = child;
            rest -= before;
        }
        chunks.first = Some(node);
        chunks
    }

    /// Passes over chunks that cannot hold what is sought, but for the first one.
    pub(crate) fn seek(&mut self, wanted: Marks) {
        self.wanted = wanted;
    }

    /// How many elements were passed over since this was asked.
    #[inline]
    pub(crate) fn take_passed(&mut self) -> u64 {
        std::mem::take(&mut self.passed)
    }

    /// The child behind one.
    fn beside(&self, at: usize) -> Option<usize> {
        match self.side {
            Side::Left => Some(at + 1),
            Side::Right => at.checked_sub(1),
        }
    }

    fn next_node(&mut self) -> Option<NodeRef<'g>> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        loop {
            let last = self.path.len().checked_sub(1)?;
            let (branch, next) = self.path[last];
            let found = next.and_then(|from| {
                let (at, passed) = branch.next_with(from, self.side, self.wanted);
                self.passed += passed;
                Some((at?, branch.child(at?)?))
            });
            let Some((at, child)) = found else {
                self.path.swap_remove(last);
                continue;
            };
            self.path.as_mut_slice()[last].1 = self.beside(at);
            let Some(below) = child.list_branch() else { return Some(child) };
            let first = match self.side {
                Side::Left => 0,
                Side::Right => below.child_count().saturating_sub(1),
            };
            self.path.push((below, Some(first)));
        }
    }
}

impl<'g> Iterator for Chunks<'g> {
    /// The packed elements, and their number.
    type Item = (&'g [u8], usize);

    fn next(&mut self) -> Option<Self::Item> {
        self.next_node().map(|chunk| (chunk.content(), element_count(chunk)))
    }
}
