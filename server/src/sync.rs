//! The one door to atomics: numbers and flags that several threads share.
//!
//! Numbers and flags are facts by themselves, read and written with no promise about anything else.
//! What has to be seen together lies behind a lock. The exception is [`Presence`], whose protocol is
//! that of [`waiting`](crate::waiting).
//!
//! `--cfg server_loom` makes a model of that protocol: [`Presence`] and [`SeenMutex`] are loom's then.
//! The rest stays as it is, so that a command of the pool, whose own models are in its crate, is one
//! step of a model here.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

#[cfg(not(server_loom))]
use std::sync::atomic::{AtomicU64 as SeenU64, fence};

#[cfg(server_loom)]
use loom::sync::atomic::{AtomicU64 as SeenU64, fence};

/// A lock that models see.
#[cfg(not(server_loom))]
pub(crate) use std::sync::{Mutex as SeenMutex, MutexGuard as SeenGuard};

#[cfg(server_loom)]
pub(crate) use loom::sync::{Mutex as SeenMutex, MutexGuard as SeenGuard};

/// A number.
#[derive(Debug, Default)]
pub(crate) struct Number(AtomicU64);

impl Number {
    /// Begins with this value.
    pub(crate) const fn new(value: u64) -> Self {
        Self(AtomicU64::new(value))
    }

    /// The value.
    #[inline]
    pub(crate) fn get(&self) -> u64 {
        // ORDERING: Relaxed; a fact by itself, nothing is carried.
        self.0.load(Ordering::Relaxed)
    }

    /// Replaces the value.
    #[inline]
    pub(crate) fn set(&self, value: u64) {
        // ORDERING: Relaxed; as in `get`.
        self.0.store(value, Ordering::Relaxed);
    }

    /// Adds to the value, from any thread, and returns what it was.
    #[inline]
    pub(crate) fn add(&self, amount: u64) -> u64 {
        // ORDERING: Relaxed; an RMW always sees the latest value, which is all there is.
        self.0.fetch_add(amount, Ordering::Relaxed)
    }

    /// Raises the value to at least this.
    pub(crate) fn raise(&self, value: u64) {
        // ORDERING: Relaxed; as in `add`.
        self.0.fetch_max(value, Ordering::Relaxed);
    }
}

/// A number that only grows, and says of which state of something else a reader knows.
#[derive(Debug, Default)]
pub(crate) struct Version(AtomicU64);

impl Version {
    /// The version.
    #[inline]
    pub(crate) fn get(&self) -> u64 {
        // ORDERING: Acquire, so that who sees a version sees what was changed before it.
        self.0.load(Ordering::Acquire)
    }

    /// Counts a change that has been made.
    pub(crate) fn advance(&self) {
        // ORDERING: Release; the other half of `get`.
        self.0.fetch_add(1, Ordering::Release);
    }
}

/// A flag.
#[derive(Debug, Default)]
pub(crate) struct Flag(AtomicBool);

impl Flag {
    /// Whether it is raised.
    #[inline]
    pub(crate) fn is_raised(&self) -> bool {
        // ORDERING: Acquire, so that whoever sees the flag sees what was done before it was raised.
        self.0.load(Ordering::Acquire)
    }

    /// Raises or lowers it.
    pub(crate) fn set(&self, raised: bool) {
        // ORDERING: Release; the other half of `is_raised`.
        self.0.store(raised, Ordering::Release);
    }
}

/// How many wait for something that others bring, so that those look for them only then.
///
/// Who comes to wait [enters](Self::enter), and then looks whether it is there already; who brings it
/// asks [afterwards](Self::is_any). One of the two sees the other.
#[derive(Debug, Default)]
pub(crate) struct Presence(SeenU64);

impl Presence {
    /// Counts one that is going to look, and to wait if there is nothing.
    pub(crate) fn enter(&self) {
        // ORDERING: Relaxed; the fence below is half of `enter→is_any`.
        self.0.fetch_add(1, Ordering::Relaxed);
        if !is_mutant(Mutant::EnterUnfenced) {
            fence(Ordering::SeqCst);
        }
    }

    /// One waits no more.
    pub(crate) fn leave(&self) {
        // ORDERING: Relaxed; who sees too many looks in vain.
        self.0.fetch_sub(1, Ordering::Relaxed);
    }

    /// Whether anybody waits that has not seen what the caller has just brought.
    #[inline]
    pub(crate) fn is_any(&self) -> bool {
        if !is_mutant(Mutant::AskUnfenced) {
            fence(Ordering::SeqCst);
        }
        // ORDERING: Relaxed; the fence above is the other half of `enter→is_any`.
        self.0.load(Ordering::Relaxed) != 0
    }
}

/// Locks `mutex`, whatever happened to a thread that held it.
///
/// Every lock of this crate guards data that is whole at each statement, so that a panic in a
/// holder leaves nothing to repair.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Known wrong ways, which a model switches on to show that it would see them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mutant {
    /// The right way.
    #[cfg(server_loom)]
    None,
    /// Who comes to wait is counted without a fence.
    EnterUnfenced,
    /// Who brings something asks for those that wait without a fence.
    AskUnfenced,
    /// Who comes to wait looks first, and is counted then.
    CountedAfterLook,
    /// Who comes to wait takes what lies at a key, whoever stands in the queue there.
    QueueIgnored,
    /// Who gives up does not ask whether it was served meanwhile.
    GivesUpUnasked,
}

#[cfg(server_loom)]
std::thread_local! {
    static MUTANT: std::cell::Cell<Mutant> = const { std::cell::Cell::new(Mutant::None) };
}

/// Switches a mutant on for the models that this thread runs; loom's threads all live on it.
#[cfg(all(test, server_loom))]
pub(crate) fn set_mutant(mutant: Mutant) {
    MUTANT.with(|cell| cell.set(mutant));
}

/// Whether the step should be done the known wrong way; never outside a model.
#[cfg(server_loom)]
pub(crate) fn is_mutant(mutant: Mutant) -> bool {
    MUTANT.with(|cell| cell.get() == mutant)
}

/// Whether the step should be done the known wrong way; never outside a model.
#[cfg(not(server_loom))]
#[inline(always)]
pub(crate) const fn is_mutant(_: Mutant) -> bool {
    false
}
