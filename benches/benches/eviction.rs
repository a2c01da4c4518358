//! What does it cost to be full? Get, and on a miss insert, in caches of 100k entries, over a million
//! keys by Zipf's law with exponent 0.9, on 1, 2 and 8 threads.
//!
//! ```text
//! cargo bench -p memory-cache-pool-benches --bench eviction
//! ```
//!
//! Each contender warms up with as many requests as it is measured with. Throughput is measured
//! without a clock in the loop, in rounds in which all contenders take their turn, and told as the
//! median; latency is that of the whole request, measured in a round of its own.

use memory_cache_pool::{CacheConfig, EvictionPolicy, MemoryCachePool};
use memory_cache_pool_benches::{
    keys::{Key, keys_of, value, zipf_of},
    round,
};
use std::{
    env,
    hint::black_box,
    io::{self, Write as _},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Instant,
};

type Hasher = foldhash::fast::RandomState;
type Bytes = Box<[u8]>;

/// A cache under test.
trait Cache: Sync {
    /// Reads a key; false when it is not there.
    fn get(&self, key: &[u8]) -> bool;

    /// Sets a key.
    fn set(&self, key: &[u8], value: &[u8]);

    /// How many entries there are.
    fn len(&self) -> usize;
}

impl Cache for MemoryCachePool {
    fn get(&self, key: &[u8]) -> bool {
        matches!(self.get_with(key, |value| black_box(value).len()), Ok(Some(_)))
    }

    fn set(&self, key: &[u8], value: &[u8]) {
        let _ = Self::set(self, key, value);
    }

    fn len(&self) -> usize {
        self.dbsize()
    }
}

impl Cache for quick_cache::sync::Cache<Bytes, Arc<[u8]>, quick_cache::UnitWeighter, Hasher> {
    fn get(&self, key: &[u8]) -> bool {
        black_box(Self::get(self, key)).is_some()
    }

    fn set(&self, key: &[u8], value: &[u8]) {
        self.insert(key.into(), value.into());
    }

    fn len(&self) -> usize {
        Self::len(self)
    }
}

impl Cache for scc::HashCache<Bytes, Bytes, Hasher> {
    fn get(&self, key: &[u8]) -> bool {
        self.read_sync(key, |_, value| black_box(value).len()).is_some()
    }

    fn set(&self, key: &[u8], value: &[u8]) {
        let _ = self.put_sync(key.into(), value.into());
    }

    fn len(&self) -> usize {
        Self::len(self)
    }
}

impl Cache for foyer_memory::Cache<Bytes, Arc<[u8]>, Hasher> {
    fn get(&self, key: &[u8]) -> bool {
        black_box(Self::get(self, key)).is_some()
    }

    fn set(&self, key: &[u8], value: &[u8]) {
        self.insert(key.into(), value.into());
    }

    fn len(&self) -> usize {
        self.usage()
    }
}

impl Cache for moka::sync::Cache<Bytes, Arc<[u8]>, Hasher> {
    fn get(&self, key: &[u8]) -> bool {
        black_box(Self::get(self, key)).is_some()
    }

    fn set(&self, key: &[u8], value: &[u8]) {
        self.insert(key.into(), value.into());
    }

    fn len(&self) -> usize {
        self.iter().count()
    }
}

/// It has two threads of its own, and may drop what it is given.
impl Cache for stretto::Cache<Bytes, Bytes> {
    fn get(&self, key: &[u8]) -> bool {
        Self::get(self, key).is_some_and(|value| !black_box(value.value()).is_empty())
    }

    fn set(&self, key: &[u8], value: &[u8]) {
        let _ = self.insert(key.into(), value.into(), 1);
    }

    fn len(&self) -> usize {
        Self::len(self)
    }
}

/// What is measured: how many entries, and how many requests of each thread for which keys.
struct Scale {
    entries: usize,
    keys: u64,
    requests: usize,
    rounds: usize,
}

fn pool(policy: EvictionPolicy, entries: usize) -> Box<dyn Cache> {
    let config = CacheConfig::new().max_keys(entries).eviction_policy(policy);
    Box::new(MemoryCachePool::new(config).unwrap_or_default())
}

/// The contenders by name.
fn contenders(entries: usize) -> Vec<(&'static str, Box<dyn Cache>)> {
    let quick_cache = quick_cache::sync::Cache::with(
        entries,
        entries as u64,
        quick_cache::UnitWeighter,
        Hasher::default(),
        quick_cache::sync::DefaultLifecycle::default(),
    );
    let scc = scc::HashCache::with_capacity_and_hasher(entries, entries, Hasher::default());
    let foyer = foyer_memory::CacheBuilder::new(entries)
        .with_eviction_config(foyer_memory::LfuConfig::default())
        .with_hash_builder(Hasher::default())
        .build();
    let moka = moka::sync::Cache::builder().max_capacity(entries as u64);
    let most = i64::try_from(entries).unwrap_or(i64::MAX);
    let stretto = stretto::Cache::builder(entries * 10, most).set_ignore_internal_cost(true);
    let mut contenders: Vec<(_, Box<dyn Cache>)> = vec![
        ("pool lfu", pool(EvictionPolicy::AllKeysLfu, entries)),
        ("pool lru", pool(EvictionPolicy::AllKeysLru, entries)),
        ("quick_cache", Box::new(quick_cache)),
        ("scc", Box::new(scc)),
        ("foyer lfu", Box::new(foyer)),
        ("moka", Box::new(moka.build_with_hasher(Hasher::default()))),
    ];
    // Without its threads it is no contender.
    if let Ok(stretto) = stretto.finalize() {
        contenders.push(("stretto", Box::new(stretto)));
    }
    contenders
}

/// Gets a key, and inserts it when it is not there; whether it was.
fn request(cache: &dyn Cache, key: &Key) -> bool {
    let is_hit = cache.get(key);
    if !is_hit {
        cache.set(key, &value(1));
    }
    is_hit
}

/// One round without clocks: millions of requests a second, and hits in percent.
fn throughput(cache: &dyn Cache, orders: &[Vec<Key>]) -> (f64, f64) {
    let hits = AtomicU64::new(0);
    let taken = round::on_threads(orders.len(), |thread| {
        let found = orders[thread].iter().filter(|key| request(cache, key)).count();
        hits.fetch_add(found as u64, Relaxed);
    });
    let all = orders.iter().map(Vec::len).sum::<usize>();
    let all = f64::from(u32::try_from(all).unwrap_or(u32::MAX));
    let hits = f64::from(u32::try_from(hits.into_inner()).unwrap_or(u32::MAX));
    (all / taken.as_secs_f64() / 1e6, hits * 100.0 / all)
}

/// One round with a clock around each request: the latencies in nanoseconds, sorted.
fn latencies(cache: &dyn Cache, orders: &[Vec<Key>]) -> Vec<u32> {
    let all = Mutex::new(Vec::new());
    let _ = round::on_threads(orders.len(), |thread| {
        let mut times = Vec::with_capacity(orders[thread].len());
        for key in &orders[thread] {
            let start = Instant::now();
            black_box(request(cache, key));
            times.push(u32::try_from(start.elapsed().as_nanos()).unwrap_or(u32::MAX));
        }
        if let Ok(mut all) = all.lock() {
            all.append(&mut times);
        }
    });
    let mut all = all.into_inner().unwrap_or_default();
    all.sort_unstable();
    all
}

/// The value below which so many of ten thousand lie.
fn percentile(sorted: &[u32], of_ten_thousand: usize) -> u32 {
    sorted.get(sorted.len() * of_ten_thousand / 10_000).copied().unwrap_or_default()
}

fn run(scale: &Scale, threads: usize) -> io::Result<()> {
    let orders: Vec<_> = (1..=threads as u64)
        .map(|seed| keys_of(&zipf_of(scale.keys, scale.requests / threads, 0.9, seed)))
        .collect();
    let contenders = contenders(scale.entries);
    for (_, cache) in &contenders {
        throughput(&**cache, &orders);
    }
    let mut rates = vec![Vec::new(); contenders.len()];
    let mut hits = vec![0.0; contenders.len()];
    for _ in 0..scale.rounds {
        for (number, (_, cache)) in contenders.iter().enumerate() {
            let (rate, ratio) = throughput(&**cache, &orders);
            rates[number].push(rate);
            hits[number] = ratio;
        }
    }
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "\n{threads} threads     M requests/s  hits %  held   p50 ns   p99 ns  p99.9 ns  p99.99 ns"
    )?;
    for (number, (name, cache)) in contenders.iter().enumerate() {
        let held = cache.len();
        rates[number].sort_by(f64::total_cmp);
        let rate = rates[number][rates[number].len() / 2];
        let times = latencies(&**cache, &orders);
        let [p50, p99, p999, p9999] =
            [5_000, 9_900, 9_990, 9_999].map(|share| percentile(&times, share));
        let ratio = hits[number];
        writeln!(
            out,
            "{name:<12} {rate:>13.2} {ratio:>7.1} {held:>6} {p50:>7} {p99:>8} {p999:>9} {p9999:>10}"
        )?;
    }
    Ok(())
}

fn main() -> io::Result<()> {
    // `cargo bench` says `--bench`, `cargo test` does not.
    let is_quick = !env::args().any(|argument| argument == "--bench");
    let scale = if is_quick {
        Scale { entries: 1_000, keys: 10_000, requests: 10_000, rounds: 1 }
    } else {
        Scale { entries: 100_000, keys: 1_000_000, requests: 2_000_000, rounds: 5 }
    };
    for threads in [1, 2, 8] {
        run(&scale, threads)?;
    }
    Ok(())
}
