//! The timing wheel: which records expire when.
//!
//! Reads are exact without it: a record knows its deadline. The wheel is there so that what has
//! expired is also *removed*, soon, in small slices, by whoever writes or cleans up, whether or not
//! anybody asks for the key again.
//!
//! # How it works
//!
//! There are nine [levels](level), rings of 256 slots each, of growing [granules](position): from a
//! millisecond to 35 years. A record with a deadline gets an *entry*, a [hint] at its hash, in the
//! finest level that reaches so far. When time comes to a slot, its entries *fire*: the records that
//! they may mean are looked at, and what has expired is removed. Entries never move between levels.
//! An entry on a coarse level fires early, and if its record has not expired then, another one is
//! pushed, to a finer level.
//!
//! Entries are never cancelled either. A record that is overwritten or deleted leaves its entry
//! behind, which finds another record of its key when it fires, or none. That is put to use: a record
//! inherits its predecessor's entry, if that fires in time, as its [cover]. So overwriting costs the
//! wheel nothing, and one key has one entry however often it is written. Only removals forget the
//! entry; therefore the number of entries is [capped](cap), and a push that is skipped at the cap is
//! made up for by a [sweep] through the table.
//!
//! ```text
//! writer                                     whoever advances: a writer, a cleanup
//! ──────                                     ─────────────────────────────────────
//! plan(old cover, deadline)                  advance(now, budget)
//! CAS that publishes the record                the finest level that is due: help it
//! fulfil(plan): push, or recheck, or owe         claimed entries → fire each of them
//!                                              nothing due: a little of the sweep, if one is owed
//! ```
//!
//! The wheel knows nothing of tables: it asks for [records](Records) by their hints, and for a CAS of
//! a record's word.
//!
//! # Invariants
//!
//! The levels' are L1 to L5, the covers' C1 to C9. Together they say:
//!
//! * **W1** A published record with a deadline will be looked at when that has passed: by an entry
//!   that waits, by a thread that is about to push one or that has claimed one, or by a sweep that is
//!   owed.
//! * **W2** When a level steps to a tick, the finer ones have been brought to its beginning.
//! * **W3** There are at most two entries for each key, and some more: see [cap].
//!
//! # A flush
//!
//! FLUSHALL removes records, as any removal does, and leaves the entries to their ticks: eight bytes
//! each, and a look at the table that finds nothing. To drop them with the records is not sound. Keys that
//! are set meanwhile have entries among them, and covers that say so; whoever takes an entry out before
//! its tick is current makes a cover wrong that says *ahead*, which others inherit by then. As long as
//! they are more than twice the keys that came after, pushes are skipped, and writers sweep.
//!
//! # Time
//!
//! The wheel goes by the clock that it is shown, but [never back](timeline). A level that was not
//! advanced for more than a turn [jumps](level), so that an hour without a call is made up for in
//! about 256 steps a level.
//!
//! # Orderings
//!
//! In the documents of the [levels](level), the [covers](cover) and the [sweep].
//!
//! # Progress
//!
//! `plan` is wait-free; `fulfil` and `advance` are lock-free, and `advance` does a bounded part of
//! what is due. A thread that falls asleep inside one of them may delay up to sixteen entries and the
//! one that it is about to push, until it wakes; nobody waits for it.
//!
//! # What it costs
//!
//! 18 KiB for each wheel, and 8 to 64 bytes for each entry: chunks of one tick grow from 64 to 512
//! bytes. A fire costs a look-up of the hint in the table.
//!
//! # References and deviations
//!
//! Varghese and Lauck, *Hashed and hierarchical timing wheels* (SOSP 1987). That entries do not
//! cascade is Linux's wheel (Gleixner, 2016), which lets timers be late instead; here the record's
//! own deadline allows for early fires on the coarse levels and a second look. Others cascade under a
//! lock (Kafka), or with a single owner (tokio, Caffeine).

mod advance;
mod cap;
mod cover;
mod hint;
mod level;
#[cfg(all(test, pool_loom, not(pool_shuttle)))]
mod loom;
mod position;
mod records;
#[cfg(test)]
mod shelf;
mod sweep;
#[cfg(all(test, not(pool_loom)))]
mod tests;
mod timeline;

pub(crate) use cover::{Cover, Plan};
pub(crate) use hint::Hint;
pub(crate) use records::Records;

use crate::sync::{AtomicU64, WHEEL_LEVELS};
use cap::Cap;
use level::Level;
use position::tick_at;
use sweep::Sweep;
use timeline::Timeline;

/// Entries that say when to look at which records.
#[derive(Debug)]
pub(crate) struct Wheel<const LEVELS: usize = WHEEL_LEVELS> {
    timeline: Timeline,
    /// The wheel's time when nothing more was due, or 0 while a sweep is owed.
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
