//! Resident memory per entry: a million keys of 16 bytes with values of 64, in this fresh process.
//!
//! `memory CONTENDER [ENTRIES]`

use memory_cache_pool_benches::{
    contender::{Contender, DashMap, Flurry, Moka, Papaya, Pool, QuickCache, Scc, ShardedMutex},
    resident::resident,
};
use std::{
    env,
    io::{self, Write},
    process::ExitCode,
};

fn fill<C: Contender>(entries: u64) -> C {
    let contender = C::with_capacity(usize::try_from(entries).unwrap_or(usize::MAX));
    for number in 0..entries {
        let key = format!("k{number:015}");
        contender.set(key.as_bytes(), &[b'v'; 64]);
    }
    contender
}

#[expect(clippy::cast_precision_loss, reason = "bytes of one machine")]
fn measure<C: Contender>(entries: u64) -> Option<f64> {
    let before = resident()?;
    let contender: C = fill(entries);
    let after = resident()?;
    drop(contender);
    Some((after - before) as f64 / entries as f64)
}

fn run() -> Option<(String, f64)> {
    let name = env::args().nth(1)?;
    let entries = env::args().nth(2).map_or(Some(1_000_000), |text| text.parse().ok())?;
    let bytes = match name.as_str() {
        Pool::NAME => measure::<Pool>(entries),
        Papaya::NAME => measure::<Papaya>(entries),
        Flurry::NAME => measure::<Flurry>(entries),
        DashMap::NAME => measure::<DashMap>(entries),
        Scc::NAME => measure::<Scc>(entries),
        QuickCache::NAME => measure::<QuickCache>(entries),
        Moka::NAME => measure::<Moka>(entries),
        ShardedMutex::NAME => measure::<ShardedMutex>(entries),
        _ => None,
    };
    Some((name, bytes?))
}

fn main() -> ExitCode {
    let Some((name, bytes)) = run() else {
        let _ = writeln!(io::stderr(), "usage: memory CONTENDER [ENTRIES]");
        return ExitCode::FAILURE;
    };
    match writeln!(io::stdout(), "{name:16}{bytes:6.1} bytes an entry") {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
