//! Hashes, command by command.

use memory_cache_pool::{
    CacheConfig, Error, ManualClock, MemoryCachePool, ScanOptions, SetOptions, Ttl,
};
use std::{collections::BTreeMap, sync::Arc};

type Done = Result<(), Error>;

/// Enough fields that the hash is a tree.
const MANY: usize = 500;

fn pool() -> MemoryCachePool {
    MemoryCachePool::default()
}

/// A pool with a hash of many fields.
fn large() -> Result<MemoryCachePool, Error> {
    let pool = pool();
    let pairs: Vec<_> = (0..MANY).map(|n| (format!("field:{n}"), n.to_string())).collect();
    pool.hset_many("h", &pairs)?;
    Ok(pool)
}

#[test]
fn a_field_has_the_value_that_was_set_last() -> Done {
    let pool = pool();

    assert!(pool.hset("h", "side", "buy")?);
    assert!(!pool.hset("h", "side", "sell")?);

    assert_eq!(pool.hget("h", "side")?.as_deref(), Some(&b"sell"[..]));
    assert_eq!(pool.hget("h", "price")?, None);
    assert_eq!(pool.hget("other", "side")?, None);
    Ok(())
}

#[test]
fn of_a_field_named_twice_the_last_value_counts_and_once() -> Done {
    let pool = pool();

    assert_eq!(pool.hset_many("h", &[("a", "1"), ("b", "2"), ("a", "3")])?, 2);

    let all = pool.hmget("h", &["a", "b", "c"])?;
    assert_eq!(all, [Some(b"3".to_vec()), Some(b"2".to_vec()), None]);
    assert_eq!(pool.hset_many::<&str, &str>("h", &[]), Err(Error::Syntax));
    Ok(())
}

#[test]
fn hsetnx_sets_what_is_not_there() -> Done {
    let pool = pool();

    assert!(pool.hsetnx("h", "a", "1")?);
    assert!(!pool.hsetnx("h", "a", "2")?);

    assert_eq!(pool.hgetall("h")?, [(b"a".to_vec(), b"1".to_vec())]);
    Ok(())
}

#[test]
fn a_small_hash_keeps_the_order_of_its_fields() -> Done {
    let pool = pool();
    pool.hset_many("h", &[("z", "1"), ("a", "22"), ("m", "")])?;

    assert_eq!(pool.hkeys("h")?, [b"z", b"a", b"m"]);
    assert_eq!(pool.hvals("h")?, [&b"1"[..], b"22", b""]);
    assert_eq!((pool.hlen("h")?, pool.hstrlen("h", "a")?, pool.hstrlen("h", "no")?), (3, 2, 0));
    assert!(pool.hexists("h", "m")? && !pool.hexists("h", "n")?);
    Ok(())
}

#[test]
fn the_key_goes_with_its_last_field() -> Done {
    let pool = large()?;
    let fields = pool.hkeys("h")?;
    assert_eq!(fields.len(), MANY);

    assert!(pool.hdel("h", &fields[0])?);
    assert!(!pool.hdel("h", &fields[0])?);
    assert_eq!(pool.hdel_many("h", &fields)?, MANY - 1);

    assert_eq!(pool.type_of("h"), None);
    assert_eq!((pool.dbsize(), pool.hdel("h", "x")?, pool.hlen("h")?), (0, false, 0));
    Ok(())
}

#[test]
fn hincrby_adds_to_the_number_in_a_field() -> Done {
    let pool = pool();

    assert_eq!(pool.hincrby("h", "n", 5)?, 5);
    assert_eq!(pool.hincrby("h", "n", -7)?, -2);
    pool.hset("h", "n", i64::MAX.to_string())?;
    assert_eq!(pool.hincrby("h", "n", 1), Err(Error::Overflow));
    pool.hset("h", "n", "01")?;
    assert_eq!(pool.hincrby("h", "n", 1), Err(Error::HashValueNotAnInteger));

    assert_eq!(pool.hget("h", "n")?.as_deref(), Some(&b"01"[..]));
    Ok(())
}

#[test]
fn hincrbyfloat_adds_as_redis_does() -> Done {
    let pool = pool();

    assert_eq!(pool.hincrbyfloat_text("h", "n", "0.1")?, b"0.1");
    assert_eq!(pool.hincrbyfloat_text("h", "n", "0.2")?, b"0.3");
    assert_eq!(pool.hincrbyfloat_text("h", "n", "x"), Err(Error::NotAFloat));
    pool.hset("h", "t", "text")?;
    assert_eq!(pool.hincrbyfloat_text("h", "t", "1"), Err(Error::HashValueNotAFloat));
    assert!((pool.hincrbyfloat("h", "n", 1.25)? - 1.55).abs() < 1e-12);
    Ok(())
}

#[test]
fn random_fields_are_different_ones_unless_the_count_is_negative() -> Done {
    let pool = large()?;

    let mut some = pool.hrandfield_count("h", 40)?;
    some.sort();
    some.dedup();
    assert_eq!(some.len(), 40);
    assert_eq!(pool.hrandfield_count("h", i64::MAX)?.len(), MANY);
    assert_eq!(pool.hrandfield_count("h", -1_200)?.len(), 1_200);
    assert_eq!(pool.hrandfield_count("h", 0)?, Vec::<Vec<u8>>::new());
    assert_eq!(pool.hrandfield_count("h", i64::MIN), Err(Error::OutOfRange));
    for (field, value) in pool.hrandfield_with_values("h", 10)? {
        assert_eq!(pool.hget("h", field)?, Some(value));
    }
    assert!(pool.hrandfield("h")?.is_some());
    assert_eq!((pool.hrandfield("no")?, pool.hrandfield_count("no", -3)?), (None, vec![]));
    Ok(())
}

#[test]
fn a_scan_shows_every_field() -> Done {
    let pool = large()?;
    let options = ScanOptions::new().count(20);
    let (mut cursor, mut seen, mut pages) = (0, BTreeMap::new(), 0);
    loop {
        let page = pool.hscan("h", cursor, &options)?;
        seen.extend(page.fields);
        pages += 1;
        cursor = page.cursor;
        if cursor == 0 {
            break;
        }
    }

    assert_eq!(seen.len(), MANY);
    assert!(pages > 5, "{pages} pages");
    let matching = ScanOptions::new().count(1_000_000).pattern("field:1?");
    assert_eq!(pool.hscan("h", 0, &matching)?.fields.len(), 10);
    assert_eq!(pool.hscan("h", 0, &ScanOptions::new().count(0)), Err(Error::Syntax));
    assert_eq!(pool.hscan("h", u64::MAX, &options)?.cursor, 0);
    Ok(())
}

#[test]
fn fields_are_shown_where_they_lie() -> Done {
    let pool = large()?;
    pool.hset("h", "note", "as it is")?;
    assert_eq!(pool.hget_with("h", "note", <[u8]>::len)?, Some(8));

    let pinned = pool.pin();
    let hash = pinned.hash("h")?.expect("the hash is there");
    pool.hset("h", "note", "as it will be")?;
    pool.delete("h");

    assert_eq!((hash.len(), hash.is_empty()), (MANY + 1, false));
    assert_eq!(hash.get("note").as_deref(), Some(&b"as it is"[..]));
    assert_eq!(hash.get("field:7").as_deref(), Some(&b"7"[..]));
    assert_eq!(hash.iter().count(), MANY + 1);
    assert!(pinned.hash("h")?.is_none());
    Ok(())
}

#[test]
fn writing_a_field_keeps_the_time_to_live() -> Done {
    let clock = Arc::new(ManualClock::new(1_000_000));
    let config = CacheConfig::new().clock(Arc::clone(&clock) as _);
    let pool = MemoryCachePool::new(config).unwrap();
    pool.hset("h", "a", "1")?;
    pool.pexpire("h", 500)?;

    pool.hset("h", "b", "2")?;
    pool.hincrby("h", "a", 1)?;
    pool.hdel("h", "b")?;
    assert_eq!(pool.pttl("h"), 500);

    clock.advance(std::time::Duration::from_millis(501));
    assert_eq!(pool.hgetall("h")?, []);
    assert!(pool.hset("h", "a", "1")?);
    assert_eq!(pool.time_to_live("h"), Ttl::Persistent);
    Ok(())
}

#[test]
fn a_large_hash_that_expires_is_no_part_of_what_takes_its_place() -> Done {
    let clock = Arc::new(ManualClock::new(1_000_000));
    let config = CacheConfig::new().clock(Arc::clone(&clock) as _);
    let pool = MemoryCachePool::new(config).unwrap();
    for round in 0..20 {
        let pairs: Vec<_> = (0..200).map(|n| (format!("{round}:{n}"), "x".repeat(n))).collect();
        pool.hset_many("h", &pairs)?;
        pool.pexpire("h", 10)?;
        clock.advance(std::time::Duration::from_millis(11));
        pool.hset("h", "only", "this")?;
        assert_eq!(pool.hlen("h")?, 1);
        pool.delete("h");
    }
    assert_eq!(pool.get_stats().record_bytes, 0);
    Ok(())
}

#[test]
fn strings_and_hashes_refuse_each_others_commands() -> Done {
    let pool = pool();
    pool.set("s", "text")?;
    pool.hset("h", "a", "1")?;

    assert_eq!(pool.hset("s", "a", "1"), Err(Error::WrongType));
    assert_eq!(pool.hget("s", "a"), Err(Error::WrongType));
    assert_eq!(pool.hincrby("s", "a", 1), Err(Error::WrongType));
    assert_eq!(pool.hdel("s", "a"), Err(Error::WrongType));
    assert_eq!(pool.get("h"), Err(Error::WrongType));
    assert_eq!(pool.append("h", "x"), Err(Error::WrongType));
    assert_eq!(pool.incr("h"), Err(Error::WrongType));
    assert_eq!(pool.lpush("h", "x"), Err(Error::WrongType));
    assert_eq!(pool.sadd("h", "x"), Err(Error::WrongType));
    assert_eq!(pool.set_options("h", "x", SetOptions::new().get()), Err(Error::WrongType));
    assert_eq!(pool.mget(&["h", "s"]), [None, Some(b"text".to_vec())]);
    assert_eq!(pool.get_object::<u8>("h"), Err(Error::WrongType));

    pool.set("h", "overwritten")?;
    assert_eq!(pool.get("h")?.as_deref(), Some(&b"overwritten"[..]));
    Ok(())
}
