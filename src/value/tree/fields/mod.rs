//! Hashes and sets that are too large to be packed: a radix tree on the hash of the field.
//!
//! ```text
//! record: length, bytes and 32 children by bits [63:59] of the hash
//!   └── branch at depth 1: 32 children by bits [58:54]
//!         └── leaf: up to 32 entries and 1,200 bytes, as a packed value lays them out
//! ```
//!
//! The root lies in the record itself, which saves a node to copy and a miss to wait for. A leaf that
//! would become larger is split over a branch, and a branch with eight entries or fewer becomes a leaf
//! again. At depth 10 the hash has run out: fields whose hashes agree in 50 bits
//! share a leaf, however many they are. An entry of more than 256 bytes lies in a block of its own,
//! and its leaf points at it, so that changing a short value never copies a long one.
//!
//! Why 32 children: one level less than with 16 pays for the longer branches. Medians of interleaved
//! rounds on one busy machine, fields and values of 16 bytes, one thread:
//!
//! | children | HGET, 10,000 | HSET, 10,000 | SADD or SREM, 10,000 | bytes a field: 10,000 | 1,000,000 |
//! |---------:|-------------:|-------------:|---------------------:|----------------------:|----------:|
//! | 16       | 133 ns       | 442 ns       | 441 ns               | 46.7                  | 38.6      |
//! | 32       | 104 ns       | 392 ns       | 379 ns               | 39.3                  | 44.3      |
//!
//! With a million fields an HSET takes the same with both. What it costs: an HSET that splits a leaf
//! makes up to 32 others, in some 10 µs. Near a million fields, where leaves are just
//! full, one HSET of a new field in thirty does: 17 µs at the 99.9th percentile in place of 11.
//!
//! The order of the hash is also the order in which a scan shows the entries: a cursor is the first
//! 50 bits of the hash up to which everything has been shown. An entry that stays is therefore met
//! whatever is split or joined meanwhile.

mod apply;
pub(crate) mod branch;
mod graft;
mod lookup;
mod merge;
mod walk;

pub(crate) use apply::{Apply, Outcome, pack};
pub(crate) use graft::Graft;
pub(crate) use lookup::{entry_at, find};
pub(crate) use walk::{FieldIter, scan};

use super::{
    edit::Edit,
    node::{Kind, LEAF, NodeRef},
    store::NodeStore,
};
use crate::value::{
    element::Element,
    field_hash::{DEEPEST, FieldHash},
    packed::{Packing, fields::Fields, plan::Plan},
};
use branch::Children;
use std::hash::BuildHasher;

/// The most entries of a leaf.
const MOST_FIELDS: usize = 32;

/// The most bytes of a leaf with several entries.
const MOST_BYTES: usize = 1200;

/// Entries below which a branch becomes a leaf.
const FEW_FIELDS: u32 = 8;

/// What a record keeps of a tree: its root, among others.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(16))]
pub(crate) struct FieldTree {
    /// The number of entries.
    pub(crate) len: u64,
    /// Bytes of all nodes.
    pub(crate) bytes: u64,
    /// The children at depth 0.
    pub(crate) children: Children,
}

/// Makes a packed value of a tree, if it has few entries and bytes and none of them outside: its
/// nodes are no longer needed then.
///
/// # Safety
///
/// All nodes of the tree are alive during `'g`.
pub(crate) unsafe fn repack<'g, S: NodeStore>(
    tree: &FieldTree,
    most_bytes: usize,
    edit: &mut Edit<'_, S>,
) -> Option<Plan<'g>> {
    let mut plan = Plan::new(Fields::EMPTY);
    for child in tree.children.live() {
        // SAFETY: the caller's word.
        let mut entries = FieldIter::below(unsafe { NodeRef::new(child.node()) });
        while let Some((fields, index)) = entries.next_entry() {
            plan.add_one(&fields, index);
        }
    }
    if plan.may_point() || plan.encoded_len() > most_bytes {
        return None;
    }
    tree.children.live().for_each(|child| discard_all(child, edit));
    Some(plan)
}

/// Discards a node and all below it.
fn discard_all<S: NodeStore>(node: NodeRef<'_>, edit: &mut Edit<'_, S>) {
    edit.discard(node);
    if let Kind::Branch(branch) = node.kind() {
        branch.children.live().for_each(|child| discard_all(child, edit));
    }
}

/// The entries of a leaf.
#[inline]
pub(crate) fn leaf_fields(leaf: NodeRef<'_>) -> Fields<'_> {
    let content = leaf.content();
    if leaf.header().points == 0 {
        return Fields::packed(content);
    }
    debug_assert_eq!(leaf.header().kind, LEAF);
    // SAFETY: a leaf that points was written by a `Plan`, and what hangs below a node lives as long
    // as it.
    unsafe { Fields::pointing(content) }
}

/// Whether a leaf at a depth may be like that.
#[inline]
fn fits(leaf: &Packing<'_>, depth: u8) -> bool {
    let is_small = leaf.count() <= MOST_FIELDS && leaf.encoded_len() <= MOST_BYTES;
    is_small || leaf.count() <= 1 || depth == DEEPEST
}

/// The hash of a field, whatever form it is kept in.
#[inline]
pub(crate) fn hash_of<H: BuildHasher>(hasher: &H, field: Element<'_>) -> FieldHash {
    field.with_text(|text| FieldHash::of(hasher, text))
}
