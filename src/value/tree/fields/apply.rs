//! Applying changes to a tree: one new version, in which every node is made at most once.

use super::{
    FEW_FIELDS, FieldTree,
    branch::{Branch, Children},
    fits, leaf_fields,
};
use crate::value::{
    change::{Change, Wish},
    few::Few,
    field_hash::FAN,
    packed::{
        Packing,
        entry::Entry,
        fields::{Fields, Found},
        plan::Plan,
        single::Fate,
    },
    tree::{
        edit::Edit,
        node::{Header, Kind, LEAF, Node, NodeRef, OUTSIDE},
        store::NodeStore,
    },
};
use std::hash::BuildHasher;

/// Changes of one leaf above which it is not tried whether they fit into it.
const MANY: usize = 64;

/// What an edit of a hash or set has done.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Outcome {
    /// Fields that were not there.
    pub(crate) added: usize,
    /// Fields that have another value.
    pub(crate) replaced: usize,
    /// Fields that are gone.
    pub(crate) removed: usize,
}

impl Outcome {
    /// What one change has done.
    #[inline]
    pub(crate) fn of(fate: Fate) -> Self {
        Self {
            added: usize::from(fate == Fate::Added),
            replaced: usize::from(fate == Fate::Replaced),
            removed: usize::from(fate == Fate::Removed),
        }
    }

    /// Whether nothing has changed.
    #[inline]
    pub(crate) fn is_nothing(&self) -> bool {
        self.added + self.replaced + self.removed == 0
    }

    pub(super) fn include(&mut self, other: Self) {
        self.added += other.added;
        self.replaced += other.replaced;
        self.removed += other.removed;
    }
}

/// What has become of a node.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Applied {
    /// It stays.
    Same,
    /// This takes its place, or nothing does.
    Now(Option<Node>),
}

/// Changes being applied.
#[derive(Debug)]
pub(crate) struct Apply<'e, 's, S: NodeStore, H> {
    pub(crate) edit: &'e mut Edit<'s, S>,
    pub(crate) hasher: &'e H,
    pub(crate) outcome: Outcome,
}

/// Applies changes to a packed value or leaf; `make` makes new entries.
#[inline(always)]
pub(crate) fn pack<'a>(
    old: &Fields<'a>,
    changes: &'a [Change<'a>],
    make: impl Fn(&'a Change<'a>) -> Entry<'a>,
    packing: &mut Packing<'a>,
) -> Outcome {
    if let [change] = changes
        && let Some(fate) = packing.apply_one(old, change, &make)
    {
        return Outcome::of(fate);
    }
    pack_many(old.sound(), changes, &make, packing)
}

/// The same, for any number of changes of a value that is sound.
#[cold]
fn pack_many<'a>(
    old: Fields<'a>,
    changes: &'a [Change<'a>],
    make: &dyn Fn(&'a Change<'a>) -> Entry<'a>,
    packing: &mut Packing<'a>,
) -> Outcome {
    let (mut plan, mut outcome) = (Plan::new(old), Outcome::default());
    for change in changes {
        match (old.find(change.hash, change.field), change.wish) {
            (None, Wish::Remove) | (Some(_), Wish::Add) => {}
            (None, Wish::Set(_) | Wish::Add) => {
                plan.add(change.hash.tag(), change.order, make(change));
                outcome.added += 1;
            }
            (Some(Found { index, .. }), Wish::Set(_)) => {
                plan.replace(index, make(change));
                outcome.replaced += 1;
            }
            (Some(Found { index, .. }), Wish::Remove) => {
                plan.remove(index);
                outcome.removed += 1;
            }
        }
    }
    plan.arrange();
    *packing = Packing::of(plan);
    outcome
}

impl<S: NodeStore, H: BuildHasher> Apply<'_, '_, S, H> {
    /// Applies changes, which are in the order of their hashes, to a tree; false if nothing has
    /// changed.
    pub(crate) fn apply<'g>(
        &mut self,
        old: &'g FieldTree,
        changes: &'g [Change<'g>],
        new: &mut FieldTree,
    ) -> bool {
        let mut is_same = true;
        self.for_each_child(&old.children, 0, changes, |index, child| {
            new.children.set(index, child);
            is_same = false;
        });
        !is_same
    }

    /// Applies changes to the children at a depth; shows what takes the place of which.
    #[inline(always)]
    fn for_each_child<'g>(
        &mut self,
        children: &'g Children,
        depth: u8,
        changes: &'g [Change<'g>],
        mut show: impl FnMut(usize, Option<Node>),
    ) {
        for group in changes.chunk_by(|a, b| a.hash.child(depth) == b.hash.child(depth)) {
            let index = group[0].hash.child(depth);
            let applied = match children.child(index) {
                Some(child) => self.apply_to_node(child, depth + 1, group),
                None => self.add(group, depth + 1),
            };
            if let Applied::Now(child) = applied {
                show(index, child);
            }
        }
    }

    /// Builds what takes the place of nothing.
    fn add<'g>(&mut self, changes: &'g [Change<'g>], depth: u8) -> Applied {
        match self.merge(&[], changes, depth) {
            None => Applied::Same,
            Some((node, _)) => Applied::Now(Some(node)),
        }
    }

    fn apply_to_node<'g>(
        &mut self,
        node: NodeRef<'g>,
        depth: u8,
        changes: &'g [Change<'g>],
    ) -> Applied {
        match node.kind() {
            Kind::Branch(branch) => self.apply_to_branch(branch, depth, changes),
            _ => self.apply_to_leaf(node, depth, changes),
        }
    }

    fn apply_to_leaf<'g>(
        &mut self,
        leaf: NodeRef<'g>,
        depth: u8,
        changes: &'g [Change<'g>],
    ) -> Applied {
        if changes.len() <= MANY {
            let mut packing = Packing::new();
            let outcome = pack(&leaf_fields(leaf), changes, Entry::of_leaf, &mut packing);
            if outcome.is_nothing() {
                return Applied::Same;
            }
            if fits(&packing, depth) {
                self.outcome.include(outcome);
                return self.replace_leaf(leaf, &mut packing);
            }
        }
        let located = self.locate(leaf_fields(leaf));
        self.edit.kill(leaf);
        Applied::Now(self.merge(&located, changes, depth).map(|(node, _)| node))
    }

    /// Makes the leaf that takes the place of one.
    #[inline]
    fn replace_leaf(&mut self, leaf: NodeRef<'_>, packing: &mut Packing<'_>) -> Applied {
        self.edit.kill(leaf);
        packing.for_each_gone_outside(|outside| self.edit.kill(outside));
        Applied::Now(self.make_leaf(packing))
    }

    /// Makes a leaf, and the blocks of those of its entries that are new and long. A leaf without
    /// entries is none.
    #[inline]
    pub(super) fn make_leaf(&mut self, packing: &mut Packing<'_>) -> Option<Node> {
        if packing.count() == 0 {
            return None;
        }
        packing.put_outside(|change| {
            let header = header(OUTSIDE, false, change.entry_len());
            self.edit.make_content(header, |to| change.write_entry(to))
        });
        let header = header(LEAF, packing.may_point(), packing.encoded_len());
        Some(self.edit.make_content(header, |to| packing.write(to)))
    }

    fn apply_to_branch<'g>(
        &mut self,
        branch: &'g Branch,
        depth: u8,
        changes: &'g [Change<'g>],
    ) -> Applied {
        let before = self.outcome;
        let mut replaced = Few::<(usize, Option<Node>), 16>::new();
        self.for_each_child(&branch.children, depth, changes, |index, child| {
            replaced.push((index, child));
        });
        if replaced.is_empty() {
            return Applied::Same;
        }
        Applied::Now(self.replace_branch(branch, &replaced, before))
    }

    /// Makes what takes the place of a branch when some of its children are replaced, by what has
    /// come out since `before`.
    #[inline]
    fn replace_branch(
        &mut self,
        branch: &Branch,
        replaced: &[(usize, Option<Node>)],
        before: Outcome,
    ) -> Option<Node> {
        self.edit.kill_fixed(branch);
        let mut children = branch.children;
        replaced.iter().for_each(|&(index, child)| children.set(index, child));
        let (added, removed) =
            (self.outcome.added - before.added, self.outcome.removed - before.removed);
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a collection has less than 2³² fields"
        )]
        let total = (branch.total() as usize + added - removed) as u32;
        if removed > 0
            && total <= FEW_FIELDS
            && let Some(joined) = self.join(branch, &children)
        {
            return joined;
        }
        Some(self.edit.make(&Branch::new(children, total)))
    }

    /// Makes one leaf of the children that a branch would have had in the place of another one;
    /// none when they do not fit into it.
    #[cold]
    fn join(&mut self, old: &Branch, children: &Children) -> Option<Option<Node>> {
        let mut plan = Plan::new(Fields::EMPTY);
        for child in children.live() {
            if matches!(child.kind(), Kind::Branch(_)) {
                return None;
            }
            plan.add_all(&leaf_fields(child));
        }
        let mut packing = Packing::of(plan);
        if !fits(&packing, 0) {
            return None;
        }
        for index in 0..FAN {
            let before = old.children.child(index).map(NodeRef::node);
            match children.child(index) {
                Some(child) if before == Some(child.node()) => self.edit.kill(child),
                Some(child) => self.edit.discard(child),
                None => {}
            }
        }
        Some(self.make_leaf(&mut packing))
    }
}

/// The header of a node with content.
pub(super) fn header(kind: u8, points: bool, length: usize) -> Header {
    let Ok(length) = u32::try_from(length) else {
        unreachable!("an entry is shorter than 2 GiB, a leaf has less than 2²⁴ short ones");
    };
    Header { kind, points: u8::from(points), count: 0, length }
}
