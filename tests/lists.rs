//! Lists, command by command.

use memory_cache_pool::{
    CacheConfig, Error, InsertPosition, ListEnd, MemoryCachePool, PushOptions,
};

type Done = Result<(), Error>;

/// Enough elements that the list has a middle.
const MANY: usize = 2_000;

fn pool() -> MemoryCachePool {
    MemoryCachePool::default()
}

/// A pool with a list of these elements.
fn with(elements: &[&str]) -> Result<MemoryCachePool, Error> {
    let pool = pool();
    pool.rpush_many("l", elements)?;
    Ok(pool)
}

/// A pool with a long list of numbers.
fn long() -> Result<MemoryCachePool, Error> {
    let pool = pool();
    for number in 0..MANY {
        pool.rpush("l", format!("tick:{number:06}"))?;
    }
    Ok(pool)
}

fn all(pool: &MemoryCachePool) -> Result<Vec<String>, Error> {
    let elements = pool.lrange("l", 0, -1)?;
    Ok(elements.iter().map(|element| String::from_utf8_lossy(element).into_owned()).collect())
}

#[test]
fn what_is_pushed_last_on_the_left_comes_first() -> Done {
    let pool = pool();

    assert_eq!(pool.lpush_many("l", &["a", "b", "c"])?, 3);
    assert_eq!(pool.rpush("l", "z")?, 4);

    assert_eq!(all(&pool)?, ["c", "b", "a", "z"]);
    Ok(())
}

#[test]
fn pushes_onto_what_must_exist_make_no_list() -> Done {
    let pool = pool();

    assert_eq!((pool.lpushx("l", "a")?, pool.rpushx("l", "a")?, pool.exists("l")), (0, 0, false));
    pool.rpush("l", "b")?;
    assert_eq!((pool.lpushx("l", "a")?, pool.rpushx("l", "c")?), (2, 3));

    assert_eq!(all(&pool)?, ["a", "b", "c"]);
    Ok(())
}

#[test]
fn a_long_list_is_a_queue_from_either_end() -> Done {
    let pool = long()?;

    assert_eq!(pool.llen("l")?, MANY);
    for number in 0..MANY / 2 {
        assert_eq!(pool.lpop("l")?, Some(format!("tick:{number:06}").into_bytes()));
        let last = MANY - 1 - number;
        assert_eq!(pool.rpop("l")?, Some(format!("tick:{last:06}").into_bytes()));
    }

    assert_eq!((pool.lpop("l")?, pool.exists("l"), pool.dbsize()), (None, false, 0));
    Ok(())
}

#[test]
fn several_elements_are_popped_at_once() -> Done {
    let pool = with(&["a", "b", "c", "d", "e"])?;

    assert_eq!(pool.lpop_count("l", 0)?, Some(vec![]));
    assert_eq!(pool.lpop_count("l", 2)?, Some(vec![b"a".to_vec(), b"b".to_vec()]));
    assert_eq!(pool.rpop_count("l", 9)?.map(|popped| popped.len()), Some(3));
    assert_eq!(pool.rpop_count("l", 1)?, None);
    Ok(())
}

#[test]
fn indices_count_from_either_end() -> Done {
    let pool = long()?;

    for (index, number) in [(0, 0), (1_000, 1_000), (-1, MANY - 1), (-500, MANY - 500)] {
        assert_eq!(pool.lindex("l", index)?, Some(format!("tick:{number:06}").into_bytes()));
    }
    assert_eq!((pool.lindex("l", 2_000)?, pool.lindex("l", -2_001)?), (None, None));
    assert_eq!(pool.lrange("l", 990, 999)?.len(), 10);
    assert_eq!(pool.lrange("l", -3, i64::MAX)?.len(), 3);
    assert_eq!(pool.lrange("l", 5, 4)?.len(), 0);
    assert_eq!(pool.lrange("l", i64::MIN, i64::MAX)?.len(), MANY);

    let mut bytes = 0;
    assert_eq!(pool.lrange_with("l", 10, 12, |element| bytes += element.len())?, 3);
    assert_eq!(bytes, 33);
    Ok(())
}

#[test]
fn an_element_is_replaced_where_it_is() -> Done {
    let pool = long()?;

    pool.lset("l", 1_234, "other")?;
    pool.lset("l", -1, "last")?;

    assert_eq!(pool.lindex("l", 1_234)?.as_deref(), Some(&b"other"[..]));
    assert_eq!(pool.lindex("l", 1_999)?.as_deref(), Some(&b"last"[..]));
    assert_eq!(pool.lset("l", 2_000, "x"), Err(Error::IndexOutOfRange));
    assert_eq!(pool.lset("no", 0, "x"), Err(Error::NoSuchKey));
    Ok(())
}

#[test]
fn an_element_is_inserted_beside_the_first_pivot() -> Done {
    let pool = with(&["a", "p", "p"])?;

    assert_eq!(pool.linsert("l", InsertPosition::Before, "p", "x")?, 4);
    assert_eq!(pool.linsert("l", InsertPosition::After, "p", "y")?, 5);
    assert_eq!(pool.linsert("l", InsertPosition::After, "q", "z")?, -1);
    assert_eq!(pool.linsert("no", InsertPosition::After, "q", "z")?, 0);

    assert_eq!(all(&pool)?, ["a", "x", "p", "y", "p"]);
    Ok(())
}

#[test]
fn equal_elements_are_removed_from_the_side_that_the_sign_says() -> Done {
    let elements = ["a", "b", "a", "c", "a", "a"];

    for (most, removed, left) in
        [(2, 2, "bcaa"), (-2, 2, "abac"), (0, 4, "bc"), (9, 4, "bc"), (i64::MIN, 4, "bc")]
    {
        let pool = with(&elements)?;
        assert_eq!(pool.lrem("l", most, "a")?, removed);
        assert_eq!(all(&pool)?.concat(), left);
    }
    let pool = with(&["a"])?;
    assert_eq!((pool.lrem("l", 0, "a")?, pool.exists("l")), (1, false));
    Ok(())
}

#[test]
fn a_list_is_trimmed_to_a_range() -> Done {
    let pool = long()?;

    pool.ltrim("l", 500, -501)?;
    assert_eq!((pool.llen("l")?, &*all(&pool)?[0]), (1_000, "tick:000500"));
    pool.ltrim("l", 5, 1)?;

    assert!(!pool.exists("l"));
    Ok(())
}

#[test]
fn positions_are_found_by_rank_and_count() -> Done {
    let pool = with(&["a", "b", "c", "b", "b"])?;

    assert_eq!((pool.lpos("l", "b")?, pool.lpos("l", "z")?), (Some(1), None));
    assert_eq!(pool.lpos_many("l", "b", 1, 0, 0)?, [1, 3, 4]);
    assert_eq!(pool.lpos_many("l", "b", 2, 1, 0)?, [3]);
    assert_eq!(pool.lpos_many("l", "b", -1, 2, 0)?, [4, 3]);
    assert_eq!(pool.lpos_many("l", "b", 1, 0, 2)?, [1]);
    assert_eq!(pool.lpos_many("l", "b", -1, 0, 2)?, [4, 3]);
    assert_eq!(pool.lpos_many("l", "b", 0, 0, 0), Err(Error::ZeroRank));
    Ok(())
}

#[test]
fn an_element_moves_from_list_to_list_and_round_its_own() -> Done {
    let pool = with(&["a", "b", "c"])?;

    assert_eq!(pool.rpoplpush("l", "l")?.as_deref(), Some(&b"c"[..]));
    assert_eq!(all(&pool)?, ["c", "a", "b"]);
    assert_eq!(pool.lmove("l", "m", ListEnd::Left, ListEnd::Right)?, Some(b"c".to_vec()));
    assert_eq!(pool.lmove("no", "m", ListEnd::Left, ListEnd::Right)?, None);
    assert_eq!(pool.llen("m")?, 1);

    pool.set("s", "text")?;
    assert_eq!(pool.rpoplpush("l", "s"), Err(Error::WrongType));
    assert_eq!(pool.rpoplpush("no", "s")?, None);
    assert_eq!(all(&pool)?, ["a", "b"]);
    Ok(())
}

#[test]
fn lmpop_takes_from_the_first_list_that_is_there() -> Done {
    let pool = with(&["a", "b", "c"])?;

    let popped = pool.lmpop(&["no", "l"], ListEnd::Right, 2)?.expect("the second is there");

    assert_eq!((popped.index, popped.elements), (1, vec![b"c".to_vec(), b"b".to_vec()]));
    assert_eq!(pool.lmpop(&["no"], ListEnd::Left, 1)?, None);
    assert_eq!(pool.lmpop(&["l"], ListEnd::Left, 0), Err(Error::NotPositive));
    Ok(())
}

#[test]
fn a_limited_list_keeps_what_was_pushed_last() -> Done {
    let config = CacheConfig::new().list_max_len(3);
    let pool = MemoryCachePool::new(config).unwrap();

    for number in 0..10 {
        pool.rpush("l", number.to_string())?;
    }
    assert_eq!(all(&pool)?, ["7", "8", "9"]);
    let options = PushOptions::at(ListEnd::Left).max_len(2);
    assert_eq!(pool.push_options("l", &["x"], options)?, 4);
    assert_eq!(all(&pool)?, ["x", "7"]);
    pool.push_options("l", &["y"], options.max_len(0))?;
    assert!(!pool.exists("l"));
    Ok(())
}

#[test]
fn a_list_is_shown_where_it_lies() -> Done {
    let pool = long()?;
    let pinned = pool.pin();
    let list = pinned.list("l")?.expect("the list is there");
    pool.delete("l");

    assert_eq!((list.len(), list.is_empty()), (MANY, false));
    assert_eq!(list.get(7).as_deref(), Some(&b"tick:000007"[..]));
    assert!(list.get(MANY).is_none());
    assert_eq!(list.iter().count(), MANY);
    assert_eq!(list.range(-2, -1).last().as_deref(), Some(&b"tick:001999"[..]));
    Ok(())
}

#[test]
fn other_types_are_refused() -> Done {
    let pool = pool();
    pool.set("s", "text")?;

    assert_eq!(pool.lpush("s", "x"), Err(Error::WrongType));
    assert_eq!(pool.lpushx("s", "x"), Err(Error::WrongType));
    assert_eq!(pool.lpop("s"), Err(Error::WrongType));
    assert_eq!(pool.lrange("s", 0, 1), Err(Error::WrongType));
    assert_eq!(pool.ltrim("s", 0, 1), Err(Error::WrongType));
    assert_eq!(pool.lset("s", 0, "x"), Err(Error::WrongType));
    assert_eq!(pool.lmpop(&["s"], ListEnd::Left, 1), Err(Error::WrongType));
    Ok(())
}
