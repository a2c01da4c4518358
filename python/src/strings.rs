//! Strings: SET with its options and its kin, GET's kin, ranges.

use crate::{
    errors::raise,
    objects::{Shown, keep, show},
    pool::Pool,
    text,
    times::{Given, Times, duration, in_millis, in_seconds},
    values::{self, Kind, Plain, encode_as},
};
use memory_cache_pool::{Error, Expiry, HostEdit, HostRef, HostValue, SetOptions};
use pyo3::{
    IntoPyObjectExt,
    prelude::*,
    types::{PyBool, PyList, PyTuple},
};
use std::{any::Any, sync::Arc};

/// How SET is to set.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) struct Options {
    pub(crate) expiry: Option<Expiry>,
    pub(crate) nx: bool,
    pub(crate) xx: bool,
    pub(crate) get: bool,
}

impl Options {
    /// A plain set with an expiry.
    fn expiring(expiry: Option<Expiry>) -> Self {
        Self { expiry, ..Self::default() }
    }

    /// Whether the condition lets the write happen.
    fn permits(&self, exists: bool) -> bool {
        !(self.nx && exists || self.xx && !exists)
    }

    /// The same, as the core has it.
    fn core(&self) -> SetOptions {
        let mut options = SetOptions::new();
        if self.nx {
            options = options.nx();
        }
        if self.xx {
            options = options.xx();
        }
        match self.expiry {
            None | Some(Expiry::Persist) => options,
            Some(Expiry::Keep) => options.keep_ttl(),
            Some(Expiry::InSeconds(time)) => options.ex(time),
            Some(Expiry::InMillis(time)) => options.px(time),
            Some(Expiry::AtSeconds(time)) => options.exat(time),
            Some(Expiry::AtMillis(time)) => options.pxat(time),
        }
    }
}

/// What a key held, on its own.
enum Before {
    Nothing,
    Bytes(Vec<u8>),
    Object(Arc<dyn Any + Send + Sync>),
}

impl Before {
    fn of(value: Option<HostRef<'_>>) -> Self {
        match value {
            None => Self::Nothing,
            Some(HostRef::Bytes(bytes)) => Self::Bytes(bytes.to_vec()),
            Some(HostRef::Object(object)) => Self::Object(Arc::clone(object)),
        }
    }

    fn open<'py>(self, pool: &Pool, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let shown = match &self {
            Self::Nothing => return Ok(py.None().into_bound(py)),
            Self::Bytes(bytes) => show(py, HostRef::Bytes(bytes))?,
            Self::Object(object) => show(py, HostRef::Object(object))?,
        };
        shown.open(pool)
    }
}

impl Pool {
    /// SET with options; what it answers.
    pub(crate) fn set_with<'py>(
        &self,
        key: &Bound<'py, PyAny>,
        value: &Bound<'py, PyAny>,
        options: &Options,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = key.py();
        let name = text::key(key)?;
        let Some(bytes) = values::encode(value)? else {
            return self.put_object(py, name, value, options);
        };
        if options.get {
            let value = HostValue::Bytes(bytes.into_vec());
            return self.replace(py, name, &value, options);
        }
        let was_set = match *options {
            Options { expiry: Some(Expiry::InSeconds(time)), nx: false, xx: false, .. } => {
                self.written(py, self.core().setex(name, time, bytes))?;
                true
            }
            _ => self.written(py, self.core().set_options(name, bytes, options.core()))?.was_set,
        };
        Ok(answer(py, was_set))
    }

    /// SET of an object; what it answers.
    #[inline(never)]
    pub(crate) fn put_object<'py>(
        &self,
        py: Python<'py>,
        name: &[u8],
        value: &Bound<'py, PyAny>,
        options: &Options,
    ) -> PyResult<Bound<'py, PyAny>> {
        let kept = keep(self, value)?;
        let bytes = kept.bytes;
        let object: Arc<dyn Any + Send + Sync> = Arc::new(kept);
        self.replace(py, name, &HostValue::Object(object, bytes), options)
    }

    /// SET that may have to look at what was there, or to keep an object.
    fn replace<'py>(
        &self,
        py: Python<'py>,
        name: &[u8],
        value: &HostValue,
        options: &Options,
    ) -> PyResult<Bound<'py, PyAny>> {
        if options.nx && options.xx {
            return Err(raise(py, Error::Syntax));
        }
        let replaced = self.core().edit_value(name, !options.get, |before| {
            let was_set = options.permits(before.is_some());
            let previous = if options.get { Before::of(before) } else { Before::Nothing };
            let edit = match was_set {
                true => HostEdit::Set(value.clone(), options.expiry),
                false => HostEdit::Keep,
            };
            Ok((edit, (was_set, previous)))
        });
        let (was_set, previous) = self.written(py, replaced)?;
        if options.get { previous.open(self, py) } else { Ok(answer(py, was_set)) }
    }

    /// Changes a string as a function of its text says; returns its length afterwards. One that does
    /// not exist is empty, and of that kind.
    fn rewrite(
        &self,
        key: &Bound<'_, PyAny>,
        kind: Kind,
        mut change: impl FnMut(&[u8]) -> Result<Vec<u8>, Error>,
    ) -> PyResult<usize> {
        let py = key.py();
        let written = self.core().edit_value(text::key(key)?, false, |before| {
            let before = match before {
                None => Plain { kind, ..Plain::missing() },
                Some(HostRef::Bytes(bytes)) => Plain::of(py, bytes),
                Some(HostRef::Object(_)) => return Err(Error::WrongType),
            };
            let text = change(&before.text)?;
            let len = text.len();
            let value = HostValue::Bytes(encode_as(before.kind, &text));
            Ok((HostEdit::Set(value, Some(Expiry::Keep)), len))
        });
        self.written(py, written)
    }

    /// Shows the text of a string; of none when there is no such key.
    fn look_at_text<R>(
        &self,
        key: &Bound<'_, PyAny>,
        look: impl FnOnce(&Plain<'_>) -> R,
    ) -> PyResult<R> {
        let py = key.py();
        let mut look = Some(look);
        let mut shown = None;
        let seen = self.core().view_with(text::key(key)?, |value| match value {
            HostRef::Bytes(bytes) => {
                shown = look.take().map(|look| look(&Plain::of(py, bytes)));
                Ok(())
            }
            HostRef::Object(_) => Err(Error::WrongType),
        });
        match seen {
            Ok(None | Some(Ok(()))) => {}
            Ok(Some(Err(error))) | Err(error) => return Err(raise(py, error)),
        }
        shown
            .or_else(|| look.map(|look| look(&Plain { kind: Kind::Text, ..Plain::missing() })))
            .ok_or_else(|| raise(py, Error::WrongType))
    }

    /// GETEX and GETDEL: returns a value, and does something with its key.
    fn get_and<'py>(
        &self,
        key: &Bound<'py, PyAny>,
        edit: &HostEdit,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = key.py();
        let seen = self.core().edit_value(text::key(key)?, false, |value| {
            let edit = if value.is_some() { edit.clone() } else { HostEdit::Keep };
            Ok((edit, Before::of(value)))
        });
        self.written(py, seen)?.open(self, py)
    }
}

/// What SET answers.
#[inline(always)]
fn answer(py: Python<'_>, was_set: bool) -> Bound<'_, PyAny> {
    if was_set { PyBool::new(py, true).to_owned().into_any() } else { py.None().into_bound(py) }
}

/// Bytes of a value's text, to be appended or written over.
fn text_of(value: &Bound<'_, PyAny>) -> PyResult<(Kind, Vec<u8>)> {
    let Some(encoded) = values::encode(value)? else {
        return Err(raise(value.py(), Error::WrongType));
    };
    let plain = Plain::of(value.py(), &encoded);
    Ok((plain.kind, plain.text.into_owned()))
}

/// GETRANGE's bounds as a range of indices.
fn range_of(start: i64, end: i64, len: usize) -> std::ops::Range<usize> {
    let len = i64::try_from(len).unwrap_or(i64::MAX);
    let from_end = |at: i64| if at < 0 { len.saturating_add(at).max(0) } else { at };
    if start < 0 && end < 0 && start > end {
        return 0..0;
    }
    let (start, end) = (from_end(start), from_end(end).min(len - 1));
    match (usize::try_from(start), usize::try_from(end)) {
        (Ok(start), Ok(end)) if start <= end => start..end + 1,
        _ => 0..0,
    }
}

#[pymethods]
impl Pool {
    /// Sets `name` if it does not exist; returns whether it did so.
    #[pyo3(signature = (name, value))]
    fn setnx(&self, name: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) -> PyResult<bool> {
        let options = Options { nx: true, ..Options::default() };
        Ok(!self.set_with(name, value, &options)?.is_none())
    }

    /// Sets `name` with a time to live in seconds.
    #[pyo3(signature = (name, time, value))]
    fn setex<'py>(
        &self,
        name: &Bound<'py, PyAny>,
        time: &Bound<'py, PyAny>,
        value: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.set_with(name, value, &Options::expiring(Some(in_seconds(time)?)))
    }

    /// Sets `name` with a time to live in milliseconds.
    #[pyo3(signature = (name, time_ms, value))]
    fn psetex<'py>(
        &self,
        name: &Bound<'py, PyAny>,
        time_ms: &Bound<'py, PyAny>,
        value: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.set_with(name, value, &Options::expiring(Some(in_millis(time_ms)?)))
    }

    /// Sets `name` and returns the value before, or None.
    #[pyo3(signature = (name, value))]
    fn getset<'py>(
        &self,
        name: &Bound<'py, PyAny>,
        value: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.set_with(name, value, &Options { get: true, ..Options::default() })
    }

    /// Removes `name` and returns the value before, or None.
    #[pyo3(signature = (name))]
    fn getdel<'py>(&self, name: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        self.get_and(name, &HostEdit::Remove)
    }

    /// Returns the value of `name` and changes its time to live.
    ///
    /// ex, px, exat, pxat are as for set(); persist lets the key live for ever.
    #[pyo3(signature = (name, ex=None, px=None, exat=None, pxat=None, persist=false))]
    fn getex<'py>(
        &self,
        name: &Bound<'py, PyAny>,
        ex: Given<'_, 'py>,
        px: Given<'_, 'py>,
        exat: Given<'_, 'py>,
        pxat: Given<'_, 'py>,
        persist: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let other = persist.then_some(Expiry::Persist);
        let expiry = Times { ex, px, exat, pxat, other }.expiry(name.py())?;
        self.get_and(name, &expiry.map_or(HostEdit::Keep, HostEdit::Expire))
    }

    /// Returns the values of several keys; None for those that are missing or no strings.
    ///
    /// Each value is read at an instant of its own.
    #[pyo3(signature = (keys, *args))]
    fn mget<'py>(
        &self,
        keys: &Bound<'py, PyAny>,
        args: &Bound<'py, PyTuple>,
    ) -> PyResult<Bound<'py, PyList>> {
        let py = keys.py();
        let keys = text::one_or_more(keys, args)?;
        let names = text::keys(&keys)?;
        let mut shown = Vec::with_capacity(names.len());
        self.core().view_many_with(&names, |_, value| {
            shown.push(value.map(|value| show(py, value)).transpose());
        });
        let open = |shown: PyResult<Option<Shown<'py>>>| match shown? {
            None => Ok(py.None().into_bound(py)),
            Some(shown) => shown.open(self),
        };
        let values: Vec<_> = shown.into_iter().map(open).collect::<PyResult<_>>()?;
        PyList::new(py, values)
    }

    /// Returns the values of several keys in a list, as mget() does.
    #[pyo3(signature = (keys))]
    fn get_many<'py>(&self, keys: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyList>> {
        self.mget(keys, &PyTuple::empty(keys.py()))
    }

    /// Sets all keys of a dict, one after the other.
    #[pyo3(signature = (mapping))]
    fn mset(&self, mapping: &Bound<'_, PyAny>) -> PyResult<bool> {
        self.set_all(mapping, None)
    }

    /// Sets all keys of a dict, with a time to live in seconds (ex) or milliseconds (px), if given.
    #[pyo3(signature = (mapping, ex=None, px=None))]
    fn set_many<'py>(
        &self,
        mapping: &Bound<'py, PyAny>,
        ex: Given<'_, 'py>,
        px: Given<'_, 'py>,
    ) -> PyResult<bool> {
        let times = Times { ex, px, exat: None, pxat: None, other: None };
        self.set_all(mapping, times.expiry(mapping.py())?)
    }

    /// Sets all keys of a dict if none of them exists; returns whether it did so.
    ///
    /// Not atomic: a key that somebody else sets meanwhile is overwritten.
    #[pyo3(signature = (mapping))]
    fn msetnx(&self, mapping: &Bound<'_, PyAny>) -> PyResult<bool> {
        for (key, _) in text::pairs(mapping)? {
            if self.core().exists(text::key(&key)?) {
                return Ok(false);
            }
        }
        self.set_all(mapping, None)
    }

    /// Appends to the text of `key`, which is made if it does not exist; returns its length in bytes.
    #[pyo3(signature = (key, value))]
    fn append(&self, key: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) -> PyResult<usize> {
        let (kind, more) = text_of(value)?;
        self.rewrite(key, kind, |before| Ok([before, &more].concat()))
    }

    /// Returns the length of the text of `name` in bytes; 0 when it does not exist.
    #[pyo3(signature = (name))]
    fn strlen(&self, name: &Bound<'_, PyAny>) -> PyResult<usize> {
        self.look_at_text(name, |plain| plain.text.len())
    }

    /// Returns the part of the text of `key` from byte `start` to byte `end`, both included.
    ///
    /// Negative positions count from the end. A part that is not UTF-8 comes as bytes.
    #[pyo3(signature = (key, start, end))]
    fn getrange<'py>(
        &self,
        key: &Bound<'py, PyAny>,
        start: i64,
        end: i64,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = key.py();
        self.look_at_text(key, |plain| {
            let range = range_of(start, end, plain.text.len());
            let part = plain.text.get(range).unwrap_or_default();
            match (plain.kind, str::from_utf8(part)) {
                (Kind::Text | Kind::Number, Ok(part)) => part.into_bound_py_any(py),
                _ => part.into_bound_py_any(py),
            }
        })?
    }

    /// Returns a part of the text of `name`; the same as getrange().
    #[pyo3(signature = (name, start, end=-1))]
    fn substr<'py>(
        &self,
        name: &Bound<'py, PyAny>,
        start: i64,
        end: i64,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.getrange(name, start, end)
    }

    /// Overwrites the text of `name` from byte `offset` on; returns its length in bytes.
    #[pyo3(signature = (name, offset, value))]
    fn setrange(
        &self,
        name: &Bound<'_, PyAny>,
        offset: usize,
        value: &Bound<'_, PyAny>,
    ) -> PyResult<usize> {
        let (kind, new) = text_of(value)?;
        if new.is_empty() {
            return self.strlen(name);
        }
        self.rewrite(name, kind, |before| {
            let end = offset.checked_add(new.len()).filter(|&end| end <= LONGEST_VALUE);
            let end = end.ok_or(Error::ValueTooLong)?;
            let mut text = before.to_vec();
            text.resize(text.len().max(end), 0);
            text[offset..end].copy_from_slice(&new);
            Ok(text)
        })
    }

    /// Returns the value of `key` if it was written at most `max_age` seconds ago, else None.
    ///
    /// This is not expiry: an older value stays, and others may accept it.
    #[pyo3(signature = (key, max_age))]
    fn get_fresh<'py>(
        &self,
        key: &Bound<'py, PyAny>,
        max_age: &Bound<'py, PyAny>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let py = key.py();
        let max_age = duration("max_age", max_age)?;
        let name = text::key(key)?;
        match self.core().view_fresh_with(name, max_age, |value| show(py, value)) {
            Ok(Some(shown)) => shown?.open(self).map(Some),
            Ok(None) => Ok(None),
            Err(error) => Err(raise(py, error)),
        }
    }

    /// Returns how many seconds ago the value of `key` was written; None when it does not exist.
    #[pyo3(signature = (key))]
    fn age(&self, key: &Bound<'_, PyAny>) -> PyResult<Option<f64>> {
        Ok(self.core().age(text::key(key)?).map(|age| age.as_secs_f64()))
    }
}

/// The longest text, as for the core.
const LONGEST_VALUE: usize = 512 << 20;

impl Pool {
    /// Sets all keys of a dict.
    fn set_all(&self, mapping: &Bound<'_, PyAny>, expiry: Option<Expiry>) -> PyResult<bool> {
        let options = Options::expiring(expiry);
        for (key, value) in text::pairs(mapping)? {
            if expiry.is_none() {
                self.put(&key, &value)?;
            } else {
                self.set_with(&key, &value, &options)?;
            }
        }
        Ok(true)
    }
}
