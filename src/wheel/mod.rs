//! The timing wheel: which records expire when.
//!
//! Reads are exact without it: a record knows its deadline. The wheel is there so that what has
//! expired is also *removed*, soon, in small slices, by whoever writes or cleans up, whether or not
//! anybody asks for the key again.
//!
mod advance;
mod cap;
mod cover;
mod hint;
mod level;
#[cfg(all(test, pool_loom))]
mod loom;
mod position;
mod records;
#[cfg(test)]
mod shelf;
mod sweep;
#[cfg(all(test, not(pool_loom)))]
mod tests;
mod timeline;

pub(crate) use advance::Advanced;
pub(crate) use cover::{Cover, Plan};
pub(crate) use hint::Hint;
pub(crate) use records::Records;

use crate::sync::AtomicU64;
use cap::Cap;
use level::Level;
use position::tick_at;
use sweep::Sweep;
use timeline::Timeline;

/// Entries that say when to look at which records.
#[derive(Debug)]
pub(crate) struct Wheel<const LEVELS: usize = 9> {
    timeline: Timeline,
    /// The wheel's time when nothing more was due.
    done: AtomicU64,
    cap: Cap,
    sweep: Sweep,
    levels: [Level; LEVELS],
}

impl<const LEVELS: usize> Wheel<LEVELS> {
    /// Creates an empty wheel at the time `now` of the clock.
    pub(crate) fn new(now: u64) -> Self {
        let timeline = Timeline::default();
        let now = timeline.at(now);
        Self {
            timeline,
            done: AtomicU64::new(now),
            cap: Cap::default(),
            sweep: Sweep::default(),
            levels: std::array::from_fn(|level| Level::new(tick_at(now, level))),
        }
    }
}
