//! Models of the table, over its real code.
//!
//! | model                                   | race | actors | wrong way that must fail           |
//! |-----------------------------------------|------|--------|------------------------------------|
//! | `two_inserts_of_one_key`                | R1   | 2      | `CommitUnchecked`                  |
//! | `…_while_an_earlier_slot_is_freed`      | R2   | 2      | `FirstFreeSlot`                    |
//! | `insert_remove_insert_against_insert`   | R3   | 2      | `EmptyWithoutStamp`, `StampUnchecked` |
//! | `two_inserts_of_one_key`                | R4   | 2      | `NoHelp`                           |
//! | `insert_remove_insert_against_insert`   | R5   | 2      | `RecordPlacedAgain`                |
//! | `a_commit_in_the_head_against_detach`   | R6   | 2      | `DetachWithoutHelp`                |
//! | `an_insert_into_what_is_detached`       | R6   | 2      | `DetachByStore`                    |
//! | `a_removal_against_an_overwrite`        | R17  | 2      | `RemoveByKey`                      |
//!
//! A bucket has two slots here; both keys of a model fall into the one bucket, with one tag.

use super::{Found, Insert, Record, Table, bucket, word::Seen};
use crate::{
    model::{breaks, holds},
    reclaim::{Domain, Guard, Retired, Seat, magazine::block_bytes},
    sync::{Mutant, UnsafeCell},
};
use ::loom::thread;
use std::{ptr::NonNull, sync::Arc};

/// All keys share a bucket and a tag.
const HASH: u64 = 0;

/// A record whose payload loom watches: a read that is not ordered after its writing fails.
#[repr(C, align(16))]
struct Node {
    birth: UnsafeCell<u32>,
    key: u64,
    payload: UnsafeCell<u64>,
}

// SAFETY: `birth` is a field; the block has the size that `World::node` takes.
unsafe impl Record for Node {
    fn birth(&self) -> &UnsafeCell<u32> {
        &self.birth
    }

    unsafe fn retired(node: NonNull<Self>) -> Retired {
        unsafe fn drop_content(block: NonNull<u8>) {
            // SAFETY: the block holds a node that nobody reaches any more.
            unsafe { block.cast::<Node>().drop_in_place() };
        }
        let bytes = u32::try_from(block_bytes(size_of::<Self>())).unwrap();
        Retired::Owner { block: node.cast(), bytes, held: 0, drop_content }
    }
}

/// A table of one bucket, and what its actors do with it.
struct World {
    table: Table<Node>,
    domain: Arc<Domain>,
}

impl World {
    fn new() -> Arc<Self> {
        let world = Self { table: Table::with_buckets(1), domain: Domain::new() };
        world.domain.sit(&world.domain.reserve_seat());
        Arc::new(world)
    }

    fn node(guard: &Guard<'_>, key: u64, payload: u64) -> NonNull<Node> {
        let node = guard.take_block(block_bytes(size_of::<Node>())).cast::<Node>();
        let content = Node { birth: UnsafeCell::new(0), key, payload: UnsafeCell::new(payload) };
        // SAFETY: the block is ours and large enough.
        unsafe { node.write(content) };
        node
    }

    fn find<'t>(&'t self, guard: &Guard<'_>, key: u64) -> Option<Found<'t, Node>> {
        // SAFETY: found under the guard.
        self.table.find(HASH, |node| unsafe { node.as_ref() }.key == key, guard)
    }

    /// Inserts unless the key is there; whether it did.
    fn insert(&self, key: u64, payload: u64) -> bool {
        let guard = self.domain.pin();
        loop {
            let node = Self::node(&guard, key, payload);
            // SAFETY: the node is private and of this hash; others are found under the guard.
            let inserted =
                unsafe { self.table.insert(HASH, node, |other| other.as_ref().key == key, &guard) };
            match inserted {
                Insert::Done => return true,
                // SAFETY: out of the table, and ours.
                Insert::Lost => unsafe { guard.retire(Node::retired(node)) },
                Insert::Present | Insert::Full => {
                    // SAFETY: never placed, so that it is ours alone.
                    unsafe { node.drop_in_place() };
                    // SAFETY: as above.
                    unsafe { guard.put_block(node.cast(), block_bytes(size_of::<Node>())) };
                    return false;
                }
            }
        }
    }

    fn remove(&self, key: u64) -> bool {
        let guard = self.domain.pin();
        while let Some(found) = self.find(&guard, key) {
            // SAFETY: found under the guard.
            if unsafe { self.table.remove(&found, &guard) }.is_some() {
                return true;
            }
        }
        false
    }

    /// Inserts or overwrites.
    fn set(&self, key: u64, payload: u64) {
        let guard = self.domain.pin();
        while let Some(found) = self.find(&guard, key) {
            let node = Self::node(&guard, key, payload);
            // SAFETY: the node is private, of this key and hash; found under the guard.
            if unsafe { self.table.replace(&found, HASH, node, &guard) }.is_some() {
                return;
            }
            // SAFETY: never placed, so that it is ours alone.
            unsafe { node.drop_in_place() };
            // SAFETY: as above.
            unsafe { guard.put_block(node.cast(), block_bytes(size_of::<Node>())) };
        }
        drop(guard);
        self.insert(key, payload);
    }

    fn payload(&self, key: u64) -> Option<u64> {
        let guard = self.domain.pin();
        let found = self.find(&guard, key)?;
        // SAFETY: found under the guard; nobody writes a published payload.
        Some(unsafe { found.record.as_ref() }.payload.with(|payload| unsafe { *payload }))
    }

    /// Removes `key` if what it holds is `payload`, as an evictor does that has judged it.
    fn evict(&self, key: u64, payload: u64) -> bool {
        let guard = self.domain.pin();
        let Some(found) = self.find(&guard, key) else { return false };
        // SAFETY: as in `payload`.
        let seen = unsafe { found.record.as_ref() }.payload.with(|payload| unsafe { *payload });
        // SAFETY: found under the guard.
        seen == payload && unsafe { self.table.remove(&found, &guard) }.is_some()
    }

    /// How many slots hold a record of `key`, and how many a tentative word.
    fn census(&self, key: u64) -> (usize, usize) {
        let head = self.table.bucket(HASH);
        let (mut records, mut tentative) = (0, 0);
        for slots in self.table.chain(head, head.control()) {
            for slot in &slots.0 {
                match bucket::load(slot).look::<Node>() {
                    // SAFETY: the model is at rest.
                    Seen::Record(node) if unsafe { node.as_ref() }.key == key => records += 1,
                    Seen::Tentative(_) => tentative += 1,
                    Seen::Record(_) | Seen::Empty(_) => {}
                }
            }
        }
        (records, tentative)
    }

    fn assert_once(&self, key: u64, expected: usize) {
        let (records, tentative) = self.census(key);
        assert_eq!(records, expected, "broken: slots that hold key {key}");
        assert_eq!(tentative, 0, "broken: a slot is lost to a tentative word");
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

/// Runs two actors to their end.
fn two<A: 'static, B: 'static>(
    world: &Arc<World>,
    first: impl FnOnce(&World) -> A + Send + 'static,
    second: impl FnOnce(&World) -> B + Send + 'static,
) -> (A, B) {
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
    let (first, second) = (actor(world, first), actor(world, second));
    (first.join().unwrap(), second.join().unwrap())
}

fn two_inserts_of_one_key() -> (bool, bool) {
    let world = World::new();
    let outcome = two(&world, |w| w.insert(10, 1), |w| w.insert(10, 2));
    assert!(outcome.0 ^ outcome.1, "broken: both or none inserted");
    world.assert_once(10, 1);
    assert_eq!(world.payload(10), Some(if outcome.0 { 1 } else { 2 }), "broken: the loser's value");
    outcome
}

#[test]
fn r1_one_of_two_inserts_of_one_key_succeeds() {
    holds(50, [(false, true), (true, false)], two_inserts_of_one_key);
    breaks(Mutant::CommitUnchecked, "broken", two_inserts_of_one_key);
}

#[test]
fn r4_a_committed_record_is_seen_by_the_next_scan() {
    breaks(Mutant::NoHelp, "broken", two_inserts_of_one_key);
}

fn two_inserts_of_one_key_while_an_earlier_slot_is_freed() -> (bool, bool) {
    let world = World::new();
    world.insert(20, 0);
    let outcome = two(
        &world,
        |w| w.insert(10, 1),
        |w| {
            w.remove(20);
            w.insert(10, 2)
        },
    );
    assert!(outcome.0 ^ outcome.1, "broken: both or none inserted");
    world.assert_once(10, 1);
    outcome
}

#[test]
fn r2_an_earlier_slot_that_comes_free_makes_no_duplicate() {
    let model = two_inserts_of_one_key_while_an_earlier_slot_is_freed;
    holds(100, [(false, true), (true, false)], model);
    breaks(Mutant::FirstFreeSlot, "broken", model);
}

fn insert_remove_insert_against_insert() -> (bool, bool, bool) {
    let world = World::new();
    let ((inserted, removed), other) = two(
        &world,
        |w| {
            let inserted = w.insert(10, 1);
            let removed = w.remove(10);
            w.insert(20, 3);
            (inserted, removed)
        },
        |w| w.insert(10, 2),
    );
    let left = usize::from(inserted) + usize::from(other) - usize::from(removed);
    world.assert_once(10, left);
    world.assert_once(20, 1);
    (inserted, removed, other)
}

#[test]
fn r3_a_late_record_in_a_reused_slot_is_not_finished() {
    let legal = [(false, true, true), (true, true, false), (true, true, true)];
    holds(200, legal, insert_remove_insert_against_insert);
    breaks(Mutant::EmptyWithoutStamp, "broken", insert_remove_insert_against_insert);
    breaks(Mutant::StampUnchecked, "broken", insert_remove_insert_against_insert);
}

#[test]
fn r5_a_committed_record_is_not_taken_for_a_doomed_one() {
    // A record that is placed again is written again, while others read its birth.
    breaks(Mutant::RecordPlacedAgain, "Causality violation", insert_remove_insert_against_insert);
}

/// A chain of a head with a free slot and an overflow bucket that holds key 3.
fn with_overflow() -> Arc<World> {
    let world = World::new();
    for key in 1..=3 {
        assert!(world.insert(key, 0));
    }
    world.remove(1);
    world
}

fn a_commit_in_the_head_against_detach() -> (bool, bool) {
    let world = with_overflow();
    let outcome = two(
        &world,
        |w| w.insert(10, 1),
        |w| {
            w.remove(3);
            w.insert(20, 2)
        },
    );
    assert_eq!(outcome, (true, true), "broken: an insert of an absent key was refused");
    world.assert_once(10, 1);
    world.assert_once(20, 1);
    world.assert_once(2, 1);
    world.assert_once(3, 0);
    outcome
}

#[test]
fn r6_a_detach_loses_no_commit() {
    holds(200, [(true, true)], a_commit_in_the_head_against_detach);
    breaks(Mutant::DetachWithoutHelp, "broken", a_commit_in_the_head_against_detach);
}

fn an_insert_into_what_is_detached() -> bool {
    let world = World::new();
    for key in 1..=3 {
        assert!(world.insert(key, 0));
    }
    let (inserted, removed) = two(&world, |w| w.insert(10, 1), |w| w.remove(3));
    assert!(inserted && removed, "broken: an insert or a removal failed");
    assert_eq!(world.payload(10), Some(1), "broken: the record went with its overflow bucket");
    world.assert_once(10, 1);
    // What is left of the chain tells whether the bucket was detached.
    world.table.bucket(HASH).control().overflow() == 1
}

#[test]
fn r6_nothing_is_committed_into_a_detached_bucket() {
    holds(50, [false, true], an_insert_into_what_is_detached);
    breaks(Mutant::DetachByStore, "broken", an_insert_into_what_is_detached);
}

fn a_removal_against_an_overwrite() -> bool {
    let world = World::new();
    world.insert(10, 1);
    let ((), evicted) = two(&world, |w| w.set(10, 2), |w| w.evict(10, 1));
    assert_eq!(world.payload(10), Some(2), "broken: the new record was removed for the old one");
    world.assert_once(10, 1);
    evicted
}

#[test]
fn r17_an_evictor_removes_only_the_record_it_judged() {
    holds(20, [false, true], a_removal_against_an_overwrite);
    breaks(Mutant::RemoveByKey, "broken", a_removal_against_an_overwrite);
}

fn a_reader_against_an_overwrite() -> u64 {
    let world = World::new();
    world.insert(10, 1);
    let ((), seen) = two(
        &world,
        |w| w.set(10, 2),
        |w| {
            let first = w.payload(10);
            let second = w.payload(10);
            assert!(first <= second, "broken: time goes backwards");
            second
        },
    );
    match seen {
        Some(seen) => seen,
        None => panic!("broken: a key that was there throughout is missing"),
    }
}

#[test]
fn a_reader_sees_a_record_whole_or_not_at_all() {
    holds(5, [1, 2], a_reader_against_an_overwrite);
}

fn a_reader_against_an_insert() -> Option<u64> {
    let world = World::new();
    two(&world, |w| w.insert(10, 1), |w| w.payload(10)).1
}

#[test]
fn a_reader_sees_an_inserted_record_whole_or_not_at_all() {
    holds(5, [None, Some(1)], a_reader_against_an_insert);
}
