//! How long commands took, by powers of two of a microsecond: what LATENCY HISTOGRAM shows, and what
//! the percentiles of INFO are read from.

use crate::sync::Number;

/// Buckets: up to 1 µs, 2 µs, 4 µs, … about 9 minutes; the last has the rest.
pub(crate) const BUCKETS: usize = 30;

/// The bucket of a time.
#[inline]
pub(crate) fn bucket_of(nanos: u64) -> usize {
    if nanos <= 1000 {
        return 0;
    }
    let micros = nanos.div_ceil(1000);
    let power = micros.next_power_of_two().trailing_zeros();
    usize::try_from(power).unwrap_or(0).min(BUCKETS - 1)
}

/// The longest time of a bucket, in microseconds.
pub(crate) fn most_micros(bucket: usize) -> u64 {
    1 << bucket
}

/// How many commands took how long.
#[derive(Debug, Default)]
pub(crate) struct Histogram([Number; BUCKETS]);

impl Histogram {
    /// Counts some commands of one bucket.
    #[inline]
    pub(crate) fn add(&self, bucket: usize, calls: u64) {
        if let Some(number) = self.0.get(bucket) {
            number.add(calls);
        }
    }

    /// Forgets all.
    pub(crate) fn clear(&self) {
        self.0.iter().for_each(|number| number.set(0));
    }

    /// The buckets up to the last that has any: the longest time in microseconds, and how many
    /// commands took that or less; empty buckets at the beginning, and those that add none, are left
    /// out.
    pub(crate) fn cumulative(&self) -> Vec<(u64, u64)> {
        let mut total = 0;
        let mut found = Vec::new();
        for (bucket, number) in self.0.iter().enumerate() {
            let calls = number.get();
            if calls > 0 {
                total += calls;
                found.push((most_micros(bucket), total));
            }
        }
        found
    }

    /// The time in microseconds that so many of a thousand commands did not exceed.
    pub(crate) fn percentile(&self, per_mille: u64) -> u64 {
        let found = self.cumulative();
        let total = found.last().map_or(0, |(_, total)| *total);
        let wanted = (u128::from(total) * u128::from(per_mille)).div_ceil(1000);
        let reached = found.iter().find(|(_, calls)| u128::from(*calls) >= wanted);
        reached.map_or(0, |(micros, _)| *micros)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_counted_by_powers_of_two() {
        let expected =
            [(0, 0), (1000, 0), (1001, 1), (2000, 1), (2001, 2), (u64::MAX, BUCKETS - 1)];
        for (nanos, bucket) in expected {
            assert_eq!(bucket_of(nanos), bucket, "{nanos}");
        }
        let histogram = Histogram::default();
        histogram.add(bucket_of(900), 990);
        histogram.add(bucket_of(3_500), 9);
        histogram.add(bucket_of(1_000_000), 1);
        assert_eq!(histogram.cumulative(), [(1, 990), (4, 999), (1024, 1000)]);
        assert_eq!([500, 990, 999, 1000].map(|part| histogram.percentile(part)), [1, 1, 4, 1024]);
        histogram.clear();
        assert_eq!((histogram.cumulative(), histogram.percentile(500)), (vec![], 0));
    }
}
