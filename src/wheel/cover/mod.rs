//! What a record knows of the wheel: its *cover*, the entry that looks after it.
//!
//! An entry is a hint: it names a hash, and whatever record has that hash when the entry fires is
//! looked after. So a record that replaces another needs no entry of its own if the other's fires
//! in time, and a key that is overwritten ten million times has one entry, not ten million. For that
//! each record keeps the position of its entry in a [word](Cover) that its successor inherits.
//!
//! # The rules
//!
//! ```text
//! writer, around the CAS that publishes its record (`plan` before, `fulfil` after):
//! C1 old.cover is ahead, and fires before the deadline or no later than a new entry would
//!    → inherit it, push nothing
//!    else cover = the new entry's position; push it AFTER the publishing CAS
//! C2 a record without a deadline inherits the cover too, for its successor; a removal forgets it
//! C3 after publishing with an inherited cover: that is not ahead any more →
//!    CAS cover → as in C1 without the old one; the winner pushes
//! fire(hint), for every record that the hint may mean:
//! C4 expired: CAS word → EMPTY, of the exact word                           lost → look again
//! C5 cover ahead → another entry is there; CONFIRM
//!    else CAS cover → the new entry's position; lost → look again;  push it;  CONFIRM
//! C6 no deadline: cover ahead → CONFIRM;  else CAS cover → none, lost → look again;  CONFIRM
//! CONFIRM = CAS(word, word) of the exact word                               lost → look again
//! ```
//!
//! *Ahead* is a cover whose tick comes after its level's current one, within reach. An entry whose
//! tick is ahead has not been claimed by anybody.
//!
//! # Invariants
//!
//! * **C7** A record with a deadline whose cover is ahead has an entry there; or a thread that is in
//!   `fulfil` or in `fire` is about to push it.
//! * **C8** A record with a deadline whose cover is not ahead is about to be given another one: by
//!   its writer (C3), by a fire that has claimed the entry or that will claim the one which was
//!   pushed late; or its push was skipped and a sweep is owed.
//! * **C9** A fire leaves no record without having written its slot after the tick was current.
//!
//! Why C8 holds for a cover that is inherited while its entry fires. The fire's last look at the key
//! ends with a write of the slot (C9). If the inheriting record was published before that write, the
//! fire has seen it, or one that replaced it, and has acted on it. If it was published after it, the
//! publishing CAS reads that write, so that its writer sees that the tick is current, and C3 acts.
//!
//! Why the push comes after the publishing CAS: an entry that is fired before its record is there
//! finds nothing, and ends.
//!
//! Why the writer of a record that was inserted may *store* the cover of C1, where everybody else needs a
//! CAS: whoever has given the record another one meanwhile pushes for that, and the writer pushes for
//! his after the store. So C7 holds for whichever of the two stays, and the other entry is one too many.
//!
//! # Linearization points
//!
//! | operation     | takes effect at                     |
//! |---------------|-------------------------------------|
//! | expiry        | the CAS word → EMPTY                |
//! | a new cover   | the CAS of the cover                |
//!
//! # Orderings
//!
//! | edge             | from                             | to                            | carries |
//! |------------------|----------------------------------|-------------------------------|---------|
//! | `confirm→inherit` | CONFIRM, Release                | publishing CAS, Acquire       | that the tick of the fired entry is current |
//! | `write→fire`     | see the [level](super::level)    |                               | the published record |
//!
//! The cover itself is read and written Relaxed: a value that is old is one whose entry has been
//! fired, which C3 finds out, and whoever has fired it has put another one in its place.
//!
//! # Progress
//!
//! `plan` is wait-free. `fulfil` and `fire` are lock-free: they try again when somebody else has
//! written the record's slot or its cover, or has stepped a level.
//!
//! # What it does not promise
//!
//! A deadline is met at its tick as long as no helper sleeps with a claim on its entry; otherwise one
//! tick after that helper has woken up. Two writers of one key at the same time may push an entry
//! each, and so may the writer of a new key and a fire or a sweep that meets it before he has written
//! its cover; the one too many ends at its tick, in C5.

mod fire;
#[cfg(all(test, pool_loom, not(pool_shuttle)))]
mod loom;
mod plan;
mod word;

pub(crate) use plan::Plan;
pub(crate) use word::Cover;

use super::{Wheel, position::Position};

impl<const LEVELS: usize> Wheel<LEVELS> {
    /// Where the entry that a cover speaks of waits, if its tick is ahead.
    #[inline]
    fn ahead(&self, cover: Cover) -> Option<Position> {
        let level = cover.level()?;
        let current = self.levels.get(level)?.current();
        Some(Position { level, tick: current + cover.distance_from(current)? })
    }

    /// Whether the entry at a position that was ahead waits still.
    #[inline]
    fn waits(&self, entry: Position) -> bool {
        self.levels.get(entry.level).is_some_and(|level| level.current() < entry.tick)
    }

    /// Whether the entry that a cover speaks of waits.
    #[inline]
    fn is_ahead(&self, cover: Cover) -> bool {
        let level = cover.level().and_then(|level| self.levels.get(level));
        level.is_some_and(|level| cover.distance_from(level.current()).is_some())
    }
}
