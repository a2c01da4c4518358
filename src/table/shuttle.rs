//! The whole table under shuttle: three threads, real epochs, and a table that grows and shrinks by
//! its own rules, in interleavings drawn at random. Loom goes through all interleavings of two
//! short actors; this draws some of those that are too long for it.
//!
//! | model                      | actors                                          | wrong ways that must be found |
//! |----------------------------|-------------------------------------------------|-------------------------------|
//! | `keys_come_and_go`         | insert, remove / insert, remove / get, scan     | `NoHelp`, `TentativeMoved`   |
//! | `one_winner_each`          | insert the same keys, then remove them, thrice  | `CommitUnchecked`, `EmptyWithoutStamp`, `RecordPlacedAgain` |
//! | `sizes_change`             | grow, shrink / overwrite, remove / get, scan    | `MoveWithoutHelp`, `ReaderIgnoresDone`, `OneSourceFrozen` |
//! | `garbage_is_freed`         | overwrite, grow / overwrite, free / get         | `FreedAtOnce`, `AdvanceUnchecked` |
//!
//! Every access is sequentially consistent here: what orderings are worth only loom tells.
//! `SHUTTLE_ITERATIONS` sets the number of interleavings that each scheduler draws,
//! `SHUTTLE_RANDOM_SEED` which ones.

use super::world::{World, actor};
use crate::sync::{Mutant, set_mutant};
use ::shuttle::{
    Config, Runner,
    scheduler::{PctScheduler, RandomScheduler, Scheduler},
};
use std::{
    collections::BTreeSet,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
};

/// Interleavings that a scheduler draws, unless `SHUTTLE_ITERATIONS` says otherwise.
const ITERATIONS: usize = 400;

/// Interleavings after which a wrong way has to have failed.
const ENOUGH: usize = 20_000;

/// Points at which the second scheduler takes the running thread's turn (Burckhardt and others,
/// *A randomized scheduler with probabilistic guarantees of finding bugs*, 2010).
const DEPTH: usize = 3;

/// The first interleaving drawn, unless `SHUTTLE_RANDOM_SEED` says otherwise.
const SEED: u64 = 0x5EED;

/// Runs a model in interleavings that a scheduler draws.
fn draw(scheduler: impl Scheduler + 'static, body: impl Fn() + Send + Sync + 'static) {
    let mut config = Config::new();
    config.stack_size = 256 << 10;
    config.silence_warnings = true;
    Runner::new(scheduler, config).run(body);
}

/// Shows that a model holds in all interleavings drawn.
fn holds(body: fn()) {
    set_mutant(Mutant::None);
    let asked = std::env::var("SHUTTLE_ITERATIONS").ok().and_then(|text| text.parse().ok());
    let iterations = asked.unwrap_or(ITERATIONS);
    draw(RandomScheduler::new_from_seed(SEED, iterations), body);
    draw(PctScheduler::new_from_seed(SEED, DEPTH, iterations), body);
}

/// Shows that a model fails in some interleaving when a step is done the wrong way.
fn breaks(mutant: Mutant, body: fn()) {
    let fails = |scheduler: Box<dyn Scheduler + Send>| {
        set_mutant(mutant);
        let result = catch_unwind(AssertUnwindSafe(|| draw(scheduler, body)));
        set_mutant(Mutant::None);
        result.is_err()
    };
    assert!(
        fails(Box::new(RandomScheduler::new_from_seed(SEED, ENOUGH)))
            || fails(Box::new(PctScheduler::new_from_seed(SEED, DEPTH, ENOUGH))),
        "the model holds with {mutant:?}"
    );
}

/// A payload that tells its key.
fn payload(key: u64, number: u64) -> u64 {
    key * 100 + number
}

impl World {
    /// What a key holds; fails if it was written under another one.
    fn number(&self, key: u64) -> Option<u64> {
        let found = self.payload(key)?;
        assert_eq!(found / 100, key, "broken: another key's value");
        Some(found % 100)
    }

    /// Fails unless a whole scan shows these keys.
    fn assert_scanned(&self, standing: &[u64]) {
        let seen = self.scan();
        assert!(standing.iter().all(|key| seen.contains(key)), "broken: a scan misses a key");
    }

    /// What the table holds, at rest.
    fn assert_live(&self, expected: impl IntoIterator<Item = (u64, u64)>) {
        let expected: BTreeSet<_> = expected.into_iter().collect();
        let expected = expected.into_iter().map(|(key, number)| (key, payload(key, number)));
        assert_eq!(self.live(), expected.collect::<Vec<_>>(), "broken: what is left");
    }
}

/// Runs three actors to their end.
fn three(
    world: &Arc<World>,
    first: impl FnOnce(&World) + Send + 'static,
    second: impl FnOnce(&World) + Send + 'static,
    third: impl FnOnce(&World) + Send + 'static,
) {
    for actor in [actor(world, first), actor(world, second), actor(world, third)] {
        actor.join().unwrap();
    }
}

/// The largest number of a generation that became the root in any interleaving.
static MOST_MOVES: AtomicU32 = AtomicU32::new(0);

/// Keys that stand, beside keys that come and go: the table grows, since chains become long.
fn keys_come_and_go() {
    let world = World::new(1);
    for key in [0, 1] {
        assert!(world.insert(key, payload(key, 0)));
    }
    let come_and_go = |keys: [u64; 3]| {
        move |w: &World| {
            for key in keys {
                assert!(w.insert(key, payload(key, 1)), "broken: an absent key was refused");
                assert_eq!(w.number(key), Some(1), "broken: an insert is lost");
            }
            for key in &keys[1..] {
                assert_eq!(w.remove(*key), Some(payload(*key, 1)), "broken: an insert is lost");
                assert_eq!(w.number(*key), None, "broken: a record is resurrected");
            }
        }
    };
    three(&world, come_and_go([2, 4, 6]), come_and_go([3, 5, 7]), |w| {
        w.assert_scanned(&[0, 1]);
        assert_eq!(w.number(0), Some(0), "broken: a standing key is missed");
        assert_eq!(w.number(1), Some(0), "broken: a standing key is missed");
    });
    world.assert_live([(0, 0), (1, 0), (2, 1), (3, 1)]);
    MOST_MOVES.fetch_max(world.root_number(), Relaxed);
}

#[test]
fn keys_that_come_and_go_leave_the_others_alone() {
    holds(keys_come_and_go);
    assert!(MOST_MOVES.load(Relaxed) > 0, "the table never grew: nothing was tested");
    breaks(Mutant::NoHelp, keys_come_and_go);
    breaks(Mutant::TentativeMoved, keys_come_and_go);
}

/// Three threads insert the same keys, and remove them.
fn one_winner_each() {
    let world = World::new(1);
    let wins = Arc::new([const { AtomicU32::new(0) }; 4]);
    let race = |me: u64| {
        let wins = Arc::clone(&wins);
        move |w: &World| {
            for (key, wins) in (0..).zip(&*wins) {
                let inserted = w.insert(key, payload(key, me));
                let removed = w.remove(key).is_some();
                // A key that is there was inserted once more than it was removed.
                wins.fetch_add(u32::from(inserted).wrapping_sub(u32::from(removed)), Relaxed);
            }
        }
    };
    three(&world, race(1), race(2), race(3));
    for (key, wins) in (0..).zip(&*wins) {
        world.assert_once(key, wins.load(Relaxed) as usize);
    }
}

#[test]
fn each_key_is_inserted_and_removed_by_one_thread_at_a_time() {
    holds(one_winner_each);
    breaks(Mutant::CommitUnchecked, one_winner_each);
    breaks(Mutant::EmptyWithoutStamp, one_winner_each);
    breaks(Mutant::RecordPlacedAgain, one_winner_each);
}

/// A table that grows twice and shrinks again, under a writer and a reader.
fn sizes_change() {
    let world = World::new(2);
    for key in 0..4 {
        assert!(world.insert(key, payload(key, 0)));
    }
    three(
        &world,
        |w| {
            for (number, buckets) in [(0, 4), (1, 2), (2, 1)] {
                w.resize(number, buckets);
            }
        },
        |w| {
            for number in 1..3 {
                let before = w.replace(1, payload(1, number));
                assert_eq!(before, Some(payload(1, number - 1)), "broken: an overwrite is lost");
            }
            assert_eq!(w.remove(2), Some(payload(2, 0)), "broken: a record is lost");
            assert_eq!(w.number(2), None, "broken: a record is resurrected");
            assert!(w.insert(5, payload(5, 1)), "broken: an absent key was refused");
            assert_eq!(w.number(5), Some(1), "broken: an insert is lost");
        },
        |w| {
            let first = w.number(1);
            w.assert_scanned(&[0, 1, 3]);
            assert!(first.is_some() && first <= w.number(1), "broken: time goes backwards");
        },
    );
    world.assert_live([(0, 0), (1, 2), (3, 0), (5, 1)]);
}

#[test]
fn no_change_of_size_loses_doubles_or_resurrects_a_key() {
    holds(sizes_change);
    breaks(Mutant::MoveWithoutHelp, sizes_change);
    breaks(Mutant::ReaderIgnoresDone, sizes_change);
    breaks(Mutant::OneSourceFrozen, sizes_change);
}

/// Two threads overwrite and free, one of them while it moves the table, under a reader.
fn garbage_is_freed() {
    let world = World::new(1);
    assert!(world.insert(0, payload(0, 0)) && world.insert(1, payload(1, 0)));
    let overwrite = |key: u64, buckets: usize| {
        move |w: &World| {
            for number in 1..4 {
                let before = w.replace(key, payload(key, number));
                assert_eq!(before, Some(payload(key, number - 1)), "broken: an overwrite is lost");
                w.domain.advance();
                w.resize(0, buckets);
            }
        }
    };
    three(&world, overwrite(0, 2), overwrite(1, 2), |w| {
        for _ in 0..3 {
            assert!(w.number(0).is_some() && w.number(1).is_some(), "broken: a key is missed");
        }
    });
    world.assert_live([(0, 3), (1, 3)]);
}

#[test]
fn what_is_freed_is_used_by_nobody() {
    holds(garbage_is_freed);
    breaks(Mutant::FreedAtOnce, garbage_is_freed);
    breaks(Mutant::AdvanceUnchecked, garbage_is_freed);
}
