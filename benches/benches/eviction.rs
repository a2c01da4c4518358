//! What does it cost to be full? Get, and on a miss insert, in caches of 100k entries, over a million
//! keys by Zipf's law with exponent 0.9, on 1, 2 and 8 threads.
//!
//! ```text
//! cargo bench -p memory-cache-pool-benches --bench eviction -- [--contenders NAME,NAME...]
//!     [--threads NUMBER,NUMBER...] [--rounds NUMBER]
//! ```
//!
//! Each contender warms up with two million requests. In each round all contenders take their turn,
//! twice: for throughput, without a clock in the loop, and for the latency of the whole request. What
//! is told is the median of the rounds, and the medians of what each round had in proportion to
//! `quick_cache` (or the first contender, where that is left out), so that what disturbs a round
//! disturbs both sides. Stretto, which takes fifty times as long, is given a part of the requests.

use memory_cache_pool::{CacheConfig, EvictionPolicy, MemoryCachePool};
use memory_cache_pool_benches::{
    keys::{Key, keys_of, value, zipf_of},
    round::{self, median},
};
use std::{
    env,
    hint::black_box,
    io::{self, Write as _},
    process::ExitCode,
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

const USAGE: &str = "usage: eviction [--contenders NAME,NAME...] [--threads NUMBER,NUMBER...] \
                     [--rounds NUMBER]";

/// The contender to which the others are set in proportion.
const REFERENCE: &str = "quick_cache";

/// What the command line asks for.
struct Options {
    scale: Scale,
    contenders: Vec<String>,
    threads: Vec<usize>,
}

impl Options {
    /// Reads the arguments; `None` when they make no sense.
    fn parse(mut arguments: impl Iterator<Item = String>) -> Option<Self> {
        let mut options =
            Self { scale: Scale::QUICK, contenders: Vec::new(), threads: vec![1, 2, 8] };
        let mut rounds = None;
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                // `cargo bench` says so, `cargo test` does not.
                "--bench" => options.scale = Scale::FULL,
                "--contenders" => {
                    options.contenders = arguments.next()?.split(',').map(str::to_owned).collect();
                    let is_known = |name: &String| NAMES.contains(&name.as_str());
                    options.contenders.iter().all(is_known).then_some(())?;
                }
                "--threads" => {
                    let numbers = arguments.next()?;
                    let numbers = numbers.split(',').map(|number| number.parse().ok());
                    options.threads = numbers.collect::<Option<_>>()?;
                    (!options.threads.contains(&0)).then_some(())?;
                }
                "--rounds" => rounds = Some(arguments.next()?.parse().ok().filter(|it| *it > 0)?),
                _ => return None,
            }
        }
        options.scale.rounds = rounds.unwrap_or(options.scale.rounds);
        Some(options)
    }

    /// Whether a contender is to be measured.
    fn wants(&self, contender: &str) -> bool {
        self.contenders.is_empty() || self.contenders.iter().any(|name| name == contender)
    }
}

/// What is measured: how many entries, and how many requests for which keys.
struct Scale {
    entries: usize,
    keys: u64,
    /// Requests of the warm-up; rounds take them in turn, a part at a time.
    requests: usize,
    /// Parts of the requests, two of which make a round.
    parts: usize,
    rounds: usize,
}

impl Scale {
    const QUICK: Self =
        Self { entries: 1_000, keys: 10_000, requests: 16_000, parts: 2, rounds: 1 };
    const FULL: Self =
        Self { entries: 100_000, keys: 1_000_000, requests: 2_000_000, parts: 8, rounds: 10 };
}

/// The contenders, in the order in which they are measured.
const NAMES: [&str; 7] = ["pool", "pool-lru", REFERENCE, "scc", "foyer", "moka", "stretto"];

fn pool(policy: EvictionPolicy, entries: usize) -> Box<dyn Cache> {
    let config = CacheConfig::new().max_keys(entries).eviction_policy(policy);
    Box::new(MemoryCachePool::new(config).unwrap_or_default())
}

/// A cache by the name of its contender.
fn cache(name: &str, entries: usize) -> Option<Box<dyn Cache>> {
    let hasher = Hasher::default();
    Some(match name {
        "pool" => pool(EvictionPolicy::AllKeysLfu, entries),
        "pool-lru" => pool(EvictionPolicy::AllKeysLru, entries),
        REFERENCE => Box::new(quick_cache::sync::Cache::with(
            entries,
            entries as u64,
            quick_cache::UnitWeighter,
            hasher,
            quick_cache::sync::DefaultLifecycle::default(),
        )),
        "scc" => Box::new(scc::HashCache::with_capacity_and_hasher(entries, entries, hasher)),
        "foyer" => Box::new(
            foyer_memory::CacheBuilder::new(entries)
                .with_eviction_config(foyer_memory::LfuConfig::default())
                .with_hash_builder(hasher)
                .build(),
        ),
        "moka" => Box::new(
            moka::sync::Cache::builder().max_capacity(entries as u64).build_with_hasher(hasher),
        ),
        "stretto" => {
            let most = i64::try_from(entries).ok()?;
            let builder = stretto::Cache::builder(entries * 10, most);
            // Without its threads it is no contender.
            Box::new(builder.set_ignore_internal_cost(true).finalize().ok()?)
        }
        _ => return None,
    })
}

/// A contender and what its rounds have come to.
struct Contender {
    name: &'static str,
    cache: Box<dyn Cache>,
    /// It warms up with one request of so many.
    warm_up_one_of: usize,
    /// It is measured with one request of so many.
    one_of: usize,
    rounds: Vec<Round>,
}

/// What one round has come to.
#[derive(Clone, Copy)]
struct Round {
    /// Millions of requests a second.
    rate: f64,
    /// Hits in percent.
    hits: f64,
    /// Latencies in nanoseconds, of as many requests of ten thousand as [`SHARES`] says.
    latencies: [f64; SHARES.len()],
}

/// Of ten thousand requests, those that are not slower.
const SHARES: [usize; 4] = [5_000, 9_900, 9_990, 9_999];
/// Which of them is set in proportion.
const TAIL: usize = 2;

impl Contender {
    fn new(name: &'static str, entries: usize) -> Option<Self> {
        let (warm_up_one_of, one_of) = if name == "stretto" { (4, 32) } else { (1, 1) };
        let cache = cache(name, entries)?;
        Some(Self { name, cache, warm_up_one_of, one_of, rounds: Vec::new() })
    }

    fn warm_up(&self, orders: &[Vec<Key>]) {
        let given = orders.iter().map(|keys| &keys[..keys.len() / self.warm_up_one_of]);
        throughput(&*self.cache, &given.collect::<Vec<_>>());
    }

    /// Runs the round of a number, with the parts of the requests whose turn it is.
    fn run(&mut self, round: usize, parts: usize, orders: &[Vec<Key>]) {
        let parts = parts * self.one_of;
        let part = |number: usize| -> Vec<_> {
            // From where the warm-up has ended.
            let nth = (parts / self.warm_up_one_of + number) % parts;
            orders
                .iter()
                .filter_map(|keys| keys.chunks_exact(keys.len() / parts).nth(nth))
                .collect()
        };
        let (rate, hits) = throughput(&*self.cache, &part(2 * round));
        let latencies = latencies(&*self.cache, &part(2 * round + 1));
        self.rounds.push(Round { rate, hits, latencies });
    }

    fn median(&self, of: impl Fn(&Round) -> f64) -> f64 {
        median(self.rounds.iter().map(of).collect())
    }

    /// The median of what each round had in proportion to another's.
    fn times(&self, other: &Self, of: impl Fn(&Round) -> f64) -> f64 {
        let pairs = self.rounds.iter().zip(&other.rounds);
        median(pairs.map(|(mine, others)| of(mine) / of(others)).collect())
    }
}

/// Gets a key, and inserts it when it is not there; whether it was.
fn request(cache: &dyn Cache, key: &Key) -> bool {
    let is_hit = cache.get(key);
    if !is_hit {
        cache.set(key, &value(1));
    }
    is_hit
}

/// A part without clocks: millions of requests a second, and hits in percent.
fn throughput(cache: &dyn Cache, orders: &[&[Key]]) -> (f64, f64) {
    let hits = AtomicU64::new(0);
    let taken = round::on_threads(orders.len(), |thread| {
        let found = orders[thread].iter().filter(|key| request(cache, key)).count();
        hits.fetch_add(found as u64, Relaxed);
    });
    let all = orders.iter().map(|keys| keys.len()).sum::<usize>();
    let all = f64::from(u32::try_from(all).unwrap_or(u32::MAX));
    let hits = f64::from(u32::try_from(hits.into_inner()).unwrap_or(u32::MAX));
    (all / taken.as_secs_f64() / 1e6, hits * 100.0 / all)
}

/// A part with a clock around each request: the latencies that [`SHARES`] asks for, in nanoseconds.
fn latencies(cache: &dyn Cache, orders: &[&[Key]]) -> [f64; SHARES.len()] {
    let all = Mutex::new(Vec::new());
    let _ = round::on_threads(orders.len(), |thread| {
        let mut times = Vec::with_capacity(orders[thread].len());
        for key in orders[thread] {
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
    SHARES.map(|share| all.get(all.len() * share / 10_000).copied().unwrap_or_default().into())
}

fn run(options: &Options, threads: usize) -> io::Result<()> {
    let scale = &options.scale;
    let orders: Vec<_> = (1..=threads as u64)
        .map(|seed| keys_of(&zipf_of(scale.keys, scale.requests / threads, 0.9, seed)))
        .collect();
    let wanted = NAMES.into_iter().filter(|name| options.wants(name));
    let mut contenders: Vec<_> =
        wanted.filter_map(|name| Contender::new(name, scale.entries)).collect();
    for contender in &contenders {
        contender.warm_up(&orders);
    }
    for round in 0..scale.rounds {
        for contender in &mut contenders {
            contender.run(round, scale.parts, &orders);
        }
    }
    report(&contenders, threads)
}

fn report(contenders: &[Contender], threads: usize) -> io::Result<()> {
    let named = contenders.iter().find(|contender| contender.name == REFERENCE);
    let Some(reference) = named.or(contenders.first()) else { return Ok(()) };
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "\n{threads} threads, in times of {0}'s (x)\n             M requests/s      x  hits %    held \
         \u{20} p50 ns   p99 ns  p99.9 ns      x  p99.99 ns",
        reference.name
    )?;
    for contender in contenders {
        let rate = contender.median(|round| round.rate);
        let times = contender.times(reference, |round| round.rate);
        let hits = contender.median(|round| round.hits);
        let held = contender.cache.len();
        write!(out, "{:<12} {rate:>12.2} {times:>6.2} {hits:>7.1} {held:>7}", contender.name)?;
        for (number, width) in [8, 8, 9, 10].into_iter().enumerate() {
            let nanos = contender.median(|round| round.latencies[number]);
            write!(out, " {nanos:>width$.0}")?;
            if number == TAIL {
                let times = contender.times(reference, |round| round.latencies[TAIL]);
                write!(out, " {times:>6.2}")?;
            }
        }
        if contender.one_of > 1 {
            write!(out, "  (of 1 request in {})", contender.one_of)?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn measure(options: &Options) -> io::Result<()> {
    options.threads.iter().try_for_each(|threads| run(options, *threads))
}

fn main() -> ExitCode {
    let Some(options) = Options::parse(env::args().skip(1)) else {
        let _ = writeln!(io::stderr(), "{USAGE}\ncontenders: {}", NAMES.join(","));
        return ExitCode::FAILURE;
    };
    match measure(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "eviction: {error}");
            ExitCode::FAILURE
        }
    }
}
