//! Who is measured.

use super::plain_memory::{FreshPages, TouchedPages};
use crate::contender::{Contender, DashMap, Moka, Papaya, Pool, QuickCache, Scc, ShardedMutex};

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

/// Those who are put through every scenario, the pool first and the floor last.
pub const NAMES: [&str; 8] = [
    Pool::NAME,
    Papaya::NAME,
    DashMap::NAME,
    Scc::NAME,
    QuickCache::NAME,
    Moka::NAME,
    ShardedMutex::NAME,
    EmptyLoop::NAME,
];

/// The same, with two more floors for those who grow.
pub const GROWING: [&str; 10] = [
    Pool::NAME,
    Papaya::NAME,
    DashMap::NAME,
    Scc::NAME,
    QuickCache::NAME,
    Moka::NAME,
    ShardedMutex::NAME,
    FreshPages::NAME,
    TouchedPages::NAME,
    EmptyLoop::NAME,
];

/// The floors among them that have something to do for as long as they are let: they take part as long
/// as the first of the others.
pub const FLOORS: [&str; 2] = [TouchedPages::NAME, EmptyLoop::NAME];

/// Puts a contender through a measurement; `None` when there is none of this name.
pub fn one<M: Measure>(contender: &str, of: &M) -> Option<M::Result> {
    Some(match contender {
        Pool::NAME => of.measure::<Pool>(),
        Papaya::NAME => of.measure::<Papaya>(),
        DashMap::NAME => of.measure::<DashMap>(),
        Scc::NAME => of.measure::<Scc>(),
        QuickCache::NAME => of.measure::<QuickCache>(),
        Moka::NAME => of.measure::<Moka>(),
        ShardedMutex::NAME => of.measure::<ShardedMutex>(),
        FreshPages::NAME => of.measure::<FreshPages>(),
        TouchedPages::NAME => of.measure::<TouchedPages>(),
        EmptyLoop::NAME => of.measure::<EmptyLoop>(),
        _ => return None,
    })
}
