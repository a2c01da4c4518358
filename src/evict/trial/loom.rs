//! Models of the trial ring and the ghosts, over their real code.
//!
//! | model                      | actors | wrong way that must fail     |
//! |----------------------------|--------|------------------------------|
//! | `two_pushers`              | 2      | `TicketByLoad`               |
//! | `two_pushers_and_a_popper` | 3      | `PushByStore`, `PopByStore`  |
//! | `a_pusher_and_two_poppers` | 3      | `PopByStore`                 |
//! | `two_who_outgrow_the_ring` | 2      | –                            |
//! | `ghosts`                   | 3      | `GhostByStore`               |
//!
//! Edge `grow→trial` has no wrong way of its own: weakened to Relaxed on either side, it fails
//! `two_who_outgrow_the_ring`. So does edge `push→pop`: it fails the models of pushers and poppers,
//! in which whoever gets a hash has to see the record behind it.

use super::{Trials, ghost::Ghosts, ring::Ring};
use crate::{
    model::{breaks, holds},
    sync::{AtomicUsize, Mutant, Ordering},
};
use ::loom::{sync::Arc, thread};

/// A ring of two cells, and what stands for the records behind the hashes.
struct Published {
    ring: Ring,
    records: [AtomicUsize; 24],
}

impl Published {
    fn new() -> Self {
        Self { ring: Ring::new(2), records: std::array::from_fn(|_| AtomicUsize::new(0)) }
    }

    /// Publishes a record and pushes its hash; what that has displaced.
    fn push(&self, hash: u64) -> Option<u64> {
        // ORDERING: Relaxed; that it is seen by who gets the hash is for the ring to see to.
        self.records[hash as usize].store(1, Ordering::Relaxed);
        self.ring.push(hash).inspect(|hash| self.assert_published(*hash))
    }

    fn pop(&self) -> Option<u64> {
        self.ring.pop(0).inspect(|hash| self.assert_published(*hash))
    }

    fn assert_published(&self, hash: u64) {
        // ORDERING: Relaxed; as for the store.
        let is_there = self.records[hash as usize].load(Ordering::Relaxed) == 1;
        assert!(is_there, "a hash without its record");
    }
}

/// Lets pushers and poppers loose on a ring of two cells; returns how many hashes were displaced
/// and how many popped.
fn ring(pushers: u64, pushes: u64, poppers: usize) -> (usize, usize) {
    let ring = Arc::new(Published::new());
    let push = |pusher: u64| {
        let ring = Arc::clone(&ring);
        let own = move |number| 10 * (pusher + 1) + number;
        thread::spawn(move || {
            (0..pushes).filter_map(|number| ring.push(own(number))).collect::<Vec<_>>()
        })
    };
    let pushers: Vec<_> = (0..pushers).map(push).collect();
    let pop = |_| {
        let ring = Arc::clone(&ring);
        thread::spawn(move || ring.pop())
    };
    let poppers: Vec<_> = (0..poppers).map(pop).collect();

    let all: Vec<_> = (0..pushers.len() as u64)
        .flat_map(|p| (0..pushes).map(move |n| 10 * (p + 1) + n))
        .collect();
    let displaced: Vec<_> = pushers.into_iter().flat_map(|pusher| pusher.join().unwrap()).collect();
    let popped: Vec<_> = poppers.into_iter().filter_map(|popper| popper.join().unwrap()).collect();
    let mut out = [displaced.clone(), popped.clone(), ring.ring.rest()].concat();
    out.sort_unstable();
    assert_eq!(out, all, "each hash leaves exactly once");
    (displaced.len(), popped.len())
}

fn two_pushers_and_a_popper() -> (usize, usize) {
    ring(2, 2, 1)
}

fn a_pusher_and_two_poppers() -> (usize, usize) {
    ring(1, 3, 2)
}

#[test]
fn a_hash_leaves_the_ring_exactly_once() {
    holds(500, [(1, 1), (2, 0), (2, 1)], two_pushers_and_a_popper);
    holds(100, [(0, 1), (0, 2), (1, 0), (1, 1), (1, 2)], a_pusher_and_two_poppers);
    for mutant in [Mutant::PushByStore, Mutant::PopByStore] {
        breaks(mutant, "exactly once", two_pushers_and_a_popper);
    }
    breaks(Mutant::PopByStore, "exactly once", a_pusher_and_two_poppers);
}

fn two_pushers() -> Vec<u64> {
    let ring = Arc::new(Ring::new(2));
    let push = |hash| {
        let ring = Arc::clone(&ring);
        thread::spawn(move || ring.push(hash))
    };
    for pusher in [1, 2].map(push) {
        assert_eq!(pusher.join().unwrap(), None, "one ticket for two");
    }
    ring.rest()
}

#[test]
fn two_pushers_get_two_tickets() {
    holds(3, [vec![1, 2], vec![2, 1]], two_pushers);
    breaks(Mutant::TicketByLoad, "one ticket for two", two_pushers);
}

fn two_who_outgrow_the_ring() -> Vec<u64> {
    let trials = Arc::new(Trials::new());
    trials.fit(1);
    trials.fitting(1).ring.push(1);
    trials.fit(60);
    let grow = |hash| {
        let trials = Arc::clone(&trials);
        thread::spawn(move || trials.fitting(60).ring.push(hash))
    };
    let both = [2, 3].map(grow);
    for grower in both {
        assert_eq!(grower.join().unwrap(), None);
    }
    let newest = trials.newest().unwrap();
    let mut all: Vec<_> = std::iter::from_fn(|| newest.pop(0)).collect();
    all.sort_unstable();
    all
}

#[test]
fn no_hash_is_lost_when_two_outgrow_the_ring_at_once() {
    holds(3, [vec![1, 2, 3]], two_who_outgrow_the_ring);
}

fn ghosts() -> bool {
    let print = |number: u64| number << 48;
    let ghosts = Arc::new(Ghosts::new(1));
    ghosts.remember(print(7));
    let evictor = Arc::clone(&ghosts);
    let evictor = thread::spawn(move || evictor.remember(print(8)));
    let takers = [(); 2].map(|()| {
        let ghosts = Arc::clone(&ghosts);
        thread::spawn(move || ghosts.take(print(7)))
    });
    evictor.join().unwrap();
    let takers = takers.map(|taker| taker.join().unwrap());
    assert!(takers[0] != takers[1], "a ghost is taken exactly once");
    assert!(!ghosts.take(print(7)) && ghosts.take(print(8)), "a ghost is taken exactly once");
    takers[0]
}

#[test]
fn a_ghost_is_taken_by_one() {
    holds(20, [false, true], ghosts);
    breaks(Mutant::GhostByStore, "exactly once", ghosts);
}
