//! The writer: each tick becomes a quote, now and then signals, risk figures and orders follow.

use crate::{
    latency::{Latencies, Timed},
    market::{Event, Instrument, Market, Tick},
};
use memory_cache_pool::{Error, MemoryCachePool, SetOptions, Update};
use std::collections::{HashMap, VecDeque};

/// Seconds that each family of keys lives.
pub(crate) const MARKET_TTL: i64 = 60;
pub(crate) const SIGNAL_TTL: i64 = 120;
pub(crate) const RISK_TTL: i64 = 300;
pub(crate) const ORDER_TTL: i64 = 3_600;

/// Returns that volatility and its kin are computed from.
const WINDOW: usize = 64;
/// Ticks of an instrument between two risk figures.
const RISK_EVERY: u64 = 32;
/// Ticks between two new orders.
const ORDER_EVERY: u64 = 100;
/// Orders that are open at a time.
const OPEN_ORDERS: usize = 16;

/// What the desk knows of one instrument.
struct Book {
    market_key: String,
    momentum_key: String,
    imbalance_key: String,
    risk_key: String,
    ticks: u64,
    last: f64,
    returns: VecDeque<f64>,
}

/// The desk, with a plain copy of all that it has written.
pub(crate) struct Desk<'a> {
    pool: &'a MemoryCachePool,
    market: &'a Market,
    books: Vec<Book>,
    /// Returns of the first instrument, which beta is measured against.
    benchmark: VecDeque<f64>,
    open: VecDeque<u64>,
    orders: u64,
    pub(crate) latencies: Latencies,
    /// What every key must hold at the end.
    pub(crate) expected: HashMap<String, String>,
    /// Ticks by venue.
    pub(crate) counts: HashMap<String, i64>,
}

/// The key of an instrument's latest quote or trade.
pub(crate) fn market_key(instrument: &Instrument) -> String {
    format!("market:{}:{}:latest", instrument.venue, instrument.symbol)
}

/// The key of an instrument's risk figures.
pub(crate) fn risk_key(instrument: &Instrument) -> String {
    format!("risk:{}:{}", instrument.venue, instrument.symbol)
}

impl<'a> Desk<'a> {
    /// A desk that has seen nothing yet.
    pub(crate) fn new(pool: &'a MemoryCachePool, market: &'a Market) -> Self {
        let book = |instrument: &Instrument| {
            let name = format!("{}:{}", instrument.venue, instrument.symbol);
            Book {
                market_key: market_key(instrument),
                momentum_key: format!("signal:{name}:momentum"),
                imbalance_key: format!("signal:{name}:imbalance"),
                risk_key: risk_key(instrument),
                ticks: 0,
                last: 0.0,
                returns: VecDeque::new(),
            }
        };
        Self {
            pool,
            market,
            books: market.instruments.iter().map(book).collect(),
            benchmark: VecDeque::new(),
            open: VecDeque::new(),
            orders: 0,
            latencies: Latencies::new(),
            expected: HashMap::new(),
            counts: HashMap::new(),
        }
    }

    /// Replays all ticks, as fast as it goes, telling how many are done.
    pub(crate) fn replay(&mut self, tell: impl Fn(usize)) -> Result<(), Error> {
        for (done, tick) in self.market.ticks.iter().enumerate() {
            self.on_tick(tick, done as u64)?;
            if done.is_multiple_of(4_096) {
                tell(done);
            }
        }
        Ok(())
    }

    /// Ticks that there were.
    pub(crate) fn ticks(&self) -> usize {
        self.market.ticks.len()
    }

    fn on_tick(&mut self, tick: &Tick, sequence: u64) -> Result<(), Error> {
        let instrument = &self.market.instruments[tick.instrument];
        let venue = instrument.venue.as_str();
        let (price, value) = match tick.event {
            Event::Quote { bid, ask, .. } => ((bid + ask) / 2.0, format!("{sequence},{bid},{ask}")),
            Event::Trade { price } => (price, format!("{sequence},{price},{price}")),
        };
        let book = &mut self.books[tick.instrument];
        let change = if book.last > 0.0 { price / book.last - 1.0 } else { 0.0 };
        book.last = price;
        book.ticks += 1;
        let is_risk_due = book.ticks.is_multiple_of(RISK_EVERY);
        remember(&mut book.returns, change);
        if tick.instrument == 0 {
            remember(&mut self.benchmark, change);
        }
        let (market_key, momentum_key) = (book.market_key.clone(), book.momentum_key.clone());
        let momentum = book.returns.iter().rev().take(16).sum::<f64>();
        self.set(market_key, value, MARKET_TTL)?;
        self.set(momentum_key, format!("{sequence},{momentum:.9}"), SIGNAL_TTL)?;
        if let Event::Quote { bid_size, ask_size, .. } = tick.event {
            let imbalance = (bid_size - ask_size) / (bid_size + ask_size).max(f64::MIN_POSITIVE);
            let key = self.books[tick.instrument].imbalance_key.clone();
            self.set(key, format!("{sequence},{imbalance:.6}"), SIGNAL_TTL)?;
        }
        if is_risk_due {
            self.publish_risk(tick.instrument)?;
        }
        if sequence.is_multiple_of(ORDER_EVERY) {
            self.trade(price)?;
        }
        let pool = self.pool;
        let key = format!("stats:ticks:{venue}");
        let counted = self.latencies.time(Timed::Incr, || pool.incr(&key))?;
        let count = self.counts.entry(venue.to_owned()).or_insert(0);
        *count = counted;
        Ok(())
    }

    /// Sets a key for some seconds, and the plain copy beside it.
    fn set(&mut self, key: String, value: String, seconds: i64) -> Result<(), Error> {
        let pool = self.pool;
        let options = SetOptions::new().ex(seconds);
        self.latencies.time(Timed::Set, || pool.set_options(&key, &value, options))?;
        self.expected.insert(key, value);
        Ok(())
    }

    /// Volatility, value at risk (95 %) and beta over the window.
    fn publish_risk(&mut self, instrument: usize) -> Result<(), Error> {
        let book = &self.books[instrument];
        let volatility = covariance(&book.returns, &book.returns).sqrt();
        let benchmark = covariance(&self.benchmark, &self.benchmark);
        let beta = if benchmark > 0.0 {
            covariance(&book.returns, &self.benchmark) / benchmark
        } else {
            0.0
        };
        let at_risk = 1.645 * volatility * book.last;
        let value = format!("{volatility:.9},{at_risk:.6},{beta:.4}");
        self.set(book.risk_key.clone(), value, RISK_TTL)
    }

    /// Sends an order, and moves the oldest open one on: to partly filled, to filled or cancelled.
    fn trade(&mut self, price: f64) -> Result<(), Error> {
        self.orders += 1;
        let order = self.orders;
        self.set(order_key(order), format!("new,{price}"), ORDER_TTL)?;
        self.open.push_back(order);
        if self.open.len() <= OPEN_ORDERS {
            return Ok(());
        }
        let Some(oldest) = self.open.pop_front() else { return Ok(()) };
        self.move_order(oldest, "partly_filled")?;
        let end = if oldest.is_multiple_of(7) { "cancelled" } else { "filled" };
        self.move_order(oldest, end)
    }

    /// Changes the status of an order atomically; price and time to live stay.
    fn move_order(&mut self, order: u64, status: &str) -> Result<(), Error> {
        let key = order_key(order);
        let pool = self.pool;
        let with_status = |old: &[u8]| {
            let price = old.iter().position(|byte| *byte == b',').map_or(&b""[..], |at| &old[at..]);
            [status.as_bytes(), price].concat()
        };
        let moved = self.latencies.time(Timed::Update, || {
            pool.update(&key, |old| old.map_or(Update::Keep, |old| Update::Set(with_status(old))))
        })?;
        if let (Some(moved), Some(old)) = (moved, self.expected.get_mut(&key)) {
            debug_assert_eq!(moved, with_status(old.as_bytes()));
            *old = String::from_utf8_lossy(&with_status(old.as_bytes())).into_owned();
        }
        Ok(())
    }
}

fn order_key(order: u64) -> String {
    format!("order:{order:08}")
}

/// Adds a return to a window.
fn remember(window: &mut VecDeque<f64>, change: f64) {
    if window.len() == WINDOW {
        window.pop_front();
    }
    window.push_back(change);
}

/// The covariance of the latest returns of two windows.
fn covariance(a: &VecDeque<f64>, b: &VecDeque<f64>) -> f64 {
    let pairs = || a.iter().rev().zip(b.iter().rev());
    let count = pairs().count().max(1);
    #[expect(clippy::cast_precision_loss, reason = "a window is short")]
    let count = count as f64;
    let mean = |sum: f64| sum / count;
    let (mean_a, mean_b) =
        (mean(pairs().map(|(a, _)| a).sum()), mean(pairs().map(|(_, b)| b).sum()));
    mean(pairs().map(|(a, b)| (a - mean_a) * (b - mean_b)).sum())
}
