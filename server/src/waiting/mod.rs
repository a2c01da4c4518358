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
    sync::{Mutant, Presence, SeenGuard, SeenMutex, is_mutant},
};
use memory_cache_pool::{Error, ListEnd, MemoryCachePool, ValueType};
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{Arc, PoisonError},
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
    queues: SeenMutex<Queues>,
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
        if is_mutant(Mutant::GivesUpUnasked) {
            return End::TimedOut;
        }
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
            let is_queued = self.queues.contains_key(&(request.database, key.to_vec()));
            if is_queued && !is_mutant(Mutant::QueueIgnored) {
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
        let mut queues = self.queues();
        if !is_mutant(Mutant::CountedAfterLook) {
            self.presence.enter();
        }
        if let Some(found) = queues.try_now(request, pool).transpose() {
            self.presence.leave();
            return found.map(Begun::Got);
        }
        if is_mutant(Mutant::CountedAfterLook) {
            self.presence.enter();
        }
        let (sender, answer) = oneshot::channel();
        queues.join(request, sender);
        drop(queues);
        self.begun.notify_one();
        Ok(Begun::Waits(Wait { client: request.client, waiting: Arc::clone(self), answer }))
    }

    /// The queues, whatever happened to a thread that held them: they are whole at each statement.
    fn queues(&self) -> SeenGuard<'_, Queues> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
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
        let places = self.queues().queues.keys().filter(is_meant).cloned().collect();
        self.serve(databases, places);
    }

    /// Serves the queues of these lists, and of those that elements are moved to.
    #[cold]
    fn serve(&self, databases: &Databases, mut places: VecDeque<Place>) {
        let mut queues = self.queues();
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
        self.tell(&mut self.queues(), client, end)
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
        self.queues().waiters.len()
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

#[cfg(all(test, server_loom))]
mod loom;

#[cfg(test)]
#[cfg(not(server_loom))]
mod tests;
