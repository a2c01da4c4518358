//! Several threads while the table grows and shrinks under them: nothing is lost, nothing is
//! mistaken for another key's, and the counts are right at the end.

use memory_cache_pool::{CacheConfig, Error, MemoryCachePool, ScanOptions};
use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
};

/// Keys that each writer has at the height of a wave; waves of growing and shrinking.
const KEYS: u64 = 3_000;
const WAVES: u64 = if cfg!(pool_tsan) { 4 } else { 15 };
const WRITERS: u64 = 3;

/// Keys that are there from the beginning to the end.
const KEPT: u64 = 50;

fn small_pool() -> MemoryCachePool {
    MemoryCachePool::new(CacheConfig::new().capacity(1)).unwrap_or_default()
}

fn key(writer: u64, number: u64) -> [u8; 16] {
    let mut key = [0; 16];
    key[..8].copy_from_slice(&writer.to_be_bytes());
    key[8..].copy_from_slice(&number.to_be_bytes());
    key
}

/// A value that tells its key, and its number of the wave.
fn value(key: [u8; 16], wave: u64) -> Vec<u8> {
    let mut value = key.to_vec();
    value.extend_from_slice(&wave.to_be_bytes());
    value.resize(24 + usize::from(key[15] % 64), key[15]);
    value
}

/// The wave in which what is under `key` was written; fails if it was written under another.
fn wave_of(pool: &MemoryCachePool, key: [u8; 16]) -> Result<Option<u64>, Error> {
    pool.get_with(key, |bytes| {
        let mut wave = [0; 8];
        wave.copy_from_slice(&bytes[16..24]);
        let wave = u64::from_be_bytes(wave);
        assert_eq!(bytes, value(key, wave), "written under another key, or torn");
        wave
    })
}

/// Grows and shrinks: writes all keys of a writer, overwrites some, removes all; each answer is
/// known, since nobody else writes these keys.
fn write_waves(pool: &MemoryCachePool, writer: u64) -> Result<(), Error> {
    for wave in 0..WAVES {
        for number in 0..KEYS {
            let key = key(writer, number);
            assert!(pool.setnx(key, value(key, wave))?, "{number} was removed");
            assert_eq!(wave_of(pool, key)?, Some(wave));
        }
        for number in (0..KEYS).step_by(3) {
            let key = key(writer, number);
            pool.set(key, value(key, wave + WAVES))?;
        }
        for number in 0..KEYS {
            let key = key(writer, number);
            let written = if number % 3 == 0 { wave + WAVES } else { wave };
            assert_eq!(wave_of(pool, key)?, Some(written));
            assert!(pool.delete(key), "{number} is lost");
            assert_eq!(wave_of(pool, key)?, None);
        }
    }
    Ok(())
}

/// Reads what is kept, which is always there, and what writers come by with, which is theirs.
fn read_until(pool: &MemoryCachePool, has_ended: &AtomicBool) -> Result<u64, Error> {
    let mut met = 0;
    let mut number = 0;
    while !has_ended.load(Relaxed) {
        number += 1;
        assert!(wave_of(pool, key(WRITERS, number % KEPT))?.is_some(), "a kept key is lost");
        met += u64::from(wave_of(pool, key(number % WRITERS, number % KEYS))?.is_some());
    }
    Ok(met)
}

/// Overwrites what is kept.
fn overwrite_until(pool: &MemoryCachePool, has_ended: &AtomicBool) -> Result<(), Error> {
    let mut number = 0;
    while !has_ended.load(Relaxed) {
        let key = key(WRITERS, number % KEPT);
        pool.set(key, value(key, number))?;
        assert!(wave_of(pool, key)? >= Some(number), "older than what this thread has written");
        number += 1;
    }
    Ok(())
}

#[test]
fn no_key_is_lost_or_mistaken_while_the_table_grows_and_shrinks() -> Result<(), Error> {
    let pool = small_pool();
    let has_ended = AtomicBool::new(false);
    for number in 0..KEPT {
        pool.set(key(WRITERS, number), value(key(WRITERS, number), 0))?;
    }

    thread::scope(|scope| {
        let reader = scope.spawn(|| read_until(&pool, &has_ended));
        let overwriter = scope.spawn(|| overwrite_until(&pool, &has_ended));
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let pool = &pool;
                scope.spawn(move || write_waves(pool, writer))
            })
            .collect();
        let written: Vec<_> = writers.into_iter().map(|writer| writer.join().ok()).collect();
        has_ended.store(true, Relaxed);
        assert!(written.iter().all(|written| *written == Some(Ok(()))), "{written:?}");
        assert!(reader.join().is_ok_and(|met| met.is_ok()));
        assert_eq!(overwriter.join().ok(), Some(Ok(())));
    });

    let kept: BTreeSet<_> = (0..KEPT).map(|number| key(WRITERS, number).to_vec()).collect();
    assert_eq!(pool.dbsize(), kept.len());
    assert_eq!(pool.scan_iter(ScanOptions::new())?.collect::<BTreeSet<_>>(), kept);
    Ok(())
}

#[test]
fn each_key_is_inserted_once_and_removed_once_by_threads_that_race() -> Result<(), Error> {
    let pool = small_pool();
    let keys = KEYS / 2;
    let empty_bytes = pool.get_stats().table_bytes;
    let (mut has_grown, mut has_shrunk) = (false, false);

    for _ in 0..WAVES {
        let race = |work: &(dyn Fn(u64) -> Result<bool, Error> + Sync)| -> u64 {
            thread::scope(|scope| {
                let threads: Vec<_> = (0..WRITERS)
                    .map(|_| scope.spawn(|| (0..keys).filter(|n| work(*n) == Ok(true)).count()))
                    .collect();
                threads.into_iter().map(|thread| thread.join().map_or(0, |n| n as u64)).sum()
            })
        };

        let inserted = race(&|number| pool.setnx(key(0, number), value(key(0, number), 0)));
        assert_eq!(inserted, keys, "one thread of all inserts a key");
        assert_eq!(pool.dbsize() as u64, keys);
        let before = pool.get_stats().table_bytes;

        let removed = race(&|number| Ok(pool.delete(key(0, number))));
        assert_eq!(removed, keys, "one thread of all removes a key");
        assert_eq!(pool.dbsize(), 0);
        has_shrunk |= pool.get_stats().table_bytes < before;
        has_grown |= before > empty_bytes;
    }
    assert!(has_grown && has_shrunk, "the table stays as it is: nothing was tested");
    assert_eq!(pool.scan_iter(ScanOptions::new())?.count(), 0);
    Ok(())
}

#[test]
fn growth_by_inserts_alone_leaves_no_old_tables_behind() -> Result<(), Error> {
    let pool = small_pool();
    for number in 0..200_000 {
        pool.set(key(0, number), b"value")?;
    }
    for number in 0..2_000 {
        pool.set(key(1, number), b"value")?;
    }

    let stats = pool.get_stats();

    assert!(stats.retired_bytes < 300_000, "{stats:?}");
    Ok(())
}
