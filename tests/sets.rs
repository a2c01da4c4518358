//! Sets, command by command.

use memory_cache_pool::{Error, MemoryCachePool, ScanOptions};
use std::collections::BTreeSet;

type Done = Result<(), Error>;

/// Enough members that the set is a tree.
const MANY: usize = 500;

fn pool() -> MemoryCachePool {
    MemoryCachePool::default()
}

/// A pool with a set of many members.
fn large() -> Result<MemoryCachePool, Error> {
    let pool = pool();
    let members: Vec<_> = (0..MANY).map(|n| format!("member:{n}")).collect();
    assert_eq!(pool.sadd_many("s", &members)?, MANY);
    Ok(pool)
}

fn sorted(mut members: Vec<Vec<u8>>) -> String {
    members.sort();
    String::from_utf8_lossy(&members.join(&b' ')).into_owned()
}

#[test]
fn a_member_is_there_once() -> Done {
    let pool = pool();

    assert!(pool.sadd("s", "a")?);
    assert!(!pool.sadd("s", "a")?);
    assert_eq!(pool.sadd_many("s", &["a", "b", "b", "c"])?, 2);

    assert_eq!((pool.scard("s")?, sorted(pool.smembers("s")?)), (3, "a b c".to_owned()));
    assert!(pool.sismember("s", "b")? && !pool.sismember("s", "z")?);
    assert_eq!(pool.smismember("s", &["z", "c"])?, [false, true]);
    Ok(())
}

#[test]
fn the_key_goes_with_its_last_member() -> Done {
    let pool = large()?;
    let members = pool.smembers("s")?;

    assert!(pool.srem("s", &members[0])?);
    assert_eq!(pool.srem_many("s", &members)?, MANY - 1);

    assert_eq!((pool.exists("s"), pool.dbsize(), pool.scard("s")?), (false, 0, 0));
    assert!(!pool.srem("s", "a")?);
    Ok(())
}

#[test]
fn random_members_are_taken_until_none_is_left() -> Done {
    let pool = large()?;
    let mut seen = BTreeSet::new();

    seen.extend(pool.spop("s")?);
    seen.extend(pool.spop_count("s", 100)?);
    assert_eq!((seen.len(), pool.scard("s")?), (101, MANY - 101));
    seen.extend(pool.spop_count("s", usize::MAX)?);

    assert_eq!((seen.len(), pool.exists("s")), (MANY, false));
    assert_eq!((pool.spop("s")?, pool.spop_count("s", 3)?), (None, vec![]));
    Ok(())
}

#[test]
fn random_members_are_shown_and_stay() -> Done {
    let pool = large()?;

    let distinct: BTreeSet<_> = pool.srandmember_count("s", 300)?.into_iter().collect();
    assert_eq!(distinct.len(), 300);
    assert_eq!(pool.srandmember_count("s", -2_000)?.len(), 2_000);
    let drawn: BTreeSet<_> = pool.srandmember_count("s", -20_000)?.into_iter().collect();
    assert!(drawn.len() > MANY * 9 / 10, "{} of {MANY} were ever drawn", drawn.len());
    assert_eq!(pool.srandmember_count("s", i64::MIN), Err(Error::OutOfRange));
    assert!(pool.srandmember("s")?.is_some());
    assert_eq!(pool.srandmember("no")?, None);

    assert_eq!(pool.scard("s")?, MANY);
    Ok(())
}

#[test]
fn a_member_moves_from_set_to_set() -> Done {
    let pool = pool();
    pool.sadd_many("a", &["1", "2"])?;
    pool.set("text", "x")?;

    assert!(pool.smove("a", "b", "1")?);
    assert!(!pool.smove("a", "b", "1")?);
    assert!(pool.smove("a", "a", "2")?);
    assert!(!pool.smove("no", "text", "2")?);
    assert_eq!(pool.smove("a", "text", "2"), Err(Error::WrongType));

    assert_eq!(
        (sorted(pool.smembers("a")?), sorted(pool.smembers("b")?)),
        ("2".into(), "1".into())
    );
    Ok(())
}

#[test]
fn sets_are_intersected_united_and_subtracted() -> Done {
    let pool = pool();
    pool.sadd_many("a", &["1", "2", "3"])?;
    pool.sadd_many("b", &["2", "3", "4"])?;

    assert_eq!(sorted(pool.sinter(&["a", "b"])?), "2 3");
    assert_eq!(sorted(pool.sunion(&["a", "b", "no"])?), "1 2 3 4");
    assert_eq!(sorted(pool.sdiff(&["a", "b"])?), "1");
    assert_eq!(sorted(pool.sinter(&["a", "no"])?), "");
    assert_eq!((pool.sintercard(&["a", "b"], 0)?, pool.sintercard(&["a", "b"], 1)?), (2, 1));
    assert_eq!(pool.sintercard::<&str>(&[], 0), Err(Error::NotPositive));
    pool.set("text", "x")?;
    assert_eq!(pool.sinter(&["no", "text"]), Err(Error::WrongType));
    Ok(())
}

#[test]
fn a_stored_result_takes_the_place_of_whatever_was_there() -> Done {
    let pool = large()?;
    pool.sadd_many("a", &["1", "2", "member:1"])?;
    pool.set("to", "text")?;
    pool.pexpire("to", 100_000)?;

    assert_eq!(pool.sinterstore("to", &["a", "s"])?, 1);
    assert_eq!((pool.ttl("to"), sorted(pool.smembers("to")?)), (-1, "member:1".to_owned()));
    assert_eq!(pool.sunionstore("a", &["a", "s"])?, MANY + 2);
    assert_eq!(pool.sdiffstore("s", &["a", "s"])?, 2);
    assert_eq!(pool.sdiffstore("s", &["no", "a"])?, 0);

    assert_eq!((pool.exists("s"), pool.scard("a")?), (false, MANY + 2));
    Ok(())
}

#[test]
fn a_scan_shows_every_member() -> Done {
    let pool = large()?;
    let options = ScanOptions::new().count(30).pattern("*5");
    let (mut cursor, mut seen) = (0, BTreeSet::new());
    loop {
        let page = pool.sscan("s", cursor, &options)?;
        seen.extend(page.members);
        cursor = page.cursor;
        if cursor == 0 {
            break;
        }
    }
    assert_eq!(seen.len(), MANY / 10);
    Ok(())
}

#[test]
fn a_set_is_shown_where_it_lies() -> Done {
    let pool = large()?;
    let pinned = pool.pin();
    let set = pinned.set("s")?.expect("the set is there");
    pool.delete("s");

    assert_eq!((set.len(), set.is_empty(), set.iter().count()), (MANY, false, MANY));
    assert!(set.contains("member:77") && !set.contains("x"));
    Ok(())
}

#[test]
fn other_types_are_refused() -> Done {
    let pool = pool();
    pool.lpush("l", "x")?;

    assert_eq!(pool.sadd("l", "x"), Err(Error::WrongType));
    assert_eq!(pool.srem("l", "x"), Err(Error::WrongType));
    assert_eq!(pool.smembers("l"), Err(Error::WrongType));
    assert_eq!(pool.spop("l"), Err(Error::WrongType));
    assert_eq!(pool.smove("l", "s", "x"), Err(Error::WrongType));
    Ok(())
}
