//! `pinned`: the mix on two threads, while a third keeps what it has read for 50 ms, lets go, and
//! reads again.
//!
//! What it keeps is what the contender gives a reader to keep: the guard of an epoch (the pool,
//! papaya), the lock of a shard or a bucket (dashmap, scc), a counted reference (`quick_cache`,
//! moka); with a plain mutex a reader copies and keeps nothing.

use super::{
    beat::Loop,
    case::{Case, Run, Scenario, Settings},
    drive::{Plan, drive, together},
    memory::{Memory, watch},
    mix,
    roster::{self, Measure},
    steady::loops,
};
use crate::{allocation, contender::Contender, keys::Key, round};
use std::{
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
    time::{Duration, Instant},
};

const THREADS: usize = 2;

/// How often memory is looked at.
const EVERY: Duration = Duration::from_millis(10);

struct Pinned<'s> {
    settings: &'s Settings,
    kind: Loop,
    orders: &'s [Vec<Key>],
}

impl Measure for Pinned<'_> {
    type Result = Option<Run>;

    fn measure<C: Contender + Sync>(&self) -> Option<Run> {
        let scale = &self.settings.scale;
        allocation::count(true);
        let contender: C = round::filled(scale.keys);
        let plan = Plan {
            rate: self.settings.rate,
            threads: THREADS,
            kinds: mix::OPERATIONS.len(),
            warm_up: scale.warm_up,
            length: scale.length,
            begins: None,
        };
        let work = |gauge: &mut super::drive::Gauge| {
            mix::mix(&contender, &self.orders[gauge.thread], gauge);
        };
        let baseline = allocation::bytes();
        let begins = Instant::now() + scale.warm_up;
        let is_over = AtomicBool::new(false);
        let (measured, samples) = thread::scope(|scope| {
            scope.spawn(|| {
                for key in self.orders[0].iter().cycle() {
                    contender.hold(key, || thread::sleep(scale.hold));
                    if is_over.load(Relaxed) {
                        return;
                    }
                }
            });
            let watched =
                watch(EVERY, begins, allocation::bytes, || drive(&plan, |_| self.kind, work));
            is_over.store(true, Relaxed);
            watched
        });
        allocation::count(false);
        let mut run = Run::new(C::NAME, together(&measured)?);
        run.memory = Some(Memory { baseline, owed: 0, samples });
        Some(run)
    }
}

/// The cases of each part: each loop.
#[must_use]
pub fn cases() -> Vec<Vec<Case>> {
    let case = |kind| vec![Case::of_loop(Scenario::Pinned, kind, THREADS, mix::OPERATIONS)];
    loops(THREADS).map(case).into()
}

/// Measures one contender in one part.
#[must_use]
pub fn measure(settings: &Settings, part: usize, contender: &str) -> Option<Run> {
    let kind = loops(THREADS).get(part).copied()?;
    let orders = mix::orders(THREADS, settings.scale.keys);
    roster::one(contender, &Pinned { settings, kind, orders: &orders })?
}
