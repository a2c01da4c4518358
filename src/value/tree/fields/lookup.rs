//! Finding an entry by its field, or by its number.

use super::{FieldTree, leaf_fields};
use crate::value::{
    element::Element,
    field_hash::FieldHash,
    tree::node::{Kind, NodeRef},
};

/// Finds a field; returns what follows it in its entry.
#[inline]
pub(crate) fn find<'g>(
    tree: &'g FieldTree,
    hash: FieldHash,
    field: Element<'_>,
) -> Option<&'g [u8]> {
    let mut node = tree.children.child(hash.child(0))?;
    let mut depth = 1;
    while let Kind::Branch(branch) = node.kind() {
        node = branch.children.child(hash.child(depth))?;
        depth += 1;
    }
    leaf_fields(node).find(hash, &field).map(|found| found.rest)
}

/// The entry of that number, in the order of the hash as far as the tree keeps it.
///
/// Looks at all children of every branch on the way, since branches do not count for each of them.
pub(crate) fn entry_at(tree: &FieldTree, mut number: u64) -> Option<(Element<'_>, Element<'_>)> {
    let mut children = &tree.children;
    loop {
        let child = children.live().find(|&child| {
            let count = entry_count(child);
            let is_here = number < count;
            number -= if is_here { 0 } else { count };
            is_here
        })?;
        match child.kind() {
            Kind::Branch(branch) => children = &branch.children,
            _ => return leaf_fields(child).pair(usize::try_from(number).ok()?),
        }
    }
}

/// Entries in a node or below it.
fn entry_count(node: NodeRef<'_>) -> u64 {
    match node.kind() {
        Kind::Branch(branch) => branch.total().into(),
        _ => leaf_fields(node).len() as u64,
    }
}
