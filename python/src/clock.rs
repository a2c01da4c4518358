//! A clock that tests and backtests move by hand.

use crate::times;
use memory_cache_pool::ManualClock;
use pyo3::{exceptions::PyValueError, prelude::*};
use std::{sync::Arc, time::Duration};

/// When a clock begins unless it is told: in September 2020.
const START_SECONDS: f64 = 1_600_000_000.0;

/// ManualClock(start=1600000000.0)
/// --
///
/// A clock that stands still until it is moved: for tests, and for backtests that replay a market.
///
/// `start` is in seconds since 1970; time goes in whole milliseconds. Hand it to a pool by
/// `CacheConfig(clock=clock)`; several pools may have the same.
#[pyclass(frozen, module = "memory_cache_pool", name = "ManualClock")]
#[derive(Debug)]
pub(crate) struct Clock(Arc<ManualClock>);

impl Clock {
    /// The clock as the core knows it.
    pub(crate) fn core(&self) -> Arc<ManualClock> {
        Arc::clone(&self.0)
    }

    fn millis(&self) -> u64 {
        memory_cache_pool::Clock::now_millis(&*self.0)
    }
}

#[pymethods]
impl Clock {
    #[new]
    #[pyo3(signature = (start=START_SECONDS))]
    fn new(start: f64) -> PyResult<Self> {
        Ok(Self(Arc::new(ManualClock::new(unix_millis(start)?))))
    }

    /// Moves the clock on by some seconds, or by a timedelta.
    #[pyo3(signature = (seconds, /))]
    fn advance(&self, seconds: &Bound<'_, PyAny>) -> PyResult<()> {
        let duration = times::duration("seconds", seconds)?;
        // A fraction that is no binary one comes out a hair too short.
        self.0.advance(duration + Duration::from_nanos(500));
        Ok(())
    }

    /// Sets the clock to a time in seconds since 1970, backwards too.
    #[pyo3(signature = (seconds, /))]
    fn set(&self, seconds: f64) -> PyResult<()> {
        self.0.set_millis(unix_millis(seconds)?);
        Ok(())
    }

    /// The time that the clock shows, in seconds since 1970.
    #[pyo3(signature = (/))]
    fn now(&self) -> f64 {
        times::seconds_of_millis(self.millis())
    }

    fn __repr__(&self) -> String {
        format!("ManualClock(start={:?})", self.now())
    }
}

/// Seconds since 1970 as whole milliseconds.
fn unix_millis(seconds: f64) -> PyResult<u64> {
    let millis = (seconds * 1000.0).round();
    if !(0.0..1e15).contains(&millis) {
        return Err(PyValueError::new_err("a time is seconds since 1970"));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked above")]
    let millis = millis as u64;
    Ok(millis)
}
