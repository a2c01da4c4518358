//! Changing one field of a tree whose shape stays as it is, which most edits do: a leaf is remade, and
//! the branches on the way to it.
//!
//! [`Apply`](super::Apply) could do the same. This knows how many nodes there are, and writes each of
//! them once, where it stays.

use super::{
    FEW_FIELDS, FieldTree,
    apply::header,
    branch::{Branch, Span},
    leaf_fields, may_be_leaf,
};
use crate::value::{
    change::Change,
    few::Few,
    packed::{
        REPACK,
        entry::Entry,
        single::{Fate, Overwrite, Single, Successor},
    },
    tree::{
        edit::Edit,
        node::{Kind, LEAF, Node, NodeRef},
        store::NodeStore,
    },
};

/// What becomes of the root of a tree, when that is nothing else.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Graft {
    fate: Fate,
    /// Which places of the root have another child.
    span: Span,
    child: Option<Node>,
    len: u64,
    bytes: u64,
}

impl Graft {
    /// Makes the new version of a tree by a change, all but the root; none, and nothing made, when the
    /// shape changes or when an entry of the leaf lies outside.
    #[inline(always)]
    pub(crate) fn new<'g, S: NodeStore>(
        tree: &'g FieldTree,
        change: &'g Change<'g>,
        edit: &mut Edit<'_, S>,
    ) -> Option<Self> {
        let hash = change.hash;
        let mut path = Few::<&'g Branch, 6>::new();
        let mut leaf = tree.children.child(hash.child(0))?;
        leaf.fetch();
        while let Kind::Branch(branch) = leaf.kind() {
            path.push(branch);
            leaf = branch.children.child(hash.child(depth_below(&path)))?;
            leaf.fetch();
        }
        if leaf.header().points != 0 {
            return None;
        }
        let mut depth = depth_below(&path);
        let mut span = leaf.span(hash.child(depth));
        let fields = leaf_fields(leaf);
        let found = fields.find(change.hash, &change.field);
        let (fate, more, mut child);
        if let Some(overwrite) = Overwrite::new(fields, found, &change.wish) {
            (fate, more) = (Fate::Replaced, 0);
            child = remake(leaf, span, &overwrite, edit);
        } else {
            let single = Single::new(&fields, found, change, Entry::of_leaf)?;
            (fate, more) = match single.fate() {
                Fate::Added if is_leaf(&single, span) => (Fate::Added, 1),
                Fate::Replaced if is_leaf(&single, span) => (Fate::Replaced, 0),
                Fate::Removed if single.count() > 0 && stays_tree(tree, &path) => {
                    (Fate::Removed, -1)
                }
                Fate::Idle => return Some(Self::idle(tree)),
                _ => return None,
            };
            child = remake(leaf, span, &single, edit);
        }
        for &branch in path.iter().rev() {
            edit.kill_fixed(branch);
            child = edit.make_changed(branch, |copy| copy.replace(span, child, more));
            depth -= 1;
            span = Span::one(hash.child(depth));
        }
        let (len, bytes) =
            (tree.len.saturating_add_signed(more.into()), edit.bytes_after(tree.bytes));
        Some(Self { fate, span, child: Some(child), len, bytes })
    }

    /// Nothing else.
    #[cold]
    fn idle(tree: &FieldTree) -> Self {
        Self { fate: Fate::Idle, span: Span::ALL, child: None, len: tree.len, bytes: tree.bytes }
    }

    /// What has happened to the field.
    #[inline]
    pub(crate) fn fate(&self) -> Fate {
        self.fate
    }

    /// Bytes of all nodes of the new version.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Makes the root of the old version that of the new one.
    #[inline]
    pub(crate) fn change_root(&self, root: &mut FieldTree) {
        root.children.set(self.span, self.child);
        (root.len, root.bytes) = (self.len, self.bytes);
    }
}

/// Makes a leaf that takes the place of another one.
#[inline(always)]
fn remake<S: NodeStore>(
    leaf: NodeRef<'_>,
    span: Span,
    value: &impl Successor,
    edit: &mut Edit<'_, S>,
) -> Node {
    edit.kill(leaf);
    let header = header(LEAF, false, span.width(), value.encoded_len());
    edit.make_content(header, |to| value.write(to))
}

/// How deep what is below these branches lies.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "twelve at most")]
fn depth_below(path: &[&Branch]) -> u8 {
    path.len() as u8
}

/// Whether a leaf may be like that.
#[inline(always)]
fn is_leaf(single: &Single<'_>, span: Span) -> bool {
    !single.may_point() && may_be_leaf(single.count(), single.encoded_len(), span)
}

/// Whether no branch becomes a leaf, nor the tree a packed value, when there is an entry less.
fn stays_tree(tree: &FieldTree, path: &[&Branch]) -> bool {
    tree.len > REPACK as u64 + 1 && path.iter().all(|branch| branch.total() > FEW_FIELDS + 1)
}
