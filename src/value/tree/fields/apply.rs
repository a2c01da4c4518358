//! Applying changes to a tree: one new version, in which every node is made at most once.

use super::{
    FEW_FIELDS, FieldTree,
    branch::{Branch, Children, Span},
    fits, leaf_fields,
};
use crate::value::{
    change::{Change, Wish},
    field_hash::DEEPEST,
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

    /// What has been done, if that was one change.
    pub(crate) fn fate(self) -> Fate {
        match self {
            Self { added: 1.., .. } => Fate::Added,
            Self { replaced: 1.., .. } => Fate::Replaced,
            Self { removed: 1.., .. } => Fate::Removed,
            Self { .. } => Fate::Idle,
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

/// Places of a branch that is being made, and how deep it lies.
#[derive(Debug)]
pub(super) struct Site<'c> {
    pub(super) children: &'c mut Children,
    pub(super) span: Span,
    pub(super) depth: u8,
}

impl Site<'_> {
    /// Puts a child there, or none.
    pub(super) fn put(&mut self, child: Option<Node>) {
        self.children.set(self.span, child);
    }

    /// Whether only a leaf can be there, since the hash leads no deeper.
    pub(super) fn is_deepest(&self) -> bool {
        self.span.width() == 1 && self.depth + 1 == DEEPEST
    }

    /// Whether a leaf there may be like that.
    pub(super) fn fits(&self, leaf: &Packing<'_>) -> bool {
        self.is_deepest() || fits(leaf, self.span)
    }
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
        match (old.find(change.hash, &change.field), change.wish) {
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
        self.apply_to_children(&old.children, 0, changes, &mut new.children)
    }

    /// Applies changes to the children of the branch at a depth, of which `new` is a copy; false if
    /// nothing has changed.
    fn apply_to_children<'g>(
        &mut self,
        old: &'g Children,
        depth: u8,
        changes: &'g [Change<'g>],
        new: &mut Children,
    ) -> bool {
        let (mut has_changed, mut changes) = (false, changes);
        while let Some(first) = changes.first() {
            let span = old.span(first.hash.child(depth));
            let here = changes.partition_point(|change| change.hash.child(depth) < span.end());
            let (here, after) = changes.split_at(here);
            changes = after;
            let site = Site { children: &mut *new, span, depth };
            has_changed |= match old.child(span.first).map(|child| (child, child.kind())) {
                None => self.merge(&[], here, site) > 0,
                Some((_, Kind::Branch(branch))) => self.apply_to_branch(branch, here, site),
                Some((leaf, _)) => self.apply_to_leaf(leaf, here, site),
            };
        }
        has_changed
    }

    /// Applies changes to a leaf; false if nothing has changed.
    fn apply_to_leaf<'g>(
        &mut self,
        leaf: NodeRef<'g>,
        changes: &'g [Change<'g>],
        mut site: Site<'_>,
    ) -> bool {
        if changes.len() <= MANY {
            let mut packing = Packing::new();
            let outcome = pack(&leaf_fields(leaf), changes, Entry::of_leaf, &mut packing);
            if outcome.is_nothing() {
                return false;
            }
            if site.fits(&packing) {
                self.outcome.include(outcome);
                self.edit.kill(leaf);
                packing.for_each_gone_outside(|outside| self.edit.kill(outside));
                let leaf = self.make_leaf(&mut packing, site.span);
                site.put(leaf);
                return true;
            }
        }
        let located = self.locate(leaf_fields(leaf));
        self.edit.kill(leaf);
        self.merge(&located, changes, site);
        true
    }

    /// Makes a leaf for some places of a branch, and the blocks of those of its entries that are new
    /// and long. A leaf without entries is none.
    #[inline]
    pub(super) fn make_leaf(&mut self, packing: &mut Packing<'_>, span: Span) -> Option<Node> {
        if packing.count() == 0 {
            return None;
        }
        packing.put_outside(|change| {
            let header = header(OUTSIDE, false, 0, change.entry_len());
            self.edit.make_content(header, |to| change.write_entry(to))
        });
        let header = header(LEAF, packing.may_point(), span.width(), packing.encoded_len());
        Some(self.edit.make_content(header, |to| packing.write(to)))
    }

    /// Applies changes to a branch; false if nothing has changed.
    fn apply_to_branch<'g>(
        &mut self,
        branch: &'g Branch,
        changes: &'g [Change<'g>],
        mut site: Site<'_>,
    ) -> bool {
        let before = self.outcome;
        let mut children = branch.children;
        let depth = site.depth + 1;
        if !self.apply_to_children(&branch.children, depth, changes, &mut children) {
            return false;
        }
        self.edit.kill_fixed(branch);
        let (added, removed) =
            (self.outcome.added - before.added, self.outcome.removed - before.removed);
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a collection has less than 2³² fields"
        )]
        let total = (branch.total() as usize + added - removed) as u32;
        let joined = if removed > 0 && total <= FEW_FIELDS { self.join(&children) } else { None };
        site.put(joined.unwrap_or_else(|| Some(self.edit.make(&Branch::new(children, total)))));
        true
    }

    /// Makes one leaf of the children that a branch would have had in the place of another one;
    /// none when they do not fit into it.
    #[cold]
    fn join(&mut self, children: &Children) -> Option<Option<Node>> {
        let mut plan = Plan::new(Fields::EMPTY);
        for child in children.live() {
            if matches!(child.kind(), Kind::Branch(_)) {
                return None;
            }
            plan.add_all(&leaf_fields(child));
        }
        let mut packing = Packing::of(plan);
        let span = Span::one(0);
        if !fits(&packing, span) {
            return None;
        }
        children.live().for_each(|child| self.edit.discard(child));
        Some(self.make_leaf(&mut packing, span))
    }
}

/// The header of a node with content; a leaf takes so many places of the branch above.
pub(super) fn header(kind: u8, points: bool, width: u16, length: usize) -> Header {
    let Ok(length) = u32::try_from(length) else {
        unreachable!("an entry is shorter than 2 GiB, a leaf has less than 2²⁴ short ones");
    };
    Header { kind, points: u8::from(points), count: width, length }
}
