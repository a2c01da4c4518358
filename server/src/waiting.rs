//! Clients that wait for lists: BLPOP and its kin.
//!
//! # Story
//!
//! A client asks for an element of the first of some lists that has one, and none has. It is put at
//! the end of a queue at each of its keys, all of them under one lock, and its connection sleeps.
//! Whoever makes a list (LPUSH, LMOVE, RENAME, COPY, SWAPDB, …) looks after its command whether
//! anybody waits at all, which is one load and a fence; if so, it takes the lock, pops for the first
//! in the queue of that key, then for the next, until the list or the queue is empty, and hands each
//! what it got. BLMOVE puts elements into another list, whose queue is served in the same turn.
//!
//! The element goes from the list to the client that waited longest; that client does not run for
//! it. So a queue is served in its order however the connections are scheduled.
//!
//! # Invariants
//!
//! 1. A client waits at all of its keys or at none: it is removed from all queues, under the lock,
//!    by who serves it, frees it (CLIENT UNBLOCK) or gives up (timeout, a lost connection).
//! 2. Who is removed is told exactly once: the sender of the answer is taken out with it.
//! 3. Nobody joins a queue behind whose back an element lies: it looks at its keys after it was
//!    counted, and at those only that have no queue; where there is one, an element that comes is the
//!    first's.
//!
//! # Linearization points
//!
//! * Being served: the pop, which is one step of the pool, by the thread that holds the lock.
//! * Beginning to wait: the count, `enter`, under the lock. Giving up: the removal, under the lock.
//!
//! A pop that does not wait (LPOP, or the host's own) takes no lock, and may come between a push and
//! the service that follows it; the client that waits goes on waiting then, as if that pop had been
//! the first of the two.
//!
//! # Ordering
//!
//! | edge | from | to | why |
//! |---|---|---|---|
//! | `enter→is_any` | the fence of [`Presence::enter`] | the fence of [`Presence::is_any`] | Who waits counts itself, then looks at the lists; who pushes pushes, then looks at the count. Whichever fence is first, the other side sees what was before it: no wake-up is lost. |
//!
//! # Pushes of the host
//!
//! The host's own pushes pass by here if it says so ([`Notifier`](crate::Notifier)). For those that do
//! not: while anybody waits, [`look`](Waiting::look) serves
//! every queue each [`LOOK`] (longer when that takes long: a twentieth of the time at most goes into
//! it). The same look finds what a push by a number misses that SWAPDB has just given to another
//! pool.
//!
//! # Progress
//!
//! Pools stay lock-free: the lock here is taken by clients that wait and, while somebody waits, by
//! those that make lists; it is held for pops, never for input or output.

use crate::{
    databases::Databases,
    sync::{Presence, lock},
};
use memory_cache_pool::{Error, ListEnd, MemoryCachePool, ValueType};
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::{Notify, oneshot};

/// How soon an element is found that the host has pushed.
pub(crate) const LOOK: Duration = Duration::from_millis(10);

/// What a client wants done with the first of its lists that has elements.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Want {
    /// An element, and the key.
    One(ListEnd),
    /// Elements, at most so many, and the key.
    Many(ListEnd, usize),
    /// An element, which goes to another list.
    Moved { destination: Vec<u8>, from: ListEnd, to: ListEnd },
}

/// What a client has got.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Got {
    /// An element, and the key.
    One { key: Vec<u8>, element: Vec<u8> },
    /// Elements, and the key.
    Many { key: Vec<u8>, elements: Vec<Vec<u8>> },
    /// An element that has been moved.
    Moved { destination: Vec<u8>, element: Vec<u8> },
}

/// How waiting ends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum End {
    /// With elements.
    Served(Got),
    /// The destination cannot take the element, which stays where it was.
    Refused(Error),
    /// There came none in time.
    TimedOut,
    /// CLIENT UNBLOCK … ERROR.
    Freed,
}

/// A list: the number of its database, and its key.
type Place = (usize, Vec<u8>);

/// A client that waits.
#[derive(Debug)]
struct Waiter {
    /// Its place in every queue; the lowest came first.
    ticket: u64,
    database: usize,
    keys: Vec<Vec<u8>>,
    want: Want,
    answer: oneshot::Sender<End>,
}

/// The queues, and who stands in them.
#[derive(Debug, Default)]
struct Queues {
    /// By the client's number.
    waiters: BTreeMap<u64, Waiter>,
    /// The numbers of clients by their tickets; no queue is empty.
    queues: HashMap<Place, BTreeMap<u64, u64>>,
    last_ticket: u64,
}

/// All clients that wait.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    queues: Mutex<Queues>,
    presence: Presence,
    /// Somebody began to wait.
    begun: Notify,
}

/// What a client asks for.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub(crate) client: u64,
    pub(crate) database: usize,
    pub(crate) keys: &'a [&'a [u8]],
    pub(crate) want: Want,
}

/// What becomes of a request.
#[derive(Debug)]
pub(crate) enum Begun {
    /// It is fulfilled.
    Got(Got),
    /// It waits.
    Waits(Wait),
}

/// A place in the queues; to drop it is to give it up.
#[derive(Debug)]
pub(crate) struct Wait {
    client: u64,
    waiting: Arc<Waiting>,
    answer: oneshot::Receiver<End>,
}

impl Wait {
    /// Waits for the end, however long that takes. May be dropped and called again.
    pub(crate) async fn end(&mut self) -> End {
        // The sender is only dropped with its waiter, which has then answered, or the server ends.
        (&mut self.answer).await.unwrap_or(End::TimedOut)
    }

    /// Gives up, unless it has ended already.
    pub(crate) fn give_up(&mut self) -> End {
        self.waiting.release(self.client, End::TimedOut);
        self.answer.try_recv().unwrap_or(End::TimedOut)
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        self.waiting.release(self.client, End::TimedOut);
    }
}

impl Want {
    /// Does it at one key; nothing is there when there is no such list.
    fn try_at(&self, pool: &MemoryCachePool, key: &[u8]) -> Result<Option<Got>, Error> {
        match self {
            Self::One(end) => {
                let element = match end {
                    ListEnd::Left => pool.lpop(key)?,
                    ListEnd::Right => pool.rpop(key)?,
                };
                Ok(element.map(|element| Got::One { key: key.to_vec(), element }))
            }
            Self::Many(end, most) => {
                let popped = pool.lmpop(&[key], *end, *most)?;
                Ok(popped.map(|popped| Got::Many { key: key.to_vec(), elements: popped.elements }))
            }
            Self::Moved { destination, from, to } => {
                let element = pool.lmove(key, destination, *from, *to)?;
                Ok(element.map(|element| Got::Moved { destination: destination.clone(), element }))
            }
        }
    }
}

impl Queues {
    /// Does what `request` wants at the first of its keys that has elements and no queue.
    fn try_now(&self, request: &Request<'_>, pool: &MemoryCachePool) -> Result<Option<Got>, Error> {
        for &key in request.keys {
            if self.queues.contains_key(&(request.database, key.to_vec())) {
                // What comes here is for who stands in the queue; only a wrong type is told at once.
                pool.llen(key)?;
            } else if let Some(got) = request.want.try_at(pool, key)? {
                return Ok(Some(got));
            }
        }
        Ok(None)
    }

    fn join(&mut self, request: &Request<'_>, answer: oneshot::Sender<End>) {
        self.last_ticket += 1;
        let ticket = self.last_ticket;
        for key in request.keys {
            let queue = self.queues.entry((request.database, key.to_vec())).or_default();
            queue.insert(ticket, request.client);
        }
        let waiter = Waiter {
            ticket,
            database: request.database,
            keys: request.keys.iter().map(|key| key.to_vec()).collect(),
            want: request.want.clone(),
            answer,
        };
        self.waiters.insert(request.client, waiter);
    }

    /// Takes a client out of all its queues.
    fn leave(&mut self, client: u64) -> Option<Waiter> {
        let mut waiter = self.waiters.remove(&client)?;
        for key in std::mem::take(&mut waiter.keys) {
            let place = (waiter.database, key);
            if let Some(queue) = self.queues.get_mut(&place) {
                queue.remove(&waiter.ticket);
                if queue.is_empty() {
                    self.queues.remove(&place);
                }
            }
        }
        Some(waiter)
    }

    /// Who has waited longest at a list, and what it wants.
    fn first(&self, place: &Place) -> Option<(u64, &Want)> {
        let (_, client) = self.queues.get(place)?.first_key_value()?;
        Some((*client, &self.waiters.get(client)?.want))
    }
}

impl Waiting {
    /// Fulfils a request at once, or begins to wait.
    ///
    /// # Errors
    ///
    /// As the command that does not wait; a wrong type at the first key that exists.
    pub(crate) fn begin(
        self: &Arc<Self>,
        request: &Request<'_>,
        pool: &MemoryCachePool,
    ) -> Result<Begun, Error> {
        if !self.presence.is_any()
            && let Some(got) = Queues::default().try_now(request, pool)?
        {
            return Ok(Begun::Got(got));
        }
        let mut queues = lock(&self.queues);
        self.presence.enter();
        if let Some(found) = queues.try_now(request, pool).transpose() {
            self.presence.leave();
            return found.map(Begun::Got);
        }
        let (sender, answer) = oneshot::channel();
        queues.join(request, sender);
        drop(queues);
        self.begun.notify_one();
        Ok(Begun::Waits(Wait { client: request.client, waiting: Arc::clone(self), answer }))
    }

    /// Whether anybody waits that has not seen what the caller has just brought.
    #[inline]
    pub(crate) fn is_any(&self) -> bool {
        self.presence.is_any()
    }

    /// Serves who waits at a list into which something may have come.
    #[inline]
    pub(crate) fn pushed(&self, databases: &Databases, database: usize, key: &[u8]) {
        if self.presence.is_any() {
            self.serve(databases, [(database, key.to_vec())].into());
        }
    }

    /// Serves whoever waits in these databases, or in any.
    pub(crate) fn look(&self, databases: &Databases, only: Option<&[usize]>) {
        if !self.presence.is_any() {
            return;
        }
        let is_meant = |place: &&Place| only.is_none_or(|only| only.contains(&place.0));
        let places = lock(&self.queues).queues.keys().filter(is_meant).cloned().collect();
        self.serve(databases, places);
    }

    /// Serves the queues of these lists, and of those that elements are moved to.
    #[cold]
    fn serve(&self, databases: &Databases, mut places: VecDeque<Place>) {
        let mut queues = lock(&self.queues);
        while let Some(place) = places.pop_front() {
            let Some((pool, _)) = databases.open(place.0) else { continue };
            while let Some((client, want)) = queues.first(&place) {
                let end = match want.try_at(&pool, &place.1) {
                    Ok(Some(got)) => End::Served(got),
                    // What holds no list is not what they wait for.
                    Ok(None) => break,
                    Err(_) if pool.type_of(&place.1) != Some(ValueType::List) => break,
                    Err(error) => End::Refused(error),
                };
                if let End::Served(Got::Moved { destination, .. }) = &end {
                    places.push_back((place.0, destination.clone()));
                }
                self.tell(&mut queues, client, end);
            }
        }
    }

    /// Ends the waiting of a client; false when it does not wait.
    pub(crate) fn release(&self, client: u64, end: End) -> bool {
        self.tell(&mut lock(&self.queues), client, end)
    }

    fn tell(&self, queues: &mut Queues, client: u64, end: End) -> bool {
        let Some(waiter) = queues.leave(client) else { return false };
        self.presence.leave();
        // Who has gone meanwhile is not told; what it was served is lost with its connection.
        let _told: Result<(), End> = waiter.answer.send(end);
        true
    }

    /// How many wait.
    pub(crate) fn count(&self) -> usize {
        lock(&self.queues).waiters.len()
    }

    /// Looks again and again, while anybody waits, for what the host has pushed. Does not end.
    pub(crate) async fn keep_looking(&self, databases: &Databases) {
        loop {
            self.begun.notified().await;
            let mut pause = LOOK;
            while self.presence.is_any() {
                tokio::time::sleep(pause).await;
                let begin = std::time::Instant::now();
                self.look(databases, None);
                pause = LOOK.max(begin.elapsed() * 20);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{memory_limit::MemoryLimit, sync::Number};
    use memory_cache_pool::EvictionPolicy;
    use std::time::Instant;

    struct Scene {
        waiting: Arc<Waiting>,
        databases: Databases,
        pool: MemoryCachePool,
    }

    impl Scene {
        fn new() -> Self {
            let pool = MemoryCachePool::default();
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
        assert!(lock(&scene.waiting.queues).queues.is_empty());
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
        let want =
            Want::Moved { destination: b"b".to_vec(), from: ListEnd::Left, to: ListEnd::Left };
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
}
