//! Whoever watches a key is told of each change of it, and of nothing else.

use memory_cache_pool::{CacheConfig, Error, EvictionPolicy, ManualClock, MemoryCachePool};
use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll, Wake},
    thread,
    time::Duration,
};

const START: u64 = 1_700_000_000_000;
/// Longer than any test takes.
const LONG: Duration = Duration::from_secs(600);

fn pool_of(config: CacheConfig) -> (MemoryCachePool, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(START));
    let config = config.capacity(100).clock(Arc::clone(&clock) as _);
    (MemoryCachePool::new(config).unwrap_or_default(), clock)
}

#[test]
fn everything_that_changes_a_key_changes_its_version() -> Result<(), Error> {
    type Change = fn(&MemoryCachePool) -> Result<(), Error>;
    let changes: [(&str, Change); 14] = [
        ("an insert", |p| p.set("k", "1")),
        ("an overwrite", |p| p.set("k", "1")),
        ("an increment by replacement", |p| p.incr("k").map(drop)),
        ("an increment in place", |p| p.incr("k").map(drop)),
        ("EXPIRE", |p| p.expire("k", 100).map(drop)),
        ("PERSIST", |p| p.persist("k").map(drop)),
        ("APPEND", |p| p.append("k", "x").map(drop)),
        ("DEL", |p| {
            p.delete("k");
            Ok(())
        }),
        ("HSET", |p| p.hset("k", "field", "1").map(drop)),
        ("another HSET", |p| p.hset("k", "field", "2").map(drop)),
        ("HDEL of the last field", |p| p.hdel("k", "field").map(drop)),
        ("RPUSH", |p| p.rpush("k", "element").map(drop)),
        ("RENAME", |p| p.rename("k", "other")),
        ("RENAME back", |p| p.rename("other", "k")),
    ];
    let (pool, _) = pool_of(CacheConfig::new());
    let watch = pool.watch("k");
    for (name, change) in changes {
        let before = watch.version();

        change(&pool)?;

        assert!(watch.changed_since(before), "{name} went unnoticed");
    }
    let before = watch.version();
    pool.flushall();
    assert!(watch.changed_since(before), "FLUSHALL went unnoticed");
    Ok(())
}

#[test]
fn what_changes_nothing_leaves_the_version() -> Result<(), Error> {
    let (pool, _) = pool_of(CacheConfig::new());
    pool.set("k", "1")?;
    let watch = pool.watch("k");
    let before = watch.version();

    for number in 0..500 {
        pool.set(format!("another {number}"), "x")?;
    }
    pool.get("k")?;
    pool.setnx("k", "2")?;
    pool.touch("k");
    pool.copy("k", "copy", true)?;
    pool.delete("missing");

    assert!(!watch.changed_since(before));
    Ok(())
}

#[test]
fn expiry_is_a_change_at_the_deadline_though_nobody_writes() -> Result<(), Error> {
    let (pool, clock) = pool_of(CacheConfig::new());
    pool.psetex("k", 10, "1")?;
    let watch = pool.watch("k");
    let before = watch.version();

    clock.advance(Duration::from_millis(10));
    assert!(!watch.changed_since(before));
    clock.advance(Duration::from_millis(1));
    assert!(watch.changed_since(before));

    let after = watch.version();
    assert!(!watch.changed_since(after), "it expires once");
    Ok(())
}

#[test]
fn eviction_is_a_change() -> Result<(), Error> {
    let config = CacheConfig::new().max_keys(1).eviction_policy(EvictionPolicy::AllKeysRandom);
    let (pool, _) = pool_of(config);
    pool.set("k", "1")?;
    let watch = pool.watch("k");
    let before = watch.version();

    pool.set("another", "2")?;

    assert!(watch.changed_since(before));
    Ok(())
}

#[test]
fn a_wait_ends_with_the_time_or_with_a_change_that_has_been() -> Result<(), Error> {
    let (pool, _) = pool_of(CacheConfig::new());
    let mut watch = pool.watch("k");

    assert!(!watch.wait(Duration::ZERO));
    assert!(!watch.wait(Duration::from_millis(2)));
    pool.set("k", "1")?;
    pool.set("k", "2")?;
    assert!(watch.wait(LONG));
    assert!(!watch.wait(Duration::ZERO), "two changes are told as one");
    Ok(())
}

#[test]
fn a_wait_ends_at_the_deadline_by_the_systems_clock() -> Result<(), Error> {
    let pool = MemoryCachePool::default();
    pool.psetex("k", 20, "1")?;
    let mut watch = pool.watch("k");

    assert!(watch.wait(LONG));

    assert_eq!(pool.get("k")?, None);
    Ok(())
}

#[test]
fn threads_that_pass_a_token_by_watching_never_miss_each_other() {
    let rounds = if cfg!(miri) { 10 } else { 300 };
    let pool = MemoryCachePool::default();

    let pass = |own: i64| {
        let pool = &pool;
        move || {
            let mut watch = pool.watch("token");
            loop {
                let token = pool.incrby("token", 0).unwrap_or(0);
                if token >= rounds {
                    return;
                }
                if token % 2 == own {
                    let _ = pool.set("token", (token + 1).to_string());
                } else {
                    assert!(watch.wait(LONG), "a change was missed at {token}");
                }
            }
        }
    };
    thread::scope(|scope| {
        scope.spawn(pass(0));
        scope.spawn(pass(1));
    });

    assert_eq!(pool.incrby("token", 0), Ok(rounds));
}

/// Counts how often it was woken.
#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

#[test]
fn a_task_is_woken_by_a_write_and_by_a_cleanup() -> Result<(), Error> {
    let (pool, clock) = pool_of(CacheConfig::new());
    let mut watch = pool.watch("k");
    let woken = Arc::new(Woken::default());
    let waker = Arc::clone(&woken).into();
    let mut context = Context::from_waker(&waker);

    {
        let mut changed = pin!(watch.changed());
        assert!(changed.as_mut().poll(&mut context).is_pending());
        assert!(changed.as_mut().poll(&mut context).is_pending());
        pool.psetex("k", 10, "1")?;
        assert_eq!(woken.0.load(SeqCst), 1);
        assert!(matches!(changed.as_mut().poll(&mut context), Poll::Ready(1)));
    }
    let mut changed = pin!(watch.changed());
    assert!(changed.as_mut().poll(&mut context).is_pending());
    clock.advance(Duration::from_millis(100));
    pool.cleanup_expired_keys(usize::MAX);

    assert_eq!(woken.0.load(SeqCst), 2);
    assert!(changed.as_mut().poll(&mut context).is_ready());
    Ok(())
}

#[test]
fn watches_of_one_key_share_its_version_and_end_one_by_one() -> Result<(), Error> {
    let (pool, _) = pool_of(CacheConfig::new());
    let first = pool.watch("k");
    pool.set("k", "1")?;
    let second = pool.watch("k");
    let version = first.version();
    assert!(!second.changed_since(version));

    drop(first);
    pool.set("k", "2")?;
    assert!(second.changed_since(version));
    drop(second);

    pool.set("k", "3")?;
    let third = pool.watch("k");
    assert_eq!((third.version(), third.key()), (0, &b"k"[..]));
    Ok(())
}

#[test]
fn a_watch_outlives_the_handles_of_its_pool() -> Result<(), Error> {
    let (pool, _) = pool_of(CacheConfig::new());
    pool.set("k", "1")?;
    let mut watch = pool.watch("k");

    drop(pool);

    assert!(!watch.wait(Duration::ZERO));
    Ok(())
}
