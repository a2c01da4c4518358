//! What a connection remembers from one command to the next.

use crate::{
    clients::Client,
    protocol::Protocol,
    shared::Shared,
    tallies::WorkerTallies,
};
use memory_cache_pool::MemoryCachePool;
use std::{sync::Arc, time::Duration};

/// Which replies a client wants.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ReplyMode {
    /// All of them.
    On,
    /// None.
    Off,
    /// All but that to the command that asks for it, and that to the next one.
    SkipNext,
    /// All but that to this command.
    Skip,
}

/// What a connection does after a command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Next {
    /// Goes on.
    Continue,
    /// Sends what is to be sent, and ends.
    Close,
    /// Waits, and goes on with this reply.
    Sleep {
        /// How long.
        time: Duration,
        /// What is sent then.
        reply: Vec<u8>,
    },
}

/// The state of a connection, as far as commands see it.
#[derive(Debug)]
pub(crate) struct Session {
    /// What all connections share.
    pub(crate) shared: Arc<Shared>,
    /// What others may know of this connection.
    pub(crate) client: Arc<Client>,
    /// The counters of the thread that runs this connection.
    pub(crate) tallies: Arc<WorkerTallies>,
    /// The selected database.
    pub(crate) pool: MemoryCachePool,
    /// Its number.
    pub(crate) database: usize,
    /// When the databases were numbered as `pool` assumes.
    numbering: u64,
    /// The protocol that the client speaks.
    pub(crate) protocol: Protocol,
    /// Whether the client may use commands.
    pub(crate) is_authenticated: bool,
    /// Which replies it wants.
    pub(crate) reply_mode: ReplyMode,
    /// What happens after the command.
    pub(crate) next: Next,
    /// The clock's reading when the last command ended.
    pub(crate) mark: u64,
}

impl Session {
    pub(crate) fn new(
        shared: Arc<Shared>,
        client: Arc<Client>,
        tallies: Arc<WorkerTallies>,
    ) -> Self {
        let (pool, numbering) = shared.databases.first();
        let is_authenticated = !shared.access.is_guarded();
        let mark = shared.clock.raw();
        Self {
            shared,
            client,
            tallies,
            pool,
            database: 0,
            numbering,
            protocol: Protocol::default(),
            is_authenticated,
            reply_mode: ReplyMode::On,
            next: Next::Continue,
            mark,
        }
    }

    /// Selects a database; false when there is none of this number.
    pub(crate) fn select(&mut self, database: usize) -> bool {
        let Some((pool, numbering)) = self.shared.databases.open(database) else { return false };
        self.pool = pool;
        self.numbering = numbering;
        self.database = database;
        self.client.database.set(database as u64);
        true
    }

    /// Finds the selected database anew if the numbers have changed.
    #[inline]
    pub(crate) fn follow_numbering(&mut self) {
        if self.numbering != self.shared.databases.numbering() {
            self.select(self.database);
        }
    }

    /// Sets the protocol.
    pub(crate) fn speak(&mut self, protocol: Protocol) {
        self.protocol = protocol;
        self.client.speaks_resp3.set(protocol == Protocol::Resp3);
    }

    /// Everything as it was when the client came: RESET.
    pub(crate) fn reset(&mut self) {
        self.select(0);
        self.speak(Protocol::default());
        self.is_authenticated = !self.shared.access.is_guarded();
        self.reply_mode = ReplyMode::On;
        self.client.set_name(b"");
        self.client.no_evict.set(false);
        self.shared.clients.set_monitor(&self.client, false);
    }
}
