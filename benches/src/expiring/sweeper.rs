//! What one would write by hand: sharded mutexes, a deadline per entry, and a thread that sweeps.

use super::{Expiring, Session};
use hashbrown::HashTable;
use parking_lot::Mutex;
use std::{
    hash::BuildHasher,
    io,
    sync::{
        Arc,
        mpsc::{RecvTimeoutError, Sender, channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// Number of shards.
const SHARDS: usize = 64;

/// How often the thread sweeps everything, a shard at a time.
const EVERY: Duration = Duration::from_millis(100);

#[derive(Debug)]
struct Entry {
    key: Box<[u8]>,
    value: Box<[u8]>,
    deadline: Option<Instant>,
}

impl Entry {
    fn is_alive(&self) -> bool {
        self.deadline.is_none_or(|deadline| Instant::now() <= deadline)
    }
}

type Shards = [Mutex<HashTable<Entry>>];

/// Sharded mutexes with a sweeping thread.
#[derive(Debug)]
pub struct Sweeper {
    hasher: foldhash::fast::RandomState,
    shards: Arc<Shards>,
    /// Dropped to end the thread.
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Sweeper {
    #[inline]
    fn shard(&self, key: &[u8]) -> (u64, &Mutex<HashTable<Entry>>) {
        let hash = self.hasher.hash_one(key);
        (hash, &self.shards[(hash >> 40) as usize % SHARDS])
    }

    #[inline]
    fn put(&self, entry: Entry) {
        let (hash, shard) = self.shard(&entry.key);
        let mut shard = shard.lock();
        if let Some(old) = shard.find_mut(hash, |old| old.key == entry.key) {
            let replaced = std::mem::replace(old, entry);
            drop(shard);
            drop(replaced);
            return;
        }
        shard.insert_unique(hash, entry, |entry| self.hasher.hash_one(&*entry.key));
    }
}

impl Drop for Sweeper {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Takes out what has expired, one shard after the other.
fn sweep(shards: &Shards) {
    for shard in shards {
        let now = Instant::now();
        let is_alive = |entry: &mut Entry| entry.deadline.is_none_or(|deadline| now <= deadline);
        shard.lock().retain(is_alive);
    }
}

impl Expiring for Sweeper {
    const NAME: &'static str = "mutex+sweeper";

    type Session<'e> = &'e Self;

    fn start(keys: usize) -> io::Result<Self> {
        let shard = |_| Mutex::new(HashTable::with_capacity(keys / SHARDS + 1));
        let shards: Arc<Shards> = (0..SHARDS).map(shard).collect();
        let (stop, stopped) = channel();
        let swept = Arc::clone(&shards);
        let work = move || {
            while stopped.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
                sweep(&swept);
            }
        };
        let thread = thread::Builder::new().name("sweeper".to_owned()).spawn(work)?;
        let hasher = foldhash::fast::RandomState::default();
        Ok(Self { hasher, shards, stop: Some(stop), thread: Some(thread) })
    }

    fn session(&self) -> io::Result<&Self> {
        Ok(self)
    }
}

impl Session for &Sweeper {
    #[inline(always)]
    fn get(&mut self, key: &[u8]) -> bool {
        let (hash, shard) = self.shard(key);
        shard
            .lock()
            .find(hash, |entry| *entry.key == *key)
            .is_some_and(|entry| entry.is_alive() && !entry.value.is_empty())
    }

    #[inline(always)]
    fn set(&mut self, key: &[u8], value: &[u8]) {
        self.fill(key, value, None);
    }

    #[inline(always)]
    fn fill(&mut self, key: &[u8], value: &[u8], ttl: Option<Duration>) {
        let deadline = ttl.map(|ttl| Instant::now() + ttl);
        self.put(Entry { key: key.into(), value: value.into(), deadline });
    }

    fn entries(&mut self) -> u64 {
        self.shards.iter().map(|shard| shard.lock().len() as u64).sum()
    }
}
