//! Putting chunks in the place of one, and at the ends.

use super::{
    Parts, branch::ListBranch, child_with, marks::Marks, part_of, part_of_chunk, tree_bytes,
};
use crate::value::{
    field_hash::FAN,
    packed::run::Side,
    tree::{
        edit::{Edit, Part},
        node::NodeRef,
        store::NodeStore,
    },
};

/// How the children of a node that is split are divided.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Split {
    /// The list grows at an end: the node there begins anew, the others are full.
    At(Side),
    /// All get about as many.
    Evenly,
}

/// What takes the place of a chunk: a call is shown the chunk, its marks and an element's index in
/// it, and discards what it does not keep.
type Change<'c, 's, S> = dyn FnMut(&mut Edit<'s, S>, (NodeRef<'_>, Marks), usize) -> Parts + 'c;

/// Puts chunks in the place of the one that an element is in.
pub(crate) fn rewrite<'s, S: NodeStore>(
    root: NodeRef<'_>,
    index: u64,
    split: Split,
    edit: &mut Edit<'s, S>,
    change: &mut Change<'_, 's, S>,
) -> Option<Part> {
    let height = root.list_branch().map_or(0, ListBranch::height);
    let nodes = rewrite_node((root, Marks::ALL), index, split, edit, change);
    raise(nodes, height, split, edit)
}

fn rewrite_node<'s, S: NodeStore>(
    (node, marks): (NodeRef<'_>, Marks),
    index: u64,
    split: Split,
    edit: &mut Edit<'s, S>,
    change: &mut Change<'_, 's, S>,
) -> Parts {
    let Some(branch) = node.list_branch() else {
        return change(edit, (node, marks), usize::try_from(index).unwrap_or(usize::MAX));
    };
    let (at, before) = child_with(branch, index);
    let Some(child) = branch.child(at) else { return Parts::new() };
    let child_marks = branch.marks_of(at);
    let new = rewrite_node((child, child_marks), index - before, split, edit, change);
    edit.discard(node);
    if branch.child_count() - 1 + new.len() > FAN {
        return divide(branch, at, &new, split, edit);
    }
    let (mut count, mut bytes, mut marks) = (0, branch.bytes - tree_bytes(child), Marks::NONE);
    bytes += new.iter().map(|part| part.bytes).sum::<u64>();
    let node = edit.make_changed(branch, |grown| {
        grown.replace(at, &new);
        grown.bytes = bytes;
        (count, marks) = (grown.total(), grown.all_marks());
    });
    let mut parts = Parts::new();
    parts.push(Part { node, count, bytes, marks });
    parts
}

/// Makes several branches in the place of one, a child of which is several nodes now.
fn divide<S: NodeStore>(
    branch: &ListBranch,
    at: usize,
    new: &[Part],
    split: Split,
    edit: &mut Edit<'_, S>,
) -> Parts {
    let mut all = Vec::with_capacity(FAN + new.len());
    for (index, child) in branch.live_children().enumerate() {
        if index == at {
            all.extend_from_slice(new);
        } else {
            all.push(part_of(child, branch.counts[index], branch.marks_of(index)));
        }
    }
    group(&all, branch.height(), split, edit)
}

/// Makes branches of a height above these nodes, as few as hold them.
fn group<S: NodeStore>(nodes: &[Part], height: u8, split: Split, edit: &mut Edit<'_, S>) -> Parts {
    let groups = nodes.len().div_ceil(FAN);
    let first = match split {
        Split::At(Side::Left) => nodes.len() - FAN * groups.saturating_sub(1),
        Split::At(Side::Right) => FAN,
        Split::Evenly => nodes.len().div_ceil(groups.max(1)),
    };
    let size = if split == Split::Evenly { first } else { FAN };
    let (first, others) = nodes.split_at(first.min(nodes.len()));
    let mut parts = Parts::new();
    for nodes in std::iter::once(first).chain(others.chunks(size.max(1))) {
        let mut branch = ListBranch::new(height);
        for node in nodes {
            branch.push(node.node, node.count, node.marks);
            branch.bytes += node.bytes;
        }
        parts.push(finish(&branch, edit));
    }
    parts
}

/// Makes a branch whose bytes are known.
pub(super) fn finish<S: NodeStore>(branch: &ListBranch, edit: &mut Edit<'_, S>) -> Part {
    let (count, marks) = (branch.total(), branch.all_marks());
    Part { node: edit.make(branch), count, bytes: branch.bytes, marks }
}

/// Makes one tree of nodes that stand side by side at a height.
fn raise<S: NodeStore>(
    mut nodes: Parts,
    mut height: u8,
    split: Split,
    edit: &mut Edit<'_, S>,
) -> Option<Part> {
    while nodes.len() > 1 {
        height += 1;
        nodes = group(&nodes, height, split, edit);
    }
    nodes.first().copied()
}

/// Adds chunks at an end of a tree, or makes a tree of them.
pub(crate) fn push<S: NodeStore>(
    root: Option<NodeRef<'_>>,
    side: Side,
    chunks: &[Part],
    edit: &mut Edit<'_, S>,
) -> Option<Part> {
    let beside = |there: &[Part]| {
        let (before, after) = match side {
            Side::Left => (chunks, there),
            Side::Right => (there, chunks),
        };
        let mut parts = Parts::new();
        before.iter().chain(after).for_each(|&part| parts.push(part));
        parts
    };
    let split = Split::At(side);
    let index = if side == Side::Left { 0 } else { u64::MAX };
    match root {
        None => raise(beside(&[]), 0, split, edit),
        Some(root) => {
            let mut change =
                |_: &mut Edit<'_, S>, (chunk, marks): (NodeRef<'_>, Marks), _: usize| {
                    beside(&[part_of_chunk(chunk, marks)])
                };
            rewrite(root, index, split, edit, &mut change)
        }
    }
}
