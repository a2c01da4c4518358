//! Market data: quotes and trades in the order of their time, from files or from a generator.

use std::{collections::HashMap, fs, path::Path};

/// What a tick tells.
#[derive(Clone, Copy)]
pub(crate) enum Event {
    /// Best bid and ask, with their sizes.
    Quote { bid: f64, bid_size: f64, ask: f64, ask_size: f64 },
    /// A trade.
    Trade { price: f64 },
}

/// One quote or trade.
#[derive(Clone, Copy)]
pub(crate) struct Tick {
    /// Nanoseconds since the session began.
    nanos: u64,
    /// Which instrument, as an index.
    pub(crate) instrument: usize,
    pub(crate) event: Event,
}

/// A symbol at a venue.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Instrument {
    pub(crate) venue: String,
    pub(crate) symbol: String,
}

/// All ticks of all sessions.
pub(crate) struct Market {
    /// Where the data is from.
    pub(crate) origin: String,
    pub(crate) instruments: Vec<Instrument>,
    pub(crate) ticks: Vec<Tick>,
    /// Quotes of one side only, which are left out.
    pub(crate) one_sided: usize,
}

impl Market {
    /// How many of the ticks are quotes, and how many trades.
    pub(crate) fn quotes_and_trades(&self) -> (usize, usize) {
        let is_quote = |tick: &&Tick| matches!(tick.event, Event::Quote { .. });
        let quotes = self.ticks.iter().filter(is_quote).count();
        (quotes, self.ticks.len() - quotes)
    }
}

/// One kind of file: its name, its columns by what they are, and its venue.
struct Format {
    name: &'static str,
    /// Units of the first column per nanosecond, as nanoseconds per unit.
    nanos_per_unit: f64,
    /// The column of the venue, or the venue.
    venue: Result<usize, &'static str>,
    symbol: usize,
    values: Values,
}

/// The columns of the numbers.
enum Values {
    Quote { bid: usize, bid_size: Option<usize>, ask: usize, ask_size: Option<usize> },
    Trade { price: usize },
}

const FORMATS: [Format; 5] = [
    Format {
        name: "crypto_quotes.csv",
        nanos_per_unit: 1.0,
        venue: Ok(2),
        symbol: 3,
        values: Values::Quote { bid: 4, bid_size: Some(5), ask: 6, ask_size: Some(7) },
    },
    Format {
        name: "crypto_trades.csv",
        nanos_per_unit: 1.0,
        venue: Ok(2),
        symbol: 3,
        values: Values::Trade { price: 5 },
    },
    Format {
        name: "equity_quotes_20131008.csv",
        nanos_per_unit: 1e6,
        venue: Err("us_equities"),
        symbol: 1,
        values: Values::Quote { bid: 2, bid_size: Some(3), ask: 4, ask_size: Some(5) },
    },
    Format {
        name: "equity_trades_20131008.csv",
        nanos_per_unit: 1e6,
        venue: Err("us_equities"),
        symbol: 1,
        values: Values::Trade { price: 2 },
    },
    Format {
        name: "fx_quotes_20140502.csv",
        nanos_per_unit: 1e6,
        venue: Err("fx"),
        symbol: 1,
        values: Values::Quote { bid: 2, bid_size: None, ask: 3, ask_size: None },
    },
];

/// Instruments by number.
#[derive(Default)]
struct Catalogue {
    numbers: HashMap<Instrument, usize>,
    instruments: Vec<Instrument>,
}

impl Catalogue {
    fn number(&mut self, venue: &str, symbol: &str) -> usize {
        let instrument = Instrument { venue: venue.to_owned(), symbol: symbol.to_owned() };
        *self.numbers.entry(instrument.clone()).or_insert_with(|| {
            self.instruments.push(instrument);
            self.instruments.len() - 1
        })
    }
}

impl Format {
    /// Reads one line; none for a quote of one side only.
    fn read(&self, line: &str, began: &mut Option<f64>, names: &mut Catalogue) -> ReadLine {
        let columns: Vec<&str> = line.split(',').collect();
        let column = |index: usize| {
            columns.get(index).copied().ok_or_else(|| format!("there is no column {}", index + 1))
        };
        let number = |index: usize| -> Result<f64, String> {
            let text = column(index)?;
            let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
            number.ok_or_else(|| format!("{text:?} in column {} is not a number", index + 1))
        };
        let time = number(0)?;
        let since = (time - *began.get_or_insert(time)).max(0.0) * self.nanos_per_unit;
        let event = match self.values {
            Values::Trade { price } => Event::Trade { price: number(price)? },
            Values::Quote { bid, ask, .. }
                if column(bid)?.is_empty() || column(ask)?.is_empty() =>
            {
                return Ok(None);
            }
            Values::Quote { bid, bid_size, ask, ask_size } => {
                let size = |index: Option<usize>| index.map_or(Ok(1.0), number);
                let (bid_size, ask_size) = (size(bid_size)?, size(ask_size)?);
                Event::Quote { bid: number(bid)?, bid_size, ask: number(ask)?, ask_size }
            }
        };
        let venue = match self.venue {
            Ok(index) => column(index)?,
            Err(venue) => venue,
        };
        let symbol = column(self.symbol)?;
        if venue.is_empty() || symbol.is_empty() {
            return Err("venue or symbol is empty".to_owned());
        }
        let instrument = names.number(venue, symbol);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
        let nanos = since as u64;
        Ok(Some(Tick { nanos, instrument, event }))
    }
}

type ReadLine = Result<Option<Tick>, String>;

impl Market {
    /// Reads those of the known files that the directory has.
    pub(crate) fn load(directory: &Path) -> Result<Self, String> {
        let mut names = Catalogue::default();
        let mut ticks = Vec::new();
        let mut one_sided = 0;
        for format in &FORMATS {
            let path = directory.join(format.name);
            let text = match fs::read_to_string(&path) {
                Ok(text) => text,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => return Err(format!("{}: {error}", path.display())),
            };
            let mut began = None;
            for (index, line) in text.lines().enumerate().skip(1) {
                match format.read(line, &mut began, &mut names) {
                    Ok(Some(tick)) => ticks.push(tick),
                    Ok(None) => one_sided += 1,
                    Err(error) => {
                        return Err(format!("{}, line {}: {error}", path.display(), index + 1));
                    }
                }
            }
        }
        if ticks.is_empty() {
            return Err(format!("{}: there is no market data", directory.display()));
        }
        ticks.sort_by_key(|tick| tick.nanos);
        let origin = format!("recorded ticks from {}", directory.display());
        Ok(Self { origin, instruments: names.instruments, ticks, one_sided })
    }

    /// Makes ticks of a seeded random walk.
    pub(crate) fn generate() -> Self {
        const SEED: u64 = 0x5EED;
        const TICKS: u64 = 250_000;
        let mut names = Catalogue::default();
        let venues =
            [("binance_spot", 60_000.0), ("binance_usdm", 2_600.0), ("us_equities", 140.0)];
        let mut prices = Vec::new();
        for (venue, price) in venues {
            for symbol in ["AAA", "BBB", "CCC", "DDD"] {
                names.number(venue, symbol);
                prices.push(price);
            }
        }
        let mut state = SEED;
        let mut draw = |below: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state % below
        };
        let ticks = (0..TICKS).map(|step| {
            let instrument = usize::try_from(draw(prices.len() as u64)).unwrap_or(0);
            let mut small = || f64::from(u32::try_from(draw(2_001)).unwrap_or(0)) - 1_000.0;
            let price = &mut prices[instrument];
            *price *= 1.0 + small() * 1e-7;
            let (bid, ask) = (*price * 0.9999, *price * 1.0001);
            let (bid_size, ask_size) = (small().abs() + 1.0, small().abs() + 1.0);
            let event = if step % 5 == 0 {
                Event::Trade { price: *price }
            } else {
                Event::Quote { bid, bid_size, ask, ask_size }
            };
            Tick { nanos: step * 1_000_000, instrument, event }
        });
        let ticks = ticks.collect();
        let origin = format!("generated ticks (seed {SEED:#x})");
        Self { origin, instruments: names.instruments, ticks, one_sided: 0 }
    }
}
