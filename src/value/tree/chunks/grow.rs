//! Putting chunks in the place of one, and at the ends.

use super::{
    FAN, Parts,
    branch::{AnyBranch, LowBranch},
    child_with,
    marks::Marks,
    part_below, part_of, part_of_chunk,
    shrink::lower,
};
use crate::value::{
    few::Few,
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

/// What takes the place of a chunk, nothing perhaps: a call is shown the chunk, its marks and an
/// element's index in it, and discards what it does not keep.
type Change<'c, 'g, 's, S> = dyn FnMut(&mut Edit<'s, S>, (NodeRef<'g>, Marks), usize) -> Parts + 'c;

/// A branch on the way to a chunk.
#[derive(Clone, Copy, Debug)]
struct Step<'g> {
    node: NodeRef<'g>,
    branch: AnyBranch<'g>,
    /// Elements below.
    count: u32,
    /// The child that is next on the way.
    at: usize,
}

impl Step<'_> {
    /// The branch as its parent sees it.
    fn part(&self) -> Part {
        part_of(self.node, self.count, Marks::ALL)
    }
}

/// Puts chunks in the place of the one that an element is in.
pub(crate) fn rewrite<'g, 's, S: NodeStore>(
    root: NodeRef<'g>,
    index: u64,
    split: Split,
    edit: &mut Edit<'s, S>,
    change: &mut Change<'_, 'g, 's, S>,
) -> Option<Part> {
    let mut path = Few::<Step<'g>, 6>::new();
    let (mut node, mut marks, mut rest) = (root, Marks::ALL, index);
    let mut count = root.list_branch().map_or(0, |branch| branch.total());
    while let Some(branch) = node.list_branch() {
        let (at, before) = child_with(&branch, rest);
        path.push(Step { node, branch, count, at });
        (marks, count) = (branch.marks_of(at), branch.counts[at]);
        node = branch.child(at)?;
        rest -= before;
    }
    let mut old = part_of_chunk(node, marks);
    let mut new = change(edit, (node, marks), usize::try_from(rest).unwrap_or(usize::MAX));
    for step in path.iter().rev() {
        new = put(step, &[old], &new, split, edit);
        old = step.part();
    }
    #[expect(clippy::cast_possible_truncation, reason = "a tree of 2³² elements is eight high")]
    raise(new, path.len() as u8, split, edit)
}

/// Adds chunks at an end of a tree, or makes a tree of them.
pub(crate) fn push<S: NodeStore>(
    root: Option<NodeRef<'_>>,
    side: Side,
    chunks: &[Part],
    edit: &mut Edit<'_, S>,
) -> Option<Part> {
    let split = Split::At(side);
    let path = root.map_or_else(Few::new, |root| way_to_side(root, side));
    let (mut height, mut new) = (0, Parts::new());
    chunks.iter().for_each(|&part| new.push(part));
    let mut old = None;
    for step in path.iter().rev() {
        height = step.branch.height();
        if old.is_none() && step.branch.child_count() + new.len() > FAN {
            // The branch is full, and stays as it is.
            new = group(&new, height, split, edit);
        } else {
            let at = if old.is_none() && side == Side::Right { step.at + 1 } else { step.at };
            new = put(&Step { at, ..*step }, old.as_slice(), &new, split, edit);
            old = Some(step.part());
        }
    }
    if old.is_none()
        && let Some(root) = root
    {
        let there = match root.list_branch() {
            None => part_of_chunk(root, Marks::ALL),
            Some(branch) => part_of(root, branch.total(), Marks::ALL),
        };
        new = beside(&there, &new, side);
    }
    raise(new, height, split, edit)
}

/// The branches above the chunk at a side, which itself is not looked at.
fn way_to_side(root: NodeRef<'_>, side: Side) -> Few<Step<'_>, 6> {
    let mut path = Few::new();
    let mut count = root.list_branch().map_or(0, |branch| branch.total());
    let mut next = Some(root);
    while let Some((node, branch)) = next.and_then(|node| Some((node, node.list_branch()?))) {
        let last = branch.child_count().saturating_sub(1);
        let at = if side == Side::Left { 0 } else { last };
        path.push(Step { node, branch, count, at });
        count = branch.counts[at];
        next = branch.child(at).filter(|_| branch.height() > 1);
    }
    path
}

/// Takes off up to so many chunks at a side, all below one branch, from left to right; nothing when
/// there would be none left.
pub(crate) fn take<const MOST: usize, S: NodeStore>(
    root: NodeRef<'_>,
    side: Side,
    edit: &mut Edit<'_, S>,
) -> Option<(Few<Part, MOST>, Part)> {
    let path = way_to_side(root, side);
    let lowest = path.last()?;
    let there = lowest.branch.child_count();
    let count = MOST.min(if path.len() == 1 { there.saturating_sub(1) } else { there });
    if count == 0 {
        return None;
    }
    let at = if side == Side::Left { 0 } else { there - count };
    let mut taken = Few::new();
    (at..at + count)
        .filter_map(|at| part_below(lowest.branch, at))
        .for_each(|part| taken.push(part));
    let mut new = put(&Step { at, ..*lowest }, &taken, &[], Split::At(side), edit);
    for (step, below) in path.iter().zip(&path[1..]).rev() {
        new = put(step, &[below.part()], &new, Split::At(side), edit);
    }
    Some((taken, lower(*new.first()?, edit)))
}

/// Nodes that stand at a side of another one, and that one.
fn beside(there: &Part, nodes: &[Part], side: Side) -> Parts {
    let there = std::slice::from_ref(there);
    let (before, after) = if side == Side::Left { (nodes, there) } else { (there, nodes) };
    let mut parts = Parts::new();
    before.iter().chain(after).for_each(|&part| parts.push(part));
    parts
}

/// Makes what takes the place of a branch when nodes take the place of some of its children, or come
/// in front of the one that is next.
#[inline]
fn put<S: NodeStore>(
    step: &Step<'_>,
    old: &[Part],
    new: &[Part],
    split: Split,
    edit: &mut Edit<'_, S>,
) -> Parts {
    let Step { node, branch, at, .. } = *step;
    edit.discard(node);
    let taken = old.len();
    let children = branch.child_count() - taken + new.len();
    if children > FAN {
        return divide(branch, at, taken, new, split, edit);
    }
    let mut parts = Parts::new();
    if children > 0 {
        let (mut count, mut bytes) = (step.count, branch.bytes);
        for part in old {
            count -= part.count;
            bytes -= part.bytes;
        }
        for part in new {
            count += part.count;
            bytes += part.bytes;
        }
        let node = branch.make_replaced(at, taken, new, bytes, edit);
        parts.push(Part { node, count, bytes, marks: Marks::ALL });
    }
    parts
}

/// Makes several branches in the place of one, with nodes in the place of one child or of none.
#[cold]
fn divide<S: NodeStore>(
    branch: AnyBranch<'_>,
    at: usize,
    taken: usize,
    new: &[Part],
    split: Split,
    edit: &mut Edit<'_, S>,
) -> Parts {
    let mut all: Vec<_> =
        (0..branch.child_count()).filter_map(|at| part_below(branch, at)).collect();
    all.splice(at..at + taken, new.iter().copied());
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
        let mut branch = LowBranch::new(height);
        nodes.iter().for_each(|node| branch.push(node));
        parts.push(branch.make(edit));
    }
    parts
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
