//! Redis's protocol on a [`MemoryCachePool`](memory_cache_pool::MemoryCachePool).
//!
//! A host that has a pool lets others look into it and write to it while it goes on using it:
//!
//! ```
//! use memory_cache_pool::MemoryCachePool;
//! use memory_cache_server::{Server, ServerOptions};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let pool = MemoryCachePool::default();
//! pool.set("best_bid", "100.5")?;
//! let options = ServerOptions::new().set("port", "0")?;
//! let server = Server::bind(pool.clone(), options).await?;
//! println!("redis-cli -p {}", server.tcp_addresses()[0].port());
//! server.run(async { /* until the host has had enough */ }).await;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Every connection is a task of the host's runtime. It reads what has come in, carries out every
//! whole request of it, and then writes all replies at once; while a client does not take its
//! replies, nothing more is read from it, so that it costs the memory of one batch of replies and
//! nobody's time. Commands run where they are read: the pool is lock-free, and no connection waits
//! for another one.
//!
//! What each command can do is in `docs/compatibility.md`, which derives from the same rows that the
//! server dispatches by and that `COMMAND` shows.

mod acl;
mod bind;
mod clients;
mod commands;
mod connection;
mod databases;
mod dispatch;
mod histogram;
mod latency_events;
mod linger;
mod memory_limit;
mod metrics;
#[cfg(all(test, server_loom))]
#[path = "../../src/model.rs"]
mod model;
mod monitors;
mod notifier;
mod options;
pub mod protocol;
mod quiet_unix;
mod rates;
mod server;
mod session;
mod settings;
mod shared;
mod slow_log;
mod sync;
mod tallies;
mod tls;
mod upkeep;
mod waiting;

pub use notifier::Notifier;
pub use options::{OptionError, ServerOptions};
pub use server::{Server, serve};
