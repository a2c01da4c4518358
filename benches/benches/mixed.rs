//! Reads with one write in twenty, over 100k keys by Zipf's law, on 1, 2 and 8 threads.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use memory_cache_pool_benches::{
    contender::{Contender, DashMap, Flurry, Moka, Papaya, Pool, QuickCache, Scc, ShardedMutex},
    keys::{keys_of, zipf},
    round,
};

/// Operations of one iteration and thread.
const OPS: usize = 10_000;

/// One operation in so many is a write.
const WRITE_EVERY: usize = 20;

fn threads<C: Contender + Sync>(criterion: &mut Criterion) {
    let orders: Vec<_> = (1..=8).map(|seed| keys_of(&zipf(100_000, 1 << 14, seed))).collect();
    let contender: C = round::filled(100_000);
    for threads in [1, 2, 8] {
        let mut group = criterion.benchmark_group(format!("95/5 on 100k zipf, {threads} threads"));
        group.throughput(Throughput::Elements((threads * OPS) as u64));
        group.sample_size(20);
        group.bench_function(C::NAME, |bencher| {
            bencher.iter(|| {
                round::on_threads(threads, |thread| {
                    let _ = round::mix(&contender, &orders[thread], WRITE_EVERY, OPS);
                })
            });
        });
    }
}

fn all(criterion: &mut Criterion) {
    threads::<Pool>(criterion);
    threads::<Papaya>(criterion);
    threads::<Flurry>(criterion);
    threads::<DashMap>(criterion);
    threads::<Scc>(criterion);
    threads::<QuickCache>(criterion);
    threads::<Moka>(criterion);
    threads::<ShardedMutex>(criterion);
}

criterion_group!(benches, all);
criterion_main!(benches);
