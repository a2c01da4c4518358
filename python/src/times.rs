//! Durations and points in time as Python gives them.

use crate::errors::{data_error, type_name};
use memory_cache_pool::Expiry;
use pyo3::{
    exceptions::{PyTypeError, PyValueError},
    prelude::*,
    types::{PyBool, PyDateTime, PyDelta, PyFloat, PyInt},
};
use std::time::Duration;

/// An argument of a command that may not be given.
pub(crate) type Given<'a, 'py> = Option<&'a Bound<'py, PyAny>>;

/// The times that SET, GETEX and their kin take, of which one may be given.
#[derive(Debug)]
pub(crate) struct Times<'a, 'py> {
    pub(crate) ex: Given<'a, 'py>,
    pub(crate) px: Given<'a, 'py>,
    pub(crate) exat: Given<'a, 'py>,
    pub(crate) pxat: Given<'a, 'py>,
    /// KEEPTTL or PERSIST, when it is asked for.
    pub(crate) other: Option<Expiry>,
}

impl Times<'_, '_> {
    /// The expiry, if one is given.
    pub(crate) fn expiry(&self, py: Python<'_>) -> PyResult<Option<Expiry>> {
        let given = [
            self.ex.map(in_seconds).transpose()?,
            self.px.map(in_millis).transpose()?,
            self.exat.map(at_seconds).transpose()?,
            self.pxat.map(at_millis).transpose()?,
            self.other,
        ];
        let mut given = given.into_iter().flatten();
        match (given.next(), given.next()) {
            (first, None) => Ok(first),
            _ => Err(data_error(py, "times to live exclude each other")),
        }
    }
}

/// A time to live in seconds: an int, a float or a timedelta.
pub(crate) fn in_seconds(time: &Bound<'_, PyAny>) -> PyResult<Expiry> {
    match exact(time)? {
        Some(seconds) => Ok(Expiry::InSeconds(seconds)),
        None => Ok(Expiry::InMillis(to_millis(time, 1000.0)?)),
    }
}

/// A time to live in milliseconds: an int, a float or a timedelta.
pub(crate) fn in_millis(time: &Bound<'_, PyAny>) -> PyResult<Expiry> {
    match exact(time)? {
        Some(millis) => Ok(Expiry::InMillis(millis)),
        None => Ok(Expiry::InMillis(to_millis(time, 1.0)?)),
    }
}

/// A point in time in seconds since 1970, or a datetime.
pub(crate) fn at_seconds(time: &Bound<'_, PyAny>) -> PyResult<Expiry> {
    match exact(time)? {
        Some(seconds) => Ok(Expiry::AtSeconds(seconds)),
        None => Ok(Expiry::AtMillis(to_millis(time, 1000.0)?)),
    }
}

/// A point in time in milliseconds since 1970, or a datetime.
pub(crate) fn at_millis(time: &Bound<'_, PyAny>) -> PyResult<Expiry> {
    match exact(time)? {
        Some(millis) => Ok(Expiry::AtMillis(millis)),
        None => Ok(Expiry::AtMillis(to_millis(time, 1.0)?)),
    }
}

/// An int as it is; `None` for what is no int.
fn exact(time: &Bound<'_, PyAny>) -> PyResult<Option<i64>> {
    let is_int = time.is_instance_of::<PyInt>() && !time.is_instance_of::<PyBool>();
    if !is_int {
        return Ok(None);
    }
    let fits = time.extract::<i64>().map(Some);
    fits.map_err(|_| data_error(time.py(), "invalid expire time"))
}

/// What is no int, in whole milliseconds.
fn to_millis(time: &Bound<'_, PyAny>, millis_of_unit: f64) -> PyResult<i64> {
    let millis = if time.is_instance_of::<PyFloat>() {
        time.extract::<f64>()? * millis_of_unit
    } else if time.is_instance_of::<PyDelta>() {
        time.call_method0("total_seconds")?.extract::<f64>()? * 1000.0
    } else if time.is_instance_of::<PyDateTime>() {
        time.call_method0("timestamp")?.extract::<f64>()? * 1000.0
    } else {
        let message = format!("a time is an int, a float or a timedelta, not {}", type_name(time));
        return Err(data_error(time.py(), message));
    };
    whole(millis).ok_or_else(|| data_error(time.py(), "invalid expire time"))
}

/// Rounded to whole numbers, if there is such a number of 64 bits.
fn whole(number: f64) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "checked at once")]
    let whole = number.round() as i64;
    (number.abs() < 9e18).then_some(whole)
}

/// A duration of a configuration or an age: seconds, or a timedelta.
pub(crate) fn duration(field: &str, value: &Bound<'_, PyAny>) -> PyResult<Duration> {
    let is_number = value.is_instance_of::<PyInt>() || value.is_instance_of::<PyFloat>();
    let seconds: f64 = if is_number && !value.is_instance_of::<PyBool>() {
        value.extract().unwrap_or(f64::INFINITY)
    } else if value.is_instance_of::<PyDelta>() {
        value.call_method0("total_seconds")?.extract()?
    } else {
        let name = type_name(value);
        let message = format!("{field} has to be seconds or a timedelta, not {name}");
        return Err(PyTypeError::new_err(message));
    };
    Duration::try_from_secs_f64(seconds).map_err(|_| {
        PyValueError::new_err(format!(
            "{field} has to be a positive number of seconds, not {seconds}"
        ))
    })
}

/// Milliseconds as seconds.
#[expect(clippy::cast_precision_loss, reason = "exact for some 285,000 years")]
pub(crate) fn seconds_of_millis(millis: u64) -> f64 {
    millis as f64 / 1000.0
}
