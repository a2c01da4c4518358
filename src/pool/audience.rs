//! Who is told of changes: a listener of [removals](super::Removal), whoever
//! [watches](super::Watch) a key, and a [host of elements](super::element_host).
//!
//! # How it works
//!
//! Every change of a key passes through one of two calls: [`note_gone`](Engine::note_gone) when a
//! record has left its slot, and [`note_changed`](Engine::note_changed) when a key has a value that
//! took nobody's place, or when a counter was moved where it lies. They come after the CAS that is the
//! change, by the thread that has won it, and thereby once. Where nobody listens and nobody watches
//! they are a load and a branch, and another one for the host.
//!
//! Watched keys lie in shelves by their hash, each with a lock and a count of those who watch. A
//! write takes the lock only of a shelf that is watched, and for the time of a search.
//!
//! # Invariants
//!
//! * **A1** Who wins the CAS that takes a record out of its slot, and nobody else, reports it.
//! * **A2** A change is either visible to whoever looks after `watch` has returned, or notified.
//!
//! # Orderings
//!
//! A2 is a race of two sides that both write and then look: a writer swaps the slot and then looks
//! whether anybody watches, a watcher says so and then looks at the slot. It is settled by the two
//! [barriers](crate::reclaim::barrier): writers take the light one, which is none at all on Linux, and
//! `watch` takes the heavy one. Where the light one is a fence, the word says so
//! ([`FENCES`]), and writers go and take it.
//!
//! | step of a writer         | step of a watcher      |
//! |--------------------------|------------------------|
//! | CAS of the slot          | count of the shelf, word |
//! | light barrier            | heavy barrier          |
//! | load of the word, count  | look at the slot       |
//!
//! Everything in a shelf is under its lock.
//!
//! # Progress
//!
//! A write of a key in a watched shelf waits for that shelf's lock, which is held for a few
//! instructions; all others are as before.

use super::{
    engine::Engine,
    listener::Listener,
    removal::{Removal, RemovalCause},
    watch::Watched,
};
use crate::{
    reclaim::{Guard, barrier::Barriers},
    record::Live,
    sync::{AtomicUsize, Mutex, Ordering, lock},
};
use std::sync::Arc;

/// The part of the word that says that writers have to fence before they look.
const FENCES: usize = 1;
/// The part that says that there is a listener.
const LISTENS: usize = 2;
/// What each watch adds.
const WATCH: usize = 4;

/// Shelves of watched keys, a power of two.
const SHELVES: usize = if cfg!(pool_loom) { 1 } else { 64 };

/// Who is told.
#[derive(Debug)]
pub(super) struct Audience {
    /// 0 when nobody is; see the constants.
    word: AtomicUsize,
    barriers: Barriers,
    listener: Option<Listener>,
    shelves: [Shelf; SHELVES],
    #[cfg(pool_loom)]
    is_shown: bool,
}

/// The watched keys of some hashes, each with the number of its watches.
#[derive(Debug, Default)]
struct Shelf {
    watches: AtomicUsize,
    watched: Mutex<Vec<(Arc<Watched>, usize)>>,
}

impl Audience {
    /// An audience of a listener, or of nobody.
    pub(super) fn new(listener: Option<Listener>) -> Self {
        let barriers = Barriers::new();
        let fences = if barriers.is_asymmetric() { 0 } else { FENCES };
        let listens = if listener.is_some() { LISTENS } else { 0 };
        Self {
            word: AtomicUsize::new(fences | listens),
            barriers,
            listener,
            shelves: std::array::from_fn(|_| Shelf::default()),
            #[cfg(pool_loom)]
            is_shown: false,
        }
    }

    /// Shows watches to a model; in all others they would be one more thing to interleave.
    #[cfg(pool_loom)]
    pub(super) fn show(&mut self) {
        self.is_shown = true;
    }

    #[inline(always)]
    fn is_anybody(&self) -> bool {
        #[cfg(pool_loom)]
        if !self.is_shown {
            return self.listener.is_some();
        }
        // ORDERING: Relaxed; against a watcher it is the barriers that count. That the compiler leaves
        // it behind the CAS, which is all there is to a light barrier on Linux, the CAS's own Acquire
        // sees to.
        self.word.load(Ordering::Relaxed) != 0
    }

    /// Whether anybody watches, for who has looked whether anybody is there.
    fn is_watching(&self) -> bool {
        #[cfg(pool_loom)]
        if !self.is_shown {
            return false;
        }
        self.barriers.light();
        // ORDERING: Relaxed; as above.
        self.word.load(Ordering::Relaxed) >= WATCH
    }

    fn shelf(&self, hash: u64) -> &Shelf {
        // The remainder is below the number of shelves.
        &self.shelves[usize::try_from(hash % SHELVES as u64).unwrap_or(0)]
    }

    /// Adds somebody who watches a key. What is written from now on is notified, and what was
    /// written before is visible to the caller from now on.
    pub(super) fn add(&self, key: &[u8], hash: u64) -> Arc<Watched> {
        let shelf = self.shelf(hash);
        // ORDERING: Relaxed, both; the barrier below puts them before what the caller looks at.
        shelf.watches.fetch_add(1, Ordering::Relaxed);
        self.word.fetch_add(WATCH, Ordering::Relaxed);
        let watched = shelf.add(key);
        // Should the kernel refuse, a write may go unnoticed that began before this call and that
        // has not left its processor's store buffer when the call returns.
        self.barriers.heavy();
        watched
    }

    /// Takes somebody off who watches a key.
    pub(super) fn take_off(&self, watched: &Arc<Watched>, hash: u64) {
        let shelf = self.shelf(hash);
        shelf.take_off(watched);
        // ORDERING: Relaxed, both; who comes too late looks at a shelf in vain.
        shelf.watches.fetch_sub(1, Ordering::Relaxed);
        self.word.fetch_sub(WATCH, Ordering::Relaxed);
    }

    /// Tells whoever watches a key.
    fn notify(&self, key: &[u8], hash: u64) {
        let shelf = self.shelf(hash);
        // ORDERING: Relaxed; as for the word.
        if shelf.watches.load(Ordering::Relaxed) == 0 {
            return;
        }
        if let Some(watched) = shelf.find(key) {
            watched.change();
        }
    }
}

impl Shelf {
    fn find(&self, key: &[u8]) -> Option<Arc<Watched>> {
        let all = lock(&self.watched);
        all.iter().find(|(watched, _)| watched.key() == key).map(|(watched, _)| Arc::clone(watched))
    }

    fn add(&self, key: &[u8]) -> Arc<Watched> {
        let mut all = lock(&self.watched);
        if let Some((known, watches)) = all.iter_mut().find(|(watched, _)| watched.key() == key) {
            *watches += 1;
            return Arc::clone(known);
        }
        let new = Arc::new(Watched::new(key));
        all.push((Arc::clone(&new), 1));
        new
    }

    fn take_off(&self, watched: &Arc<Watched>) {
        let mut all = lock(&self.watched);
        let Some(at) = all.iter().position(|(other, _)| Arc::ptr_eq(other, watched)) else {
            return;
        };
        all[at].1 -= 1;
        if all[at].1 == 0 {
            all.swap_remove(at);
        }
    }
}

impl Engine {
    /// Notes that a record has left its slot, and why; without a cause when its value, or what was
    /// made of that, lives on in the record that took its place. Called by the winner of the CAS.
    #[inline(always)]
    pub(super) fn note_gone(&self, guard: &Guard<'_>, old: Live<'_>, cause: Option<RemovalCause>) {
        if cause.is_some() {
            self.note_elements_gone(guard, old);
        }
        if self.audience.is_anybody() {
            self.tell_gone(old, cause);
        }
    }

    #[cold]
    #[inline(never)]
    fn tell_gone(&self, old: Live<'_>, cause: Option<RemovalCause>) {
        if self.audience.is_watching() {
            self.audience.notify(old.key(), self.hash(old.key()));
        }
        if let (Some(listener), Some(cause)) = (&self.audience.listener, cause) {
            listener.tell(Removal::of(old, cause));
        }
    }

    /// Notes that a key has a value where there was none, or another one in the same record.
    #[inline(always)]
    pub(super) fn note_changed(&self, key: &[u8], hash: u64) {
        if self.audience.is_anybody() {
            self.tell_changed(key, hash);
        }
    }

    #[cold]
    #[inline(never)]
    fn tell_changed(&self, key: &[u8], hash: u64) {
        if self.audience.is_watching() {
            self.audience.notify(key, hash);
        }
    }
}
