//! How the host tells clients that wait of what it has pushed itself.

use crate::{server::Server, shared::Shared};
use std::sync::Arc;

/// Serves clients that wait for a list right after a push of the host's own.
///
/// Without it they are served all the same, some ten milliseconds later.
///
/// ```
/// use memory_cache_pool::MemoryCachePool;
/// use memory_cache_server::{Server, ServerOptions};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let pool = MemoryCachePool::default();
/// let server = Server::bind(pool.clone(), ServerOptions::new().set("port", "0")?).await?;
/// let notifier = server.notifier();
/// pool.rpush("fills", "100@99.5")?;
/// notifier.pushed("fills");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Notifier {
    shared: Arc<Shared>,
}

impl Notifier {
    /// Elements have come to the list at `key`. A fence and a load while nobody waits; otherwise the
    /// queue at that key is served in its order, under the lock of all queues, by the caller.
    pub fn pushed(&self, key: impl AsRef<[u8]>) {
        let (shared, key) = (&self.shared, key.as_ref());
        if shared.waiting.is_any() {
            // SWAPDB may have given the host's pool any number.
            for (database, _) in shared.databases.used() {
                shared.waiting.pushed(&shared.databases, database, key);
            }
        }
    }
}

impl Server {
    /// What tells clients that wait of pushes of the host; may be kept after the server has ended.
    #[must_use]
    pub fn notifier(&self) -> Notifier {
        Notifier { shared: Arc::clone(&self.shared) }
    }
}
