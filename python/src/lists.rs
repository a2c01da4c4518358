//! Lists: LPUSH, LRANGE and their kin.

use crate::{
    collected::{Elements, open_or_none},
    errors::{data_error, raise},
    pool::Pool,
    text,
    values::{decode, encode_element, encode_elements},
};
use memory_cache_pool::{InsertPosition, ListEnd, PushOptions};
use pyo3::{
    IntoPyObjectExt,
    prelude::*,
    types::{PyList, PyTuple},
};

/// An end by its name, in any case.
fn end(py: Python<'_>, name: &str) -> PyResult<ListEnd> {
    if name.eq_ignore_ascii_case("left") {
        Ok(ListEnd::Left)
    } else if name.eq_ignore_ascii_case("right") {
        Ok(ListEnd::Right)
    } else {
        Err(data_error(py, format!("an end is LEFT or RIGHT, not {name:?}")))
    }
}

/// A number of things, which cannot be negative.
fn natural(py: Python<'_>, name: &str, number: i64) -> PyResult<usize> {
    usize::try_from(number).map_err(|_| data_error(py, format!("{name} cannot be negative")))
}

impl Pool {
    fn push(
        &self,
        key: &Bound<'_, PyAny>,
        values: &Bound<'_, PyTuple>,
        options: PushOptions,
        max_len: Option<usize>,
    ) -> PyResult<usize> {
        let py = key.py();
        if values.is_empty() {
            return Err(data_error(py, "a push needs at least one value"));
        }
        let options = max_len.map_or(options, |most| options.max_len(most));
        let values: Vec<_> = values.iter().collect();
        let elements = encode_elements(&values)?;
        self.written(py, self.core().push_options(text::key(key)?, &elements, options))
    }

    fn pop<'py>(
        &self,
        key: &Bound<'py, PyAny>,
        count: Option<i64>,
        end: ListEnd,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (py, name, core) = (key.py(), text::key(key)?, self.core());
        let Some(count) = count else {
            let popped = match end {
                ListEnd::Left => core.lpop(name),
                ListEnd::Right => core.rpop(name),
            };
            return self.open(py, popped);
        };
        let most = natural(py, "count", count)?;
        let popped = match end {
            ListEnd::Left => core.lpop_count(name, most),
            ListEnd::Right => core.rpop_count(name, most),
        };
        match self.written(py, popped)? {
            None => Ok(py.None().into_bound(py)),
            Some(elements) => Ok(Elements::of(py, &elements).list()?.into_any()),
        }
    }

    /// An element that a write has returned.
    fn open<'py>(
        &self,
        py: Python<'py>,
        element: Result<Option<Vec<u8>>, memory_cache_pool::Error>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let element = self.written(py, element)?;
        open_or_none(py, element.map(|element| decode(py, &element)))
    }
}

#[pymethods]
impl Pool {
    /// Puts values in front of the list at `key`, the last one foremost; returns its length.
    ///
    /// With `max_len` the list keeps that many elements, those nearest to this end.
    #[pyo3(signature = (key, *values, max_len=None))]
    fn lpush(
        &self,
        key: &Bound<'_, PyAny>,
        values: &Bound<'_, PyTuple>,
        max_len: Option<usize>,
    ) -> PyResult<usize> {
        self.push(key, values, PushOptions::at(ListEnd::Left), max_len)
    }

    /// Puts values behind the list at `key`; returns its length.
    ///
    /// With `max_len` the list keeps that many elements, those nearest to this end.
    #[pyo3(signature = (key, *values, max_len=None))]
    fn rpush(
        &self,
        key: &Bound<'_, PyAny>,
        values: &Bound<'_, PyTuple>,
        max_len: Option<usize>,
    ) -> PyResult<usize> {
        self.push(key, values, PushOptions::at(ListEnd::Right), max_len)
    }

    /// Puts values in front of the list at `key` if it exists; returns its length, or 0.
    #[pyo3(signature = (key, *values))]
    fn lpushx(&self, key: &Bound<'_, PyAny>, values: &Bound<'_, PyTuple>) -> PyResult<usize> {
        self.push(key, values, PushOptions::at(ListEnd::Left).only_existing(), None)
    }

    /// Puts values behind the list at `key` if it exists; returns its length, or 0.
    #[pyo3(signature = (key, *values))]
    fn rpushx(&self, key: &Bound<'_, PyAny>, values: &Bound<'_, PyTuple>) -> PyResult<usize> {
        self.push(key, values, PushOptions::at(ListEnd::Right).only_existing(), None)
    }

    /// Takes the first element, or None; with `count`, up to so many in a list.
    #[pyo3(signature = (key, count=None))]
    fn lpop<'py>(
        &self,
        key: &Bound<'py, PyAny>,
        count: Option<i64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.pop(key, count, ListEnd::Left)
    }

    /// Takes the last element, or None; with `count`, up to so many in a list, the last one first.
    #[pyo3(signature = (key, count=None))]
    fn rpop<'py>(
        &self,
        key: &Bound<'py, PyAny>,
        count: Option<i64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.pop(key, count, ListEnd::Right)
    }

    /// Returns the elements from index `start` to `end`, both included; negative ones count from the
    /// end.
    #[pyo3(signature = (key, start, end))]
    fn lrange<'py>(
        &self,
        key: &Bound<'py, PyAny>,
        start: i64,
        end: i64,
    ) -> PyResult<Bound<'py, PyList>> {
        let py = key.py();
        let mut elements = Elements::new(py);
        let shown =
            self.core().lrange_with(text::key(key)?, start, end, |element| elements.see(element));
        shown.map_err(|error| raise(py, error))?;
        elements.list()
    }

    /// Returns the length of the list at `key`; 0 when it does not exist.
    #[pyo3(signature = (key))]
    fn llen(&self, key: &Bound<'_, PyAny>) -> PyResult<usize> {
        self.core().llen(text::key(key)?).map_err(|error| raise(key.py(), error))
    }

    /// Returns the element of an index, or None; negative ones count from the end.
    #[pyo3(signature = (key, index))]
    fn lindex<'py>(&self, key: &Bound<'py, PyAny>, index: i64) -> PyResult<Bound<'py, PyAny>> {
        let py = key.py();
        let element = self.core().lindex(text::key(key)?, index);
        let element = element.map_err(|error| raise(py, error))?;
        open_or_none(py, element.map(|element| decode(py, &element)))
    }

    /// Replaces the element of an index; an index that is not there is an error.
    #[pyo3(signature = (key, index, value))]
    fn lset(&self, key: &Bound<'_, PyAny>, index: i64, value: &Bound<'_, PyAny>) -> PyResult<bool> {
        let set = self.core().lset(text::key(key)?, index, encode_element(value)?);
        self.written(key.py(), set).map(|()| true)
    }

    /// Puts a value "BEFORE" or "AFTER" the first element that equals `refvalue`.
    ///
    /// Returns the length, -1 when there is no such element, 0 when there is no list.
    #[pyo3(signature = (key, r#where, refvalue, value))]
    fn linsert(
        &self,
        key: &Bound<'_, PyAny>,
        r#where: &str,
        refvalue: &Bound<'_, PyAny>,
        value: &Bound<'_, PyAny>,
    ) -> PyResult<i64> {
        let py = key.py();
        let position = match &*r#where.to_ascii_lowercase() {
            "before" => InsertPosition::Before,
            "after" => InsertPosition::After,
            other => {
                let message = format!("a position is BEFORE or AFTER, not {other:?}");
                return Err(data_error(py, message));
            }
        };
        let (pivot, value) = (encode_element(refvalue)?, encode_element(value)?);
        self.written(py, self.core().linsert(text::key(key)?, position, pivot, value))
    }

    /// Removes elements that equal `value`; returns how many.
    ///
    /// The first `count` of them, the last ones when it is negative, all when it is 0.
    #[pyo3(signature = (key, count, value))]
    fn lrem(
        &self,
        key: &Bound<'_, PyAny>,
        count: i64,
        value: &Bound<'_, PyAny>,
    ) -> PyResult<usize> {
        let removed = self.core().lrem(text::key(key)?, count, encode_element(value)?);
        self.written(key.py(), removed)
    }

    /// Keeps the elements from index `start` to `end`, both included, and removes the others.
    #[pyo3(signature = (key, start, end))]
    fn ltrim(&self, key: &Bound<'_, PyAny>, start: i64, end: i64) -> PyResult<bool> {
        let trimmed = self.core().ltrim(text::key(key)?, start, end);
        self.written(key.py(), trimmed).map(|()| true)
    }

    /// Returns the index of the first element that equals `value`, or None.
    ///
    /// rank: the how-manieth is meant, from the end when it is negative. count: up to so many indices
    /// in a list, all when it is 0. maxlen: only so many elements are compared.
    #[pyo3(signature = (key, value, rank=None, count=None, maxlen=None))]
    fn lpos<'py>(
        &self,
        key: &Bound<'py, PyAny>,
        value: &Bound<'py, PyAny>,
        rank: Option<i64>,
        count: Option<i64>,
        maxlen: Option<i64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = key.py();
        let most = natural(py, "count", count.unwrap_or(1))?;
        let max_len = natural(py, "maxlen", maxlen.unwrap_or(0))?;
        let value = encode_element(value)?;
        let found = self.core().lpos_many(text::key(key)?, value, rank.unwrap_or(1), most, max_len);
        let found = found.map_err(|error| raise(py, error))?;
        match count {
            Some(_) => found.into_bound_py_any(py),
            None => found.first().into_bound_py_any(py),
        }
    }

    /// Takes an element from an end of one list, "LEFT" or "RIGHT", and puts it to an end of another.
    ///
    /// Returns it, or None when there is none. Not atomic, but within one list.
    #[pyo3(signature = (first_list, second_list, src="LEFT", dest="RIGHT"))]
    fn lmove<'py>(
        &self,
        first_list: &Bound<'py, PyAny>,
        second_list: &Bound<'py, PyAny>,
        src: &str,
        dest: &str,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = first_list.py();
        let (from, to) = (end(py, src)?, end(py, dest)?);
        let moved = self.core().lmove(text::key(first_list)?, text::key(second_list)?, from, to);
        self.open(py, moved)
    }

    /// Takes the last element of one list and puts it in front of another; as lmove().
    #[pyo3(signature = (src, dst))]
    fn rpoplpush<'py>(
        &self,
        src: &Bound<'py, PyAny>,
        dst: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let moved = self.core().rpoplpush(text::key(src)?, text::key(dst)?);
        self.open(src.py(), moved)
    }

    /// Takes up to `count` elements from an end of the first of several lists that exists.
    ///
    /// Returns its key and the elements, or None.
    #[pyo3(signature = (num_keys, *args, direction="LEFT", count=1))]
    fn lmpop<'py>(
        &self,
        num_keys: usize,
        args: &Bound<'py, PyTuple>,
        direction: &str,
        count: i64,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = args.py();
        let keys: Vec<_> = args.iter().collect();
        if keys.len() != num_keys {
            return Err(data_error(py, "num_keys has to be the number of keys"));
        }
        let names = text::keys(&keys)?;
        let most = natural(py, "count", count)?;
        let popped = self.core().lmpop(&names, end(py, direction)?, most);
        match self.written(py, popped)? {
            None => Ok(py.None().into_bound(py)),
            Some(popped) => {
                let key = text::shown(py, names[popped.index]);
                let elements = Elements::of(py, &popped.elements).list()?;
                Ok(PyList::new(py, [key, elements.into_any()])?.into_any())
            }
        }
    }
}
