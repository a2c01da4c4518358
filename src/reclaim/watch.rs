//! A debug build's eye on guards: one that lives long holds back everybody's garbage.

use std::time::{Duration, Instant};

/// How long a guard may live before a debug build says so.
const LONG: Duration = Duration::from_millis(100);

/// The age of a guard.
#[derive(Debug)]
pub(super) struct Watch(Instant);

impl Watch {
    /// Starts with the guard.
    pub(super) fn start() -> Self {
        Self(Instant::now())
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let age = self.0.elapsed();
        if age < LONG {
            return;
        }
        #[cfg(feature = "tracing")]
        tracing::warn!(?age, "a guard was held so long that memory could not be freed");
        #[cfg(not(feature = "tracing"))]
        eprintln!("memory-cache-pool: a guard was held for {age:?}, so that memory was not freed");
    }
}
