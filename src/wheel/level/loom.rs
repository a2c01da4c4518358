//! Models of one level, over its real code.
//!
//! | model                                  | race | actors | wrong way that must fail               |
//! |----------------------------------------|------|--------|----------------------------------------|
//! | `a_push_into_a_slot_that_is_left`      | R12  | 2      | `PushWithoutSecondLook`, `LeaveByLoad` |
//! | `two_pushes_into_a_slot_that_is_left`  | R12  | 3      | –                                      |
//! | `a_push_into_a_chunk_that_is_drained`  | R13  | 2      | `PassOverUnwritten`, `FillByStore`     |
//! | `two_pushes_into_a_chunk_that_is_drained` | R13 | 3    | `FilledBeforeWritten`                  |
//! | `two_pushes_for_the_last_cell`         | R13  | 2      | `UnlinkChain`, `FillByStore`           |
//! | `a_push_into_a_chunk_that_is_retired`  | R13  | 2      | `FreeChunkAtOnce`                      |
//! | `two_helpers_of_one_tick`              | R14  | 2      | `ClaimByStore`, `EveryoneRetires`, `UnlinkChain` |
//! | `a_helper_that_sleeps_for_a_turn`      | –    | 2      | `IgnoreChunkTick`                      |
//! | `a_push_while_the_level_jumps`         | –    | 2      | `JumpToNow`                            |
//!
//! A level has four slots here, its chunks two or three cells, and a helper claims one at a time.

use super::{Help, Level};
use crate::{
    model::{breaks, holds, holds_within},
    reclaim::{Domain, Guard, Retired, Seat},
    sync::{AtomicUsize, BAG, Mutant, Ordering},
    wheel::hint::Hint,
};
use ::loom::thread;
use std::sync::Arc;

/// A level, and what its actors do with it.
struct World {
    domain: Arc<Domain>,
    level: Level,
    /// What stands for the records that the entries are about, by their names.
    published: [AtomicUsize; 4],
}

impl World {
    fn new(current: u64) -> Arc<Self> {
        let published = std::array::from_fn(|_| AtomicUsize::new(0));
        let world = Self { domain: Domain::new(), level: Level::new(current), published };
        world.domain.sit(&world.domain.reserve_seat());
        Arc::new(world)
    }

    /// Pushes an entry until it is sure to fire; returns how often that was.
    fn push(&self, name: u64, mut tick: u64) -> usize {
        let mut pushes = 1;
        // ORDERING: Relaxed; that it is seen by who meets the entry is for the level to see to.
        self.record(name).store(1, Ordering::Relaxed);
        while !self.level.push(Hint::of(name), tick, &self.domain.pin()) {
            assert!(self.level.current() >= tick, "broken: late, and not told how late");
            tick = self.level.current() + 1;
            pushes += 1;
        }
        pushes
    }

    fn record(&self, name: u64) -> &AtomicUsize {
        &self.published[name as usize % 4]
    }

    /// Does some slices of help, and returns what they have claimed.
    fn help(&self, now: u64, slices: usize) -> Vec<u64> {
        let slice = |_| {
            let guard: Guard<'_> = self.domain.pin();
            let names: Vec<_> = match self.level.help(now, 1, &guard) {
                Help::Claimed(batch) => batch.hints().iter().map(|hint| hint.hash()).collect(),
                Help::Stepped | Help::Idle => Vec::new(),
            };
            for name in &names {
                // ORDERING: Relaxed; as for the store.
                let is_there = self.record(*name).load(Ordering::Relaxed) == 1;
                assert!(is_there, "broken: an entry is met whose record is not there");
            }
            names
        };
        (0..slices).flat_map(slice).collect()
    }

    /// Which chunk is on top in a tick's slot.
    fn top(&self, tick: u64) -> usize {
        self.level.head(tick).load(Ordering::Acquire).addr()
    }

    /// Helps until there is nothing left to do at a tick.
    fn finish(&self, now: u64) -> Vec<u64> {
        let mut fired = Vec::new();
        loop {
            match self.level.help(now, 1, &self.domain.pin()) {
                Help::Claimed(batch) => fired.extend(batch.hints().iter().map(|hint| hint.hash())),
                Help::Stepped => {}
                Help::Idle => return fired,
            }
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // A model that fails cannot touch loom's atomics any more.
        if !std::thread::panicking() {
            // SAFETY: the actors are done.
            unsafe { self.domain.close() };
        }
    }
}

/// Starts an actor.
fn actor<R: 'static>(
    world: &Arc<World>,
    act: impl FnOnce(&World) -> R + Send + 'static,
) -> thread::JoinHandle<R> {
    let (world, seat): (_, Seat) = (Arc::clone(world), world.domain.reserve_seat());
    thread::spawn(move || {
        world.domain.sit(&seat);
        act(&world)
    })
}

/// With `before` entries for tick 2 in place, writers push one more each while a helper goes to tick
/// 3. Returns whether one was pushed again, and whether the helper has met one of them.
fn push_while_advancing(before: u64, writers: u64, slices: usize) -> (bool, bool) {
    let world = World::new(1);
    for name in 1..=before {
        world.push(name, 2);
    }
    let names = before + 1..=before + writers;
    let writers: Vec<_> = names.map(|name| actor(&world, move |w| w.push(name, 2))).collect();
    let helper = actor(&world, move |w| w.help(3, slices));
    let last = before + writers.len() as u64;
    let is_pushed_again = writers.into_iter().fold(false, |any, w| any | (w.join().unwrap() > 1));
    let mut fired = helper.join().unwrap();
    let is_met = fired.iter().any(|name| *name > before);
    // One tick beyond what the helper could reach, and less than a turn.
    fired.extend(world.finish(4));
    for name in 1..=last {
        assert!(fired.contains(&name), "broken: an entry is lost");
    }
    (is_pushed_again, is_met)
}

fn a_push_into_a_slot_that_is_left() -> (bool, bool) {
    push_while_advancing(0, 1, 5)
}

#[test]
fn r12_a_push_into_a_slot_that_is_left_is_made_again() {
    let legal = [(false, true), (true, false), (true, true)];
    holds(300, legal, a_push_into_a_slot_that_is_left);
    for mutant in [Mutant::PushWithoutSecondLook, Mutant::LeaveByLoad] {
        breaks(mutant, "broken", a_push_into_a_slot_that_is_left);
    }
}

fn a_push_into_a_chunk_that_is_drained() -> (bool, bool) {
    push_while_advancing(1, 1, 5)
}

#[test]
fn r13_an_entry_written_while_the_chunk_is_drained_is_not_lost() {
    let legal = [(false, true), (true, false), (true, true)];
    holds(500, legal, a_push_into_a_chunk_that_is_drained);
    for mutant in [Mutant::PassOverUnwritten, Mutant::FillByStore] {
        breaks(mutant, "broken", a_push_into_a_chunk_that_is_drained);
    }
}

/// The chunk on top has three cells, and an entry in the first of them.
fn two_pushes_into_a_chunk_that_is_drained() -> (bool, bool) {
    push_while_advancing(3, 2, 4)
}

#[test]
fn r13_a_chunk_ends_where_a_cell_was_taken() {
    // An entry that comes when the chunk is unlinked goes into one on top of the chunk below.
    let legal = [(false, false), (false, true), (true, false), (true, true)];
    holds_within(2, 1_000, legal, two_pushes_into_a_chunk_that_is_drained);
    breaks(Mutant::FilledBeforeWritten, "broken", two_pushes_into_a_chunk_that_is_drained);
}

fn two_pushes_into_a_slot_that_is_left() -> (bool, bool) {
    push_while_advancing(0, 2, 3)
}

#[test]
fn r12_two_writers_that_link_a_chunk_lose_nothing() {
    let legal = [(false, true), (true, false), (true, true)];
    holds(50_000, legal, two_pushes_into_a_slot_that_is_left);
}

/// Two writers push into a chunk that has one cell left, so that one of them has to link a larger
/// one on top. Returns the names in the order in which they fire.
fn two_pushes_for_the_last_cell() -> Vec<u64> {
    let world = World::new(1);
    world.push(1, 2);
    let writers = [2, 3].map(|name| actor(&world, move |w| w.push(name, 2)));
    for writer in writers {
        assert_eq!(writer.join().unwrap(), 1, "broken: a push in time is made again");
    }
    let fired = world.finish(2);
    let mut names = fired.clone();
    names.sort_unstable();
    assert_eq!(names, [1, 2, 3], "broken: an entry is lost");
    fired
}

#[test]
fn a_chunk_that_grows_under_two_writers_keeps_every_entry() {
    holds(10, [vec![2, 1, 3], vec![3, 1, 2]], two_pushes_for_the_last_cell);
    for mutant in [Mutant::UnlinkChain, Mutant::FillByStore] {
        breaks(mutant, "broken", two_pushes_for_the_last_cell);
    }
}

/// One helper may sleep at tick 1 while another one and a writer go on, for a whole turn. Returns
/// whether the writer has pushed for the next turn.
fn a_helper_that_sleeps_for_a_turn() -> bool {
    let world = World::new(1);
    let sleeper = actor(&world, |w| w.help(1, 2));
    let mover = actor(&world, |w| {
        let mut fired = w.help(2, 1);
        let has_moved = w.level.current() == 2;
        if has_moved {
            // The same slot as tick 1.
            w.push(7, 5);
        }
        fired.extend(w.help(2, 1));
        (has_moved, fired)
    });
    let mut fired = sleeper.join().unwrap();
    let (has_moved, more) = mover.join().unwrap();
    fired.extend(more);
    assert!(fired.is_empty(), "broken: an entry fires a turn early");
    if has_moved {
        assert_eq!(world.finish(5), [7], "broken: an entry is lost");
    }
    has_moved
}

#[test]
fn a_helper_that_has_slept_for_a_turn_does_not_fire_the_future() {
    holds(10, [true], a_helper_that_sleeps_for_a_turn);
    breaks(Mutant::IgnoreChunkTick, "broken", a_helper_that_sleeps_for_a_turn);
}

/// Two helpers share a tick with a full chunk under one that is not. Returns how many entries each of
/// them has fired.
fn two_helpers_of_one_tick() -> (usize, usize) {
    let world = World::new(1);
    for name in 1..=3 {
        world.push(name, 2);
    }
    world.help(2, 1);
    let helpers = [(); 2].map(|()| actor(&world, |w| w.help(2, 2)));
    let [first, second] = helpers.map(|helper| helper.join().unwrap());
    let shares = (first.len(), second.len());
    let mut fired = [first, second, world.finish(2)].concat();
    fired.sort_unstable();
    assert_eq!(fired, [1, 2, 3], "broken: each entry fires once");
    shares
}

#[test]
fn r14_two_helpers_of_one_tick_fire_each_entry_once() {
    holds(100, [(1, 1), (1, 2), (2, 1)], two_helpers_of_one_tick);
    for mutant in [Mutant::ClaimByStore, Mutant::EveryoneRetires, Mutant::UnlinkChain] {
        breaks(mutant, "broken", two_helpers_of_one_tick);
    }
}

/// Retires blocks that hold nothing.
fn retire_blocks(world: &World, blocks: usize) {
    let guard = world.domain.pin();
    for _ in 0..blocks {
        let block = guard.take_block(16);
        // SAFETY: nobody else has seen it.
        unsafe { guard.retire(Retired::Block { block, bytes: 16 }) };
    }
}

/// A writer may sleep between finding a chunk and reserving a cell, while the chunk is drained and
/// retired, and its helper needs a chunk for another tick. Returns whether the writer was too late,
/// and whether the helper got the same chunk again.
fn a_push_into_a_chunk_that_is_retired() -> (bool, bool) {
    let world = World::new(0);
    world.domain.show_edges();
    world.push(1, 1);
    let first = world.top(1);
    let writer = actor(&world, |w| w.push(2, 1));
    let helper = actor(&world, move |w| {
        // The chunk is the last of a bag, and so the first that is free again.
        retire_blocks(w, BAG - 1);
        let fired = w.help(1, 4);
        retire_blocks(w, 1);
        w.push(3, 2);
        (fired, w.top(2) == first)
    });
    let pushes = writer.join().unwrap();
    let (mut fired, is_used_again) = helper.join().unwrap();
    fired.extend(world.finish(3));
    for name in 1..=3 {
        assert!(fired.contains(&name), "broken: an entry is lost");
    }
    (pushes > 1, is_used_again)
}

#[test]
fn a_chunk_is_used_again_only_when_no_writer_can_reach_it() {
    let model = a_push_into_a_chunk_that_is_retired;
    holds(500, [(false, false), (false, true), (true, false), (true, true)], model);
    breaks(Mutant::FreeChunkAtOnce, "Causality violation", model);
}

/// A level that was idle for many turns is advanced while a writer pushes by what it was. Returns
/// whether that was pushed again.
fn a_push_while_the_level_jumps() -> bool {
    let world = World::new(0);
    world.push(1, 1);
    world.push(3, 3);
    let writer = actor(&world, |w| w.push(2, 2));
    let helper = actor(&world, |w| w.help(22, 4));
    let pushes = writer.join().unwrap();
    let mut fired = helper.join().unwrap();
    fired.extend(world.finish(22));
    // What was pushed again is ahead of where the level was then.
    fired.extend(world.finish(23));
    for name in 1..=3 {
        assert!(fired.contains(&name), "broken: an entry is lost");
    }
    pushes > 1
}

#[test]
fn a_jump_over_many_turns_passes_no_entry_over() {
    holds(100, [false, true], a_push_while_the_level_jumps);
    breaks(Mutant::JumpToNow, "broken", a_push_while_the_level_jumps);
}
