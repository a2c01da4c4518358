//! The lock-free hash table: one atomic word per slot, one compare-and-swap per write.
//!
//! A key is one immutable [record](Record) behind one slot. Reading is a scan of the bucket's
//! slots; overwriting is one CAS of the slot, removing is one CAS of the slot, inserting is a
//! placement that counts only once the bucket's *control word* commits it. Nobody holds a lock, so
//! nobody can be preempted holding one.
//!
//! # How it works
//!
//! A bucket is a cache line: a [control word](bucket::Control) and seven [slots](word::Word). When
//! its slots are used up, overflow buckets are attached at the front of its chain, and detached
//! again when they are empty. A key never moves between slots: it occupies one from its insert to
//! its removal.
//!
//! The difficulty is that two threads that insert one key must not put it into two slots. So an
//! insert scans the chain, finds the key absent, *places* its record tentatively (readers do not
//! see it), and then *commits* it by a CAS of the control word from the value it had read before
//! the scan. All inserts of a bucket are thereby in one order, and an insert that raced with
//! another starts again.
//!
//! ```text
//! insert(k, record):
//!  1 c = control; v = version(c)
//!  2 finish the last commit that c names: its word is TENT and its birth + 1 = v: TENT → record
//!  3 scan the chain (the overflow index taken from c, never loaded again)
//!      a record with k              → not an insert
//!      EMPTY with a stamp newer than v → control changed: again from 1; unchanged: the stamp has
//!                                     wrapped, it is old and usable
//!      TENT older than v, not the last commit → doomed: TENT → EMPTY(control's version)
//!      remember the first usable EMPTY word e and its position p
//!  4 no free slot → attach an overflow bucket; again from 1
//!  5 record.birth = v; CAS slot[p] e → TENT(record)     failed: again from 1, the record is private
//!  6 CAS control c → (v+1, position p)                  the right to exist
//!      failed: CAS TENT → EMPTY(control's version), retire the record, build a fresh one
//!  7 CAS slot[p] TENT → record, by whoever comes first  == linearization point
//!
//! remove: CAS record → EMPTY(control's version, read after the record was seen)
//! attach: CAS c → (v+1, O, nothing)      O private, linked to c's first overflow bucket
//! detach: finish c's last commit; O = c's first overflow bucket, all of it EMPTY;
//!         CAS c → (v+1, O's link, nothing); the winner retires O
//! ```
//!
//! # States of a slot
//!
//! | word      | leaves by                     | done by                                     |
//! |-----------|-------------------------------|---------------------------------------------|
//! | EMPTY(s)  | CAS to TENT                   | an insert whose snapshot is not older than s |
//! | TENT      | CAS to record                 | anyone, when the control word names it       |
//! | TENT      | CAS to EMPTY                  | its owner after a failed commit; anyone when doomed |
//! | record    | CAS to another record of the same key | an overwrite                         |
//! | record    | CAS to EMPTY                  | remove, expire, evict: of the exact word seen |
//!
//! # Invariants
//!
//! * **T1** Whoever changes the control word has finished the last commit of the value it replaces.
//! * **T2** A record is placed at most once: after a failed commit its memory is retired, so that a
//!   word seen by a pinned thread means one placement only.
//! * **T3** A slot is emptied with a stamp not older than every commit that ever named the record
//!   it held.
//! * **T4** At most one slot holds a record of a key.
//! * **T5** `birth` is written while the record is private, and means something only in a TENT word.
//! * **T6** An overflow bucket's link does not change while it is chained or may be walked.
//!
//! Why T4: (a) the commits of a bucket are totally ordered by the control word's modification
//! order; (b) the key was absent at an instant after reading c and nothing committed between c and
//! c+1, so it is absent at the commit; (c) step 2 makes every earlier commit visible to the scan;
//! (d) a helper cannot finish the wrong record: a late inserter with snapshot v−1 expects a stamp
//! of at most v−1, and whoever emptied the slot after the committed record lived there wrote at
//! least v (T3); (e) a remover of doomed words cannot hit a committed insert (T2).
//!
//! # Linearization points
//!
//! | operation      | takes effect at                                                   |
//! |----------------|-------------------------------------------------------------------|
//! | `find`, hit    | the Acquire load of the slot                                      |
//! | `find`, miss   | an instant inside the scan: a key that was there throughout would have been met |
//! | `replace`      | its CAS of the slot                                               |
//! | `remove`       | its CAS of the slot                                               |
//! | `insert`, done | the CAS TENT → record, whoever does it                            |
//! | `insert`, present | the load of the slot that held the key                         |
//!
//! # Orderings
//!
//! | edge              | from                            | to                         | carries |
//! |-------------------|---------------------------------|----------------------------|---------|
//! | `place→find`      | slot CAS to TENT or record, Release | slot load, Acquire     | the record's content, its birth |
//! | `empty→reuse`     | slot CAS to EMPTY, Release      | slot load, Acquire         | the control version in the stamp: a scan that sees the stamp and loads the control word sees at least it |
//! | `commit→snapshot` | control CAS, Release            | control load, Acquire      | every word placed or finished before that version |
//! | `attach→walk`     | control CAS, Release            | control load, Acquire      | the overflow bucket's slots and link |
//! | `open→get`        | segment CAS, Release            | segment load, Acquire      | the buckets of a new segment |
//! | `free→take`       | free stack CAS, Release         | free stack load, Acquire   | the link of a free bucket |
//!
//! # Reclamation
//!
//! Records and overflow buckets are retired by the thread whose CAS unlinked them, after it, and so
//! outlive every pin under which they could be found. A record that lost its commit was visible as
//! TENT and is therefore retired, not freed. An overflow bucket that was unlinked may still be
//! walked, and late inserters may even place a TENT word in it: their commit fails, and they take
//! the word out while they are pinned.
//!
//! # Progress
//!
//! `find` is wait-free. `replace` and `remove` are one CAS, which fails only if another write of
//! the slot succeeded. `insert` is lock-free: a control CAS fails only if another commit, attach or
//! detach succeeded, and words of stalled inserters are doomed after the next commit.
//!
//! # References and deviations
//!
//! The tentative bit is FASTER's (Chandramouli et al., SIGMOD 2018), which backs off and scans
//! again; here the commit decides. The per-bucket snapshot word is CLHT's (David, Guerraoui,
//! Trigonakis, ASPLOS 2015), whose slots cannot be overwritten on their own.

pub(crate) mod bucket;
mod heads;
mod insert;
mod lookup;
#[cfg(all(test, pool_loom))]
mod loom;
mod overflow;
mod remove;
mod scan;
mod tags;
#[cfg(all(test, not(pool_loom)))]
mod tests;
pub(crate) mod word;

pub(crate) use insert::Insert;
pub(crate) use lookup::Found;

use crate::{
    reclaim::{Retired, magazine},
    sync::{AtomicPtr, SLOTS, UnsafeCell},
};
use bucket::{Bucket, Control, Slots};
use heads::Heads;
use overflow::Arena;
use std::{marker::PhantomData, ptr::NonNull, sync::Arc};
use word::Seen;

/// Records per bucket that a table is sized for: 64 bytes of bucket for 4.5 records are 14 bytes a
/// record, and fewer than one bucket in ten needs an overflow bucket.
const RECORDS_PER_TWO_BUCKETS: usize = 9;

/// What a slot points at: an allocation from [`Guard::take_block`](crate::reclaim::Guard::take_block)
/// that begins with a `Self`.
///
/// # Safety
///
/// `birth` always returns the same cell of the record, and `retired` describes its whole block.
pub(crate) unsafe trait Record: Sized {
    /// The version of the bucket at which the record was placed.
    fn birth(&self) -> &UnsafeCell<u32>;

    /// How the record is given back once nobody can reach it.
    ///
    /// # Safety
    ///
    /// `record` is valid.
    unsafe fn retired(record: NonNull<Self>) -> Retired;
}

/// A hash table of records.
#[derive(Debug)]
pub(crate) struct Table<R: Record> {
    buckets: Heads,
    arena: Arc<Arena>,
    records: PhantomData<*const R>,
}

// SAFETY: the table hands out pointers to records; what their users may do with them from several
// threads is bounded at the safe types above (`LockFreeMap` asks for `Send + Sync` content, the
// pool stores only such).
unsafe impl<R: Record> Send for Table<R> {}
// SAFETY: as above.
unsafe impl<R: Record> Sync for Table<R> {}

impl<R: Record> Table<R> {
    /// Creates a table that holds `capacity` records with few overflow buckets.
    ///
    /// It takes more; chains grow longer then, up to 17 overflow buckets each.
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        let buckets =
            (capacity.saturating_mul(2) / RECORDS_PER_TWO_BUCKETS + 1).next_power_of_two();
        Self::with_buckets(buckets)
    }

    /// Creates a table of a number of buckets, which must be a power of two.
    fn with_buckets(buckets: usize) -> Self {
        Self { buckets: Heads::new(buckets), arena: Arena::new(), records: PhantomData }
    }

    /// The head of the chain that a hash belongs to.
    #[inline]
    fn bucket(&self, hash: u64) -> &Bucket {
        #[expect(clippy::cast_possible_truncation, reason = "masked to the table's size")]
        let index = hash as usize & (self.buckets.len() - 1);
        // SAFETY: the length is a power of two, and so the mask keeps the index below it.
        unsafe { self.buckets.get_unchecked(index) }
    }

    /// The slots of a chain as the control word `control` names it, head first.
    fn chain<'t>(&'t self, head: &'t Bucket, control: Control) -> impl Iterator<Item = &'t Slots> {
        let mut next = control.overflow();
        let overflow = std::iter::from_fn(move || {
            if next == 0 {
                return None;
            }
            let bucket = self.arena.get(next);
            next = bucket.link();
            Some(&bucket.slots)
        });
        std::iter::once(&head.slots).chain(overflow)
    }

    /// The slot at a position along the chain.
    fn slot<'t>(
        &'t self,
        head: &'t Bucket,
        control: Control,
        position: usize,
    ) -> Option<&'t AtomicPtr<()>> {
        self.chain(head, control).nth(position / SLOTS).map(|slots| &slots.0[position % SLOTS])
    }

    /// Bytes of the buckets, overflow buckets included.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val::<[Bucket]>(&self.buckets) + self.arena.bytes()
    }

    /// Number of buckets, for whoever walks or samples them.
    pub(crate) fn bucket_count(&self) -> usize {
        self.buckets.len()
    }
}

impl<R: Record> Drop for Table<R> {
    fn drop(&mut self) {
        for head in &*self.buckets {
            for slots in self.chain(head, head.control()) {
                for slot in &slots.0 {
                    if let Seen::Record(record) = bucket::load(slot).look::<R>() {
                        // SAFETY: the table is ours alone, so the record is, and no slot but this
                        // one holds it (T4).
                        unsafe { free_now(record) };
                    }
                }
            }
        }
    }
}

/// Frees a record that nobody else can reach.
///
/// # Safety
///
/// As it says.
unsafe fn free_now<R: Record>(record: NonNull<R>) {
    // SAFETY: the record is valid and ours alone.
    let retired = unsafe { R::retired(record) };
    // SAFETY: nobody else can reach it, so there is no grace period to wait for.
    if let Some((block, bytes)) = unsafe { retired.finish() } {
        // SAFETY: `finish` leaves the block to us, of the size it was taken with.
        unsafe { magazine::release(block, bytes) };
    }
}
