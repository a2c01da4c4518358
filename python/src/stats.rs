//! Statistics, and facts about each key.

use crate::{errors::data_error, fork::unattached, pool::Pool, text};
use memory_cache_pool::{CacheStats, KeyInfo, Ttl};
use pyo3::{
    IntoPyObjectExt,
    prelude::*,
    types::{PyDict, PyList},
};

/// What a pool has done since it began, or since reset_stats(), and what it holds now.
#[pyclass(frozen, module = "memory_cache_pool", name = "CacheStats")]
#[derive(Debug)]
pub(crate) struct Stats(CacheStats);

#[pymethods]
impl Stats {
    /// Reads that found a value.
    #[getter]
    fn hits(&self) -> u64 {
        self.0.hits
    }

    /// Reads that found none.
    #[getter]
    fn misses(&self) -> u64 {
        self.0.misses
    }

    /// Hits over reads, from 0.0 to 1.0; 0.0 when nothing was read.
    #[getter]
    fn hit_rate(&self) -> f64 {
        self.0.hit_rate
    }

    /// Commands on single keys, of every kind; a command on several keys counts for each.
    #[getter]
    fn operations(&self) -> u64 {
        self.0.operations
    }

    /// Values written.
    #[getter]
    fn sets(&self) -> u64 {
        self.0.sets
    }

    /// Keys deleted by command.
    #[getter]
    fn deletes(&self) -> u64 {
        self.0.deletes
    }

    /// Keys removed or overwritten because their time was over.
    #[getter]
    fn expirations(&self) -> u64 {
        self.0.expirations
    }

    /// Keys removed to make room.
    #[getter]
    fn evictions(&self) -> u64 {
        self.0.evictions
    }

    /// Keys, those included that have expired and were not removed yet.
    #[getter]
    fn key_count(&self) -> usize {
        self.0.key_count
    }

    /// Bytes in use: the sum of the six below.
    #[getter]
    fn memory_usage(&self) -> usize {
        self.0.memory_usage
    }

    /// Bytes of keys and values, with the estimates of objects.
    #[getter]
    fn record_bytes(&self) -> usize {
        self.0.record_bytes
    }

    /// Bytes that are not used any more and not yet free.
    #[getter]
    fn retired_bytes(&self) -> usize {
        self.0.retired_bytes
    }

    /// Bytes that threads keep ready for what they write next.
    #[getter]
    fn idle_bytes(&self) -> usize {
        self.0.idle_bytes
    }

    /// Bytes of the table.
    #[getter]
    fn table_bytes(&self) -> usize {
        self.0.table_bytes
    }

    /// Bytes of what knows when keys expire.
    #[getter]
    fn wheel_bytes(&self) -> usize {
        self.0.wheel_bytes
    }

    /// Entries of what knows when keys expire.
    #[getter]
    fn wheel_entries(&self) -> usize {
        self.0.wheel_entries
    }

    /// Bytes of what eviction remembers.
    #[getter]
    fn eviction_bytes(&self) -> usize {
        self.0.eviction_bytes
    }

    fn __repr__(&self) -> String {
        let Self(stats) = self;
        format!(
            "CacheStats(hit_rate={:.4}, memory_usage={}, key_count={}, operations={}, evictions={}, \
             expirations={})",
            stats.hit_rate,
            stats.memory_usage,
            stats.key_count,
            stats.operations,
            stats.evictions,
            stats.expirations,
        )
    }
}

/// Milliseconds that are whole seconds as an int, others as a float; -1 for ever, -2 for gone.
fn ttl<'py>(py: Python<'py>, ttl: Ttl) -> PyResult<Bound<'py, PyAny>> {
    match ttl {
        Ttl::Missing => (-2).into_bound_py_any(py),
        Ttl::Persistent => (-1).into_bound_py_any(py),
        Ttl::Left(left) if left.subsec_millis() == 0 => left.as_secs().into_bound_py_any(py),
        Ttl::Left(left) => left.as_secs_f64().into_bound_py_any(py),
    }
}

/// Facts about one key as a dict.
fn facts<'py>(py: Python<'py>, info: &KeyInfo) -> PyResult<Bound<'py, PyDict>> {
    let facts = PyDict::new(py);
    facts.set_item("key", text::shown(py, &info.key))?;
    facts.set_item("type", info.value_type.to_string())?;
    facts.set_item("ttl", ttl(py, info.ttl)?)?;
    facts.set_item("access_count", info.access_count)?;
    facts.set_item("idle", info.idle.as_secs_f64())?;
    facts.set_item("memory_estimate", info.memory_estimate)?;
    Ok(facts)
}

/// A field of INFO as a number, if it is one.
fn value<'py>(py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyAny>> {
    if let Ok(number) = text.parse::<u64>() {
        return number.into_bound_py_any(py);
    }
    match text.parse::<f64>() {
        Ok(number) if text.starts_with(|first: char| first.is_ascii_digit()) => {
            number.into_bound_py_any(py)
        }
        _ => text.into_bound_py_any(py),
    }
}

/// Names of all sections of INFO together.
const ANY_SECTION: [&str; 3] = ["all", "default", "everything"];

#[pymethods]
impl Pool {
    /// Returns the statistics of now, summed over all threads.
    #[pyo3(signature = (/))]
    fn get_stats(&self) -> Stats {
        Stats(self.core().get_stats())
    }

    /// Starts the counters anew; what the pool holds is no counter.
    #[pyo3(signature = (/))]
    fn reset_stats(&self) {
        self.core().reset_stats();
    }

    /// Returns what an operator wants to see as a dict, under Redis's names.
    ///
    /// A section is "server", "memory", "stats" or "keyspace"; "all", "default", "everything" and no
    /// section at all are all of them. There may be several.
    #[pyo3(signature = (section=None, *args))]
    fn info<'py>(
        &self,
        py: Python<'py>,
        section: Option<String>,
        args: Vec<String>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let wanted: Vec<String> = section.into_iter().chain(args).collect();
        let sections = self.core().info();
        let is_any = |name: &String| ANY_SECTION.iter().any(|any| name.eq_ignore_ascii_case(any));
        let is = |name: &str, section: &str| name.eq_ignore_ascii_case(section);
        let is_unknown = |name: &&String| {
            !is_any(name) && !sections.iter().any(|(section, _)| is(name, section))
        };
        if let Some(unknown) = wanted.iter().find(is_unknown) {
            return Err(data_error(py, format!("info has no section {unknown:?}")));
        }
        let is_all = wanted.is_empty() || wanted.iter().any(is_any);
        let all = PyDict::new(py);
        for (section, fields) in &sections {
            if is_all || wanted.iter().any(|name| is(name, section)) {
                for (field, text) in fields {
                    all.set_item(field, value(py, text)?)?;
                }
            }
        }
        Ok(all)
    }

    /// Returns facts about each key, in no order, as a list of dicts.
    ///
    /// key, type, ttl (seconds; -1 for ever), access_count (an estimate), idle (seconds since it was
    /// used), memory_estimate (bytes). Other threads run meanwhile.
    #[pyo3(signature = (/))]
    fn debug_keys<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let infos: Vec<KeyInfo> = unattached(py, || self.core().debug_keys().collect());
        let dicts: Vec<_> = infos.iter().map(|info| facts(py, info)).collect::<PyResult<_>>()?;
        PyList::new(py, dicts)
    }

    /// Returns facts about one key, as debug_keys() has them, or None when it does not exist.
    #[pyo3(signature = (key))]
    fn key_info<'py>(&self, key: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyDict>>> {
        let info = self.core().key_info(text::key(key)?);
        info.map(|info| facts(key.py(), &info)).transpose()
    }
}
