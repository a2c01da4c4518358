//! Deadlines: EXPIRE and its kin, TTL and its kin, PERSIST.

use crate::{
    errors::raise,
    pool::Pool,
    text,
    times::{at_millis, at_seconds, in_millis, in_seconds},
};
use memory_cache_pool::{Error, ExpireCondition, Expiry};
use pyo3::prelude::*;

/// When EXPIRE is to change a deadline.
#[derive(Clone, Copy, Debug)]
struct Flags {
    nx: bool,
    xx: bool,
    gt: bool,
    lt: bool,
}

impl Flags {
    fn condition(self) -> Result<ExpireCondition, Error> {
        let Self { nx, xx, gt, lt } = self;
        match (nx, xx, gt, lt) {
            (false, false, false, false) => Ok(ExpireCondition::Always),
            (true, false, false, false) => Ok(ExpireCondition::Nx),
            (false, true, false, false) => Ok(ExpireCondition::Xx),
            (false, _, true, false) => Ok(ExpireCondition::Gt),
            (false, false, false, true) => Ok(ExpireCondition::Lt),
            (false, true, false, true) => Ok(ExpireCondition::XxLt),
            _ => Err(Error::Syntax),
        }
    }
}

impl Pool {
    fn expire_by(&self, key: &Bound<'_, PyAny>, expiry: Expiry, flags: Flags) -> PyResult<bool> {
        let (py, name) = (key.py(), text::key(key)?);
        let condition = flags.condition().map_err(|error| raise(py, error))?;
        let core = self.core();
        let changed = match expiry {
            Expiry::InSeconds(time) => core.expire_if(name, time, condition),
            Expiry::InMillis(time) => core.pexpire_if(name, time, condition),
            Expiry::AtSeconds(time) => core.expireat_if(name, time, condition),
            Expiry::AtMillis(time) => core.pexpireat_if(name, time, condition),
            Expiry::Keep | Expiry::Persist => Ok(false),
        };
        self.written(py, changed)
    }
}

#[pymethods]
impl Pool {
    /// Lets `name` expire in some seconds (an int, a float or a timedelta); zero or less deletes it.
    ///
    /// Returns False when the key does not exist, or a condition does not hold: nx, only if it has no
    /// time to live; xx, only if it has one; gt, lt, only if the new one is later or sooner.
    #[pyo3(signature = (name, time, nx=false, xx=false, gt=false, lt=false))]
    #[expect(clippy::fn_params_excessive_bools, reason = "as EXPIRE has them")]
    fn expire(
        &self,
        name: &Bound<'_, PyAny>,
        time: &Bound<'_, PyAny>,
        nx: bool,
        xx: bool,
        gt: bool,
        lt: bool,
    ) -> PyResult<bool> {
        self.expire_by(name, in_seconds(time)?, Flags { nx, xx, gt, lt })
    }

    /// Lets `name` expire in some milliseconds; as expire().
    #[pyo3(signature = (name, time, nx=false, xx=false, gt=false, lt=false))]
    fn pexpire(
        &self,
        name: &Bound<'_, PyAny>,
        time: &Bound<'_, PyAny>,
        nx: bool,
        xx: bool,
        gt: bool,
        lt: bool,
    ) -> PyResult<bool> {
        self.expire_by(name, in_millis(time)?, Flags { nx, xx, gt, lt })
    }

    /// Lets `name` expire at a time in seconds since 1970, or at a datetime; as expire().
    #[pyo3(signature = (name, when, nx=false, xx=false, gt=false, lt=false))]
    fn expireat(
        &self,
        name: &Bound<'_, PyAny>,
        when: &Bound<'_, PyAny>,
        nx: bool,
        xx: bool,
        gt: bool,
        lt: bool,
    ) -> PyResult<bool> {
        self.expire_by(name, at_seconds(when)?, Flags { nx, xx, gt, lt })
    }

    /// Lets `name` expire at a time in milliseconds since 1970, or at a datetime; as expire().
    #[pyo3(signature = (name, when, nx=false, xx=false, gt=false, lt=false))]
    fn pexpireat(
        &self,
        name: &Bound<'_, PyAny>,
        when: &Bound<'_, PyAny>,
        nx: bool,
        xx: bool,
        gt: bool,
        lt: bool,
    ) -> PyResult<bool> {
        self.expire_by(name, at_millis(when)?, Flags { nx, xx, gt, lt })
    }

    /// Lets `name` live for ever; returns False when it does not exist or does not expire.
    #[pyo3(signature = (name))]
    fn persist(&self, name: &Bound<'_, PyAny>) -> PyResult<bool> {
        let is_changed = self.core().persist(text::key(name)?);
        self.written(name.py(), is_changed)
    }

    /// Returns the seconds that `name` has to live, rounded; -1 if it does not expire, -2 without it.
    #[pyo3(signature = (name))]
    fn ttl(&self, name: &Bound<'_, PyAny>) -> PyResult<i64> {
        Ok(self.core().ttl(text::key(name)?))
    }

    /// Returns the milliseconds that `name` has to live; -1 if it does not expire, -2 without it.
    #[pyo3(signature = (name))]
    fn pttl(&self, name: &Bound<'_, PyAny>) -> PyResult<i64> {
        Ok(self.core().pttl(text::key(name)?))
    }

    /// Returns when `key` expires, in seconds since 1970; -1 if it does not, -2 without it.
    #[pyo3(signature = (key))]
    fn expiretime(&self, key: &Bound<'_, PyAny>) -> PyResult<i64> {
        Ok(self.core().expiretime(text::key(key)?))
    }

    /// Returns when `key` expires, in milliseconds since 1970; -1 if it does not, -2 without it.
    #[pyo3(signature = (key))]
    fn pexpiretime(&self, key: &Bound<'_, PyAny>) -> PyResult<i64> {
        Ok(self.core().pexpiretime(text::key(key)?))
    }
}
