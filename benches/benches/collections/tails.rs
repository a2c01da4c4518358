//! How long single operations take at worst: on values of a million elements, when a hash grows
//! beyond that, beside a thread that takes whole snapshots, and when large values are deleted.

use crate::{
    Scale,
    space::{Dash, Mutexes, Pool, Session, Space},
    workload::{field, mixed},
};
use hdrhistogram::Histogram;
use std::{
    hint::black_box,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
    time::Instant,
};

/// Prints the tables.
pub(crate) fn show(scale: Scale) {
    print_head();
    let all = || -> [Box<dyn Space>; 3] {
        [Box::<Pool>::default(), Box::<Dash>::default(), Box::<Mutexes>::default()]
    };
    for space in &all() {
        beside_snapshots(&**space, scale);
    }
    for space in &all()[..2] {
        on_large_values(&**space, scale);
    }
    for space in &all()[..2] {
        growing(&**space, scale);
    }
    for space in &all()[..2] {
        deletions(&**space, scale, 10_000, 1_500);
        deletions(&**space, scale, 1_000_000, 10);
    }
}

/// Prints how long it takes to delete a million fields, a thousand times.
pub(crate) fn show_deletions(scale: Scale) {
    print_head();
    deletions(&Pool::default(), scale, 1_000_000, 1_000);
}

/// Of nanoseconds, up to a minute.
fn histogram() -> Histogram<u64> {
    let most = 60_000_000_000;
    Histogram::new_with_bounds(1, most, 3).unwrap_or_else(|_| unreachable!("valid bounds"))
}

/// Does something, and notes how long it took.
fn timed(times: &mut Histogram<u64>, act: impl FnOnce()) {
    let at = Instant::now();
    act();
    times.saturating_record(u64::try_from(at.elapsed().as_nanos()).unwrap_or(u64::MAX));
}

fn print_head() {
    println!("| µs | contender | p50 | p99 | p99.9 | p99.99 | most |");
    println!("|---|---|--:|--:|--:|--:|--:|");
}

fn print(what: &str, who: &str, times: &Histogram<u64>) {
    let micros = |nanos: u64| format!("{}.{:02}", nanos / 1_000, nanos % 1_000 / 10);
    let [p50, p99, p999, p9999] =
        [0.5, 0.99, 0.999, 0.9999].map(|quantile| micros(times.value_at_quantile(quantile)));
    println!("| {what} | {who} | {p50} | {p99} | {p999} | {p9999} | {} |", micros(times.max()));
}

/// Of every field.
const VALUE: &[u8] = b"0123456789abcdef";

/// Sets so many fields of a hash.
fn fill(session: &mut dyn Session, key: &[u8], fields: usize) {
    (0..fields).for_each(|n| session.hset(key, &field(n), VALUE));
}

/// HSET of a hash of 10,000 fields, of which another thread takes copies.
fn beside_snapshots(space: &dyn Space, scale: Scale) {
    let fields = 10_000.min(scale.most);
    let mut session = space.session();
    fill(&mut *session, b"hash", fields);
    let (ends, mut times) = (AtomicBool::new(false), histogram());
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut session = space.session();
            while !ends.load(Relaxed) {
                black_box(session.hgetall(b"hash"));
            }
        });
        for step in 0..scale.timed {
            let field = field(mixed(step, 0, fields));
            timed(&mut times, || session.hset(b"hash", &field, b"fedcba9876543210"));
        }
        ends.store(true, Relaxed);
    });
    print(&format!("HSET beside HGETALL, {fields} fields"), space.name(), &times);
}

/// A call that changes or reads one element of a large value.
type Call = fn(&mut dyn Session, &[u8], usize);

fn on_large_values(space: &dyn Space, scale: Scale) {
    let most = scale.most;
    let mut session = space.session();
    for n in 0..most {
        session.hset(b"hash", &field(n), VALUE);
        session.lpush(b"list", &field(n));
        session.sadd(b"set", &field(n));
    }
    let calls: [(&str, Call); 8] = [
        ("HGET", |space, field, _| {
            black_box(space.hget(b"hash", field));
        }),
        ("HSET", |space, field, _| space.hset(b"hash", field, b"fedcba9876543210")),
        ("LPUSH", |space, field, _| space.lpush(b"list", field)),
        ("RPOP", |space, _, _| {
            black_box(space.rpop(b"list"));
        }),
        ("LSET", |space, field, at| space.lset(b"list", at, field)),
        ("SISMEMBER", |space, field, _| {
            black_box(space.sismember(b"set", field));
        }),
        ("SREM", |space, field, _| space.srem(b"set", field)),
        ("SADD", |space, field, _| space.sadd(b"set", field)),
    ];
    for (name, call) in calls {
        let mut times = histogram();
        for step in 0..scale.timed {
            let at = mixed(step, 1, most);
            timed(&mut times, || call(&mut *session, &field(at), at));
        }
        print(&format!("{name}, {most} elements"), space.name(), &times);
    }
}

/// HSET of new fields, where a hash grows to a million of them and beyond.
fn growing(space: &dyn Space, scale: Scale) {
    let [first, last] = [scale.most / 10 * 9, scale.most / 10 * 11];
    let (mut session, mut times) = (space.session(), histogram());
    fill(&mut *session, b"hash", first);
    for n in first..last {
        let field = field(n);
        timed(&mut times, || session.hset(b"hash", &field, VALUE));
    }
    print(&format!("HSET of new fields, {first} to {last} fields"), space.name(), &times);
}

/// DEL of a hash, so many times, and what comes after it, while its memory is given back.
fn deletions(space: &dyn Space, scale: Scale, fields: usize, count: usize) {
    let (mut session, mut times, mut after) = (space.session(), histogram(), histogram());
    let fields = fields.min(scale.most);
    for _ in 0..count.min(scale.timed / 20) {
        fill(&mut *session, b"large", fields);
        timed(&mut times, || session.delete(b"large"));
        for n in 0..fields / 200 {
            timed(&mut after, || session.hset(b"small", &field(n % 8), VALUE));
        }
    }
    print(&format!("DEL, {fields} fields"), space.name(), &times);
    print(&format!("HSET after DEL, {fields} fields"), space.name(), &after);
}
