//! What a connection remembers from one command to the next.

use crate::{
    acl::User,
    clients::Client,
    histogram::{BUCKETS, bucket_of},
    protocol::Protocol,
    shared::Shared,
    tallies::CommandTally,
    waiting::Wait,
};
use memory_cache_pool::MemoryCachePool;
use std::{io, sync::Arc, time::Duration};

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

/// A client that waits for a list.
#[derive(Debug)]
pub(crate) struct Blocked {
    pub(crate) wait: Wait,
    /// How long; none for ever.
    pub(crate) limit: Option<Duration>,
    /// Whether it wants no reply.
    pub(crate) is_silent: bool,
}

/// What a connection does after a command.
#[derive(Debug)]
pub(crate) enum Next {
    /// Goes on.
    Continue,
    /// Sends what is to be sent, and ends.
    Close,
    /// Goes on after a while.
    Sleep(Duration),
    /// Waits for a list, and replies then.
    Block(Box<Blocked>),
}

/// Commands of one kind in a row, whose numbers are added up when another kind follows or the batch
/// ends, so that counting costs the shared counters one visit and not one a command.
#[derive(Debug, Default)]
pub(crate) struct Streak {
    pub(crate) number: usize,
    pub(crate) calls: u64,
    pub(crate) nanos: u64,
    /// How many took how long, and which of these are not 0, by bits.
    buckets: [u32; BUCKETS],
    used_buckets: u32,
}

impl Streak {
    /// Counts a command.
    #[inline]
    pub(crate) fn add(&mut self, nanos: u64) {
        let bucket = bucket_of(nanos);
        self.calls += 1;
        self.nanos += nanos;
        self.used_buckets |= 1 << bucket;
        if let Some(calls) = self.buckets.get_mut(bucket) {
            *calls = calls.saturating_add(1);
        }
    }

    /// Hands over what was counted, and begins anew.
    fn settle(&mut self, tally: &CommandTally) {
        tally.calls.add(self.calls);
        tally.nanos.add(self.nanos);
        while self.used_buckets != 0 {
            let bucket = usize::try_from(self.used_buckets.trailing_zeros()).unwrap_or(0);
            if let Some(calls) = self.buckets.get_mut(bucket) {
                tally.times.add(bucket, std::mem::take(calls).into());
            }
            self.used_buckets &= self.used_buckets - 1;
        }
        (self.calls, self.nanos) = (0, 0);
    }
}

/// The state of a connection, as far as commands see it.
#[derive(Debug)]
pub(crate) struct Session {
    /// What all connections share.
    pub(crate) shared: Arc<Shared>,
    /// What others may know of this connection.
    pub(crate) client: Arc<Client>,
    /// The selected database.
    pub(crate) pool: MemoryCachePool,
    /// Its number.
    pub(crate) database: usize,
    /// When the databases were numbered as `pool` assumes.
    numbering: u64,
    /// The protocol that the client speaks.
    pub(crate) protocol: Protocol,
    /// Who the client is, and as of which change of users.
    pub(crate) user: Arc<User>,
    acl_version: u64,
    /// Whether the client may use commands.
    pub(crate) is_authenticated: bool,
    /// Whether its MULTI was refused, and with it what follows to the end of the transaction.
    pub(crate) is_in_refused_transaction: bool,
    /// Which replies it wants.
    pub(crate) reply_mode: ReplyMode,
    /// What happens after the command.
    pub(crate) next: Next,
    /// The clock's reading when the last command ended.
    pub(crate) mark: u64,
    pub(crate) streak: Streak,
}

impl Session {
    pub(crate) fn new(shared: Arc<Shared>, client: Arc<Client>) -> Self {
        let (pool, numbering) = shared.databases.first();
        let acl_version = shared.acl.version();
        let user = shared.acl.everybody();
        let is_authenticated = !shared.acl.is_guarded();
        let mark = shared.clock.raw();
        Self {
            shared,
            client,
            pool,
            database: 0,
            numbering,
            protocol: Protocol::default(),
            user,
            acl_version,
            is_authenticated,
            is_in_refused_transaction: false,
            reply_mode: ReplyMode::On,
            next: Next::Continue,
            mark,
            streak: Streak::default(),
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

    /// The client has said who it is.
    pub(crate) fn become_user(&mut self, user: Arc<User>) {
        self.client.set_user(&user.name);
        self.user = user;
        self.is_authenticated = true;
    }

    /// Looks at the user's rules anew if any have changed.
    #[inline]
    pub(crate) fn follow_users(&mut self) {
        let version = self.shared.acl.version();
        if self.acl_version != version {
            self.acl_version = version;
            match self.shared.acl.user(&self.user.name) {
                Some(user) => self.user = user,
                // It has been removed, and the connection is about to end.
                None => self.is_authenticated = false,
            }
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
        self.become_user(self.shared.acl.everybody());
        self.is_authenticated = !self.shared.acl.is_guarded();
        self.is_in_refused_transaction = false;
        self.reply_mode = ReplyMode::On;
        self.shared.monitors.remove(&self.client);
        self.client.set_name(b"");
        self.client.no_evict.set(false);
    }

    /// Counts a client that took its replies too slowly.
    pub(crate) fn note_stall<T>(&self, sent: io::Result<T>) -> io::Result<T> {
        if sent.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::TimedOut) {
            self.shared.tallies.cut_off.add(1);
            tracing::warn!(client = self.client.address, "cut off: takes no replies");
        }
        sent
    }

    /// The client has gone.
    pub(crate) fn end(&mut self) {
        self.settle();
        self.shared.monitors.remove(&self.client);
        self.shared.clients.leave(self.client.id);
        tracing::debug!(client = self.client.address, "gone");
    }

    /// Adds what was counted since to the shared counters.
    pub(crate) fn settle(&mut self) {
        let streak = &mut self.streak;
        if streak.calls == 0 {
            return;
        }
        let tallies = &self.shared.tallies;
        tallies.total_commands.add(streak.calls);
        if let Some(tally) = tallies.commands.get(streak.number) {
            streak.settle(tally);
        }
        self.client.last_command.set(streak.number as u64);
    }
}
