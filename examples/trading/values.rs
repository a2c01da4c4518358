//! What the desk keeps in the pool: keys, times to live, and values as sealed text.
//!
//! A value is fields between bars, and ends with a checksum of what is before it: a reader can tell
//! that it has read one value, whole.

use crate::market::Instrument;
use std::{
    fmt::{self, Write as _},
    time::Duration,
};

/// A family of keys, which share a time to live.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Family {
    /// What its keys begin with.
    pub(crate) prefix: &'static str,
    pub(crate) ttl: Duration,
}

pub(crate) const MARKET: Family = Family { prefix: "market:", ttl: Duration::from_secs(60) };
pub(crate) const SIGNAL: Family = Family { prefix: "signal:", ttl: Duration::from_secs(120) };
pub(crate) const RISK: Family = Family { prefix: "risk:", ttl: Duration::from_secs(300) };
pub(crate) const ORDER: Family = Family { prefix: "order:", ttl: Duration::from_secs(3600) };

/// The counter that order numbers are drawn from.
pub(crate) const ORDER_COUNTER: &str = "stats:orders";

/// The keys of one instrument.
#[derive(Debug)]
pub(crate) struct Keys {
    pub(crate) latest: String,
    pub(crate) momentum: String,
    pub(crate) reversion: String,
    pub(crate) risk: String,
    /// The counter of its venue.
    pub(crate) ticks: String,
}

impl Keys {
    pub(crate) fn of(instrument: &Instrument) -> Self {
        let (venue, symbol, name) = (&instrument.venue, &instrument.symbol, instrument.name());
        Self {
            latest: format!("market:{venue}:{symbol}:latest"),
            momentum: format!("signal:{name}:momentum"),
            reversion: format!("signal:{name}:reversion"),
            risk: format!("risk:{name}"),
            ticks: format!("stats:ticks:{venue}"),
        }
    }
}

/// The key of an order.
pub(crate) fn order_key(id: u64) -> String {
    format!("order:{id}")
}

/// An instrument's market as it is now; a part is absent until the first quote or trade tells it.
#[derive(Clone, Default, PartialEq, Debug)]
pub(crate) struct Latest {
    /// Counts the instrument's ticks.
    pub(crate) seq: u64,
    pub(crate) bid: Option<f64>,
    pub(crate) bid_qty: Option<f64>,
    pub(crate) ask: Option<f64>,
    pub(crate) ask_qty: Option<f64>,
    pub(crate) last: Option<f64>,
}

impl Latest {
    /// The middle of the quote, or the last trade where nobody quotes.
    pub(crate) fn mid(&self) -> Option<f64> {
        match (self.bid, self.ask) {
            (Some(bid), Some(ask)) => Some(f64::midpoint(bid, ask)),
            _ => self.last,
        }
    }

    pub(crate) fn encode(&self, text: &mut String) {
        let show = |field: Option<f64>| Shown(field);
        let (bid, bid_qty, ask, ask_qty) =
            (show(self.bid), show(self.bid_qty), show(self.ask), show(self.ask_qty));
        let (seq, last) = (self.seq, show(self.last));
        seal(text, format_args!("{seq}|{bid}|{bid_qty}|{ask}|{ask_qty}|{last}"));
    }

    pub(crate) fn decode(value: &[u8]) -> Option<Self> {
        let [seq, bid, bid_qty, ask, ask_qty, last] = unseal(value)?;
        Some(Self {
            seq: seq.parse().ok()?,
            bid: amount(bid)?,
            bid_qty: amount(bid_qty)?,
            ask: amount(ask)?,
            ask_qty: amount(ask_qty)?,
            last: amount(last)?,
        })
    }
}

/// What a strategy says about an instrument.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Signal {
    /// The tick that it follows from.
    pub(crate) seq: u64,
    pub(crate) strength: f64,
}

impl Signal {
    pub(crate) fn encode(self, text: &mut String) {
        seal(text, format_args!("{}|{}", self.seq, self.strength));
    }

    pub(crate) fn decode(value: &[u8]) -> Option<Self> {
        let [seq, strength] = unseal(value)?;
        Some(Self { seq: seq.parse().ok()?, strength: finite(strength)? })
    }
}

/// What may be lost with an instrument within a second, in basis points.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Risk {
    /// The tick that it follows from.
    pub(crate) seq: u64,
    pub(crate) volatility: f64,
    /// The loss that 99 seconds of a hundred stay below.
    pub(crate) value_at_risk: f64,
    /// How it moves with its benchmark.
    pub(crate) beta: f64,
}

impl Risk {
    pub(crate) fn encode(self, text: &mut String) {
        let Self { seq, volatility, value_at_risk, beta } = self;
        seal(text, format_args!("{seq}|{volatility}|{value_at_risk}|{beta}"));
    }

    pub(crate) fn decode(value: &[u8]) -> Option<Self> {
        let [seq, volatility, value_at_risk, beta] = unseal(value)?;
        Some(Self {
            seq: seq.parse().ok()?,
            volatility: finite(volatility)?,
            value_at_risk: finite(value_at_risk)?,
            beta: finite(beta)?,
        })
    }
}

/// Where an order is in its life.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Status {
    New,
    PartiallyFilled,
    Filled,
    Cancelled,
}

const STATUSES: [(Status, &str); 4] = [
    (Status::New, "new"),
    (Status::PartiallyFilled, "partially_filled"),
    (Status::Filled, "filled"),
    (Status::Cancelled, "cancelled"),
];

impl Status {
    /// Whether the order can still be filled or cancelled.
    pub(crate) fn is_working(self) -> bool {
        matches!(self, Self::New | Self::PartiallyFilled)
    }

    fn parse(text: &str) -> Option<Self> {
        STATUSES.iter().find(|(_, name)| *name == text).map(|(status, _)| *status)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = STATUSES.iter().find(|(status, _)| status == self);
        f.write_str(name.map_or("", |(_, name)| name))
    }
}

/// An order of the desk's.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Order {
    pub(crate) id: u64,
    /// Index of the instrument.
    pub(crate) instrument: usize,
    pub(crate) is_buy: bool,
    pub(crate) price: f64,
    pub(crate) qty: u64,
    pub(crate) filled: u64,
    pub(crate) status: Status,
}

impl Order {
    /// The order after a fill of at most `qty`.
    pub(crate) fn fill(mut self, qty: u64) -> Self {
        self.filled = self.qty.min(self.filled + qty);
        self.status =
            if self.filled == self.qty { Status::Filled } else { Status::PartiallyFilled };
        self
    }

    /// Whether its parts agree with each other.
    fn is_consistent(&self) -> bool {
        match self.status {
            Status::New => self.filled == 0,
            Status::PartiallyFilled => 0 < self.filled && self.filled < self.qty,
            Status::Filled => self.filled == self.qty,
            Status::Cancelled => self.filled < self.qty,
        }
    }

    pub(crate) fn to_text(&self) -> String {
        let Self { id, instrument, is_buy, price, qty, filled, status } = self;
        let side = if *is_buy { "buy" } else { "sell" };
        let mut text = String::with_capacity(64);
        let fields = format_args!("{id}|{instrument}|{side}|{price}|{qty}|{filled}|{status}");
        seal(&mut text, fields);
        text
    }

    pub(crate) fn decode(value: &[u8]) -> Option<Self> {
        let [id, instrument, side, price, qty, filled, status] = unseal(value)?;
        let order = Self {
            id: id.parse().ok()?,
            instrument: instrument.parse().ok()?,
            is_buy: side == "buy",
            price: finite(price)?,
            qty: qty.parse().ok()?,
            filled: filled.parse().ok()?,
            status: Status::parse(status)?,
        };
        order.is_consistent().then_some(order)
    }
}

/// Overwrites `text` with the fields and their checksum.
fn seal(text: &mut String, fields: fmt::Arguments<'_>) {
    text.clear();
    // A `String` takes everything.
    let _ = text.write_fmt(fields);
    let sum = checksum(text.as_bytes());
    let _ = write!(text, "|{sum:08x}");
}

/// The fields of a value, if it is whole and has as many.
fn unseal<const N: usize>(value: &[u8]) -> Option<[&str; N]> {
    let text = std::str::from_utf8(value).ok()?;
    let (text, sum) = text.rsplit_once('|')?;
    if u32::from_str_radix(sum, 16).ok()? != checksum(text.as_bytes()) {
        return None;
    }
    let mut fields = [""; N];
    let mut parts = text.split('|');
    for field in &mut fields {
        *field = parts.next()?;
    }
    parts.next().is_none().then_some(fields)
}

/// FNV-1a.
fn checksum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |sum, &byte| (sum ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// A field that may be absent.
struct Shown(Option<f64>);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |amount| write!(f, "{amount}"))
    }
}

/// The outer `None` is a field that is no number.
#[expect(clippy::option_option, reason = "an empty field is a fact, a wrong one a defect")]
fn amount(field: &str) -> Option<Option<f64>> {
    if field.is_empty() { Some(None) } else { finite(field).map(Some) }
}

fn finite(field: &str) -> Option<f64> {
    field.parse().ok().filter(|number: &f64| number.is_finite())
}
