//! How a string of the core's tells which Python type it was.
//!
//! | value | bytes |
//! |---|---|
//! | `str` | its UTF-8 |
//! | `int` of 64 bits | its decimal digits, so that INCR and HINCRBY work on it where it lies |
//! | `str` that reads as such an `int` | `FE`, the text |
//! | `bytes` | `FF`, the bytes |
//! | `float` | `FD`, its eight bytes, little-endian |
//! | `True`, `False`, `None` | `FC`, `t`, `f` or `n` |
//! | larger `int` | `FB`, its decimal digits |
//! | any other object, in a hash, list or set | `FA`, and where it [lies](crate::elements) |
//!
//! No UTF-8 begins with these bytes. The common case, a `str`, costs nothing on either way, and the
//! digits of an `int` are told by parsing them, which the conversion needs anyhow.
//!
//! To a command that looks into a string (APPEND, STRLEN, GETRANGE, INCRBYFLOAT) a value is its
//! [text](Plain::text), as redis-py would have sent it. As members of a set, and for LREM and LPOS,
//! values are the same when type and value are: `1`, `1.0` and `"1"` are three. Objects are when they
//! are equal.

use crate::{elements::Reference, text::utf8};
use pyo3::{
    ffi,
    prelude::*,
    types::{PyBool, PyBytes, PyFloat, PyInt, PyString},
};
use std::{borrow::Cow, ops::Deref};

const BYTES: u8 = 0xFF;
const DIGITS: u8 = 0xFE;
const FLOAT: u8 = 0xFD;
const CONSTANT: u8 = 0xFC;
const LARGE: u8 = 0xFB;
/// An object's first byte; see [`elements`](crate::elements).
pub(crate) const OBJECT: u8 = 0xFA;

/// The most bytes of the decimal form of an `i64`.
const MOST_DIGITS: usize = 20;

/// A value as the core is to keep it.
#[derive(Debug)]
pub(crate) enum Encoded<'a> {
    /// Where Python keeps it.
    Borrowed(&'a [u8]),
    /// A number, a constant, or few bytes.
    Short([u8; MOST_DIGITS + 1], u8),
    /// Anything else of the six types.
    Built(Vec<u8>),
    /// Any other object, in a collection.
    Object(Reference),
}

impl Encoded<'_> {
    fn short(bytes: &[u8]) -> Self {
        let mut short = [0; MOST_DIGITS + 1];
        let len = bytes.len().min(short.len());
        short[..len].copy_from_slice(&bytes[..len]);
        #[expect(clippy::cast_possible_truncation, reason = "at most 21")]
        Self::Short(short, len as u8)
    }

    fn tagged(tag: u8, bytes: &[u8]) -> Self {
        if bytes.len() <= MOST_DIGITS {
            let mut short = [tag; MOST_DIGITS + 1];
            short[1..=bytes.len()].copy_from_slice(bytes);
            #[expect(clippy::cast_possible_truncation, reason = "at most 21")]
            return Self::Short(short, 1 + bytes.len() as u8);
        }
        let mut built = Vec::with_capacity(1 + bytes.len());
        built.push(tag);
        built.extend_from_slice(bytes);
        Self::Built(built)
    }

    /// The bytes, on their own.
    pub(crate) fn into_vec(self) -> Vec<u8> {
        match self {
            Self::Built(built) => built,
            other => other.to_vec(),
        }
    }
}

impl Deref for Encoded<'_> {
    type Target = [u8];

    #[inline(always)]
    fn deref(&self) -> &[u8] {
        match self {
            Self::Borrowed(bytes) => bytes,
            Self::Short(bytes, len) => &bytes[..usize::from(*len)],
            Self::Built(bytes) => bytes,
            Self::Object(object) => object.element(),
        }
    }
}

impl AsRef<[u8]> for Encoded<'_> {
    #[inline(always)]
    fn as_ref(&self) -> &[u8] {
        self
    }
}

/// The `i64` of which these are the decimal digits, without a sign or zeros that it does not need.
#[inline]
fn canonical_integer(text: &[u8]) -> Option<i64> {
    let (is_negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    match digits {
        [b'0'] => return (!is_negative).then_some(0),
        [b'1'..=b'9', ..] if digits.len() < MOST_DIGITS => {}
        _ => return None,
    }
    let mut value: i64 = 0;
    for digit in digits {
        let digit = digit.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        // Counted downwards, where there is one number more.
        value = value.checked_mul(10)?.checked_sub(digit.into())?;
    }
    if is_negative { Some(value) } else { value.checked_neg() }
}

/// Whether text may be an integer's, by its first byte.
#[inline(always)]
fn begins_as_integer(text: &[u8]) -> bool {
    matches!(text, [b'0'..=b'9' | b'-', ..])
}

/// Whether these bytes and the `str` that they are the UTF-8 of stand for each other; false when
/// that takes a closer look.
#[cfg(not(feature = "abi3"))]
#[inline(always)]
pub(crate) fn is_text(bytes: &[u8]) -> bool {
    !matches!(bytes, [b'0'..=b'9' | b'-' | OBJECT.., ..])
}

/// What a `bytes` holds, if it is one that was encoded.
#[cfg(not(feature = "abi3"))]
#[inline(always)]
pub(crate) fn bytes_of(encoded: &[u8]) -> Option<&[u8]> {
    match encoded {
        [BYTES, bytes @ ..] => Some(bytes),
        _ => None,
    }
}

/// A `str`'s bytes.
#[inline(always)]
fn encode_text(text: &[u8]) -> Encoded<'_> {
    if begins_as_integer(text) && canonical_integer(text).is_some() {
        return Encoded::tagged(DIGITS, text);
    }
    Encoded::Borrowed(text)
}

/// A value of one of the six types; `None` for any other object.
#[inline(always)]
pub(crate) fn encode<'a>(value: &'a Bound<'_, PyAny>) -> PyResult<Option<Encoded<'a>>> {
    if value.is_exact_instance_of::<PyString>() {
        return encode_str(value);
    }
    encode_other(value)
}

/// A `str`; one with lone surrogates, which have no UTF-8, is kept as an object.
#[inline(always)]
fn encode_str<'a>(value: &'a Bound<'_, PyAny>) -> PyResult<Option<Encoded<'a>>> {
    match utf8(value) {
        Ok(text) => Ok(Some(encode_text(text))),
        Err(error)
            if error.is_instance_of::<pyo3::exceptions::PyUnicodeEncodeError>(value.py()) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn encode_other<'a>(value: &'a Bound<'_, PyAny>) -> PyResult<Option<Encoded<'a>>> {
    if value.is_exact_instance_of::<PyFloat>() {
        return Ok(Some(encode_float(value.extract()?)));
    }
    if value.is_exact_instance_of::<PyInt>() {
        return encode_int(value);
    }
    if let Ok(bytes) = value.cast_exact::<PyBytes>() {
        return Ok(Some(Encoded::tagged(BYTES, bytes.as_bytes())));
    }
    if let Ok(truth) = value.cast_exact::<PyBool>() {
        return Ok(Some(Encoded::short(&[CONSTANT, if truth.is_true() { b't' } else { b'f' }])));
    }
    Ok(value.is_none().then(|| Encoded::short(&[CONSTANT, b'n'])))
}

fn encode_float(value: f64) -> Encoded<'static> {
    let mut bytes = [FLOAT; 9];
    bytes[1..].copy_from_slice(&value.to_le_bytes());
    Encoded::short(&bytes)
}

fn encode_int(value: &Bound<'_, PyAny>) -> PyResult<Option<Encoded<'static>>> {
    if let Ok(value) = value.extract::<i64>() {
        return Ok(Some(Encoded::short(itoa::Buffer::new().format(value).as_bytes())));
    }
    // Python writes no more than so many digits: a number beyond them is kept as an object.
    let Ok(text) = value.str() else { return Ok(None) };
    Ok(Some(Encoded::tagged(LARGE, utf8(text.as_any())?)))
}

/// An element that no collection has.
pub(crate) fn no_element() -> Encoded<'static> {
    Encoded::short(&[OBJECT])
}

/// Reads what [`encode`] wrote.
///
/// Runs none of Python's code: the core may be showing the bytes where they lie.
#[inline(always)]
pub(crate) fn decode<'py>(py: Python<'py>, bytes: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    match bytes {
        [b'0'..=b'9' | b'-' | LARGE.., ..] => decode_other(py, bytes),
        _ => new_str(py, bytes),
    }
}

fn decode_other<'py>(py: Python<'py>, bytes: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    match *bytes {
        [DIGITS, ref text @ ..] => new_str(py, text),
        [BYTES, ref bytes @ ..] => Ok(PyBytes::new(py, bytes).into_any()),
        [FLOAT, ref float @ ..] => Ok(PyFloat::new(py, decode_float(float)).into_any()),
        [CONSTANT, b't'] => Ok(PyBool::new(py, true).to_owned().into_any()),
        [CONSTANT, b'f'] => Ok(PyBool::new(py, false).to_owned().into_any()),
        [CONSTANT, ..] => Ok(py.None().into_bound(py)),
        [LARGE, ref digits @ ..] => py.get_type::<PyInt>().call1((new_str(py, digits)?,)),
        _ => match canonical_integer(bytes) {
            Some(value) => Ok(value.into_pyobject(py)?.into_any()),
            None => new_str(py, bytes),
        },
    }
}

fn decode_float(bytes: &[u8]) -> f64 {
    f64::from_le_bytes(bytes.try_into().unwrap_or_default())
}

/// A `str`; bytes that are no UTF-8, which nothing here writes, are shown as they are.
#[inline(always)]
fn new_str<'py>(py: Python<'py>, text: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    let len = ffi::Py_ssize_t::try_from(text.len()).unwrap_or(ffi::Py_ssize_t::MAX);
    // SAFETY: so many bytes are there, and the interpreter is attached.
    let made = unsafe { ffi::PyUnicode_FromStringAndSize(text.as_ptr().cast(), len) };
    // SAFETY: a new reference, or none and an exception.
    match unsafe { Bound::from_owned_ptr_or_opt(py, made) } {
        Some(made) => Ok(made),
        None => not_utf8(py, text),
    }
}

#[cold]
fn not_utf8<'py>(py: Python<'py>, bytes: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    let error = PyErr::fetch(py);
    if error.is_instance_of::<pyo3::exceptions::PyUnicodeDecodeError>(py) {
        return Ok(PyBytes::new(py, bytes).into_any());
    }
    Err(error)
}

/// The type of a value, as far as commands that look into strings care.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// `bytes`.
    Bytes,
    /// An `int` or a `float`.
    Number,
    /// A `str`, or what is shown as one.
    Text,
}

/// A value as Redis would hold it.
#[derive(Debug)]
pub(crate) struct Plain<'v> {
    /// What it is to Python.
    pub(crate) kind: Kind,
    /// What redis-py would have sent.
    pub(crate) text: Cow<'v, [u8]>,
}

impl<'v> Plain<'v> {
    /// Reads what [`encode`] wrote; to be called attached to the interpreter.
    pub(crate) fn of(py: Python<'_>, bytes: &'v [u8]) -> Self {
        let (kind, text) = match *bytes {
            [BYTES, ref rest @ ..] => (Kind::Bytes, Cow::Borrowed(rest)),
            [DIGITS, ref rest @ ..] => (Kind::Text, Cow::Borrowed(rest)),
            // An object has none.
            [OBJECT, ..] => (Kind::Text, Cow::Borrowed(&b""[..])),
            [LARGE, ref rest @ ..] => (Kind::Number, Cow::Borrowed(rest)),
            [FLOAT, ref rest @ ..] => (Kind::Number, Cow::Owned(repr(py, decode_float(rest)))),
            [CONSTANT, b't'] => (Kind::Text, Cow::Borrowed(&b"True"[..])),
            [CONSTANT, b'f'] => (Kind::Text, Cow::Borrowed(&b"False"[..])),
            [CONSTANT, ..] => (Kind::Text, Cow::Borrowed(&b"None"[..])),
            _ if canonical_integer(bytes).is_some() => (Kind::Number, Cow::Borrowed(bytes)),
            _ => (Kind::Text, Cow::Borrowed(bytes)),
        };
        Self { kind, text }
    }

    /// No value yet; what is made of it is a number if it reads as one.
    pub(crate) fn missing() -> Self {
        Self { kind: Kind::Number, text: Cow::Borrowed(b"") }
    }
}

/// The text of a float as Python writes it.
fn repr(_: Python<'_>, value: f64) -> Vec<u8> {
    // SAFETY: the interpreter is attached; `r` takes no precision.
    let text = unsafe {
        ffi::PyOS_double_to_string(
            value,
            b'r'.cast_signed(),
            0,
            ffi::Py_DTSF_ADD_DOT_0,
            std::ptr::null_mut(),
        )
    };
    if text.is_null() {
        return value.to_string().into_bytes();
    }
    // SAFETY: it ends with a NUL.
    let copy = unsafe { std::ffi::CStr::from_ptr(text) }.to_bytes().to_vec();
    // SAFETY: it was allocated for the caller, who frees it once, here.
    unsafe { ffi::PyMem_Free(text.cast()) };
    copy
}

/// Text as a value of the core's: `bytes` if it is to be, or cannot be a `str`.
pub(crate) fn encode_as(kind: Kind, text: &[u8]) -> Vec<u8> {
    if kind == Kind::Bytes || str::from_utf8(text).is_err() {
        return Encoded::tagged(BYTES, text).into_vec();
    }
    encode_text(text).into_vec()
}

/// A sum, printed, as the number, text or bytes that the first summand was.
pub(crate) fn encode_sum(kind: Kind, sum: &[u8]) -> Vec<u8> {
    let number = str::from_utf8(sum).ok().and_then(|text| text.parse().ok());
    match number {
        Some(number) if kind == Kind::Number => encode_float(number).into_vec(),
        _ => encode_as(kind, sum),
    }
}
