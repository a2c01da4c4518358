//! Nanoseconds per operation, all threads together.

use crate::{
    Scale, redis,
    space::Space,
    spaces,
    workload::{self, Workload},
};
use memory_cache_pool_benches::round::median;
use std::{
    sync::Barrier,
    thread,
    time::{Duration, Instant},
};

/// Operations of the pool for one of Redis.
const REDIS_IS_SLOWER: usize = 20;

/// Prints the table.
pub(crate) fn show(scale: Scale) {
    println!("ns per operation; times: how often the pool does it while the other does it once");
    println!();
    println!(
        "| workload | threads | pool | dashmap | mutexes | redis | times dashmap | times redis |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|--:|");
    for workload in workload::all(scale) {
        compare(&workload, scale);
    }
}

fn compare(workload: &Workload, scale: Scale) {
    let spaces = spaces(redis());
    for space in &spaces {
        let mut session = space.session();
        session.fills(true);
        (workload.fill)(&mut *session);
        session.fills(false);
    }
    for threads in [1, 2, 8] {
        let mut spent = vec![Vec::new(); spaces.len()];
        for _ in 0..scale.rounds {
            for (space, spent) in spaces.iter().zip(&mut spent) {
                spent.push(round(&**space, workload, threads, scale));
            }
        }
        let medians: Vec<_> = spent.into_iter().map(median).collect();
        let shown =
            |index: usize| medians.get(index).map_or("-".to_owned(), |ns| format!("{ns:.0}"));
        let times = |index: usize| {
            medians.get(index).map_or("-".to_owned(), |ns| format!("{:.2}", ns / medians[0]))
        };
        let [pool, dash, mutexes, redis] = [0, 1, 2, 3].map(shown);
        let (name, dash_times, redis_times) = (&workload.name, times(1), times(3));
        println!(
            "| {name} | {threads} | {pool} | {dash} | {mutexes} | {redis} | {dash_times} | {redis_times} |"
        );
    }
}

/// Nanoseconds per operation of one round, from the first thread's beginning to the last one's end.
#[expect(clippy::cast_precision_loss, reason = "few operations")]
fn round(space: &dyn Space, workload: &Workload, threads: usize, scale: Scale) -> f64 {
    let slower = if space.name() == "redis" { REDIS_IS_SLOWER } else { 1 };
    let ops = (scale.ops / slower / workload.weight).max(2);
    let barrier = Barrier::new(threads);
    let times: Vec<_> = thread::scope(|scope| {
        let begun: Vec<_> = (0..threads)
            .map(|thread| {
                let (barrier, act) = (&barrier, &workload.act);
                scope.spawn(move || {
                    let mut session = space.session();
                    barrier.wait();
                    let begin = Instant::now();
                    act(&mut *session, thread, ops);
                    (begin, Instant::now())
                })
            })
            .collect();
        begun.into_iter().filter_map(|thread| thread.join().ok()).collect()
    });
    let begin = times.iter().map(|(begin, _)| *begin).min();
    let end = times.iter().map(|(_, end)| *end).max();
    let spent = begin.zip(end).map_or(Duration::ZERO, |(begin, end)| end - begin);
    spent.as_secs_f64() * 1e9 / (threads * ops) as f64
}
