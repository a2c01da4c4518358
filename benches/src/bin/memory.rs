//! Resident memory per entry, and which share of it is key and value: a million keys of 16 bytes with
//! values of 64, or what else is asked for, in this fresh process.
//!
//! `memory CONTENDER [ENTRIES [KEY_BYTES VALUE_BYTES]]`

use memory_cache_pool_benches::{
    contender::{Contender, DashMap, Flurry, Moka, Papaya, Pool, QuickCache, Scc, ShardedMutex},
    resident::resident,
};
use std::{
    env,
    io::{self, Write},
    process::ExitCode,
};

/// What the contender is filled with.
struct Load {
    entries: u64,
    key_len: usize,
    value_len: usize,
}

fn fill<C: Contender>(load: &Load) -> C {
    let contender = C::with_capacity(usize::try_from(load.entries).unwrap_or(usize::MAX));
    let (value, width) = (vec![b'v'; load.value_len], load.key_len.saturating_sub(1));
    for number in 0..load.entries {
        let key = format!("k{number:0width$}");
        contender.set(key.as_bytes(), &value);
    }
    contender
}

#[expect(clippy::cast_precision_loss, reason = "bytes of one machine")]
fn measure<C: Contender>(load: &Load) -> Option<f64> {
    let before = resident()?;
    let contender: C = fill(load);
    let after = resident()?;
    drop(contender);
    Some((after - before) as f64 / load.entries as f64)
}

fn run() -> Option<String> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let (name, numbers) = arguments.split_first()?;
    let numbers: Vec<usize> =
        numbers.iter().map(|text| text.parse().ok()).collect::<Option<_>>()?;
    let entries = numbers.first().map_or(1_000_000, |entries| *entries as u64);
    let (key_len, value_len) = match numbers.get(1..) {
        Some([key_len, value_len]) => (*key_len, *value_len),
        _ => (16, 64),
    };
    let load = Load { entries, key_len, value_len };
    let bytes = match name.as_str() {
        Pool::NAME => measure::<Pool>(&load),
        Papaya::NAME => measure::<Papaya>(&load),
        Flurry::NAME => measure::<Flurry>(&load),
        DashMap::NAME => measure::<DashMap>(&load),
        Scc::NAME => measure::<Scc>(&load),
        QuickCache::NAME => measure::<QuickCache>(&load),
        Moka::NAME => measure::<Moka>(&load),
        ShardedMutex::NAME => measure::<ShardedMutex>(&load),
        _ => None,
    }?;
    let payload = f64::from(u32::try_from(key_len + value_len).ok()?);
    let share = payload * 100.0 / bytes;
    Some(format!("{name:16}{bytes:6.1} bytes an entry, {share:.1} % of them key and value"))
}

fn main() -> ExitCode {
    let Some(told) = run() else {
        let usage = "usage: memory CONTENDER [ENTRIES [KEY_BYTES VALUE_BYTES]]";
        let _ = writeln!(io::stderr(), "{usage}");
        return ExitCode::FAILURE;
    };
    match writeln!(io::stdout(), "{told}") {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
