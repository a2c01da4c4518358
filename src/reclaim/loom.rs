//! Models of reclamation, over its real code.
//!
//! | model                              | race | wrong way that must fail                          |
//! |------------------------------------|------|---------------------------------------------------|
//! | `a_reader_against_a_writer`        | R16  | `RetireBeforeUnlink`, `ReadUnpinned`, `AdvanceUnchecked`, `AnnounceUnfenced` |
//! | `a_reader_comes_back_while_it_is_revoked` | R16 | `RevokeInside`, `EnterUnfenced`             |
//! | `a_nested_guard_is_dropped`        | R16  | `AdvanceUnchecked`                                |
//! | `a_reader_that_comes_and_leaves`   | R16  | `AdvanceUnchecked`                                |
//! | `an_epoch_that_somebody_else_moves_on` | R16 | `AdvanceUnchecked`                             |
//! | `a_thread_that_leaves`             | R16  | `ExitKeepsBag`                                    |
//! | `two_adopters`                     | R24  | `TakeByStore`                                     |
//! | `two_leavers_and_an_adopter`       | R24  | –                                                 |
//!
//! The first six run with `--cfg pool_epochs` beside `--cfg pool_loom`: without it the epochs are
//! the stand-in, on which a model of the epochs themselves would prove nothing.

use super::*;
use crate::{
    model::{breaks, holds},
    sync::Mutant,
};
use ::loom::thread;

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

#[cfg(pool_epochs)]
mod epochs {
    use super::*;
    use crate::model::{breaks_within, holds_within};
    use crate::sync::{AtomicPtr, UnsafeCell, is_mutant};
    use std::sync::atomic::{AtomicUsize as Ghost, Ordering::SeqCst};

    /// A block size for the models.
    const BYTES: u32 = 256;

    /// Noted as freed for as long as it is not clear that every reader is ordered before it.
    const UNORDERED: usize = 1 << 16;

    /// What a block of a model holds: a payload that loom watches, and where its freeing is noted.
    struct Noted {
        payload: UnsafeCell<u64>,
        freed: Arc<Ghost>,
    }

    /// A block with a payload.
    fn noted(guard: &Guard<'_>, freed: &Arc<Ghost>) -> *mut Noted {
        const { assert!(size_of::<Noted>() <= BYTES as usize) };
        let block = guard.take_block(BYTES as usize).cast::<Noted>();
        let content = Noted { payload: UnsafeCell::new(7), freed: Arc::clone(freed) };
        // SAFETY: the block is ours and large enough.
        unsafe { block.write(content) };
        block.as_ptr()
    }

    /// Retires a block of [`noted`]'s.
    fn retire(guard: &Guard<'_>, block: *mut Noted) {
        unsafe fn drop_content(block: NonNull<u8>) -> usize {
            // SAFETY: `noted` has written it there, and it is freed once.
            let noted = unsafe { block.cast::<Noted>().read() };
            // A reader that is not ordered before this is a violation of causality. Its panic is
            // caught, as that of any user's `drop` is, and so has to be told by other means.
            noted.freed.fetch_add(UNORDERED, SeqCst);
            noted.payload.with_mut(|payload| unsafe { *payload = 0 });
            noted.freed.fetch_sub(UNORDERED - 1, SeqCst);
            0
        }
        let block = NonNull::new(block.cast()).unwrap();
        // SAFETY: the model vouches for when it retires.
        unsafe { guard.retire(Retired::Owner { block, bytes: BYTES, held: 0, drop_content }) };
    }

    /// A domain, a block that is linked, and a count of freed blocks.
    struct World {
        domain: Arc<Domain>,
        link: AtomicPtr<Noted>,
        freed: Arc<Ghost>,
    }

    impl World {
        fn new() -> (Closing, Arc<Self>) {
            let domain = Domain::new();
            domain.sit(&domain.reserve_seat());
            let freed = Arc::new(Ghost::new(0));
            let link = AtomicPtr::new(noted(&domain.pin(), &freed));
            // The main thread is no actor: it must not stand in the way.
            domain.pin().participant.presence.leave();
            let world = Self { domain: Arc::clone(&domain), link, freed };
            (Closing(domain), Arc::new(world))
        }

        fn actor<R: 'static>(
            self: &Arc<Self>,
            act: impl FnOnce(&Self) -> R + Send + 'static,
        ) -> thread::JoinHandle<R> {
            let (world, seat) = (Arc::clone(self), self.domain.reserve_seat());
            thread::spawn(move || {
                world.domain.sit(&seat);
                act(&world)
            })
        }

        /// Looks at the linked block, if there is one, for a while.
        fn look(&self) -> bool {
            let block = self.link.load(Ordering::Acquire);
            if block.is_null() {
                return false;
            }
            // A step at which others may take over; a yield would wait for all of them.
            self.link.load(Ordering::Relaxed);
            assert_eq!(self.freed.load(SeqCst), 0, "broken: freed under a reader");
            // SAFETY: linked when it was found; that it is not freed is what the model shows.
            let payload = unsafe { &*block }.payload.with(|payload| unsafe { *payload });
            assert_eq!(payload, 7, "broken: freed under a reader");
            true
        }

        /// Unlinks the block and retires it.
        fn unlink(&self) {
            let guard = self.domain.pin();
            if is_mutant(Mutant::RetireBeforeUnlink) {
                retire(&guard, self.link.load(Ordering::Acquire));
                drop(guard);
                self.free();
                self.link.store(ptr::null_mut(), Ordering::Release);
                return;
            }
            retire(&guard, self.link.swap(ptr::null_mut(), Ordering::AcqRel));
        }

        /// Tries to move on by a grace period, and frees what has become safe.
        fn free(&self) {
            for _ in 0..=epoch::GRACE {
                self.domain.pin().participant.seal_and_insist(&self.domain);
            }
            while self.domain.pin().participant.free_one(&self.domain) {}
        }
    }

    impl Drop for World {
        fn drop(&mut self) {
            if !std::thread::panicking() {
                let freed = self.freed.load(SeqCst);
                assert!(freed < UNORDERED, "broken: freed without being ordered after its readers");
            }
        }
    }

    /// A reader looks, for the first time, at what a writer takes away and frees; true when it was
    /// there.
    fn a_reader_against_a_writer() -> bool {
        let (_closing, world) = World::new();
        let reader = world.actor(|world| {
            let guard = (!is_mutant(Mutant::ReadUnpinned)).then(|| world.domain.pin());
            let was_there = world.look();
            drop(guard);
            was_there
        });
        let writer = world.actor(|world| {
            world.unlink();
            world.free();
        });
        writer.join().unwrap();
        reader.join().unwrap()
    }

    #[test]
    fn r16_nothing_is_freed_under_a_pinned_reader() {
        holds(100, [false, true], a_reader_against_a_writer);
        breaks(Mutant::ReadUnpinned, "", a_reader_against_a_writer);
        breaks(Mutant::RetireBeforeUnlink, "", a_reader_against_a_writer);
        breaks(Mutant::AdvanceUnchecked, "", a_reader_against_a_writer);
        breaks(Mutant::AnnounceUnfenced, "", a_reader_against_a_writer);
    }

    /// A reader whose announcement stands comes back while a writer, two epochs on, would move it out
    /// of the way; true when the block was still there.
    fn a_reader_comes_back_while_it_is_revoked() -> bool {
        let (_closing, world) = World::new();
        let seat = world.domain.reserve_seat();
        world.domain.sit(&seat);
        drop(world.domain.pin());
        let reader = {
            let world = Arc::clone(&world);
            thread::spawn(move || {
                world.domain.sit(&seat);
                let _guard = world.domain.pin();
                world.look()
            })
        };
        let writer = world.actor(|world| {
            world.unlink();
            world.free();
        });
        writer.join().unwrap();
        reader.join().unwrap()
    }

    #[test]
    fn r16_an_announcement_that_is_revoked_is_made_anew() {
        holds(100, [false, true], a_reader_comes_back_while_it_is_revoked);
        breaks(Mutant::RevokeInside, "", a_reader_comes_back_while_it_is_revoked);
        breaks(Mutant::EnterUnfenced, "", a_reader_comes_back_while_it_is_revoked);
    }

    /// A reader that holds two guards, one after the other, drops the inner one; true when the
    /// block was there.
    fn a_nested_guard_is_dropped() -> bool {
        let (_closing, world) = World::new();
        let reader = world.actor(|world| {
            let _outer = world.domain.pin();
            drop(world.domain.pin());
            world.look()
        });
        let writer = world.actor(|world| {
            world.unlink();
            world.free();
        });
        writer.join().unwrap();
        reader.join().unwrap()
    }

    #[test]
    fn r16_the_outer_guard_protects_after_the_inner_one_is_gone() {
        holds(100, [false, true], a_nested_guard_is_dropped);
        breaks(Mutant::AdvanceUnchecked, "", a_nested_guard_is_dropped);
    }

    /// A reader comes, for the first time of all, looks, and leaves for good, while a writer takes
    /// away and frees what it looks at; true when it was there.
    fn a_reader_that_comes_and_leaves() -> bool {
        let (_closing, world) = World::new();
        let reader = {
            let world = Arc::clone(&world);
            thread::spawn(move || {
                let seat = world.domain.reserve_seat();
                world.domain.sit(&seat);
                let guard = world.domain.pin();
                let was_there = world.look();
                drop(guard);
                world.domain.leave(seat.0);
                was_there
            })
        };
        let writer = world.actor(|world| {
            world.unlink();
            world.free();
        });
        writer.join().unwrap();
        reader.join().unwrap()
    }

    #[test]
    fn r16_a_thread_may_come_and_leave_at_any_time() {
        holds(100, [false, true], a_reader_that_comes_and_leaves);
        breaks(Mutant::AdvanceUnchecked, "", a_reader_that_comes_and_leaves);
    }

    /// A writer frees what it retired once somebody else has moved the epoch on; true when the
    /// reader found it.
    fn an_epoch_that_somebody_else_moves_on() -> bool {
        let (_closing, world) = World::new();
        let reader = world.actor(|world| {
            let _guard = world.domain.pin();
            world.look()
        });
        let writer = world.actor(|world| {
            world.unlink();
            world.domain.pin().participant.seal_and_insist(&world.domain);
            world.domain.pin().participant.free_one(&world.domain);
        });
        let other = world.actor(|world| {
            for _ in 0..epoch::GRACE {
                world.domain.pin().participant.seal_and_insist(&world.domain);
            }
        });
        writer.join().unwrap();
        other.join().unwrap();
        reader.join().unwrap()
    }

    #[test]
    fn r16_what_an_epoch_moved_on_by_others_frees_is_used_by_nobody() {
        holds_within(2, 100, [false, true], an_epoch_that_somebody_else_moves_on);
        breaks_within(2, Mutant::AdvanceUnchecked, "", an_epoch_that_somebody_else_moves_on);
    }

    /// A thread retires something and leaves, while another one moves on; true when the other one
    /// has freed it meanwhile. Whatever happens, it is freed once the other one moves on again.
    fn a_thread_that_leaves() -> bool {
        let (_closing, world) = World::new();
        let seat = world.domain.reserve_seat();
        let leaver = {
            let world = Arc::clone(&world);
            thread::spawn(move || {
                world.domain.sit(&seat);
                world.unlink();
                world.domain.leave(seat.0);
            })
        };
        let stayer_seat = world.domain.reserve_seat();
        let stayer = {
            let world = Arc::clone(&world);
            thread::spawn(move || {
                world.domain.sit(&stayer_seat);
                world.domain.advance();
                (world.freed.load(SeqCst) == 1, stayer_seat)
            })
        };
        leaver.join().unwrap();
        let (was_freed, stayer_seat) = stayer.join().unwrap();
        world.domain.sit(&stayer_seat);
        world.domain.advance();
        world.domain.advance();
        assert_eq!(world.freed.load(SeqCst), 1, "broken: what the thread left is stranded");
        was_freed
    }

    #[test]
    fn r16_what_a_leaving_thread_retired_is_freed_by_those_who_stay() {
        holds(20, [false, true], a_thread_that_leaves);
        breaks(Mutant::ExitKeepsBag, "broken", a_thread_that_leaves);
    }
}

/// Two threads take the bags of one that has ended; true when the first one got them.
#[cfg(not(pool_epochs))]
fn two_adopters() -> bool {
    let domain = Closing(Domain::new());
    domain.0.orphans.push(bag::Bag::new());
    let take = |domain: Arc<Domain>| thread::spawn(move || domain.orphans.take_all() as usize);
    let (first, second) = (take(Arc::clone(&domain.0)), take(Arc::clone(&domain.0)));
    let (first, second) = (first.join().unwrap(), second.join().unwrap());
    assert!(first == 0 || second == 0, "broken: both have the bag, and would free it twice");
    assert!(first != 0 || second != 0, "broken: nobody has the bag");
    // SAFETY: one of the two has it, in no chain.
    unsafe { bag::Bag::destroy((first | second) as *mut _, &mut magazine::Magazines::new()) };
    first != 0
}

#[cfg(not(pool_epochs))]
#[test]
fn r24_a_bag_is_taken_by_one_thread_only() {
    holds(2, [false, true], two_adopters);
    breaks(Mutant::TakeByStore, "broken", two_adopters);
}

/// Two threads that end and one that adopts: no bag is lost, none is torn.
#[cfg(not(pool_epochs))]
fn two_leavers_and_an_adopter() -> usize {
    let domain = Closing(Domain::new());
    let leave = |domain: Arc<Domain>| thread::spawn(move || domain.orphans.push(bag::Bag::new()));
    let adopter = {
        let domain = Arc::clone(&domain.0);
        thread::spawn(move || count_and_destroy(domain.orphans.take_all()))
    };
    for leaver in [leave(Arc::clone(&domain.0)), leave(Arc::clone(&domain.0))] {
        leaver.join().unwrap();
    }
    let taken = adopter.join().unwrap();
    let rest = count_and_destroy(domain.0.orphans.take_all());
    assert_eq!(taken + rest, 2, "broken: a bag is lost");
    taken
}

/// Frees a chain of bags and counts them.
#[cfg(not(pool_epochs))]
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

#[cfg(not(pool_epochs))]
#[test]
fn r24_no_bag_is_lost_or_torn() {
    holds(20, [0, 1, 2], two_leavers_and_an_adopter);
}
