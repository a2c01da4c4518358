//! One thread pushes to a list what another one pops from it.

use crate::{Scale, redis, space::Space, spaces, workload::field};
use memory_cache_pool_benches::round::median;
use std::{thread, time::Instant};

/// Prints the table.
pub(crate) fn show(scale: Scale) {
    println!("| ns per element | pool | dashmap | mutexes | redis |");
    println!("|---|--:|--:|--:|--:|");
    let spaces = spaces(redis());
    let mut spent = vec![Vec::new(); spaces.len()];
    for _ in 0..scale.rounds {
        for (space, spent) in spaces.iter().zip(&mut spent) {
            let slower = if space.name() == "redis" { 20 } else { 1 };
            spent.push(round(&**space, scale.ops * 2 / slower));
        }
    }
    let medians: Vec<_> = spent.into_iter().map(|all| format!("{:.0}", median(all))).collect();
    println!("| LPUSH beside RPOP | {} |", medians.join(" | "));
}

#[expect(clippy::cast_precision_loss, reason = "few elements")]
fn round(space: &dyn Space, elements: usize) -> f64 {
    let begin = Instant::now();
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut session = space.session();
            (0..elements).for_each(|n| session.lpush(b"queue", &field(n)));
        });
        let mut session = space.session();
        let mut popped = 0;
        while popped < elements {
            if session.rpop(b"queue") {
                popped += 1;
            } else {
                thread::yield_now();
            }
        }
    });
    begin.elapsed().as_secs_f64() * 1e9 / elements as f64
}
