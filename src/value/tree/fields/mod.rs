//! Hashes and sets that are too large to be packed: a radix tree on the hash of the field.
//!
//! ```text
//! record: length, bytes and 32 places by bits [63:59] of the hash
//!   └── branch at depth 1: 32 places by bits [58:54]
//!         ├── leaf of one place: up to 32 entries and 1,200 bytes, as a packed value lays them out
//!         └── leaf of 2, 4, 8, 16 or all 32 places beside each other: up to 12 entries and 600 bytes
//! ```
//!
//! The root lies in the record itself, which saves a node to copy and a miss to wait for. A leaf of
//! several places is the child of each of them, and says in its header how many they are. If it would
//! become larger, two leaves of half of the places take its place, by a bit of the hash; if a leaf of
//! one place would, a branch does, whose leaves have as many places each as they can. A branch with
//! eight entries or fewer becomes a leaf of its place again. What is added where there is no child
//! gets a leaf of as many places without one as there are around it.
//! At depth 10 the hash has run out: fields whose hashes agree in 50 bits
//! share a leaf, however many they are. An entry of more than 256 bytes lies in a block of its own,
//! and its leaf points at it, so that changing a short value never copies a long one.
//!
//! Why leaves share places: hashes are uniform, so that near a million fields one HSET of a new one in
//! twenty finds a full leaf of one place. Split over a branch whose children have a place each, it
//! makes some twenty leaves, in 6 to 10 µs; as it is, five, in 3 to 5. HSETs of new fields, each
//! timed, the best of three interleaved rounds:
//!
//! | fields there         | a leaf a place: 98th | 99.8th | bytes a field | shared: 98th | 99.8th | bytes a field |
//! |----------------------|-------:|-------:|-----:|-------:|-------:|-----:|
//! | 500,000 to 600,000   | 0.9 µs | 2.1 µs | 39.4 | 0.8 µs | 1.3 µs | 39.4 |
//! | 900,000 to 1,000,000 | 6.1 µs | 8.5 µs | 45.5 | 3.7 µs | 5.7 µs | 42.3 |
//! | a million to 1,100,000 | 6.2 µs | 8.9 µs | 48.8 | 3.3 µs | 4.3 µs | 43.9 |
//!
//! At the 99.9th percentile the interrupts of that machine show, 8 to 12 µs a thousand times a second:
//! 10 to 11 µs with both, and while others were busy on it 20 to 24 µs and 14 to 17.
//!
//! Why shared leaves are split at 12 entries, not at 32: an HSET copies its leaf. With up to 16, an HGET
//! among 10,000 fields took 6 ns more. With 12 a leaf of those takes one place. Among 128, where leaves
//! share places, SADD or SREM takes a tenth longer than with a leaf a place, HGET and HSET as long.
//!
//! Why 32 places: one level less than with 16 pays for the longer branches. Medians of interleaved
//! rounds on one busy machine, fields and values of 16 bytes, one thread:
//!
//! | places | HGET, 10,000 | HSET, 10,000 | SADD or SREM, 10,000 | bytes a field: 10,000 | 1,000,000 |
//! |-------:|-------------:|-------------:|---------------------:|----------------------:|----------:|
//! | 16     | 133 ns       | 442 ns       | 441 ns               | 46.7                  | 38.6      |
//! | 32     | 104 ns       | 392 ns       | 379 ns               | 39.3                  | 44.3      |
//!
//! With a million fields an HSET takes the same with both. Both were measured with a place a leaf; now
//! that leaves share places, a field takes 39.3 and 41.7 bytes.
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
    field_hash::FieldHash,
    packed::{Packing, fields::Fields, plan::Plan},
};
use branch::{Children, Span};
use std::hash::BuildHasher;

/// The most entries of a leaf that takes one place of a branch.
const MOST_FIELDS: usize = 32;

/// The most bytes of such a leaf with several entries.
const MOST_BYTES: usize = 1200;

/// The most entries of a leaf that takes several places.
const MOST_SHARED_FIELDS: usize = 12;

/// The most bytes of such a leaf with several entries.
const MOST_SHARED_BYTES: usize = 600;

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

/// Whether a leaf for some places of a branch may be like that, when the hash can lead deeper.
fn fits(leaf: &Packing<'_>, span: Span) -> bool {
    leaf.count() <= 1 || may_be_leaf(leaf.count(), leaf.encoded_len(), span)
}

/// Whether a leaf for some places of a branch may have so many entries and bytes.
#[inline]
fn may_be_leaf(count: usize, bytes: usize, span: Span) -> bool {
    let [most_fields, most_bytes] = if span.width() == 1 {
        [MOST_FIELDS, MOST_BYTES]
    } else {
        [MOST_SHARED_FIELDS, MOST_SHARED_BYTES]
    };
    count <= most_fields && bytes <= most_bytes
}

/// The hash of a field, whatever form it is kept in.
#[inline]
pub(crate) fn hash_of<H: BuildHasher>(hasher: &H, field: Element<'_>) -> FieldHash {
    field.with_text(|text| FieldHash::of(hasher, text))
}
