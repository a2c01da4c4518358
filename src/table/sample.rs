//! Looking at a bucket for somebody to go.

use super::{
    Record, Table,
    bucket::Bucket,
    generation::Generation,
    lookup::{Found, successor},
    word::{Seen, Word, bits_of, indices},
};
use crate::{prefetch::prefetch, reclaim::Guard};
use std::ptr;

impl<R: Record> Table<R> {
    /// How many buckets there are.
    pub(crate) fn buckets(&self, guard: &Guard<'_>) -> usize {
        self.root(guard).len()
    }

    /// Shows every record of the bucket that the lower bits of `number` name, where it can be
    /// replaced or removed.
    ///
    /// Lock-free: a bucket that somebody has begun to move is moved first.
    pub(crate) fn sample_bucket<'g>(
        &'g self,
        number: u64,
        guard: &'g Guard<'_>,
        see: &mut impl FnMut(Found<'g, R>),
    ) {
        let generation = self.root(guard);
        self.sample_head(generation, generation.index(number), guard, see);
    }

    fn sample_head<'g>(
        &'g self,
        generation: &'g Generation,
        index: usize,
        guard: &'g Guard<'_>,
        see: &mut impl FnMut(Found<'g, R>),
    ) {
        let head = &generation.heads[index];
        let control = head.control();
        if control.is_frozen() {
            let next = successor(generation);
            self.migrate(generation, next, index, guard);
            for target in generation.targets(next, index) {
                self.sample_head(next, target, guard, see);
            }
            return;
        }
        for slots in generation.chain(head, control) {
            let words = slots.words();
            for index in indices(bits_of(&words, Word::is_record)) {
                let (slot, word) = (&slots.0[index], words[index]);
                if let Seen::Record(record) = word.look() {
                    see(Found { slot, word, head, generation, record });
                }
            }
        }
    }

    /// Asks the processor for the records in the head of the bucket that `number` names.
    #[inline]
    pub(crate) fn prefetch_all_records(&self, number: u64, guard: &Guard<'_>) {
        let head: &Bucket = self.root(guard).head(number);
        for word in head.slots.words() {
            // A branch would be taken at random; the bucket is there already.
            let record = if word.is_record() { word.address() } else { ptr::from_ref(head).cast() };
            prefetch(record);
        }
    }
}
