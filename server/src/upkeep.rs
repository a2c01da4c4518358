//! What the server does from time to time by itself: ten times a second, as Redis does.
//!
//! Keys whose deadline has passed are removed (unless DEBUG SET-ACTIVE-EXPIRE says otherwise),
//! databases get their shares of the memory, and what goes in and out is measured.

use crate::shared::Shared;
use std::time::{Duration, Instant};
use tokio::{task::yield_now, time::sleep};

const INTERVAL: Duration = Duration::from_millis(100);

/// How long keys are removed at a time: a quarter of it.
const MOST_REMOVAL: Duration = Duration::from_millis(25);

/// Keys that are looked at before others have their turn.
const SLICE: usize = 256;

/// Does it again and again. Does not end.
pub(crate) async fn keep(shared: &Shared) {
    loop {
        sleep(INTERVAL).await;
        if !shared.keeps_expired.is_raised() {
            remove_expired(shared).await;
        }
        shared.databases.share_memory();
        shared.used_memory();
        shared.rates.measure(&shared.tallies);
    }
}

async fn remove_expired(shared: &Shared) {
    let begin = Instant::now();
    for (_, pool) in shared.databases.used() {
        while pool.cleanup_expired_keys(SLICE).remaining && begin.elapsed() < MOST_REMOVAL {
            yield_now().await;
        }
    }
}
