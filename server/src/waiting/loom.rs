//! Models of waiting, over the real code. A command of the pool is one step of theirs.
//!
//! | model                              | actors | wrong way that must fail                    |
//! |------------------------------------|--------|---------------------------------------------|
//! | `a_look_against_a_word`            | 2      | `EnterUnfenced`, `AskUnfenced`              |
//! | `a_wait_against_a_push`            | 2      | `EnterUnfenced`, `AskUnfenced`, `CountedAfterLook` |
//! | `a_later_wait_against_a_push`      | 2      | `QueueIgnored`                              |
//! | `giving_up_against_a_push`         | 2      | `GivesUpUnasked`                            |
//! | `two_pushes_and_two_that_wait`     | 2      | –                                           |

use super::*;
use crate::{
    memory_limit::MemoryLimit,
    model::{breaks, holds},
    sync::Presence,
};
use ::loom::{
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
};
use memory_cache_pool::EvictionPolicy;

const LEFT: Want = Want::One(ListEnd::Left);

/// Begins an actor, with more room on its stack than a model's threads have: a pool's commands need it.
fn actor<R: Send + 'static>(act: impl FnOnce() -> R + Send + 'static) -> thread::JoinHandle<R> {
    thread::Builder::new().stack_size(1 << 18).spawn(act).unwrap()
}

/// Runs two actors to their end.
fn two<A: Send + 'static, B: Send + 'static>(
    first: impl FnOnce() -> A + Send + 'static,
    second: impl FnOnce() -> B + Send + 'static,
) -> (A, B) {
    let (first, second) = (actor(first), actor(second));
    (first.join().unwrap(), second.join().unwrap())
}

/// A model whose stage needs as much room as its actors.
fn staged<R: Send + 'static>(model: fn() -> R) -> impl Fn() -> R + Copy + Send + Sync + 'static {
    move || actor(model).join().unwrap()
}

/// What is brought is a word that promises nothing about anything else, so that only the fences of
/// [`Presence`] can order it. Returns whether who looked has seen it, and who brought it the other.
fn a_look_against_a_word() -> (bool, bool) {
    let presence = Arc::new(Presence::default());
    let word = Arc::new(AtomicBool::new(false));
    let (asked, brought) = (Arc::clone(&presence), Arc::clone(&word));
    let look = move || {
        presence.enter();
        word.load(Relaxed)
    };
    let bring = move || {
        brought.store(true, Relaxed);
        asked.is_any()
    };
    let (is_seen, is_any) = two(look, bring);
    assert!(is_seen || is_any, "broken: neither has seen the other");
    (is_seen, is_any)
}

#[test]
fn who_waits_or_who_brings_sees_the_other() {
    holds(5, [(false, true), (true, false), (true, true)], a_look_against_a_word);
    for mutant in [Mutant::EnterUnfenced, Mutant::AskUnfenced] {
        breaks(mutant, "broken", a_look_against_a_word);
    }
}

struct Scene {
    waiting: Arc<Waiting>,
    databases: Databases,
    pool: MemoryCachePool,
}

impl Scene {
    fn new() -> Arc<Self> {
        let limit = MemoryLimit { bytes: None, policy: EvictionPolicy::NoEviction };
        let pool = MemoryCachePool::default();
        let databases = Databases::new(pool.clone(), 1, limit);
        Arc::new(Self { waiting: Arc::default(), databases, pool })
    }

    fn begin(&self, client: u64) -> Begun {
        let request = Request { client, database: 0, keys: &[b"k"], want: LEFT };
        self.waiting.begin(&request, &self.pool).unwrap()
    }

    fn wait(&self, client: u64) -> Wait {
        match self.begin(client) {
            Begun::Waits(wait) => wait,
            Begun::Got(got) => panic!("{got:?} is there"),
        }
    }

    fn push(&self, element: &str) {
        self.pool.rpush("k", element).unwrap();
        self.waiting.pushed(&self.databases, 0, b"k");
    }

    /// Elements that nobody has taken.
    fn left(&self) -> usize {
        self.pool.llen("k").unwrap()
    }
}

/// What a client has got by now; empty when it still waits.
fn taken(begun: &mut Begun) -> Vec<u8> {
    let got = match begun {
        Begun::Got(got) => got.clone(),
        Begun::Waits(wait) => match wait.answer.try_recv() {
            Ok(End::Served(got)) => got,
            Ok(other) => panic!("broken: {other:?}"),
            Err(_) => return Vec::new(),
        },
    };
    match got {
        Got::One { element, .. } => element,
        other => panic!("broken: {other:?}"),
    }
}

/// Returns whether the client had to wait.
fn a_wait_against_a_push() -> bool {
    let scene = Scene::new();
    let (waiter, pusher) = (Arc::clone(&scene), Arc::clone(&scene));
    let (mut begun, ()) = two(move || waiter.begin(1), move || pusher.push("1"));
    let waits = matches!(begun, Begun::Waits(_));
    assert_eq!(taken(&mut begun), b"1", "broken: it waits, and the element is there");
    assert_eq!((scene.left(), scene.waiting.count()), (0, 0), "broken: something is left");
    waits
}

#[test]
fn who_comes_to_wait_is_served_by_the_push_or_finds_it() {
    holds(5, [false, true], staged(a_wait_against_a_push));
    for mutant in [Mutant::EnterUnfenced, Mutant::AskUnfenced, Mutant::CountedAfterLook] {
        breaks(mutant, "broken", staged(a_wait_against_a_push));
    }
}

/// Returns whether the element was there when the second came.
fn a_later_wait_against_a_push() -> bool {
    let scene = Scene::new();
    let mut first = Begun::Waits(scene.wait(1));
    let (waiter, pusher) = (Arc::clone(&scene), Arc::clone(&scene));
    let later = move || {
        let is_there = waiter.left() > 0;
        (waiter.begin(2), is_there)
    };
    let ((mut second, is_there), ()) = two(later, move || pusher.push("1"));
    assert_eq!(taken(&mut first), b"1", "broken: the first in the queue is passed over");
    assert_eq!(taken(&mut second), b"", "broken: there was one element");
    assert_eq!(scene.waiting.count(), 1, "broken: the second does not wait");
    is_there
}

#[test]
fn who_comes_later_does_not_take_what_is_on_its_way_to_the_first() {
    holds(5, [false, true], staged(a_later_wait_against_a_push));
    breaks(Mutant::QueueIgnored, "broken", staged(a_later_wait_against_a_push));
}

/// Returns whether the client was served.
fn giving_up_against_a_push() -> bool {
    let scene = Scene::new();
    let mut wait = scene.wait(1);
    let pusher = Arc::clone(&scene);
    let (end, ()) = two(move || wait.give_up(), move || pusher.push("1"));
    let is_served = end != End::TimedOut;
    assert_eq!(scene.left(), usize::from(!is_served), "broken: an element is lost, or doubled");
    assert_eq!(scene.waiting.count(), 0, "broken: it gave up, and waits");
    is_served
}

#[test]
fn who_gives_up_has_the_element_or_leaves_it() {
    holds(3, [false, true], staged(giving_up_against_a_push));
    breaks(Mutant::GivesUpUnasked, "broken", staged(giving_up_against_a_push));
}

/// Returns what the first got.
fn two_pushes_and_two_that_wait() -> Vec<u8> {
    let scene = Scene::new();
    let (mut first, mut second) = (Begun::Waits(scene.wait(1)), Begun::Waits(scene.wait(2)));
    let (one, other) = (Arc::clone(&scene), Arc::clone(&scene));
    two(move || one.push("1"), move || other.push("2"));
    let got = taken(&mut first);
    let mut all = [got.clone(), taken(&mut second)];
    all.sort();
    assert_eq!(all, [b"1", b"2"], "broken: an element is lost, or doubled");
    assert!(!scene.waiting.is_any(), "broken: nobody waits, and somebody is counted");
    got
}

#[test]
fn two_that_wait_share_what_two_push() {
    holds(5, [b"1".to_vec(), b"2".to_vec()], staged(two_pushes_and_two_that_wait));
}
