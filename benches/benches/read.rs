//! Reads: GET at three sizes and on 1, 2 and 8 threads, and GET of many keys at once.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use memory_cache_pool_benches::{
    contender::{
        Contender, DashMap, Floor, Flurry, Moka, Papaya, Pool, QuickCache, Scc, ShardedMutex,
    },
    keys::{Key, keys_of, shuffled},
    round,
};

/// Operations of one iteration.
const OPS: usize = 10_000;

const SIZES: [(&str, u64); 3] = [("1k", 1_000), ("100k", 100_000), ("1M", 1_000_000)];

fn one_thread<C: Contender>(criterion: &mut Criterion) {
    for (size, keys) in SIZES {
        let order = keys_of(&shuffled(keys, 1));
        let contender: C = round::filled(keys);
        let mut group = criterion.benchmark_group(format!("get {size}, 1 thread"));
        group.throughput(Throughput::Elements(OPS as u64));
        group.bench_function(C::NAME, |bencher| {
            // Each iteration goes on where the one before has stopped.
            let mut rounds = order.chunks(OPS).cycle();
            bencher.iter(|| {
                let keys: &[Key] = rounds.next().unwrap_or(&order);
                round::get(&contender, keys, OPS)
            });
        });
    }
}

fn threads<C: Contender + Sync>(criterion: &mut Criterion) {
    let keys = 100_000;
    let order = keys_of(&shuffled(keys, 1));
    let contender: C = round::filled(keys);
    for threads in [2, 8] {
        let mut group = criterion.benchmark_group(format!("get 100k, {threads} threads"));
        group.throughput(Throughput::Elements(order.len() as u64));
        group.sample_size(20);
        let each = order.len() / threads;
        group.bench_function(C::NAME, |bencher| {
            bencher.iter(|| {
                round::on_threads(threads, |thread| {
                    let _ = round::get(&contender, &order[thread * each..][..each], each);
                })
            });
        });
    }
}

fn many(criterion: &mut Criterion) {
    let order = keys_of(&shuffled(1_000_000, 1));
    let pool: Pool = round::filled(1_000_000);
    let mut group = criterion.benchmark_group("get_many 1M");
    group.throughput(Throughput::Elements(OPS as u64));
    for batch in [1, 8, 16, 64] {
        let mut rounds = order.chunks(OPS).cycle();
        group.bench_function(BenchmarkId::from_parameter(batch), |bencher| {
            bencher.iter(|| round::get_many(&pool, rounds.next().unwrap_or(&order), batch, OPS));
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
    many(criterion);
}

criterion_group!(benches, all);
criterion_main!(benches);
