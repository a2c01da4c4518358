//! The pool's evictor over a plain host: buckets behind mutexes, records that stay until the end.
//! It measures the policies apart from the table.

use crate::{
    cache::{Cache, Limit, Seat},
    evict::{
        Evictor,
        enforce::Entry,
        host::{Cause, Facts, Host},
        local::Local,
        usage::Usage,
    },
};
use memory_cache_pool::EvictionPolicy;
use std::sync::{
    Mutex, MutexGuard, OnceLock, PoisonError,
    atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
};

/// Records that one allocation is made for.
const CHUNK: usize = 1 << 14;
/// Allocations that there may be.
const CHUNKS: usize = 1 << 12;
/// What the pool's table is sized for.
const RECORDS_PER_TWO_BUCKETS: usize = 9;

/// A record, as far as the evictor is concerned.
#[derive(Debug)]
struct Node {
    hash: u64,
    bytes: usize,
    usage: Usage,
}

type Chunk = Box<[OnceLock<Node>]>;

/// Records by number; they stay until the end of the run, and so need no reclamation.
#[derive(Debug)]
struct Nodes {
    chunks: Box<[OnceLock<Chunk>]>,
    next: AtomicUsize,
}

impl Nodes {
    fn new() -> Self {
        Self { chunks: (0..CHUNKS).map(|_| OnceLock::new()).collect(), next: AtomicUsize::new(0) }
    }

    fn add(&self, node: Node) -> usize {
        let number = self.next.fetch_add(1, Relaxed);
        let empty = || (0..CHUNK).map(|_| OnceLock::new()).collect();
        let chunk = self.chunks[number / CHUNK].get_or_init(empty);
        let _ = chunk[number % CHUNK].set(node);
        number
    }

    fn get(&self, number: usize) -> Option<&Node> {
        self.chunks[number / CHUNK].get()?[number % CHUNK].get()
    }
}

/// A cache of keys without values, which the evictor keeps within its limits.
#[derive(Debug)]
pub(crate) struct PlainHost {
    evictor: Evictor,
    buckets: Box<[Mutex<Vec<usize>>]>,
    nodes: Nodes,
    used: AtomicU64,
}

impl PlainHost {
    /// An empty one with a policy.
    pub(crate) fn new(policy: EvictionPolicy, limit: Limit) -> Self {
        let (keys, bytes) = match limit.is_on_keys {
            true => (Some(limit.keys), None),
            false => (None, Some(limit.weight)),
        };
        // As many as the pool's table would have.
        let buckets = (limit.keys * 2 / RECORDS_PER_TWO_BUCKETS + 1).next_power_of_two();
        Self {
            evictor: Evictor::new(policy, keys, bytes),
            buckets: (0..buckets).map(|_| Mutex::default()).collect(),
            nodes: Nodes::new(),
            used: AtomicU64::new(0),
        }
    }

    fn bucket(&self, number: usize) -> MutexGuard<'_, Vec<usize>> {
        let bucket = &self.buckets[number & (self.buckets.len() - 1)];
        bucket.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, hash: u64) -> Option<&Node> {
        let bucket = self.bucket(low(hash));
        let mut nodes = bucket.iter().filter_map(|number| self.nodes.get(*number));
        nodes.find(|node| node.hash == hash)
    }
}

impl Cache for PlainHost {
    fn get(&self, seat: &Seat, hash: u64) -> bool {
        let Some(node) = self.find(hash) else { return false };
        self.evictor.touch(&node.usage, &seat.local, seat.draw().into(), || 0);
        true
    }

    fn set(&self, seat: &Seat, hash: u64, weight: u32) {
        let bytes = weight as usize;
        let admission = self.evictor.admit(hash, self.used.load(Relaxed));
        let view = View { host: self, seat, mine: None };
        if self.evictor.make_room(&view, bytes).is_err() {
            return;
        }
        let Ok(place) = self.evictor.take_place(&view) else { return };
        let usage = admission.usage(self.evictor.pace.now());
        let number = {
            let mut bucket = self.bucket(low(hash));
            let is_there = |number: &usize| self.nodes.get(*number).is_some_and(|n| n.hash == hash);
            if bucket.iter().any(is_there) {
                self.evictor.leave_place(&view, place);
                return;
            }
            let number = self.nodes.add(Node { hash, bytes, usage });
            bucket.push(number);
            number
        };
        self.used.fetch_add(u64::from(weight), Relaxed);
        let view = View { host: self, seat, mine: Some(number) };
        self.evictor.note_inserted(&view, Entry { hash, admission, place }, || 0);
    }

    fn held(&self) -> u64 {
        let numbers = (0..self.buckets.len()).flat_map(|number| self.bucket(number).clone());
        numbers.filter_map(|number| self.nodes.get(number)).map(|node| node.bytes as u64).sum()
    }
}

/// The host during one operation of one thread.
struct View<'v> {
    host: &'v PlainHost,
    seat: &'v Seat,
    mine: Option<usize>,
}

impl View<'_> {
    fn node(&self, number: usize) -> &Node {
        match self.host.nodes.get(number) {
            Some(node) => node,
            None => unreachable!("a record is added before its number is"),
        }
    }
}

impl Host for View<'_> {
    /// The record's number, which is in one place only and never used again.
    type Seen = usize;

    fn buckets(&self) -> usize {
        self.host.buckets.len()
    }

    fn visit(&self, bucket: usize, mut see: impl FnMut(usize)) {
        let all = self.host.bucket(bucket).clone();
        all.into_iter().for_each(&mut see);
    }

    fn visit_hash(&self, hash: u64, mut see: impl FnMut(usize)) {
        self.visit(low(hash), |number| {
            if self.node(number).hash == hash {
                see(number);
            }
        });
    }

    fn prefetch(&self, _: usize, _: usize) {}

    fn prefetch_hashes(&self, _: Option<u64>, _: Option<u64>) {}

    fn facts(&self, seen: usize) -> Facts<'_> {
        Facts {
            usage: &self.node(seen).usage,
            deadline: 0,
            has_expired: false,
            may_go: self.mine != Some(seen),
        }
    }

    fn bytes(&self, seen: usize) -> usize {
        self.node(seen).bytes
    }

    fn remove(&self, seen: usize, _: Cause) -> bool {
        let mut bucket = self.host.bucket(low(self.node(seen).hash));
        let place = bucket.iter().position(|number| *number == seen);
        let is_gone = place.map(|place| bucket.swap_remove(place)).is_some();
        if is_gone {
            self.host.used.fetch_sub(self.node(seen).bytes as u64, Relaxed);
        }
        is_gone
    }

    fn confirm(&self, seen: usize) -> bool {
        self.host.bucket(low(self.node(seen).hash)).contains(&seen)
    }

    fn local(&self) -> &Local {
        &self.seat.local
    }

    fn random(&self) -> u32 {
        self.seat.draw()
    }

    fn retired_bytes(&self) -> u64 {
        0
    }

    fn own_retired_bytes(&self) -> u64 {
        0
    }

    fn used(&self) -> u64 {
        self.host.used.load(Relaxed)
    }

    fn fixed_bytes(&self) -> u64 {
        0
    }
}

/// The bits of a hash that choose its bucket.
fn low(hash: u64) -> usize {
    usize::try_from(hash & 0xFFFF_FFFF).unwrap_or(usize::MAX)
}
