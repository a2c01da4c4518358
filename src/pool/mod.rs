//! The public face: [`MemoryCachePool`], a cheap handle on a shared keyspace.

mod audience;
mod byte_size;
mod cleanup;
mod config;
mod copies;
mod edits;
mod element_host;
mod element_pages;
mod engine;
mod expiry;
mod hashes;
mod host_values;
mod hosts;
mod inspection;
mod keyspace;
mod limits;
mod list_ends;
mod list_moves;
mod listener;
mod lists;
#[cfg(all(test, pool_loom, not(pool_shuttle)))]
mod loom;
mod no_evict;
mod numbers;
mod objects;
mod options;
mod pinned;
mod pinned_collections;
pub(crate) mod policy;
mod put;
mod random;
mod removal;
mod resident;
mod scan;
mod set_algebra;
mod sets;
mod single_flight;
mod small_edits;
mod stats;
mod strings;
mod time;
mod upkeep;
mod watch;

pub use byte_size::ByteSize;
pub use cleanup::Cleanup;
pub use config::{CacheConfig, ConfigError};
pub use element_host::{ElementHost, ElementObject};
pub use element_pages::{FieldPage, MemberPage};
pub use expiry::{ExpireCondition, Ttl};
pub use hashes::FieldValue;
pub use host_values::{HostEdit, HostRef, HostValue};
pub use hosts::Update;
pub use keyspace::ValueType;
pub use list_moves::PoppedElements;
pub use lists::{InsertPosition, ListEnd, PushOptions};
pub use numbers::add_decimals;
pub use options::{Expiry, SetOptions, SetReply};
pub use pinned::{Pinned, ValueRef};
pub use pinned_collections::{HashRef, ListRef, SetRef};
pub use policy::EvictionPolicy;
pub use removal::{Removal, RemovalCause, Removals, RemovedValue};
pub use scan::{ScanOptions, ScanPage};
pub use stats::{CacheStats, KeyInfo};
pub use watch::Watch;

use cleanup::Keeper;
use engine::Engine;
use std::sync::Arc;

/// A cache inside the process, with Redis's commands.
///
/// A handle is cheap to clone and to share between threads; all clones are one keyspace, which is
/// dropped with the last of them. Keys and values are bytes.
///
/// # Guarantees
///
/// * Every command on one key is linearizable. A command on several keys is not yet atomic as a
///   whole, and says so.
/// * A read never waits, for nobody. A write is lock-free: it is repeated only when another write
///   of the same bucket has succeeded meanwhile, and never waits for a thread that is not running.
/// * A key past its deadline is absent at once, to the millisecond, whether or not its memory has
///   been taken back.
/// * What has expired is removed soon, by those who write, in slices of at most ten keys; a pool
///   that is not written to keeps it until it is asked to
///   [clean up](Self::cleanup_expired_keys).
/// * No thread is started, but by [`start_cleanup_task`](Self::start_cleanup_task).
///
/// # Examples
///
/// ```
/// use memory_cache_pool::{MemoryCachePool, SetOptions};
///
/// let pool = MemoryCachePool::default();
/// pool.set_options("market:BTCUSDT", "61837.63", SetOptions::new().px(60_000))?;
/// assert_eq!(pool.get("market:BTCUSDT")?.as_deref(), Some(&b"61837.63"[..]));
/// # Ok::<(), memory_cache_pool::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct MemoryCachePool {
    /// Before the engine, so that it is dropped first.
    keeper: Arc<Keeper>,
    engine: Arc<Engine>,
}

impl MemoryCachePool {
    /// Creates a pool.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] names the field that cannot be as it is.
    pub fn new(config: CacheConfig) -> Result<Self, ConfigError> {
        config.validate()?;
        #[cfg(feature = "tracing")]
        tracing::info!(?config, "pool created");
        Ok(Self::of(config))
    }

    /// A pool of a valid configuration.
    fn of(config: CacheConfig) -> Self {
        Self { keeper: Arc::default(), engine: Arc::new(Engine::new(config)) }
    }
}

impl Default for MemoryCachePool {
    fn default() -> Self {
        Self::of(CacheConfig::default())
    }
}
