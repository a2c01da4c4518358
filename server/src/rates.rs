//! How much goes in and out at the moment, over the last one and a half seconds.

use crate::{
    sync::{Number, lock},
    tallies::Tallies,
};
use std::{collections::VecDeque, sync::Mutex, time::Instant};

/// How many times of measurement are looked back, as in Redis.
const SAMPLES: usize = 16;

/// When, and what had been counted then: commands, bytes in, bytes out.
type Sample = (Instant, [u64; 3]);

/// Rates per second.
#[derive(Debug, Default)]
pub(crate) struct Rates {
    samples: Mutex<VecDeque<Sample>>,
    pub(crate) commands: Number,
    pub(crate) bytes_in: Number,
    pub(crate) bytes_out: Number,
}

impl Rates {
    /// Looks at the counters, and at how much they have grown.
    pub(crate) fn measure(&self, tallies: &Tallies) {
        let counts = [&tallies.total_commands, &tallies.bytes_in, &tallies.bytes_out];
        self.add((Instant::now(), counts.map(Number::get)));
    }

    fn add(&self, (now, counts): Sample) {
        let mut samples = lock(&self.samples);
        if let Some((then, before)) = samples.front() {
            let micros = now.saturating_duration_since(*then).as_micros().max(1);
            let rates = [&self.commands, &self.bytes_in, &self.bytes_out];
            for ((rate, count), before) in rates.iter().zip(counts).zip(before) {
                // CONFIG RESETSTAT makes counters smaller.
                let more = u128::from(count.saturating_sub(*before));
                rate.set(u64::try_from(more * 1_000_000 / micros).unwrap_or(u64::MAX));
            }
        }
        samples.push_back((now, counts));
        if samples.len() > SAMPLES {
            samples.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn rates_are_those_of_the_last_samples() {
        let (rates, begin) = (Rates::default(), Instant::now());
        for tick in 0..100_u64 {
            let count = if tick < 50 { 0 } else { (tick - 50) * 10 };
            rates.add((begin + Duration::from_millis(tick * 100), [count, 0, count * 100]));
        }
        let found = [&rates.commands, &rates.bytes_in, &rates.bytes_out].map(Number::get);
        assert_eq!(found, [100, 0, 10_000]);
        rates.add((begin + Duration::from_secs(10), [0, 0, 0]));
        assert_eq!(rates.commands.get(), 0);
    }
}
