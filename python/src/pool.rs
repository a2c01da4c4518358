//! The pool itself, and the calls that have to be fast: get, set, items.

#[cfg(not(feature = "abi3"))]
use crate::ready::Ready;
use crate::{
    config::Config,
    elements::Host,
    errors::{raise, type_name},
    objects::{self, show},
    strings::Options,
    text,
    times::Times,
    values,
};
use memory_cache_pool::{CacheConfig, Error, Expiry, MemoryCachePool};
use pyo3::{
    exceptions::{PyKeyError, PyTypeError},
    prelude::*,
};
use std::{mem::ManuallyDrop, sync::Arc};

/// MemoryCachePool(config=None)
/// --
///
/// A cache inside the process, with Redis's commands under redis-py's names.
///
/// Keys are str or bytes, and the same key either way; they come out as str. Values of the types str,
/// bytes, int, float, bool and None come out as they went in, under a key and in hashes, lists and
/// sets. Any other object is kept by reference: what comes out is the object itself, so that a change of it is
/// seen by everybody who has it, unless the pool was made with `copy_values=True`.
///
/// Every call on one key is atomic, and waits for nobody. Errors are CacheError and its subclasses.
#[pyclass(frozen, weakref, module = "memory_cache_pool", name = "MemoryCachePool")]
#[derive(Debug)]
pub(crate) struct Pool {
    core: ManuallyDrop<MemoryCachePool>,
    config: Py<Config>,
    /// What the core tells of objects in collections.
    pub(crate) host: Arc<Host>,
    /// Whether objects are copied on their way in and out.
    pub(crate) copies: bool,
    #[cfg(not(feature = "abi3"))]
    pub(crate) ready: Ready,
}

impl Pool {
    /// The core's pool.
    #[inline(always)]
    pub(crate) fn core(&self) -> &MemoryCachePool {
        &self.core
    }

    /// The value of a key.
    #[inline(always)]
    pub(crate) fn look<'py>(&self, key: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let py = key.py();
        match self.core.view_with(text::key(key)?, |value| show(py, value)) {
            Ok(Some(shown)) => shown?.open(self).map(Some),
            Ok(None) => Ok(None),
            Err(error) => Err(raise(py, error)),
        }
    }

    /// Sets a key, whatever it held.
    #[inline(always)]
    pub(crate) fn put(&self, key: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = key.py();
        let name = text::key(key)?;
        match values::encode(value)? {
            Some(bytes) => self.written(py, self.core.set(name, &*bytes)),
            None => self.put_object(py, name, value, &Options::default()).map(drop),
        }
    }

    /// What bytes that were given back stand for, read while objects are there that they may stand
    /// for: pinned since before the call, which may take elements out.
    pub(crate) fn pinned<T>(&self, call: impl FnOnce(&MemoryCachePool) -> T) -> T {
        let _pinned = self.core.pin();
        call(&self.core)
    }

    /// What a write returned; afterwards some objects may end.
    #[inline(always)]
    pub(crate) fn written<T>(&self, py: Python<'_>, result: Result<T, Error>) -> PyResult<T> {
        objects::let_go(py);
        result.map_err(|error| raise(py, error))
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        // SAFETY: taken once, here; nobody sees the value after its drop.
        let core = unsafe { ManuallyDrop::take(&mut self.core) };
        let end = |py: Python<'_>| {
            // Waits for the cleanup's thread, if there is one.
            py.detach(|| core.stop_cleanup_task());
            #[cfg(not(feature = "abi3"))]
            self.ready.clear(py);
            core
        };
        match Python::try_attach(end) {
            Some(core) => drop(core),
            // The interpreter has ended, and with it whatever the objects are.
            None => return,
        }
        let _ = Python::try_attach(objects::let_all_go);
    }
}

#[pymethods]
impl Pool {
    #[new]
    #[pyo3(signature = (config=None))]
    fn new(py: Python<'_>, config: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let config = match config {
            None => Bound::new(py, Config::default())?,
            Some(config) => config.cast::<Config>().cloned().map_err(|_| {
                let name = type_name(config);
                PyTypeError::new_err(format!("config has to be a CacheConfig, not {name}"))
            })?,
        };
        let host = Arc::new(Host::default());
        let core: CacheConfig = config.get().core()?.element_host(host.clone());
        let core =
            MemoryCachePool::new(core).map_err(|error| crate::errors::config_error(&error))?;
        let copies = config.get().copy_values;
        Ok(Self {
            core: ManuallyDrop::new(core),
            config: config.unbind(),
            host,
            copies,
            #[cfg(not(feature = "abi3"))]
            ready: Ready::new(),
        })
    }

    /// The configuration that the pool was made with.
    #[getter]
    fn config(&self, py: Python<'_>) -> Py<Config> {
        self.config.clone_ref(py)
    }

    /// Returns the value of `key`, or `default` when there is none.
    #[pyo3(signature = (key, default=None))]
    fn get<'py>(
        &self,
        key: &Bound<'py, PyAny>,
        default: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        Ok(self.look(key)?.or(default))
    }

    /// Sets `key` to `value`; returns True, or None when `nx` or `xx` forbade it.
    ///
    /// ex, px: time to live in seconds and milliseconds, as an int, a float or a timedelta.
    /// exat, pxat: the time at which it expires, in seconds and milliseconds since 1970.
    /// nx, xx: only if the key does not exist, or only if it does.
    /// keepttl: the time to live stays. get: return the value before instead.
    #[pyo3(signature = (
        key, value, ex=None, px=None, nx=false, xx=false, keepttl=false, get=false, exat=None,
        pxat=None,
    ))]
    #[expect(clippy::too_many_arguments, reason = "as many as SET has")]
    fn set<'py>(
        &self,
        py: Python<'py>,
        key: &Bound<'py, PyAny>,
        value: &Bound<'py, PyAny>,
        ex: Option<&Bound<'py, PyAny>>,
        px: Option<&Bound<'py, PyAny>>,
        nx: bool,
        xx: bool,
        keepttl: bool,
        get: bool,
        exat: Option<&Bound<'py, PyAny>>,
        pxat: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let other = keepttl.then_some(Expiry::Keep);
        let expiry = Times { ex, px, exat, pxat, other }.expiry(py)?;
        let options = Options { expiry, nx, xx, get };
        if options == Options::default() {
            self.put(key, value)?;
            return Ok(pyo3::types::PyBool::new(py, true).to_owned().into_any());
        }
        self.set_with(key, value, &options)
    }

    fn __getitem__<'py>(&self, key: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        match self.look(key)? {
            Some(value) => Ok(value),
            None => Err(PyKeyError::new_err(key.clone().unbind())),
        }
    }

    fn __setitem__(&self, key: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        self.put(key, value)
    }

    fn __delitem__(&self, key: &Bound<'_, PyAny>) -> PyResult<()> {
        let is_there = self.core.delete(text::key(key)?);
        objects::let_go(key.py());
        if is_there { Ok(()) } else { Err(PyKeyError::new_err(key.clone().unbind())) }
    }

    fn __contains__(&self, key: &Bound<'_, PyAny>) -> PyResult<bool> {
        Ok(self.core.exists(text::key(key)?))
    }

    fn __len__(&self) -> usize {
        self.core.dbsize()
    }

    /// A pool is true, even an empty one: `pool or MemoryCachePool()` is to be the pool.
    fn __bool__(&self) -> bool {
        true
    }

    fn __repr__(&self) -> String {
        let stats = self.core.get_stats();
        format!("<MemoryCachePool: {} keys, {} bytes>", stats.key_count, stats.memory_usage)
    }
}
