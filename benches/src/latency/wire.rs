//! What a process has measured, as text for the one that has started it.
//!
//! A line begins with what it is; histograms are pairs of a value and its count.

use super::{
    case::Run,
    interference::Interference,
    memory::Memory,
    recorder::{Latencies, Measured},
    timeline::Timeline,
};
use hdrhistogram::Histogram;
use std::fmt::{Display, Write};

/// Writes runs down.
#[must_use]
pub fn encode(runs: &[Run]) -> String {
    let mut text = String::new();
    for run in runs {
        let measured = &run.measured;
        let _ = writeln!(text, "run {}", run.contender);
        for latencies in &measured.operations {
            let _ = writeln!(text, "response {}", pairs(counts(&latencies.response)));
            let _ = writeln!(text, "own {}", pairs(counts(&latencies.own)));
        }
        let _ = writeln!(text, "responses {}", list(measured.responses.slots()));
        let _ = writeln!(text, "owns {}", list(measured.own.slots()));
        let interference = measured.interference;
        let _ = writeln!(text, "preempted {}", interference.preempted);
        let _ = writeln!(text, "faults {}", interference.faults);
        if let Some(memory) = &run.memory {
            let _ = writeln!(text, "baseline {}", memory.baseline);
            let _ = writeln!(text, "owed {}", memory.owed);
            let _ = writeln!(text, "samples {}", pairs(memory.samples.iter().copied()));
        }
        if let Some(note) = &run.note {
            let _ = writeln!(text, "note {note}");
        }
    }
    text
}

/// Reads what [`encode`] has written, by contenders of these names; `None` when it cannot be.
#[must_use]
pub fn decode(text: &str, names: &[&'static str]) -> Option<Vec<Run>> {
    let mut runs: Vec<Run> = Vec::new();
    for line in text.lines() {
        let (what, rest) = line.split_once(' ')?;
        if what == "run" {
            let contender = *names.iter().find(|name| **name == rest)?;
            runs.push(Run::new(contender, nothing()));
        } else {
            read_line(runs.last_mut()?, what, rest)?;
        }
    }
    Some(runs)
}

/// Adds what a line says to a run.
fn read_line(run: &mut Run, what: &str, rest: &str) -> Option<()> {
    let measured = &mut run.measured;
    match what {
        "response" => {
            measured.operations.push(Latencies::new());
            read_histogram(&mut measured.operations.last_mut()?.response, rest)?;
        }
        "own" => read_histogram(&mut measured.operations.last_mut()?.own, rest)?,
        "responses" => measured.responses = Timeline::of_slots(numbers(rest)?),
        "owns" => measured.own = Timeline::of_slots(numbers(rest)?),
        "preempted" => measured.interference.preempted = rest.parse().ok()?,
        "faults" => measured.interference.faults = rest.parse().ok()?,
        "baseline" => memory_of(run).baseline = rest.parse().ok()?,
        "owed" => memory_of(run).owed = rest.parse().ok()?,
        "samples" => memory_of(run).samples = read_pairs(rest)?,
        "note" => run.note = Some(rest.to_owned()),
        _ => return None,
    }
    Some(())
}

/// A measurement that has none.
fn nothing() -> Measured {
    Measured {
        operations: Vec::new(),
        responses: Timeline::of_slots(Vec::new()),
        own: Timeline::of_slots(Vec::new()),
        interference: Interference::default(),
    }
}

fn memory_of(run: &mut Run) -> &mut Memory {
    run.memory.get_or_insert_with(|| Memory { baseline: 0, owed: 0, samples: Vec::new() })
}

fn counts(histogram: &Histogram<u64>) -> impl Iterator<Item = (u64, u64)> {
    histogram.iter_recorded().map(|at| (at.value_iterated_to(), at.count_at_value()))
}

fn read_histogram(histogram: &mut Histogram<u64>, text: &str) -> Option<()> {
    for (value, count) in read_pairs::<u64, u64>(text)? {
        histogram.record_n(value, count).ok()?;
    }
    Some(())
}

fn list(numbers: &[u64]) -> String {
    let texts: Vec<_> = numbers.iter().map(u64::to_string).collect();
    texts.join(" ")
}

fn numbers(text: &str) -> Option<Vec<u64>> {
    text.split_ascii_whitespace().map(|number| number.parse().ok()).collect()
}

fn pairs<A: Display, B: Display>(pairs: impl Iterator<Item = (A, B)>) -> String {
    let texts: Vec<_> = pairs.map(|(one, other)| format!("{one}:{other}")).collect();
    texts.join(" ")
}

fn read_pairs<A: std::str::FromStr, B: std::str::FromStr>(text: &str) -> Option<Vec<(A, B)>> {
    let pair = |text: &str| {
        let (one, other) = text.split_once(':')?;
        Some((one.parse().ok()?, other.parse().ok()?))
    };
    text.split_ascii_whitespace().map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_down_is_read_back() {
        let mut measured = nothing();
        for worst in [7_000, 40_000_000_000] {
            let mut latencies = Latencies::new();
            latencies.response.record_n(100, 1_000_000).unwrap();
            latencies.response.record(worst).unwrap();
            latencies.own.record(worst / 2).unwrap();
            measured.operations.push(latencies);
        }
        measured.responses = Timeline::of_slots(vec![5, 0, 7_000]);
        measured.own = Timeline::of_slots(vec![5, 0, 3_500]);
        measured.interference = Interference { preempted: 1, faults: 2 };
        let mut run = Run::new("mutex, sweeper", measured);
        run.note = Some("a note: with colons".to_owned());
        let samples = vec![(-0.25, 1), (1.5, -2)];
        run.memory = Some(Memory { baseline: -3, owed: 4, samples });

        let text = encode(&[run.clone(), run]);
        let back = decode(&text, &["pool", "mutex, sweeper"]).unwrap();

        assert_eq!(back.len(), 2);
        assert_eq!(encode(&back), text);
        assert_eq!(back[1].measured.operations[1].response.len(), 1_000_001);
        assert_eq!(back[1].memory.as_ref().unwrap().owed, 4);
    }

    #[test]
    fn what_makes_no_sense_is_not_read() {
        for text in ["run nobody", "response 1:2", "run pool\nresponse 1", "run pool\nwhat 1", "x"]
        {
            assert!(decode(text, &["pool"]).is_none(), "{text}");
        }
    }
}
