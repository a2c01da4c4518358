//! Counters: INCR and its kin.

use super::{
    MemoryCachePool,
    engine::{Engine, Step},
    strings::with_last_bytes,
};
use crate::{
    error::Error,
    record::{Content, Live, Value, integer::Added},
    tally::Tally,
    value::{extended::Extended, integer_text::parse_integer},
};

impl MemoryCachePool {
    /// Adds one to the number at `key`, which counts as 0 if it does not exist.
    ///
    /// Lock-free; on a counter that INCR has made, one CAS in place, with no allocation.
    ///
    /// # Errors
    ///
    /// As [`incrby`](Self::incrby).
    #[inline(always)]
    pub fn incr(&self, key: impl AsRef<[u8]>) -> Result<i64, Error> {
        self.incrby(key, 1)
    }

    /// Subtracts one from the number at `key`; see [`incr`](Self::incr).
    ///
    /// # Errors
    ///
    /// As [`incrby`](Self::incrby).
    #[inline]
    pub fn decr(&self, key: impl AsRef<[u8]>) -> Result<i64, Error> {
        self.incrby(key, -1)
    }

    /// Adds `delta` to the number at `key`, which counts as 0 if it does not exist, and returns the
    /// sum. The time to live stays.
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`] when it is not a string, [`Error::NotAnInteger`] when it is not the
    /// decimal form of a 64-bit integer, [`Error::Overflow`] when the sum is not one; or as
    /// [`set`](Self::set). Nothing has changed then.
    #[inline(always)]
    pub fn incrby(&self, key: impl AsRef<[u8]>, delta: i64) -> Result<i64, Error> {
        let engine = &*self.engine;
        let key = key.as_ref();
        match add_in_place(engine, key, delta) {
            Some(sum) => Ok(sum),
            None => add_by_replacement(engine, key, delta),
        }
    }

    /// Subtracts `delta` from the number at `key`; see [`incrby`](Self::incrby).
    ///
    /// # Errors
    ///
    /// As [`incrby`](Self::incrby); [`Error::DecrementOverflow`] when `delta` has no negation.
    pub fn decrby(&self, key: impl AsRef<[u8]>, delta: i64) -> Result<i64, Error> {
        self.incrby(key, delta.checked_neg().ok_or(Error::DecrementOverflow)?)
    }

    /// Adds a decimal number to the one at `key`, which counts as 0 if it does not exist, and
    /// returns the sum as Redis prints it. The time to live stays.
    ///
    /// Computed as Redis does on x86-64, in 80-bit extended precision, and printed with at most 17
    /// decimals and no exponent.
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`] when it is not a string, [`Error::NotAFloat`] when it or the increment
    /// is no number, [`Error::NanOrInfinity`] when the sum is none; or as [`set`](Self::set).
    /// Nothing has changed then.
    pub fn incrbyfloat_text(
        &self,
        key: impl AsRef<[u8]>,
        increment: impl AsRef<[u8]>,
    ) -> Result<Vec<u8>, Error> {
        let engine = &*self.engine;
        let guard = engine.pin_to_write();
        let increment = increment.as_ref();
        engine.write(&guard, key.as_ref(), Tally::Sets, |live| {
            let sum_with = |text: &[u8]| add_decimals(text, increment);
            let sum = match live {
                None => sum_with(b"0")?,
                Some(live) => with_last_bytes(live, sum_with)??,
            };
            let deadline = live.map_or_else(|| engine.default_deadline(), Live::deadline);
            Ok(Step::Write(Content::Built(sum.clone()), deadline, sum))
        })
    }

    /// Adds a float to the number at `key`; see [`incrbyfloat_text`](Self::incrbyfloat_text), which
    /// keeps digits that the returned `f64` may not have.
    ///
    /// # Errors
    ///
    /// As [`incrbyfloat_text`](Self::incrbyfloat_text).
    pub fn incrbyfloat(&self, key: impl AsRef<[u8]>, increment: f64) -> Result<f64, Error> {
        let sum = self.incrbyfloat_text(key, increment.to_string())?;
        let sum = std::str::from_utf8(&sum).ok().and_then(|text| text.parse().ok());
        sum.ok_or(Error::NotAFloat)
    }
}

/// The sum of two decimal numbers, as [`incrbyfloat_text`](MemoryCachePool::incrbyfloat_text) would
/// compute and print it: for a host that keeps numbers in a form of its own.
///
/// # Errors
///
/// [`Error::NotAFloat`] when one is no number, [`Error::NanOrInfinity`] when the sum is none.
pub fn add_decimals(number: &[u8], increment: &[u8]) -> Result<Vec<u8>, Error> {
    let number = Extended::parse(number).ok_or(Error::NotAFloat)?;
    let increment = Extended::parse(increment).ok_or(Error::NotAFloat)?;
    Ok(number.add(increment).ok_or(Error::NanOrInfinity)?.to_text())
}

/// INCRBY in the usual case: the number is there, and can be changed where it lies.
#[inline(always)]
fn add_in_place(engine: &Engine, key: &[u8], delta: i64) -> Option<i64> {
    let hash = engine.hash(key);
    let guard = engine.pin();
    let cell = engine.find_live(&guard, key, hash)?.integer()?;
    // Asking the system for the time would add half of what the rest costs.
    let now = |sum: i64| {
        // About one sum in 64, whatever the steps between them.
        let asks = sum.cast_unsigned().wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 58 == 0;
        let asks = asks || engine.clock.is_custom();
        if asks { engine.elapsed_coarse() } else { engine.elapsed_recent() }
    };
    let Added::Done(sum) = cell.try_add(delta, now) else { return None };
    engine.count(&guard, Tally::Sets);
    engine.note_changed(key, hash);
    Some(sum)
}

/// INCRBY in every other case.
#[cold]
#[inline(never)]
fn add_by_replacement(engine: &Engine, key: &[u8], delta: i64) -> Result<i64, Error> {
    let guard = engine.pin_to_write();
    engine.write(&guard, key, Tally::Sets, |live| add(engine, live, delta))
}

/// INCRBY on what is there: in place if it can be, else by replacement.
fn add<'g>(engine: &Engine, live: Option<Live<'g>>, delta: i64) -> Result<Step<'g, i64>, Error> {
    let Some(live) = live else {
        return Ok(Step::Write(Content::Integer(delta), engine.default_deadline(), delta));
    };
    let before = match live.value() {
        Value::Object(_) | Value::Hash(_) | Value::Set(_) | Value::List(_) => {
            return Err(Error::WrongType);
        }
        Value::Bytes(text) => parse_integer(text).ok_or(Error::NotAnInteger)?,
        Value::Integer(cell) => match cell.try_add(delta, |_| engine.elapsed_coarse()) {
            Added::Done(sum) => return Ok(Step::Changed(sum)),
            Added::Overflow => return Err(Error::Overflow),
            // Replaced by what the last value gives: it may have changed since `TooWide`.
            Added::Frozen(_) | Added::TooWide(_) => cell.freeze(),
        },
    };
    let sum = before.checked_add(delta).ok_or(Error::Overflow)?;
    Ok(Step::Write(Content::Integer(sum), live.deadline(), sum))
}
