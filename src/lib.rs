#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod clock;
mod error;
mod glob;
mod map;
#[cfg(all(test, pool_loom, not(pool_shuttle)))]
mod model;
mod pool;
mod reclaim;
mod record;
mod seed;
mod sync;
mod table;
mod tally;
mod value;

pub use clock::{Clock, ManualClock, SystemClock};
pub use error::{Error, LoadError};
pub use map::LockFreeMap;
pub use pool::{
    ByteSize, CacheConfig, CacheStats, ConfigError, EvictionPolicy, ExpireCondition, Expiry,
    KeyInfo, MemoryCachePool, Pinned, ScanOptions, ScanPage, SetOptions, SetReply, Ttl, Update,
    ValueRef, ValueType,
};
