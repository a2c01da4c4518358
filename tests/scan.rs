//! SCAN: what it promises while the table changes its size.

use memory_cache_pool::{CacheConfig, Error, ManualClock, MemoryCachePool, ScanOptions, ValueType};
use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

/// Keys that the tests write.
const KEYS: usize = if cfg!(miri) { 60 } else { 2_000 };

fn small_pool() -> MemoryCachePool {
    MemoryCachePool::new(CacheConfig::new().capacity(1)).unwrap_or_default()
}

fn key(number: usize) -> Vec<u8> {
    format!("key:{number}").into_bytes()
}

fn fill(pool: &MemoryCachePool, numbers: std::ops::Range<usize>) -> Result<(), Error> {
    numbers.into_iter().try_for_each(|number| pool.set(key(number), "x"))
}

#[test]
fn every_key_is_returned_and_each_once_while_nothing_changes() -> Result<(), Error> {
    let pool = small_pool();
    fill(&pool, 0..KEYS)?;
    // Until a move that is under way has ended, a key may be met on both sides of it.
    while pool.scan_iter(ScanOptions::new())?.count() > KEYS {
        pool.set(key(0), "x")?;
    }

    let keys: Vec<_> = pool.scan_iter(ScanOptions::new().count(7))?.collect();

    assert_eq!(keys.len(), KEYS);
    assert_eq!(keys.into_iter().collect::<BTreeSet<_>>(), (0..KEYS).map(key).collect());
    Ok(())
}

#[test]
fn a_key_that_is_there_throughout_is_returned_while_the_table_grows_and_shrinks()
-> Result<(), Error> {
    let pool = small_pool();
    fill(&pool, 0..50)?;
    let done = AtomicBool::new(false);

    thread::scope(|scope| {
        let (pool, done) = (&pool, &done);
        scope.spawn(move || {
            while !done.load(Relaxed) {
                let filled = fill(pool, 50..KEYS);
                assert_eq!(filled, Ok(()));
                assert!((50..KEYS).all(|number| pool.delete(key(number))));
            }
        });
        for _ in 0..if cfg!(miri) { 3 } else { 200 } {
            let seen: BTreeSet<_> = match pool.scan_iter(ScanOptions::new().count(3)) {
                Ok(keys) => keys.collect(),
                Err(error) => panic!("{error}"),
            };
            let missing: Vec<_> = (0..50).filter(|number| !seen.contains(&key(*number))).collect();
            done.store(!missing.is_empty(), Relaxed);
            assert_eq!(missing, Vec::<usize>::new());
        }
        done.store(true, Relaxed);
    });
    Ok(())
}

#[test]
fn a_scan_that_sees_the_table_grow_between_its_pages_misses_nothing() -> Result<(), Error> {
    for grown in [1, 3, 10, 40] {
        let pool = small_pool();
        fill(&pool, 0..KEYS / 10)?;

        let mut seen = BTreeSet::new();
        let (mut cursor, mut written) = (0, KEYS / 10);
        loop {
            let page = pool.scan(cursor, &ScanOptions::new().count(5))?;
            seen.extend(page.keys);
            cursor = page.cursor;
            fill(&pool, written..written + grown)?;
            written += grown;
            if cursor == 0 || written > 2 * KEYS {
                break;
            }
        }

        assert!(cursor != 0 || (0..KEYS / 10).all(|number| seen.contains(&key(number))));
    }
    Ok(())
}

#[test]
fn any_number_is_a_cursor_and_every_walk_ends() -> Result<(), Error> {
    let pool = small_pool();
    fill(&pool, 0..KEYS / 10)?;

    for start in [1, 2, 3, 1 << 31, 1 << 63, u64::MAX, u64::MAX - 1, 0x5555_5555_5555_5555] {
        let mut cursor = start;
        let mut pages = 0;
        while cursor != 0 || pages == 0 {
            cursor = pool.scan(cursor, &ScanOptions::new())?.cursor;
            pages += 1;
            assert!(pages <= KEYS, "a walk from {start} does not end");
        }
    }
    Ok(())
}

#[test]
fn pattern_and_type_leave_out_what_is_not_wanted() -> Result<(), Error> {
    let pool = MemoryCachePool::default();
    pool.mset(&[("quote:a", "1"), ("quote:b", "2"), ("order:a", "3")])?;
    pool.set_object("quote:c", Arc::new(5_u8))?;

    let scan =
        |options| -> Result<BTreeSet<Vec<u8>>, Error> { Ok(pool.scan_iter(options)?.collect()) };
    let quotes = scan(ScanOptions::new().pattern("quote:?"))?;
    let strings = scan(ScanOptions::new().pattern("quote:?").value_type(ValueType::String))?;
    let objects = scan(ScanOptions::new().value_type(ValueType::Object))?;

    assert_eq!(quotes.len(), 3);
    assert_eq!(strings, [b"quote:a".to_vec(), b"quote:b".to_vec()].into());
    assert_eq!(objects, [b"quote:c".to_vec()].into());
    Ok(())
}

#[test]
fn a_count_of_zero_is_refused() {
    let pool = MemoryCachePool::default();

    assert_eq!(pool.scan(0, &ScanOptions::new().count(0)), Err(Error::Syntax));
    assert!(pool.scan_iter(ScanOptions::new().count(0)).is_err());
}

#[test]
fn a_page_stays_short_when_few_buckets_are_filled() -> Result<(), Error> {
    let pool = MemoryCachePool::new(CacheConfig::new().capacity(100_000)).unwrap_or_default();
    pool.set("only", "one")?;

    let mut pages = 0;
    let mut cursor = 0;
    while cursor != 0 || pages == 0 {
        cursor = pool.scan(cursor, &ScanOptions::new().count(100))?.cursor;
        pages += 1;
    }

    assert!(pages > 10, "{pages} pages for 32,768 buckets");
    Ok(())
}

#[test]
fn an_expired_key_is_not_returned() -> Result<(), Error> {
    let clock = Arc::new(ManualClock::new(1_000));
    let pool = MemoryCachePool::new(CacheConfig::new().clock(clock.clone())).unwrap_or_default();
    pool.psetex("short", 10, "x")?;
    pool.set("long", "x")?;
    clock.advance(Duration::from_millis(11));

    let keys: Vec<_> = pool.scan_iter(ScanOptions::new())?.collect();

    assert_eq!(keys, [b"long".to_vec()]);
    assert_eq!(pool.dbsize(), 1);
    Ok(())
}
