//! Who is measured, one after the other.

use super::case::Settings;
use crate::contender::{Contender, DashMap, Moka, Papaya, Pool, QuickCache, Scc, ShardedMutex};
use std::io::{self, Write};

/// A contender that does nothing: its median is the time of the measurement itself, and its worst
/// operation is what the machine did to everybody.
#[derive(Clone, Copy, Debug)]
pub struct EmptyLoop;

impl Contender for EmptyLoop {
    const NAME: &'static str = "empty loop";

    fn with_capacity(_keys: usize) -> Self {
        Self
    }

    #[inline(always)]
    fn get(&self, _key: &[u8]) -> Option<u64> {
        None
    }

    #[inline(always)]
    fn set(&self, _key: &[u8], _value: &[u8]) {}

    #[inline(always)]
    fn remove(&self, _key: &[u8]) -> bool {
        false
    }

    fn hold(&self, _key: &[u8], during: impl FnOnce()) {
        during();
    }
}

/// A measurement that any contender can be put through.
pub trait Measure {
    /// What comes out.
    type Result;

    /// Puts a fresh contender through it.
    fn measure<C: Contender + Sync>(&self) -> Self::Result;
}

/// Puts all contenders that are wanted through a measurement, the pool first and the floor last.
pub fn each<M: Measure>(settings: &Settings, title: &str, of: &M) -> Vec<M::Result> {
    let mut results = Vec::new();
    one::<Pool, M>(settings, title, of, &mut results);
    one::<Papaya, M>(settings, title, of, &mut results);
    one::<DashMap, M>(settings, title, of, &mut results);
    one::<Scc, M>(settings, title, of, &mut results);
    one::<QuickCache, M>(settings, title, of, &mut results);
    one::<Moka, M>(settings, title, of, &mut results);
    one::<ShardedMutex, M>(settings, title, of, &mut results);
    one::<EmptyLoop, M>(settings, title, of, &mut results);
    results
}

fn one<C: Contender + Sync, M: Measure>(
    settings: &Settings,
    title: &str,
    of: &M,
    results: &mut Vec<M::Result>,
) {
    if settings.wants(C::NAME) {
        progress(title, C::NAME);
        results.push(of.measure::<C>());
    }
}

/// Tells an impatient reader what is going on.
pub fn progress(title: &str, contender: &str) {
    let _ = writeln!(io::stderr(), "{title}: {contender}");
}
