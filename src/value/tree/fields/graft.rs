//! Changing one field of a tree whose shape stays as it is, which most edits do: a leaf is remade, and
//! the branches on the way to it.
//!
//! [`Apply`](super::Apply) could do the same. This knows how many nodes there are, and writes each of
//! them once, where it stays.
//!
//! What it makes is good for every version in which the root still has the child that is replaced. So
//! a writer who has lost copies a root, not the whole path. Nanoseconds of an HSET, medians of 25 and of
//! 9 interleaved rounds on a busy machine of two processors:
//!
//! | fields, threads   | the path again | the root again |
//! |-------------------|---------------:|---------------:|
//! | 10,000, two       | 580            | 534            |
//! | 10,000, eight     | 697            | 624            |
//! | a million, two    | 992            | 886            |
//! | a million, eight  | 1152           | 1082           |
//!
//! To look for another version before the first attempt gains nothing more: a block taken for the root
//! comes from another processor's cache then, between the look and the compare-and-swap.

use super::{
    FEW_FIELDS, FieldTree,
    apply::header,
    branch::{Branch, Span},
    leaf_fields, may_be_leaf,
};
use crate::{
    sync::{Mutant, is_mutant},
    value::{
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
    },
};

/// What becomes of the root of a tree, when that is nothing else: another child, in the place of one.
///
/// It was made of one version, and [fits](Self::fits) any other that has this child. What is below is
/// the same then, since nodes do not change, and are not used anew while somebody is pinned who has seen
/// them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Graft {
    fate: Fate,
    /// Which places of the root have another child.
    span: Span,
    old: Node,
    child: Node,
    /// Entries that there are more.
    more: i32,
    /// Bytes of nodes that there are more.
    gained: i64,
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
        let old = leaf.node();
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
                Fate::Removed if single.count() > 0 && stay_branches(&path) && stays_tree(tree) => {
                    (Fate::Removed, -1)
                }
                Fate::Idle => return Some(Self::idle(span, old)),
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
        Some(Self { fate, span, old, child, more, gained: edit.gained() })
    }

    /// Nothing else.
    #[cold]
    fn idle(span: Span, old: Node) -> Self {
        Self { fate: Fate::Idle, span, old, child: old, more: 0, gained: 0 }
    }

    /// Whether the root of this version, too, is to get that child, and stays one.
    pub(crate) fn fits(&self, tree: &FieldTree) -> bool {
        let child = tree.children.child(self.span.first).map(NodeRef::node);
        let has_child = child == Some(self.old) || is_mutant(Mutant::GraftUnasked);
        has_child && (self.fate != Fate::Removed || stays_tree(tree))
    }

    /// What has happened to the field.
    #[inline]
    pub(crate) fn fate(&self) -> Fate {
        self.fate
    }

    /// Bytes of all nodes of the version that takes the place of this one.
    pub(crate) fn bytes_after(&self, old: &FieldTree) -> u64 {
        old.bytes.saturating_add_signed(self.gained)
    }

    /// Makes the root of a version that this fits that of the next one.
    #[inline]
    pub(crate) fn change_root(&self, root: &mut FieldTree) {
        root.children.set(self.span, Some(self.child));
        root.len = root.len.saturating_add_signed(self.more.into());
        root.bytes = self.bytes_after(root);
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

/// Whether a tree does not become a packed value when there is an entry less.
fn stays_tree(tree: &FieldTree) -> bool {
    tree.len > REPACK as u64 + 1
}

/// Whether none of these branches becomes a leaf when there is an entry less.
fn stay_branches(path: &[&Branch]) -> bool {
    path.iter().all(|branch| branch.total() > FEW_FIELDS + 1)
}
