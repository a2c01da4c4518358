//! What a pool gives back: resident memory of this process when the pool is new, when it has grown to
//! many keys of 16 bytes with values of 64, and when all of them have been deleted.
//!
//! `give_back [ENTRIES]`

use memory_cache_pool::{CacheConfig, MemoryCachePool};
use memory_cache_pool_benches::resident::resident;
use std::{
    env,
    io::{self, Write},
    process::ExitCode,
};

const MEBIBYTE: u64 = 1 << 20;

fn key(number: u64) -> String {
    format!("k{number:015}")
}

fn run(out: &mut impl Write, entries: u64) -> io::Result<()> {
    let mut told = |when: &str, pool: &MemoryCachePool| {
        let bytes = resident().unwrap_or_default();
        writeln!(
            out,
            "{when:24}{:8} MiB resident{:8} MiB of the pool's own count{:10} keys",
            bytes / MEBIBYTE,
            pool.get_stats().memory_usage as u64 / MEBIBYTE,
            pool.dbsize(),
        )
    };
    let pool = MemoryCachePool::new(CacheConfig::new().capacity(1000)).unwrap_or_default();
    told("fresh", &pool)?;
    for (full, deleted) in [("full", "all deleted"), ("full again", "all deleted again")] {
        for number in 0..entries {
            let done = pool.set(key(number), [b'v'; 64]);
            debug_assert_eq!(done, Ok(()));
        }
        told(full, &pool)?;
        for number in 0..entries {
            pool.delete(key(number));
        }
        told(deleted, &pool)?;
    }
    Ok(())
}

fn main() -> ExitCode {
    let entries = env::args().nth(1).map_or(Ok(4_000_000), |text| text.parse());
    let mut out = io::stdout().lock();
    match entries.map(|entries| run(&mut out, entries)) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        _ => {
            let _ = writeln!(io::stderr(), "usage: give_back [ENTRIES]");
            ExitCode::FAILURE
        }
    }
}
