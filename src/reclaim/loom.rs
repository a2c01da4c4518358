//! Models of reclamation.
//!
//! | model                              | race | runs on                | wrong way that must fail |
//! |------------------------------------|------|------------------------|--------------------------|
//! | `a_reader_against_a_writer`        | R16  | crossbeam's epochs     | `RetireBeforeUnlink`, `ReadUnpinned` |
//! | `a_thread_that_leaves`             | R16  | crossbeam's epochs     | `ExitKeepsBag`           |
//! | `owner_and_adopter_empty_an_inbox` | R24  | no epochs              | `TakeByStore`            |
//!
//! With `--cfg crossbeam_loom` the epochs are crossbeam-epoch's own code under loom, otherwise the
//! stand-in of `epoch.rs`, on which a model of the epochs themselves would prove nothing.

use super::*;
use crate::{
    model::{breaks, holds},
    sync::Mutant,
};
use ::loom::thread;
use std::sync::atomic::{AtomicUsize as Ghost, Ordering::SeqCst};

/// A block size for the models.
const BYTES: u32 = 64;

/// What a block of a model holds: where its freeing is noted. Loom does not see it.
struct Noted(Arc<Ghost>);

/// Retires a block whose freeing adds one to `freed`.
fn retire_noted(guard: &Guard<'_>, freed: &Arc<Ghost>) {
    unsafe fn drop_content(block: NonNull<u8>) {
        // SAFETY: `retire_noted` has written it there, and it is read once.
        let noted = unsafe { block.cast::<Noted>().read() };
        noted.0.fetch_add(1, SeqCst);
    }
    let block = guard.take_block(BYTES as usize);
    // SAFETY: the block is ours and large enough.
    unsafe { block.cast::<Noted>().write(Noted(Arc::clone(freed))) };
    // SAFETY: the model vouches for when it retires.
    unsafe { guard.retire(Retired::Owner { block, bytes: BYTES, held: 0, drop_content }) };
}

/// Closes a domain at the end of a model that has not failed.
struct Closing(Arc<Domain>);

impl Drop for Closing {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: the actors are done.
            unsafe { self.0.close() };
        }
    }
}

/// A reader looks through a pointer that a writer takes away and retires; true when it was there.
#[cfg(crossbeam_loom)]
fn a_reader_against_a_writer() -> bool {
    use crate::sync::{AtomicUsize, is_mutant};

    let domain = Closing(Domain::new());
    let link = Arc::new(AtomicUsize::new(1));
    let freed = Arc::new(Ghost::new(0));
    let (reader_seat, writer_seat) = (domain.0.reserve_seat(), domain.0.reserve_seat());
    let reader = {
        let (domain, link, freed) = (Arc::clone(&domain.0), Arc::clone(&link), Arc::clone(&freed));
        thread::spawn(move || {
            domain.sit(&reader_seat);
            let guard = (!is_mutant(Mutant::ReadUnpinned)).then(|| domain.pin());
            let is_there = link.load(Ordering::Acquire) == 1;
            if is_there {
                // The reader works on the record for a while.
                thread::yield_now();
                assert_eq!(freed.load(SeqCst), 0, "broken: freed under a reader");
            }
            drop(guard);
            is_there
        })
    };
    let writer = {
        let (domain, link, freed) = (Arc::clone(&domain.0), Arc::clone(&link), Arc::clone(&freed));
        thread::spawn(move || {
            domain.sit(&writer_seat);
            if is_mutant(Mutant::RetireBeforeUnlink) {
                retire_noted(&domain.pin(), &freed);
                for _ in 0..3 {
                    let guard = domain.pin();
                    guard.participant.seal(&guard.epoch);
                    guard.epoch.flush();
                }
                while domain.pin().participant.free_one() {}
                link.store(0, Ordering::Release);
                return;
            }
            let guard = domain.pin();
            link.store(0, Ordering::Release);
            retire_noted(&guard, &freed);
            guard.participant.seal(&guard.epoch);
            drop(guard);
            for _ in 0..3 {
                domain.pin().epoch.flush();
            }
            while domain.pin().participant.free_one() {}
        })
    };
    let was_there = reader.join().unwrap();
    writer.join().unwrap();
    was_there
}

#[cfg(crossbeam_loom)]
#[test]
fn r16_nothing_is_freed_under_a_pinned_reader() {
    holds(100, [false, true], a_reader_against_a_writer);
    breaks(Mutant::ReadUnpinned, "broken", a_reader_against_a_writer);
    breaks(Mutant::RetireBeforeUnlink, "broken", a_reader_against_a_writer);
}

/// A thread retires something and leaves, while another one advances; true when the other one has
/// freed it meanwhile. Whatever happens, it is freed once the other one has advanced again.
#[cfg(crossbeam_loom)]
fn a_thread_that_leaves() -> bool {
    let domain = Closing(Domain::new());
    let freed = Arc::new(Ghost::new(0));
    let (leaver_seat, stayer_seat) = (domain.0.reserve_seat(), domain.0.reserve_seat());
    let leaver = {
        let (domain, freed) = (Arc::clone(&domain.0), Arc::clone(&freed));
        thread::spawn(move || {
            domain.sit(&leaver_seat);
            retire_noted(&domain.pin(), &freed);
            domain.leave(leaver_seat.0);
        })
    };
    let stayer = {
        let (domain, freed) = (Arc::clone(&domain.0), Arc::clone(&freed));
        thread::spawn(move || {
            domain.sit(&stayer_seat);
            domain.advance();
            (freed.load(SeqCst) == 1, stayer_seat)
        })
    };
    leaver.join().unwrap();
    let (was_freed, stayer_seat) = stayer.join().unwrap();
    domain.0.sit(&stayer_seat);
    domain.0.advance();
    assert_eq!(freed.load(SeqCst), 1, "broken: what the thread left is stranded");
    was_freed
}

#[cfg(crossbeam_loom)]
#[test]
fn r16_what_a_leaving_thread_retired_is_freed_by_those_who_stay() {
    holds(20, [false, true], a_thread_that_leaves);
    breaks(Mutant::ExitKeepsBag, "broken", a_thread_that_leaves);
}

/// A bag comes home while both its owner and an adopter look for bags; true when the owner got it.
fn owner_and_adopter_empty_an_inbox() -> bool {
    let domain = Closing(Domain::new());
    let owner_seat = domain.0.reserve_seat();
    let owner = owner_seat.0 as usize;
    let adopter_seat = domain.0.reserve_seat();
    let home = move || {
        // SAFETY: participants live until the domain closes, at the end of the model.
        unsafe { &*(owner as *const Participant) }
    };
    home().inbox.push(bag::Bag::new(home()));
    let take = move || {
        let chain = home().inbox.take_all();
        chain as usize
    };
    let (first, second) = (thread::spawn(take), thread::spawn(take));
    let (first, second) = (first.join().unwrap(), second.join().unwrap());
    assert!(first == 0 || second == 0, "broken: both have the bag, and would free it twice");
    assert!(first != 0 || second != 0, "broken: nobody has the bag");
    let bag = (first | second) as *mut bag::Bag;
    // SAFETY: one of the two has it, in no chain.
    unsafe { bag::Bag::destroy(bag, &mut magazine::Magazines::new()) };
    drop((owner_seat, adopter_seat));
    first != 0
}

#[cfg(not(crossbeam_loom))]
#[test]
fn r24_a_bag_is_taken_by_one_thread_only() {
    holds(2, [false, true], owner_and_adopter_empty_an_inbox);
    breaks(Mutant::TakeByStore, "broken", owner_and_adopter_empty_an_inbox);
}

/// Two deliveries and a taker: no bag is lost, none is torn.
fn deliveries_against_a_taker() -> usize {
    let domain = Closing(Domain::new());
    let seat = domain.0.reserve_seat();
    let owner = seat.0 as usize;
    let home = move || {
        // SAFETY: as above.
        unsafe { &*(owner as *const Participant) }
    };
    let deliver = move || home().inbox.push(bag::Bag::new(home()));
    let taker = thread::spawn(move || count_and_destroy(home().inbox.take_all()));
    let deliverers = [thread::spawn(deliver), thread::spawn(deliver)];
    for deliverer in deliverers {
        deliverer.join().unwrap();
    }
    let taken = taker.join().unwrap();
    let rest = count_and_destroy(home().inbox.take_all());
    assert_eq!(taken + rest, 2, "broken: a bag is lost");
    taken
}

/// Frees a chain of bags and counts them.
fn count_and_destroy(mut chain: *mut bag::Bag) -> usize {
    let mut count = 0;
    while !chain.is_null() {
        // SAFETY: the chain is the taker's alone.
        let next = unsafe { (*chain).next() };
        // SAFETY: as above.
        unsafe { bag::Bag::destroy(chain, &mut magazine::Magazines::new()) };
        chain = next;
        count += 1;
    }
    count
}

#[cfg(not(crossbeam_loom))]
#[test]
fn r24_no_delivered_bag_is_lost_or_torn() {
    holds(20, [0, 1, 2], deliveries_against_a_taker);
}
