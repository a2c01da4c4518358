//! The middle of a long list: a B+ tree of chunks with counts.
//!
//! ```text
//! branch of height 2 ── up to 32 children, and how many elements are below each
//!   └── branch of height 1 ── the same, and which elements may be in each
//!         └── chunk: elements of 512 bytes together, or one longer element
//! ```
//!
//! Children are dense: the first `count` places of a branch are taken, and none of them is empty.
//! Every branch knows the bytes of all that is below it, so that a part that is cut off can be
//! retired as one tree whose size is known.
//!
//! A search for an element passes over every chunk whose [marks](marks::Marks) tell that it is not
//! there. Only branches right above chunks keep marks, of each of them: below a higher branch there are
//! so many elements that they would tell nothing, and every change copies all branches above a chunk.
//!
//! A node that would get a 33rd child is split, at the end that grows if it grows at an end,
//! so that a queue fills its nodes to the last place; else in halves. Nodes are never joined: one
//! that loses its last child goes, and a root with one child gives way to it. A list whose elements
//! are removed here and there may thus be left with one element in a chunk of 32 bytes.

pub(super) mod branch;
mod grow;
mod iter;
pub(crate) mod marks;
mod set;
mod shrink;

pub(crate) use grow::{Split, push, rewrite, take};
pub(crate) use iter::Chunks;
pub(crate) use set::set;
pub(crate) use shrink::{drop_tree, keep, remove, without};

use super::{
    edit::{Edit, Part},
    node::{Header, LEAF, NodeRef, content_block},
    store::NodeStore,
};
use crate::value::{few::Few, packed::run::Run};
use branch::{AnyBranch, Head};
use marks::Marks;

/// The most bytes of a chunk with several elements.
pub(crate) const CHUNK: usize = 512;

/// Children of a branch. With 20 an edit of a hundred thousand elements copies two thirds of the bytes and
/// takes 8 % less; but a search, which goes from one branch to the next, takes 15 % longer.
const FAN: usize = 32;

/// Children whose counts are summed before any of them is looked at.
const GROUP: usize = 8;

/// Nodes that stand side by side at one height.
pub(crate) type Parts = Few<Part, 2>;

/// A chunk that is found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found<'g> {
    /// Its elements, packed.
    pub(crate) bytes: &'g [u8],
    /// The number of its elements.
    pub(crate) count: usize,
    /// The index of its first element.
    pub(crate) start: u64,
}

/// Finds the chunk that an element of the tree is in.
#[inline]
pub(crate) fn find(root: NodeRef<'_>, index: u64) -> Option<Found<'_>> {
    let (mut node, mut rest) = (root, index);
    while let Some(branch) = node.list_branch() {
        let (child, before) = child_with(&branch, rest);
        node = branch.child(child)?;
        rest -= before;
    }
    Some(found(node, index - rest))
}

/// A chunk, the first element of which has an index.
#[inline]
pub(crate) fn found(chunk: NodeRef<'_>, start: u64) -> Found<'_> {
    Found { bytes: chunk.content(), count: element_count(chunk), start }
}

/// Which child of a branch an element is below, and how many elements are in front of that child;
/// the last child, if it has fewer.
#[inline]
fn child_with(branch: &Head, index: u64) -> (usize, u64) {
    let mut left = u32::try_from(index).unwrap_or(u32::MAX);
    let (groups, _) = branch.counts.as_chunks::<GROUP>();
    let sums: [u32; FAN / GROUP] = std::array::from_fn(|group| {
        groups[group].iter().fold(0_u32, |sum, &n| sum.wrapping_add(n))
    });
    let group = pass(sums, &mut left);
    let child = GROUP * group + pass(groups[group], &mut left);
    let last = branch.child_count().saturating_sub(1);
    if child > last {
        return (last, branch.total().wrapping_sub(branch.counts[last % FAN]).into());
    }
    (child, index - u64::from(left))
}

/// Passes over counts, the last one excepted, as long as that leaves something of an index; says how
/// many it has passed.
///
/// All of them are looked at: whoever stopped at the right one would stop at another one each time,
/// which processors foresee badly.
#[inline]
fn pass<const COUNTS: usize>(counts: [u32; COUNTS], index: &mut u32) -> usize {
    let (mut passed, mut before, mut after) = (0, 0, 0_u32);
    for &count in &counts[..COUNTS - 1] {
        after = after.wrapping_add(count);
        let is_passed = after <= *index;
        passed += usize::from(is_passed);
        before = if is_passed { after } else { before };
    }
    *index -= before;
    passed
}

/// The number of elements of a chunk.
#[inline]
fn element_count(chunk: NodeRef<'_>) -> usize {
    usize::from(chunk.header().count)
}

/// A node as its parent sees it, when it has that many elements and these marks.
fn part_of(node: NodeRef<'_>, count: u32, marks: Marks) -> Part {
    Part { node: node.node(), count, bytes: tree_bytes(node), marks }
}

/// A child of a branch, as the branch sees it.
fn part_below(branch: AnyBranch<'_>, index: usize) -> Option<Part> {
    Some(part_of(branch.child(index)?, branch.counts[index], branch.marks_of(index)))
}

/// A chunk as its parent sees it.
pub(crate) fn part_of_chunk(chunk: NodeRef<'_>, marks: Marks) -> Part {
    part_of(chunk, chunk.header().count.into(), marks)
}

/// The same, with the marks of its elements.
pub(crate) fn part_with_marks(chunk: NodeRef<'_>) -> Part {
    let run = Run::of(chunk.content(), element_count(chunk));
    part_of_chunk(chunk, run.marks())
}

/// Bytes of a node and of all that is below it.
fn tree_bytes(node: NodeRef<'_>) -> u64 {
    node.list_branch().map_or_else(|| node.block_bytes() as u64, |branch| branch.bytes)
}

/// Makes a chunk.
fn make<S: NodeStore>(run: &Run<'_>, edit: &mut Edit<'_, S>) -> Part {
    Part { marks: run.marks(), ..make_unmarked(run, edit) }
}

/// Makes a chunk of which nobody is told what may be in it.
fn make_unmarked<S: NodeStore>(run: &Run<'_>, edit: &mut Edit<'_, S>) -> Part {
    let Ok(length) = u32::try_from(run.bytes()) else {
        unreachable!("a chunk has 512 bytes, or one element of at most 512 MiB");
    };
    let count = u16::try_from(run.count()).unwrap_or(u16::MAX);
    let header = Header { kind: LEAF, points: 0, count, length };
    let node = edit.make_content(header, |to| run.write(to));
    let bytes = content_block(run.bytes()) as u64;
    Part { node, count: u32::from(count), bytes, marks: Marks::ALL }
}

/// Makes a chunk of elements as they lie elsewhere, of which nobody is told what may be in it.
pub(crate) fn make_of<S: NodeStore>(elements: &[u8], count: u16, edit: &mut Edit<'_, S>) -> Part {
    make_unmarked(&Run::of(elements, count.into()), edit)
}

/// Makes as few chunks of a run as hold it, all about as long.
pub(crate) fn make_all<S: NodeStore>(run: &Run<'_>, edit: &mut Edit<'_, S>) -> Parts {
    let mut parts = Parts::new();
    if run.count() > 0 {
        let enough = run.bytes().div_ceil(run.bytes().div_ceil(CHUNK));
        run.cut(enough, CHUNK, |part| parts.push(make(part, edit)));
    }
    parts
}
