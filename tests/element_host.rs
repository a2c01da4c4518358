//! A host is told which elements stand for objects of its own, as they come and go.

use memory_cache_pool::{
    CacheConfig, ElementHost, ElementObject, ListEnd, ManualClock, MemoryCachePool, PushOptions,
    SetOptions,
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

/// Elements that stand for each object, by what the pool tells.
#[derive(Debug, Default)]
struct Shelf(Mutex<HashMap<u64, i64>>);

/// Bytes that each object holds.
const HELD: u32 = 1_000;

/// Elements and keys of the tests that take many.
const MANY: usize = if cfg!(miri) { 80 } else { 1_000 };

impl ElementHost for Shelf {
    fn has_objects(&self) -> bool {
        true
    }

    fn object_of(&self, element: &[u8]) -> Option<ElementObject> {
        let id = element.strip_prefix(b"object:")?;
        let id = str::from_utf8(id).ok()?.parse().ok()?;
        Some(ElementObject { id, bytes: HELD })
    }

    fn gained(&self, object: ElementObject) {
        *self.0.lock().expect("not poisoned").entry(object.id).or_default() += 1;
    }

    fn lost(&self, object: ElementObject) {
        let mut counts = self.0.lock().expect("not poisoned");
        let count = counts.get_mut(&object.id).expect("known");
        *count -= 1;
        assert!(*count >= 0, "object {} was lost more often than gained", object.id);
    }
}

impl Shelf {
    fn count(&self, id: u64) -> i64 {
        self.0.lock().expect("not poisoned").get(&id).copied().unwrap_or(0)
    }

    fn counts(&self) -> HashMap<u64, i64> {
        let counts = self.0.lock().expect("not poisoned");
        counts.iter().filter(|(_, count)| **count != 0).map(|(id, count)| (*id, *count)).collect()
    }
}

fn shelf_and_pool() -> (Arc<Shelf>, MemoryCachePool) {
    let shelf = Arc::new(Shelf::default());
    let pool =
        MemoryCachePool::new(CacheConfig::new().element_host(shelf.clone())).expect("a right call");
    (shelf, pool)
}

/// Has all freed that this thread has retired; nobody is pinned.
fn settle(pool: &MemoryCachePool) {
    for _ in 0..if cfg!(miri) { 60 } else { 1_000 } {
        pool.set("settle", "").expect("a right call");
        pool.delete("settle");
    }
}

/// The elements that stand for objects, counted where they are.
fn counted(pool: &MemoryCachePool) -> HashMap<u64, i64> {
    let mut counts = HashMap::new();
    for key in pool.keys("*") {
        let elements = match pool.type_of(&key).map(|kind| kind.to_string()).as_deref() {
            Some("hash") => pool.hvals(&key).expect("a right call"),
            Some("set") => pool.smembers(&key).expect("a right call"),
            Some("list") => pool.lrange(&key, 0, -1).expect("a right call"),
            _ => Vec::new(),
        };
        for object in elements.iter().filter_map(|element| Shelf::default().object_of(element)) {
            *counts.entry(object.id).or_default() += 1;
        }
    }
    counts
}

#[track_caller]
fn assert_counted(shelf: &Shelf, pool: &MemoryCachePool) {
    settle(pool);
    assert_eq!(shelf.counts(), counted(pool));
}

#[test]
fn an_object_is_kept_as_long_as_an_element_stands_for_it() {
    let (shelf, pool) = shelf_and_pool();

    pool.hset("hash", "field", "object:1").unwrap();
    pool.rpush_many("list", &["object:1", "text", "object:2"]).unwrap();
    pool.sadd("set", "object:3").unwrap();
    assert_eq!([1, 2, 3].map(|id| shelf.count(id)), [2, 1, 1]);

    pool.hset("hash", "field", "text").unwrap();
    pool.lpop("list").unwrap();
    pool.srem("set", "object:3").unwrap();
    settle(&pool);

    assert_eq!([1, 2, 3].map(|id| shelf.count(id)), [0, 1, 0]);
}

#[test]
fn the_name_of_a_field_stands_for_nothing() {
    let (shelf, pool) = shelf_and_pool();

    pool.hset("hash", "object:1", "value").unwrap();
    pool.hdel("hash", "object:1").unwrap();
    settle(&pool);

    assert!(shelf.counts().is_empty());
}

#[test]
fn an_object_outlives_whoever_was_pinned_when_its_element_went() {
    let (shelf, pool) = shelf_and_pool();
    pool.rpush("list", "object:1").unwrap();

    let pinned = pool.pin();
    // Joined, so that what it leaves when it ends is there.
    let other = pool.clone();
    thread::spawn(move || other.delete("list")).join().unwrap();
    let while_pinned = shelf.count(1);
    drop(pinned);
    pool.flushall();

    assert_eq!((while_pinned, shelf.count(1)), (1, 0));
}

#[test]
fn a_refused_write_gains_nothing() {
    let (shelf, pool) = shelf_and_pool();
    pool.set("string", "text").unwrap();

    assert!(pool.hset("string", "field", "object:1").is_err());
    assert!(pool.rpush("string", "object:1").is_err());
    assert!(pool.sadd("string", "object:1").is_err());
    assert_eq!(pool.lpushx("missing", "object:1"), Ok(0));
    pool.hset("hash", "field", "text").unwrap();
    assert_eq!(pool.hsetnx("hash", "field", "object:1"), Ok(false));
    assert_eq!(
        pool.linsert("missing", memory_cache_pool::InsertPosition::After, "x", "object:1"),
        Ok(0)
    );

    assert!(shelf.counts().is_empty());
}

#[test]
fn objects_go_with_their_key_whatever_removes_it() {
    let shelf = Arc::new(Shelf::default());
    let clock = Arc::new(ManualClock::new(1));
    let config = CacheConfig::new().element_host(shelf.clone()).clock(clock.clone()).max_keys(64);
    let pool = MemoryCachePool::new(config).unwrap();
    for key in ["deleted", "expired", "replaced", "renamed over"] {
        pool.rpush_many(key, &["object:1", "object:2"]).unwrap();
    }

    pool.delete("deleted");
    pool.expire("expired", 1).unwrap();
    clock.advance(Duration::from_secs(2));
    assert_eq!(pool.llen("expired"), Ok(0));
    pool.set("replaced", "text").unwrap();
    pool.rename("replaced", "renamed over").unwrap();
    settle(&pool);
    let without_limit = shelf.counts();
    for number in 0..MANY {
        pool.hset(format!("other:{number}"), "field", "object:3").unwrap();
    }
    settle(&pool);

    assert!(without_limit.is_empty());
    assert!(shelf.count(3) <= 64);
    assert_eq!(shelf.counts(), counted(&pool));
}

#[test]
fn objects_go_with_the_pool() {
    let (shelf, pool) = shelf_and_pool();
    pool.rpush_many("list", &vec!["object:1"; MANY]).unwrap();
    pool.sadd("set", "object:2").unwrap();
    pool.hset("hash", "field", "object:3").unwrap();
    pool.delete("hash");

    drop(pool);

    assert!(shelf.counts().is_empty());
}

#[test]
fn what_an_object_holds_counts_as_the_pools_own() {
    let (_shelf, pool) = shelf_and_pool();
    let before = pool.get_stats().memory_usage;

    pool.rpush_many("list", &vec!["object:1"; MANY]).unwrap();
    let with_objects = pool.get_stats().memory_usage;
    let of_the_list = pool.memory_usage("list").unwrap();
    pool.delete("list");
    settle(&pool);
    let after = pool.get_stats().memory_usage;

    assert!(with_objects - before >= HELD as usize * MANY);
    assert!(of_the_list >= HELD as usize * MANY);
    assert!(after < before + 200_000, "{after} bytes are in use, and {before} were");
}

/// A choice of small numbers.
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most
    }

    fn key(&mut self, kind: &str) -> String {
        format!("{kind}:{}", self.below(3))
    }

    /// One of a few objects, or a text.
    fn element(&mut self) -> String {
        let name = if self.below(4) == 0 { "text" } else { "object" };
        format!("{name}:{}", self.below(40))
    }

    fn elements(&mut self) -> Vec<String> {
        let many = if cfg!(miri) { 60 } else { 300 };
        let most = if self.below(20) == 0 { many } else { 4 };
        (0..=self.below(most)).map(|_| self.element()).collect()
    }

    fn end(&mut self) -> ListEnd {
        if self.below(2) == 0 { ListEnd::Left } else { ListEnd::Right }
    }
}

/// Errors are as good as success.
fn ignore<T>(_: T) {}

/// Does something to some key.
fn act(pool: &MemoryCachePool, chance: &mut Chance) {
    let (hash, list, set) = (chance.key("hash"), chance.key("list"), chance.key("set"));
    match chance.below(8) {
        0..=1 => act_on_hash(pool, chance, &hash),
        2..=4 => act_on_list(pool, chance, &list),
        5..=6 => act_on_set(pool, chance, &set),
        _ => act_on_keys(pool, chance, &[hash, list, set]),
    }
}

fn act_on_hash(pool: &MemoryCachePool, chance: &mut Chance, key: &str) {
    let field = format!("field:{}", chance.below(100));
    let value = chance.element();
    match chance.below(6) {
        0..=1 => ignore(pool.hset(key, field, value)),
        2 => ignore(pool.hsetnx(key, field, value)),
        3 => ignore(pool.hdel(key, field)),
        4 => {
            let values = chance.elements();
            let pairs = values.iter().map(|value| (format!("field:{}", chance.below(100)), value));
            ignore(pool.hset_many(key, &pairs.collect::<Vec<_>>()));
        }
        _ => ignore(pool.hupdate(key, field, |_| Ok(Some(value.clone().into_bytes())))),
    }
}

fn act_on_list(pool: &MemoryCachePool, chance: &mut Chance, key: &str) {
    let (element, index) = (chance.element(), chance.below(12).cast_signed() - 6);
    match chance.below(11) {
        0..=2 => {
            let mut options = PushOptions::at(chance.end());
            if chance.below(2) == 0 {
                options = options.max_len(usize::try_from(chance.below(40)).unwrap_or(0));
            }
            ignore(pool.push_options(key, &chance.elements(), options));
        }
        3 => ignore(pool.lpop(key)),
        4 => ignore(pool.rpop_count(key, 3)),
        5 => ignore(pool.lset(key, index, element)),
        6 => ignore(pool.lrem(key, index, element)),
        7 => ignore(pool.ltrim(key, index, index + 50)),
        8 => {
            let before = memory_cache_pool::InsertPosition::Before;
            ignore(pool.linsert(key, before, chance.element(), element));
        }
        9 => ignore(pool.lmove(key, chance.key("list"), chance.end(), chance.end())),
        _ => ignore(pool.push_options(key, &[element], PushOptions::at(chance.end()).max_len(30))),
    }
}

fn act_on_set(pool: &MemoryCachePool, chance: &mut Chance, key: &str) {
    let others = [chance.key("set"), chance.key("set")];
    match chance.below(8) {
        0..=1 => ignore(pool.sadd_many(key, &chance.elements())),
        2 => ignore(pool.srem_many(key, &chance.elements())),
        3 => ignore(pool.spop_count(key, 2)),
        4 => ignore(pool.smove(key, &others[0], chance.element())),
        5 => ignore(pool.sunionstore(key, &others)),
        6 => ignore(pool.sdiffstore(key, &others)),
        _ => ignore(pool.sinterstore(key, &others)),
    }
}

fn act_on_keys(pool: &MemoryCachePool, chance: &mut Chance, keys: &[String]) {
    let key = &keys[usize::try_from(chance.below(3)).unwrap_or(0)];
    let kind = key.split(':').next().unwrap_or_default();
    match chance.below(6) {
        0 => ignore(pool.delete(key)),
        1..=2 => ignore(pool.copy(key, chance.key(kind), true)),
        3 => ignore(pool.rename(key, chance.key(kind))),
        4 => ignore(pool.expire(key, 100)),
        _ => ignore(pool.set_options(key, "text", SetOptions::new().xx())),
    }
}

#[test]
fn as_many_are_counted_as_there_are_after_any_commands() {
    let (shelf, pool) = shelf_and_pool();
    let mut chance = Chance(0x9E37_79B9_7F4A_7C15);

    for round in 0..if cfg!(miri) { 2 } else { 100 } {
        for _ in 0..if cfg!(miri) { 30 } else { 300 } {
            act(&pool, &mut chance);
        }
        assert_counted(&shelf, &pool);
        if round % 10 == 9 {
            pool.flushall();
            assert_counted(&shelf, &pool);
        }
    }
}

#[test]
fn threads_lose_nothing_before_it_was_gained_nor_more_often() {
    let (shelf, pool) = shelf_and_pool();

    let threads = (1..=if cfg!(miri) { 2 } else { 4_u64 }).map(|seed| {
        let pool = pool.clone();
        thread::spawn(move || {
            let mut chance = Chance(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
            for _ in 0..if cfg!(miri) { 15 } else { 10_000 } {
                act(&pool, &mut chance);
            }
        })
    });
    let threads: Vec<_> = threads.collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    pool.flushall();
    pool.flushall();

    assert!(shelf.counts().is_empty());
}
