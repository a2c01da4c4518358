//! Cleaning up: by call, and by a thread of the core's.

use crate::{fork::unattached, objects, pool::Pool};
use pyo3::{exceptions::PyOSError, prelude::*, sync::PyOnceLock};

/// A function of the package's Python part.
fn python_part<'py>(py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
    static TASKS: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
    let module = TASKS
        .get_or_try_init(py, || Ok::<_, PyErr>(py.import("memory_cache_pool._tasks")?.unbind()))?;
    module.bind(py).getattr(name)
}

#[pymethods]
impl Pool {
    /// Removes the keys that have expired; returns how many there were.
    ///
    /// Expired keys are absent at once, whether or not this is called: it gives their memory back.
    /// Other threads run meanwhile.
    #[pyo3(signature = (/))]
    fn cleanup_expired_keys(&self, py: Python<'_>) -> usize {
        let cleanup = unattached(py, || self.core().cleanup_expired_keys(usize::MAX));
        objects::let_all_go(py);
        cleanup.removed
    }

    /// The same as cleanup_expired_keys(), by the name under which it is known.
    #[pyo3(signature = (/))]
    fn _cleanup_expired_keys(&self, py: Python<'_>) -> usize {
        self.cleanup_expired_keys(py)
    }

    /// Starts removing expired keys every `cleanup_interval`; nothing happens when it is running.
    ///
    /// The work is done by a thread of the pool's, not by the event loop, and goes on when the loop
    /// ends, until stop_cleanup_task() or until the pool is dropped. To be awaited.
    #[pyo3(signature = (/))]
    fn start_cleanup_task<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        python_part(slf.py(), "start")?.call1((slf,))
    }

    /// Stops what start_cleanup_task() has started; nothing happens when it is not running.
    ///
    /// Never raises, and works in any event loop. To be awaited.
    #[pyo3(signature = (/))]
    fn stop_cleanup_task<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        python_part(slf.py(), "stop")?.call1((slf,))
    }

    /// Starts the cleanup's thread.
    fn _start_cleanup(&self) -> PyResult<()> {
        self.core().start_cleanup_task().map_err(PyOSError::new_err)
    }

    /// Ends the cleanup's thread, and waits for it.
    fn _stop_cleanup(&self, py: Python<'_>) {
        py.detach(|| self.core().stop_cleanup_task());
    }

    /// Decorates a function so that its results are kept in this pool for `ttl` seconds.
    ///
    /// Works for plain and for async functions. Of those who miss the same arguments at the same time
    /// one calls the function and the others wait for its result. Arguments are told apart by type and
    /// value; other than plain ones have to be picklable. `key`, a function of the arguments, makes the
    /// key instead. What begins the key is the function's name, or `prefix`.
    #[pyo3(signature = (ttl=None, *, key=None, prefix=None))]
    fn cached<'py>(
        slf: &Bound<'py, Self>,
        ttl: Option<Bound<'py, PyAny>>,
        key: Option<Bound<'py, PyAny>>,
        prefix: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        static CACHED: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let cached = CACHED.import(slf.py(), "memory_cache_pool._cached", "cached")?;
        cached.call1((slf, ttl, key, prefix))
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    #[pyo3(signature = (*_error))]
    fn __exit__(slf: &Bound<'_, Self>, _error: &Bound<'_, PyAny>) -> PyResult<bool> {
        python_part(slf.py(), "stop_now")?.call1((slf,))?;
        Ok(false)
    }

    fn __aenter__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        python_part(slf.py(), "enter")?.call1((slf,))
    }

    #[pyo3(signature = (*_error))]
    fn __aexit__<'py>(
        slf: &Bound<'py, Self>,
        _error: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        python_part(slf.py(), "stop")?.call1((slf,))
    }
}
