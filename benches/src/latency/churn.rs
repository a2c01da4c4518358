//! `churn`: the oldest key goes and a new one comes, for ever, at a constant population.

use super::{
    beat::Loop,
    case::{Case, Run, Scenario, Settings},
    drive::{Gauge, Plan, drive, together},
    roster::{self, Measure},
    steady::parts,
};
use crate::{
    contender::Contender,
    keys::{key, value},
};
use std::hint::black_box;

const OPERATIONS: &[&str] = &["delete oldest", "insert new"];

const DELETE: usize = 0;
const INSERT: usize = 1;

/// Keys from which each thread takes its own, in a circle much longer than any population.
const CIRCLE: u64 = 12_000_000;

struct Churn<'s> {
    settings: &'s Settings,
    kind: Loop,
    threads: usize,
}

impl Measure for Churn<'_> {
    type Result = Option<Run>;

    fn measure<C: Contender + Sync>(&self) -> Option<Run> {
        let scale = &self.settings.scale;
        let population = scale.population / self.threads as u64;
        let contender = C::with_capacity(usize::try_from(scale.population).unwrap_or(usize::MAX));
        for thread in 0..self.threads {
            for number in 0..population {
                contender.set(&nth_key(thread, number), &value(number));
            }
        }
        let plan = Plan {
            rate: self.settings.rate,
            threads: self.threads,
            kinds: OPERATIONS.len(),
            warm_up: scale.warm_up,
            length: scale.length,
            begins: None,
        };
        let measured =
            drive(&plan, |_| self.kind, |gauge| turn_over(&contender, population, gauge));
        together(&measured).map(|measured| Run::new(C::NAME, measured))
    }
}

/// Measures one thread's turnover until the time is over.
fn turn_over<C: Contender>(contender: &C, population: u64, gauge: &mut Gauge) {
    for oldest in 0.. {
        let (out, new) =
            (nth_key(gauge.thread, oldest), nth_key(gauge.thread, oldest + population));
        let value = value(oldest);
        let due = gauge.beat.wait();
        gauge.recorder.time(DELETE, due, || contender.remove(black_box(&out)));
        let due = gauge.beat.wait();
        let insert = || contender.set(black_box(&new), black_box(&value));
        gauge.recorder.time(INSERT, due, insert);
        if gauge.recorder.is_over() {
            return;
        }
    }
}

/// The key that a thread inserts as its `number`-th.
fn nth_key(thread: usize, number: u64) -> crate::keys::Key {
    key(thread as u64 * CIRCLE + number % CIRCLE)
}

/// The cases of each part: each number of threads, each loop.
#[must_use]
pub fn cases() -> Vec<Vec<Case>> {
    let case = |(threads, kind)| vec![Case::of_loop(Scenario::Churn, kind, threads, OPERATIONS)];
    parts().into_iter().map(case).collect()
}

/// Measures one contender in one part.
#[must_use]
pub fn measure(settings: &Settings, part: usize, contender: &str) -> Option<Run> {
    let (threads, kind) = parts().get(part).copied()?;
    roster::one(contender, &Churn { settings, kind, threads })?
}
