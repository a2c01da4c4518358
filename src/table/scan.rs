//! Walking the table, a bucket at a time.

use super::{Record, Table, bucket, lookup::Found, word::Seen};
use crate::reclaim::Guard;

impl<R: Record> Table<R> {
    /// Shows every record of one bucket's chain.
    ///
    /// A weak snapshot: a record that is there throughout is shown once; one that comes or goes
    /// meanwhile may be shown or not.
    pub(crate) fn visit_bucket<'t>(
        &'t self,
        index: usize,
        _guard: &Guard<'_>,
        mut visit: impl FnMut(Found<'t, R>),
    ) {
        let Some(head) = self.buckets.get(index) else { return };
        for slots in self.chain(head, head.control()) {
            for slot in &slots.0 {
                let word = bucket::load(slot);
                if let Seen::Record(record) = word.look::<R>() {
                    visit(Found { slot, word, head, record });
                }
            }
        }
    }
}
