//! Runs the threads of one measurement side by side.

use super::{
    beat::{Beat, Loop},
    interference::Interference,
    recorder::{Measured, Recorder},
    ticks::{self, Rate},
};
use crate::allocation::uncounted;
use std::{hint::spin_loop, sync::Barrier, thread, time::Duration};

/// Time between the release of the threads and the first operation that can count.
const LEAD: Duration = Duration::from_millis(2);

/// One measurement.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Of the time stamps.
    pub rate: Rate,
    /// Threads that measure.
    pub threads: usize,
    /// Kinds of operations.
    pub kinds: usize,
    /// How long operations are done before they count.
    pub warm_up: Duration,
    /// How long they count.
    pub length: Duration,
    /// The tick at which they begin to count, if not as soon as everybody is ready.
    pub begins: Option<u64>,
}

/// What a thread measures with.
#[derive(Debug)]
pub struct Gauge {
    /// Which of the threads it is.
    pub thread: usize,
    /// Measures the operations.
    pub recorder: Recorder,
    /// Tells when the next one is due.
    pub beat: Beat,
}

/// Runs `work` on every thread of a plan, each with its own loop, and returns what each measured.
///
/// `work` does operations until its recorder says that the time is over, or ends for reasons of its
/// own. Everything that it measures with was allocated and touched before.
pub fn drive(
    plan: &Plan,
    kind: impl Fn(usize) -> Loop,
    work: impl Fn(&mut Gauge) + Sync,
) -> Vec<Measured> {
    let recorder = |_| Recorder::new(plan.rate, plan.kinds, plan.length);
    let recorders: Vec<_> = uncounted(|| (0..plan.threads).map(recorder).collect());
    let barrier = Barrier::new(plan.threads);
    let ready = plan.rate.ticks_of(LEAD + plan.warm_up);
    let begins = plan.begins.unwrap_or_else(|| ticks::start() + ready);
    let until = begins + plan.rate.ticks_of(plan.length);
    let first = begins.saturating_sub(plan.rate.ticks_of(plan.warm_up));
    let gauges = recorders.into_iter().enumerate().map(|(thread, mut recorder)| {
        recorder.set_window(begins, until);
        let beat = Beat::new(plan.rate, kind(thread), (first, begins), thread, plan.threads);
        Gauge { thread, recorder, beat }
    });
    let gauges: Vec<_> = gauges.collect();
    thread::scope(|scope| {
        let running: Vec<_> = gauges
            .into_iter()
            .map(|mut gauge| {
                let (barrier, work) = (&barrier, &work);
                scope.spawn(move || {
                    gauge.recorder.take_seat();
                    barrier.wait();
                    while ticks::start() < first {
                        spin_loop();
                    }
                    let before = Interference::so_far();
                    work(&mut gauge);
                    gauge.recorder.finish(Interference::so_far() - before)
                })
            })
            .collect();
        running.into_iter().filter_map(|thread| thread.join().ok()).collect()
    })
}

/// What several threads have measured together.
#[must_use]
pub fn together(measured: &[Measured]) -> Option<Measured> {
    let (first, others) = measured.split_first()?;
    let mut all = first.clone();
    for other in others {
        all.fold(other);
    }
    Some(all)
}
