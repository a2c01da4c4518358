//! Models of who is told of changes.
//!
//! | model                              | actors | wrong way that must fail                     |
//! |------------------------------------|--------|----------------------------------------------|
//! | `told_of_a_delete_against_a_set`   | 2      | `LoserTells`                                 |
//! | `told_of_an_expiry_against_a_set`  | 2      | `LoserTells`                                 |
//! | `told_of_an_eviction_against_an_overwrite` | 2 | `LoserTells`                              |
//! | `told_of_a_counter`                | 2      | `CopyWithoutFreeze`, `ReadThenFreeze`        |
//! | `watched_against_an_overwrite`     | 2      | `EnterUnfenced`                              |
//! | `watched_against_an_insert`        | 2      | `EnterUnfenced`                              |
//! | `watched_against_an_increment`     | 2      | `EnterUnfenced`                              |

use super::{
    super::{Removal, RemovalCause, RemovedValue},
    *,
};
use crate::{model::holds_within, sync::lock};
use std::{
    future::Future,
    pin::pin,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    task::{Context, Poll, Wake, Waker},
};

/// What a listener was told, as text.
type Told = Arc<Mutex<Vec<(String, RemovalCause)>>>;

fn text(removal: Removal) -> String {
    match removal.value {
        RemovedValue::String(bytes) => String::from_utf8(bytes).unwrap(),
        other => format!("{other:?}"),
    }
}

/// A pool whose listener writes down what it is told.
fn pool_that_tells(config: CacheConfig) -> (MemoryCachePool, Arc<ManualClock>, Told) {
    let told = Told::default();
    let noted = Arc::clone(&told);
    let config = config.on_removal(move |removal| {
        let cause = removal.cause;
        lock(&noted).push((text(removal), cause));
    });
    let (pool, clock) = pool_with(config, Arc::new(ManualClock::new(START)));
    (pool, clock, told)
}

/// What was told, each value once.
fn checked(told: &Told) -> Vec<(String, RemovalCause)> {
    let mut told = std::mem::take(&mut *lock(told));
    told.sort_by(|a, b| a.0.cmp(&b.0));
    let is_twice = told.windows(2).any(|pair| pair[0].0 == pair[1].0);
    assert!(!is_twice, "broken: a removal is told twice: {told:?}");
    told
}

fn said(value: &str, cause: RemovalCause) -> (String, u8) {
    (value.to_owned(), cause as u8)
}

/// An outcome that can be ordered.
fn outcome(told: Vec<(String, RemovalCause)>) -> Vec<(String, u8)> {
    told.iter().map(|(value, cause)| said(value, *cause)).collect()
}

fn told_of_a_delete_against_a_set() -> Vec<(String, u8)> {
    let (pool, _clock, told) = pool_that_tells(CacheConfig::new());
    pool.set("k", "old").unwrap();
    two(&pool, |p| p.delete("k"), |p| p.set("k", "new").unwrap());
    let told = checked(&told);
    let is_there = pool.exists("k");
    assert_eq!(told.len() + usize::from(is_there), 2, "broken: a removal is not told: {told:?}");
    outcome(told)
}

#[test]
fn a_delete_against_a_set_tells_each_value_once() {
    use RemovalCause::{Deleted, Replaced};
    let legal = [vec![said("old", Deleted)], vec![said("new", Deleted), said("old", Replaced)]];
    holds(20, legal, told_of_a_delete_against_a_set);
    breaks(Mutant::LoserTells, "broken", told_of_a_delete_against_a_set);
}

fn told_of_an_expiry_against_a_set() -> Vec<(String, u8)> {
    let (pool, clock, told) = pool_that_tells(CacheConfig::new());
    pool.psetex("k", 1, "old").unwrap();
    clock.set_millis(START + 2);
    two(&pool, |p| p.cleanup_expired_keys(2), |p| p.set("k", "new").unwrap());
    assert!(pool.exists("k"), "broken: the new value is lost");
    outcome(checked(&told))
}

#[test]
fn an_expired_value_is_told_once_by_who_removes_or_replaces_it() {
    let legal = [vec![said("old", RemovalCause::Expired)]];
    holds(20, legal, told_of_an_expiry_against_a_set);
    breaks(Mutant::LoserTells, "broken", told_of_an_expiry_against_a_set);
}

fn told_of_an_eviction_against_an_overwrite() -> Vec<(String, u8)> {
    let config = CacheConfig::new().max_keys(1).eviction_policy(EvictionPolicy::AllKeysRandom);
    let (pool, _clock, told) = pool_that_tells(config);
    pool.set("a", "old").unwrap();
    two(&pool, |p| p.set("b", "other").unwrap(), |p| p.set("a", "new").unwrap());
    let (has_a, has_b) = check_count(&pool);
    let left = usize::from(has_a) + usize::from(has_b);
    let told = checked(&told);
    assert_eq!(told.len() + left, 3, "broken: a removal is not told: {told:?}");
    outcome(told)
}

#[test]
fn an_eviction_against_an_overwrite_tells_each_value_once() {
    use RemovalCause::{Evicted, Replaced};
    let legal = [
        vec![said("new", Evicted), said("old", Replaced)],
        vec![said("old", Evicted), said("other", Evicted)],
    ];
    // Three take a minute and a half, and show the same.
    holds_within(2, 20, legal, told_of_an_eviction_against_an_overwrite);
    breaks(Mutant::LoserTells, "broken", told_of_an_eviction_against_an_overwrite);
}

fn told_of_a_counter() -> i64 {
    let (pool, _clock, told) = pool_that_tells(CacheConfig::new());
    pool.incr("k").unwrap();
    let (sum, _) = two(&pool, |p| p.incr("k").unwrap(), |p| p.delete("k"));
    let told = checked(&told);
    assert_eq!(told[0].0, sum.to_string(), "broken: an answered increment is not told");
    sum
}

#[test]
fn a_counter_is_told_with_every_increment_that_was_answered() {
    holds(20, [1, 2], told_of_a_counter);
    for mutant in [Mutant::CopyWithoutFreeze, Mutant::ReadThenFreeze] {
        breaks(mutant, "broken", told_of_a_counter);
    }
}

/// Notes that it was woken.
#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, SeqCst);
    }
}

/// One actor watches a key, reads it and polls for a change, the other one writes it: returns whether
/// the first has read what was there `before`.
fn watched(
    pool: &MemoryCachePool,
    before: Option<&'static [u8]>,
    write: impl FnOnce(&MemoryCachePool) + Send + 'static,
) -> bool {
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(Arc::clone(&woken));
    let watch = move |pool: &MemoryCachePool| {
        let mut watch = pool.watch("k");
        let is_before = pool.get("k").unwrap().as_deref() == before;
        let context = &mut Context::from_waker(&waker);
        let is_told = matches!(pin!(watch.changed()).poll(context), Poll::Ready(_));
        (watch, is_before, is_told)
    };
    let ((watch, is_before, is_told), ()) = two(pool, watch, write);
    let is_woken = woken.0.load(SeqCst);
    assert!(!is_before || is_told || is_woken, "broken: a change is missed");
    drop(watch);
    is_before
}

/// A pool whose watches the model sees.
fn watched_pool() -> MemoryCachePool {
    let (mut pool, _clock) = pool();
    Arc::get_mut(&mut pool.engine).unwrap().audience.show();
    pool
}

fn watched_against_an_overwrite() -> bool {
    let pool = watched_pool();
    pool.set("k", "old").unwrap();
    watched(&pool, Some(b"old"), |p| p.set("k", "new").unwrap())
}

fn watched_against_an_insert() -> bool {
    let pool = watched_pool();
    watched(&pool, None, |p| p.set("k", "new").unwrap())
}

fn watched_against_an_increment() -> bool {
    let pool = watched_pool();
    pool.incr("k").unwrap();
    watched(&pool, Some(b"1"), |p| assert_eq!(p.incr("k"), Ok(2)))
}

#[test]
fn a_write_after_a_look_at_a_watched_key_is_not_missed() {
    holds(20, [false, true], watched_against_an_overwrite);
    breaks(Mutant::EnterUnfenced, "broken", watched_against_an_overwrite);
}

#[test]
fn an_insert_after_a_look_at_a_watched_key_is_not_missed() {
    holds(20, [false, true], watched_against_an_insert);
    breaks(Mutant::EnterUnfenced, "broken", watched_against_an_insert);
}

#[test]
fn an_increment_after_a_look_at_a_watched_key_is_not_missed() {
    holds(20, [false, true], watched_against_an_increment);
    breaks(Mutant::EnterUnfenced, "broken", watched_against_an_increment);
}
