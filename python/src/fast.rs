//! `get`, `set` and items once more, as CPython itself calls them.
//!
//! What PyO3 puts around a method costs as much as the core's work: of the thousand instructions of a
//! `get` of 16 bytes by a Python program, 450 were ours, and 150 of those PyO3's. So the three calls
//! are made anew here for what nearly every call is: a `str` of ASCII as key, positional arguments but
//! for `ex`, and a value that is no object. A value of ASCII is copied into a new `str` without being
//! looked at twice, for which the stable interface has no call. Everything else goes on to the methods
//! in [`pool`](crate::pool), which say what the calls mean.
//!
//! The core does not panic; if it did, the process would end here.

use crate::{objects, pool::Pool, text::utf8_of, values};
use memory_cache_pool::HostRef;
use pyo3::{
    PyTypeInfo,
    exceptions::PyKeyError,
    ffi, intern,
    prelude::*,
    sync::PyOnceLock,
    types::{PyBool, PyString, PyTuple, PyType},
};
use std::{ffi::CStr, ptr};

/// A method that PyO3 has made, for the calls that are not common.
static GET: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
static SET: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
static ITEM: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// The keyword of a time to live.
static EX: PyOnceLock<Py<PyString>> = PyOnceLock::new();

/// What a fast read came to.
enum Look {
    /// A new reference.
    Hit(*mut ffi::PyObject),
    Miss,
    /// It is not the common case.
    Uncommon,
}

/// The pool behind an object.
///
/// # Safety
///
/// It is one, and outlives the reference.
#[inline(always)]
unsafe fn pool_of<'a>(py: Python<'a>, pool: *mut ffi::PyObject) -> &'a Pool {
    // SAFETY: the caller's word.
    let pool = unsafe { Borrowed::from_ptr(py, pool) };
    // SAFETY: as above.
    let pool = unsafe { pool.cast_unchecked::<Pool>() };
    let pool: *const Pool = pool.get();
    // SAFETY: the caller's word.
    unsafe { &*pool }
}

/// Reads a key.
///
/// # Safety
///
/// `pool` is a pool, `key` an object, and the interpreter is attached.
#[inline(always)]
unsafe fn look(py: Python<'_>, pool: *mut ffi::PyObject, key: *mut ffi::PyObject) -> Look {
    // SAFETY: the caller's word.
    let pool = unsafe { pool_of(py, pool) };
    // SAFETY: as above.
    let Some(name) = (unsafe { utf8_of(key) }) else { return Look::Uncommon };
    if pool.copies {
        return Look::Uncommon;
    }
    let seen = pool.core().view_with(name, |value| match value {
        HostRef::Bytes(text) => new_value(py, pool, text),
        HostRef::Object(object) => objects::reference(py, object),
    });
    match seen {
        Ok(Some(value)) if !value.is_null() => Look::Hit(value),
        Ok(None) => Look::Miss,
        _ => Look::Uncommon,
    }
}

/// A new reference to a value; null if it is to be read in the other way.
#[inline(always)]
fn new_value(py: Python<'_>, pool: &Pool, value: &[u8]) -> *mut ffi::PyObject {
    pool.ready.get(py, value).unwrap_or_else(|| make(py, pool, value))
}

/// Makes a value; kept out of [`new_value`] so that this is short.
#[inline(never)]
fn make(py: Python<'_>, pool: &Pool, value: &[u8]) -> *mut ffi::PyObject {
    let made = match values::bytes_of(value) {
        Some(bytes) => new_bytes(bytes),
        None if values::is_text(value) && value.is_ascii() => new_ascii(value),
        None => return new_other(py, value),
    };
    // SAFETY: it is one of the two, or null.
    unsafe { pool.ready.note(py, value, made) };
    made
}

/// The part of [`new_value`] that is longer, kept out of it so that it needs few registers.
#[inline(never)]
fn new_other(py: Python<'_>, value: &[u8]) -> *mut ffi::PyObject {
    match values::decode(py, value) {
        Ok(value) => value.into_ptr(),
        Err(_) => ptr::null_mut(),
    }
}

/// A new `bytes`.
#[inline(always)]
fn new_bytes(bytes: &[u8]) -> *mut ffi::PyObject {
    let len = ffi::Py_ssize_t::try_from(bytes.len()).unwrap_or(ffi::Py_ssize_t::MAX);
    // SAFETY: so many bytes are there, and the interpreter is attached, as for all of this file.
    let made = unsafe { ffi::PyBytes_FromStringAndSize(bytes.as_ptr().cast(), len) };
    if made.is_null() {
        // SAFETY: as above; the other way will find no memory either, and say so.
        unsafe { ffi::PyErr_Clear() };
    }
    made
}

/// A new `str`.
#[inline(always)]
fn new_ascii(text: &[u8]) -> *mut ffi::PyObject {
    let len = ffi::Py_ssize_t::try_from(text.len()).unwrap_or(ffi::Py_ssize_t::MAX);
    // SAFETY: the interpreter is attached, as for all of this file.
    let made = unsafe { ffi::PyUnicode_New(len, 127) };
    if made.is_null() {
        // SAFETY: as above; the other way will find no memory either, and say so.
        unsafe { ffi::PyErr_Clear() };
        return made;
    }
    if !text.is_empty() {
        // SAFETY: it is a compact one, whose bytes follow its header.
        let to = unsafe { ffi::PyUnicode_DATA(made) };
        // SAFETY: it has room for so many bytes, nobody else has seen it, and they are ASCII.
        unsafe { to.cast::<u8>().copy_from_nonoverlapping(text.as_ptr(), text.len()) };
    }
    made
}

/// How many arguments have names.
///
/// # Safety
///
/// `names` is null or a tuple.
#[inline(always)]
unsafe fn count(names: *mut ffi::PyObject) -> ffi::Py_ssize_t {
    if names.is_null() {
        return 0;
    }
    // SAFETY: it is a tuple.
    unsafe { ffi::PyTuple_GET_SIZE(names) }
}

/// The names of some arguments, where the key may be called `name`, as redis-py calls it.
fn with_key<'py>(names: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, PyTuple>> {
    let py = names.py();
    let (name, key) = (intern!(py, "name"), intern!(py, "key"));
    if !names.contains(name)? {
        return Ok(names.clone());
    }
    let renamed = names.iter().map(|given| match given.eq(name) {
        Ok(true) => Ok(key.clone().into_any()),
        Ok(false) => Ok(given),
        Err(error) => Err(error),
    });
    PyTuple::new(py, renamed.collect::<PyResult<Vec<_>>>()?)
}

/// Calls a method of PyO3's with the same arguments.
///
/// # Safety
///
/// The arguments are those of a call with the vector protocol.
#[cold]
unsafe fn call(
    method: &PyOnceLock<Py<PyAny>>,
    pool: *mut ffi::PyObject,
    args: *const *mut ffi::PyObject,
    nargs: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    Python::attach(|py| {
        let Some(method) = method.get(py) else { return ptr::null_mut() };
        let positional = usize::try_from(nargs).unwrap_or(0);
        let mut all = vec![pool];
        // SAFETY: null, or the names of some arguments.
        let named = unsafe { count(names) };
        // SAFETY: so many arguments are there.
        all.extend(unsafe { arguments(args, nargs + named) });
        // SAFETY: null, or a tuple.
        let names = unsafe { Bound::from_borrowed_ptr_or_opt(py, names) };
        let names = names.map(|names| with_key(&names.cast_into::<PyTuple>()?));
        let names = match names.transpose() {
            Ok(names) => names,
            Err(error) => {
                error.restore(py);
                return ptr::null_mut();
            }
        };
        let names = names.as_ref().map_or(ptr::null_mut(), Bound::as_ptr);
        // SAFETY: a callable and as many arguments as it says.
        unsafe { ffi::PyObject_Vectorcall(method.as_ptr(), all.as_ptr(), 1 + positional, names) }
    })
}

/// The positional arguments of a call.
///
/// # Safety
///
/// So many are there, as long as the result is used.
#[inline(always)]
unsafe fn arguments<'a>(
    args: *const *mut ffi::PyObject,
    nargs: ffi::Py_ssize_t,
) -> &'a [*mut ffi::PyObject] {
    match usize::try_from(nargs) {
        // SAFETY: the caller's word.
        Ok(count @ 1..) => unsafe { std::slice::from_raw_parts(args, count) },
        _ => &[],
    }
}

unsafe extern "C" fn get(
    pool: *mut ffi::PyObject,
    args: *const *mut ffi::PyObject,
    nargs: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: the interpreter is attached when it calls.
    let py = unsafe { Python::assume_attached() };
    // SAFETY: these are the arguments that we were called with.
    let (key, default) = match *unsafe { arguments(args, nargs) } {
        [key] if names.is_null() => (key, ptr::null_mut()),
        [key, default] if names.is_null() => (key, default),
        // SAFETY: as above.
        _ => return unsafe { call(&GET, pool, args, nargs, names) },
    };
    // SAFETY: a method's descriptor has checked the type of what it is called on.
    match unsafe { look(py, pool, key) } {
        Look::Hit(value) => value,
        // SAFETY: null, or an object.
        Look::Miss => match unsafe { Bound::from_borrowed_ptr_or_opt(py, default) } {
            Some(default) => default.into_ptr(),
            None => py.None().into_ptr(),
        },
        // SAFETY: these are the arguments that we were called with.
        Look::Uncommon => unsafe { call(&GET, pool, args, nargs, names) },
    }
}

unsafe extern "C" fn item(pool: *mut ffi::PyObject, key: *mut ffi::PyObject) -> *mut ffi::PyObject {
    // SAFETY: the interpreter is attached when it calls.
    let py = unsafe { Python::assume_attached() };
    // SAFETY: the slot is called on objects of its type.
    match unsafe { look(py, pool, key) } {
        Look::Hit(value) => value,
        Look::Miss => {
            // SAFETY: it is an object, and stays one during the call.
            let key = unsafe { Borrowed::from_ptr(py, key) };
            PyKeyError::new_err(key.to_owned().unbind()).restore(py);
            ptr::null_mut()
        }
        // SAFETY: one positional argument.
        Look::Uncommon => unsafe { call(&ITEM, pool, &raw const key, 1, ptr::null_mut()) },
    }
}

unsafe extern "C" fn set(
    pool: *mut ffi::PyObject,
    args: *const *mut ffi::PyObject,
    nargs: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: the interpreter is attached when it calls.
    let py = unsafe { Python::assume_attached() };
    // SAFETY: null, or the names of some arguments.
    let named = unsafe { count(names) };
    // SAFETY: these are the arguments that we were called with.
    let done = match *unsafe { arguments(args, nargs + named) } {
        // SAFETY: a method's descriptor has checked the type of what it is called on.
        [key, value] if named == 0 => unsafe { set_plain(py, pool, key, value, 0) },
        // SAFETY: an argument that has a name.
        [key, value, time] if named == 1 => match unsafe { seconds(py, names, time) } {
            // SAFETY: as above.
            Some(time) => unsafe { set_plain(py, pool, key, value, time) },
            None => false,
        },
        _ => false,
    };
    if done {
        return PyBool::new(py, true).to_owned().into_ptr();
    }
    // SAFETY: these are the arguments that we were called with.
    unsafe { call(&SET, pool, args, nargs, names) }
}

/// The time to live that is given by its name in seconds; `None` when it is not the common case.
///
/// # Safety
///
/// `names` is a tuple of one name, and `time` an object.
#[inline(always)]
unsafe fn seconds(
    py: Python<'_>,
    names: *mut ffi::PyObject,
    time: *mut ffi::PyObject,
) -> Option<i64> {
    // SAFETY: it has one element.
    let name = unsafe { ffi::PyTuple_GET_ITEM(names, 0) };
    // A keyword that the compiler has seen is the interned one.
    if !ptr::eq(name, EX.get(py)?.as_ptr()) {
        return None;
    }
    // SAFETY: it is an object.
    if unsafe { ffi::PyLong_CheckExact(time) } == 0 {
        return None;
    }
    let mut overflow = 0;
    // SAFETY: it is an int.
    let time = unsafe { ffi::PyLong_AsLongLongAndOverflow(time, &raw mut overflow) };
    (time > 0 && overflow == 0).then_some(time)
}

/// Sets a key to a value of one of the six types, with a time to live unless it is 0; false when it is
/// not the common case, or was refused.
///
/// # Safety
///
/// `pool` is a pool, `key` and `value` are objects, and the interpreter is attached.
#[inline(always)]
unsafe fn set_plain(
    py: Python<'_>,
    pool: *mut ffi::PyObject,
    key: *mut ffi::PyObject,
    value: *mut ffi::PyObject,
    time: i64,
) -> bool {
    // SAFETY: the caller's word.
    let pool = unsafe { pool_of(py, pool) };
    // SAFETY: as above.
    let Some(key) = (unsafe { utf8_of(key) }) else { return false };
    let set = |value: &[u8]| match time {
        0 => pool.core().set(key, value),
        time => pool.core().setex(key, time, value),
    };
    // SAFETY: as above.
    let text = unsafe { utf8_of(value) };
    let done = match text.filter(|text| values::is_text(text)) {
        Some(text) => set(text),
        None => {
            // SAFETY: as above.
            let value = unsafe { Borrowed::from_ptr(py, value) };
            let Ok(Some(encoded)) = values::encode(&value) else { return false };
            set(&encoded)
        }
    };
    objects::let_go(py);
    done.is_ok()
}

/// Gives a class a method in the place of PyO3's, which is kept for what is not common.
fn replace(
    class: &Bound<'_, PyType>,
    name: &'static CStr,
    method: ffi::PyCFunctionFastWithKeywords,
    kept: &PyOnceLock<Py<PyAny>>,
) -> PyResult<()> {
    let py = class.py();
    let text = name.to_str().unwrap_or_default();
    let old = class.getattr(text)?;
    // With the signature, as CPython keeps it.
    let signature: String = old.getattr("__text_signature__")?.extract()?;
    let document = format!("{text}{signature}\n--\n\n{}\0", old.getattr("__doc__")?);
    let document: &'static str = document.leak();
    let definition = Box::leak(Box::new(ffi::PyMethodDef {
        ml_name: name.as_ptr(),
        ml_meth: ffi::PyMethodDefPointer { PyCFunctionFastWithKeywords: method },
        ml_flags: ffi::METH_FASTCALL | ffi::METH_KEYWORDS,
        ml_doc: document.as_ptr().cast(),
    }));
    // SAFETY: the definition lives for ever.
    let new = unsafe { ffi::PyDescr_NewMethod(class.as_type_ptr(), definition) };
    // SAFETY: a new reference, or none and an exception.
    let new = unsafe { Bound::from_owned_ptr_or_err(py, new) }?;
    let _ = kept.set(py, old.unbind());
    class.setattr(text, new)
}

/// Puts the fast calls into the place of PyO3's.
pub(crate) fn install(py: Python<'_>) -> PyResult<()> {
    let class = Pool::type_object(py);
    let _ = EX.set(py, PyString::intern(py, "ex").unbind());
    let _ = ITEM.set(py, class.getattr("__getitem__")?.unbind());
    replace(&class, c"get", get, &GET)?;
    replace(&class, c"set", set, &SET)?;
    // SAFETY: a class that PyO3 has made lives on the heap, and nobody uses it yet.
    let mapping = unsafe { (*class.as_type_ptr()).tp_as_mapping };
    if !mapping.is_null() {
        // SAFETY: as above; the slot's function has the type that it asks for.
        unsafe { (*mapping).mp_subscript = Some(item) };
    }
    Ok(())
}
