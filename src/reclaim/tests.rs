//! What the seam promises, counted.

use super::*;
use std::{
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    thread,
};

/// A block size for the tests.
const BYTES: u32 = 64;

/// Counts how often it was dropped.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Relaxed);
    }
}

/// A domain that closes at the end of the test.
struct Owned(Arc<Domain>);

impl Owned {
    fn new() -> Self {
        Self(Domain::new())
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        // SAFETY: the tests drop their guards first.
        unsafe { self.0.close() };
    }
}

/// Retires one block that counts its drop.
fn retire_one(guard: &Guard<'_>, drops: &Arc<AtomicUsize>) {
    unsafe fn drop_content(block: NonNull<u8>) -> usize {
        // SAFETY: `retire_one` has written a `Counted` there.
        unsafe { block.cast::<Counted>().drop_in_place() };
        0
    }
    let block = guard.take_block(BYTES as usize);
    // SAFETY: the block is ours and large enough.
    unsafe { block.cast::<Counted>().write(Counted(Arc::clone(drops))) };
    // SAFETY: nobody else has ever seen the block.
    unsafe { guard.retire(Retired::Owner { block, bytes: BYTES, held: 0, drop_content }) };
}

#[test]
fn what_is_retired_is_dropped_once_and_bounded_meanwhile() {
    let drops = Arc::new(AtomicUsize::new(0));
    let domain = Owned::new();
    let retires = if cfg!(miri) { 100 } else { 100_000 };

    for done in 0..retires {
        retire_one(&domain.0.pin(), &drops);

        let outstanding = done + 1 - drops.load(Relaxed);
        assert!(outstanding <= 16 * crate::sync::BAG, "{outstanding} are waiting");
    }
    drop(domain);

    assert_eq!(drops.load(Relaxed), retires);
}

#[test]
fn advancing_frees_everything_when_nobody_is_pinned() {
    let drops = Arc::new(AtomicUsize::new(0));
    let domain = Owned::new();
    retire_one(&domain.0.pin(), &drops);
    assert_eq!(domain.0.retired_bytes(), u64::from(BYTES));

    domain.0.advance();

    assert_eq!(drops.load(Relaxed), 1);
    assert_eq!(domain.0.retired_bytes(), 0);
}

#[test]
fn a_pinned_reader_holds_back_what_is_retired_after_it_pinned() {
    let drops = Arc::new(AtomicUsize::new(0));
    let domain = Owned::new();
    let reader = domain.0.pin();

    retire_one(&domain.0.pin(), &drops);
    domain.0.advance();
    assert_eq!(drops.load(Relaxed), 0);

    drop(reader);
    domain.0.advance();
    assert_eq!(drops.load(Relaxed), 1);
}

#[test]
fn a_thread_that_has_stopped_working_holds_nothing_back() {
    let drops = Arc::new(AtomicUsize::new(0));
    let domain = Owned::new();
    let idle_threads = if cfg!(miri) { 2 } else { 40 };
    let (idle, done) =
        (std::sync::Barrier::new(idle_threads + 1), std::sync::Barrier::new(idle_threads + 1));

    thread::scope(|scope| {
        for _ in 0..idle_threads {
            let (domain, idle, done) = (&domain.0, &idle, &done);
            scope.spawn(move || {
                drop(domain.pin());
                idle.wait();
                done.wait();
                drop(domain.pin());
            });
        }
        idle.wait();
        retire_one(&domain.0.pin(), &drops);
        domain.0.advance();
        let freed = drops.load(Relaxed);
        done.wait();
        assert_eq!(freed, 1);
    });
}

#[test]
fn a_guard_that_is_held_is_told_by_its_age() {
    let domain = Owned::new();
    assert_eq!(domain.0.oldest_guard_millis(), None);
    let (held, done) = (std::sync::Barrier::new(2), std::sync::Barrier::new(2));

    thread::scope(|scope| {
        let (shared, held, done) = (&domain.0, &held, &done);
        scope.spawn(move || {
            let _guard = shared.pin();
            held.wait();
            done.wait();
        });
        held.wait();
        // The first call moves the epoch on, past the guard.
        domain.0.oldest_guard_millis();
        let age = domain.0.oldest_guard_millis();
        let later = loop {
            let later = domain.0.oldest_guard_millis();
            if later > age {
                break later;
            }
            thread::yield_now();
        };
        done.wait();
        assert!(age.is_some() && later > age);
    });

    assert_eq!(domain.0.oldest_guard_millis(), None);
}

#[test]
fn a_thread_that_ends_leaves_nothing_behind() {
    let drops = Arc::new(AtomicUsize::new(0));
    let domain = Owned::new();

    thread::scope(|scope| {
        scope.spawn(|| retire_one(&domain.0.pin(), &drops));
    });
    // The scope may end before the thread's destructors have run; the domain waits for nobody, so
    // the test moves on until it has seen what the thread left.
    while drops.load(Relaxed) == 0 {
        domain.0.advance();
        thread::yield_now();
    }

    assert_eq!(drops.load(Relaxed), 1);
}

#[test]
fn a_new_thread_takes_over_the_participant_of_one_that_ended() {
    let domain = Owned::new();

    for _ in 0..20 {
        let domain = Arc::clone(&domain.0);
        thread::spawn(move || drop(domain.pin())).join().unwrap();
    }

    assert_eq!(domain.0.participants().count(), 1);
}

#[test]
fn closing_frees_what_threads_still_hold() {
    let drops = Arc::new(AtomicUsize::new(0));
    let domain = Owned::new();
    let (ready, closed) = (std::sync::Barrier::new(2), std::sync::Barrier::new(2));

    thread::scope(|scope| {
        let shared = Arc::clone(&domain.0);
        let (drops, ready, closed) = (&drops, &ready, &closed);
        scope.spawn(move || {
            retire_one(&shared.pin(), drops);
            ready.wait();
            closed.wait();
        });
        ready.wait();
        drop(domain);
        closed.wait();
    });

    assert_eq!(drops.load(Relaxed), 1);
}

#[test]
fn a_bag_in_use_does_not_drag_the_spare_ones_along() {
    let drops = Arc::new(AtomicUsize::new(0));
    let domain = Owned::new();
    let retires = 3 * crate::sync::BAG;

    let reader = domain.0.pin();
    for _ in 0..retires {
        retire_one(&domain.0.pin(), &drops);
    }
    drop(reader);
    domain.0.advance();
    assert_eq!(drops.load(Relaxed), retires);
    retire_one(&domain.0.pin(), &drops);
    drop(domain);

    assert_eq!(drops.load(Relaxed), retires + 1);
}

#[test]
fn a_panic_in_a_users_drop_stays_there() {
    unsafe fn drop_content(_: NonNull<u8>) -> usize {
        panic!("a user's drop");
    }
    let domain = Owned::new();
    let block = domain.0.pin().take_block(BYTES as usize);

    // SAFETY: nobody else has ever seen the block.
    unsafe {
        domain.0.pin().retire(Retired::Owner { block, bytes: BYTES, held: 0, drop_content });
    }
    domain.0.advance();

    assert_eq!(domain.0.retired_bytes(), 0);
}

#[test]
fn a_retired_block_is_the_same_threads_next_allocation() {
    let domain = Owned::new();
    let block = domain.0.pin().take_block(BYTES as usize);

    // SAFETY: nobody else has ever seen the block.
    unsafe { domain.0.pin().retire(Retired::Block { block, bytes: BYTES }) };
    domain.0.advance();

    assert_eq!(domain.0.pin().take_block(BYTES as usize), block);
    // SAFETY: taken just now, with this size.
    unsafe { domain.0.pin().put_block(block, BYTES as usize) };
}
