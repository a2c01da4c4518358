//! The peers: moka, `quick_cache` and foyer, each as it comes.

use crate::{
    cache::{Cache, Limit},
    pool_of_keys::value,
};
use foyer_memory::{Cache as FoyerCache, CacheBuilder, LfuConfig};
use quick_cache::Weighter;
use std::sync::Arc;

/// A value as large as the pool's, and what the record weighs that is told of it.
#[derive(Clone, Debug)]
struct Weighed {
    weight: u32,
    _value: Arc<[u8]>,
}

impl Weighed {
    fn new(weight: u32) -> Self {
        Self { weight, _value: value(weight).into() }
    }
}

/// A cache with a window and a frequency sketch (W-TinyLFU).
#[derive(Debug)]
pub(crate) struct Moka(moka::sync::Cache<u64, Weighed>);

impl Moka {
    pub(crate) fn new(limit: Limit) -> Self {
        let builder = moka::sync::Cache::builder().max_capacity(limit.weight);
        Self(builder.weigher(|_, value: &Weighed| value.weight).build())
    }
}

impl Cache for Moka {
    fn get(&self, hash: u64) -> bool {
        self.0.get(&hash).is_some()
    }

    fn set(&self, hash: u64, weight: u32) {
        self.0.insert(hash, Weighed::new(weight));
    }

    fn held(&self) -> u64 {
        // What is there, where `weighted_size` tells what its housekeeping has got to.
        self.0.iter().map(|(_, value)| u64::from(value.weight)).sum()
    }
}

/// Values that know their weight.
#[derive(Clone, Debug)]
struct ByValue;

impl Weighter<u64, Weighed> for ByValue {
    fn weight(&self, _: &u64, value: &Weighed) -> u64 {
        u64::from(value.weight)
    }
}

/// Shards of clocks with ghosts (S3-FIFO).
pub(crate) struct QuickCache(quick_cache::sync::Cache<u64, Weighed, ByValue>);

impl QuickCache {
    pub(crate) fn new(limit: Limit) -> Self {
        Self(quick_cache::sync::Cache::with_weighter(limit.keys, limit.weight, ByValue))
    }
}

impl Cache for QuickCache {
    fn get(&self, hash: u64) -> bool {
        self.0.get(&hash).is_some()
    }

    fn set(&self, hash: u64, weight: u32) {
        self.0.insert(hash, Weighed::new(weight));
    }

    fn held(&self) -> u64 {
        self.0.weight()
    }
}

/// foyer's cache in memory, with its LFU (W-TinyLFU).
pub(crate) struct Foyer(FoyerCache<u64, Weighed>);

impl Foyer {
    pub(crate) fn new(limit: Limit) -> Self {
        let weight = usize::try_from(limit.weight).unwrap_or(usize::MAX);
        let builder = CacheBuilder::new(weight).with_eviction_config(LfuConfig::default());
        Self(builder.with_weighter(|_: &u64, value: &Weighed| value.weight as usize).build())
    }
}

impl Cache for Foyer {
    fn get(&self, hash: u64) -> bool {
        self.0.get(&hash).is_some()
    }

    fn set(&self, hash: u64, weight: u32) {
        self.0.insert(hash, Weighed::new(weight));
    }

    fn held(&self) -> u64 {
        self.0.usage() as u64
    }
}
