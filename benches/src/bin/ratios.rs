//! The bars: each workload on every contender in turn, round after round, and the medians of the
//! same-round ratios.
//!
//! `cargo run --release -p memory-cache-pool-benches --bin ratios [ROUNDS [REPEATS [FILTER]]]`

use memory_cache_pool_benches::{
    contender::{
        Contender, Counter, DashMap, DashMapInPlace, Floor, Flurry, Moka, Papaya, Pool, QuickCache,
        Scc, ShardedMutex,
    },
    keys::{Key, key, keys_of, shuffled, zipf},
    round::{self, median},
};
use std::{
    env,
    io::{self, Write},
    process::ExitCode,
    time::Duration,
};

/// One contender's round of a workload.
struct Entry {
    name: &'static str,
    run: Box<dyn Fn() -> Duration>,
}

/// What the pool's throughput is divided by.
#[derive(Clone, Copy)]
enum Against {
    /// The best of the concurrent maps, single and locked ones alike.
    BestMap,
    /// One contender.
    Peer(&'static str),
}

/// A ratio that has to be reached.
struct Bar {
    against: Against,
    at_least: f64,
}

/// A workload with its contenders and bars; the pool is the first entry.
struct Workload {
    name: &'static str,
    /// Operations per round, of all threads.
    ops: usize,
    bars: Vec<Bar>,
    build: fn(usize) -> Vec<Entry>,
}

const MAPS: [&str; 5] = ["papaya", "flurry", "dashmap", "scc", "sharded-mutex"];

fn entry<C: Contender + 'static>(keys: u64, run: impl Fn(&C) -> Duration + 'static) -> Entry {
    let contender: C = round::filled(keys);
    Entry { name: C::NAME, run: Box::new(move || run(&contender)) }
}

/// The same round on every contender that threads may share, and on the floor.
macro_rules! on_all {
    ($keys:expr, $round:expr) => {
        vec![
            entry::<Pool>($keys, $round),
            entry::<Papaya>($keys, $round),
            entry::<Flurry>($keys, $round),
            entry::<DashMap>($keys, $round),
            entry::<Scc>($keys, $round),
            entry::<QuickCache>($keys, $round),
            entry::<Moka>($keys, $round),
            entry::<ShardedMutex>($keys, $round),
        ]
    };
}

fn sequential_get(keys: u64, ops: usize) -> Vec<Entry> {
    let order: &'static [Key] = keys_of(&shuffled(keys, 1)).leak();
    let mut entries = on_all!(keys, move |c| round::get(c, order, ops));
    entries.push(entry::<Floor>(keys, move |c| round::get(c, order, ops)));
    entries
}

fn dependent_get(keys: u64, ops: usize) -> Vec<Entry> {
    let mut entries = on_all!(keys, move |c| round::get_dependent(c, keys, ops));
    entries.push(entry::<Floor>(keys, move |c| round::get_dependent(c, keys, ops)));
    entries
}

fn sequential_set(keys: u64, ops: usize) -> Vec<Entry> {
    let order: &'static [Key] = keys_of(&shuffled(keys, 1)).leak();
    let mut entries = on_all!(keys, move |c| round::set(c, order, ops));
    entries.push(entry::<DashMapInPlace>(keys, move |c| round::set(c, order, ops)));
    entries.push(entry::<Floor>(keys, move |c| round::set(c, order, ops)));
    entries
}

fn batched_get(keys: u64, batch: usize, ops: usize) -> Vec<Entry> {
    let order: &'static [Key] = keys_of(&shuffled(keys, 1)).leak();
    let mut entries = on_all!(keys, move |c| round::get(c, order, ops));
    entries[0] = entry::<Pool>(keys, move |c| round::get_many(c, order, batch, ops));
    entries
}

fn hot_get(threads: usize, ops: usize) -> Vec<Entry> {
    let hot: &'static [Key] = vec![key(500)].leak();
    let each = ops / threads;
    on_all!(1_000, move |c| round::on_threads(threads, |_| {
        let _ = round::get(c, hot, each);
    }))
}

fn parallel_set(threads: usize, ops: usize) -> Vec<Entry> {
    let orders: Vec<_> =
        (0..threads as u64).map(|seed| keys_of(&zipf(100_000, 1 << 17, seed + 1))).collect();
    let orders: &'static [Vec<Key>] = orders.leak();
    let each = ops / threads;
    let mut entries = on_all!(100_000, move |c| round::on_threads(threads, |thread| {
        let _ = round::set(c, &orders[thread], each);
    }));
    entries.push(entry::<DashMapInPlace>(100_000, move |c| {
        round::on_threads(threads, |thread| {
            let _ = round::set(c, &orders[thread], each);
        })
    }));
    entries
}

fn parallel_mix(threads: usize, ops: usize) -> Vec<Entry> {
    let orders: Vec<_> =
        (0..threads as u64).map(|seed| keys_of(&zipf(100_000, 1 << 17, seed + 1))).collect();
    let orders: &'static [Vec<Key>] = orders.leak();
    let each = ops / threads;
    on_all!(100_000, move |c| round::on_threads(threads, |thread| {
        let _ = round::mix(c, &orders[thread], 20, each);
    }))
}

fn hot_incr(threads: usize, ops: usize) -> Vec<Entry> {
    fn counting<C: Contender + Counter + Sync + 'static>(threads: usize, ops: usize) -> Entry {
        let run = move |c: &C| {
            round::on_threads(threads, |_| {
                let _ = round::incr(c, b"orders:sent:today:000001", ops / threads);
            })
        };
        entry::<C>(0, run)
    }
    vec![
        counting::<Pool>(threads, ops),
        counting::<DashMap>(threads, ops),
        counting::<ShardedMutex>(threads, ops),
    ]
}

fn bar(against: Against, at_least: f64) -> Bar {
    Bar { against, at_least }
}

fn workloads() -> Vec<Workload> {
    use Against::{BestMap, Peer};
    type Row = (&'static str, usize, Vec<Bar>, fn(usize) -> Vec<Entry>);
    let all: [Row; 17] = [
        ("get 1k", 4_000_000, vec![bar(BestMap, 1.0), bar(Peer("quick_cache"), 1.4)], |ops| {
            sequential_get(1_000, ops)
        }),
        ("get 1k dependent", 2_000_000, vec![], |ops| dependent_get(1_000, ops)),
        ("get 100k", 2_000_000, vec![], |ops| sequential_get(100_000, ops)),
        ("get 1M", 1_000_000, vec![bar(BestMap, 1.2)], |ops| sequential_get(1_000_000, ops)),
        ("get 1M dependent", 500_000, vec![bar(BestMap, 1.5)], |ops| dependent_get(1_000_000, ops)),
        ("get_many of 8, 1M", 1_000_000, vec![bar(BestMap, 2.5)], |ops| {
            batched_get(1_000_000, 8, ops)
        }),
        ("get_many of 16, 1M", 1_000_000, vec![bar(BestMap, 2.5)], |ops| {
            batched_get(1_000_000, 16, ops)
        }),
        ("hot get, 2 threads", 8_000_000, vec![bar(Peer("papaya"), 0.9)], |ops| hot_get(2, ops)),
        ("hot get, 8 threads", 16_000_000, vec![bar(Peer("papaya"), 0.9)], |ops| hot_get(8, ops)),
        ("set 1k", 2_000_000, vec![bar(Peer("dashmap"), 1.0)], |ops| sequential_set(1_000, ops)),
        ("set 100k", 1_000_000, vec![bar(Peer("dashmap"), 1.0)], |ops| {
            sequential_set(100_000, ops)
        }),
        ("set 1M", 1_000_000, vec![bar(Peer("dashmap"), 1.0)], |ops| {
            sequential_set(1_000_000, ops)
        }),
        (
            "set 100k zipf, 4 threads",
            2_000_000,
            vec![bar(Peer("dashmap"), 0.9), bar(Peer("papaya"), 3.0)],
            |ops| parallel_set(4, ops),
        ),
        ("mix 95/5 zipf, 2 threads", 2_000_000, vec![], |ops| parallel_mix(2, ops)),
        ("incr, 1 thread", 4_000_000, vec![bar(BestMap, 0.8)], |ops| hot_incr(1, ops)),
        ("incr, 2 threads", 4_000_000, vec![bar(BestMap, 0.8)], |ops| hot_incr(2, ops)),
        ("incr, 8 threads", 4_000_000, vec![bar(BestMap, 0.8)], |ops| hot_incr(8, ops)),
    ];
    let workload = |(name, ops, bars, build)| Workload { name, ops, bars, build };
    all.into_iter().map(workload).collect()
}

/// The nanoseconds per operation of each entry, round by round.
fn measure(entries: &[Entry], ops: usize, rounds: usize) -> Vec<Vec<f64>> {
    #[expect(clippy::cast_precision_loss, reason = "a few million")]
    let nanos = |time: Duration| time.as_secs_f64() * 1e9 / ops as f64;
    let mut times = vec![Vec::new(); entries.len()];
    for round in 0..=rounds {
        for step in 0..entries.len() {
            // Everybody comes first equally often.
            let index = (step + round) % entries.len();
            let time = nanos((entries[index].run)());
            if round > 0 {
                times[index].push(time);
            }
        }
    }
    times
}

/// The median over rounds of what the pool is faster by.
fn ratio(entries: &[Entry], times: &[Vec<f64>], against: Against) -> f64 {
    let is_meant = |name: &str| match against {
        Against::BestMap => MAPS.contains(&name),
        Against::Peer(peer) => name == peer,
    };
    let best = |round: usize| {
        let peers = entries.iter().zip(times).filter(|(entry, _)| is_meant(entry.name));
        peers.map(|(_, times)| times[round]).fold(f64::INFINITY, f64::min)
    };
    median((0..times[0].len()).map(|round| best(round) / times[0][round]).collect())
}

/// Runs one workload and says whether it reached its bars.
fn judge(workload: &Workload, rounds: usize, out: &mut impl Write) -> io::Result<bool> {
    let entries = (workload.build)(workload.ops);
    let times = measure(&entries, workload.ops, rounds);
    write!(out, "{:26}", workload.name)?;
    for (entry, times) in entries.iter().zip(&times) {
        write!(out, "  {} {:.1}", entry.name, median(times.clone()))?;
    }
    writeln!(out, "  ns")?;
    let mut all_reached = true;
    for bar in &workload.bars {
        let reached = ratio(&entries, &times, bar.against);
        let peer = match bar.against {
            Against::BestMap => "the best map",
            Against::Peer(peer) => peer,
        };
        let verdict = if reached >= bar.at_least { "reached" } else { "MISSED" };
        writeln!(out, "    {reached:.2} x {peer} (bar {:.2}): {verdict}", bar.at_least)?;
        all_reached &= reached >= bar.at_least;
    }
    out.flush()?;
    Ok(all_reached)
}

fn main() -> io::Result<ExitCode> {
    let mut arguments = env::args().skip(1);
    let mut number =
        |default| arguments.next().and_then(|text| text.parse().ok()).unwrap_or(default);
    let (rounds, repeats) = (number(7), number(3));
    let filter = env::args().nth(3).unwrap_or_default();
    let mut out = io::stdout().lock();
    let mut all_reached = true;
    for repeat in 1..=repeats {
        writeln!(out, "repeat {repeat} of {repeats}, {rounds} rounds, ns per operation")?;
        for workload in workloads().iter().filter(|workload| workload.name.contains(&filter)) {
            all_reached &= judge(workload, rounds, &mut out)?;
        }
    }
    Ok(if all_reached { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
