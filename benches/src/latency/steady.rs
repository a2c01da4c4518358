//! `steady`: the mix on a population that does not change, in closed and open loops.

use super::{
    beat::Loop,
    case::{Case, Run, Scenario, Settings},
    drive::{Plan, drive, together},
    mix,
    roster::{self, Measure},
};
use crate::{contender::Contender, keys::Key, round};
use std::time::Duration;

/// Threads of the cases.
pub const THREADS: [usize; 3] = [1, 2, 8];

/// Loops of the cases, by threads. Together the threads of an open loop ask for the same number of
/// operations a second, which every contender can do: 400,000 on up to two processors.
#[must_use]
pub fn loops(threads: usize) -> [Loop; 2] {
    let pace = Duration::from_micros(if threads > 2 { 20 } else { 5 });
    [Loop::Closed, Loop::Open(pace)]
}

/// One loop on so many threads.
struct Steady<'s> {
    settings: &'s Settings,
    kind: Loop,
    orders: &'s [Vec<Key>],
}

impl Measure for Steady<'_> {
    type Result = Option<Run>;

    fn measure<C: Contender + Sync>(&self) -> Option<Run> {
        let scale = &self.settings.scale;
        let contender: C = round::filled(scale.keys);
        let plan = Plan {
            rate: self.settings.rate,
            threads: self.orders.len(),
            kinds: mix::OPERATIONS.len(),
            warm_up: scale.warm_up,
            length: scale.length,
            begins: None,
        };
        let work = |gauge: &mut _| one_thread(&contender, self.orders, gauge);
        together(&drive(&plan, |_| self.kind, work)).map(|measured| Run::new(C::NAME, measured))
    }
}

fn one_thread<C: Contender>(contender: &C, orders: &[Vec<Key>], gauge: &mut super::drive::Gauge) {
    mix::mix(contender, &orders[gauge.thread], gauge);
}

/// The parts: each number of threads, each loop.
#[must_use]
pub fn parts() -> Vec<(usize, Loop)> {
    THREADS.into_iter().flat_map(|threads| loops(threads).map(|kind| (threads, kind))).collect()
}

/// The cases of each part.
#[must_use]
pub fn cases() -> Vec<Vec<Case>> {
    let case =
        |(threads, kind)| vec![Case::of_loop(Scenario::Steady, kind, threads, mix::OPERATIONS)];
    parts().into_iter().map(case).collect()
}

/// Measures one contender in one part.
#[must_use]
pub fn measure(settings: &Settings, part: usize, contender: &str) -> Option<Run> {
    let (threads, kind) = parts().get(part).copied()?;
    let orders = mix::orders(threads, settings.scale.keys);
    roster::one(contender, &Steady { settings, kind, orders: &orders })?
}
