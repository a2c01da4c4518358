//! The epoch of a domain, and the presence of its threads in it.
//!
//! A thread *announces* the epoch in which it works, and the epoch moves on only when everybody who
//! is present has announced the current one. What makes a pin cheap is that an announcement
//! **stands**: leaving an operation does not take it back, and the next operation of the same epoch
//! finds it standing and only raises its `depth`. A thread that keeps working announces itself once
//! an epoch, not once an operation, and needs a fence then only.
//!
//! What is left over is the thread that has stopped working: its announcement stands in an old
//! epoch and holds everybody up. Whoever wants to move on then runs a barrier on all processors, and
//! looks whether that thread is inside an operation. If it is not, its announcement is *revoked*:
//! an operation that it begins after the barrier finds that the epoch is another one, and announces
//! itself anew.
//!
//! Models of other modules run on a stand-in (`stand_in.rs`) that knows no epochs.

#[cfg(all(test, pool_loom, pool_epochs, not(pool_shuttle)))]
mod loom;

use super::barrier::Barriers;
use crate::clock::monotonic_millis;
use crate::sync::{AtomicU32, AtomicU64, Mutant, Ordering, fence, is_mutant};
use crossbeam_utils::CachePadded;

/// Epochs that have to pass until nobody can hold what was retired.
pub(super) const GRACE: u64 = 3;

/// What is announced when nobody is here.
const ABSENT: u64 = 0;

/// Idle threads that one advance moves out of the way.
const MOST_SUSPECTS: usize = 16;

/// A domain's epoch.
#[derive(Debug)]
pub(super) struct Epochs(CachePadded<Epoch>);

#[derive(Debug)]
struct Epoch {
    /// The epoch's number, from 1.
    current: AtomicU64,
    barriers: Barriers,
    /// When it began, on the monotonic clock, in milliseconds; advisory.
    began: AtomicU64,
}

/// One thread's presence in a domain.
///
/// Written by its thread; others only revoke the announcement.
#[derive(Debug)]
pub(super) struct Presence {
    /// An epoch's number, or ABSENT.
    announced: AtomicU64,
    /// How many guards the thread holds.
    depth: AtomicU32,
}

/// How a thread stands in the way of the next epoch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Standing {
    /// It does not.
    Clear,
    /// It has announced an earlier epoch and is inside an operation.
    Inside,
    /// It has announced an earlier epoch, this one, and seems to be outside of any operation.
    Outside(u64),
}

impl Epochs {
    /// The first epoch.
    pub(super) fn new() -> Self {
        Self::with_barriers(Barriers::new())
    }

    fn with_barriers(barriers: Barriers) -> Self {
        Self(CachePadded::new(Epoch {
            current: AtomicU64::new(1),
            barriers,
            began: AtomicU64::new(monotonic_millis()),
        }))
    }

    /// The number of the current epoch: what is retired gets it as its stamp.
    pub(super) fn now(&self) -> u64 {
        // ORDERING: Relaxed; not older than the epoch that this thread has announced, since it has
        // read that from here.
        self.0.current.load(Ordering::Relaxed)
    }

    /// Whether nobody can hold any more what was retired with this stamp.
    #[inline]
    pub(super) fn has_passed(&self, stamp: u64) -> bool {
        // ORDERING: Acquire, edge `advance→free`: what everybody did in the epochs that have passed
        // comes before the freeing.
        stamp + GRACE <= self.0.current.load(Ordering::Acquire)
    }

    /// Moves on to the next epoch if nobody stands in the way, or sees that somebody else has moved
    /// on; false when somebody holds it.
    ///
    /// Threads that seem to have stopped working are moved out of it only if `insists`, since that
    /// takes a system call; a bounded number at a time.
    pub(super) fn advance<'p, I: Iterator<Item = &'p Presence>>(
        &self,
        everybody: I,
        insists: bool,
    ) -> bool {
        // ORDERING: Relaxed; what preceded the epochs so far precedes the next one, too, since the
        // CASes that began them are one release sequence.
        let current = self.0.current.load(Ordering::Relaxed);
        if !is_mutant(Mutant::AdvanceUnfenced) {
            // ORDERING: SeqCst; either an announcement comes first and is seen below, or this fence
            // does and the announcing thread sees what was unlinked before it.
            fence(Ordering::SeqCst);
        }
        let mut suspects = Suspects::default();
        let mut is_held = false;
        for presence in everybody {
            is_held |= match presence.standing(current) {
                Standing::Clear => false,
                Standing::Inside => true,
                Standing::Outside(announced) => !insists || !suspects.add(presence, announced),
            };
        }
        is_held |= !suspects.revoke(self.0.barriers);
        if is_held && !is_mutant(Mutant::AdvanceUnchecked) {
            return false;
        }
        // ORDERING: Release, edges `advance→announce` and `advance→free`; Relaxed on failure, then
        // somebody else has moved on.
        let moved = self.0.current.compare_exchange(
            current,
            current + 1,
            Ordering::Release,
            Ordering::Relaxed,
        );
        if moved.is_ok() {
            // ORDERING: Relaxed; advisory.
            self.0.began.store(monotonic_millis(), Ordering::Relaxed);
        }
        true
    }

    /// When the current epoch began, if somebody is inside an operation that he began before it.
    pub(super) fn held_since<'p, I: Iterator<Item = &'p Presence>>(
        &self,
        mut everybody: I,
    ) -> Option<u64> {
        let current = self.now();
        let is_held = everybody.any(|presence| presence.standing(current) == Standing::Inside);
        // ORDERING: Relaxed; advisory.
        is_held.then(|| self.0.began.load(Ordering::Relaxed))
    }
}

impl Presence {
    /// A thread that is not there.
    pub(super) fn new() -> Self {
        Self { announced: AtomicU64::new(ABSENT), depth: AtomicU32::new(0) }
    }

    /// Begins an operation; they nest.
    #[inline(always)]
    pub(super) fn enter(&self, epochs: &Epochs) {
        // ORDERING: Relaxed; written by this thread only.
        let depth = self.depth.load(Ordering::Relaxed);
        // ORDERING: Relaxed; the barrier below is what puts it before the look at `announced`.
        self.depth.store(depth + 1, Ordering::Relaxed);
        if depth == 0 {
            let epoch = &*epochs.0;
            epoch.barriers.light();
            // ORDERING: Relaxed, both: an announcement that stands has had its fence, and one that
            // does not is made in `announce`.
            if self.announced.load(Ordering::Relaxed) != epoch.current.load(Ordering::Relaxed) {
                self.announce(epoch);
            }
        }
    }

    /// Announces the current epoch.
    #[cold]
    #[inline(never)]
    fn announce(&self, epoch: &Epoch) {
        // ORDERING: Relaxed; the fence below makes it edge `advance→announce`: what was unlinked
        // before the last two epochs began cannot be reached from here on.
        let current = epoch.current.load(Ordering::Relaxed);
        // ORDERING: Release, edge `exit→advance`: what this thread did in earlier epochs comes
        // before the announcement of this one.
        self.announced.store(current, Ordering::Release);
        if !is_mutant(Mutant::AnnounceUnfenced) {
            // ORDERING: SeqCst; see `advance`. Its acquiring half is edge `advance→announce`.
            fence(Ordering::SeqCst);
        }
    }

    /// Ends an operation. The announcement stands.
    #[inline(always)]
    pub(super) fn exit(&self) {
        // ORDERING: Relaxed; written by this thread only.
        let depth = self.depth.load(Ordering::Relaxed);
        // ORDERING: Release, edge `exit→advance`: what this thread did inside comes before its
        // being seen outside.
        self.depth.store(depth - 1, Ordering::Release);
    }

    /// Takes the announcement back, when the thread ends.
    pub(super) fn leave(&self) {
        // ORDERING: Release, edge `exit→advance`.
        self.announced.store(ABSENT, Ordering::Release);
    }

    /// How the thread stands towards the end of the epoch `current`.
    fn standing(&self, current: u64) -> Standing {
        // ORDERING: Acquire, edge `exit→advance`.
        let announced = self.announced.load(Ordering::Acquire);
        // A later epoch than `current`: the caller is late, and moves nothing on.
        let is_ahead = announced > current && !is_mutant(Mutant::RevokeAhead);
        if announced == ABSENT || announced == current || is_ahead {
            return Standing::Clear;
        }
        // ORDERING: Relaxed; a hint whether a barrier is worth while.
        if self.depth.load(Ordering::Relaxed) == 0 || is_mutant(Mutant::RevokeInside) {
            Standing::Outside(announced)
        } else {
            Standing::Inside
        }
    }

    /// After a barrier: takes back an announcement that was seen before it, if the thread is
    /// outside; false when it is inside or has announced itself anew.
    fn revoke(&self, announced: u64) -> bool {
        // ORDERING: Acquire, edge `exit→advance`: it is outside, or it has begun an operation after
        // the barrier, sees that the epoch is another one, and announces itself anew.
        if self.depth.load(Ordering::Acquire) != 0 && !is_mutant(Mutant::RevokeInside) {
            return false;
        }
        self.announced
            // ORDERING: Release, edge `exit→advance`: what the thread did inside, for whoever finds
            // it absent. Relaxed on failure: it has announced itself, in an epoch that the next
            // attempt looks at.
            .compare_exchange(announced, ABSENT, Ordering::Release, Ordering::Relaxed)
            .is_ok()
    }
}

/// Threads in the way that seem to have stopped working, and what they have announced.
///
/// What was announced before the barrier is all that may be revoked after it: hence the list.
#[derive(Default)]
struct Suspects<'p> {
    seen: [Option<(&'p Presence, u64)>; MOST_SUSPECTS],
    len: usize,
}

impl<'p> Suspects<'p> {
    /// Adds one; false when there is no room for it.
    fn add(&mut self, presence: &'p Presence, announced: u64) -> bool {
        let Some(place) = self.seen.get_mut(self.len) else { return false };
        *place = Some((presence, announced));
        self.len += 1;
        true
    }

    /// Takes their announcements back; false when one of them is working after all.
    fn revoke(&self, barriers: Barriers) -> bool {
        if self.len == 0 {
            return true;
        }
        let seen = self.seen.iter().flatten();
        // All of them, so that one that is working does not keep the others in the way.
        barriers.heavy() && seen.fold(true, |all, (presence, seen)| presence.revoke(*seen) && all)
    }
}
