//! Who is served, by whom, and that nobody is forgotten.

use super::*;
use crate::{
    memory_limit::MemoryLimit,
    sync::{Number, lock},
};
use memory_cache_pool::{CacheConfig, Clock, EvictionPolicy, SystemClock};
use std::{sync::Mutex, time::Instant};

struct Scene {
    waiting: Arc<Waiting>,
    databases: Databases,
    pool: MemoryCachePool,
}

impl Scene {
    fn new() -> Self {
        Self::on(MemoryCachePool::default())
    }

    fn on(pool: MemoryCachePool) -> Self {
        let limit = MemoryLimit { bytes: None, policy: EvictionPolicy::NoEviction };
        let databases = Databases::new(pool.clone(), 2, limit);
        Self { waiting: Arc::default(), databases, pool }
    }

    fn begin(&self, client: u64, keys: &[&str], want: Want) -> Begun {
        let keys: Vec<&[u8]> = keys.iter().map(|key| key.as_bytes()).collect();
        let request = Request { client, database: 0, keys: &keys, want };
        self.waiting.begin(&request, &self.pool).unwrap()
    }

    fn wait(&self, client: u64, keys: &[&str], want: Want) -> Wait {
        match self.begin(client, keys, want) {
            Begun::Waits(wait) => wait,
            Begun::Got(got) => panic!("{got:?} is there"),
        }
    }

    fn push(&self, key: &str, element: &str) {
        self.pool.rpush(key, element).unwrap();
        self.waiting.pushed(&self.databases, 0, key.as_bytes());
    }
}

const LEFT: Want = Want::One(ListEnd::Left);

fn one(key: &str, element: &str) -> Option<End> {
    let (key, element) = (key.as_bytes().to_vec(), element.as_bytes().to_vec());
    Some(End::Served(Got::One { key, element }))
}

fn answer(wait: &mut Wait) -> Option<End> {
    wait.answer.try_recv().ok()
}

#[test]
fn who_waits_longest_is_served_first_at_whichever_key() {
    let scene = Scene::new();
    let mut first = scene.wait(1, &["a", "b"], LEFT);
    let mut second = scene.wait(2, &["b"], LEFT);
    let mut third = scene.wait(3, &["b", "a"], LEFT);
    scene.push("b", "1");
    assert_eq!(answer(&mut first), one("b", "1"));
    scene.push("a", "2");
    assert_eq!(answer(&mut third), one("a", "2"));
    assert_eq!(answer(&mut second), None);
    scene.push("b", "3");
    assert_eq!(answer(&mut second), one("b", "3"));
    assert_eq!((scene.waiting.count(), scene.waiting.presence.is_any()), (0, false));
    assert!(scene.waiting.queues().queues.is_empty());
}

#[test]
fn who_comes_later_does_not_take_what_somebody_waits_for() {
    let scene = Scene::new();
    let mut first = scene.wait(1, &["k"], LEFT);
    scene.pool.rpush("k", "1").unwrap();
    let mut second = scene.wait(2, &["k"], LEFT);
    scene.waiting.pushed(&scene.databases, 0, b"k");
    assert_eq!((answer(&mut first), answer(&mut second)), (one("k", "1"), None));
}

#[test]
fn who_gives_up_leaves_all_queues_and_takes_nothing() {
    let scene = Scene::new();
    let mut gone = scene.wait(1, &["a", "b"], LEFT);
    let mut next = scene.wait(2, &["b"], LEFT);
    assert_eq!(gone.give_up(), End::TimedOut);
    drop(scene.wait(3, &["b"], LEFT));
    scene.push("b", "1");
    assert_eq!(answer(&mut next), one("b", "1"));
    scene.push("a", "2");
    assert_eq!(scene.pool.llen("a"), Ok(1));
    let mut served = scene.wait(4, &["c"], LEFT);
    scene.push("c", "3");
    assert_eq!(Some(served.give_up()), one("c", "3"));
}

#[test]
fn what_is_moved_serves_who_waits_for_the_other_list() {
    let scene = Scene::new();
    let want = Want::Moved { destination: b"b".to_vec(), from: ListEnd::Left, to: ListEnd::Left };
    let mut mover = scene.wait(1, &["a"], want.clone());
    let mut last = scene.wait(2, &["b"], LEFT);
    scene.push("a", "1");
    assert!(matches!(answer(&mut mover), Some(End::Served(Got::Moved { .. }))));
    assert_eq!(answer(&mut last), one("b", "1"));
    scene.pool.set("b", "no list").unwrap();
    let mut refused = scene.wait(3, &["a"], want);
    let mut next = scene.wait(4, &["a"], LEFT);
    scene.push("a", "2");
    assert_eq!(answer(&mut refused), Some(End::Refused(Error::WrongType)));
    assert_eq!(answer(&mut next), one("a", "2"));
}

#[test]
fn a_look_finds_what_the_host_has_pushed_and_a_freed_client_is_told() {
    let scene = Scene::new();
    let mut wait = scene.wait(1, &["a", "k"], LEFT);
    scene.pool.rpush("k", "1").unwrap();
    scene.waiting.look(&scene.databases, Some(&[1]));
    assert_eq!(answer(&mut wait), None);
    scene.waiting.look(&scene.databases, None);
    assert_eq!(answer(&mut wait), one("k", "1"));
    let mut freed = scene.wait(1, &["k"], LEFT);
    assert!(scene.waiting.release(1, End::Freed));
    assert!(!scene.waiting.release(1, End::Freed));
    assert_eq!(answer(&mut freed), Some(End::Freed));
}

type Happening = Box<dyn FnOnce() + Send>;

/// A clock that lets something happen in the middle of a look at a key with a deadline.
#[derive(Default)]
struct Trap {
    clock: SystemClock,
    /// How often the time is asked for before it happens, and what does.
    hidden: Mutex<Option<(usize, Happening)>>,
}

impl std::fmt::Debug for Trap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Trap")
    }
}

impl Clock for Trap {
    fn now_millis(&self) -> u64 {
        let mut hidden = lock(&self.hidden);
        let is_due = match &mut *hidden {
            Some((0, _)) => true,
            Some((calls, _)) => {
                *calls -= 1;
                false
            }
            None => false,
        };
        let taken = if is_due { hidden.take() } else { None };
        drop(hidden);
        if let Some((_, happen)) = taken {
            happen();
        }
        self.clock.now_millis()
    }
}

/// Waits at `a` and at `b`, which has expired, so that the time is asked for between the two; at
/// each of these moments, in turn, another client pushes to `a`. It is served in any case.
#[test]
fn a_push_at_any_moment_of_the_look_is_found() {
    let mut moments = 0;
    loop {
        let trap = Arc::new(Trap::default());
        let pool = MemoryCachePool::new(CacheConfig::new().clock(trap.clone())).unwrap();
        let scene = Arc::new(Scene::on(pool));
        scene.pool.rpush("b", "0").unwrap();
        let deadline = i64::try_from(trap.now_millis()).unwrap() + 2;
        scene.pool.pexpireat("b", deadline).unwrap();
        while i64::try_from(trap.now_millis()).unwrap() <= deadline {
            std::thread::yield_now();
        }
        let (pusher, (done, is_done)) = (Arc::clone(&scene), std::sync::mpsc::channel());
        let push = move || {
            let (ready, is_ready) = std::sync::mpsc::channel();
            std::thread::spawn(move || {
                pusher.push("a", "1");
                // Nobody listens any more when the push had to wait for the look to end.
                let _told = ready.send(());
                let _told = done.send(());
            });
            // It cannot return before the look ends, when it finds that somebody is counted.
            let _returned = is_ready.recv_timeout(Duration::from_millis(50));
        };
        *lock(&trap.hidden) = Some((moments, Box::new(push)));
        match scene.begin(1, &["a", "b"], LEFT) {
            _ if lock(&trap.hidden).is_some() => break,
            Begun::Got(got) => assert_eq!(Some(End::Served(got)), one("a", "1")),
            Begun::Waits(mut wait) => {
                is_done.recv_timeout(Duration::from_secs(10)).expect("the push returns");
                assert_eq!(answer(&mut wait), one("a", "1"), "moment {moments}");
            }
        }
        moments += 1;
    }
    assert!(moments >= 2, "the time was asked for at {moments} moments");
}

/// Waits for something that the other thread does, which may have no processor now.
fn until(is_done: impl Fn() -> bool) {
    let begin = Instant::now();
    for turn in 1.. {
        if is_done() {
            return;
        }
        if turn % 100 == 0 {
            assert!(begin.elapsed().as_secs() < 10, "it waits, and the element is there");
            std::thread::yield_now();
        }
    }
}

#[test]
fn no_wake_up_is_lost_between_a_look_and_a_push() {
    const MOST_ROUNDS: u64 = 50_000;
    const MOST_TIME: Duration = Duration::from_millis(700);
    let scene = Scene::new();
    let (taken, last) = (Number::default(), Number::new(MOST_ROUNDS));
    std::thread::scope(|threads| {
        threads.spawn(|| {
            let begin = Instant::now();
            for round in 0..MOST_ROUNDS {
                if begin.elapsed() > MOST_TIME {
                    last.set(round + 1);
                }
                scene.push("k", "1");
                // The next push would make good for a wake-up that is lost.
                until(|| taken.get() > round);
                if last.get() == round + 1 {
                    return;
                }
            }
        });
        threads.spawn(|| {
            while taken.get() < last.get() {
                if let Begun::Waits(wait) = scene.begin(1, &["k"], LEFT) {
                    let wait = std::cell::RefCell::new(wait);
                    until(|| answer(&mut wait.borrow_mut()).is_some());
                }
                taken.add(1);
            }
        });
    });
    assert_eq!((scene.pool.llen("k"), scene.waiting.count()), (Ok(0), 0));
}

#[test]
fn many_that_wait_and_push_at_once_get_all_there_is() {
    const ROUNDS: usize = 10_000;
    let scene = Scene::new();
    std::thread::scope(|threads| {
        threads.spawn(|| (0..ROUNDS).for_each(|_| scene.push("k", "1")));
        for client in 1..=2 {
            let scene = &scene;
            threads.spawn(move || {
                for _ in 0..ROUNDS / 2 {
                    if let Begun::Waits(mut wait) = scene.begin(client, &["k"], LEFT) {
                        while answer(&mut wait).is_none() {
                            std::thread::yield_now();
                        }
                    }
                }
            });
        }
    });
    assert_eq!((scene.pool.llen("k"), scene.waiting.count()), (Ok(0), 0));
}
