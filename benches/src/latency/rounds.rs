//! Several rounds of one contender as one run.
//!
//! A machine that others share is slow in one second and fast in the next. Rounds in which the
//! contenders take turns meet both alike, and the middle one is neither.

use super::case::Run;

/// The quantile by which a round is the middle one.
const BY: f64 = 0.999;

/// One run out of several rounds of the same contender and case; `None` of none.
///
/// Of each kind of operation it has the latencies of the round whose 99.9th percentile is the median,
/// of everything else what the middle round of the first kind has. The longest own times are the
/// least of all rounds: a pause of the contender's making comes back in each, one of the machine's
/// does not.
#[must_use]
pub fn middle(rounds: &[Run]) -> Option<Run> {
    let kinds = rounds.first()?.measured.operations.len();
    let mut run = rounds.get(middle_of(rounds, 0)?)?.clone();
    for kind in 0..kinds {
        let from = rounds.get(middle_of(rounds, kind)?)?;
        run.measured.operations[kind] = from.measured.operations.get(kind)?.clone();
    }
    run.own_max = (0..kinds).map(|kind| least_own_max(rounds, kind)).collect();
    Some(run)
}

/// The round in the middle by a kind of operation; the lower one of two.
fn middle_of(rounds: &[Run], kind: usize) -> Option<usize> {
    let high = |run: &Run| {
        run.measured.operations.get(kind).map_or(0, |of| of.response.value_at_quantile(BY))
    };
    let mut order: Vec<_> = (0..rounds.len()).collect();
    order.sort_by_key(|&round| high(&rounds[round]));
    order.get(order.len().saturating_sub(1) / 2).copied()
}

fn least_own_max(rounds: &[Run], kind: usize) -> u64 {
    let longest = |run: &Run| run.measured.operations.get(kind).map_or(0, |of| of.own.max());
    rounds.iter().map(longest).min().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::latency::{
        interference::Interference,
        recorder::{Latencies, Measured},
        timeline::Timeline,
    };

    /// A round of two kinds of operations, which each took as long as is said.
    fn round(nanos: [u64; 2], preempted: u64) -> Run {
        let of = |nanos| {
            let mut latencies = Latencies::new();
            latencies.response.saturating_record(nanos);
            latencies.own.saturating_record(nanos);
            latencies
        };
        let measured = Measured {
            operations: nanos.map(of).into(),
            responses: Timeline::of_slots(Vec::new()),
            own: Timeline::of_slots(Vec::new()),
            interference: Interference { preempted, faults: 0 },
        };
        Run::new("pool", measured)
    }

    #[test]
    fn each_kind_of_operation_is_told_by_its_own_middle_round() {
        let rounds = [round([10, 90], 0), round([30, 70], 1), round([20, 80], 2)];

        let run = middle(&rounds).unwrap();

        let longest = |kind: usize| run.measured.operations[kind].response.max();
        assert_eq!((longest(0), longest(1)), (20, 80));
        assert_eq!(run.measured.interference.preempted, 2);
    }

    #[test]
    fn the_longest_own_time_is_that_of_the_calmest_round() {
        let rounds = [round([10, 90], 0), round([30, 70], 1), round([20, 80], 2)];

        assert_eq!(middle(&rounds).unwrap().own_max, [10, 70]);
    }

    #[test]
    fn no_round_is_no_run() {
        assert!(middle(&[]).is_none());
    }
}
