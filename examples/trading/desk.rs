//! The desk: replays the ticks, keeps the pool up to date, and sends and cancels orders.

use crate::{
    market::{Event, Market, Tick},
    meter::{Command, Meter},
    strategy::{Averages, Returns},
    values::{
        Family, Keys, Latest, MARKET, ORDER, ORDER_COUNTER, Order, RISK, SIGNAL, Signal, Status,
        order_key,
    },
};
use memory_cache_pool::{Error, MemoryCachePool, SetOptions, Update};
use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::mpsc::Sender,
};

/// Signals follow every so many ticks of an instrument.
const SIGNAL_EVERY: u64 = 4;

/// Ticks of an instrument between two orders, at least.
const ORDER_EVERY: u64 = 40;

/// An order is cancelled when so many later ones have been sent.
const PATIENCE: usize = 5;

/// How much each order is for.
const ORDER_QTY: u64 = 100;

const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// What must be in the pool, kept beside it in plain maps.
#[derive(Default, Debug)]
pub(crate) struct Expected {
    /// Values of the market, signal and risk families.
    pub(crate) values: HashMap<String, String>,
    /// Counters.
    pub(crate) counters: HashMap<String, u64>,
    /// Orders as they were sent.
    pub(crate) orders: HashMap<u64, Order>,
    /// Those of them that the desk has cancelled.
    pub(crate) cancelled: HashSet<u64>,
}

/// What the desk knows of an instrument.
#[derive(Debug)]
struct Book {
    keys: Keys,
    benchmark: usize,
    latest: Latest,
    averages: Option<Averages>,
    returns: Returns,
    /// In the last second.
    last_return: f64,
    has_ticked: bool,
    was_rising: bool,
    next_order: u64,
}

/// The one thread that writes market data, signals and risk.
#[derive(Debug)]
pub(crate) struct Desk<'p> {
    pool: &'p MemoryCachePool,
    books: Vec<Book>,
    /// The way to the exchange.
    exchange: Sender<Order>,
    /// Orders that may have to be cancelled, oldest first.
    sent: VecDeque<u64>,
    second: u64,
    pub(crate) expected: Expected,
    pub(crate) meter: Meter,
    text: String,
}

impl<'p> Desk<'p> {
    pub(crate) fn new(
        pool: &'p MemoryCachePool,
        market: &Market,
        exchange: Sender<Order>,
        meter: Meter,
    ) -> Self {
        let book = |(instrument, &benchmark)| Book {
            keys: Keys::of(instrument),
            benchmark,
            latest: Latest::default(),
            averages: None,
            returns: Returns::default(),
            last_return: 0.0,
            has_ticked: false,
            was_rising: false,
            next_order: ORDER_EVERY,
        };
        Self {
            pool,
            books: market.instruments.iter().zip(&market.benchmarks).map(book).collect(),
            exchange,
            sent: VecDeque::new(),
            second: 0,
            expected: Expected::default(),
            meter,
            text: String::new(),
        }
    }

    /// Begins the data anew. Prices jump, and what is made of their changes has to start over.
    pub(crate) fn begin_pass(&mut self) {
        self.second = 0;
        for book in &mut self.books {
            book.averages = None;
            book.returns.begin();
        }
    }

    /// Follows one tick.
    ///
    /// # Errors
    ///
    /// What the pool refused.
    pub(crate) fn follow(&mut self, tick: &Tick) -> Result<(), Error> {
        let second = tick.at_nanos / NANOS_PER_SECOND;
        if second > self.second {
            self.second = second;
            self.update_risk()?;
        }
        let Self { pool, books, expected, meter, text, .. } = self;
        let book = &mut books[tick.instrument];
        book.apply(tick.event);

        book.latest.encode(text);
        put(pool, meter, expected, MARKET, &book.keys.latest, text)?;

        // A counter is changed where it lies, by however many threads.
        meter.time(Command::Incr, || pool.incr(&book.keys.ticks))?;
        count(&mut expected.counters, &book.keys.ticks);

        if book.latest.seq.is_multiple_of(SIGNAL_EVERY) {
            self.update_signals(tick.instrument)?;
        }
        Ok(())
    }

    /// Writes an instrument's signals, and trades when the trend turns.
    fn update_signals(&mut self, instrument: usize) -> Result<(), Error> {
        let Self { pool, books, expected, meter, text, .. } = self;
        let book = &mut books[instrument];
        let Some(averages) = book.averages else { return Ok(()) };
        let seq = book.latest.seq;
        let (momentum, reversion) = (averages.momentum(), averages.reversion());
        Signal { seq, strength: momentum }.encode(text);
        put(pool, meter, expected, SIGNAL, &book.keys.momentum, text)?;
        Signal { seq, strength: reversion }.encode(text);
        put(pool, meter, expected, SIGNAL, &book.keys.reversion, text)?;

        let is_rising = momentum > 0.0;
        let has_turned = is_rising != book.was_rising;
        book.was_rising = is_rising;
        match book.latest.mid() {
            Some(price) if has_turned && seq >= book.next_order => {
                book.next_order = seq + ORDER_EVERY;
                self.send_order(instrument, is_rising, price)
            }
            _ => Ok(()),
        }
    }

    /// Estimates the risk of what has traded in the last second.
    fn update_risk(&mut self) -> Result<(), Error> {
        for book in &mut self.books {
            let price = book.latest.mid().filter(|_| book.has_ticked);
            book.last_return = price.map_or(0.0, |price| book.returns.next_return(price));
        }
        for instrument in 0..self.books.len() {
            let benchmark = self.books[self.books[instrument].benchmark].last_return;
            let Self { pool, books, expected, meter, text, .. } = self;
            let book = &mut books[instrument];
            if !std::mem::take(&mut book.has_ticked) {
                continue;
            }
            book.returns.add(book.last_return, benchmark);
            book.returns.risk(book.latest.seq).encode(text);
            put(pool, meter, expected, RISK, &book.keys.risk, text)?;
        }
        Ok(())
    }

    /// Records a new order, sends it to the exchange, and cancels the one that has waited longest.
    fn send_order(&mut self, instrument: usize, is_buy: bool, price: f64) -> Result<(), Error> {
        let pool = self.pool;
        // INCR hands out every number once.
        let id = self.meter.time(Command::Incr, || pool.incr(ORDER_COUNTER))?.unsigned_abs();
        count(&mut self.expected.counters, ORDER_COUNTER);
        let (qty, status) = (ORDER_QTY, Status::New);
        let order = Order { id, instrument, is_buy, price, qty, filled: 0, status };

        let (key, text) = (order_key(id), order.to_text());
        let options = SetOptions::new().ex(ORDER.ttl.as_secs().cast_signed()).nx();
        let set = || pool.set_options(&key, &text, options);
        let reply = self.meter.time(Command::SetNx, set)?;
        if reply.was_set {
            self.expected.orders.insert(id, order.clone());
        }
        // The exchange is there until the desk hangs up.
        let _ = self.exchange.send(order);

        self.sent.push_back(id);
        if self.sent.len() > PATIENCE
            && let Some(oldest) = self.sent.pop_front()
        {
            self.cancel(oldest)?;
        }
        Ok(())
    }

    /// Cancels an order, unless the exchange has filled it first.
    ///
    /// Both sides change orders without a lock between them: `update` sees to it that a fill and a
    /// cancellation happen one after the other, and that the second one knows of the first.
    fn cancel(&mut self, id: u64) -> Result<(), Error> {
        let (pool, key) = (self.pool, order_key(id));
        let mut is_cancelled = false;
        self.meter.time(Command::Update, || {
            pool.update(&key, |value| {
                // Called again if the exchange was faster, hence assigned and never just set.
                let order = value.and_then(Order::decode);
                let working = order.filter(|order| order.status.is_working());
                is_cancelled = working.is_some();
                working.map_or(Update::Keep, |order| {
                    let order = Order { status: Status::Cancelled, ..order };
                    Update::Set(order.to_text().into_bytes())
                })
            })
        })?;
        if is_cancelled {
            self.expected.cancelled.insert(id);
        }
        Ok(())
    }
}

impl Book {
    fn apply(&mut self, event: Event) {
        self.has_ticked = true;
        let latest = &mut self.latest;
        latest.seq += 1;
        match event {
            Event::Trade { price } => latest.last = Some(price),
            Event::Quote { bid, ask } => {
                if let Some(bid) = bid {
                    (latest.bid, latest.bid_qty) = (Some(bid.price), bid.qty);
                }
                if let Some(ask) = ask {
                    (latest.ask, latest.ask_qty) = (Some(ask.price), ask.qty);
                }
            }
        }
        if let Some(mid) = latest.mid() {
            self.averages.get_or_insert_with(|| Averages::new(mid)).add(mid);
        }
    }
}

/// Writes a value with its family's time to live, to the pool and beside it.
fn put(
    pool: &MemoryCachePool,
    meter: &mut Meter,
    expected: &mut Expected,
    family: Family,
    key: &str,
    text: &str,
) -> Result<(), Error> {
    let options = SetOptions::new().ttl(family.ttl);
    meter.time(Command::Set, || pool.set_options(key, text, options))?;
    match expected.values.get_mut(key) {
        Some(value) => {
            value.clear();
            value.push_str(text);
        }
        None => {
            expected.values.insert(key.to_owned(), text.to_owned());
        }
    }
    Ok(())
}

/// Counts beside the pool.
fn count(counters: &mut HashMap<String, u64>, key: &str) {
    match counters.get_mut(key) {
        Some(count) => *count += 1,
        None => {
            counters.insert(key.to_owned(), 1);
        }
    }
}
