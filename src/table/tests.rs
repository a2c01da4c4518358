//! The table on its own: one thread against a plain map, several threads against each other.

use crate::map::LockFreeMap;
use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
    sync::{
        Barrier,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    thread,
};

/// Sends every key to one bucket, with one tag.
#[derive(Default)]
struct SameBucket;

impl Hasher for SameBucket {
    fn write(&mut self, _: &[u8]) {}

    fn finish(&self) -> u64 {
        0
    }
}

/// The hash of a number is that number.
#[derive(Default)]
struct OwnNumber(u64);

impl Hasher for OwnNumber {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte));
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

type Crowded = LockFreeMap<u64, u64, BuildHasherDefault<SameBucket>>;

fn crowded() -> Crowded {
    LockFreeMap::with_capacity_and_hasher(1, BuildHasherDefault::default())
}

fn xorshift(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

#[test]
fn one_thread_agrees_with_a_plain_map() {
    let steps = if cfg!(miri) { 100 } else { 100_000 };
    let map = LockFreeMap::with_capacity(4);
    let mut plain = HashMap::new();
    let mut state = 0x2545_F491_4F6C_DD1D;

    for step in 0..steps {
        let key = xorshift(&mut state) % 60;
        match xorshift(&mut state) % 3 {
            0 => assert_eq!(map.insert(key, step), Ok(plain.insert(key, step).is_some())),
            1 => assert_eq!(map.remove(&key), plain.remove(&key).is_some()),
            _ => assert_eq!(map.get_with(&key, |value| *value), plain.get(&key).copied()),
        }
        assert_eq!(map.len(), plain.len());
    }
}

#[test]
fn overflow_buckets_come_and_go_with_their_records() {
    let map = crowded();

    let rounds = if cfg!(miri) { 2 } else { 50 };
    for round in 0..rounds {
        for key in 0..100 {
            assert_eq!(map.insert(key, round), Ok(false));
        }
        for key in 0..100 {
            assert!(map.remove(&key));
        }
    }

    assert!(map.is_empty());
}

/// The keys own memory, so that a sanitizer sees who compares with one that is freed.
#[test]
fn a_reader_of_a_bucket_that_was_moved_looks_at_no_record_that_was_overwritten_since() {
    let hasher = BuildHasherDefault::<OwnNumber>::default();
    let map = LockFreeMap::with_capacity_and_hasher(128, hasher);
    for key in 0..192 {
        assert_eq!(map.insert(Box::new(key), 0), Ok(false));
    }

    // Each write moves two of 32 buckets, the key's first; what the first writes have overwritten is
    // freed before the last ones.
    for round in 1..20 {
        assert_eq!(map.insert(Box::new(0), round), Ok(true));
        assert_eq!(map.get_with(&0, |value| *value), Some(round));
    }
}

#[test]
fn of_several_threads_that_insert_one_key_one_is_first() {
    let (threads, rounds) = if cfg!(miri) { (3, 4) } else { (4, 3_000) };
    let map = crowded();
    let barrier = Barrier::new(threads);
    let first = AtomicUsize::new(0);

    thread::scope(|scope| {
        for thread in 0..threads as u64 {
            let (map, barrier, first) = (&map, &barrier, &first);
            scope.spawn(move || {
                for round in 0..rounds {
                    barrier.wait();
                    if map.insert(round % 10, thread) == Ok(false) {
                        first.fetch_add(1, Relaxed);
                    }
                    if barrier.wait().is_leader() {
                        assert!(map.remove(&(round % 10)), "it was inserted");
                        assert!(!map.contains_key(&(round % 10)), "it was in one slot only");
                    }
                }
            });
        }
    });

    assert_eq!(first.load(Relaxed) as u64, rounds);
}

#[test]
fn inserts_and_removals_of_several_threads_balance() {
    let (threads, steps) = if cfg!(miri) { (3, 20) } else { (4, 60_000) };
    for capacity in [1, 64] {
        let map = LockFreeMap::with_capacity(capacity);
        let balance = AtomicUsize::new(0);

        thread::scope(|scope| {
            for thread in 0..threads {
                let (map, balance) = (&map, &balance);
                scope.spawn(move || {
                    let mut state = 0x9E37_79B9_7F4A_7C15 + thread;
                    for _ in 0..steps {
                        let key = xorshift(&mut state) % 40;
                        if xorshift(&mut state).is_multiple_of(2) {
                            if map.insert(key, key) == Ok(false) {
                                balance.fetch_add(1, Relaxed);
                            }
                        } else if map.remove(&key) {
                            balance.fetch_sub(1, Relaxed);
                        }
                        assert!(map.get_with(&key, |value| *value == key).unwrap_or(true));
                    }
                });
            }
        });

        let left = (0..40).filter(|key| map.contains_key(key)).count();
        assert_eq!(left, balance.load(Relaxed));
        assert_eq!(left, map.len());
    }
}
