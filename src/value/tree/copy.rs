//! Copying a tree, for a value that gets a second successor.

use super::{
    edit::Edit,
    fields::{FieldTree, branch::Branch, leaf_fields},
    node::{Kind, Node, NodeRef},
    store::NodeStore,
};
use crate::value::packed::{Packing, entry::Entry, fields::Fields, plan::Plan};

/// Makes a copy of a hash or set that shares nothing with it.
pub(crate) fn copy_fields<S: NodeStore>(tree: &FieldTree, edit: &mut Edit<'_, S>) -> FieldTree {
    let mut copy = *tree;
    copy.children.replace_all(|child| copy_node(child, edit));
    copy
}

/// Makes a copy of a node and of all that is below it.
pub(crate) fn copy_node<S: NodeStore>(node: NodeRef<'_>, edit: &mut Edit<'_, S>) -> Node {
    match node.kind() {
        Kind::Branch(branch) => {
            let mut copy: Branch = *branch;
            copy.children.replace_all(|child| copy_node(child, edit));
            edit.make(&copy)
        }
        Kind::ListBranch(branch) => branch.make_copy(edit, copy_node),
        Kind::Content(_) if node.header().points != 0 => copy_pointing(node, edit),
        Kind::Content(content) => edit.make_content(node.header(), |to| to.bytes(content)),
    }
}

/// Makes a copy of a leaf, and of its entries outside.
fn copy_pointing<S: NodeStore>(leaf: NodeRef<'_>, edit: &mut Edit<'_, S>) -> Node {
    let fields = leaf_fields(leaf);
    let mut plan = Plan::new(Fields::EMPTY);
    for index in 0..fields.len() {
        let entry = match fields.outside(index) {
            None => Entry::Old(fields.raw(index)),
            Some(outside) => Entry::Outside(copy_node(outside, edit)),
        };
        plan.add(fields.tag(index), 0, entry);
    }
    let packing = Packing::of(plan);
    edit.make_content(leaf.header(), |to| packing.write(to))
}
