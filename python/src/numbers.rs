//! Counters: INCR and its kin.
//!
//! A number keeps the type that it was put in as: an `int` stays one, and is counted in place by the
//! core; text and bytes that read as a number stay text and bytes. What INCR makes is an `int`, what
//! INCRBYFLOAT makes a `float`.

use crate::{
    errors::{data_error, raise, type_name},
    pool::Pool,
    text,
    values::{Plain, encode_as, encode_sum},
};
use memory_cache_pool::{Error, Expiry, HostEdit, HostRef, HostValue, add_decimals};
use pyo3::{
    prelude::*,
    types::{PyBool, PyInt},
};

/// What a counter is changed by.
pub(crate) fn delta(amount: &Bound<'_, PyAny>) -> PyResult<i64> {
    if !amount.is_instance_of::<PyInt>() || amount.is_instance_of::<PyBool>() {
        let message = format!("an increment is an int, not {}", type_name(amount));
        return Err(data_error(amount.py(), message));
    }
    amount.extract().map_err(|_| data_error(amount.py(), "increment or decrement would overflow"))
}

/// The text of what a float is changed by.
pub(crate) fn float_delta(amount: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    let number: f64 = amount.extract().map_err(|_| {
        data_error(amount.py(), format!("an increment is a float, not {}", type_name(amount)))
    })?;
    // Python's shortest text of it, as redis-py would send.
    Ok(pyo3::types::PyFloat::new(amount.py(), number).repr()?.to_string().into_bytes())
}

/// The sum of a value's text and a number, as text of its kind, and the number.
pub(crate) fn sum_of_text(
    py: Python<'_>,
    before: &[u8],
    delta: i64,
) -> Result<(Vec<u8>, i64), Error> {
    let plain = Plain::of(py, before);
    let text = str::from_utf8(&plain.text).map_err(|_| Error::NotAnInteger)?;
    let number: i64 = text.parse().map_err(|_| Error::NotAnInteger)?;
    if number.to_string() != text {
        return Err(Error::NotAnInteger);
    }
    let sum = number.checked_add(delta).ok_or(Error::Overflow)?;
    Ok((encode_as(plain.kind, sum.to_string().as_bytes()), sum))
}

/// The sum of a value and a decimal number, as the kind that the value is, and the number.
pub(crate) fn float_sum(
    py: Python<'_>,
    before: Option<&[u8]>,
    delta: &[u8],
) -> Result<(Vec<u8>, f64), Error> {
    let plain = before.map_or_else(Plain::missing, |bytes| Plain::of(py, bytes));
    let before = if before.is_none() { b"0" } else { &*plain.text };
    let sum = add_decimals(before, delta)?;
    let number = str::from_utf8(&sum).ok().and_then(|text| text.parse().ok());
    let number = number.ok_or(Error::NotAFloat)?;
    Ok((encode_sum(plain.kind, &sum), number))
}

impl Pool {
    /// INCRBY.
    fn add(&self, key: &Bound<'_, PyAny>, delta: i64) -> PyResult<i64> {
        let py = key.py();
        let name = text::key(key)?;
        match self.core().incrby(name, delta) {
            Err(Error::NotAnInteger) => {}
            result => return self.written(py, result),
        }
        // Text or bytes that may read as a number, or no number at all.
        let written = self.core().edit_value(name, false, |before| {
            let (value, sum) = match before {
                None => (delta.to_string().into_bytes(), delta),
                Some(HostRef::Bytes(bytes)) => sum_of_text(py, bytes, delta)?,
                Some(HostRef::Object(_)) => return Err(Error::WrongType),
            };
            Ok((HostEdit::Set(HostValue::Bytes(value), Some(Expiry::Keep)), sum))
        });
        self.written(py, written)
    }
}

#[pymethods]
impl Pool {
    /// Adds `amount` to the integer at `name`, which counts as 0 if it is missing; returns the sum.
    #[pyo3(signature = (name, amount=None))]
    fn incr(&self, name: &Bound<'_, PyAny>, amount: Option<&Bound<'_, PyAny>>) -> PyResult<i64> {
        self.add(name, amount.map_or(Ok(1), delta)?)
    }

    /// Adds `amount` to the integer at `name`; the same as incr().
    #[pyo3(signature = (name, amount=None))]
    fn incrby(&self, name: &Bound<'_, PyAny>, amount: Option<&Bound<'_, PyAny>>) -> PyResult<i64> {
        self.incr(name, amount)
    }

    /// Subtracts `amount` from the integer at `name`, which counts as 0 if it is missing.
    #[pyo3(signature = (name, amount=None))]
    fn decr(&self, name: &Bound<'_, PyAny>, amount: Option<&Bound<'_, PyAny>>) -> PyResult<i64> {
        let delta = amount.map_or(Ok(1), delta)?.checked_neg();
        self.add(name, delta.ok_or_else(|| raise(name.py(), Error::DecrementOverflow))?)
    }

    /// Subtracts `amount` from the integer at `name`; the same as decr().
    #[pyo3(signature = (name, amount=None))]
    fn decrby(&self, name: &Bound<'_, PyAny>, amount: Option<&Bound<'_, PyAny>>) -> PyResult<i64> {
        self.decr(name, amount)
    }

    /// Adds a float to the number at `name`, which counts as 0 if it is missing; returns the sum.
    ///
    /// Computed as Redis does: in extended precision, rounded to 17 decimals.
    #[pyo3(signature = (name, amount=None))]
    fn incrbyfloat(
        &self,
        name: &Bound<'_, PyAny>,
        amount: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<f64> {
        let py = name.py();
        let delta = amount.map_or_else(|| Ok(b"1".to_vec()), float_delta)?;
        let written = self.core().edit_value(text::key(name)?, false, |before| {
            let before = match before {
                None => None,
                Some(HostRef::Bytes(bytes)) => Some(bytes),
                Some(HostRef::Object(_)) => return Err(Error::WrongType),
            };
            let (value, sum) = float_sum(py, before, &delta)?;
            Ok((HostEdit::Set(HostValue::Bytes(value), Some(Expiry::Keep)), sum))
        });
        self.written(py, written)
    }
}
