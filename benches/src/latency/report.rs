//! Tables for a reader, CSV for a program.

use super::{
    case::{Case, Run},
    figures::{QUANTILES, duration, figures, mebibytes},
    memory::Memory,
    recorder::Latencies,
    timeline::SLOT_NANOS,
};
use hdrhistogram::Histogram;
use std::fmt::Write;

/// Columns that are texts; the others are numbers, aligned to the right.
const TEXTS: usize = 2;

/// Seconds after the storm at which memory is told.
const LOOKS: [f64; 5] = [0.0, 0.5, 1.0, 2.0, 4.5];

/// A case's table, and its notes.
#[must_use]
pub fn table(case: &Case) -> String {
    let mut head = vec!["contender", "operation", "count"];
    head.extend(QUANTILES.iter().map(|(_, name)| *name));
    head.extend(["max", "own max", "preempted", "faults"]);
    let mut rows = vec![head.into_iter().map(str::to_owned).collect()];
    for run in &case.runs {
        rows.extend(rows_of(case, run));
    }
    let mut text = format!("## {}: {}\n\n{}", case.scenario, case.title, aligned(&rows));
    for run in &case.runs {
        if let Some(memory) = &run.memory {
            let _ = writeln!(text, "{}: {}", run.contender, memory_line(memory));
        }
        if let Some(note) = &run.note {
            let _ = writeln!(text, "{}: {note}", run.contender);
        }
    }
    text
}

/// A contender's rows.
fn rows_of(case: &Case, run: &Run) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for (kind, (name, latencies)) in
        case.operations.iter().zip(&run.measured.operations).enumerate()
    {
        if latencies.response.is_empty() {
            continue;
        }
        let mut cells = row(name, &latencies.response);
        let own_max = run.own_max.get(kind).copied();
        cells.push(duration(own_max.unwrap_or_else(|| latencies.own.max())));
        rows.push(cells);
        if !keeps_pace(latencies) {
            let mut cells = row(&format!("{name}: own"), &latencies.own);
            cells.push(String::new());
            rows.push(cells);
        }
    }
    for (index, row) in rows.iter_mut().enumerate() {
        let interference = run.measured.interference;
        let first = index == 0;
        row.insert(0, if first { run.contender.to_owned() } else { String::new() });
        let told = |count: u64| if first { count.to_string() } else { String::new() };
        row.extend([told(interference.preempted), told(interference.faults)]);
    }
    rows
}

fn row(name: &str, histogram: &Histogram<u64>) -> Vec<String> {
    let mut row = vec![name.to_owned(), histogram.len().to_string()];
    row.extend(figures(histogram).map(duration));
    row
}

/// Whether an open loop's figures are about its operations, not about a queue that grows all the
/// time because the contender cannot do as many as it is asked for.
fn keeps_pace(latencies: &Latencies) -> bool {
    let response = latencies.response.value_at_quantile(0.5);
    response < 100_000 || response < 20 * latencies.own.value_at_quantile(0.5)
}

/// What there is to say about memory.
fn memory_line(memory: &Memory) -> String {
    if memory.owed <= 0 {
        return format!("at most {} above the start", mebibytes(memory.peak()));
    }
    let mut line = format!("{} to give back; still held", mebibytes(memory.owed));
    for seconds in LOOKS {
        if let Some(share) = memory.share_held_at(seconds) {
            let _ = write!(line, " {:.0} % at +{seconds} s,", share * 100.0);
        }
    }
    match memory.when_held_at_most(0.1) {
        Some(seconds) => {
            let _ = write!(line, " nine tenths are back at {seconds:+.2} s");
        }
        None => line.push_str(" nine tenths were never back"),
    }
    line
}

/// Rows with their columns under each other.
fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let widths = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        widths.max().unwrap_or(0)
    };
    let widths: Vec<_> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let _ = if column < TEXTS {
                write!(line, "{cell:width$}  ")
            } else {
                write!(line, "{cell:>width$}  ")
            };
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// The head of [`latencies_csv`].
#[must_use]
pub fn latencies_head() -> String {
    let mut head = "scenario,case,contender,operation,measure,count".to_owned();
    for (_, name) in QUANTILES {
        let _ = write!(head, ",{name}_ns");
    }
    head.push_str(",max_ns,preempted,faults\n");
    head
}

/// A case's figures, one line a contender, kind of operation and measure.
#[must_use]
pub fn latencies_csv(case: &Case) -> String {
    let mut text = String::new();
    for run in &case.runs {
        for (name, latencies) in case.operations.iter().zip(&run.measured.operations) {
            let measures = [("response", &latencies.response), ("own", &latencies.own)];
            for (measure, histogram) in measures {
                if histogram.is_empty() {
                    continue;
                }
                let cells = [case.scenario.name(), &case.slug, run.contender, name, measure];
                text.push_str(&cells.map(quoted).join(","));
                let _ = write!(text, ",{}", histogram.len());
                for figure in figures(histogram) {
                    let _ = write!(text, ",{figure}");
                }
                let interference = run.measured.interference;
                let _ = writeln!(text, ",{},{}", interference.preempted, interference.faults);
            }
        }
    }
    text
}

/// The longest response and own time of every 10 ms, one line a contender and slot.
#[must_use]
pub fn timeline_csv(case: &Case) -> String {
    let mut text = "contender,ms,max_ns,own_max_ns\n".to_owned();
    for run in &case.runs {
        let slots = run.measured.responses.slots().iter().zip(run.measured.own.slots());
        for (slot, (longest, own)) in (0_u64..).zip(slots) {
            let millis = slot * SLOT_NANOS / 1_000_000;
            let _ = writeln!(text, "{},{millis},{longest},{own}", quoted(run.contender));
        }
    }
    text
}

/// Bytes over time, one line a contender and sample; `None` when nobody looked.
#[must_use]
pub fn memory_csv(case: &Case) -> Option<String> {
    let mut text = "contender,seconds,bytes\n".to_owned();
    let mut is_there = false;
    for run in &case.runs {
        for (seconds, bytes) in run.memory.iter().flat_map(|memory| &memory.samples) {
            is_there = true;
            let _ = writeln!(text, "{},{seconds:.4},{bytes}", quoted(run.contender));
        }
    }
    is_there.then_some(text)
}

/// A cell of CSV.
fn quoted(cell: &str) -> String {
    if cell.contains([',', '"', '\n']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::latency::{
        beat::Loop, case::Scenario, interference::Interference, recorder::Recorder, ticks::Rate,
    };
    use std::time::Duration;

    /// A reader that waited 20 µs for its turn, and a deleter.
    fn case() -> Case {
        let length = Duration::from_millis(20);
        let mut recorder = Recorder::new(Rate::of(1 << 32, 1 << 32), 2, length);
        recorder.set_window(0, u64::MAX);
        recorder.time(0, Some(0), || ());
        let mut measured = recorder.finish(Interference { preempted: 3, faults: 4 });
        // The times of a test are not its own to choose: these are.
        for latencies in &mut measured.operations {
            latencies.response.reset();
            latencies.own.reset();
        }
        measured.operations[0].response.saturating_record(120);
        measured.operations[0].own.saturating_record(100);
        let mut run = Run::new("mutex, sweeper", measured);
        run.note = Some("swept".to_owned());
        let memory = Memory { baseline: 0, owed: 0, samples: vec![(-0.5, 7), (0.25, 3 << 20)] };
        run.memory = Some(memory);
        let case = Case::of_loop(Scenario::Churn, Loop::Closed, 1, &["delete", "insert"]);
        Case { runs: vec![run], ..case }
    }

    #[test]
    fn the_table_is_aligned_and_leaves_out_what_did_not_happen() {
        let text = table(&case());

        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], "## churn: closed loop, 1 thread");
        assert!(lines[2].starts_with("contender       operation  count     p50"));
        assert!(lines[3].starts_with("mutex, sweeper  delete         1  120 ns"));
        assert!(lines[3].ends_with("3       4"));
        assert_eq!(lines[4], "mutex, sweeper: at most 3.0 MiB above the start");
        assert_eq!(lines[5], "mutex, sweeper: swept");
    }

    #[test]
    fn an_open_loop_that_only_queues_shows_what_the_operations_took() {
        let mut case = case();
        let latencies = &mut case.runs[0].measured.operations[0];
        latencies.response.reset();
        latencies.response.saturating_record(5_000_000_000);

        assert!(table(&case).contains("delete: own      1  100 ns"));
    }

    #[test]
    fn csv_quotes_what_has_a_comma() {
        let expected = "churn,churn-closed-1,\"mutex, sweeper\",delete,response,1,\
                        120,120,120,120,120,120,3,4\n";
        let csv = latencies_csv(&case());

        assert!(csv.starts_with(expected), "{csv}");
        assert_eq!(csv.lines().count(), 2);
        let columns = latencies_head().split(',').count();
        assert_eq!(expected.split(',').count(), columns + 1);
    }

    #[test]
    fn memory_is_told_by_sample() {
        let expected = "contender,seconds,bytes\n\"mutex, sweeper\",-0.5000,7\n\
                        \"mutex, sweeper\",0.2500,3145728\n";
        assert_eq!(memory_csv(&case()).as_deref(), Some(expected));

        let mut without = case();
        without.runs[0].memory = None;
        assert_eq!(memory_csv(&without), None);
    }
}
