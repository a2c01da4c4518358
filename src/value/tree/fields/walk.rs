//! Walking over all entries, at once or from a cursor.

use super::{FieldTree, branch::Children, leaf_fields};
use crate::value::{
    element::Element,
    few::Few,
    field_hash::{FAN, Place},
    packed::fields::Fields,
    tree::node::{Kind, NodeRef},
};

/// The entries of a packed value or of a tree.
#[derive(Debug)]
pub(crate) struct FieldIter<'g> {
    leaf: Fields<'g>,
    next: usize,
    /// The branches above the leaf, and which child of each comes next.
    path: Few<(&'g Children, usize), 4>,
}

impl<'g> FieldIter<'g> {
    /// The entries of a packed value.
    pub(crate) fn packed(fields: Fields<'g>) -> Self {
        Self { leaf: fields, next: 0, path: Few::new() }
    }

    /// The entries of a tree.
    pub(crate) fn tree(tree: &'g FieldTree) -> Self {
        let mut iter = Self::packed(Fields::EMPTY);
        iter.path.push((&tree.children, 0));
        iter
    }

    /// The entries of a node and of what is below it.
    pub(super) fn below(node: NodeRef<'g>) -> Self {
        let mut iter = Self::packed(Fields::EMPTY);
        iter.enter(node);
        iter
    }

    /// Goes on with what is below a node.
    fn enter(&mut self, node: NodeRef<'g>) {
        match node.kind() {
            Kind::Branch(branch) => self.path.push((&branch.children, 0)),
            _ => {
                self.leaf = leaf_fields(node);
                self.next = 0;
            }
        }
    }

    /// Goes on with the next child of the branch that was entered last; false at the end.
    fn advance(&mut self) -> bool {
        let Some((children, next)) = self.path.as_mut_slice().last_mut() else { return false };
        let (children, index) = (*children, *next);
        if index == FAN {
            let last = self.path.len() - 1;
            self.path.swap_remove(last);
        } else if let Some(child) = children.child(index) {
            *next = child.span(index).end();
            self.enter(child);
        } else {
            *next += 1;
        }
        true
    }

    /// The next entry as it lies in its leaf.
    pub(crate) fn next_entry(&mut self) -> Option<(Fields<'g>, usize)> {
        while self.next >= self.leaf.len() {
            if !self.advance() {
                return None;
            }
        }
        self.next += 1;
        Some((self.leaf, self.next - 1))
    }
}

impl<'g> Iterator for FieldIter<'g> {
    type Item = (Element<'g>, Element<'g>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (fields, index) = self.next_entry()?;
            // What cannot be decoded is not there.
            if let Some(pair) = fields.pair(index) {
                return Some(pair);
            }
        }
    }
}

/// Shows whole leaves from a cursor on, until at least `most` entries were shown; returns the
/// cursor that continues, 0 at the end.
pub(crate) fn scan<'g>(
    tree: &'g FieldTree,
    cursor: u64,
    most: usize,
    mut show: impl FnMut(Element<'g>, Element<'g>),
) -> u64 {
    let mut shown = 0;
    let mut place = Place::of_cursor(cursor);
    while let Some(from) = place
        && shown < most
    {
        let (leaf, next) = leaf_at(tree, from);
        if let Some(fields) = leaf.map(leaf_fields) {
            FieldIter::packed(fields).for_each(|(field, value)| show(field, value));
            shown += fields.len();
        }
        place = next;
    }
    place.map_or(0, Place::cursor)
}

/// The leaf that a place lies in, and the first place after it; or no leaf, and the first place
/// where there may be one.
fn leaf_at(tree: &FieldTree, place: Place) -> (Option<NodeRef<'_>>, Option<Place>) {
    let (mut children, mut depth) = (&tree.children, 0);
    loop {
        let at = place.child(depth);
        let Some(child) = children.child(at) else {
            let next = (at + 1..FAN).find(|&index| children.child(index).is_some());
            return (None, place.at_child(depth, next.unwrap_or(FAN)));
        };
        match child.kind() {
            Kind::Branch(branch) => children = &branch.children,
            _ => return (Some(child), place.at_child(depth, child.span(at).end())),
        }
        depth += 1;
    }
}
