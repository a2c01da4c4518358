//! How much each scenario does.

use std::time::Duration;

/// The sizes of one run of the harness.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    /// How long one measurement takes.
    pub length: Duration,
    /// How long operations are done before they count.
    pub warm_up: Duration,
    /// Keys of the mix, drawn by Zipf's law.
    pub keys: u64,
    /// Keys at which growth begins.
    pub small: u64,
    /// Keys at which growth ends.
    pub grown: u64,
    /// Keys that churn keeps.
    pub population: u64,
    /// How long a reader keeps its pin.
    pub hold: Duration,
    /// Keys that expire in a storm.
    pub storm: u64,
    /// How long the storm is watched after it.
    pub aftermath: Duration,
}

impl Scale {
    /// The sizes whose figures mean something: about ten minutes.
    #[must_use]
    pub fn full() -> Self {
        Self {
            length: Duration::from_secs(2),
            warm_up: Duration::from_millis(200),
            keys: 100_000,
            small: 1_000,
            grown: 4_000_000,
            population: 100_000,
            hold: Duration::from_millis(50),
            storm: 1_000_000,
            aftermath: Duration::from_secs(5),
        }
    }

    /// Sizes that show that everything runs: seconds.
    #[must_use]
    pub fn quick() -> Self {
        Self {
            length: Duration::from_millis(40),
            warm_up: Duration::from_millis(5),
            keys: 10_000,
            small: 1_000,
            grown: 20_000,
            population: 5_000,
            hold: Duration::from_millis(10),
            storm: 10_000,
            aftermath: Duration::from_millis(200),
        }
    }

    /// The same with a million keys under churn.
    #[must_use]
    pub fn large(self) -> Self {
        Self { population: 1_000_000, ..self }
    }
}
