//! The work that valgrind's cachegrind counts: a fill, and then so many operations.
//!
//! `cachegrind CONTENDER get|set|incr|churn|fill|set_px|fill_px KEYS OPS` (`incr`, `churn`, which is get
//! and on a miss set in a tenth of the keys, and those with a time to live for the pool only); the
//! counts of `fill` (with the same keys) are
//! subtracted by whoever runs it. See `benches/cachegrind.sh`.

use memory_cache_pool::{CacheConfig, MemoryCachePool};
use memory_cache_pool_benches::{
    contender::{Contender, DashMap, Floor, Papaya, Pool},
    keys::{key, keys_of, shuffled, value, zipf_of},
    round,
};
use std::{
    env,
    io::{self, Write},
    process::ExitCode,
};

fn run<C: Contender>(operation: &str, keys: u64, ops: usize) -> Option<()> {
    let order = keys_of(&shuffled(keys, 1));
    let contender: C = round::filled(keys);
    match operation {
        "get" => drop(round::get(&contender, &order, ops)),
        "set" => drop(round::set(&contender, &order, ops)),
        "fill" => {}
        _ => return None,
    }
    // Freeing the contents is not what is counted.
    std::mem::forget(contender);
    Some(())
}

fn parse_and_run() -> Option<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [contender, operation, keys, ops] = arguments.as_slice() else { return None };
    let (keys, ops) = (keys.parse().ok()?, ops.parse().ok()?);
    match contender.as_str() {
        Pool::NAME if operation == "incr" => {
            let pool: Pool = round::filled(keys);
            let _ = round::incr(&pool, &key(keys), ops);
            std::mem::forget(pool);
            Some(())
        }
        Pool::NAME if matches!(operation.as_str(), "set_px" | "fill_px") => {
            let in_order: Vec<_> = (0..keys).map(key).collect();
            let pool = Pool::with_capacity(in_order.len());
            let _ = round::set_px(&pool, &in_order, 60_000, in_order.len());
            if operation == "set_px" {
                let _ = round::set_px(&pool, &keys_of(&shuffled(keys, 1)), 60_000, ops);
            }
            std::mem::forget(pool);
            Some(())
        }
        Pool::NAME if operation == "churn" => {
            let most = usize::try_from(keys / 10).unwrap_or(usize::MAX);
            let config = CacheConfig::new().max_keys(most);
            let pool = Pool(MemoryCachePool::new(config).unwrap_or_default());
            for key in keys_of(&zipf_of(keys, ops, 0.9, 1)) {
                if pool.get(&key).is_none() {
                    pool.set(&key, &value(1));
                }
            }
            std::mem::forget(pool);
            Some(())
        }
        Pool::NAME => run::<Pool>(operation, keys, ops),
        Papaya::NAME => run::<Papaya>(operation, keys, ops),
        DashMap::NAME => run::<DashMap>(operation, keys, ops),
        "hashbrown" => run::<Floor>(operation, keys, ops),
        _ => None,
    }
}

fn main() -> ExitCode {
    if parse_and_run().is_some() {
        return ExitCode::SUCCESS;
    }
    let usage = "usage: cachegrind pool|papaya|dashmap|hashbrown \
                 get|set|incr|churn|fill|set_px|fill_px KEYS OPS";
    let _ = writeln!(io::stderr(), "{usage}");
    ExitCode::FAILURE
}
