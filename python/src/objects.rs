//! Objects, kept by reference, and where they end.
//!
//! The core keeps an [`Arc`] of a [`Kept`], which owns one reference to the object.
//! It lets go of it when nobody can be reading the key any more: at some later write, of any thread,
//! perhaps of one that is not attached to an interpreter, always in the middle of the core. An object
//! must not end there: its finalizer is any code at all. So a [`Kept`] that is dropped puts its
//! reference on a queue, and whoever has *finished* a write takes at most [`SLICE`] of them off it and
//! lets them go, attached and outside of the core. A thread that is no Python thread, the cleanup's,
//! asks the interpreter's main thread to do it: perhaps nobody writes.
//!
//! A finalizer may use the pool: the queue is not locked meanwhile, and the thread that empties it
//! does not begin again inside. What is left when the interpreter ends is left: nothing may be let go
//! of then.

use crate::{pool::Pool, sizes, values};
use memory_cache_pool::HostRef;
use pyo3::{ffi, prelude::*, sync::PyOnceLock};
use std::{
    any::Any,
    cell::Cell,
    ffi::{c_int, c_void},
    mem::ManuallyDrop,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

/// References that one call lets go of.
const SLICE: usize = 16;

/// References that the main thread lets go of before it goes on with what it was doing.
const MAIN_SLICE: usize = 256;

/// One reference to an object.
#[derive(Debug)]
pub(crate) struct Kept {
    object: ManuallyDrop<Py<PyAny>>,
    /// Bytes that it holds, as they were estimated.
    pub(crate) bytes: usize,
}

/// References to be let go of.
static QUEUE: Mutex<Vec<Py<PyAny>>> = Mutex::new(Vec::new());

/// How many there are, for who only asks whether there are any.
static QUEUED: AtomicUsize = AtomicUsize::new(0);

/// Whether the main thread has been asked.
static IS_ASKED: AtomicBool = AtomicBool::new(false);

/// Whether the interpreter is about to end. Locked while somebody is asking, who has to be done
/// before it does.
static IS_ENDING: RwLock<bool> = RwLock::new(false);

thread_local! {
    /// Whether this thread is letting go.
    static IS_EMPTYING: Cell<bool> = const { Cell::new(false) };

    /// Whether this thread writes for Python, and so will let go itself.
    static IS_WRITER: Cell<bool> = const { Cell::new(false) };
}

impl Kept {
    /// The object under a key.
    fn of<'py>(py: Python<'py>, object: &Arc<dyn Any + Send + Sync>) -> Option<Bound<'py, PyAny>> {
        let kept = object.downcast_ref::<Self>()?;
        Some(kept.object(py))
    }

    /// The object.
    #[inline(always)]
    pub(crate) fn object<'py>(&self, py: Python<'py>) -> Bound<'py, PyAny> {
        self.object.bind(py).clone()
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        // SAFETY: taken once, here; nobody sees the value after its drop.
        let object = unsafe { ManuallyDrop::take(&mut self.object) };
        let mut queue = QUEUE.lock().unwrap_or_else(PoisonError::into_inner);
        queue.push(object);
        // Relaxed; whoever sees it takes the lock.
        QUEUED.store(queue.len(), Ordering::Relaxed);
        drop(queue);
        // A thread that is ending has no such note any more.
        if !IS_WRITER.try_with(Cell::get).unwrap_or(true) {
            ask_main_thread();
        }
    }
}

/// Takes some references off the queue.
fn take(most: usize) -> Vec<Py<PyAny>> {
    let mut queue = QUEUE.lock().unwrap_or_else(PoisonError::into_inner);
    let from = queue.len().saturating_sub(most);
    let taken = queue.split_off(from);
    QUEUED.store(queue.len(), Ordering::Relaxed);
    taken
}

/// Lets some of the objects go that the core has let go of; to be called after a write.
#[inline(always)]
pub(crate) fn let_go(py: Python<'_>) {
    if QUEUED.load(Ordering::Relaxed) != 0 {
        let_go_of(py, SLICE);
    }
}

/// Lets all of the objects go that the core has let go of by now.
pub(crate) fn let_all_go(py: Python<'_>) {
    while QUEUED.load(Ordering::Relaxed) != 0 && let_go_of(py, MAIN_SLICE) {}
}

/// Lets some objects go; false when this thread is at it already.
#[cold]
#[inline(never)]
fn let_go_of(_: Python<'_>, most: usize) -> bool {
    if IS_EMPTYING.replace(true) {
        return false;
    }
    // Each ends here; an error of a finalizer is reported as unraisable. PyO3 has to know that the
    // thread is attached, which it does not in a call that CPython makes directly.
    Python::attach(|_| take(most).into_iter().for_each(drop));
    IS_EMPTYING.set(false);
    true
}

/// Asks the main thread to let go, by somebody who may not be attached.
fn ask_main_thread() {
    let is_ending = IS_ENDING.read().unwrap_or_else(PoisonError::into_inner);
    // AcqRel: of several who ask, one does.
    if *is_ending || IS_ASKED.swap(true, Ordering::AcqRel) {
        return;
    }
    // SAFETY: any thread may call it while there is an interpreter, and `end` waits for this one.
    let refused = unsafe { ffi::Py_AddPendingCall(Some(on_main_thread), std::ptr::null_mut()) };
    if refused != 0 {
        IS_ASKED.store(false, Ordering::Release);
    }
}

/// Called by the interpreter, attached, between two instructions.
extern "C" fn on_main_thread(_: *mut c_void) -> c_int {
    IS_ASKED.store(false, Ordering::Release);
    // There is none while the interpreter is ending: nothing is let go of then.
    let _ = Python::try_attach(|py| let_go_of(py, MAIN_SLICE));
    if QUEUED.load(Ordering::Relaxed) != 0 {
        ask_main_thread();
    }
    0
}

/// Nobody is asked from now on: the interpreter is about to end.
pub(crate) fn end() {
    *IS_ENDING.write().unwrap_or_else(PoisonError::into_inner) = true;
}

/// A new reference to an object.
#[cfg(not(feature = "abi3"))]
#[inline(always)]
pub(crate) fn reference(py: Python<'_>, object: &Arc<dyn Any + Send + Sync>) -> *mut ffi::PyObject {
    Kept::of(py, object).map_or(std::ptr::null_mut(), Bound::into_ptr)
}

/// An object as the pool is to keep it.
pub(crate) fn keep(pool: &Pool, value: &Bound<'_, PyAny>) -> PyResult<Kept> {
    let value = if pool.copies { deep_copy(value)? } else { value.clone() };
    let bytes = sizes::estimate(&value);
    IS_WRITER.set(true);
    Ok(Kept { object: ManuallyDrop::new(value.unbind()), bytes })
}

/// A copy that shares nothing that can change.
pub(crate) fn deep_copy<'py>(value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    static DEEPCOPY: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    DEEPCOPY.import(value.py(), "copy", "deepcopy")?.call1((value,))
}

/// What a key holds, or an element is, as Python is to see it.
#[derive(Debug)]
pub(crate) enum Shown<'py> {
    /// A value.
    Value(Bound<'py, PyAny>),
    /// An object, which a pool of copies copies once more.
    Object(Bound<'py, PyAny>),
}

/// Looks at a string or an object where it lies; runs none of Python's code.
#[inline(always)]
pub(crate) fn show<'py>(py: Python<'py>, value: HostRef<'_>) -> PyResult<Shown<'py>> {
    match value {
        HostRef::Bytes(bytes) => values::decode(py, bytes).map(Shown::Value),
        HostRef::Object(object) => Ok(Shown::Object(
            // The pool is filled by nobody else.
            Kept::of(py, object).unwrap_or_else(|| py.None().into_bound(py)),
        )),
    }
}

impl<'py> Shown<'py> {
    /// The value, once no key is being looked at any more.
    #[inline(always)]
    pub(crate) fn open(self, pool: &Pool) -> PyResult<Bound<'py, PyAny>> {
        match self {
            Self::Object(object) if pool.copies => deep_copy(&object),
            Self::Value(value) | Self::Object(value) => Ok(value),
        }
    }
}
