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
//! again when they are empty. Within one size of the table a key never moves between slots: it
//! occupies one from its insert to its removal.
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
//! To grow or to shrink, the table gets a second [generation] of buckets, into which
//! every bucket is [moved](migrate) by writers who come by ([when and by whom](resize)). A bucket's
//! control word is frozen first, which stops inserts, then its slots, which stops the rest; what is
//! in it then is copied, and the control word says *done*. Until then the old bucket decides about
//! its keys, from then on the new one. Readers follow the control word and never help.
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
//! | any of these | CAS to the same with FROZEN; TENT to EMPTY with FROZEN | whoever moves the bucket |
//! | FROZEN    | never                         | –                                           |
//! | unfilled (0) | CAS to a record or EMPTY   | whoever moves a bucket here; nobody else looks before that is done |
//!
//! A control word goes from unfilled over live and frozen to done, and never back.
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
//!   A record may use its room once it was committed: whoever then takes that for a birth holds a
//!   word that has changed, and whatever he concludes ends in a CAS of that word, which fails.
//! * **T6** An overflow bucket's link does not change while it is chained or may be walked.
//! * **T7** Whoever sees a frozen word sees the successor of its generation.
//! * **T8** Nobody reads or writes a key in a successor before he has seen *done* on the bucket of
//!   that key in its predecessor (shrinking: of that key, not of the bucket's partner).
//! * **T9** Only the root, which is complete, has a successor.
//! * **T10** Nobody follows a frozen word to its record unless he has seen, under the pin that he holds,
//!   a control word of its bucket that is not done.
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
//! | the move of a bucket | the CAS of its control word to *done*                      |
//!
//! A look through a chain begins with its control word. If that is *done*, the look in the successor
//! counts. If not, a frozen record that is met was the key's at the instant of its freezing or of that
//! load, whichever is later, and a `find` takes effect there.
//!
//! # Orderings
//!
//! | edge              | from                            | to                         | carries |
//! |-------------------|---------------------------------|----------------------------|---------|
//! | `place→find`      | slot CAS to TENT or record, Release | slot load, Acquire     | the record's content, its birth |
//! | `empty→reuse`     | slot CAS to EMPTY, Release      | slot load, Acquire         | the control version in the stamp: a scan that sees the stamp and loads the control word sees at least it |
//! | `commit→snapshot` | control CAS, Release            | control load, Acquire      | every word placed or finished before that version |
//! | `attach→walk`     | control CAS, Release            | control load, Acquire      | the overflow bucket's slots and link |
//! | `begin→move`      | CAS of `next` or of the root, Release | load of `next` or of the root, Acquire | a generation's buckets, and how many there are |
//! | `fill→use`        | control CAS from unfilled, Release | `touch` CAS that fails, Acquire | the slots that another helper has filled |
//! | `done→next`       | control CAS to done, Release    | control load, Acquire      | what the bucket was moved to |
//! | `done→root`       | count of moved buckets, `AcqRel`; root CAS, Release | root load, Acquire | every bucket of the new root, filled |
//! | `open→get`        | segment CAS, Release            | segment load, Acquire      | the buckets of a new segment |
//! | `free→take`       | free stack CAS, Release         | free stack load, Acquire   | the link of a free bucket |
//!
//! # Reclamation
//!
//! Records and overflow buckets are retired by the thread whose CAS unlinked them, after it, and so
//! outlive every pin under which they could be found. The frozen words of a bucket that was moved are
//! not unlinked with the records that they mean, and stay until the generation goes: whoever follows
//! one has seen under his pin that the bucket was not done (T10). Then the record was still in place
//! when he was pinned already, since what comes after *done* is needed to unlink it. A record that lost its commit was visible as
//! TENT and is therefore retired, not freed. An overflow bucket that was unlinked may still be
//! walked, and late inserters may even place a TENT word in it: their commit fails, and they take
//! the word out while they are pinned. A generation is retired after the root has left it, as a
//! whole, and its memory is given back in slices; whatever of it was retired before and comes back
//! later finds by its number that it is gone.
//!
//! # Progress
//!
//! `find` is wait-free. `replace` and `remove` are one CAS, which fails only if another write of
//! the slot succeeded. `insert` is lock-free: a control CAS fails only if another commit, attach or
//! detach succeeded, and words of stalled inserters are doomed after the next commit. Moving a
//! bucket is lock-free, and bounded for each write: two, and its own. A thread that stalls
//! between saying *done* and counting holds up the *next* change of size, and no operation: chains
//! lengthen meanwhile.
//!
//! # References and deviations
//!
//! The tentative bit is FASTER's (Chandramouli et al., SIGMOD 2018), which backs off and scans
//! again; here the commit decides. The per-bucket snapshot word is CLHT's (David, Guerraoui,
//! Trigonakis, ASPLOS 2015), whose slots cannot be overwritten on their own. Moving bucket by bucket
//! with the old one deciding until its own word says otherwise is Cliff Click's idea (2007), made
//! idempotent by words that are written once.

pub(crate) mod bucket;
mod generation;
mod insert;
mod lookup;
#[cfg(all(test, pool_loom, not(pool_epochs)))]
mod loom;
mod matching;
mod migrate;
mod overflow;
mod remove;
mod resize;
mod sample;
mod scan;
#[cfg(all(test, pool_shuttle))]
mod shuttle;
mod tags;
#[cfg(all(test, not(pool_loom)))]
mod tests;
pub(crate) mod word;
#[cfg(all(test, pool_loom, any(pool_shuttle, not(pool_epochs))))]
#[cfg_attr(pool_shuttle, expect(dead_code, reason = "loom's models use more of it"))]
mod world;
mod zeroed;

pub(crate) use insert::Insert;
pub(crate) use lookup::Found;

use crate::{
    reclaim::{Guard, Retired, magazine},
    sync::{AtomicPtr, AtomicUsize, Ordering},
};
use crossbeam_utils::CachePadded;
use generation::Generation;
use resize::GROW_AT_TWO;
use std::{marker::PhantomData, ptr::NonNull, sync::Arc};
use word::Seen;

/// What a slot points at: an allocation from [`Guard::take_block`] that begins with a `Self`.
///
/// # Safety
///
/// `retired` describes the record's whole block.
pub(crate) unsafe trait Record: Sized {
    /// What [`set_birth`](Self::set_birth) has noted. Asked for only of a record that was seen in a
    /// tentative word; when that word has changed meanwhile, the answer may be anything (T5).
    fn birth(&self) -> u32;

    /// Notes the version of the bucket at which the record is placed, as far as
    /// [`BIRTH_BITS`] go.
    ///
    /// # Safety
    ///
    /// The record is private to the caller.
    unsafe fn set_birth(&self, version: u32);

    /// The lower half of the record's hash, which chooses its bucket.
    fn bucket_hash(&self) -> u32;

    /// How the record is given back once nobody can reach it.
    ///
    /// # Safety
    ///
    /// `record` is valid.
    unsafe fn retired(record: NonNull<Self>) -> Retired;

    /// Retires a record, and returns the bytes that will be free with it.
    ///
    /// # Safety
    ///
    /// The caller has unlinked the record, which was found under `guard`, from its table.
    #[inline]
    unsafe fn retire(record: NonNull<Self>, guard: &Guard<'_>) -> u64 {
        // SAFETY: found under the guard, and therefore valid.
        let retired = unsafe { Self::retired(record) };
        let bytes = retired.bytes();
        // SAFETY: the caller unlinked it, so that nobody else retires it.
        unsafe { guard.retire(retired) };
        bytes
    }

    /// Retires a record whose place another one has taken, and returns the bytes that it had.
    ///
    /// # Safety
    ///
    /// As for `retire`; the other record was published under `guard`.
    #[inline]
    unsafe fn retire_replaced(record: NonNull<Self>, by: NonNull<Self>, guard: &Guard<'_>) -> u64 {
        let _ = by;
        // SAFETY: the caller's word.
        unsafe { Self::retire(record, guard) }
    }
}

/// The bits of a version that a record's birth keeps; the last one is left to the record, to tell
/// what else it has in the same place. Versions wrap all the same: who is pinned for 2³¹ commits of
/// one bucket could take one for another.
const BIRTH_BITS: u32 = u32::MAX >> 1;

/// A hash table of records.
#[derive(Debug)]
pub(crate) struct Table<R: Record> {
    root: Arc<Root>,
    /// Buckets that it keeps however few records it has.
    least: usize,
    /// Bytes that it may grow by.
    room: CachePadded<AtomicUsize>,
    records: PhantomData<*const R>,
}

/// Where a table begins. It has an address of its own, which what is retired may keep.
#[derive(Debug)]
struct Root {
    generation: CachePadded<AtomicPtr<Generation>>,
}

// SAFETY: the table hands out pointers to records; what their users may do with them from several
// threads is bounded at the safe types above (`LockFreeMap` asks for `Send + Sync` content, the
// pool stores only such).
unsafe impl<R: Record> Send for Table<R> {}
// SAFETY: as above.
unsafe impl<R: Record> Sync for Table<R> {}

impl<R: Record> Table<R> {
    /// Creates a table that holds `capacity` records without growing, and never shrinks below that.
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        let buckets = (capacity.saturating_mul(2) / GROW_AT_TWO + 1).next_power_of_two();
        Self::with_buckets(buckets)
    }

    /// Creates a table of a number of buckets, which must be a power of two.
    fn with_buckets(buckets: usize) -> Self {
        let first = Box::into_raw(Generation::open(buckets));
        let root = Root { generation: CachePadded::new(AtomicPtr::new(first)) };
        Self {
            root: Arc::new(root),
            least: buckets,
            room: CachePadded::new(AtomicUsize::new(usize::MAX)),
            records: PhantomData,
        }
    }

    /// The generation that decides about every bucket that has not been moved.
    #[inline]
    fn root<'g>(&'g self, _guard: &'g Guard<'_>) -> &'g Generation {
        // SAFETY: a root is retired after it was replaced, and so lives as long as the guard.
        unsafe { self.root.get().as_ref() }
    }

    /// Bytes of the buckets, overflow buckets included, of all sizes in use.
    pub(crate) fn bytes(&self, guard: &Guard<'_>) -> usize {
        let root = self.root(guard);
        root.bytes() + root.next().map_or(0, Generation::bytes)
    }

    /// Sets how many bytes it may grow by. It grows all the same when its chains get twice as long as
    /// they should be.
    pub(crate) fn set_room(&self, bytes: usize) {
        // ORDERING: Relaxed; a setting.
        self.room.store(bytes, Ordering::Relaxed);
    }

    /// Which size the table has, and whether it is on its way to another one. It is the same before
    /// and after a walk that has met no record twice.
    pub(crate) fn size(&self, guard: &Guard<'_>) -> (u32, bool) {
        let root = self.root(guard);
        (root.number, root.next().is_some())
    }
}

impl Root {
    /// The generation that is the root now.
    #[inline]
    fn get(&self) -> NonNull<Generation> {
        // ORDERING: Acquire, edges `begin→move` and `done→root`: its buckets, filled, all of them.
        let generation = self.generation.load(Ordering::Acquire);
        // SAFETY: there always is a root.
        unsafe { NonNull::new_unchecked(generation) }
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        // SAFETY: nobody uses the table any more.
        let root = unsafe { Box::from_raw(self.get().as_ptr()) };
        let next = root.next_pointer();
        if !next.is_null() {
            // SAFETY: as above; a successor belongs to its predecessor until it is the root.
            drop(unsafe { Box::from_raw(next) });
        }
    }
}

impl<R: Record> Drop for Table<R> {
    fn drop(&mut self) {
        // SAFETY: the table is ours alone, so that nobody retires its root.
        let root = unsafe { self.root.get().as_ref() };
        for head in root.heads.iter().filter(|head| !head.control().is_done()) {
            // SAFETY: a bucket that was not moved holds its records alone.
            unsafe { free_chain::<R>(root, head, |_| true) };
        }
        let Some(next) = root.next() else { return };
        for head in next.heads.iter().filter(|head| head.control().is_filled()) {
            let was_moved = |hash: u32| root.head(hash.into()).control().is_done();
            // SAFETY: of what a bucket was filled with, what came from one that was moved is its
            // own; the rest was freed above.
            unsafe { free_chain::<R>(next, head, was_moved) };
        }
    }
}

/// Frees the records of a chain whose hashes are meant.
///
/// # Safety
///
/// Nobody uses the table any more, and these records are freed nowhere else.
unsafe fn free_chain<R: Record>(
    generation: &Generation,
    head: &bucket::Bucket,
    is_meant: impl Fn(u32) -> bool,
) {
    for slot in generation.chain(head, head.control()).flat_map(|slots| &slots.0) {
        let word = bucket::load(slot).thawed();
        if let Seen::Record(record) = word.look::<R>()
            // SAFETY: the record is valid until it is freed, below.
            && is_meant(unsafe { record.as_ref() }.bucket_hash())
        {
            // SAFETY: the caller's word, and no slot but this one holds it (T4).
            unsafe { free_now(record) };
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
    if let (Some((block, bytes)), _) = unsafe { retired.finish() } {
        // SAFETY: `finish` leaves the block to us, of the size it was taken with.
        unsafe { magazine::release(block, bytes) };
    }
}
