//! Walking the table by a cursor that keeps no state.
//!
//! The cursor is a bucket's number, counted up with its bits reversed (Pieter Noordhuis's scheme in
//! Redis): the buckets into which one is split come right after one another, so that a cursor taken
//! from a table of another size still divides the hashes into those that were visited and those that
//! were not. A record that is in the table during the whole walk is shown at least once, whatever
//! the table's sizes meanwhile; one may be shown twice. Any number is a cursor.

use super::{Record, Table, bucket, generation::Generation, lookup::successor, word::Seen};
use crate::{
    reclaim::Guard,
    sync::{Mutant, is_mutant},
};
use std::ptr::NonNull;

impl<R: Record> Table<R> {
    /// Shows every record of the bucket that a cursor names, and returns the next cursor: 0 at the
    /// end.
    ///
    /// Wait-free. A record that is being moved may be shown although another one has taken its
    /// place: whoever wants to change what he was shown has to look it up.
    pub(crate) fn scan_bucket<'g>(
        &'g self,
        cursor: u64,
        guard: &'g Guard<'_>,
        visit: &mut impl FnMut(NonNull<R>),
    ) -> u64 {
        let generation = self.root(guard);
        visit_bucket(generation, generation.index(cursor), visit);
        let mask = generation.len() as u64 - 1;
        if is_mutant(Mutant::PlainCursor) {
            return if cursor >= mask { 0 } else { cursor + 1 };
        }
        (cursor | !mask).reverse_bits().wrapping_add(1).reverse_bits()
    }
}

/// Shows the records of a bucket, wherever they are by now.
fn visit_bucket<R: Record>(
    generation: &Generation,
    index: usize,
    visit: &mut impl FnMut(NonNull<R>),
) {
    let head = &generation.heads[index];
    let control = head.control();
    if control.is_done() && !is_mutant(Mutant::ScanIgnoresDone) {
        let next = successor(generation);
        for target in generation.targets(next, index) {
            visit_bucket(next, target, visit);
        }
        return;
    }
    for slot in generation.chain(head, control).flat_map(|slots| &slots.0) {
        if let Seen::Record(record) = bucket::load(slot).thawed().look::<R>() {
            visit(record);
        }
    }
}
