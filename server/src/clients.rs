//! Who is connected, as far as others may know.

use crate::{
    acl::DEFAULT,
    sync::{Flag, Number, lock},
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio::sync::Notify;

/// A connection, seen from outside.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) id: u64,
    /// Where it comes from.
    pub(crate) address: String,
    /// Where it came to.
    pub(crate) local_address: String,
    pub(crate) since: Instant,
    name: Mutex<Vec<u8>>,
    library: Mutex<(Vec<u8>, Vec<u8>)>,
    user: Mutex<String>,
    pub(crate) database: Number,
    pub(crate) speaks_resp3: Flag,
    pub(crate) no_evict: Flag,
    /// Whether it is shown every command.
    pub(crate) is_monitor: Flag,
    /// Whether it waits for a list.
    pub(crate) is_blocked: Flag,
    /// Milliseconds from `since` to the last request.
    pub(crate) last_active: Number,
    /// The number of the last command.
    pub(crate) last_command: Number,
    /// What others want it to be sent.
    outbox: Mutex<Vec<u8>>,
    /// Whether it is to end.
    pub(crate) is_closing: Flag,
    /// Whether it is to carry out nothing more before that.
    is_killed: Flag,
    /// Wakes the connection when it is to end, or has something to send.
    pub(crate) wake: Notify,
}

impl Client {
    /// The name it gave itself.
    pub(crate) fn name(&self) -> Vec<u8> {
        lock(&self.name).clone()
    }

    pub(crate) fn set_name(&self, name: &[u8]) {
        *lock(&self.name) = name.to_vec();
    }

    /// The name of the user that it says it is.
    pub(crate) fn user(&self) -> String {
        lock(&self.user).clone()
    }

    pub(crate) fn set_user(&self, name: &str) {
        name.clone_into(&mut lock(&self.user));
    }

    /// The name and version of its library.
    pub(crate) fn library(&self) -> (Vec<u8>, Vec<u8>) {
        lock(&self.library).clone()
    }

    pub(crate) fn set_library_name(&self, name: &[u8]) {
        lock(&self.library).0 = name.to_vec();
    }

    pub(crate) fn set_library_version(&self, version: &[u8]) {
        lock(&self.library).1 = version.to_vec();
    }

    /// Lets the connection send something that is no reply; false when more would wait than may.
    pub(crate) fn post(&self, bytes: &[u8], most: usize) -> bool {
        let mut outbox = lock(&self.outbox);
        if outbox.len() + bytes.len() > most {
            return false;
        }
        outbox.extend_from_slice(bytes);
        drop(outbox);
        self.wake.notify_one();
        true
    }

    /// What is to be sent.
    pub(crate) fn take_posted(&self) -> Vec<u8> {
        std::mem::take(&mut lock(&self.outbox))
    }

    /// Lets the connection end after what it has read.
    fn close(&self) {
        self.is_closing.set(true);
        self.wake.notify_one();
    }

    /// Lets the connection end after the command that it is at.
    pub(crate) fn kill(&self) {
        self.is_killed.set(true);
        self.close();
    }

    /// Whether it was killed.
    pub(crate) fn is_killed(&self) -> bool {
        self.is_killed.is_raised()
    }

    /// Notes a request.
    pub(crate) fn is_active(&self) {
        self.last_active.set(millis(self.since.elapsed()));
    }

    pub(crate) fn idle(&self) -> Duration {
        self.since.elapsed().saturating_sub(Duration::from_millis(self.last_active.get()))
    }
}

/// Whole milliseconds.
pub(crate) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// All connections.
#[derive(Debug, Default)]
pub(crate) struct Clients {
    all: Mutex<BTreeMap<u64, Arc<Client>>>,
    last_id: Number,
    /// Set once nobody is admitted any more.
    is_closed: Flag,
}

impl Clients {
    /// Admits a connection, unless there are so many already.
    pub(crate) fn admit(
        &self,
        address: String,
        local_address: String,
        most: usize,
    ) -> Option<Arc<Client>> {
        let mut all = lock(&self.all);
        if all.len() >= most || self.is_closed.is_raised() {
            return None;
        }
        let client = Arc::new(Client {
            id: self.last_id.add(1) + 1,
            address,
            local_address,
            since: Instant::now(),
            name: Mutex::default(),
            library: Mutex::default(),
            user: Mutex::new(DEFAULT.to_owned()),
            database: Number::default(),
            speaks_resp3: Flag::default(),
            no_evict: Flag::default(),
            is_monitor: Flag::default(),
            is_blocked: Flag::default(),
            last_active: Number::default(),
            last_command: Number::new(u64::MAX),
            outbox: Mutex::default(),
            is_closing: Flag::default(),
            is_killed: Flag::default(),
            wake: Notify::new(),
        });
        all.insert(client.id, Arc::clone(&client));
        Some(client)
    }

    /// Forgets a connection.
    pub(crate) fn leave(&self, id: u64) {
        lock(&self.all).remove(&id);
    }

    pub(crate) fn count(&self) -> usize {
        lock(&self.all).len()
    }

    /// All of them, by their numbers.
    pub(crate) fn list(&self) -> Vec<Arc<Client>> {
        lock(&self.all).values().cloned().collect()
    }

    /// Lets all connections end after what they have read, and admits no more.
    pub(crate) fn close_all(&self) {
        let all = lock(&self.all);
        self.is_closed.set(true);
        all.values().for_each(|client| client.close());
    }
}
