//! Keys as such: DEL, EXISTS, KEYS, TYPE, RENAME and their kin.

use crate::{errors::data_error, fork::unattached, objects, pool::Pool, text};
use pyo3::{
    IntoPyObjectExt,
    prelude::*,
    types::{PyList, PyTuple},
};

#[pymethods]
impl Pool {
    /// Removes keys; returns how many there were.
    #[pyo3(signature = (*keys))]
    fn delete(&self, keys: &Bound<'_, PyTuple>) -> PyResult<usize> {
        let mut removed = 0;
        for key in keys.iter_borrowed() {
            removed += usize::from(self.core().delete(text::key(&key)?));
        }
        objects::let_go(keys.py());
        Ok(removed)
    }

    /// Removes keys; the same as delete(), which never frees anything large on the spot either.
    #[pyo3(signature = (*keys))]
    fn unlink(&self, keys: &Bound<'_, PyTuple>) -> PyResult<usize> {
        self.delete(keys)
    }

    /// Returns how many of the keys exist; one that is named twice counts twice.
    #[pyo3(signature = (*keys))]
    fn exists(&self, keys: &Bound<'_, PyTuple>) -> PyResult<usize> {
        let mut found = 0;
        for key in keys.iter_borrowed() {
            found += usize::from(self.core().exists(text::key(&key)?));
        }
        Ok(found)
    }

    /// Uses keys without reading them, for the sake of eviction; returns how many exist.
    #[pyo3(signature = (*keys))]
    fn touch(&self, keys: &Bound<'_, PyTuple>) -> PyResult<usize> {
        let mut found = 0;
        for key in keys.iter_borrowed() {
            found += usize::from(self.core().touch(text::key(&key)?));
        }
        Ok(found)
    }

    /// Returns the type of the value of `name`: "string", "hash", "list", "set", "object" or "none".
    #[pyo3(signature = (name))]
    fn r#type(&self, name: &Bound<'_, PyAny>) -> PyResult<String> {
        let value_type = self.core().type_of(text::key(name)?);
        Ok(value_type.map_or_else(|| "none".to_owned(), |value_type| value_type.to_string()))
    }

    /// Returns all keys that match a glob pattern, in no order.
    ///
    /// A weak snapshot: a key that comes or goes meanwhile may be in it or not. Other threads run
    /// meanwhile.
    #[pyo3(signature = (pattern=None))]
    fn keys<'py>(
        &self,
        py: Python<'py>,
        pattern: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyList>> {
        let pattern = pattern.map_or(Ok(&b"*"[..]), text::key)?;
        let keys = unattached(py, || self.core().keys(pattern));
        PyList::new(py, keys.iter().map(|key| text::shown(py, key)))
    }

    /// Returns some key, or None when there is none.
    #[pyo3(signature = (/))]
    fn randomkey<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        self.core().randomkey().map(|key| text::shown(py, &key))
    }

    /// Gives the value of `src`, and its time to live, to `dst`, whatever that held.
    #[pyo3(signature = (src, dst))]
    fn rename(&self, src: &Bound<'_, PyAny>, dst: &Bound<'_, PyAny>) -> PyResult<bool> {
        let renamed = self.core().rename(text::key(src)?, text::key(dst)?);
        self.written(src.py(), renamed).map(|()| true)
    }

    /// Renames `src` if `dst` does not exist; returns whether it did so.
    #[pyo3(signature = (src, dst))]
    fn renamenx(&self, src: &Bound<'_, PyAny>, dst: &Bound<'_, PyAny>) -> PyResult<bool> {
        let renamed = self.core().renamenx(text::key(src)?, text::key(dst)?);
        self.written(src.py(), renamed)
    }

    /// Gives `destination` a copy of the value of `source`; returns whether it did so.
    ///
    /// Without `replace`, only if `destination` does not exist. An object is shared, not copied.
    #[pyo3(signature = (source, destination, destination_db=None, replace=false))]
    fn copy(
        &self,
        source: &Bound<'_, PyAny>,
        destination: &Bound<'_, PyAny>,
        destination_db: Option<i64>,
        replace: bool,
    ) -> PyResult<bool> {
        if destination_db.is_some_and(|db| db != 0) {
            return Err(data_error(source.py(), "a pool is one database, 0"));
        }
        let copied = self.core().copy(text::key(source)?, text::key(destination)?, replace);
        self.written(source.py(), copied)
    }

    /// Returns how many keys there are, those included that have expired and were not removed yet.
    #[pyo3(signature = (/))]
    fn dbsize(&self) -> usize {
        self.core().dbsize()
    }

    /// Removes every key. Other threads run meanwhile; what they write may stay.
    ///
    /// asynchronous: redis-py's; it changes nothing.
    #[pyo3(signature = (asynchronous=false))]
    fn flushall(&self, py: Python<'_>, asynchronous: bool) -> bool {
        let _ = asynchronous;
        unattached(py, || self.core().flushall());
        objects::let_all_go(py);
        true
    }

    /// Removes every key; the same as flushall(), since a pool is one database.
    #[pyo3(signature = (asynchronous=false))]
    fn flushdb(&self, py: Python<'_>, asynchronous: bool) -> bool {
        self.flushall(py, asynchronous)
    }

    /// Returns the bytes that `key` takes with its value, or None when it does not exist.
    ///
    /// samples: redis-py's; nothing is sampled.
    #[pyo3(signature = (key, samples=None))]
    fn memory_usage(
        &self,
        key: &Bound<'_, PyAny>,
        samples: Option<u64>,
    ) -> PyResult<Option<usize>> {
        let _ = samples;
        Ok(self.core().memory_usage(text::key(key)?))
    }

    /// Tells of the value of `key`: its "encoding", "freq" or "idletime" (seconds); None without it.
    #[pyo3(signature = (infotype, key))]
    fn object<'py>(&self, infotype: &str, key: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let (py, name) = (key.py(), text::key(key)?);
        match &*infotype.to_ascii_lowercase() {
            "encoding" => self.core().object_encoding(name).into_bound_py_any(py),
            "freq" => self.core().object_freq(name).into_bound_py_any(py),
            "idletime" => {
                self.core().object_idletime(name).map(|idle| idle.as_secs()).into_bound_py_any(py)
            }
            "refcount" => Some(1).filter(|_| self.core().exists(name)).into_bound_py_any(py),
            other => Err(data_error(py, format!("an object has no {other:?}"))),
        }
    }

    /// Answers True: there is no connection that could be down.
    #[pyo3(signature = (/))]
    fn ping(&self) -> bool {
        true
    }

    /// Changes the limit on memory: bytes, a text as "64mb", or None for none.
    #[pyo3(signature = (size))]
    fn set_max_memory(&self, py: Python<'_>, size: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        let size = size.map(crate::config::bytes).transpose()?.map(Into::into);
        let set = self.core().set_max_memory(size);
        objects::let_go(py);
        set.map_err(|error| crate::errors::config_error(&error))
    }

    /// Changes the limit on keys; None for none.
    #[pyo3(signature = (keys))]
    fn set_max_keys(&self, keys: Option<usize>) -> PyResult<()> {
        self.core().set_max_keys(keys).map_err(|error| crate::errors::config_error(&error))
    }

    /// Changes what makes room at a limit, by Redis's name.
    #[pyo3(signature = (policy))]
    fn set_eviction_policy(&self, policy: &Bound<'_, PyAny>) -> PyResult<()> {
        self.core().set_eviction_policy(crate::config::policy(policy)?);
        Ok(())
    }
}
