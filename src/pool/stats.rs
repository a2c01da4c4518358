//! Statistics of the pool, and facts about each key.

use super::{
    MemoryCachePool,
    engine::{Engine, Touch, WALK_SLICE},
    expiry::Ttl,
    keyspace::ValueType,
    resident,
};
use crate::{
    record::Live,
    sync::lock,
    tally::{TALLIES, Tally},
};
use std::time::Duration;

/// What the pool has done since it began or [`reset_stats`](MemoryCachePool::reset_stats), and what
/// it holds now.
///
/// Counters are kept per thread and summed when asked for; the parts of one snapshot are read one
/// after the other and may differ by what happens meanwhile. With `enable_stats` off the counters
/// stay 0, but for removals that expiry made; what the pool holds is told all the same.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
#[non_exhaustive]
pub struct CacheStats {
    /// Reads that found a value.
    pub hits: u64,
    /// Reads that found none.
    pub misses: u64,
    /// Hits over reads, from 0 to 1; 0 when nothing was read.
    pub hit_rate: f64,
    /// Commands on single keys, of every kind; a command on several keys counts for each.
    pub operations: u64,
    /// Values written.
    pub sets: u64,
    /// Keys deleted by command.
    pub deletes: u64,
    /// Keys removed or overwritten because their deadline had passed.
    pub expirations: u64,
    /// Keys removed to make room.
    pub evictions: u64,
    /// Keys in the table, those included that have expired and were not removed yet.
    pub key_count: usize,
    /// Bytes in use: the sum of the six below. What the allocator makes of it, and what objects
    /// hold themselves, is not in it.
    pub memory_usage: usize,
    /// Bytes of the records in the table, with the values that they share.
    pub record_bytes: usize,
    /// Bytes that are retired and not yet free.
    pub retired_bytes: usize,
    /// Bytes that threads keep ready for what they write next, and of their own.
    pub idle_bytes: usize,
    /// Bytes of the buckets.
    pub table_bytes: usize,
    /// Bytes of the timing wheel, which knows what expires when.
    pub wheel_bytes: usize,
    /// Entries of the timing wheel: about one for each key with a deadline, at most two for each key
    /// and four thousand more.
    pub wheel_entries: usize,
    /// Bytes of what eviction remembers.
    pub eviction_bytes: usize,
    /// Keys that are [spared from eviction](MemoryCachePool::set_no_evict).
    pub no_evict_keys: usize,
    /// Bytes of their records, which are among `record_bytes`.
    pub no_evict_bytes: usize,
    /// Bytes of the whole process that are in memory, as the system counts them, in whole pages:
    /// what else the process holds is in it, and what the allocator keeps. Known on Linux only.
    pub resident_bytes: Option<usize>,
}

/// Facts about one key.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct KeyInfo {
    /// The key.
    pub key: Vec<u8>,
    /// The type of its value.
    pub value_type: ValueType,
    /// How long it has to live.
    pub ttl: Ttl,
    /// An estimate of how often it was read, from a logarithmic counter.
    pub access_count: u32,
    /// How long ago it was read or written, to a tick: see
    /// [`object_idletime`](MemoryCachePool::object_idletime).
    pub idle: Duration,
    /// Bytes that its record takes; for an object, without what the object itself holds.
    pub memory_estimate: usize,
    /// Whether it is [spared from eviction](MemoryCachePool::set_no_evict).
    pub no_evict: bool,
}

/// One section of [`MemoryCachePool::info`]: its name and its fields in order.
pub(super) type Section = (&'static str, Vec<(&'static str, String)>);

impl MemoryCachePool {
    /// Sums the statistics over all threads. O(threads that have used the pool); asks the system for
    /// `resident_bytes`, which takes some microseconds.
    #[must_use]
    pub fn get_stats(&self) -> CacheStats {
        let engine = &*self.engine;
        let baseline = *lock(&engine.baseline);
        let since =
            |tally: Tally| engine.domain.total(tally).wrapping_sub(baseline[tally as usize]);
        // Stripes are read one after the other, so that a sum may come out below zero.
        let bytes = |sum: u64| usize::try_from(sum.cast_signed()).unwrap_or(0);
        let hits = if engine.counts { since(Tally::Hits) } else { 0 };
        let misses = since(Tally::Misses);
        let (sets, deletes) = (since(Tally::Sets), since(Tally::Deletes));
        let record_bytes = bytes(engine.domain.total(Tally::RecordBytes));
        let retired_bytes = bytes(engine.domain.retired_bytes());
        let table_bytes = engine.table.bytes(&engine.pin());
        let wheel_blocks = bytes(engine.domain.total(Tally::WheelBytes));
        let wheel_bytes = size_of_val(&engine.wheel) + wheel_blocks;
        let eviction_bytes = engine.evictor.bytes();
        let spared = engine.evictor.spared.sum();
        let taken = bytes(engine.domain.taken_bytes());
        // A value that EXPIRE has handed on is in the record that holds it now.
        let retired_bytes = retired_bytes.min(taken.saturating_sub(record_bytes));
        let idle_bytes = taken.saturating_sub(record_bytes + retired_bytes + wheel_blocks);
        CacheStats {
            hits,
            misses,
            hit_rate: rate(hits, misses),
            operations: hits + misses + sets + deletes + since(Tally::OtherOperations),
            sets,
            deletes,
            expirations: since(Tally::Expirations),
            evictions: since(Tally::Evictions),
            key_count: self.dbsize(),
            memory_usage: record_bytes
                + retired_bytes
                + idle_bytes
                + table_bytes
                + wheel_bytes
                + eviction_bytes,
            record_bytes,
            retired_bytes,
            idle_bytes,
            table_bytes,
            wheel_bytes,
            wheel_entries: bytes(engine.domain.total(Tally::WheelEntries)),
            eviction_bytes,
            no_evict_keys: bytes(spared.keys),
            no_evict_bytes: bytes(spared.bytes),
            resident_bytes: resident::resident_bytes(),
        }
    }

    /// Starts the counters anew; what the pool holds is not a counter.
    pub fn reset_stats(&self) {
        let mut baseline = lock(&self.engine.baseline);
        const COUNTERS: [Tally; 7] = [
            Tally::Hits,
            Tally::Misses,
            Tally::Sets,
            Tally::Deletes,
            Tally::Expirations,
            Tally::Evictions,
            Tally::OtherOperations,
        ];
        let mut now = [0; TALLIES];
        for tally in COUNTERS {
            now[tally as usize] = self.engine.domain.total(tally);
        }
        *baseline = now;
    }

    /// What an operator wants to see, in ordered sections: `server`, `memory`, `stats`, `keyspace`.
    #[must_use]
    pub fn info(&self) -> Vec<(&'static str, Vec<(&'static str, String)>)> {
        let engine = &*self.engine;
        let stats = self.get_stats();
        let oldest_guard = engine.domain.oldest_guard_millis().unwrap_or(0);
        let uptime = engine.clock.now_millis().saturating_sub(engine.began) / 1000;
        let max_keys = engine.evictor.max_keys().unwrap_or(0).to_string();
        let max_memory = engine.evictor.max_memory().unwrap_or(0).to_string();
        let sections: [Section; 4] = [
            (
                "server",
                vec![
                    ("version", env!("CARGO_PKG_VERSION").to_owned()),
                    ("process_id", std::process::id().to_string()),
                    ("uptime_in_seconds", uptime.to_string()),
                ],
            ),
            (
                "memory",
                vec![
                    ("used_memory", stats.memory_usage.to_string()),
                    ("used_memory_records", stats.record_bytes.to_string()),
                    ("used_memory_retired", stats.retired_bytes.to_string()),
                    ("used_memory_table", stats.table_bytes.to_string()),
                    ("used_memory_wheel", stats.wheel_bytes.to_string()),
                    ("oldest_guard_millis", oldest_guard.to_string()),
                    ("used_memory_idle", stats.idle_bytes.to_string()),
                    ("used_memory_eviction", stats.eviction_bytes.to_string()),
                    ("used_memory_no_evict", stats.no_evict_bytes.to_string()),
                    ("used_memory_rss", stats.resident_bytes.unwrap_or(0).to_string()),
                    ("maxmemory", max_memory),
                    ("maxmemory_policy", engine.evictor.policy().to_string()),
                ],
            ),
            (
                "stats",
                vec![
                    ("total_commands_processed", stats.operations.to_string()),
                    ("keyspace_hits", stats.hits.to_string()),
                    ("keyspace_misses", stats.misses.to_string()),
                    ("hit_rate", format!("{:.4}", stats.hit_rate)),
                    ("sets", stats.sets.to_string()),
                    ("deletes", stats.deletes.to_string()),
                    ("expired_keys", stats.expirations.to_string()),
                    ("evicted_keys", stats.evictions.to_string()),
                ],
            ),
            (
                "keyspace",
                vec![
                    ("keys", stats.key_count.to_string()),
                    ("no_evict_keys", stats.no_evict_keys.to_string()),
                    ("max_keys", max_keys),
                ],
            ),
        ];
        sections.into()
    }

    /// Facts about one key, if it exists. Does not count as a use of the key.
    #[must_use]
    pub fn key_info(&self, key: impl AsRef<[u8]>) -> Option<KeyInfo> {
        let engine = &*self.engine;
        let now = engine.clock.now_millis();
        engine.read(key.as_ref(), Touch::No, |live| key_info(engine, live, now))
    }

    /// Facts about each key, in no order; a weak snapshot as [`keys`](Self::keys) is.
    ///
    /// Walks the table in slices as the iterator is drawn on, and holds no pin in between.
    pub fn debug_keys(&self) -> impl Iterator<Item = KeyInfo> + '_ {
        let mut next = Some(0);
        let slices = std::iter::from_fn(move || {
            let mut cursor = next?;
            let mut slice = Vec::new();
            let guard = self.engine.pin();
            let now = self.engine.clock.now_millis();
            for _ in 0..WALK_SLICE {
                cursor = self.engine.scan_bucket(cursor, &guard, |live| {
                    slice.push(key_info(&self.engine, live, now));
                });
                if cursor == 0 {
                    break;
                }
            }
            next = (cursor != 0).then_some(cursor);
            Some(slice)
        });
        slices.flatten()
    }
}

/// The facts about one record.
fn key_info(engine: &Engine, live: Live<'_>, now: u64) -> KeyInfo {
    KeyInfo {
        key: live.key().to_vec(),
        value_type: ValueType::of(live),
        ttl: Ttl::of(live, now),
        access_count: live.usage().access_count(),
        idle: engine.idle(live),
        memory_estimate: live.memory() + engine.element_bytes(live),
        no_evict: live.is_spared(),
    }
}

/// Hits over reads.
#[expect(clippy::cast_precision_loss, reason = "a rate of counters below 2^53")]
fn rate(hits: u64, misses: u64) -> f64 {
    if hits + misses == 0 { 0.0 } else { hits as f64 / (hits + misses) as f64 }
}
