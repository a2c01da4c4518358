//! Hashes: HSET, HGET and their kin. Names of fields are text, values keep their types.

use crate::{
    collected::{Elements, Fields},
    elements::show,
    errors::{data_error, raise},
    numbers::{delta, float_delta, float_sum, sum_of_text},
    objects::Shown,
    pool::Pool,
    text::{self, Pairs, Text, one_or_more},
    values::{Encoded, Plain},
};
use memory_cache_pool::Error;
use pyo3::{
    exceptions::PyTypeError,
    prelude::*,
    types::{PyDict, PyList, PyMapping, PyTuple},
};

/// What HSET was given: the key, fields and values.
struct Given<'py> {
    key: Bound<'py, PyAny>,
    pairs: Pairs<'py>,
}

/// Sorts HSET's arguments out: `(key, field, value, ...)`, `(key, mapping)`, fields by keyword, and
/// redis-py's `key=` and `value=` beside a positional name.
fn given<'py>(
    arguments: &Bound<'py, PyTuple>,
    keywords: Option<&Bound<'py, PyDict>>,
) -> PyResult<Given<'py>> {
    let py = arguments.py();
    if let (3, None) = (arguments.len(), keywords) {
        let (key, field, value) = arguments.extract()?;
        return Ok(Given { key, pairs: vec![(field, value)] });
    }
    let keywords = keywords.map_or_else(|| Ok(PyDict::new(py)), |keywords| keywords.copy())?;
    let mut positional = arguments.iter();
    let key = match positional.next() {
        Some(key) => Some(key),
        None => {
            take(&keywords, "name")?.map_or_else(|| take(&keywords, "key"), |key| Ok(Some(key)))?
        }
    };
    let key = key.ok_or_else(|| PyTypeError::new_err("hset() needs a key"))?;
    let mut pairs = Vec::new();
    while let Some(field) = positional.next() {
        if field.cast::<PyMapping>().is_ok() {
            pairs.extend(text::pairs(&field)?);
        } else if let Some(value) = positional.next() {
            pairs.push((field, value));
        } else if !field.is_none() {
            return Err(data_error(py, "hset() needs a value for each field"));
        }
    }
    for list_of_both in [take(&keywords, "items")?].into_iter().flatten() {
        let items: Vec<_> = list_of_both.try_iter()?.collect::<PyResult<_>>()?;
        pairs.extend(items.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone())));
    }
    if let Some(mapping) = take(&keywords, "mapping")?.filter(|mapping| !mapping.is_none()) {
        pairs.extend(text::pairs(&mapping)?);
    }
    if keywords.len() == 2 && keywords.contains("key")? && keywords.contains("value")? {
        let (field, value) = (take(&keywords, "key")?, take(&keywords, "value")?);
        pairs.extend(field.zip(value));
    }
    pairs.extend(keywords.iter());
    Ok(Given { key, pairs })
}

/// Takes an argument by its keyword.
fn take<'py>(keywords: &Bound<'py, PyDict>, name: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
    let value = keywords.get_item(name)?;
    if value.is_some() {
        keywords.del_item(name)?;
    }
    Ok(value)
}

/// The names of several fields.
fn names<'a>(fields: &'a [Bound<'_, PyAny>]) -> PyResult<Vec<Text<'a>>> {
    fields.iter().map(text::field).collect()
}

impl Pool {
    /// Fields and values as the core is to have them.
    fn encoded<'a>(&self, pairs: &'a Pairs<'_>) -> PyResult<Vec<(Text<'a>, Encoded<'a>)>> {
        pairs.iter().map(|(field, value)| Ok((text::field(field)?, self.element(value)?))).collect()
    }
}

#[pymethods]
impl Pool {
    /// Sets fields of the hash at `key`; returns how many of them are new.
    ///
    /// hset(key, {"bid": 1.5, "ask": 1.6}), hset(key, bid=1.5, ask=1.6), hset(key, "bid", 1.5), and
    /// hset(key, mapping={...}). All at once: nobody sees some of them.
    #[pyo3(signature = (*args, **fields), text_signature = "($self, key, /, *args, mapping=None, **fields)")]
    fn hset(
        &self,
        args: &Bound<'_, PyTuple>,
        fields: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<usize> {
        let py = args.py();
        let Given { key, pairs } = given(args, fields)?;
        if pairs.is_empty() {
            return Err(data_error(py, "hset() needs at least one field and its value"));
        }
        let name = text::key(&key)?;
        let pairs = self.encoded(&pairs)?;
        let set = match &*pairs {
            [(field, value)] => self.core().hset(name, field, value).map(usize::from),
            several => self.core().hset_many(name, several),
        };
        self.written(py, set)
    }

    /// Sets fields of the hash at `name` from a dict; returns True.
    #[pyo3(signature = (name, mapping))]
    fn hmset(&self, name: &Bound<'_, PyAny>, mapping: &Bound<'_, PyAny>) -> PyResult<bool> {
        let pairs = text::pairs(mapping)?;
        let pairs = self.encoded(&pairs)?;
        let set = self.core().hset_many(text::key(name)?, &pairs);
        self.written(name.py(), set).map(|_| true)
    }

    /// Sets a field of the hash at `name` if it does not have it; returns whether it did so.
    #[pyo3(signature = (name, key, value))]
    fn hsetnx(
        &self,
        name: &Bound<'_, PyAny>,
        key: &Bound<'_, PyAny>,
        value: &Bound<'_, PyAny>,
    ) -> PyResult<bool> {
        let (field, value) = (text::field(key)?, self.element(value)?);
        let set = self.core().hsetnx(text::key(name)?, field, value);
        self.written(name.py(), set)
    }

    /// Returns the value of a field of the hash at `name`, or None.
    #[pyo3(signature = (name, key))]
    fn hget<'py>(
        &self,
        name: &Bound<'py, PyAny>,
        key: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = name.py();
        let field = text::field(key)?;
        // SAFETY: the core shows it under a pin.
        let look = |value: &[u8]| unsafe { show(py, value) };
        match self.core().hget_with(text::key(name)?, field, look) {
            Ok(Some(value)) => value?.open(self),
            Ok(None) => Ok(py.None().into_bound(py)),
            Err(error) => Err(raise(py, error)),
        }
    }

    /// Returns the values of several fields, of one moment; None for those that are missing.
    #[pyo3(signature = (name, keys, *args))]
    fn hmget<'py>(
        &self,
        name: &Bound<'py, PyAny>,
        keys: &Bound<'py, PyAny>,
        args: &Bound<'py, PyTuple>,
    ) -> PyResult<Bound<'py, PyList>> {
        let py = name.py();
        let fields = one_or_more(keys, args)?;
        let (name, fields) = (text::key(name)?, names(&fields)?);
        let seen = self.pinned(|core| {
            let values = core.hmget(name, &fields)?;
            // SAFETY: pinned since before they were read.
            let look = |value: Option<Vec<u8>>| value.map(|value| unsafe { show(py, &value) });
            Ok(values.into_iter().map(look).collect::<Vec<_>>())
        });
        let open = |value| match value {
            Some(value) => Shown::open(value?, self),
            None => Ok(py.None().into_bound(py)),
        };
        let seen = seen.map_err(|error| raise(py, error))?;
        PyList::new(py, seen.into_iter().map(open).collect::<PyResult<Vec<_>>>()?)
    }

    /// Returns all fields and values of the hash at `name`, of one moment, as a dict.
    #[pyo3(signature = (name))]
    fn hgetall<'py>(&self, name: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyDict>> {
        let py = name.py();
        let mut fields = Fields::new(self, py);
        let pinned = self.core().pin();
        let hash = pinned.hash(text::key(name)?).map_err(|error| raise(py, error))?;
        for (field, value) in hash.iter().flat_map(memory_cache_pool::HashRef::iter) {
            // SAFETY: pinned.
            unsafe { fields.see(&field, &value) };
        }
        drop(pinned);
        fields.dict()
    }

    /// Returns the names of all fields of the hash at `name`.
    #[pyo3(signature = (name))]
    fn hkeys<'py>(&self, name: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyList>> {
        let py = name.py();
        let fields = self.core().hkeys(text::key(name)?).map_err(|error| raise(py, error))?;
        PyList::new(py, fields.iter().map(|field| text::shown(py, field)))
    }

    /// Returns all values of the hash at `name`.
    #[pyo3(signature = (name))]
    fn hvals<'py>(&self, name: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyList>> {
        let py = name.py();
        let name = text::key(name)?;
        // SAFETY: pinned since before they were read.
        let seen = self.pinned(|core| Ok(unsafe { Elements::of(self, py, core.hvals(name)?) }));
        seen.map_err(|error| raise(py, error))?.list()
    }

    /// Removes fields of the hash at `name`; returns how many there were.
    #[pyo3(signature = (name, *keys))]
    fn hdel(&self, name: &Bound<'_, PyAny>, keys: &Bound<'_, PyTuple>) -> PyResult<usize> {
        let fields: Vec<_> = keys.iter().collect();
        let removed = self.core().hdel_many(text::key(name)?, &names(&fields)?);
        self.written(name.py(), removed)
    }

    /// Returns whether the hash at `name` has a field.
    #[pyo3(signature = (name, key))]
    fn hexists(&self, name: &Bound<'_, PyAny>, key: &Bound<'_, PyAny>) -> PyResult<bool> {
        let has = self.core().hexists(text::key(name)?, text::field(key)?);
        has.map_err(|error| raise(name.py(), error))
    }

    /// Returns how many fields the hash at `name` has.
    #[pyo3(signature = (name))]
    fn hlen(&self, name: &Bound<'_, PyAny>) -> PyResult<usize> {
        self.core().hlen(text::key(name)?).map_err(|error| raise(name.py(), error))
    }

    /// Returns the length of the text of a field's value in bytes; 0 when there is none.
    #[pyo3(signature = (name, key))]
    fn hstrlen(&self, name: &Bound<'_, PyAny>, key: &Bound<'_, PyAny>) -> PyResult<usize> {
        let py = name.py();
        let len = |value: &[u8]| Plain::of(py, value).text.len();
        let len = self.core().hget_with(text::key(name)?, text::field(key)?, len);
        Ok(len.map_err(|error| raise(py, error))?.unwrap_or(0))
    }

    /// Adds `amount` to the integer in a field, which counts as 0 if it is missing; returns the sum.
    #[pyo3(signature = (name, key, amount=None))]
    fn hincrby(
        &self,
        name: &Bound<'_, PyAny>,
        key: &Bound<'_, PyAny>,
        amount: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<i64> {
        let py = name.py();
        let delta = amount.map_or(Ok(1), delta)?;
        let (hash, field) = (text::key(name)?, text::field(key)?);
        match self.core().hincrby(hash, &field, delta) {
            Err(Error::HashValueNotAnInteger) => {}
            result => return self.written(py, result),
        }
        // Text or bytes that may read as a number, or no number at all.
        let mut sum = 0;
        let updated = self.core().hupdate(hash, &field, |before| {
            let (value, new_sum) =
                sum_of_text(py, before.unwrap_or(b"0"), delta).map_err(of_hash)?;
            sum = new_sum;
            Ok(Some(value))
        });
        self.written(py, updated).map(|()| sum)
    }

    /// Adds a float to the number in a field, which counts as 0 if it is missing; returns the sum.
    #[pyo3(signature = (name, key, amount=None))]
    fn hincrbyfloat(
        &self,
        name: &Bound<'_, PyAny>,
        key: &Bound<'_, PyAny>,
        amount: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<f64> {
        let py = name.py();
        let delta = amount.map_or_else(|| Ok(b"1".to_vec()), float_delta)?;
        let mut sum = 0.0;
        let updated = self.core().hupdate(text::key(name)?, text::field(key)?, |before| {
            let (value, new_sum) = float_sum(py, before, &delta).map_err(of_hash)?;
            sum = new_sum;
            Ok(Some(value))
        });
        self.written(py, updated).map(|()| sum)
    }

    /// Returns a random field of the hash at `key`, or `count` of them in a list.
    ///
    /// Up to `count` different ones; when it is negative, as many as it says, each drawn anew. With
    /// `withvalues` each field is followed by its value.
    #[pyo3(signature = (key, count=None, withvalues=false))]
    fn hrandfield<'py>(
        &self,
        key: &Bound<'py, PyAny>,
        count: Option<i64>,
        withvalues: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = key.py();
        let key = text::key(key)?;
        let mut fields = Fields::new(self, py);
        let seen = self.pinned(|core| {
            for (field, value) in core.hrandfield_with_values(key, count.unwrap_or(-1))? {
                // SAFETY: pinned since before they were read.
                unsafe { fields.see(&field, &value) };
            }
            Ok(())
        });
        seen.map_err(|error| raise(py, error))?;
        let all = fields.list(withvalues)?;
        match count {
            Some(_) => Ok(PyList::new(py, all)?.into_any()),
            None => Ok(all.into_iter().next().unwrap_or_else(|| py.None().into_bound(py))),
        }
    }
}

/// An error about a value, said of a field's.
fn of_hash(error: Error) -> Error {
    match error {
        Error::NotAnInteger => Error::HashValueNotAnInteger,
        Error::NotAFloat => Error::HashValueNotAFloat,
        other => other,
    }
}
