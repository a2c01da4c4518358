//! Building the part of a tree that takes the place of a leaf: its entries and the changes, spread
//! over as many leaves as they need.

use super::{
    MOST_FIELDS, Outcome,
    apply::Apply,
    branch::{Branch, Children},
    fits, hash_of,
};
use crate::value::{
    change::{Change, Wish},
    element::Element,
    few::Few,
    field_hash::{DEEPEST, FAN, FieldHash},
    packed::{Packing, entry::Entry, fields::Fields, plan::Plan},
    tree::{
        node::{Node, NodeRef},
        store::NodeStore,
    },
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
        let mut located: Vec<_> = (0..fields.len())
            .filter_map(|index| {
                let (field, _) = Element::read(fields.entry(index))?;
                let hash = hash_of(self.hasher, field);
                let (raw, outside) = (fields.raw(index), fields.outside(index));
                Some(Located { hash, tag: hash.tag(), field, raw, outside })
            })
            .collect();
        located.sort_unstable_by_key(|located| located.hash);
        located
    }

    /// Builds what holds these entries after these changes, both in the order of their hashes.
    ///
    /// Returns it with the number of its entries.
    pub(super) fn merge<'g>(
        &mut self,
        located: &[Located<'g>],
        changes: &'g [Change<'g>],
        depth: u8,
    ) -> Option<(Node, u32)> {
        if located.len() + changes.len() <= MOST_FIELDS || depth == DEEPEST {
            let mut merged = merge_leaf(located, changes);
            if fits(&merged.packing, depth) {
                self.outcome.include(merged.outcome);
                merged.dead.iter().for_each(|&outside| self.edit.kill(outside));
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "less than 2³², as all entries"
                )]
                let count = merged.packing.count() as u32;
                return self.make_leaf(&mut merged.packing).map(|leaf| (leaf, count));
            }
        }
        let (children, total) = self.merge_children(located, changes, depth);
        (!children.is_empty()).then(|| (self.edit.make(&Branch::new(children, total)), total))
    }

    /// Builds the children of what holds these entries after these changes, and counts entries.
    pub(crate) fn merge_children<'g>(
        &mut self,
        located: &[Located<'g>],
        changes: &'g [Change<'g>],
        depth: u8,
    ) -> (Children, u32) {
        let (mut children, mut total) = (Children::NONE, 0);
        let (mut located, mut changes) = (located, changes);
        for index in 0..FAN {
            let here = located.partition_point(|located| located.hash.child(depth) <= index);
            let (here, after) = located.split_at(here);
            let change = changes.partition_point(|change| change.hash.child(depth) <= index);
            let (change, later) = changes.split_at(change);
            (located, changes) = (after, later);
            if !(here.is_empty() && change.is_empty())
                && let Some((child, count)) = self.merge(here, change, depth + 1)
            {
                children.set(index, Some(child));
                total += count;
            }
        }
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
