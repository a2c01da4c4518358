//! What a domain has taken from the allocator, in bytes.
//!
//! A block counts from the moment at which the allocator hands it out to the one at which it goes
//! back: in the table, retired, or lying ready in a magazine. So what a thread reuses costs no
//! counting, and nothing is counted twice, since a block is allocated by one thread and given back
//! by one thread.
//!
//! Each thread counts for itself and adds to the shared sum when that makes 2 KiB either way; a bag,
//! which takes no more, waits for the next time. So the sum is one load, and wrong by less than 4 KiB
//! a thread.

use crate::sync::{AtomicU64, Counter, FLUSH, Mutant, Ordering, is_mutant};
use crossbeam_utils::CachePadded;

/// One thread's part, which it alone changes. It stays with the participant: who takes that over
/// goes on counting.
#[derive(Debug, Default)]
pub(crate) struct Account {
    /// Bytes taken minus bytes given back, below zero, wrapping, when others' were given back.
    taken: Counter,
    /// How much of that has been added to the sum.
    flushed: Counter,
}

impl Account {
    /// Notes bytes that were taken, or given back, to be added to the sum with the next charge.
    #[inline]
    pub(crate) fn note(&self, delta: i64) {
        self.taken.add(delta.cast_unsigned());
    }

    /// Bytes taken minus bytes given back by this thread, wrapping.
    pub(crate) fn taken(&self) -> u64 {
        self.taken.get()
    }

    fn unflushed(&self) -> i64 {
        self.taken.get().wrapping_sub(self.flushed.get()).cast_signed()
    }
}

/// The sum over all threads.
#[derive(Debug)]
pub(crate) struct Ledger {
    taken: CachePadded<AtomicU64>,
}

impl Ledger {
    /// A ledger of nothing.
    pub(crate) fn new() -> Self {
        Self { taken: CachePadded::new(AtomicU64::new(0)) }
    }

    /// Counts bytes that the owner of `account` has taken or given back.
    pub(crate) fn charge(&self, account: &Account, delta: i64) {
        account.note(delta);
        let sum = account.unflushed();
        if sum.unsigned_abs() >= FLUSH {
            account.flushed.add(sum.cast_unsigned());
            self.add(sum);
        }
    }

    #[cold]
    fn add(&self, sum: i64) {
        if is_mutant(Mutant::FlushByStore) {
            // ORDERING: AcqRel in effect; a mutant's steps, between which another's flush is lost.
            let taken = self.taken.load(Ordering::Acquire);
            self.taken.store(taken.wrapping_add_signed(sum), Ordering::Release);
            return;
        }
        // ORDERING: Relaxed; a sum, nothing is carried.
        self.taken.fetch_add(sum.cast_unsigned(), Ordering::Relaxed);
    }

    /// Bytes taken, less than 4 KiB a thread off.
    #[inline]
    pub(crate) fn taken(&self) -> u64 {
        // ORDERING: Relaxed; as in `add`.
        u64::try_from(self.taken.load(Ordering::Relaxed).cast_signed()).unwrap_or(0)
    }
}

#[cfg(all(test, not(pool_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_thread_keeps_less_than_a_flush_to_itself() {
        let (ledger, one, other) = (Ledger::new(), Account::default(), Account::default());

        ledger.charge(&one, 2_000);
        ledger.charge(&other, 2_000);
        assert_eq!((ledger.taken(), one.taken()), (0, 2_000));

        ledger.charge(&one, 48);
        assert_eq!(ledger.taken(), 2_048);
        ledger.charge(&other, -4_000);
        assert_eq!(ledger.taken(), 2_048);
        ledger.charge(&other, -2_000);
        assert_eq!(ledger.taken(), 0);
        assert_eq!(one.taken().wrapping_add(other.taken()).cast_signed(), -1_952);
    }
}

#[cfg(all(test, pool_loom, not(pool_shuttle)))]
mod loom {
    //! | model          | actors | wrong way that must fail |
    //! |----------------|--------|--------------------------|
    //! | `two_accounts` | 3      | `FlushByStore`           |

    use super::*;
    use crate::model::{breaks, holds};
    use ::loom::{sync::Arc, thread};

    /// Half of what is flushed at once.
    const HALF: i64 = (FLUSH / 2).cast_signed();

    /// Two threads that take three halves each, one by one, while a third looks.
    fn two_accounts() -> u64 {
        let ledger = Arc::new(Ledger::new());
        let count = |()| {
            let ledger = Arc::clone(&ledger);
            thread::spawn(move || {
                let account = Account::default();
                (0..3).for_each(|_| ledger.charge(&account, HALF));
                account.unflushed()
            })
        };
        let threads = [(); 2].map(count);
        let observer = Arc::clone(&ledger);
        let observer = thread::spawn(move || observer.taken());
        let kept: i64 = threads.map(|thread| thread.join().unwrap()).iter().sum();
        let midway = observer.join().unwrap();
        let all = 6 * HALF.cast_unsigned();
        assert!(ledger.taken().abs_diff(all) <= FLUSH, "off by more than the slack");
        assert_eq!(ledger.taken().saturating_add_signed(kept), all, "exact at rest");
        midway / FLUSH
    }

    #[test]
    fn accounts_are_off_by_less_than_a_flush_a_thread() {
        holds(10, [0, 1, 2], two_accounts);
        breaks(Mutant::FlushByStore, "slack", two_accounts);
    }
}
