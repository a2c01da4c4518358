//! `ttl-storm`: very many keys expire within one second, while two threads keep the mix on others.

use super::{
    beat::Loop,
    case::{Case, Run, Scenario, Settings},
    drive::{Gauge, Plan, drive, together},
    memory::{Memory, watch},
    mix::{self, WRITE_EVERY},
    roster::EmptyLoop,
};
use crate::{
    allocation,
    contender::Pool,
    expiring::{Expiring, Moka, PoolWithTask, Redis, Session, Stretto, Sweeper},
    keys::{Key, Random, key, value},
};
use std::{
    hint::black_box,
    io, thread,
    time::{Duration, Instant},
};

const THREADS: usize = 2;

const PACE: Duration = Duration::from_micros(5);

/// Time within which all of them expire.
const STORM: Duration = Duration::from_secs(1);

/// The first key that expires; those below are the mix's.
const FIRST: u64 = 10_000_000;

/// How often memory is looked at.
const EVERY: Duration = Duration::from_millis(25);

/// Reads and writes by phase: kind `2 * phase` is a read, the next a write.
const OPERATIONS: &[&str] =
    &["get, calm", "set, calm", "get, storm", "set, storm", "get, after", "set, after"];

/// Measures one cache; an error says why it could not be.
fn storm<E: Expiring>(settings: &Settings, orders: &[Vec<Key>]) -> io::Result<Run> {
    let (scale, rate) = (&settings.scale, settings.rate);
    let keys = usize::try_from(scale.keys + scale.storm).unwrap_or(usize::MAX);
    let cache = E::start(keys)?;
    let mut session = cache.session()?;
    let began = Instant::now();
    for number in 0..scale.keys {
        session.fill(&key(number), &value(number), None);
    }
    session.flush();
    let baseline = session.bytes();
    let calm = scale.length + scale.warm_up;
    // As long as the others will take to fill in, and more.
    let each = began.elapsed() / u32::try_from(scale.keys).unwrap_or(1);
    let lead = each * u32::try_from(scale.storm).unwrap_or(1) * 3 + Duration::from_millis(500);
    let storm = Instant::now() + lead + calm;
    fill(&mut session, scale.storm, storm);
    let owed = session.bytes() - baseline;
    let entries = session.entries();
    let is_late = Instant::now() + calm > storm;

    thread::sleep((storm - calm).saturating_duration_since(Instant::now()));
    let to_storm = storm.saturating_duration_since(Instant::now());
    let begins = super::ticks::start() + rate.ticks_of(to_storm.saturating_sub(scale.length));
    let plan = Plan {
        rate,
        threads: THREADS,
        kinds: OPERATIONS.len(),
        warm_up: scale.warm_up,
        length: scale.length + STORM + scale.aftermath,
        begins: Some(begins),
    };
    let phases = [rate.ticks_of(scale.length), rate.ticks_of(scale.length + STORM)];
    let work = |gauge: &mut Gauge| {
        // Its absence shows as operations that are missing.
        if let Ok(mut session) = cache.session() {
            mixed(&mut session, &orders[gauge.thread], phases, gauge);
        }
    };
    let mut observer = cache.session()?;
    let (measured, samples) = watch(
        EVERY,
        storm + STORM,
        || observer.bytes(),
        || drive(&plan, |_| Loop::Open(PACE), work),
    );
    let Some(measured) = together(&measured) else { return Err(io::Error::other("no result")) };
    let mut run = Run::new(E::NAME, measured);
    run.memory = Some(Memory { baseline, owed, samples });
    run.note = Some(format!(
        "p99.9 in the storm over p99.9 in calm: get {:.2}, set {:.2}; \
         {entries} entries before the storm, {} at the end{}",
        storm_over_calm(&run, 0),
        storm_over_calm(&run, 1),
        session.entries(),
        if is_late { "; filling took too long, so that the storm began before" } else { "" },
    ));
    Ok(run)
}

/// The p99.9 of an operation in the storm, over that in calm.
#[expect(clippy::cast_precision_loss, reason = "a ratio")]
fn storm_over_calm(run: &Run, operation: usize) -> f64 {
    let at = |phase: usize| {
        let latencies = run.measured.operations.get(2 * phase + operation);
        latencies.map_or(0, |latencies| latencies.response.value_at_quantile(0.999)) as f64
    };
    at(1) / at(0).max(1.0)
}

/// Fills in what is going to expire within [`STORM`] from `storm` on, in no order.
fn fill(session: &mut impl Session, count: u64, storm: Instant) {
    let mut random = Random::new(3);
    let span = u64::try_from(STORM.as_millis()).unwrap_or(u64::MAX);
    for number in 0..count {
        let deadline = storm + Duration::from_millis(random.below(span));
        let ttl = deadline.saturating_duration_since(Instant::now());
        session.fill(&key(FIRST + number), &value(number), Some(ttl));
    }
    session.flush();
}

/// Measures the mix until the time is over, by phase.
fn mixed(session: &mut impl Session, order: &[Key], phases: [u64; 2], gauge: &mut Gauge) {
    for (number, key) in (0..).zip(order.iter().cycle()) {
        let key = *key;
        // The phase of the end of the operation before, which is that of the beginning of this one.
        let elapsed = gauge.recorder.elapsed_ticks();
        let phase = phases.iter().filter(|&&end| elapsed >= end).count();
        if number % WRITE_EVERY == 0 {
            let value = value(number);
            let due = gauge.beat.wait();
            let set = || session.set(black_box(&key), black_box(&value));
            gauge.recorder.time(2 * phase + 1, due, set);
        } else {
            let due = gauge.beat.wait();
            gauge.recorder.time(2 * phase, due, || session.get(black_box(&key)));
        }
        if gauge.recorder.is_over() {
            return;
        }
    }
}

/// Those who are measured, the pool first and the floor last.
pub const NAMES: [&str; 7] = [
    <Pool as Expiring>::NAME,
    PoolWithTask::NAME,
    Moka::NAME,
    Stretto::NAME,
    Sweeper::NAME,
    Redis::NAME,
    <EmptyLoop as Expiring>::NAME,
];

/// The case of the one part.
#[must_use]
pub fn cases() -> Vec<Vec<Case>> {
    let case = Case::of_loop(Scenario::TtlStorm, Loop::Open(PACE), THREADS, OPERATIONS);
    vec![vec![Case { slug: Scenario::TtlStorm.name().to_owned(), ..case }]]
}

/// Measures one contender; `None` when there is none of this name.
///
/// # Errors
///
/// What keeps the contender from being there.
pub fn measure(settings: &Settings, contender: &str) -> io::Result<Option<Run>> {
    let orders = mix::orders(THREADS, settings.scale.keys);
    allocation::count(true);
    let run = match contender {
        <Pool as Expiring>::NAME => storm::<Pool>(settings, &orders),
        PoolWithTask::NAME => storm::<PoolWithTask>(settings, &orders),
        Moka::NAME => storm::<Moka>(settings, &orders),
        Stretto::NAME => storm::<Stretto>(settings, &orders),
        Sweeper::NAME => storm::<Sweeper>(settings, &orders),
        Redis::NAME => storm::<Redis>(settings, &orders),
        <EmptyLoop as Expiring>::NAME => storm::<EmptyLoop>(settings, &orders),
        _ => return Ok(None),
    };
    allocation::count(false);
    run.map(Some)
}
