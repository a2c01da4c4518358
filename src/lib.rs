#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod clock;
mod error;
mod evict;
mod glob;
mod map;
#[cfg(all(test, pool_loom, not(pool_shuttle)))]
mod model;
mod pool;
mod prefetch;
mod reclaim;
mod record;
mod seed;
mod sync;
mod table;
mod tally;
mod value;
mod wheel;

pub use clock::{Clock, ManualClock, SystemClock};
pub use error::{Error, LoadError};
pub use glob::Pattern;
pub use map::LockFreeMap;
pub use pool::{
    ByteSize, CacheConfig, CacheStats, Cleanup, ConfigError, ElementHost, ElementObject,
    EvictionPolicy, ExpireCondition, Expiry, FieldPage, FieldValue, HashRef, HostEdit, HostRef,
    HostValue, InsertPosition, KeyInfo, ListEnd, ListRef, MemberPage, MemoryCachePool, Pinned,
    PoppedElements, PushOptions, Removal, RemovalCause, Removals, RemovedValue, ScanOptions,
    ScanPage, SetOptions, SetRef, SetReply, Ttl, Update, ValueRef, ValueType, Watch, add_decimals,
};

#[cfg(fuzzing)]
#[doc(hidden)]
pub use value::fuzzing::decode_packed;
