//! Keeping a part of the chunks, and removing elements here and there.

use super::{branch::LowBranch, element_count, make, part_below, part_of};
use crate::value::{
    packed::run::Run,
    tree::{
        edit::{Edit, Part},
        node::NodeRef,
        store::{Detached, NodeStore},
    },
};

/// Keeps the chunks of the elements `from..to`, at which chunks begin and end.
pub(crate) fn keep<S: NodeStore>(
    root: NodeRef<'_>,
    from: u64,
    to: u64,
    edit: &mut Edit<'_, S>,
) -> Option<Part> {
    keep_below(root, from, to, edit).map(|kept| lower(kept, edit))
}

fn keep_below<S: NodeStore>(
    node: NodeRef<'_>,
    from: u64,
    to: u64,
    edit: &mut Edit<'_, S>,
) -> Option<Part> {
    let Some(branch) = node.list_branch() else {
        // A chunk that was not kept as a whole begins or ends where the rest does.
        drop_tree(node, edit);
        return None;
    };
    edit.discard(node);
    let mut kept = LowBranch::new(branch.height());
    let mut start = 0;
    for (index, child) in branch.live_children().enumerate() {
        let end = start + u64::from(branch.counts[index]);
        if from <= start && end <= to {
            part_below(branch, index).iter().for_each(|part| kept.push(part));
        } else if end <= from || to <= start {
            drop_tree(child, edit);
        } else {
            let rest = keep_below(child, from.saturating_sub(start), to.min(end) - start, edit);
            rest.iter().for_each(|part| kept.push(part));
        }
        start = end;
    }
    (kept.child_count() > 0).then(|| kept.make(edit))
}

/// Discards a node and all below it; what an edit has not made is one tree.
pub(crate) fn drop_tree<S: NodeStore>(node: NodeRef<'_>, edit: &mut Edit<'_, S>) {
    match node.list_branch() {
        None => edit.discard(node),
        Some(branch) if edit.made(node.node()) => {
            edit.discard(node);
            branch.live_children().for_each(|child| drop_tree(child, edit));
        }
        Some(branch) => edit.kill_tree(Detached { root: node.node(), bytes: branch.bytes }),
    }
}

/// Removes the elements of these indices, which ascend; the first element has the index `start`.
pub(crate) fn remove<S: NodeStore>(
    root: NodeRef<'_>,
    indices: &[u64],
    start: u64,
    edit: &mut Edit<'_, S>,
) -> Option<Part> {
    remove_below(root, indices, start, edit).map(|kept| lower(kept, edit))
}

fn remove_below<S: NodeStore>(
    node: NodeRef<'_>,
    indices: &[u64],
    start: u64,
    edit: &mut Edit<'_, S>,
) -> Option<Part> {
    edit.discard(node);
    let Some(branch) = node.list_branch() else {
        return remove_from_chunk(node, indices, start, edit);
    };
    let mut kept = LowBranch::new(branch.height());
    let (mut start, mut indices) = (start, indices);
    for (number, child) in branch.live_children().enumerate() {
        let end = start + u64::from(branch.counts[number]);
        let (here, after) = indices.split_at(indices.partition_point(|&index| index < end));
        let stays = here.is_empty();
        let part =
            if stays { part_below(branch, number) } else { remove_below(child, here, start, edit) };
        part.iter().for_each(|part| kept.push(part));
        (start, indices) = (end, after);
    }
    (kept.child_count() > 0).then(|| kept.make(edit))
}

fn remove_from_chunk<S: NodeStore>(
    chunk: NodeRef<'_>,
    indices: &[u64],
    start: u64,
    edit: &mut Edit<'_, S>,
) -> Option<Part> {
    let count = element_count(chunk);
    let rest = without(&Run::of(chunk.content(), count), indices, start);
    (rest.count() > 0).then(|| make(&rest, edit))
}

/// A run without the elements of these indices, which ascend; its first one has the index `start`.
pub(crate) fn without<'a>(run: &Run<'a>, indices: &[u64], start: u64) -> Run<'a> {
    let mut rest = Run::new();
    let mut from = 0;
    for &index in indices {
        let Ok(to) = usize::try_from(index - start) else { break };
        rest.extend(run, from, to);
        from = to + 1;
    }
    rest.extend(run, from, run.count());
    rest
}

/// Gives the place of a root with one child to that child.
pub(super) fn lower<S: NodeStore>(root: Part, edit: &mut Edit<'_, S>) -> Part {
    let mut root = root;
    loop {
        // SAFETY: the node was made by this edit or is the old version's, and so is what is below.
        let node = unsafe { NodeRef::new(root.node) };
        let Some(branch) = node.list_branch() else { return root };
        let (1, Some(child)) = (branch.child_count(), branch.child(0)) else {
            return root;
        };
        edit.discard(node);
        root = part_of(child, root.count, branch.marks_of(0));
    }
}
