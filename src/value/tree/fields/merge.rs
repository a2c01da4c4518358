//! Building the part of a tree that takes the place of a leaf: its entries and the changes, spread
//! over as many leaves as they need.

use super::{
    Outcome,
    apply::{Apply, Site},
    branch::{Branch, Children, Span},
    hash_of, may_be_leaf,
};
use crate::value::{
    change::{Change, Wish},
    element::Element,
    few::Few,
    field_hash::FieldHash,
    packed::{Packing, entry::Entry, fields::Fields, plan::Plan},
    tree::{node::NodeRef, store::NodeStore},
};
use std::hash::BuildHasher;

/// An entry that is there, with what decides where it goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Located<'a> {
    hash: FieldHash,
    tag: u8,
    field: Element<'a>,
    /// As it lies there.
    raw: &'a [u8],
    outside: Option<NodeRef<'a>>,
}

/// A leaf to be, and what that means.
struct Merged<'a> {
    packing: Packing<'a>,
    outcome: Outcome,
    /// Entries outside that are not part of it.
    dead: Few<NodeRef<'a>, 1>,
}

impl<S: NodeStore, H: BuildHasher> Apply<'_, '_, S, H> {
    /// Hashes all entries of a leaf or packed value, and brings them in the order of their hashes.
    pub(crate) fn locate<'g>(&self, fields: Fields<'g>) -> Vec<Located<'g>> {
        let mut located = Vec::with_capacity(fields.len());
        located.extend((0..fields.len()).filter_map(|index| {
            let (raw, outside) = (fields.raw(index), fields.outside(index));
            let (field, _) = Element::read(outside.map_or(raw, NodeRef::content))?;
            let hash = hash_of(self.hasher, field);
            Some(Located { hash, tag: hash.tag(), field, raw, outside })
        }));
        located.sort_unstable_by_key(|located| located.hash);
        located
    }

    /// Builds what holds these entries after these changes, both in the order of their hashes, and
    /// puts it in its place; returns the number of its entries.
    ///
    /// From the first place on, always the most places whose entries make a leaf get one.
    pub(super) fn merge<'g>(
        &mut self,
        located: &[Located<'g>],
        changes: &'g [Change<'g>],
        Site { children, span, depth }: Site<'_>,
    ) -> u32 {
        let (mut located, mut changes, mut total) = (located, changes, 0);
        let mut part = span;
        loop {
            let here = located.partition_point(|here| here.hash.child(depth) < part.end());
            let (here, after) = located.split_at(here);
            let now = changes.partition_point(|change| change.hash.child(depth) < part.end());
            let (now, later) = changes.split_at(now);
            let mut site = Site { children: &mut *children, span: part, depth };
            total += match (self.merge_to_leaf(here, now, &mut site), part.half()) {
                (Some(count), _) => count,
                (None, Some(half)) => {
                    part = half;
                    continue;
                }
                (None, None) => self.merge_to_branch(here, now, site),
            };
            if part.end() >= span.end() {
                return total;
            }
            (located, changes) = (after, later);
            part = Span::widest(part.end(), span);
        }
    }

    /// The same, if it can be one leaf.
    fn merge_to_leaf<'g>(
        &mut self,
        located: &[Located<'g>],
        changes: &'g [Change<'g>],
        site: &mut Site<'_>,
    ) -> Option<u32> {
        let most = located.len() + changes.len();
        if !may_be_leaf(most, 0, site.span) && !site.is_deepest() {
            return None;
        }
        let mut merged = merge_leaf(located, changes);
        if !site.fits(&merged.packing) {
            return None;
        }
        self.outcome.include(merged.outcome);
        merged.dead.iter().for_each(|&outside| self.edit.kill(outside));
        site.put(self.make_leaf(&mut merged.packing, site.span));
        #[expect(clippy::cast_possible_truncation, reason = "less than 2³², as all entries")]
        Some(merged.packing.count() as u32)
    }

    /// The same, for one place, with a branch.
    fn merge_to_branch<'g>(
        &mut self,
        located: &[Located<'g>],
        changes: &'g [Change<'g>],
        mut site: Site<'_>,
    ) -> u32 {
        let (children, total) = self.merge_children(located, changes, site.depth + 1);
        site.put((total > 0).then(|| self.edit.make(&Branch::new(children, total))));
        total
    }

    /// Builds the children of what holds these entries after these changes, and counts entries.
    pub(crate) fn merge_children<'g>(
        &mut self,
        located: &[Located<'g>],
        changes: &'g [Change<'g>],
        depth: u8,
    ) -> (Children, u32) {
        let mut children = Children::NONE;
        let site = Site { children: &mut children, span: Span::ALL, depth };
        let total = self.merge(located, changes, site);
        (children, total)
    }
}

/// Puts entries and changes into one leaf.
fn merge_leaf<'g>(located: &[Located<'g>], changes: &'g [Change<'g>]) -> Merged<'g> {
    let mut plan = Plan::new(Fields::EMPTY);
    let mut outcome = Outcome::default();
    let mut dead = Few::new();
    let fits = |located: &Located<'_>, change: &Change<'_>| {
        located.hash == change.hash && located.field == change.field
    };
    for here in located {
        let change = changes.iter().find(|change| fits(here, change));
        let Some(change) = change.filter(|change| !matches!(change.wish, Wish::Add)) else {
            plan.add(here.tag, 0, Entry::Old(here.raw));
            continue;
        };
        if let Some(outside) = here.outside {
            dead.push(outside);
        }
        if change.makes_entry() {
            plan.add(here.tag, 0, Entry::of_leaf(change));
            outcome.replaced += 1;
        } else {
            outcome.removed += 1;
        }
    }
    for change in changes.iter().filter(|change| change.makes_entry()) {
        if !located.iter().any(|here| fits(here, change)) {
            plan.add(change.hash.tag(), 0, Entry::of_leaf(change));
            outcome.added += 1;
        }
    }
    Merged { packing: Packing::of(plan), outcome, dead }
}
