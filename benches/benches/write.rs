//! Writes: SET overwrites at three sizes and on 1, 2 and 8 threads, and INCR of one key.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use memory_cache_pool_benches::{
    contender::{
        Contender, Counter, DashMap, Floor, Flurry, Moka, Papaya, Pool, QuickCache, Scc,
        ShardedMutex,
    },
    keys::{Key, key, keys_of, shuffled, zipf},
    round,
};

/// Operations of one iteration.
const OPS: usize = 10_000;

const SIZES: [(&str, u64); 3] = [("1k", 1_000), ("100k", 100_000), ("1M", 1_000_000)];

fn one_thread<C: Contender>(criterion: &mut Criterion) {
    for (size, keys) in SIZES {
        let order = keys_of(&shuffled(keys, 1));
        let contender: C = round::filled(keys);
        let mut group = criterion.benchmark_group(format!("set {size}, 1 thread"));
        group.throughput(Throughput::Elements(OPS as u64));
        group.bench_function(C::NAME, |bencher| {
            let mut rounds = order.chunks(OPS).cycle();
            bencher.iter(|| {
                let keys: &[Key] = rounds.next().unwrap_or(&order);
                round::set(&contender, keys, OPS)
            });
        });
    }
}

fn threads<C: Contender + Sync>(criterion: &mut Criterion) {
    let orders: Vec<_> = (1..=8).map(|seed| keys_of(&zipf(100_000, 1 << 14, seed))).collect();
    let contender: C = round::filled(100_000);
    for threads in [2, 8] {
        let mut group = criterion.benchmark_group(format!("set 100k zipf, {threads} threads"));
        group.throughput(Throughput::Elements((threads * OPS) as u64));
        group.sample_size(20);
        group.bench_function(C::NAME, |bencher| {
            bencher.iter(|| {
                round::on_threads(threads, |thread| {
                    let _ = round::set(&contender, &orders[thread], OPS);
                })
            });
        });
    }
}

fn counting<C: Contender + Counter + Sync>(criterion: &mut Criterion) {
    let contender = C::with_capacity(100);
    let hot = key(1);
    for threads in [1, 2, 8] {
        let mut group = criterion.benchmark_group(format!("incr of one key, {threads} threads"));
        group.throughput(Throughput::Elements((threads * OPS) as u64));
        group.sample_size(20);
        group.bench_function(C::NAME, |bencher| {
            bencher.iter(|| {
                round::on_threads(threads, |_| {
                    let _ = round::incr(&contender, &hot, OPS);
                })
            });
        });
    }
}

fn all(criterion: &mut Criterion) {
    one_thread::<Pool>(criterion);
    one_thread::<Papaya>(criterion);
    one_thread::<Flurry>(criterion);
    one_thread::<DashMap>(criterion);
    one_thread::<Scc>(criterion);
    one_thread::<QuickCache>(criterion);
    one_thread::<Moka>(criterion);
    one_thread::<ShardedMutex>(criterion);
    one_thread::<Floor>(criterion);
    threads::<Pool>(criterion);
    threads::<Papaya>(criterion);
    threads::<Flurry>(criterion);
    threads::<DashMap>(criterion);
    threads::<Scc>(criterion);
    threads::<QuickCache>(criterion);
    threads::<Moka>(criterion);
    threads::<ShardedMutex>(criterion);
    counting::<Pool>(criterion);
    counting::<DashMap>(criterion);
    counting::<ShardedMutex>(criterion);
}

criterion_group!(benches, all);
criterion_main!(benches);
