//! The configuration, as Python sees it.

use crate::{
    clock::Clock,
    errors::type_name,
    times::{duration, seconds_of_millis},
};
use memory_cache_pool::{ByteSize, CacheConfig, EvictionPolicy};
use pyo3::{
    exceptions::{PyTypeError, PyValueError},
    prelude::*,
    types::{PyBool, PyInt, PyString},
};
use std::{sync::Arc, time::Duration};

/// CacheConfig(*, max_memory=None, max_keys=None, default_ttl=None, eviction_policy="allkeys-lfu", ...)
/// --
///
/// How a pool is to be. All fields are given by name, and can be read; there is no limit without one.
///
/// max_memory: bytes, or a text as "64mb"; at least 64 KiB. max_keys: a number of keys.
/// default_ttl: seconds, or a timedelta, for what is written without a time to live.
/// eviction_policy: one of Redis's eight names, or "lru" or "lfu".
/// cleanup_interval: seconds, or a timedelta, between two runs of the cleanup task; 0.1 by default.
/// enable_stats: whether operations are counted. thread_safe: accepted; a pool always is.
/// list_max_len: the most elements of a list; a push beyond drops those at the other end.
/// capacity: how many keys the table is made for. copy_values: whether objects are copied on their way
/// in and out. clock: a ManualClock, instead of the system's time.
#[pyclass(frozen, module = "memory_cache_pool", name = "CacheConfig")]
#[derive(Debug)]
pub(crate) struct Config {
    max_memory: Option<u64>,
    max_keys: Option<u64>,
    default_ttl: Option<Duration>,
    eviction_policy: EvictionPolicy,
    cleanup_interval: Option<Duration>,
    enable_stats: bool,
    thread_safe: bool,
    list_max_len: Option<u64>,
    capacity: Option<u64>,
    pub(crate) copy_values: bool,
    clock: Option<Py<Clock>>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_memory: None,
            max_keys: None,
            default_ttl: None,
            eviction_policy: EvictionPolicy::default(),
            cleanup_interval: None,
            enable_stats: true,
            thread_safe: true,
            list_max_len: None,
            capacity: None,
            copy_values: false,
            clock: None,
        }
    }
}

impl Config {
    /// The same, as the core has it; whether it can be is for the core to say.
    pub(crate) fn core(&self) -> PyResult<CacheConfig> {
        let mut config = CacheConfig::new()
            .eviction_policy(self.eviction_policy)
            .enable_stats(self.enable_stats)
            .thread_safe(self.thread_safe);
        if let Some(bytes) = self.max_memory {
            config = config.max_memory(bytes);
        }
        if let Some(keys) = self.max_keys {
            config = config.max_keys(size("max_keys", keys)?);
        }
        if let Some(ttl) = self.default_ttl {
            config = config.default_ttl(ttl);
        }
        if let Some(interval) = self.cleanup_interval {
            config = config.cleanup_interval(interval);
        }
        if let Some(elements) = self.list_max_len {
            config = config.list_max_len(size("list_max_len", elements)?);
        }
        if let Some(keys) = self.capacity {
            config = config.capacity(size("capacity", keys)?);
        }
        if let Some(clock) = &self.clock {
            let clock: Arc<dyn memory_cache_pool::Clock> = clock.get().core();
            config = config.clock(clock);
        }
        Ok(config)
    }

    /// Everything that makes two configurations equal.
    fn parts(&self) -> impl PartialEq + use<> {
        (
            (self.max_memory, self.max_keys, self.default_ttl, self.eviction_policy),
            (self.cleanup_interval, self.enable_stats, self.thread_safe, self.list_max_len),
            (
                self.capacity,
                self.copy_values,
                self.clock.as_ref().map(|clock| clock.as_ptr().addr()),
            ),
        )
    }
}

/// A number of things that has to fit into memory.
fn size(field: &str, number: u64) -> PyResult<usize> {
    usize::try_from(number).map_err(|_| PyValueError::new_err(format!("{field} is too large")))
}

/// A number of things, as a field's value.
fn count(field: &str, value: &Bound<'_, PyAny>) -> PyResult<u64> {
    if !value.is_instance_of::<PyInt>() || value.is_instance_of::<PyBool>() {
        let name = type_name(value);
        return Err(PyTypeError::new_err(format!("{field} has to be an int, not {name}")));
    }
    value.extract().map_err(|_| PyValueError::new_err(format!("{field} cannot be {value}")))
}

/// A number of bytes, as a field's value: an int, or a text with a unit.
pub(crate) fn bytes(value: &Bound<'_, PyAny>) -> PyResult<u64> {
    if !value.is_instance_of::<PyString>() {
        return count("max_memory", value);
    }
    let text: String = value.extract()?;
    let size = text.parse::<ByteSize>();
    let size = size.map_err(|error| PyValueError::new_err(format!("max_memory: {error}")))?;
    Ok(size.0)
}

/// A policy, by its name.
pub(crate) fn policy(value: &Bound<'_, PyAny>) -> PyResult<EvictionPolicy> {
    let Ok(name) = value.extract::<String>() else {
        let name = type_name(value);
        return Err(PyTypeError::new_err(format!("eviction_policy has to be a str, not {name}")));
    };
    name.parse().map_err(|error| PyValueError::new_err(format!("eviction_policy: {error}")))
}

/// A choice, as a field's value.
fn choice(field: &str, given: Option<&Bound<'_, PyAny>>, usual: bool) -> PyResult<bool> {
    let Some(value) = given else { return Ok(usual) };
    match value.cast::<PyBool>() {
        Ok(truth) => Ok(truth.is_true()),
        Err(_) => {
            let name = type_name(value);
            Err(PyTypeError::new_err(format!("{field} has to be a bool, not {name}")))
        }
    }
}

/// A clock, as a field's value.
fn clock(value: &Bound<'_, PyAny>) -> PyResult<Py<Clock>> {
    value.cast::<Clock>().map(|clock| clock.clone().unbind()).map_err(|_| {
        let name = type_name(value);
        PyTypeError::new_err(format!("clock has to be a ManualClock, not {name}"))
    })
}

#[pymethods]
impl Config {
    #[new]
    #[pyo3(
        signature = (
            *, max_memory=None, max_keys=None, default_ttl=None, eviction_policy=None,
            cleanup_interval=None, enable_stats=None, thread_safe=None, list_max_len=None,
            capacity=None, copy_values=None, clock=None,
        ),
        text_signature = "(*, max_memory=None, max_keys=None, default_ttl=None, \
            eviction_policy=None, cleanup_interval=None, enable_stats=True, thread_safe=True, \
            list_max_len=None, capacity=None, copy_values=False, clock=None)",
    )]
    #[expect(clippy::too_many_arguments, reason = "each by its name")]
    fn new(
        max_memory: Option<&Bound<'_, PyAny>>,
        max_keys: Option<&Bound<'_, PyAny>>,
        default_ttl: Option<&Bound<'_, PyAny>>,
        eviction_policy: Option<&Bound<'_, PyAny>>,
        cleanup_interval: Option<&Bound<'_, PyAny>>,
        enable_stats: Option<&Bound<'_, PyAny>>,
        thread_safe: Option<&Bound<'_, PyAny>>,
        list_max_len: Option<&Bound<'_, PyAny>>,
        capacity: Option<&Bound<'_, PyAny>>,
        copy_values: Option<&Bound<'_, PyAny>>,
        clock: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let config = Self {
            max_memory: max_memory.map(bytes).transpose()?,
            max_keys: max_keys.map(|keys| count("max_keys", keys)).transpose()?,
            default_ttl: default_ttl.map(|ttl| duration("default_ttl", ttl)).transpose()?,
            eviction_policy: eviction_policy.map(policy).transpose()?.unwrap_or_default(),
            cleanup_interval: cleanup_interval
                .map(|interval| duration("cleanup_interval", interval))
                .transpose()?,
            enable_stats: choice("enable_stats", enable_stats, true)?,
            thread_safe: choice("thread_safe", thread_safe, true)?,
            list_max_len: list_max_len.map(|most| count("list_max_len", most)).transpose()?,
            capacity: capacity.map(|keys| count("capacity", keys)).transpose()?,
            copy_values: choice("copy_values", copy_values, false)?,
            clock: clock.map(self::clock).transpose()?,
        };
        config.core()?.check().map_err(|error| crate::errors::config_error(&error))?;
        Ok(config)
    }

    /// The most bytes in use, or None.
    #[getter]
    fn max_memory(&self) -> Option<u64> {
        self.max_memory
    }

    /// The most keys, or None.
    #[getter]
    fn max_keys(&self) -> Option<u64> {
        self.max_keys
    }

    /// Seconds that a key lives which is written without a time to live, or None.
    #[getter]
    fn default_ttl(&self) -> Option<f64> {
        self.default_ttl.map(|ttl| ttl.as_secs_f64())
    }

    /// What makes room at a limit, by Redis's name.
    #[getter]
    fn eviction_policy(&self) -> String {
        self.eviction_policy.to_string()
    }

    /// Seconds between two runs of the cleanup task, or None for the usual 0.1.
    #[getter]
    fn cleanup_interval(&self) -> Option<f64> {
        self.cleanup_interval.map(|interval| interval.as_secs_f64())
    }

    /// Whether operations are counted.
    #[getter]
    fn enable_stats(&self) -> bool {
        self.enable_stats
    }

    /// What was given; a pool always is thread-safe.
    #[getter]
    fn thread_safe(&self) -> bool {
        self.thread_safe
    }

    /// The most elements of a list, or None.
    #[getter]
    fn list_max_len(&self) -> Option<u64> {
        self.list_max_len
    }

    /// How many keys the table is made for, or None.
    #[getter]
    fn capacity(&self) -> Option<u64> {
        self.capacity
    }

    /// Whether objects are copied on their way in and out.
    #[getter]
    fn copy_values(&self) -> bool {
        self.copy_values
    }

    /// The clock that was handed in, or None for the system's time.
    #[getter]
    fn clock(&self, py: Python<'_>) -> Option<Py<Clock>> {
        self.clock.as_ref().map(|clock| clock.clone_ref(py))
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<Self>().is_ok_and(|other| self.parts() == other.get().parts())
    }

    fn __hash__(&self) -> u64 {
        self.max_memory.unwrap_or(1) ^ self.max_keys.unwrap_or(2).rotate_left(32)
    }

    /// The call that makes an equal configuration.
    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let seconds =
            |time: Duration| seconds_of_millis(u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
        let number = |number: &u64| number.to_string();
        let truth = |truth: bool| if truth { "True" } else { "False" };
        let clock = self.clock.as_ref().map(|clock| clock.bind(py).repr()).transpose()?;
        let fields = [
            ("max_memory", self.max_memory.as_ref().map(number)),
            ("max_keys", self.max_keys.as_ref().map(number)),
            ("default_ttl", self.default_ttl.map(|ttl| format!("{:?}", seconds(ttl)))),
            ("eviction_policy", Some(format!("'{}'", self.eviction_policy))),
            ("cleanup_interval", self.cleanup_interval.map(|time| format!("{:?}", seconds(time)))),
            ("enable_stats", Some(truth(self.enable_stats).to_owned())),
            ("thread_safe", Some(truth(self.thread_safe).to_owned())),
            ("list_max_len", self.list_max_len.as_ref().map(number)),
            ("capacity", self.capacity.as_ref().map(number)),
            ("copy_values", Some(truth(self.copy_values).to_owned())),
            ("clock", clock.map(|clock| clock.to_string())),
        ];
        let given = fields.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let texts: Vec<_> = given.map(|(name, value)| format!("{name}={value}")).collect();
        Ok(format!("CacheConfig({})", texts.join(", ")))
    }
}
