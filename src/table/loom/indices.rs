//! Models of the free stack of overflow buckets, over its real code.
//!
//! | model                        | actors                              | wrong way that must fail |
//! |------------------------------|-------------------------------------|--------------------------|
//! | `an_index_that_comes_back`   | put / take, take                    | –                        |
//! | `an_index_on_top_once_more`  | take, take / take, take, put        | `FreeUncounted`          |
//!
//! Edge `free→take` has no wrong way of its own: weakened to Relaxed on either side, it fails the
//! first model.

use crate::{
    model::{breaks, holds},
    sync::{Mutant, thread},
    table::overflow::Arena,
};
use std::sync::Arc;

fn an_index_that_comes_back() -> bool {
    let arena = Arc::new(Arena::new());
    let kept = arena.take(0, 0).unwrap();
    let back = arena.take(0, kept).unwrap();
    let (putter, taker) = (Arc::clone(&arena), Arc::clone(&arena));
    let putter = thread::spawn(move || putter.put(back));
    let taker = thread::spawn(move || (taker.take(0, 0), taker.take(0, 0)));
    putter.join().unwrap();
    let (first, second) = taker.join().unwrap();
    // What it was linked to when it was in use is not free.
    assert!(first != Some(kept) && second != Some(kept), "broken: one in use is handed out");
    assert!(first != second, "broken: one is handed out twice");
    first == Some(back)
}

#[test]
fn an_overflow_bucket_that_comes_back_brings_no_other_with_it() {
    holds(5, [false, true], an_index_that_comes_back);
}

fn an_index_on_top_once_more() -> usize {
    let arena = Arc::new(Arena::new());
    let (lower, upper) = (arena.take(0, 0).unwrap(), arena.take(0, 0).unwrap());
    arena.put(lower);
    arena.put(upper);
    let (one, other) = (Arc::clone(&arena), Arc::clone(&arena));
    let one = thread::spawn(move || [one.take(0, 0), one.take(0, 0)]);
    let other = thread::spawn(move || {
        let (first, second) = (other.take(0, 0), other.take(0, 0));
        other.put(first.unwrap());
        second
    });
    let (taken, kept) = (one.join().unwrap(), other.join().unwrap());
    assert!(taken[0] != taken[1] && !taken.contains(&kept), "broken: one is handed out twice");
    taken.into_iter().filter(|index| *index == Some(upper)).count()
}

#[test]
fn an_overflow_bucket_on_top_of_the_free_ones_once_more_is_not_taken_for_the_same() {
    holds(20, [0, 1], an_index_on_top_once_more);
    breaks(Mutant::FreeUncounted, "broken", an_index_on_top_once_more);
}
