//! Nodes: branches, leaves, and entries that are too long for a leaf.
//!
//! ```text
//! header           kind u8 | points u8 | count u16 | length u32
//! branch           header | children [*; 32]                                         272 bytes
//! branch of lists  header | bytes u64 | counts [u32; 32] | children [*; 32]          400 bytes
//! low branch       header | bytes u64 | counts [u32; 32] | marks [[u64; 2]; 32]
//!                  | children [*; 32]                                                912 bytes
//! leaf             header | content: packed fields, or the elements of a chunk
//! outside          header | content: one entry
//! ```
//!
//! | kind     | node            | count           | length              |
//! |----------|-----------------|-----------------|---------------------|
//! | 0        | leaf            | elements of a chunk | of the content  |
//! | 1        | low branch, right above chunks             | children | –        |
//! | 2..=127  | branch of lists, that high above the chunks | children | –       |
//! | 128      | branch          | –               | entries below       |
//! | 255      | entry outside   | –               | of the content      |
//!
//! A node does not change after it was published.

use super::{
    chunks::branch::AnyBranch,
    fields::{branch::Branch, leaf_fields},
};
use crate::{prefetch::prefetch, reclaim::magazine::block_bytes, sync::note_read};
use std::{marker::PhantomData, ptr::NonNull};

/// What every node begins with.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct Header {
    pub(super) kind: u8,
    /// Whether a leaf's entries may lie outside: 0 or 1.
    pub(super) points: u8,
    pub(super) count: u16,
    pub(super) length: u32,
}

/// The kind of a leaf.
pub(super) const LEAF: u8 = 0;
/// The kind of a branch of a list whose children are chunks.
pub(super) const LOW: u8 = 1;
/// The kind of a branch of fields; less is the height of a branch of a list.
pub(super) const BRANCH: u8 = 0x80;
/// The kind of an entry that lies outside.
pub(super) const OUTSIDE: u8 = 0xFF;

/// Bytes of the block of a leaf, or of an entry outside, with that much content.
pub(super) const fn content_block(len: usize) -> usize {
    block_bytes(size_of::<Header>() + len)
}

/// A node's address: as good as a number, until somebody vouches that it is alive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub(crate) struct Node(pub(super) NonNull<u8>);

/// A node that lives during `'g`, and so does everything below it.
///
/// A tree that hangs below a record lives as long as the guard under which the record was found;
/// nodes of an edit live as long as the edit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NodeRef<'g> {
    node: Node,
    lives: PhantomData<&'g ()>,
}

/// What a node is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind<'g> {
    /// A branch of fields.
    Branch(&'g Branch),
    /// A branch of a list.
    ListBranch(AnyBranch<'g>),
    /// A leaf, or an entry outside.
    Content(&'g [u8]),
}

impl<'g> NodeRef<'g> {
    /// Vouches for a node.
    ///
    /// # Safety
    ///
    /// The node was made by an [`Edit`](super::edit::Edit), and it and all nodes below it are
    /// alive during `'g`.
    #[inline]
    pub(crate) unsafe fn new(node: Node) -> Self {
        Self { node, lives: PhantomData }
    }

    /// Its address.
    #[inline]
    pub(crate) fn node(self) -> Node {
        self.node
    }

    #[inline]
    pub(super) fn header(self) -> Header {
        note_read(self.node.0);
        // SAFETY: every node begins with a header, and this one is alive.
        unsafe { self.node.0.cast::<Header>().read() }
    }

    /// The content of a leaf, or of an entry outside; of a branch there is none.
    #[inline]
    pub(crate) fn content(self) -> &'g [u8] {
        match self.kind() {
            Kind::Branch(_) | Kind::ListBranch(_) => &[],
            Kind::Content(content) => content,
        }
    }

    /// Looks at it.
    #[inline]
    pub(crate) fn kind(self) -> Kind<'g> {
        let header = self.header();
        match header.kind {
            // SAFETY: alive during `'g`, and of this kind.
            BRANCH => Kind::Branch(unsafe { self.node.0.cast().as_ref() }),
            LEAF | OUTSIDE => {
                // SAFETY: the content lies behind the header, in the same block.
                let start = unsafe { self.node.0.add(size_of::<Header>()) };
                // SAFETY: that many bytes were written there; alive during `'g`.
                Kind::Content(unsafe {
                    std::slice::from_raw_parts(start.as_ptr(), header.length as usize)
                })
            }
            // SAFETY: as above.
            LOW => Kind::ListBranch(AnyBranch::Low(unsafe { self.node.0.cast().as_ref() })),
            // SAFETY: as above.
            _ => Kind::ListBranch(AnyBranch::High(unsafe { self.node.0.cast().as_ref() })),
        }
    }

    /// The branch of a list, if it is one.
    #[inline]
    pub(super) fn list_branch(self) -> Option<AnyBranch<'g>> {
        match self.kind() {
            Kind::ListBranch(branch) => Some(branch),
            Kind::Branch(_) | Kind::Content(_) => None,
        }
    }

    /// The nodes directly below.
    pub(crate) fn below(self) -> impl Iterator<Item = Self> {
        let (mut branch, mut list_branch, mut leaf) = (None, None, None);
        match self.kind() {
            Kind::Branch(children) => branch = Some(children.children.live()),
            Kind::ListBranch(children) => list_branch = Some(children.live_children()),
            Kind::Content(_) if self.header().points != 0 => leaf = Some(leaf_fields(self)),
            Kind::Content(_) => {}
        }
        let outside = leaf
            .into_iter()
            .flat_map(|fields| (0..fields.len()).filter_map(move |index| fields.outside(index)));
        branch.into_iter().flatten().chain(list_branch.into_iter().flatten()).chain(outside)
    }

    /// Asks for what lies behind its header, all of which is going to be read: so these lines come
    /// with the header's and not one after another behind it. Most leaves have no more, and of the larger
    /// branches it is the part that is looked at first.
    #[inline(always)]
    pub(super) fn fetch(self) {
        for line in 1..=5 {
            prefetch(self.node.0.as_ptr().wrapping_add(64 * line));
        }
    }

    /// Bytes of its block.
    pub(super) fn block_bytes(self) -> usize {
        match self.kind() {
            Kind::Branch(_) => block_bytes(size_of::<Branch>()),
            Kind::ListBranch(branch) => branch.block_bytes(),
            Kind::Content(content) => content_block(content.len()),
        }
    }
}

#[cfg(all(test, pool_loom))]
impl Node {
    /// The node at an address.
    pub(crate) fn at(address: NonNull<u8>) -> Self {
        Self(address)
    }

    /// Its address.
    pub(crate) fn address(self) -> NonNull<u8> {
        self.0
    }
}
