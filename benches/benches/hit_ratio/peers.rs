//! The peers: moka, `quick_cache` and foyer, each as it comes.

use crate::cache::{Cache, Limit};
use foyer_memory::{Cache as FoyerCache, CacheBuilder, LfuConfig};
use quick_cache::Weighter;

/// A cache with a window and a frequency sketch (W-TinyLFU).
#[derive(Debug)]
pub(crate) struct Moka(moka::sync::Cache<u64, u32>);

impl Moka {
    pub(crate) fn new(limit: Limit) -> Self {
        let builder = moka::sync::Cache::builder().max_capacity(limit.weight);
        Self(builder.weigher(|_, weight| *weight).build())
    }
}

impl Cache for Moka {
    fn get(&self, hash: u64) -> bool {
        self.0.get(&hash).is_some()
    }

    fn set(&self, hash: u64, weight: u32) {
        self.0.insert(hash, weight);
    }

    fn held(&self) -> u64 {
        // What is there, where `weighted_size` tells what its housekeeping has got to.
        self.0.iter().map(|(_, weight)| u64::from(weight)).sum()
    }
}

/// Values that are their own weight.
#[derive(Clone, Debug)]
struct ByValue;

impl Weighter<u64, u32> for ByValue {
    fn weight(&self, _: &u64, weight: &u32) -> u64 {
        u64::from(*weight)
    }
}

/// Shards of clocks with ghosts (S3-FIFO).
pub(crate) struct QuickCache(quick_cache::sync::Cache<u64, u32, ByValue>);

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
        self.0.insert(hash, weight);
    }

    fn held(&self) -> u64 {
        self.0.weight()
    }
}

/// foyer's cache in memory, with its LFU (W-TinyLFU).
pub(crate) struct Foyer(FoyerCache<u64, u32>);

impl Foyer {
    pub(crate) fn new(limit: Limit) -> Self {
        let weight = usize::try_from(limit.weight).unwrap_or(usize::MAX);
        let builder = CacheBuilder::new(weight).with_eviction_config(LfuConfig::default());
        Self(builder.with_weighter(|_: &u64, weight: &u32| *weight as usize).build())
    }
}

impl Cache for Foyer {
    fn get(&self, hash: u64) -> bool {
        self.0.get(&hash).is_some()
    }

    fn set(&self, hash: u64, weight: u32) {
        self.0.insert(hash, weight);
    }

    fn held(&self) -> u64 {
        self.0.usage() as u64
    }
}
