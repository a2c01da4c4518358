//! A plain, single-threaded host.

use super::super::{
    Evictor, Refusal,
    enforce::Entry,
    host::{Cause, Facts, Host},
    local::Local,
    usage::Usage,
};
use crate::pool::policy::EvictionPolicy;
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

/// What a record is charged with unless a test says otherwise.
pub(super) const BYTES: usize = 100;

#[derive(Debug)]
pub(super) struct Node {
    pub(super) key: u64,
    pub(super) bytes: usize,
    pub(super) deadline: u64,
    pub(super) usage: Usage,
}

/// How a key is to be set.
#[derive(Clone, Copy)]
pub(super) struct How {
    pub(super) bytes: usize,
    pub(super) deadline: u64,
}

pub(super) const PLAIN: How = How { bytes: BYTES, deadline: 0 };

/// What somebody else does to a record.
pub(super) type Act = fn(&World, usize);

/// A cache without values. A record is known by its place in `nodes`, which is used once.
pub(super) struct World {
    pub(super) evictor: Evictor,
    nodes: RefCell<Vec<Rc<Node>>>,
    buckets: Vec<RefCell<Vec<usize>>>,
    pub(super) local: Local,
    random: Cell<u32>,
    reads: Cell<u64>,
    pub(super) now: Cell<u64>,
    pub(super) retired: Cell<u64>,
    pub(super) used: Cell<u64>,
    pub(super) removed: RefCell<Vec<(u64, Cause)>>,
    /// What happens to a record just before the next removal or confirmation.
    pub(super) before_cas: Cell<Option<Act>>,
}

impl World {
    pub(super) fn new(policy: EvictionPolicy, keys: Option<usize>, bytes: Option<u64>) -> Self {
        let about = keys.or(bytes.map(|bytes| low(bytes) / BYTES)).unwrap_or(100);
        Self {
            evictor: Evictor::new(policy, keys, bytes),
            nodes: RefCell::default(),
            buckets: (0..(about * 2 / 9 + 1).next_power_of_two())
                .map(|_| RefCell::default())
                .collect(),
            local: Local::default(),
            random: Cell::new(0x9E37_79B9),
            reads: Cell::new(0),
            now: Cell::new(1_000),
            retired: Cell::new(0),
            used: Cell::new(0),
            removed: RefCell::default(),
            before_cas: Cell::new(None),
        }
    }

    pub(super) fn node(&self, number: usize) -> Rc<Node> {
        Rc::clone(&self.nodes.borrow()[number])
    }

    fn bucket(&self, hash: u64) -> &RefCell<Vec<usize>> {
        &self.buckets[low(hash) & (self.buckets.len() - 1)]
    }

    pub(super) fn find(&self, key: u64) -> Option<usize> {
        let bucket = self.bucket(hash(key)).borrow();
        bucket.iter().copied().find(|number| self.node(*number).key == key)
    }

    fn add(&self, node: Node) -> usize {
        let number = self.nodes.borrow().len();
        self.nodes.borrow_mut().push(Rc::new(node));
        number
    }

    pub(super) fn get(&self, key: u64) -> bool {
        let Some(number) = self.find(key) else { return false };
        let reads = self.reads.get() + 1;
        self.reads.set(reads);
        self.evictor.touch(&self.node(number).usage, &self.local, reads, || self.now.get());
        true
    }

    pub(super) fn set(&self, key: u64) -> Result<(), Refusal> {
        self.set_as(key, PLAIN)
    }

    pub(super) fn set_as(&self, key: u64, how: How) -> Result<(), Refusal> {
        match self.find(key) {
            Some(old) => self.overwrite(key, old, how),
            None => self.insert(key, how),
        }
    }

    fn insert(&self, key: u64, how: How) -> Result<(), Refusal> {
        let admission = self.evictor.admit(hash(key), self.used.get());
        let mut view = View { world: self, mine: None };
        self.evictor.make_room(&view, how.bytes)?;
        let place = self.evictor.take_place(&view)?;
        let usage = admission.usage(self.evictor.pace.now());
        let How { bytes, deadline } = how;
        let number = self.add(Node { key, bytes, deadline, usage });
        self.bucket(hash(key)).borrow_mut().push(number);
        view.mine = Some(number);
        let entry = Entry { hash: hash(key), admission, place };
        self.used.update(|used| used + bytes as u64);
        self.evictor.note_inserted(&view, entry, || self.now.get());
        Ok(())
    }

    pub(super) fn overwrite(&self, key: u64, old: usize, how: How) -> Result<(), Refusal> {
        let view = View { world: self, mine: Some(old) };
        let before = self.node(old);
        self.evictor.make_room(&view, how.bytes.saturating_sub(before.bytes))?;
        let usage = before.usage.inherit(self.evictor.pace.now());
        let How { bytes, deadline } = how;
        let new = self.add(Node { key, bytes, deadline, usage });
        for number in self.bucket(hash(key)).borrow_mut().iter_mut() {
            if *number == old {
                *number = new;
            }
        }
        self.used.update(|used| used + bytes as u64 - before.bytes as u64);
        let new = self.node(new);
        self.evictor.note_replaced(&self.local, &before.usage, &new.usage, || self.now.get());
        Ok(())
    }

    pub(super) fn delete(&self, key: u64) {
        if let Some(number) = self.find(key)
            && self.take_out(number)
        {
            self.evictor.note_removed(&self.local);
        }
    }

    fn take_out(&self, number: usize) -> bool {
        let mut bucket = self.bucket(hash(self.node(number).key)).borrow_mut();
        let place = bucket.iter().position(|other| *other == number);
        let is_gone = place.map(|place| bucket.remove(place)).is_some();
        if is_gone {
            self.used.update(|used| used - self.node(number).bytes as u64);
        }
        is_gone
    }

    pub(super) fn draw(&self) -> u32 {
        let mut random = self.random.get();
        random ^= random << 13;
        random ^= random >> 17;
        random ^= random << 5;
        self.random.set(random);
        random
    }

    pub(super) fn live(&self) -> Vec<Rc<Node>> {
        let numbers = self.buckets.iter().flat_map(|bucket| bucket.borrow().clone());
        numbers.map(|number| self.node(number)).collect()
    }

    pub(super) fn keys(&self) -> Vec<u64> {
        let mut keys: Vec<_> = self.live().iter().map(|node| node.key).collect();
        keys.sort_unstable();
        keys
    }

    fn run_before_cas(&self, seen: usize) {
        if let Some(act) = self.before_cas.take() {
            act(self, seen);
        }
    }
}

/// The host during one operation.
pub(super) struct View<'w> {
    pub(super) world: &'w World,
    pub(super) mine: Option<usize>,
}

impl Host for View<'_> {
    type Seen = usize;

    fn buckets(&self) -> usize {
        self.world.buckets.len()
    }

    fn visit(&self, bucket: usize, see: impl FnMut(usize)) {
        let numbers = self.world.bucket(bucket as u64).borrow().clone();
        numbers.into_iter().for_each(see);
    }

    fn visit_hash(&self, hash: u64, mut see: impl FnMut(usize)) {
        self.visit(low(hash), |number| {
            if self::hash(self.world.node(number).key) == hash {
                see(number);
            }
        });
    }

    fn prefetch(&self, _: usize) {}

    fn prefetch_hashes(&self, _: Option<u64>, _: Option<u64>) {}

    fn facts(&self, seen: usize) -> Facts<'_> {
        let node = Rc::as_ptr(&self.world.node(seen));
        // SAFETY: nodes are never taken out of `nodes`, which the world owns.
        let node = unsafe { &*node };
        Facts {
            usage: &node.usage,
            deadline: node.deadline,
            has_expired: node.deadline != 0 && node.deadline < self.world.now.get(),
            may_go: self.mine != Some(seen),
        }
    }

    fn bytes(&self, seen: usize) -> usize {
        self.world.node(seen).bytes
    }

    fn remove(&self, seen: usize, cause: Cause) -> bool {
        self.world.run_before_cas(seen);
        let removed = self.world.take_out(seen);
        if removed {
            self.world.removed.borrow_mut().push((self.world.node(seen).key, cause));
        }
        removed
    }

    fn confirm(&self, seen: usize) -> bool {
        self.world.run_before_cas(seen);
        self.world.bucket(hash(self.world.node(seen).key)).borrow().contains(&seen)
    }

    fn local(&self) -> &Local {
        &self.world.local
    }

    fn random(&self) -> u32 {
        self.world.draw()
    }

    fn retired_bytes(&self) -> u64 {
        self.world.retired.get()
    }

    fn own_retired_bytes(&self) -> u64 {
        0
    }

    fn used(&self) -> u64 {
        self.world.used.get() + self.world.retired.get()
    }

    fn fixed_bytes(&self) -> u64 {
        0
    }
}

fn hash(key: u64) -> u64 {
    let mixed = (key + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed ^ mixed >> 32).wrapping_mul(0xD6E8_FEB8_6659_FD93)
}

/// The lower bits of a hash, or a small number.
fn low(number: u64) -> usize {
    usize::try_from(number & 0xFFFF_FFFF).unwrap_or(usize::MAX)
}

pub(super) const ALL: [EvictionPolicy; 3] =
    [EvictionPolicy::AllKeysLru, EvictionPolicy::AllKeysLfu, EvictionPolicy::AllKeysRandom];
pub(super) const VOLATILE: [EvictionPolicy; 4] = [
    EvictionPolicy::VolatileLru,
    EvictionPolicy::VolatileLfu,
    EvictionPolicy::VolatileRandom,
    EvictionPolicy::VolatileTtl,
];
