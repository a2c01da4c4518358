//! Models of the epochs alone, over their real code: no bags, no pins but those of the actors.
//!
//! | model                              | what it needs                  | wrong way that must fail |
//! |------------------------------------|--------------------------------|--------------------------|
//! | `a_reader_against_a_mover`         | the fences of the two-sided race | `AnnounceUnfenced`, `AdvanceUnfenced`, `AdvanceUnchecked` |
//! | `a_reader_who_comes_again`         | `exit→advance`, of an announcement | –                    |
//! | `a_writer_who_leaves`              | `advance→announce`             | –                        |
//! | `an_epoch_that_others_moved_on`    | `advance→free`                 | –                        |
//! | `a_reader_revoked_by_somebody_else` | `exit→advance`, by way of who revokes | `RevokeInside`    |
//! | `a_late_mover`                     | nobody who is ahead is revoked | `RevokeAhead`            |
//!
//! What needs an edge and has no wrong way of its own fails when the edge is weakened to Relaxed on
//! either side; what does not is in `docs/verification.md`. Where nobody is revoked there are no
//! [barriers](Barriers::none): as fences, which they are in a model, they would order what the real
//! ones do not.

use super::*;
use crate::{
    model::{breaks, holds, holds_within},
    sync::{AtomicBool, AtomicUsize, UnsafeCell},
};
use ::loom::thread;
use std::sync::{
    Arc,
    atomic::{AtomicU64 as Ghost, Ordering::SeqCst},
};

/// What a thread does in a model.
type Actor = fn(&World) -> bool;

/// Two threads that come and go, and a record.
struct World {
    epochs: Epochs,
    reader: Presence,
    writer: Presence,
    is_linked: AtomicBool,
    record: UnsafeCell<u64>,
    /// When the record was unlinked; which loom does not see, and 0 is not yet.
    stamp: Ghost,
    /// What makes loom switch before a fence, which is no step of its own to it.
    steps: AtomicUsize,
}

impl World {
    fn new(barriers: Barriers) -> Self {
        Self {
            epochs: Epochs::with_barriers(barriers),
            reader: Presence::new(),
            writer: Presence::new(),
            is_linked: AtomicBool::new(true),
            record: UnsafeCell::new(7),
            stamp: Ghost::new(0),
            steps: AtomicUsize::new(0),
        }
    }

    /// Runs actors to their end; what each returns.
    fn run<const N: usize>(self, actors: [Actor; N]) -> [bool; N] {
        let world = Arc::new(self);
        let actors = actors.map(|act| world.actor(act));
        actors.map(|actor| actor.join().unwrap())
    }

    fn actor(
        self: &Arc<Self>,
        act: impl FnOnce(&Self) -> bool + Send + 'static,
    ) -> thread::JoinHandle<bool> {
        let world = Arc::clone(self);
        thread::spawn(move || act(&world))
    }

    /// Looks at the record, if it is there; whether it was.
    fn look(&self) -> bool {
        let is_linked = self.is_linked.load(Ordering::Acquire);
        if is_linked {
            // SAFETY: that it is not freed meanwhile is what the models show.
            let record = self.record.with(|record| unsafe { *record });
            assert_eq!(record, 7, "broken: freed under a reader");
        }
        is_linked
    }

    fn unlink(&self) {
        self.is_linked.store(false, Ordering::Release);
        self.stamp.store(self.epochs.now(), SeqCst);
    }

    /// A step at which others may take over, and which orders nothing.
    fn step(&self) {
        self.steps.fetch_add(1, Ordering::Relaxed);
    }

    fn advance(&self, insists: bool) -> bool {
        self.epochs.advance([&self.reader, &self.writer].into_iter(), insists)
    }

    /// Frees the record if its grace period is over.
    fn free(&self) -> bool {
        let stamp = self.stamp.load(SeqCst);
        let is_over = stamp != 0 && self.epochs.has_passed(stamp);
        if is_over {
            // SAFETY: as above.
            self.record.with_mut(|record| unsafe { *record = 0 });
        }
        is_over
    }

    /// Moves on by a grace period, if nobody is in the way, and frees the record.
    fn free_after_grace(&self, insists: bool) -> bool {
        for _ in 0..GRACE {
            self.advance(insists);
        }
        self.free()
    }

    fn enter(&self) {
        self.reader.enter(&self.epochs);
    }

    fn read_once(&self) -> bool {
        self.enter();
        let was_linked = self.look();
        self.reader.exit();
        was_linked
    }

    fn unlink_once(&self) {
        self.writer.enter(&self.epochs);
        self.unlink();
        self.writer.exit();
    }
}

/// A reader comes for the first time while the record is taken away; whether it was there, and
/// whether it was freed.
fn a_reader_against_a_mover() -> [bool; 2] {
    World::new(Barriers::none()).run([World::read_once, |world| {
        world.unlink();
        world.free_after_grace(false)
    }])
}

#[test]
fn r16_a_reader_is_seen_or_sees_what_was_unlinked() {
    let legal = [[false, false], [false, true], [true, false]];
    holds(20, legal, a_reader_against_a_mover);
    breaks(Mutant::AnnounceUnfenced, "", a_reader_against_a_mover);
    breaks(Mutant::AdvanceUnfenced, "", a_reader_against_a_mover);
    breaks(Mutant::AdvanceUnchecked, "", a_reader_against_a_mover);
}

/// A reader has looked, and comes again in the epoch that is the last one of the grace period; whether
/// the record was there, and whether it was freed.
fn a_reader_who_comes_again() -> [bool; 2] {
    World::new(Barriers::none()).run([
        |world| {
            world.advance(false);
            let was_linked = world.read_once();
            world.enter();
            world.reader.exit();
            was_linked
        },
        |world| {
            world.unlink_once();
            world.writer.leave();
            world.free_after_grace(false)
        },
    ])
}

#[test]
fn r16_what_a_reader_did_precedes_its_next_announcement() {
    let legal = [[false, false], [false, true], [true, false], [true, true]];
    holds_within(6, 100, legal, a_reader_who_comes_again);
}

/// A writer unlinks the record and leaves just when somebody else, who moves the epochs on, looks for
/// it; and a reader comes meanwhile. Whether the record was freed, and whether the reader found it.
fn a_writer_who_leaves() -> [bool; 2] {
    let world = World::new(Barriers::none());
    world.writer.enter(&world.epochs);
    let world = Arc::new(world);
    let writer = world.actor(|world| {
        world.unlink();
        world.writer.leave();
        true
    });
    let mover = world.actor(|world| {
        world.advance(false);
        // Behind the fence of `advance`, where a schedule of fewer switches would not let it wait.
        let left = std::iter::once_with(|| {
            writer.join().unwrap();
            &world.writer
        });
        world.epochs.advance(left.chain([&world.reader]), false);
        world.step();
        world.advance(false);
        world.free()
    });
    let reader = world.actor(|world| {
        world.step();
        world.enter();
        world.look()
    });
    [mover.join().unwrap(), reader.join().unwrap()]
}

#[test]
fn r16_who_announces_a_late_epoch_sees_what_was_unlinked_before_it() {
    let legal = [[false, false], [false, true], [true, false]];
    holds(100, legal, a_writer_who_leaves);
}

/// A writer frees what it unlinked once somebody else has moved the epochs on.
fn an_epoch_that_others_moved_on() -> [bool; 3] {
    World::new(Barriers::none()).run([
        |world| {
            let was_linked = world.read_once();
            world.reader.leave();
            was_linked
        },
        |world| {
            world.unlink_once();
            world.writer.leave();
            world.free()
        },
        |world| (0..GRACE).fold(true, |all, _| world.advance(false) && all),
    ])
}

#[test]
fn r16_what_others_did_precedes_the_epoch_that_frees() {
    let legal = [
        [false, false, false],
        [false, false, true],
        [false, true, true],
        [true, false, false],
        [true, false, true],
        [true, true, true],
    ];
    holds(100, legal, an_epoch_that_others_moved_on);
}

/// A reader that has stopped working is moved out of the way by one thread, and what it has looked at
/// is freed by another.
fn a_reader_revoked_by_somebody_else() -> [bool; 3] {
    World::new(Barriers::new()).run([
        World::read_once,
        |world| {
            world.advance(true);
            world.advance(true)
        },
        |world| {
            world.unlink_once();
            world.free_after_grace(true)
        },
    ])
}

#[test]
fn r16_what_a_reader_did_precedes_its_being_found_absent() {
    let legal: [[bool; 3]; 8] =
        std::array::from_fn(|outcome| std::array::from_fn(|actor| outcome & 4 >> actor != 0));
    holds(100, legal, a_reader_revoked_by_somebody_else);
    breaks(Mutant::RevokeInside, "", a_reader_revoked_by_somebody_else);
}

/// A thread that would move on from the first epoch is overtaken, and finds a reader in the second
/// one; whether that stayed announced as long as it was inside.
fn a_late_mover() -> [bool; 2] {
    World::new(Barriers::new()).run([
        |world| {
            world.advance(false);
            world.enter();
            world.reader.exit();
            world.enter();
            let announced = world.reader.announced.load(Ordering::Relaxed);
            assert_ne!(announced, ABSENT, "broken: a reader inside is not announced");
            world.reader.exit();
            announced == 2
        },
        |world| world.advance(true),
    ])
}

#[test]
fn r16_who_is_late_revokes_nobody_who_is_ahead() {
    holds(50, [[false, true], [true, true]], a_late_mover);
    breaks(Mutant::RevokeAhead, "broken", a_late_mover);
}
