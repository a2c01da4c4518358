//! Keys and names of fields: text, given as `str` or `bytes`.

use crate::errors::{data_error, type_name};
use pyo3::{
    exceptions::PyTypeError,
    ffi,
    prelude::*,
    types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyMapping, PyString, PyTuple},
};
use std::ffi::c_char;

unsafe extern "C" {
    // Every CPython has had it since 3.3; its header tells of it in the stable interface of 3.10
    // and later only.
    fn PyUnicode_AsUTF8AndSize(
        text: *mut ffi::PyObject,
        size: *mut ffi::Py_ssize_t,
    ) -> *const c_char;
}

/// The UTF-8 of a `str`, without a copy; fails when there are lone surrogates in it.
#[inline(always)]
pub(crate) fn utf8<'a>(text: &'a Bound<'_, PyAny>) -> PyResult<&'a [u8]> {
    let mut len = 0;
    // SAFETY: the object is a `str`, and the interpreter is attached.
    let start = unsafe { PyUnicode_AsUTF8AndSize(text.as_ptr(), &raw mut len) };
    if start.is_null() {
        return Err(PyErr::fetch(text.py()));
    }
    let len = usize::try_from(len).unwrap_or(0);
    // SAFETY: the interpreter keeps these bytes, unchanged, as long as the `str`.
    Ok(unsafe { std::slice::from_raw_parts(start.cast::<u8>(), len) })
}

/// The UTF-8 of an object, if it is a `str` of ASCII.
///
/// # Safety
///
/// It is an object, outlives the bytes, and the interpreter is attached.
#[cfg(not(feature = "abi3"))]
#[inline(always)]
pub(crate) unsafe fn utf8_of<'a>(object: *mut ffi::PyObject) -> Option<&'a [u8]> {
    // SAFETY: the caller's word.
    if unsafe { ffi::PyUnicode_CheckExact(object) } == 0 {
        return None;
    }
    // SAFETY: it is a `str`.
    if unsafe { ffi::PyUnicode_IS_COMPACT_ASCII(object) } == 0 {
        return None;
    }
    // SAFETY: it is a compact one.
    let start = unsafe { ffi::PyUnicode_DATA(object) };
    // SAFETY: as above.
    let len = usize::try_from(unsafe { ffi::PyUnicode_GET_LENGTH(object) }).ok()?;
    // SAFETY: ASCII is UTF-8, a byte a character, and unchanged as long as the `str`.
    Some(unsafe { std::slice::from_raw_parts(start.cast::<u8>(), len) })
}

/// The bytes of a key or a field.
#[derive(Debug)]
pub(crate) enum Text<'a> {
    /// Where Python keeps them.
    Borrowed(&'a [u8]),
    /// A number's.
    Made(String),
}

impl AsRef<[u8]> for Text<'_> {
    #[inline(always)]
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Borrowed(bytes) => bytes,
            Self::Made(text) => text.as_bytes(),
        }
    }
}

/// The bytes of a key.
#[inline(always)]
pub(crate) fn key<'a>(key: &'a Bound<'_, PyAny>) -> PyResult<&'a [u8]> {
    if key.is_exact_instance_of::<PyString>() { utf8(key) } else { other_key(key) }
}

#[cold]
#[inline(never)]
fn other_key<'a>(key: &'a Bound<'_, PyAny>) -> PyResult<&'a [u8]> {
    if key.is_instance_of::<PyString>() {
        return utf8(key);
    }
    if let Ok(bytes) = key.cast::<PyBytes>() {
        return Ok(bytes.as_bytes());
    }
    let message = format!("a key is a str or bytes, not {}", type_name(key));
    Err(PyTypeError::new_err(message))
}

/// The bytes of several keys.
pub(crate) fn keys<'a>(keys: &'a [Bound<'_, PyAny>]) -> PyResult<Vec<&'a [u8]>> {
    keys.iter().map(key).collect()
}

/// The bytes of a field's name; a number is named by its text.
pub(crate) fn field<'a>(name: &'a Bound<'_, PyAny>) -> PyResult<Text<'a>> {
    if name.is_instance_of::<PyString>() {
        return utf8(name).map(Text::Borrowed);
    }
    if let Ok(bytes) = name.cast::<PyBytes>() {
        return Ok(Text::Borrowed(bytes.as_bytes()));
    }
    let is_number = name.is_instance_of::<PyInt>() || name.is_instance_of::<PyFloat>();
    if is_number && !name.is_instance_of::<PyBool>() {
        return Ok(Text::Made(name.repr()?.to_string()));
    }
    let message = format!("a field is a str, bytes or a number, not {}", type_name(name));
    Err(data_error(name.py(), message))
}

/// A key or a field as Python shows it: a `str`, or `bytes` when it is not UTF-8.
pub(crate) fn shown<'py>(py: Python<'py>, text: &[u8]) -> Bound<'py, PyAny> {
    match str::from_utf8(text) {
        Ok(text) => PyString::new(py, text).into_any(),
        Err(_) => PyBytes::new(py, text).into_any(),
    }
}

/// Keys or fields, with their values.
pub(crate) type Pairs<'py> = Vec<(Bound<'py, PyAny>, Bound<'py, PyAny>)>;

/// What is in a dict, or another mapping, now: encoding its values may run code that changes it.
pub(crate) fn pairs<'py>(mapping: &Bound<'py, PyAny>) -> PyResult<Pairs<'py>> {
    if let Ok(dict) = mapping.cast_exact::<PyDict>() {
        return Ok(dict.copy()?.iter().collect());
    }
    if mapping.cast::<PyMapping>().is_err() {
        let message = format!("a mapping is asked for, not {}", type_name(mapping));
        return Err(data_error(mapping.py(), message));
    }
    let items = mapping.call_method0("items")?;
    items.try_iter()?.map(|item| item?.extract()).collect()
}

/// The arguments of a command for one or several: `f(a, b)`, `f([a, b])` or `f([a], b)`.
pub(crate) fn one_or_more<'py>(
    first: &Bound<'py, PyAny>,
    rest: &Bound<'py, PyTuple>,
) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let is_one = first.is_instance_of::<PyString>() || first.is_instance_of::<PyBytes>();
    let mut all = match first.try_iter() {
        Ok(several) if !is_one => several.collect::<PyResult<Vec<_>>>()?,
        _ => vec![first.clone()],
    };
    all.extend(rest.iter());
    Ok(all)
}
