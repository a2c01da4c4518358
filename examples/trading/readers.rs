//! The readers: they poll prices, signals, risk and orders while the desk writes, and look whether
//! what they see makes sense.

use crate::{
    desk::{market_key, risk_key},
    latency::{Latencies, Timed},
    market::Market,
};
use memory_cache_pool::{Error, MemoryCachePool};
use std::sync::atomic::{AtomicBool, Ordering};

/// Rounds over all prices between two looks at signals, risk and orders.
const ROUNDS: usize = 64;

/// What one reader has seen.
pub(crate) struct Polled {
    pub(crate) latencies: Latencies,
    /// Values that were read.
    pub(crate) read: u64,
    /// Values that were not what they should be.
    pub(crate) malformed: u64,
    /// Prices older than one that was read before.
    pub(crate) backwards: u64,
    /// What the pool refused.
    pub(crate) refused: u64,
}

/// Polls until the desk has ended, and once more.
pub(crate) fn poll(pool: &MemoryCachePool, market: &Market, has_ended: &AtomicBool) -> Polled {
    let prices: Vec<String> = market.instruments.iter().map(market_key).collect();
    let risks: Vec<String> = market.instruments.iter().map(risk_key).collect();
    let mut newest = vec![0; prices.len()];
    let mut polled =
        Polled { latencies: Latencies::new(), read: 0, malformed: 0, backwards: 0, refused: 0 };
    loop {
        // ORDERING: Relaxed; as at the store. Read first, so that a last round follows the end.
        let is_last = has_ended.load(Ordering::Relaxed);
        for _ in 0..ROUNDS {
            for (key, newest) in prices.iter().zip(&mut newest) {
                polled.poll_price(pool, key, newest);
            }
        }
        polled.poll_many(pool, &risks, 3);
        let signals = polled.latencies.time(Timed::Keys, || pool.keys("signal:*:momentum"));
        polled.poll_many(pool, &signals, 2);
        let orders = polled.latencies.time(Timed::Keys, || pool.keys("order:*[05]"));
        polled.poll_many(pool, &orders, 2);
        if is_last {
            return polled;
        }
    }
}

impl Polled {
    /// Reads a price where it lies: `sequence,bid,ask`.
    fn poll_price(&mut self, pool: &MemoryCachePool, key: &str, newest: &mut u64) {
        let look = |value: &[u8]| {
            let mut fields = std::str::from_utf8(value).ok()?.split(',');
            let sequence: u64 = fields.next()?.parse().ok()?;
            let bid: f64 = fields.next()?.parse().ok()?;
            let ask: f64 = fields.next()?.parse().ok()?;
            (bid.is_finite() && ask.is_finite() && fields.next().is_none()).then_some(sequence)
        };
        let seen: Result<_, Error> = self.latencies.time(Timed::Get, || pool.get_with(key, look));
        match seen {
            Err(_) => self.refused += 1,
            // Not quoted yet.
            Ok(None) => {}
            Ok(Some(None)) => self.malformed += 1,
            Ok(Some(Some(sequence))) => {
                self.read += 1;
                self.backwards += u64::from(sequence < *newest);
                *newest = sequence;
            }
        }
    }

    /// Reads many keys at once, whose values have so many fields.
    fn poll_many<K: AsRef<[u8]>>(&mut self, pool: &MemoryCachePool, keys: &[K], fields: usize) {
        let (mut read, mut malformed) = (0, 0);
        self.latencies.time(Timed::MultiGet, || {
            pool.get_many_with(keys, |_, value| {
                if let Some(value) = value {
                    read += 1;
                    let commas = value.iter().filter(|byte| **byte == b',').count();
                    malformed += u64::from(commas + 1 != fields);
                }
            });
        });
        self.read += read;
        self.malformed += malformed;
    }
}
