//! Single flight: of those who miss a key at the same time, one loads it and the others wait.
//!
//! This is the one place of the crate where a thread waits for another, and only on a miss, and
//! only for a loader that the host has passed in. The registry is a plain locked map: it is touched
//! twice a load.

use crate::{
    error::{Error, LoadError},
    sync::{Condvar, Mutex, PoisonError, lock},
};
use std::{
    any::Any,
    collections::{HashMap, hash_map::Entry},
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::Arc,
    thread::{self, ThreadId},
};

/// Loads that are under way, by key.
#[derive(Debug, Default)]
pub(crate) struct SingleFlight {
    flights: Mutex<HashMap<Box<[u8]>, Arc<Flight>>>,
}

/// One load.
#[derive(Debug)]
struct Flight {
    loader: ThreadId,
    outcome: Mutex<Outcome>,
    landed: Condvar,
}

/// How a load ended. The error is of the type of the loader's own.
type Landed = Result<Vec<u8>, Arc<dyn Any + Send + Sync>>;

#[derive(Debug)]
enum Outcome {
    Pending,
    Landed(Landed),
    /// The loader panicked: somebody else has to load.
    Crashed,
}

/// What a thread is to a flight.
enum Role {
    Loader(Arc<Flight>),
    Waiter(Arc<Flight>),
}

impl SingleFlight {
    /// Creates an empty registry.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Loads the value of `key`, or waits for who is loading it.
    ///
    /// `recheck` looks whether the value has come meanwhile, `publish` keeps it. A waiter whose
    /// error type differs from the loader's, or whose loader panicked, tries again itself.
    pub(crate) fn run<E: Clone + Send + Sync + 'static>(
        &self,
        key: &[u8],
        recheck: impl Fn() -> Result<Option<Vec<u8>>, Error>,
        load: impl FnOnce() -> Result<Vec<u8>, E>,
        publish: impl FnOnce(&[u8]) -> Result<(), Error>,
    ) -> Result<Vec<u8>, LoadError<E>> {
        loop {
            match self.board(key) {
                Role::Waiter(flight) if flight.loader == thread::current().id() => {
                    return Err(LoadError::Reentrant);
                }
                Role::Waiter(flight) => {
                    if let Some(result) = flight.wait() {
                        return result;
                    }
                    if let Some(value) = recheck().map_err(LoadError::Cache)? {
                        return Ok(value);
                    }
                }
                Role::Loader(flight) => {
                    let work = || fly(&recheck, load, publish);
                    // The panic goes on below; whoever waits must not wait for ever.
                    let result = catch_unwind(AssertUnwindSafe(work));
                    lock(&self.flights).remove(key);
                    flight.land(&result);
                    return result.unwrap_or_else(|panic| resume_unwind(panic));
                }
            }
        }
    }

    /// Joins the flight of a key, or starts it.
    fn board(&self, key: &[u8]) -> Role {
        match lock(&self.flights).entry(key.into()) {
            Entry::Occupied(flight) => Role::Waiter(Arc::clone(flight.get())),
            Entry::Vacant(gate) => {
                let flight = Flight {
                    loader: thread::current().id(),
                    outcome: Mutex::new(Outcome::Pending),
                    landed: Condvar::new(),
                };
                Role::Loader(Arc::clone(gate.insert(Arc::new(flight))))
            }
        }
    }
}

/// What the loader does.
fn fly<E>(
    recheck: impl Fn() -> Result<Option<Vec<u8>>, Error>,
    load: impl FnOnce() -> Result<Vec<u8>, E>,
    publish: impl FnOnce(&[u8]) -> Result<(), Error>,
) -> Result<Vec<u8>, LoadError<E>> {
    if let Some(value) = recheck().map_err(LoadError::Cache)? {
        return Ok(value);
    }
    let value = load().map_err(LoadError::Load)?;
    publish(&value).map_err(LoadError::Cache)?;
    Ok(value)
}

impl Flight {
    /// Waits for the end; `None` when this waiter cannot use it and has to try itself.
    fn wait<E: Clone + 'static>(&self) -> Option<Result<Vec<u8>, LoadError<E>>> {
        let mut outcome = lock(&self.outcome);
        while matches!(*outcome, Outcome::Pending) {
            outcome = self.landed.wait(outcome).unwrap_or_else(PoisonError::into_inner);
        }
        match &*outcome {
            Outcome::Landed(Ok(value)) => Some(Ok(value.clone())),
            Outcome::Landed(Err(error)) => {
                error.downcast_ref::<LoadError<E>>().map(|error| Err(error.clone()))
            }
            Outcome::Pending | Outcome::Crashed => None,
        }
    }

    /// Tells everybody how it ended.
    fn land<E: Clone + Send + Sync + 'static, P>(
        &self,
        result: &Result<Result<Vec<u8>, LoadError<E>>, P>,
    ) {
        *lock(&self.outcome) = match result {
            Ok(Ok(value)) => Outcome::Landed(Ok(value.clone())),
            Ok(Err(error)) => Outcome::Landed(Err(Arc::new(error.clone()))),
            Err(_) => Outcome::Crashed,
        };
        self.landed.notify_all();
    }
}

#[cfg(all(test, not(pool_loom)))]
mod tests {
    use super::*;
    use std::sync::mpsc;

    const ABSENT: fn() -> Result<Option<Vec<u8>>, Error> = || Ok(None);

    fn keep(_: &[u8]) -> Result<(), Error> {
        Ok(())
    }

    #[test]
    fn those_who_wait_get_the_loaders_error() {
        let flights = SingleFlight::new();
        let (started, is_started) = mpsc::channel();
        let (go, may_go) = mpsc::channel::<()>();

        let results = thread::scope(|scope| {
            let flights = &flights;
            let loader = scope.spawn(move || {
                let load = || {
                    started.send(()).unwrap();
                    may_go.recv().unwrap();
                    Err::<Vec<u8>, _>("no feed")
                };
                flights.run(b"k", ABSENT, load, keep)
            });
            is_started.recv().unwrap();
            let waiter = scope.spawn(move || {
                // Should the flight have landed already, this one loads, and fails alike.
                flights.run(b"k", ABSENT, || Err::<Vec<u8>, _>("no feed"), keep)
            });
            go.send(()).unwrap();
            [loader.join().unwrap(), waiter.join().unwrap()]
        });

        assert_eq!(results, [Err(LoadError::Load("no feed")), Err(LoadError::Load("no feed"))]);
    }

    #[test]
    fn a_loader_that_asks_for_its_own_key_is_told_so() {
        let flights = SingleFlight::new();

        let outer = flights.run::<LoadError<()>>(
            b"k",
            ABSENT,
            || flights.run::<()>(b"k", ABSENT, || Ok(vec![1]), keep),
            keep,
        );

        assert_eq!(outer, Err(LoadError::Load(LoadError::Reentrant)));
    }

    #[test]
    fn a_panic_goes_on_in_its_thread_and_leaves_the_key_loadable() {
        let flights = SingleFlight::new();

        let crash = catch_unwind(AssertUnwindSafe(|| {
            flights.run::<()>(b"k", ABSENT, || panic!("no feed"), keep)
        }));
        let next = flights.run::<()>(b"k", ABSENT, || Ok(vec![7]), keep);

        assert!(crash.is_err());
        assert_eq!(next, Ok(vec![7]));
    }

    #[test]
    fn a_value_that_came_meanwhile_is_not_loaded() {
        let flights = SingleFlight::new();

        let found = flights.run::<()>(b"k", || Ok(Some(vec![3])), || Err(()), keep);

        assert_eq!(found, Ok(vec![3]));
    }
}
