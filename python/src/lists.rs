//! Lists: LPUSH, LRANGE and their kin.

use crate::{
    collected::Elements,
    elements::{Reference, show},
    errors::{data_error, raise},
    pool::Pool,
    text,
    values::{self, Encoded},
};
use memory_cache_pool::{Error, InsertPosition, ListEnd, MemoryCachePool, PushOptions};
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
        let elements: Vec<_> =
            values.iter().map(|value| self.element(value)).collect::<PyResult<_>>()?;
        self.written(py, self.core().push_options(text::key(key)?, &elements, options))
    }

    fn pop<'py>(
        &self,
        key: &Bound<'py, PyAny>,
        count: Option<i64>,
        end: ListEnd,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (py, name) = (key.py(), text::key(key)?);
        let Some(count) = count else {
            return self.open(py, |core| match end {
                ListEnd::Left => core.lpop(name),
                ListEnd::Right => core.rpop(name),
            });
        };
        let most = natural(py, "count", count)?;
        let popped = self.pinned(|core| {
            let popped = match end {
                ListEnd::Left => core.lpop_count(name, most),
                ListEnd::Right => core.rpop_count(name, most),
            };
            // SAFETY: pinned since before they were taken.
            Ok(popped?.map(|popped| unsafe { Elements::of(self, py, popped) }))
        });
        match self.written(py, popped)? {
            None => Ok(py.None().into_bound(py)),
            Some(elements) => Ok(elements.list()?.into_any()),
        }
    }

    /// The element that a call returns, or None.
    fn open<'py>(
        &self,
        py: Python<'py>,
        call: impl FnOnce(&MemoryCachePool) -> Result<Option<Vec<u8>>, Error>,
    ) -> PyResult<Bound<'py, PyAny>> {
        // SAFETY: pinned since before it was read.
        let seen = self.pinned(|core| Ok(call(core)?.map(|element| unsafe { show(py, &element) })));
        match self.written(py, seen)? {
            None => Ok(py.None().into_bound(py)),
            Some(element) => element?.open(self),
        }
    }

    /// The elements of a list that are objects, held, with their indices; and its length.
    fn objects(&self, key: &[u8]) -> Result<(Vec<(usize, Reference)>, usize), Error> {
        let (mut objects, mut index) = (Vec::new(), 0);
        let len = self.core().lrange_with(key, 0, -1, |element| {
            // SAFETY: the core shows it under a pin.
            objects.extend(unsafe { Reference::of(element) }.map(|object| (index, object)));
            index += 1;
        })?;
        Ok((objects, len))
    }

    /// The elements that equal an object, from an end on, each with its index; and the list's length.
    fn equals(
        &self,
        key: &[u8],
        object: &Bound<'_, PyAny>,
        end: ListEnd,
    ) -> PyResult<(impl Iterator<Item = PyResult<(usize, Reference)>>, usize)> {
        let py = object.py();
        let (mut objects, len) = self.objects(key).map_err(|error| raise(py, error))?;
        if end == ListEnd::Right {
            objects.reverse();
        }
        // Python's code may run here; nothing is pinned.
        let equals =
            objects.into_iter().filter_map(move |(index, held)| match held.object(object.py()) {
                Some(other) if other.is(object) => Some(Ok((index, held))),
                Some(other) => match other.eq(object) {
                    Ok(is_equal) => is_equal.then_some(Ok((index, held))),
                    Err(error) => Some(Err(error)),
                },
                None => None,
            });
        Ok((equals, len))
    }

    /// LREM of an object: of the elements that equal it, one after the other.
    fn remove_equals(&self, key: &[u8], count: i64, object: &Bound<'_, PyAny>) -> PyResult<usize> {
        let (end, step) =
            if count < 0 { (ListEnd::Right, -1) } else { (ListEnd::Left, count.min(1)) };
        let most = if count == 0 { u64::MAX } else { count.unsigned_abs() };
        let mut removed = 0;
        for equal in self.equals(key, object, end)?.0 {
            if removed as u64 >= most {
                break;
            }
            let (_, held) = equal?;
            removed += self.written(object.py(), self.core().lrem(key, step, held.element()))?;
        }
        Ok(removed)
    }

    /// LPOS of an object.
    fn positions(
        &self,
        key: &[u8],
        object: &Bound<'_, PyAny>,
        rank: i64,
        most: usize,
        max_len: usize,
    ) -> PyResult<Vec<usize>> {
        let py = object.py();
        let Some(skipped) = rank.unsigned_abs().checked_sub(1) else {
            return Err(raise(py, Error::ZeroRank));
        };
        let all_if_zero = |most: usize| if most == 0 { usize::MAX } else { most };
        let compared = all_if_zero(max_len);
        let end = if rank < 0 { ListEnd::Right } else { ListEnd::Left };
        let (equals, len) = self.equals(key, object, end)?;
        let is_compared = |index: usize| match end {
            ListEnd::Left => index < compared,
            ListEnd::Right => len.saturating_sub(index) <= compared,
        };

        let indices = equals.map(|equal| equal.map(|(index, _)| index));
        let indices =
            indices.filter(|index| index.as_ref().map_or(true, |&index| is_compared(index)));
        let skipped = usize::try_from(skipped).unwrap_or(usize::MAX);
        indices.skip(skipped).take(all_if_zero(most)).collect()
    }

    /// A value as the first element that equals it has it.
    fn known_element<'a>(&self, key: &[u8], value: &'a Bound<'_, PyAny>) -> PyResult<Encoded<'a>> {
        if let Some(encoded) = values::encode(value)? {
            return Ok(encoded);
        }
        let first = self.equals(key, value, ListEnd::Left)?.0.next().transpose()?;
        Ok(first.map_or_else(values::no_element, |(_, held)| Encoded::Object(held)))
    }
}

#[pymethods]
impl Pool {
    /// Puts values in front of the list at `name`, the last one foremost; returns its length.
    ///
    /// With `max_len` the list keeps that many elements, those nearest to this end.
    #[pyo3(signature = (name, *values, max_len=None))]
    fn lpush(
        &self,
        name: &Bound<'_, PyAny>,
        values: &Bound<'_, PyTuple>,
        max_len: Option<usize>,
    ) -> PyResult<usize> {
        self.push(name, values, PushOptions::at(ListEnd::Left), max_len)
    }

    /// Puts values behind the list at `name`; returns its length.
    ///
    /// With `max_len` the list keeps that many elements, those nearest to this end.
    #[pyo3(signature = (name, *values, max_len=None))]
    fn rpush(
        &self,
        name: &Bound<'_, PyAny>,
        values: &Bound<'_, PyTuple>,
        max_len: Option<usize>,
    ) -> PyResult<usize> {
        self.push(name, values, PushOptions::at(ListEnd::Right), max_len)
    }

    /// Puts values in front of the list at `name` if it exists; returns its length, or 0.
    #[pyo3(signature = (name, *values))]
    fn lpushx(&self, name: &Bound<'_, PyAny>, values: &Bound<'_, PyTuple>) -> PyResult<usize> {
        self.push(name, values, PushOptions::at(ListEnd::Left).only_existing(), None)
    }

    /// Puts values behind the list at `name` if it exists; returns its length, or 0.
    #[pyo3(signature = (name, *values))]
    fn rpushx(&self, name: &Bound<'_, PyAny>, values: &Bound<'_, PyTuple>) -> PyResult<usize> {
        self.push(name, values, PushOptions::at(ListEnd::Right).only_existing(), None)
    }

    /// Takes the first element, or None; with `count`, up to so many in a list.
    #[pyo3(signature = (name, count=None))]
    fn lpop<'py>(
        &self,
        name: &Bound<'py, PyAny>,
        count: Option<i64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.pop(name, count, ListEnd::Left)
    }

    /// Takes the last element, or None; with `count`, up to so many in a list, the last one first.
    #[pyo3(signature = (name, count=None))]
    fn rpop<'py>(
        &self,
        name: &Bound<'py, PyAny>,
        count: Option<i64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.pop(name, count, ListEnd::Right)
    }

    /// Returns the elements from index `start` to `end`, both included; negative ones count from the
    /// end.
    #[pyo3(signature = (name, start, end))]
    fn lrange<'py>(
        &self,
        name: &Bound<'py, PyAny>,
        start: i64,
        end: i64,
    ) -> PyResult<Bound<'py, PyList>> {
        let py = name.py();
        let mut elements = Elements::new(self, py);
        // SAFETY: the core shows it under a pin.
        let see = |element: &[u8]| unsafe { elements.see(element) };
        let shown = self.core().lrange_with(text::key(name)?, start, end, see);
        shown.map_err(|error| raise(py, error))?;
        elements.list()
    }

    /// Returns the length of the list at `name`; 0 when it does not exist.
    #[pyo3(signature = (name))]
    fn llen(&self, name: &Bound<'_, PyAny>) -> PyResult<usize> {
        self.core().llen(text::key(name)?).map_err(|error| raise(name.py(), error))
    }

    /// Returns the element of an index, or None; negative ones count from the end.
    #[pyo3(signature = (name, index))]
    fn lindex<'py>(&self, name: &Bound<'py, PyAny>, index: i64) -> PyResult<Bound<'py, PyAny>> {
        let key = text::key(name)?;
        self.open(name.py(), |core| core.lindex(key, index))
    }

    /// Replaces the element of an index; an index that is not there is an error.
    #[pyo3(signature = (name, index, value))]
    fn lset(
        &self,
        name: &Bound<'_, PyAny>,
        index: i64,
        value: &Bound<'_, PyAny>,
    ) -> PyResult<bool> {
        let set = self.core().lset(text::key(name)?, index, self.element(value)?);
        self.written(name.py(), set).map(|()| true)
    }

    /// Puts a value "BEFORE" or "AFTER" the first element that equals `refvalue`.
    ///
    /// Returns the length, -1 when there is no such element, 0 when there is no list.
    #[pyo3(signature = (name, r#where, refvalue, value))]
    fn linsert(
        &self,
        name: &Bound<'_, PyAny>,
        r#where: &str,
        refvalue: &Bound<'_, PyAny>,
        value: &Bound<'_, PyAny>,
    ) -> PyResult<i64> {
        let py = name.py();
        let position = match &*r#where.to_ascii_lowercase() {
            "before" => InsertPosition::Before,
            "after" => InsertPosition::After,
            other => {
                let message = format!("a position is BEFORE or AFTER, not {other:?}");
                return Err(data_error(py, message));
            }
        };
        let name = text::key(name)?;
        let pivot = self.known_element(name, refvalue)?;
        let value = self.element(value)?;
        self.written(py, self.core().linsert(name, position, pivot, value))
    }

    /// Removes elements that equal `value`; returns how many.
    ///
    /// The first `count` of them, the last ones when it is negative, all when it is 0.
    #[pyo3(signature = (name, count, value))]
    fn lrem(
        &self,
        name: &Bound<'_, PyAny>,
        count: i64,
        value: &Bound<'_, PyAny>,
    ) -> PyResult<usize> {
        let (py, name) = (name.py(), text::key(name)?);
        match values::encode(value)? {
            Some(value) => self.written(py, self.core().lrem(name, count, value)),
            None => self.remove_equals(name, count, value),
        }
    }

    /// Keeps the elements from index `start` to `end`, both included, and removes the others.
    #[pyo3(signature = (name, start, end))]
    fn ltrim(&self, name: &Bound<'_, PyAny>, start: i64, end: i64) -> PyResult<bool> {
        let trimmed = self.core().ltrim(text::key(name)?, start, end);
        self.written(name.py(), trimmed).map(|()| true)
    }

    /// Returns the index of the first element that equals `value`, or None.
    ///
    /// rank: the how-manieth is meant, from the end when it is negative. count: up to so many indices
    /// in a list, all when it is 0. maxlen: only so many elements are compared.
    #[pyo3(signature = (name, value, rank=None, count=None, maxlen=None))]
    fn lpos<'py>(
        &self,
        name: &Bound<'py, PyAny>,
        value: &Bound<'py, PyAny>,
        rank: Option<i64>,
        count: Option<i64>,
        maxlen: Option<i64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = name.py();
        let most = natural(py, "count", count.unwrap_or(1))?;
        let max_len = natural(py, "maxlen", maxlen.unwrap_or(0))?;
        let (name, rank) = (text::key(name)?, rank.unwrap_or(1));
        let found = match values::encode(value)? {
            Some(value) => {
                let found = self.core().lpos_many(name, value, rank, most, max_len);
                found.map_err(|error| raise(py, error))?
            }
            None => self.positions(name, value, rank, most, max_len)?,
        };
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
        let (first, second) = (text::key(first_list)?, text::key(second_list)?);
        self.open(py, |core| core.lmove(first, second, from, to))
    }

    /// Takes the last element of one list and puts it in front of another; as lmove().
    #[pyo3(signature = (src, dst))]
    fn rpoplpush<'py>(
        &self,
        src: &Bound<'py, PyAny>,
        dst: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (from, to) = (text::key(src)?, text::key(dst)?);
        self.open(src.py(), |core| core.rpoplpush(from, to))
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
        let end = end(py, direction)?;
        let popped = self.pinned(|core| {
            // SAFETY: pinned since before they were taken.
            let see = |elements: Vec<_>| unsafe { Elements::of(self, py, elements) };
            let popped = core.lmpop(&names, end, most)?;
            Ok(popped.map(|popped| (popped.index, see(popped.elements))))
        });
        match self.written(py, popped)? {
            None => Ok(py.None().into_bound(py)),
            Some((index, elements)) => {
                let key = text::shown(py, names[index]);
                Ok(PyList::new(py, [key, elements.list()?.into_any()])?.into_any())
            }
        }
    }
}
