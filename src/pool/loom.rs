//! Models of the commands, over their real code.
//!
//! | model                            | race | actors | wrong way that must fail                  |
//! |----------------------------------|------|--------|-------------------------------------------|
//! | `incr_against_expire`            | R11  | 2      | `CopyWithoutFreeze`, `ReadThenFreeze`, `IncrementFrozen` |
//! | `incr_against_getset`            | R11  | 2      | `CopyWithoutFreeze`, `ReadThenFreeze`, `IncrementFrozen` |
//! | `incr_against_incr`              | R11  | 2      | –                                         |
//! | `told_by`, in three ways         | –    | 2      | – (edge `add→tell`, weakened on any side) |
//! | `get_of_an_expired_key_against_set` | R18 | 2     | `RemoveByKey`                             |
//! | `insert_against_expiry`          | R18  | 2      | `RemoveByKey`                             |
//! | `overwrite_against_cleanup`      | R15  | 2      | `RemoveByKey`                             |
//! | `sooner_deadline_against_cleanup` | R15 | 2      | `NoCoverRecheck`, `NoConfirm`             |
//! | `insert_of_a_deadline_against_cleanup` | R15 | 2 | –                                         |
//! | `an_eviction_against_an_overwrite` | R17, R20 | 2 | `LoserSubtracts`                          |
//! | `an_eviction_against_a_delete`   | R17, R20 | 2  | `LoserSubtracts`                          |
//! | `a_sparing_against_an_overwrite` | R20  | 2      | `SparedCountedFirst`                      |
//! | `a_sparing_against_a_delete`     | R20  | 2      | `SparedCountedFirst`                      |
//!
//! Those of who is told of changes are in `loom/told.rs`.

mod told;

use super::{CacheConfig, EvictionPolicy, MemoryCachePool};
use crate::{
    clock::ManualClock,
    model::{breaks, holds},
    sync::Mutant,
};
use ::loom::thread;
use std::sync::Arc;

/// When the models begin, in Unix milliseconds.
const START: u64 = 1_000_000;

/// A pool for a model; the current thread is registered in it.
fn pool() -> (MemoryCachePool, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(START));
    pool_with(CacheConfig::new(), clock)
}

/// As [`pool`], with room for one key.
fn pool_of_one() -> (MemoryCachePool, Arc<ManualClock>) {
    let config = CacheConfig::new().max_keys(1).eviction_policy(EvictionPolicy::AllKeysRandom);
    pool_with(config, Arc::new(ManualClock::new(START)))
}

fn pool_with(config: CacheConfig, clock: Arc<ManualClock>) -> (MemoryCachePool, Arc<ManualClock>) {
    let config = config.capacity(1).clock(Arc::clone(&clock) as _);
    let pool = MemoryCachePool::new(config).unwrap();
    let domain = &pool.engine.domain;
    domain.sit(&domain.reserve_seat());
    (pool, clock)
}

/// Runs two actors to their end.
fn two<A: 'static, B: 'static>(
    pool: &MemoryCachePool,
    first: impl FnOnce(&MemoryCachePool) -> A + Send + 'static,
    second: impl FnOnce(&MemoryCachePool) -> B + Send + 'static,
) -> (A, B) {
    fn actor<R: 'static>(
        pool: &MemoryCachePool,
        act: impl FnOnce(&MemoryCachePool) -> R + Send + 'static,
    ) -> thread::JoinHandle<R> {
        let (pool, seat) = (pool.clone(), pool.engine.domain.reserve_seat());
        thread::spawn(move || {
            pool.engine.domain.sit(&seat);
            act(&pool)
        })
    }
    let (first, second) = (actor(pool, first), actor(pool, second));
    (first.join().unwrap(), second.join().unwrap())
}

const COUNTER_MUTANTS: [Mutant; 3] =
    [Mutant::CopyWithoutFreeze, Mutant::ReadThenFreeze, Mutant::IncrementFrozen];

fn incr_against_expire() -> i64 {
    let (pool, _clock) = pool();
    pool.incr("k").unwrap();
    let (sum, expires) = two(&pool, |p| p.incr("k").unwrap(), |p| p.pexpire("k", 50).unwrap());
    assert!(expires, "broken: the key was there");
    assert_eq!(pool.get("k").unwrap().as_deref(), Some(&b"2"[..]), "broken: an increment is lost");
    assert_eq!(pool.pttl("k"), 50, "broken: the deadline is lost");
    sum
}

#[test]
fn r11_neither_incr_nor_expire_is_lost() {
    holds(20, [2], incr_against_expire);
    for mutant in COUNTER_MUTANTS {
        breaks(mutant, "broken", incr_against_expire);
    }
}

fn incr_against_getset() -> (i64, Vec<u8>) {
    let (pool, _clock) = pool();
    pool.incrby("k", 10).unwrap();
    let (sum, before) =
        two(&pool, |p| p.incr("k").unwrap(), |p| p.getset("k", "50").unwrap().unwrap_or_default());
    let after = pool.get("k").unwrap().unwrap_or_default();
    let legal: [(i64, &[u8], &[u8]); 2] = [(11, b"11", b"50"), (51, b"10", b"51")];
    assert!(
        legal.contains(&(sum, &before, &after)),
        "broken: incr returned {sum}, getset {before:?}, and {after:?} is left"
    );
    (sum, before)
}

#[test]
fn r11_getset_returns_the_last_value_of_a_counter() {
    holds(20, [(11, b"11".to_vec()), (51, b"10".to_vec())], incr_against_getset);
    for mutant in COUNTER_MUTANTS {
        breaks(mutant, "broken", incr_against_getset);
    }
}

fn incr_against_incr() -> (i64, i64) {
    let (pool, _clock) = pool();
    let sums = two(&pool, |p| p.incr("k").unwrap(), |p| p.incr("k").unwrap());
    assert_eq!(pool.get("k").unwrap().as_deref(), Some(&b"2"[..]), "broken: an increment is lost");
    sums
}

#[test]
fn r11_two_increments_of_an_absent_key_both_count() {
    holds(50, [(1, 2), (2, 1)], incr_against_incr);
}

/// Sets a key, counts, and lets the count expire some time, while somebody looks at the count, by a
/// method of his own, and at the key; the count that he was told.
fn told_by(count: fn(&MemoryCachePool) -> i64) -> i64 {
    let (pool, _clock) = pool();
    pool.incr("count").unwrap();
    let write = |p: &MemoryCachePool| {
        p.set("key", "value").unwrap();
        p.incr("count").unwrap();
        p.pexpire("count", 50).unwrap();
    };
    let ((), (told, is_there)) = two(&pool, write, move |p| (count(p), p.exists("key")));
    assert!(told == 1 || is_there, "broken: the count came before what had preceded it");
    told
}

/// A counter's text as a number.
fn number(text: Option<Vec<u8>>) -> i64 {
    String::from_utf8(text.unwrap()).unwrap().parse().unwrap()
}

#[test]
fn a_count_that_was_told_comes_with_what_preceded_it() {
    holds(20, [1, 2], || told_by(|p| number(p.get("count").unwrap())));
    holds(20, [1, 2], || told_by(|p| p.incr("count").unwrap() - 1));
    holds(20, [1, 2], || told_by(|p| number(p.getset("count", "5").unwrap())));
}

fn get_of_an_expired_key_against_set() -> Option<Vec<u8>> {
    let (pool, clock) = pool();
    pool.psetex("k", 10, "old").unwrap();
    clock.set_millis(START + 11);
    let (seen, ()) = two(&pool, |p| p.get("k").unwrap(), |p| p.set("k", "new").unwrap());
    assert_eq!(
        pool.get("k").unwrap().as_deref(),
        Some(&b"new"[..]),
        "broken: a refreshed key was removed for the one that had expired"
    );
    seen
}

#[test]
fn r18_a_get_that_meets_an_expired_key_removes_only_that() {
    holds(20, [None, Some(b"new".to_vec())], get_of_an_expired_key_against_set);
    breaks(Mutant::RemoveByKey, "broken", get_of_an_expired_key_against_set);
}

fn insert_against_expiry() -> bool {
    let (pool, clock) = pool();
    pool.psetex("k", 10, "old").unwrap();
    clock.set_millis(START + 11);
    let (_, was_set) = two(&pool, |p| p.exists("k"), |p| p.setnx("k", "new").unwrap());
    assert!(was_set, "broken: an expired key was in the way");
    assert_eq!(pool.get("k").unwrap().as_deref(), Some(&b"new"[..]), "broken: it was removed");
    assert_eq!(pool.dbsize(), 1, "broken: the number of keys");
    was_set
}

#[test]
fn r18_an_expired_key_is_in_nobodys_way() {
    holds(20, [true], insert_against_expiry);
    breaks(Mutant::RemoveByKey, "broken", insert_against_expiry);
}

fn delete_against_set() -> (bool, usize) {
    let (pool, _clock) = pool();
    pool.set("k", "old").unwrap();
    let (deleted, ()) = two(&pool, |p| p.delete("k"), |p| p.set("k", "new").unwrap());
    let keys = usize::from(pool.exists("k"));
    assert_eq!(pool.dbsize(), keys, "broken: the number of keys");
    (deleted, keys)
}

#[test]
fn a_delete_against_a_set_is_before_or_after_it() {
    holds(20, [(true, 0), (true, 1)], delete_against_set);
}

/// Lets all deadlines pass; whatever had one is gone then, and nothing else.
fn assert_all_met(pool: &MemoryCachePool, clock: &ManualClock) {
    clock.set_millis(START + 50);
    pool.cleanup_expired_keys(usize::MAX);
    assert_eq!(pool.dbsize(), 0, "broken: a deadline is not met");
    assert_eq!(pool.get_stats().wheel_entries, 0, "broken: an entry is left");
}

fn overwrite_against_cleanup() -> usize {
    let (pool, clock) = pool();
    pool.psetex("k", 1, "old").unwrap();
    clock.set_millis(START + 2);
    let (removed, ()) =
        two(&pool, |p| p.cleanup_expired_keys(2).removed, |p| p.psetex("k", 20, "new").unwrap());
    assert!(pool.exists("k"), "broken: a refreshed key was removed for the one that had expired");
    assert_all_met(&pool, &clock);
    removed
}

#[test]
fn r15_a_cleanup_removes_only_what_has_expired() {
    holds(20, [0, 1], overwrite_against_cleanup);
    breaks(Mutant::RemoveByKey, "broken", overwrite_against_cleanup);
}

/// The entry of a record fires early while a deadline is set that comes before the record's own.
fn sooner_deadline_against_cleanup() -> u64 {
    let (pool, clock) = pool();
    pool.psetex("k", 1, "old").unwrap();
    pool.psetex("k", 30, "old").unwrap();
    clock.set_millis(START + 2);
    let (_, ()) = two(&pool, |p| p.cleanup_expired_keys(2), |p| p.psetex("k", 1, "new").unwrap());
    let entries = pool.get_stats().wheel_entries as u64;
    clock.set_millis(START + 4);
    pool.cleanup_expired_keys(usize::MAX);
    assert_eq!(pool.dbsize(), 0, "broken: a deadline is late");
    assert_all_met(&pool, &clock);
    entries
}

#[test]
fn r15_a_sooner_deadline_is_met_while_the_entry_fires() {
    holds(20, [1, 2], sooner_deadline_against_cleanup);
    for mutant in [Mutant::NoCoverRecheck, Mutant::NoConfirm] {
        breaks(mutant, "broken", sooner_deadline_against_cleanup);
    }
}

/// A record's birth lies where its cover will, when a cleanup looks for another one in its bucket.
fn insert_of_a_deadline_against_cleanup() -> usize {
    let (pool, clock) = pool();
    pool.psetex("a", 1, "old").unwrap();
    clock.set_millis(START + 2);
    let (removed, ()) =
        two(&pool, |p| p.cleanup_expired_keys(3).removed, |p| p.psetex("b", 1, "new").unwrap());
    clock.set_millis(START + 5);
    pool.cleanup_expired_keys(usize::MAX);
    assert_eq!(pool.dbsize(), 0, "broken: a deadline is late");
    assert_all_met(&pool, &clock);
    removed
}

#[test]
fn r15_a_key_that_is_inserted_while_another_is_removed_is_met() {
    holds(20, [1], insert_of_a_deadline_against_cleanup);
}

/// Checks the count of keys against the keys, of which there may be one; returns which are there.
fn check_count(pool: &MemoryCachePool) -> (bool, bool) {
    let there = (pool.exists("a"), pool.exists("b"));
    let live = usize::from(there.0) + usize::from(there.1);
    assert!(live <= 1, "broken: over the limit at rest");
    assert_eq!(pool.engine.evictor.keys.count(), live, "broken: the count of keys");
    there
}

fn an_eviction_against_an_overwrite() -> (bool, bool) {
    let (pool, _clock) = pool_of_one();
    pool.set("a", "old").unwrap();
    two(&pool, |p| p.set("b", "x").unwrap(), |p| p.set("a", "new").unwrap());
    check_count(&pool)
}

#[test]
fn r20_an_eviction_and_an_overwrite_leave_one_key_that_is_counted() {
    holds(20, [(false, true), (true, false)], an_eviction_against_an_overwrite);
    breaks(Mutant::LoserSubtracts, "broken", an_eviction_against_an_overwrite);
}

fn an_eviction_against_a_delete() -> (bool, bool) {
    let (pool, _clock) = pool_of_one();
    pool.set("a", "old").unwrap();
    two(&pool, |p| p.set("b", "x").unwrap(), |p| p.delete("a"));
    check_count(&pool)
}

#[test]
fn r20_an_eviction_and_a_delete_count_a_key_out_once() {
    holds(20, [(false, true)], an_eviction_against_a_delete);
    breaks(Mutant::LoserSubtracts, "broken", an_eviction_against_a_delete);
}

/// How many keys are spared, by the sum and by looking.
fn spared(pool: &MemoryCachePool) -> (usize, usize) {
    let seen = pool.key_info("k").is_some_and(|info| info.no_evict);
    (pool.get_stats().no_evict_keys, usize::from(seen))
}

fn a_sparing_against_an_overwrite() -> bool {
    let (pool, _clock) = pool();
    pool.set("k", "1").unwrap();
    let (is_there, done) = two(&pool, |p| p.set_no_evict("k", true).unwrap(), |p| p.set("k", "2"));
    assert_eq!(done, Ok(()));
    assert_eq!(pool.get("k").unwrap().as_deref(), Some(&b"2"[..]), "broken: the value is lost");
    assert_eq!(spared(&pool), (1, 1), "broken: the mark is lost, or not counted once");
    is_there
}

fn a_sparing_against_a_delete() -> bool {
    let (pool, _clock) = pool();
    pool.set("k", "1").unwrap();
    let (is_there, is_gone) = two(&pool, |p| p.set_no_evict("k", true).unwrap(), |p| p.delete("k"));
    assert!(is_gone);
    assert_eq!(spared(&pool), (0, 0), "broken: what is gone is counted");
    is_there
}

#[test]
fn r20_a_mark_is_neither_lost_nor_counted_twice() {
    holds(20, [true], a_sparing_against_an_overwrite);
    breaks(Mutant::SparedCountedFirst, "broken", a_sparing_against_an_overwrite);
    holds(20, [true, false], a_sparing_against_a_delete);
    breaks(Mutant::SparedCountedFirst, "broken", a_sparing_against_a_delete);
}
