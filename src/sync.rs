//! The one door to atomics, cells, locks and threads: the standard library's, loom's or shuttle's.
//!
//! Nothing else in the crate names `std::sync::atomic` or knows that loom exists, apart from the
//! models themselves. Sizes that a model has to keep small live here too, so that the code under
//! test is the code that ships.
//!
//! `--cfg pool_loom` makes a model of the crate. `--cfg pool_shuttle` beside it runs that model on
//! shuttle, which draws interleavings at random where loom goes through all of them.

#[cfg(not(pool_loom))]
pub(crate) use std::sync::atomic::{
    AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence,
};

#[cfg(all(pool_loom, not(pool_shuttle)))]
pub(crate) use loom::{
    cell::UnsafeCell,
    sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence},
    thread_local,
};

#[cfg(pool_shuttle)]
pub(crate) use shuttle::{
    sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence},
    thread_local,
};

#[cfg(all(test, pool_loom, not(pool_epochs)))]
pub(crate) use loom::thread;

#[cfg(all(test, pool_shuttle))]
pub(crate) use shuttle::thread;

/// A cell with loom's interface, which lets a model see who reads and who writes.
#[cfg(any(not(pool_loom), pool_shuttle))]
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

#[cfg(any(not(pool_loom), pool_shuttle))]
impl<T> UnsafeCell<T> {
    /// Wraps a value.
    #[inline]
    pub(crate) const fn new(value: T) -> Self {
        Self(std::cell::UnsafeCell::new(value))
    }

    /// Hands out a pointer for reading; it is valid as long as nobody writes.
    #[inline]
    pub(crate) fn with<R>(&self, look: impl FnOnce(*const T) -> R) -> R {
        look(self.0.get())
    }

    /// Hands out a pointer for writing; it is valid as long as nobody else uses the cell.
    #[inline]
    pub(crate) fn with_mut<R>(&self, change: impl FnOnce(*mut T) -> R) -> R {
        change(self.0.get())
    }
}

/// Keeps the compiler from moving accesses across; the processor is free to.
#[inline(always)]
pub(crate) fn compiler_fence() {
    // ORDERING: SeqCst, for the compiler alone; see `reclaim/barrier.rs`.
    std::sync::atomic::compiler_fence(std::sync::atomic::Ordering::SeqCst);
}

#[cfg(not(pool_loom))]
pub(crate) use std::thread::yield_now;

#[cfg(pool_loom)]
pub(crate) use loom::thread::yield_now;

pub(crate) use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// A thread of the pool's own; no model starts one.
pub(crate) use std::thread::{Builder as ThreadBuilder, JoinHandle};

/// Slots of a bucket. Seven words and the control word fill a cache line; a model has two.
pub(crate) const SLOTS: usize = if cfg!(pool_loom) { 2 } else { 7 };

/// Retired items that one thread gathers before it hands them to the collector.
pub(crate) const BAG: usize = if cfg!(pool_loom) {
    8
} else if cfg!(miri) {
    2
} else {
    64
};

/// Levels of the timing wheel.
pub(crate) const WHEEL_LEVELS: usize = if cfg!(pool_loom) { 1 } else { 9 };

/// Slots of one level of the timing wheel, a power of two.
pub(crate) const WHEEL_SLOTS: usize = if cfg!(pool_loom) { 4 } else { 256 };

/// By how many bits the ticks of a level are longer than those of the level below.
pub(crate) const WHEEL_SHIFT: u32 = if cfg!(pool_loom) { 1 } else { 5 };

/// Levels of the timing wheel that fire late rather than early, the finest ones.
pub(crate) const WHEEL_LATE_LEVELS: usize = if cfg!(pool_loom) { 1 } else { 2 };

/// Cells of the wheel's chunks, from the first of a chain to its largest.
pub(crate) const CHUNK_CELLS: [usize; 4] =
    if cfg!(pool_loom) { [2, 3, 3, 3] } else { [5, 13, 29, 61] };

/// Entries of the wheel that a helper claims at a time.
pub(crate) const CLAIM: usize = if cfg!(pool_loom) { 1 } else { 16 };

/// Bits of a tick that a record's cover keeps.
pub(crate) const COVER_TICK_BITS: u32 = if cfg!(pool_loom) { 3 } else { 27 };
/// Bytes of a thread's own account at which they are added to the shared one.
///
/// In most models it is out of reach, since the sum would be one more thing to interleave.
pub(crate) const FLUSH: u64 = if cfg!(pool_loom) { 1 << 20 } else { 2 << 10 };

/// Locks `mutex`, whatever happened to a thread that held it.
///
/// Every lock of this crate guards data that is whole at each statement, so that a panic in a
/// holder leaves nothing to repair.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Tells a model that a block is read; nothing, outside of one.
///
/// Nodes of trees are plain memory. A model keeps a cell for each of their blocks, and thereby sees
/// whether a reading is ordered after the writing and before the freeing.
#[cfg(not(pool_loom))]
#[inline(always)]
pub(crate) const fn note_read(_: std::ptr::NonNull<u8>) {}

/// Tells a model that a block is read.
#[cfg(pool_loom)]
pub(crate) fn note_read(block: std::ptr::NonNull<u8>) {
    if let Some(watch) = WATCH.with(|watch| watch.borrow().clone()) {
        watch(block);
    }
}

/// What a model does when a block is read.
#[cfg(pool_loom)]
type Watch = std::rc::Rc<dyn Fn(std::ptr::NonNull<u8>)>;

#[cfg(pool_loom)]
std::thread_local! {
    static WATCH: std::cell::RefCell<Option<Watch>> = const { std::cell::RefCell::new(None) };
}

/// Sets what the models of this thread do when a block is read.
#[cfg(pool_loom)]
pub(crate) fn set_watch(watch: Option<Watch>) {
    WATCH.with(|cell| *cell.borrow_mut() = watch);
}

/// A counter that one thread writes and any thread may read.
///
/// It is a statistic, never part of a protocol, and so models do not see it: it is the standard
/// library's atomic under loom too.
#[derive(Debug, Default)]
pub(crate) struct Counter(std::sync::atomic::AtomicU64);

impl Counter {
    /// Adds `amount`; only the owning thread may call this. Wraps, so that a stripe may go below
    /// zero as long as the sum over all stripes does not.
    #[inline]
    pub(crate) fn add(&self, amount: u64) {
        use std::sync::atomic::Ordering::Relaxed;
        // ORDERING: Relaxed; a lone writer and approximate readers, nothing is carried.
        self.0.store(self.0.load(Relaxed).wrapping_add(amount), Relaxed);
    }

    /// Adds one, and returns what the stripe is at with it; as [`Counter::add`].
    #[inline]
    pub(crate) fn next(&self) -> u64 {
        use std::sync::atomic::Ordering::Relaxed;
        // ORDERING: Relaxed; as in `add`.
        let next = self.0.load(Relaxed).wrapping_add(1);
        // ORDERING: Relaxed; as in `add`.
        self.0.store(next, Relaxed);
        next
    }

    /// Subtracts `amount`; as [`Counter::add`].
    #[inline]
    pub(crate) fn subtract(&self, amount: u64) {
        self.add(amount.wrapping_neg());
    }

    /// Returns the value of this stripe, which means something only in the sum over all stripes.
    #[inline]
    pub(crate) fn get(&self) -> u64 {
        // ORDERING: Relaxed; as in `add`.
        self.0.load(std::sync::atomic::Ordering::Relaxed)
    }
}

/// Set by a model instead of freeing something, so that it sees who still uses it; nothing outside
/// of models.
#[derive(Debug, Default)]
pub(crate) struct FreedMark {
    #[cfg(pool_loom)]
    is_set: std::sync::atomic::AtomicBool,
}

impl FreedMark {
    /// Notes that it would be freed.
    #[cfg(pool_loom)]
    pub(crate) fn set(&self) {
        self.is_set.store(true, std::sync::atomic::Ordering::SeqCst);
    }

    /// Fails a model in which it would have been freed.
    #[inline(always)]
    pub(crate) fn check(&self) {
        #[cfg(pool_loom)]
        assert!(
            !self.is_set.load(std::sync::atomic::Ordering::SeqCst),
            "broken: what was freed is used"
        );
    }
}

/// A known wrong way to do a step, which a model switches on to show that it can fail.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(
    any(pool_shuttle, not(all(pool_loom, pool_epochs))),
    expect(dead_code, reason = "only models switch them on, and some only those of the epochs")
)]
pub(crate) enum Mutant {
    /// The protocol as documented.
    None,
    /// R1: a commit that failed counts all the same.
    CommitUnchecked,
    /// R2: place the record in the first free slot and call it committed.
    FirstFreeSlot,
    /// R3: a slot is emptied without the stamp of its version.
    EmptyWithoutStamp,
    /// R3: a stamp newer than the snapshot is used all the same.
    StampUnchecked,
    /// A version has one bit, so that it is the same again after two commits.
    NarrowVersion,
    /// R4: an insert scans without finishing the last commit.
    NoHelp,
    /// R5: a record is placed again after its commit failed.
    RecordPlacedAgain,
    /// R6: an overflow bucket is unlinked without a CAS of the control word.
    DetachByStore,
    /// R6: an overflow bucket is unlinked before the last commit is finished.
    DetachWithoutHelp,
    /// The free stack of overflow buckets does not count its changes.
    FreeUncounted,
    /// R7: a migration does not finish the last commit.
    MoveWithoutHelp,
    /// R7: slots are frozen before the control word.
    SlotsFrozenFirst,
    /// R7: a tentative word is moved as if it were committed.
    TentativeMoved,
    /// R7: an attach leaves a control word that says that the bucket was moved.
    NoneIsDone,
    /// R7: a reader does not look whether the bucket was moved.
    ReaderIgnoresDone,
    /// R7: what a migration fills is empty instead of unfilled to begin with.
    FilledFromEmpty,
    /// R7: the control word of a filled bucket is stored instead of exchanged.
    ControlStored,
    /// R7: shrinking, one bucket of a pair is moved for both.
    OneSourceFrozen,
    /// R7: shrinking, only the first bucket of a pair is said to have been moved.
    OtherSourceDone,
    /// R21: a generation that is not the root yet gets a successor.
    GrowBeforeRoot,
    /// R21: the successor is stored instead of exchanged.
    NextByStore,
    /// R21: a generation is freed as soon as it is unlinked.
    FreedAtOnce,
    /// R21: moved buckets are counted without ordering.
    CountRelaxed,
    /// R22: the cursor of a scan counts buckets up plainly.
    PlainCursor,
    /// R22: a scan does not follow a bucket that was moved.
    ScanIgnoresDone,
    /// A visit of what a hash may mean passes over frozen words.
    VisitIgnoresFrozen,
    /// R11: the value of a hot integer is copied without freezing it.
    CopyWithoutFreeze,
    /// R11: the value is read first and frozen then.
    ReadThenFreeze,
    /// R11: INCR does not look at the frozen bit.
    IncrementFrozen,
    /// R12: a push does not look whether its tick was left meanwhile.
    PushWithoutSecondLook,
    /// R12: a slot is left on a load that found it empty.
    LeaveByLoad,
    /// R13: a cell that is not written yet is passed over by who drains its chunk.
    PassOverUnwritten,
    /// R13: an entry is written by a load of its cell and a store.
    FillByStore,
    /// R13: a cell is said to be filled before it is.
    FilledBeforeWritten,
    /// R13: with the first chunk the rest of the chain is unlinked.
    UnlinkChain,
    /// R13: a chunk is reused without a grace period.
    FreeChunkAtOnce,
    /// R14: cells are claimed by a load and a store.
    ClaimByStore,
    /// R14: whoever finds a chunk drained retires it.
    EveryoneRetires,
    /// A helper that slept for a turn drains what it finds.
    IgnoreChunkTick,
    /// An idle wheel jumps to the present, past the slots in between.
    JumpToNow,
    /// R15: a record without a deadline forgets the cover.
    PersistForgetsCover,
    /// R15: the entry is pushed, or the skipped push noted, before the record is published.
    FulfilBeforePublish,
    /// R15: who inherits a cover does not look whether its entry has fired.
    NoCoverRecheck,
    /// R15: a fire that lost its CAS does not look again.
    NoSecondLook,
    /// R15: a fire does not write the word of a record that it leaves.
    NoConfirm,
    /// R15: a fire does not write the word of a record that has another entry.
    NoConfirmOfCovered,
    /// R15: every fire pushes, also when there is another entry.
    EveryFirePushes,
    /// C1: a cover is inherited though its entry fires too late.
    InheritLaterEntry,
    /// A birth is taken for a cover.
    BirthAsCover,
    /// A level that has come to the tick by the time it is looked at is used all the same.
    StayOnLevel,
    /// What a level's current tick is says nothing about the finer levels.
    LookRelaxed,
    /// A cover stays in a record without a deadline when its entry has fired.
    KeepStaleCover,
    /// A skipped push is noted for the round that a load has shown.
    OweByLoad,
    /// A skipped push is noted for the round that is being made.
    OweThisRound,
    /// R16: a record is handed to the collector before it is unlinked.
    RetireBeforeUnlink,
    /// R16: a reader looks without being pinned.
    ReadUnpinned,
    /// R16: the epoch moves on past a thread that is inside an earlier one.
    AdvanceUnchecked,
    /// R16: no fence follows an announcement.
    AnnounceUnfenced,
    /// R16: no fence precedes the look at the announcements.
    AdvanceUnfenced,
    /// R16: an announcement is revoked though its thread is inside an operation.
    RevokeInside,
    /// R16: an announcement of a later epoch than the one that ends is revoked.
    RevokeAhead,
    /// R16: no barrier stands between raising the depth and looking at the epoch.
    EnterUnfenced,
    /// R16: an exiting thread keeps its bag to itself.
    ExitKeepsBag,
    /// R17, R18: a removal takes whatever the slot holds now.
    RemoveByKey,
    /// The ring gives one ticket to two pushers.
    TicketByLoad,
    /// The ring's cell is overwritten, whatever lies in it.
    PushByStore,
    /// The ring's cell is emptied by a load and a store.
    PopByStore,
    /// A promotion is not confirmed on the slot.
    PromoteUnconfirmed,
    /// A successor keeps the trial mark that it copied before it was published.
    MarkCopiedEarly,
    /// A read stores the access word, whatever it holds by now.
    TouchByStore,
    /// A ghost's word is overwritten, whatever it holds by now.
    GhostByStore,
    /// R20: whoever lost the CAS subtracts all the same.
    LoserSubtracts,
    /// R20: a spared record is counted before its CAS.
    SparedCountedFirst,
    /// Whoever lost the CAS tells the listener all the same.
    LoserTells,
    /// The right to evict a key is taken before a victim is known.
    RightBeforeVictim,
    /// A key is evicted whether or not it is still one too many.
    EvictUnrightfully,
    /// A key is counted before it was published.
    CountBeforePublish,
    /// A stripe is added to the sum by a load and a store.
    FlushByStore,
    /// R24: an inbox is emptied by a load and a store.
    TakeByStore,
    /// R25: an attempt that lost frees what its version shares with the one that won.
    LoserFreesShared,
    /// R25: an attempt that lost frees nothing.
    LoserFreesNothing,
    /// R25: an attempt begins with the replaced nodes of the one that lost before it.
    DeadListKept,
    /// R25: a graft is put on whatever there is by now.
    GraftUnasked,
    /// R25: an attempt that won frees what it has replaced without a grace period.
    WinnerFreesAtOnce,
    /// R25: a deletion buries the whole tree without a grace period.
    TreeWithoutGrace,
    /// R25: a deletion retires the record and buries what is below it at once.
    ChildrenWithoutGrace,
    /// R25: a deletion retires the record alone.
    RecordAlone,
    /// The millisecond of a look at the clock is stored, though a later one may have been seen.
    MillisecondByStore,
    /// A window is opened before its millisecond is there to be shown.
    WindowBeforeMillisecond,
}

#[cfg(pool_loom)]
std::thread_local! {
    static MUTANT: std::cell::Cell<Mutant> = const { std::cell::Cell::new(Mutant::None) };
}

/// Switches a mutant on for the models that this thread runs; loom's threads all live on it.
#[cfg(pool_loom)]
pub(crate) fn set_mutant(mutant: Mutant) {
    MUTANT.with(|cell| cell.set(mutant));
}

/// Whether the step should be done the known wrong way; never outside a model.
#[cfg(pool_loom)]
pub(crate) fn is_mutant(mutant: Mutant) -> bool {
    MUTANT.with(|cell| cell.get() == mutant)
}

/// Whether the step should be done the known wrong way; never outside a model.
#[cfg(not(pool_loom))]
#[inline(always)]
pub(crate) const fn is_mutant(_: Mutant) -> bool {
    false
}
