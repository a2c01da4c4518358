//! The report: a table for people, or one JSON object.

use crate::{Outcome, latency::NAMES};
use hdrhistogram::Histogram;
use std::io::{self, Write};

/// Percentiles that are told, by name.
const PERCENTILES: [(&str, f64); 4] =
    [("p50", 50.0), ("p99", 99.0), ("p99.9", 99.9), ("p99.99", 99.99)];

/// The histograms that have something to tell.
fn told(outcome: &Outcome) -> impl Iterator<Item = (&'static str, &Histogram<u64>)> {
    NAMES.into_iter().zip(&outcome.latencies.0).filter(|(_, histogram)| !histogram.is_empty())
}

#[expect(clippy::cast_precision_loss, reason = "a few million")]
fn per_second(outcome: &Outcome) -> f64 {
    let operations: u64 = told(outcome).map(|(_, histogram)| histogram.len()).sum();
    operations as f64 / outcome.elapsed.as_secs_f64()
}

/// Prints tables.
pub(crate) fn write_table(outcome: &Outcome, out: &mut impl Write) -> io::Result<()> {
    let market = &outcome.market;
    let (quotes, trades) = market.quotes_and_trades();
    writeln!(out, "{}", market.origin)?;
    writeln!(
        out,
        "{quotes} quotes and {trades} trades of {} instruments; {} quotes of one side left out",
        market.instruments.len(),
        market.one_sided
    )?;
    writeln!(out)?;
    write!(out, "{:12}{:>12}", "nanoseconds", "operations")?;
    for (name, _) in PERCENTILES {
        write!(out, "{name:>10}")?;
    }
    writeln!(out, "{:>12}", "max")?;
    for (name, histogram) in told(outcome) {
        write!(out, "{name:12}{:>12}", histogram.len())?;
        for (_, percentile) in PERCENTILES {
            write!(out, "{:>10}", histogram.value_at_percentile(percentile))?;
        }
        writeln!(out, "{:>12}", histogram.max())?;
    }
    writeln!(out)?;
    writeln!(out, "the clock is {:.0} ns of each", outcome.clock_nanos)?;
    writeln!(
        out,
        "{:.1} s, {:.0} operations a second on three threads, the desk's own work included",
        outcome.elapsed.as_secs_f64(),
        per_second(outcome)
    )?;
    let stats = &outcome.stats;
    writeln!(
        out,
        "hit rate {:.4}; {} keys in {} KiB of records, {} KiB of table, {} KiB retired",
        stats.hit_rate,
        stats.key_count,
        stats.record_bytes / 1024,
        stats.table_bytes / 1024,
        stats.retired_bytes / 1024
    )?;
    writeln!(out)?;
    for check in &outcome.checks {
        let verdict = if check.has_passed { "ok" } else { "FAILED" };
        writeln!(out, "{verdict:8}{:18}{}", check.name, check.detail)?;
    }
    Ok(())
}

/// Prints one JSON object.
pub(crate) fn write_json(outcome: &Outcome, out: &mut impl Write) -> io::Result<()> {
    let commands: Vec<String> = told(outcome)
        .map(|(name, histogram)| {
            let percentiles: Vec<String> = PERCENTILES
                .iter()
                .map(|(name, at)| format!("{name:?}:{}", histogram.value_at_percentile(*at)))
                .collect();
            let (count, max) = (histogram.len(), histogram.max());
            format!("{name:?}:{{\"operations\":{count},{},\"max\":{max}}}", percentiles.join(","))
        })
        .collect();
    let checks: Vec<String> = outcome
        .checks
        .iter()
        .map(|check| format!("{:?}:{}", check.name, check.has_passed))
        .collect();
    let stats = &outcome.stats;
    writeln!(
        out,
        "{{\"ticks\":{},\"instruments\":{},\"data\":{},\"seconds\":{:.3},\
         \"operations_per_second\":{:.0},\"clock_ns\":{:.1},\"hit_rate\":{:.6},\"keys\":{},\
         \"memory_bytes\":{},\"latency_ns\":{{{}}},\"checks\":{{{}}}}}",
        outcome.market.ticks.len(),
        outcome.market.instruments.len(),
        json_string(&outcome.market.origin),
        outcome.elapsed.as_secs_f64(),
        per_second(outcome),
        outcome.clock_nanos,
        stats.hit_rate,
        stats.key_count,
        stats.memory_usage,
        commands.join(","),
        checks.join(",")
    )
}

/// A string as JSON writes it.
fn json_string(text: &str) -> String {
    let mut json = String::from('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => json.extend(['\\', character]),
            control if u32::from(control) < 0x20 => {
                json.push_str(&format!("\\u{:04x}", u32::from(control)));
            }
            other => json.push(other),
        }
    }
    json.push('"');
    json
}
