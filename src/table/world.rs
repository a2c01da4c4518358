//! What models of a table are made of: records, a table of them, and actors.
//!
//! A bucket has two slots here. Keys are their own hashes: their lower bits choose the bucket, and
//! their tags are all the same.

use super::{Found, Insert, Record, Table, bucket, generation::Generation, word::Seen};
use crate::{
    reclaim::{Domain, Guard, Retired, Seat, magazine::block_bytes},
    sync::{FreedMark, UnsafeCell, thread},
};
use std::{collections::BTreeSet, ptr::NonNull, sync::Arc};

/// A record whose payload loom watches: a read that is not ordered after its writing fails. So does
/// a look at the key of one that was freed.
#[repr(C, align(16))]
pub(super) struct Node {
    birth: UnsafeCell<u32>,
    key: u64,
    payload: UnsafeCell<u64>,
    freed: FreedMark,
}

// SAFETY: the block has the size that `World::node` takes.
unsafe impl Record for Node {
    fn birth(&self) -> u32 {
        // SAFETY: written before the node was placed, and not since.
        self.birth.with(|birth| unsafe { *birth })
    }

    unsafe fn set_birth(&self, version: u32) {
        // SAFETY: the caller says that the node is private.
        self.birth.with_mut(|birth| unsafe { *birth = version });
    }

    fn bucket_hash(&self) -> u32 {
        u32::try_from(self.key).unwrap()
    }

    unsafe fn retired(node: NonNull<Self>) -> Retired {
        unsafe fn drop_content(block: NonNull<u8>) -> usize {
            let node = block.cast::<Node>();
            // SAFETY: the block holds a node that nobody reaches any more.
            unsafe { node.as_ref() }.freed.set();
            // SAFETY: as above.
            unsafe { node.drop_in_place() };
            0
        }
        let bytes = u32::try_from(block_bytes(size_of::<Self>())).unwrap();
        Retired::Owner { block: node.cast(), bytes, held: 0, drop_content }
    }
}

/// The key of a node that is not freed.
fn key_of(node: NonNull<Node>) -> u64 {
    // SAFETY: found under a guard, or the model is at rest; what is freed keeps its mark.
    let node = unsafe { node.as_ref() };
    node.freed.check();
    node.key
}

/// The payload of a node that is not freed.
pub(super) fn payload_of(node: NonNull<Node>) -> u64 {
    // SAFETY: found under a guard; nobody writes a published payload.
    unsafe { node.as_ref() }.payload.with(|payload| unsafe { *payload })
}

/// A table, and what its actors do with it.
pub(super) struct World {
    pub(super) table: Table<Node>,
    pub(super) domain: Arc<Domain>,
}

impl World {
    pub(super) fn new(buckets: usize) -> Arc<Self> {
        let world = Self { table: Table::with_buckets(buckets), domain: Domain::new() };
        world.domain.sit(&world.domain.reserve_seat());
        Arc::new(world)
    }

    fn node(guard: &Guard<'_>, key: u64, payload: u64) -> NonNull<Node> {
        let node = guard.take_block(block_bytes(size_of::<Node>())).cast::<Node>();
        let content = Node {
            birth: UnsafeCell::new(0),
            key,
            payload: UnsafeCell::new(payload),
            freed: FreedMark::default(),
        };
        // SAFETY: the block is ours and large enough.
        unsafe { node.write(content) };
        node
    }

    fn find_for_write<'g>(&'g self, guard: &'g Guard<'_>, key: u64) -> Option<Found<'g, Node>> {
        self.table.find_for_write(key, |node| key_of(node) == key, guard)
    }

    /// Inserts unless the key is there; whether it did.
    pub(super) fn insert(&self, key: u64, payload: u64) -> bool {
        let guard = self.domain.pin();
        loop {
            let node = Self::node(&guard, key, payload);
            // SAFETY: the node is private and of this hash; others are found under the guard.
            let inserted =
                unsafe { self.table.insert(key, node, |other| key_of(other) == key, &guard) };
            match inserted {
                Insert::Done => return true,
                // SAFETY: out of the table, and ours.
                Insert::Lost => unsafe { guard.retire(Node::retired(node)) },
                Insert::Present | Insert::Full => {
                    // SAFETY: never placed, so that it is ours alone.
                    unsafe { node.drop_in_place() };
                    // SAFETY: as above.
                    unsafe { guard.put_block(node.cast(), block_bytes(size_of::<Node>())) };
                    return false;
                }
            }
        }
    }

    /// Removes a key; what it held.
    pub(super) fn remove(&self, key: u64) -> Option<u64> {
        let guard = self.domain.pin();
        while let Some(found) = self.find_for_write(&guard, key) {
            let payload = payload_of(found.record);
            // SAFETY: found under the guard.
            if unsafe { self.table.remove(&found, &guard) }.is_some() {
                return Some(payload);
            }
        }
        None
    }

    /// Overwrites a key that is there; what it held.
    pub(super) fn replace(&self, key: u64, payload: u64) -> Option<u64> {
        let guard = self.domain.pin();
        while let Some(found) = self.find_for_write(&guard, key) {
            let before = payload_of(found.record);
            let node = Self::node(&guard, key, payload);
            // SAFETY: the node is private, of this key and hash; found under the guard.
            if unsafe { self.table.replace(&found, key, node, &guard) }.is_some() {
                return Some(before);
            }
            // SAFETY: never placed, so that it is ours alone.
            unsafe { node.drop_in_place() };
            // SAFETY: as above.
            unsafe { guard.put_block(node.cast(), block_bytes(size_of::<Node>())) };
        }
        None
    }

    /// Inserts or overwrites.
    pub(super) fn set(&self, key: u64, payload: u64) {
        if self.replace(key, payload).is_none() {
            self.insert(key, payload);
        }
    }

    pub(super) fn payload(&self, key: u64) -> Option<u64> {
        let guard = self.domain.pin();
        self.table.find(key, |node| key_of(node) == key, &guard).map(payload_of)
    }

    /// Removes `key` if what it holds is `payload`, as an evictor does that has judged it.
    pub(super) fn evict(&self, key: u64, payload: u64) -> bool {
        let guard = self.domain.pin();
        let Some(found) = self.find_for_write(&guard, key) else { return false };
        // SAFETY: found under the guard.
        payload_of(found.record) == payload
            && unsafe { self.table.remove(&found, &guard) }.is_some()
    }

    /// The first overflow bucket of the first chain.
    pub(super) fn first_overflow(&self) -> u32 {
        let guard = self.domain.pin();
        self.table.root(&guard).head(0).control().overflow()
    }

    /// Every key and its payload, in order, at rest.
    pub(super) fn live(&self) -> Vec<(u64, u64)> {
        let guard = self.domain.pin();
        let root = self.table.root(&guard);
        let mut live = Vec::new();
        for head in &*root.heads {
            if !head.control().is_done() {
                live_of_chain(root, head, &mut live, |_| true);
            }
        }
        if let Some(next) = root.next() {
            for head in next.heads.iter().filter(|head| head.control().is_filled()) {
                live_of_chain(next, head, &mut live, |key| root.head(key).control().is_done());
            }
        }
        live.sort_unstable();
        live
    }

    pub(super) fn assert_once(&self, key: u64, expected: usize) {
        let records = self.live().iter().filter(|(live, _)| *live == key).count();
        assert_eq!(records, expected, "broken: slots that hold key {key}");
    }
}

impl World {
    /// A table of so many buckets with these keys, on its way to another number of buckets.
    pub(super) fn moving(buckets: usize, keys: &[(u64, u64)], to: usize) -> Arc<Self> {
        let world = Self::new(buckets);
        for &(key, payload) in keys {
            assert!(world.insert(key, payload));
        }
        let guard = world.domain.pin();
        world.table.begin(world.table.root(&guard), to, &guard);
        drop(guard);
        world
    }

    /// Moves a bucket of generation `number`, if that is the root.
    pub(super) fn move_bucket(&self, number: u32, bucket: usize) {
        let guard = self.domain.pin();
        let root = self.table.root(&guard);
        if let Some(next) = root.next().filter(|_| root.number == number) {
            self.table.migrate(root, next, bucket, &guard);
        }
    }

    /// Moves generation `number` to so many buckets, if it is the root.
    pub(super) fn resize(&self, number: u32, buckets: usize) {
        let guard = self.domain.pin();
        let root = self.table.root(&guard);
        if root.number != number {
            return;
        }
        self.table.begin(root, buckets, &guard);
        if let Some(next) = root.next() {
            for bucket in 0..root.len() {
                self.table.migrate(root, next, bucket, &guard);
            }
        }
    }

    /// The number of the generation that is the root.
    pub(super) fn root_number(&self) -> u32 {
        self.table.root(&self.domain.pin()).number
    }

    /// The keys that a whole scan shows.
    pub(super) fn scan(&self) -> BTreeSet<u64> {
        let (mut keys, mut cursor) = (BTreeSet::new(), 0);
        loop {
            let guard = self.domain.pin();
            cursor = self.table.scan_bucket(cursor, &guard, &mut |node| {
                keys.insert(key_of(node));
            });
            if cursor == 0 {
                return keys;
            }
        }
    }
}

/// Adds what a chain holds, at rest.
fn live_of_chain(
    generation: &Generation,
    head: &bucket::Bucket,
    live: &mut Vec<(u64, u64)>,
    is_meant: impl Fn(u64) -> bool,
) {
    for slot in generation.chain(head, head.control()).flat_map(|slots| &slots.0) {
        match bucket::load(slot).thawed().look::<Node>() {
            Seen::Record(node) => {
                let key = key_of(node);
                if is_meant(key) {
                    live.push((key, payload_of(node)));
                }
            }
            Seen::Tentative(_) => panic!("broken: a slot is lost to a tentative word"),
            Seen::Empty(_) | Seen::Frozen => {}
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // A model that fails cannot touch loom's atomics any more.
        if !std::thread::panicking() {
            // SAFETY: the actors are done.
            unsafe { self.domain.close() };
        }
    }
}

/// An actor of its own.
pub(super) fn actor<R: Send + 'static>(
    world: &Arc<World>,
    act: impl FnOnce(&World) -> R + Send + 'static,
) -> thread::JoinHandle<R> {
    let (world, seat): (_, Seat) = (Arc::clone(world), world.domain.reserve_seat());
    thread::spawn(move || {
        world.domain.sit(&seat);
        act(&world)
    })
}

/// Runs two actors to their end.
pub(super) fn two<A: Send + 'static, B: Send + 'static>(
    world: &Arc<World>,
    first: impl FnOnce(&World) -> A + Send + 'static,
    second: impl FnOnce(&World) -> B + Send + 'static,
) -> (A, B) {
    let (first, second) = (actor(world, first), actor(world, second));
    (first.join().unwrap(), second.join().unwrap())
}
