//! Forks: waited for by those who work unattached, and told to who has to know.
//!
//! A child of `fork` has the memory of its parent and one thread. A thread of the parent's that was
//! in the middle of the core would be there for ever, pinned, and memory would never come free. Calls
//! that stay attached cannot be: it is an attached thread that forks. Those that let go hold
//! [`GATE`] meanwhile, for which a fork waits; cleanup tasks are stopped before it and started again
//! in the parent (see `_tasks.py`). So the child's pool is whole: a copy of its own, which shares
//! nothing with the parent's from then on.

use crate::objects;
use pyo3::{prelude::*, wrap_pyfunction};
use std::{
    cell::RefCell,
    sync::{PoisonError, RwLock, RwLockWriteGuard},
};

/// Held for reading by who works unattached, for writing by who forks.
static GATE: RwLock<()> = RwLock::new(());

thread_local! {
    /// The gate, closed by this thread, which is forking.
    static CLOSED: RefCell<Option<RwLockWriteGuard<'static, ()>>> = const { RefCell::new(None) };
}

/// Works without being attached to the interpreter, so that other threads of Python's can run.
pub(crate) fn unattached<T: Send>(py: Python<'_>, work: impl FnOnce() -> T + Send) -> T {
    py.detach(|| {
        // Let go of before the thread is attached again, which may have to wait for the one that
        // forks.
        let _open = GATE.read().unwrap_or_else(PoisonError::into_inner);
        work()
    })
}

/// Waits until nobody works unattached, and keeps it so.
#[pyfunction]
fn _before_fork(py: Python<'_>) {
    py.detach(|| {
        // Not kept while unattached: a guard belongs to this thread, which goes on here.
        CLOSED.with_borrow_mut(|closed| {
            *closed = Some(GATE.write().unwrap_or_else(PoisonError::into_inner));
        });
    });
}

/// Lets work go on, in the parent and in the child.
#[pyfunction]
fn _after_fork() {
    CLOSED.with_borrow_mut(|closed| drop(closed.take()));
}

/// Tells that the interpreter is about to end.
#[pyfunction]
fn _at_exit() {
    objects::end();
}

/// Adds what the package calls around a fork, and at the end.
pub(crate) fn watch(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(_before_fork, module)?)?;
    module.add_function(wrap_pyfunction!(_after_fork, module)?)?;
    module.add_function(wrap_pyfunction!(_at_exit, module)?)
}
