//! All records that some bits of a hash may mean, for who knows no key.

use super::{
    Record, Table, bucket,
    generation::Generation,
    lookup::Found,
    word::{Seen, Tag},
};
use crate::{
    reclaim::Guard,
    sync::{Mutant, is_mutant},
};

impl<R: Record> Table<R> {
    /// Shows every record in the bucket of a hash whose tag is that of the hash, to be replaced,
    /// removed or [confirmed](Self::confirm). Of the hash only the lower 32 bits and the tag count.
    ///
    /// A record that is in the table throughout is shown, whatever the table's size meanwhile; it
    /// may be shown again when its bucket is being moved.
    ///
    /// Lock-free: a bucket that somebody has begun to move is moved first.
    pub(crate) fn visit_matching<'g>(
        &'g self,
        hash: u64,
        guard: &'g Guard<'_>,
        visit: &mut impl FnMut(Found<'g, R>),
    ) {
        while !visit_chain(self.generation_for_write(hash, guard), hash, visit) {}
    }

    /// Writes the slot of a record that was found without changing it: later writers of the slot
    /// read this write. False when it holds something else by now.
    #[inline]
    pub(crate) fn confirm(&self, found: &Found<'_, R>) -> bool {
        bucket::swap(found.slot, found.word, found.word)
    }
}

/// Shows the matching records of a chain; false when its bucket is being moved, so that what was not
/// shown may be somewhere else by now.
fn visit_chain<'g, R: Record>(
    generation: &'g Generation,
    hash: u64,
    visit: &mut impl FnMut(Found<'g, R>),
) -> bool {
    let (head, tag) = (generation.head(hash), Tag::of(hash));
    let control = head.control();
    if control.is_frozen() {
        return false;
    }
    for slot in generation.chain(head, control).flat_map(|slots| &slots.0) {
        let word = bucket::load(slot);
        match word.look::<R>() {
            Seen::Record(record) if word.has_tag(tag) => {
                visit(Found { slot, word, head, generation, record });
            }
            Seen::Record(_) | Seen::Tentative(_) | Seen::Empty(_) => {}
            Seen::Frozen if is_mutant(Mutant::VisitIgnoresFrozen) => {}
            Seen::Frozen => return false,
        }
    }
    true
}
