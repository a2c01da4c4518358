//! What the desk thinks: two signals and a risk estimate, from exponential averages.

use crate::values::Risk;

/// Weights of a new price in the fast and the slow average.
const FAST: f64 = 1.0 / 16.0;
const SLOW: f64 = 1.0 / 256.0;

/// Weight of a new return in the estimates of risk; 0.06 is that of RiskMetrics.
const RETURN_WEIGHT: f64 = 0.06;

/// How many standard deviations 99 of a hundred normal returns stay within, on one side.
const NORMAL_99: f64 = 2.326;

const BASIS_POINTS: f64 = 1e4;

/// The averages behind an instrument's signals.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Averages {
    fast: f64,
    slow: f64,
    /// Of the price around the slow average.
    variance: f64,
    price: f64,
}

impl Averages {
    pub(crate) fn new(price: f64) -> Self {
        Self { fast: price, slow: price, variance: 0.0, price }
    }

    pub(crate) fn add(&mut self, price: f64) {
        let distance = price - self.slow;
        self.price = price;
        self.fast += FAST * (price - self.fast);
        self.slow += SLOW * distance;
        self.variance += SLOW * (distance * distance - self.variance);
    }

    /// Where the trend goes, in basis points: the fast average against the slow one.
    pub(crate) fn momentum(&self) -> f64 {
        (self.fast / self.slow - 1.0) * BASIS_POINTS
    }

    /// How far back to the average, in standard deviations: positive below it.
    pub(crate) fn reversion(&self) -> f64 {
        let deviation = self.variance.sqrt();
        if deviation > 0.0 { (self.slow - self.price) / deviation } else { 0.0 }
    }
}

/// The estimates behind an instrument's risk.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Returns {
    before: Option<f64>,
    variance: f64,
    /// With the benchmark's returns, and of those at the same instants.
    covariance: f64,
    benchmark_variance: f64,
}

impl Returns {
    /// The return since the last call; 0 for the first.
    pub(crate) fn next_return(&mut self, price: f64) -> f64 {
        let before = self.before.replace(price).unwrap_or(price);
        (price / before).ln()
    }

    /// Forgets the last price, so that what comes next makes no return with it.
    pub(crate) fn begin(&mut self) {
        self.before = None;
    }

    pub(crate) fn add(&mut self, own: f64, benchmark: f64) {
        let blend = |estimate: &mut f64, product: f64| {
            *estimate += RETURN_WEIGHT * (product - *estimate);
        };
        blend(&mut self.variance, own * own);
        blend(&mut self.covariance, own * benchmark);
        blend(&mut self.benchmark_variance, benchmark * benchmark);
    }

    pub(crate) fn risk(&self, seq: u64) -> Risk {
        let volatility = self.variance.sqrt() * BASIS_POINTS;
        let has_moved = self.benchmark_variance > 0.0;
        let beta = if has_moved { self.covariance / self.benchmark_variance } else { 0.0 };
        Risk { seq, volatility, value_at_risk: NORMAL_99 * volatility, beta }
    }
}
