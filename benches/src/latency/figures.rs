//! The figures of a distribution, and how they are written.

use hdrhistogram::Histogram;

/// The quantiles that are told, with their names.
pub const QUANTILES: [(f64, &str); 5] =
    [(0.5, "p50"), (0.9, "p90"), (0.99, "p99"), (0.999, "p99.9"), (0.9999, "p99.99")];

/// The quantiles of a histogram, and its longest, in nanoseconds.
#[must_use]
pub fn figures(histogram: &Histogram<u64>) -> [u64; QUANTILES.len() + 1] {
    let mut figures = [histogram.max(); QUANTILES.len() + 1];
    for (figure, (quantile, _)) in figures.iter_mut().zip(QUANTILES) {
        *figure = histogram.value_at_quantile(quantile);
    }
    figures
}

/// Nanoseconds with three digits and a unit: `83 ns`, `1.21 µs`, `307 ms`.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
pub fn duration(nanos: u64) -> String {
    const UNITS: [(f64, &str); 3] = [(1e9, "s"), (1e6, "ms"), (1e3, "µs")];
    let nanos = nanos as f64;
    for (size, unit) in UNITS {
        // What would be rounded up to a thousand of the unit below belongs to this one.
        let amount = nanos / size;
        if amount >= 0.9995 {
            let digits = if amount < 9.995 { 2 } else { usize::from(amount < 99.95) };
            return format!("{amount:.digits$} {unit}");
        }
    }
    format!("{nanos} ns")
}

/// Bytes in MiB.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "one digit behind the point is shown")]
pub fn mebibytes(bytes: i64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_three_digits_and_a_unit() {
        let cases = [
            (0, "0 ns"),
            (83, "83 ns"),
            (999, "999 ns"),
            (1_000, "1.00 µs"),
            (1_214, "1.21 µs"),
            (12_140, "12.1 µs"),
            (999_400, "999 µs"),
            (999_600, "1.00 ms"),
            (307_000_000, "307 ms"),
            (2_400_000_000, "2.40 s"),
        ];
        for (nanos, text) in cases {
            assert_eq!(duration(nanos), text);
        }
    }

    #[test]
    fn figures_are_the_quantiles_and_the_longest() {
        let mut histogram = Histogram::new_with_bounds(1, 1_000_000, 3).unwrap();
        for nanos in 1..=10_000 {
            histogram.saturating_record(nanos);
        }

        let [p50, p90, .., most] = figures(&histogram);

        assert!(p50.abs_diff(5_000) <= 8);
        assert!(p90.abs_diff(9_000) <= 8);
        assert!(most.abs_diff(10_000) <= 8);
    }

    #[test]
    fn no_operations_have_no_latency() {
        assert_eq!(figures(&Histogram::new(2).unwrap()), [0; 6]);
    }
}
