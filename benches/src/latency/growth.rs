//! `growth`: one thread inserts from few keys to many as fast as it can, another reads at a pace;
//! and, to compare with, the same on the grown table, where the first overwrites.

use super::{
    beat::Loop,
    case::{Case, Run, Scenario, Settings},
    drive::{Gauge, Plan, drive},
    roster::{self, Measure},
};
use crate::{
    contender::Contender,
    keys::{Random, key, value},
};
use std::{
    hint::black_box,
    sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    time::Duration,
};

const WRITES: &[&str] = &["insert, growing", "set, grown"];
const READS: &[&str] = &["get, growing", "get, grown"];

/// Kinds of operations: the writer's or the reader's before and after the table has grown.
const GROWING: usize = 0;
const GROWN: usize = 1;

/// The pace of the reader.
const PACE: Duration = Duration::from_micros(5);

/// Longer than any contender takes.
const LIMIT: Duration = Duration::from_secs(120);

/// What the two threads know of each other; read between measured stretches.
struct Progress {
    /// Keys that are in.
    keys: AtomicU64,
    is_grown: AtomicBool,
    is_over: AtomicBool,
}

struct Growth<'s> {
    settings: &'s Settings,
}

impl Measure for Growth<'_> {
    type Result = Vec<Run>;

    fn measure<C: Contender + Sync>(&self) -> Vec<Run> {
        let (scale, rate) = (&self.settings.scale, self.settings.rate);
        let size = |keys| usize::try_from(keys).unwrap_or(usize::MAX);
        let contender = C::growing(size(scale.small), size(scale.grown));
        for number in 0..scale.small {
            contender.set(&key(number), &value(number));
        }
        let progress = Progress {
            keys: AtomicU64::new(scale.small),
            is_grown: AtomicBool::new(false),
            is_over: AtomicBool::new(false),
        };
        let plan = Plan {
            rate,
            threads: 2,
            kinds: WRITES.len(),
            warm_up: Duration::ZERO,
            length: LIMIT,
            begins: None,
        };
        let grown_for = rate.ticks_of(scale.length);
        let at_least = rate.ticks_of(self.settings.at_least);
        let kind = |thread| if thread == 0 { Loop::Closed } else { Loop::Open(PACE) };
        let measured = drive(&plan, kind, |gauge| match gauge.thread {
            0 => {
                grow(&contender, scale.grown, at_least, &progress, gauge);
                overwrite(&contender, grown_for, &progress, gauge);
            }
            _ => read(&contender, &progress, gauge),
        });
        measured.into_iter().map(|measured| Run::new(C::NAME, measured)).collect()
    }
}

/// The writer's first part: up to `grown` keys, and for `at_least` so many ticks.
fn grow<C: Contender>(
    contender: &C,
    grown: u64,
    at_least: u64,
    progress: &Progress,
    gauge: &mut Gauge,
) {
    let mut number = progress.keys.load(Relaxed);
    while number < grown || gauge.recorder.elapsed_ticks() < at_least {
        let (key, value) = (key(number % grown), value(number));
        let insert = || contender.set(black_box(&key), black_box(&value));
        gauge.recorder.time(GROWING, None, insert);
        number += 1;
        progress.keys.store(number.min(grown), Relaxed);
    }
    progress.is_grown.store(true, Relaxed);
}

/// The writer's second part.
fn overwrite<C: Contender>(contender: &C, ticks: u64, progress: &Progress, gauge: &mut Gauge) {
    let keys = progress.keys.load(Relaxed);
    let mut random = Random::new(1);
    let end = gauge.recorder.elapsed_ticks() + ticks;
    while gauge.recorder.elapsed_ticks() < end {
        let number = random.below(keys);
        let (key, value) = (key(number), value(number));
        let set = || contender.set(black_box(&key), black_box(&value));
        gauge.recorder.time(GROWN, None, set);
    }
    progress.is_over.store(true, Relaxed);
}

/// The reader's part: any key that is in, all the time.
fn read<C: Contender>(contender: &C, progress: &Progress, gauge: &mut Gauge) {
    let mut random = Random::new(2);
    while !progress.is_over.load(Relaxed) {
        let kind = if progress.is_grown.load(Relaxed) { GROWN } else { GROWING };
        let key = key(random.below(progress.keys.load(Relaxed)));
        let due = gauge.beat.wait();
        gauge.recorder.time(kind, due, || contender.get(black_box(&key)));
    }
}

/// The cases of the one part: the writer and the reader.
#[must_use]
pub fn cases() -> Vec<Vec<Case>> {
    let case = |slug: &str, title: &str, operations| Case {
        scenario: Scenario::Growth,
        slug: slug.to_owned(),
        title: title.to_owned(),
        operations,
        runs: Vec::new(),
    };
    vec![vec![
        case("growth-writer", "the writer, closed loop", WRITES),
        case("growth-reader", "the reader, open loop, 5µs", READS),
    ]]
}

/// Measures one contender: the writer and the reader.
#[must_use]
pub fn measure(settings: &Settings, contender: &str) -> Option<Vec<Run>> {
    roster::one(contender, &Growth { settings })
}
