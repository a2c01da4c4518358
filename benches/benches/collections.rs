//! Hashes, lists and sets against maps of the standard library's collections behind locks.
//!
//! Rounds of the contenders alternate in one run, and the median round is shown: nanoseconds per
//! operation, all threads together. `COLLECTIONS=quick` makes few rounds.

#![expect(clippy::print_stdout, reason = "it prints a table")]

use dashmap::DashMap;
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use hdrhistogram::Histogram;
use memory_cache_pool::MemoryCachePool;
use memory_cache_pool_benches as _;
use std::{
    collections::{HashSet, VecDeque},
    hash::BuildHasher,
    hint::black_box,
    sync::{
        Barrier, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

type Bytes = Vec<u8>;

/// A value of the maps behind locks.
enum Value {
    Hash(HashMap<Bytes, Bytes, RandomState>),
    List(VecDeque<Bytes>),
    Set(HashSet<Bytes, RandomState>),
}

/// What is measured of each contender.
trait Keyspace: Sync + Default {
    const NAME: &'static str;
    fn hset(&self, key: &[u8], field: &[u8], value: &[u8]);
    fn hget(&self, key: &[u8], field: &[u8]) -> usize;
    fn hgetall(&self, key: &[u8]) -> usize;
    fn lpush(&self, key: &[u8], element: &[u8]);
    fn rpop(&self, key: &[u8]) -> usize;
    fn sadd(&self, key: &[u8], member: &[u8]);
    fn sismember(&self, key: &[u8], member: &[u8]) -> bool;
    fn delete(&self, key: &[u8]);
}

#[derive(Default)]
struct Pool(MemoryCachePool);

impl Keyspace for Pool {
    const NAME: &'static str = "pool";

    fn hset(&self, key: &[u8], field: &[u8], value: &[u8]) {
        let _ = self.0.hset(key, field, value);
    }

    fn hget(&self, key: &[u8], field: &[u8]) -> usize {
        self.0.hget_with(key, field, <[u8]>::len).ok().flatten().unwrap_or(0)
    }

    fn hgetall(&self, key: &[u8]) -> usize {
        self.0.hgetall(key).map_or(0, |all| all.len())
    }

    fn lpush(&self, key: &[u8], element: &[u8]) {
        let _ = self.0.lpush(key, element);
    }

    fn rpop(&self, key: &[u8]) -> usize {
        self.0.rpop(key).ok().flatten().map_or(0, |element| element.len())
    }

    fn sadd(&self, key: &[u8], member: &[u8]) {
        let _ = self.0.sadd(key, member);
    }

    fn sismember(&self, key: &[u8], member: &[u8]) -> bool {
        self.0.sismember(key, member).unwrap_or(false)
    }

    fn delete(&self, key: &[u8]) {
        self.0.delete(key);
    }
}

/// A map in which a value is used under its lock.
trait Locked: Sync + Default {
    const NAME: &'static str;
    fn with<R>(&self, key: &[u8], new: fn() -> Value, act: impl FnOnce(&mut Value) -> R) -> R;
    fn look<R>(&self, key: &[u8], look: impl FnOnce(&Value) -> R) -> Option<R>;
    fn remove(&self, key: &[u8]);
}

impl<L: Locked> Keyspace for L {
    const NAME: &'static str = <L as Locked>::NAME;

    fn hset(&self, key: &[u8], field: &[u8], value: &[u8]) {
        self.with(
            key,
            || Value::Hash(HashMap::default()),
            |found| {
                let Value::Hash(hash) = found else { return };
                match hash.get_mut(field) {
                    Some(place) => {
                        place.clear();
                        place.extend_from_slice(value);
                    }
                    None => drop(hash.insert(field.to_vec(), value.to_vec())),
                }
            },
        );
    }

    fn hget(&self, key: &[u8], field: &[u8]) -> usize {
        let found = self.look(key, |found| match found {
            Value::Hash(hash) => hash.get(field).map_or(0, Vec::len),
            _ => 0,
        });
        found.unwrap_or(0)
    }

    fn hgetall(&self, key: &[u8]) -> usize {
        let all = self.look(key, |found| match found {
            Value::Hash(hash) => hash.iter().map(|(f, v)| (f.clone(), v.clone())).collect(),
            _ => Vec::new(),
        });
        all.map_or(0, |all| all.len())
    }

    fn lpush(&self, key: &[u8], element: &[u8]) {
        self.with(
            key,
            || Value::List(VecDeque::new()),
            |found| {
                if let Value::List(list) = found {
                    list.push_front(element.to_vec());
                }
            },
        );
    }

    fn rpop(&self, key: &[u8]) -> usize {
        self.with(
            key,
            || Value::List(VecDeque::new()),
            |found| match found {
                Value::List(list) => list.pop_back().map_or(0, |element| element.len()),
                _ => 0,
            },
        )
    }

    fn sadd(&self, key: &[u8], member: &[u8]) {
        self.with(
            key,
            || Value::Set(HashSet::default()),
            |found| {
                if let Value::Set(set) = found
                    && !set.contains(member)
                {
                    set.insert(member.to_vec());
                }
            },
        );
    }

    fn sismember(&self, key: &[u8], member: &[u8]) -> bool {
        let found = self.look(key, |found| match found {
            Value::Set(set) => set.contains(member),
            _ => false,
        });
        found.unwrap_or(false)
    }

    fn delete(&self, key: &[u8]) {
        self.remove(key);
    }
}

#[derive(Default)]
struct Dash(DashMap<Bytes, Value, RandomState>);

impl Locked for Dash {
    const NAME: &'static str = "dashmap";

    fn with<R>(&self, key: &[u8], new: fn() -> Value, act: impl FnOnce(&mut Value) -> R) -> R {
        match self.0.get_mut(key) {
            Some(mut found) => act(&mut found),
            None => act(&mut self.0.entry(key.to_vec()).or_insert_with(new)),
        }
    }

    fn look<R>(&self, key: &[u8], look: impl FnOnce(&Value) -> R) -> Option<R> {
        self.0.get(key).map(|found| look(&found))
    }

    fn remove(&self, key: &[u8]) {
        self.0.remove(key);
    }
}

/// One of the maps that share the keys.
type Shard = Mutex<HashMap<Bytes, Value, RandomState>>;

struct Mutexes {
    hasher: RandomState,
    shards: Vec<Shard>,
}

impl Default for Mutexes {
    fn default() -> Self {
        Self { hasher: RandomState::default(), shards: (0..64).map(|_| Shard::default()).collect() }
    }
}

impl Mutexes {
    fn shard(&self, key: &[u8]) -> &Shard {
        &self.shards[usize::try_from(self.hasher.hash_one(key) >> 58).unwrap_or(0)]
    }
}

impl Locked for Mutexes {
    const NAME: &'static str = "mutexes";

    fn with<R>(&self, key: &[u8], new: fn() -> Value, act: impl FnOnce(&mut Value) -> R) -> R {
        let mut shard = self.shard(key).lock().unwrap_or_else(|broken| broken.into_inner());
        match shard.get_mut(key) {
            Some(found) => act(found),
            None => act(shard.entry(key.to_vec()).or_insert_with(new)),
        }
    }

    fn look<R>(&self, key: &[u8], look: impl FnOnce(&Value) -> R) -> Option<R> {
        let shard = self.shard(key).lock().unwrap_or_else(|broken| broken.into_inner());
        shard.get(key).map(look)
    }

    fn remove(&self, key: &[u8]) {
        let gone = {
            let mut shard = self.shard(key).lock().unwrap_or_else(|broken| broken.into_inner());
            shard.remove(key)
        };
        drop(gone);
    }
}

/// Operations of one thread in one round.
const OPS: usize = 20_000;

fn rounds() -> usize {
    if std::env::var("COLLECTIONS").is_ok_and(|how| how == "quick") { 5 } else { 15 }
}

/// What fills a keyspace.
type Fill = Box<dyn Fn(&dyn Use)>;

/// What one thread does in one round.
type Act = Box<dyn Fn(&dyn Use, usize) + Sync>;

/// What a workload does, for each contender.
struct Workload {
    name: String,
    fill: Fill,
    act: Act,
}

/// [`Keyspace`], as an object.
trait Use: Sync {
    fn hset(&self, key: &[u8], field: &[u8], value: &[u8]);
    fn hget(&self, key: &[u8], field: &[u8]) -> usize;
    fn lpush(&self, key: &[u8], element: &[u8]);
    fn rpop(&self, key: &[u8]) -> usize;
    fn sadd(&self, key: &[u8], member: &[u8]);
    fn sismember(&self, key: &[u8], member: &[u8]) -> bool;
}

impl<K: Keyspace> Use for K {
    fn hset(&self, key: &[u8], field: &[u8], value: &[u8]) {
        Keyspace::hset(self, key, field, value);
    }

    fn hget(&self, key: &[u8], field: &[u8]) -> usize {
        Keyspace::hget(self, key, field)
    }

    fn lpush(&self, key: &[u8], element: &[u8]) {
        Keyspace::lpush(self, key, element);
    }

    fn rpop(&self, key: &[u8]) -> usize {
        Keyspace::rpop(self, key)
    }

    fn sadd(&self, key: &[u8], member: &[u8]) {
        Keyspace::sadd(self, key, member);
    }

    fn sismember(&self, key: &[u8], member: &[u8]) -> bool {
        Keyspace::sismember(self, key, member)
    }
}

fn field(number: usize) -> [u8; 16] {
    let mut text = *b"field:0000000000";
    let digits = number.to_string();
    text[16 - digits.len()..].copy_from_slice(digits.as_bytes());
    text
}

/// A number below a bound that looks random.
fn mixed(step: usize, thread: usize, bound: usize) -> usize {
    let mixed = (step + thread * 7_919).wrapping_mul(0x9E37_79B9_7F4A_7C15_usize);
    (mixed >> 20) % bound
}

/// Hashes of so many fields, under so many keys.
fn hash_workloads(fields: usize, keys: usize, all: &mut Vec<Workload>) {
    let fill = move |space: &dyn Use| {
        for key in 0..keys {
            (0..fields).for_each(|n| space.hset(&field(key), &field(n), b"0123456789abcdef"));
        }
    };
    all.push(Workload {
        name: format!("HGET, {fields} fields"),
        fill: Box::new(fill),
        act: Box::new(move |space, thread| {
            for step in 0..OPS {
                let at = mixed(step, thread, keys * fields);
                black_box(space.hget(&field(at % keys), &field(at / keys)));
            }
        }),
    });
    all.push(Workload {
        name: format!("HSET, {fields} fields"),
        fill: Box::new(fill),
        act: Box::new(move |space, thread| {
            for step in 0..OPS {
                let at = mixed(step, thread, keys * fields);
                space.hset(&field(at % keys), &field(at / keys), b"fedcba9876543210");
            }
        }),
    });
}

fn workloads() -> Vec<Workload> {
    let mut all = Vec::new();
    hash_workloads(8, 1_000, &mut all);
    hash_workloads(128, 50, &mut all);
    hash_workloads(10_000, 1, &mut all);
    hash_workloads(1_000_000, 1, &mut all);
    for len in [10, 1_000, 1_000_000] {
        all.push(Workload {
            name: format!("LPUSH or RPOP, {len} elements"),
            fill: Box::new(move |space| (0..len).for_each(|n| space.lpush(b"list", &field(n)))),
            act: Box::new(|space, _| {
                for step in 0..OPS / 2 {
                    space.lpush(b"list", &field(step));
                    black_box(space.rpop(b"list"));
                }
            }),
        });
    }
    let fill = |space: &dyn Use| (0..10_000).for_each(|n| space.sadd(b"set", &field(n)));
    all.push(Workload {
        name: "SISMEMBER, 10000 members".to_owned(),
        fill: Box::new(fill),
        act: Box::new(|space, thread| {
            for step in 0..OPS {
                black_box(space.sismember(b"set", &field(mixed(step, thread, 20_000))));
            }
        }),
    });
    all
}

/// Nanoseconds per operation of one round.
fn round(space: &dyn Use, workload: &Workload, threads: usize) -> f64 {
    let barrier = Barrier::new(threads + 1);
    let spent = thread::scope(|scope| {
        for thread in 0..threads {
            let (barrier, act) = (&barrier, &workload.act);
            scope.spawn(move || {
                barrier.wait();
                act(space, thread);
                barrier.wait();
            });
        }
        barrier.wait();
        let begin = Instant::now();
        barrier.wait();
        begin.elapsed()
    });
    spent.as_secs_f64() * 1e9 / (threads * OPS) as f64
}

fn compare(workload: &Workload) {
    let spaces: [Box<dyn Use>; 3] =
        [Box::<Pool>::default(), Box::<Dash>::default(), Box::<Mutexes>::default()];
    spaces.iter().for_each(|space| (workload.fill)(&**space));
    for threads in [1, 2, 8] {
        let mut spent = [const { Vec::new() }; 3];
        for _ in 0..rounds() {
            for (space, spent) in spaces.iter().zip(&mut spent) {
                spent.push(round(&**space, workload, threads));
            }
        }
        let [pool, dash, mutexes] = spent.map(|mut all| {
            all.sort_by(f64::total_cmp);
            all[all.len() / 2]
        });
        println!("| {} | {threads} | {pool:.0} | {dash:.0} | {mutexes:.0} |", workload.name);
    }
}

/// Nanoseconds as microseconds.
fn micros(nanos: u64) -> String {
    format!("{}.{:01}", nanos / 1_000, nanos % 1_000 / 100)
}

/// HSET while another thread takes whole snapshots, and DEL of a million fields.
fn tails<K: Keyspace>() {
    let space = K::default();
    (0..10_000).for_each(|n| space.hset(b"hash", &field(n), b"0123456789abcdef"));
    let ends = AtomicBool::new(false);
    let mut times = Histogram::<u64>::new(3).unwrap_or_else(|_| unreachable!("three digits"));
    thread::scope(|scope| {
        scope.spawn(|| {
            while !ends.load(Relaxed) {
                black_box(space.hgetall(b"hash"));
            }
        });
        let begin = Instant::now();
        let mut step = 0;
        while begin.elapsed() < Duration::from_secs(2) {
            let at = Instant::now();
            space.hset(b"hash", &field(mixed(step, 0, 10_000)), b"fedcba9876543210");
            times.saturating_record(u64::try_from(at.elapsed().as_nanos()).unwrap_or(u64::MAX));
            step += 1;
        }
        ends.store(true, Relaxed);
    });
    (0..1_000_000).for_each(|n| space.hset(b"large", &field(n), b"0123456789abcdef"));
    let at = Instant::now();
    space.delete(b"large");
    let del = u64::try_from(at.elapsed().as_nanos()).unwrap_or(u64::MAX);
    println!(
        "| {} | {} | {} | {} | {} | {} |",
        K::NAME,
        micros(times.value_at_quantile(0.5)),
        micros(times.value_at_quantile(0.999)),
        micros(times.value_at_quantile(0.9999)),
        micros(times.max()),
        micros(del)
    );
}

fn main() {
    println!("| workload | threads | pool | dashmap | mutexes |");
    println!("|---|--:|--:|--:|--:|");
    workloads().iter().for_each(compare);
    println!();
    println!("| µs | HSET under HGETALL: p50 | p99.9 | p99.99 | most | DEL of 1M fields |");
    println!("|---|--:|--:|--:|--:|--:|");
    tails::<Pool>();
    tails::<Dash>();
    tails::<Mutexes>();
}
