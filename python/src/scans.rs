//! SCAN and its kin: a page at a time, or as iterators.

use crate::{
    collected::{Elements, Fields},
    errors::{data_error, raise},
    fork::unattached,
    pool::Pool,
    text,
};
use memory_cache_pool::{ScanOptions, ValueType};
use pyo3::{
    prelude::*,
    types::{PyDict, PyIterator, PyList},
};
use std::sync::{Mutex, PoisonError};

/// Keys that a page of an iterator looks at.
const PAGE: usize = 512;

/// What a page of hash fields or members is: the cursor of the next one, and itself.
type Page<T> = (u64, T);

/// The type of a value by its name.
fn type_by_name(py: Python<'_>, name: &str) -> PyResult<ValueType> {
    let types =
        [ValueType::String, ValueType::Hash, ValueType::List, ValueType::Set, ValueType::Object];
    let named = types.into_iter().find(|named| named.to_string().eq_ignore_ascii_case(name));
    named.ok_or_else(|| data_error(py, format!("there is no type {name:?}")))
}

/// Options of a scan.
fn options(
    py: Python<'_>,
    pattern: Option<&Bound<'_, PyAny>>,
    count: Option<usize>,
    value_type: Option<&str>,
) -> PyResult<ScanOptions> {
    let mut options = ScanOptions::new();
    if let Some(pattern) = pattern {
        options = options.pattern(text::key(pattern)?);
    }
    if let Some(count) = count {
        options = options.count(count);
    }
    if let Some(name) = value_type {
        options = options.value_type(type_by_name(py, name)?);
    }
    Ok(options)
}

/// Where an iterator stands.
#[derive(Debug)]
struct Position {
    /// Keys to be returned, the next one last.
    keys: Vec<Vec<u8>>,
    /// Where the next page begins.
    next: Option<u64>,
}

/// Iterates over the keys of a pool, page by page.
#[pyclass(frozen, module = "memory_cache_pool")]
#[derive(Debug)]
pub(crate) struct KeyIterator {
    pool: Py<Pool>,
    options: ScanOptions,
    position: Mutex<Position>,
}

impl KeyIterator {
    fn new(pool: Py<Pool>, options: ScanOptions) -> Self {
        let position = Mutex::new(Position { keys: Vec::new(), next: Some(0) });
        Self { pool, options, position }
    }

    /// The next key; reads a page when there is none at hand. Runs none of Python's code.
    fn advance(&self) -> Result<Option<Vec<u8>>, memory_cache_pool::Error> {
        let mut position = self.position.lock().unwrap_or_else(PoisonError::into_inner);
        while position.keys.is_empty() {
            let Some(cursor) = position.next else { return Ok(None) };
            let page = self.pool.get().core().scan(cursor, &self.options)?;
            position.keys = page.keys;
            position.keys.reverse();
            position.next = (page.cursor != 0).then_some(page.cursor);
        }
        Ok(position.keys.pop())
    }
}

#[pymethods]
impl KeyIterator {
    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let key = self.advance().map_err(|error| raise(py, error))?;
        Ok(key.map(|key| text::shown(py, &key)))
    }
}

/// What an iterator over pages reads.
#[derive(Clone, Copy, Debug)]
enum Collection {
    Hash,
    /// A hash, without its values.
    Names,
    Set,
}

/// Iterates over the fields of a hash or the members of a set, page by page.
#[pyclass(frozen, module = "memory_cache_pool")]
#[derive(Debug)]
pub(crate) struct PageIterator {
    pool: Py<Pool>,
    collection: Collection,
    key: Vec<u8>,
    options: ScanOptions,
    state: Mutex<Pages>,
}

/// Where an iterator over pages stands.
#[derive(Debug)]
struct Pages {
    page: Option<Py<PyIterator>>,
    next: Option<u64>,
}

impl PageIterator {
    fn new(pool: Py<Pool>, collection: Collection, key: &[u8], options: ScanOptions) -> Self {
        let state = Mutex::new(Pages { page: None, next: Some(0) });
        Self { pool, collection, key: key.to_vec(), options, state }
    }

    /// The page that is being read, if there is one.
    fn page<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyIterator>> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.page.as_ref().map(|page| page.bind(py).clone())
    }

    /// Reads the next page; false at the end.
    fn turn(&self, py: Python<'_>) -> PyResult<bool> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(cursor) = state.next else { return Ok(false) };
        drop(state);
        let pool = self.pool.get();
        let (next, page) = match self.collection {
            Collection::Hash => {
                let (next, fields) = pool.fields(py, &self.key, cursor, &self.options)?;
                (next, fields.items().into_any())
            }
            Collection::Names => {
                let (next, names) = pool.names(py, &self.key, cursor, &self.options)?;
                (next, names.into_any())
            }
            Collection::Set => {
                let (next, members) = pool.members(py, &self.key, cursor, &self.options)?;
                (next, members.into_any())
            }
        };
        let page = page.try_iter()?.unbind();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let before = state.page.replace(page);
        state.next = (next != 0).then_some(next);
        drop(state);
        drop(before);
        Ok(true)
    }
}

#[pymethods]
impl PageIterator {
    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        loop {
            if let Some(item) = self.page(py).and_then(|mut page| page.next()) {
                return item.map(Some);
            }
            if !self.turn(py)? {
                return Ok(None);
            }
        }
    }
}

impl Pool {
    /// A page of a hash.
    fn fields<'py>(
        &self,
        py: Python<'py>,
        key: &[u8],
        cursor: u64,
        options: &ScanOptions,
    ) -> PyResult<Page<Bound<'py, PyDict>>> {
        let mut fields = Fields::new(self, py);
        // SAFETY: the core shows it under a pin.
        let see = |field: &[u8], value: &[u8]| unsafe { fields.see(field, value) };
        let next = self.see_fields(py, key, cursor, options, see)?;
        Ok((next, fields.dict()?))
    }

    /// A page of a hash, without its values.
    fn names<'py>(
        &self,
        py: Python<'py>,
        key: &[u8],
        cursor: u64,
        options: &ScanOptions,
    ) -> PyResult<Page<Bound<'py, PyList>>> {
        let mut names = Vec::new();
        let see = |field: &[u8], _: &[u8]| names.push(text::shown(py, field));
        let next = self.see_fields(py, key, cursor, options, see)?;
        Ok((next, PyList::new(py, names)?))
    }

    /// Shows the fields and values of a page of a hash; returns the cursor of the next one.
    fn see_fields(
        &self,
        py: Python<'_>,
        key: &[u8],
        cursor: u64,
        options: &ScanOptions,
        see: impl FnMut(&[u8], &[u8]),
    ) -> PyResult<u64> {
        self.core().hscan_with(key, cursor, options, see).map_err(|error| raise(py, error))
    }

    /// A page of a set.
    fn members<'py>(
        &self,
        py: Python<'py>,
        key: &[u8],
        cursor: u64,
        options: &ScanOptions,
    ) -> PyResult<Page<Bound<'py, PyList>>> {
        let page = self.pinned(|core| {
            let page = core.sscan(key, cursor, options)?;
            // SAFETY: pinned since before they were read.
            Ok((page.cursor, unsafe { Elements::of(self, py, &page.members) }))
        });
        let (next, members) = page.map_err(|error| raise(py, error))?;
        Ok((next, members.list()?))
    }
}

#[pymethods]
impl Pool {
    /// Returns a page of keys: the cursor of the next page, 0 at the end, and a list.
    ///
    /// match: a glob pattern. count: about how many keys are looked at. _type: "string", "hash", ...
    /// A key that is there from the first page to the last is returned, perhaps more than once.
    #[pyo3(signature = (cursor=0, r#match=None, count=None, _type=None))]
    fn scan<'py>(
        &self,
        py: Python<'py>,
        cursor: u64,
        r#match: Option<&Bound<'py, PyAny>>,
        count: Option<usize>,
        _type: Option<&str>,
    ) -> PyResult<Page<Bound<'py, PyList>>> {
        let options = options(py, r#match, count, _type)?;
        let page = unattached(py, || self.core().scan(cursor, &options));
        let page = page.map_err(|error| raise(py, error))?;
        Ok((page.cursor, PyList::new(py, page.keys.iter().map(|key| text::shown(py, key)))?))
    }

    /// Iterates over the keys that match; takes what scan() takes.
    #[pyo3(signature = (r#match=None, count=None, _type=None))]
    fn scan_iter<'py>(
        slf: &Bound<'py, Self>,
        r#match: Option<&Bound<'py, PyAny>>,
        count: Option<usize>,
        _type: Option<&str>,
    ) -> PyResult<KeyIterator> {
        let options = options(slf.py(), r#match, count.or(Some(PAGE)), _type)?;
        Ok(KeyIterator::new(slf.clone().unbind(), options))
    }

    fn __iter__(slf: Py<Self>) -> KeyIterator {
        KeyIterator::new(slf, ScanOptions::new().count(PAGE))
    }

    /// Returns a page of the hash at `name`: the cursor of the next page, 0 at the end, and a dict; with
    /// `no_values`, and a list of fields.
    #[pyo3(signature = (name, cursor=0, r#match=None, count=None, no_values=None))]
    fn hscan<'py>(
        &self,
        name: &Bound<'py, PyAny>,
        cursor: u64,
        r#match: Option<&Bound<'py, PyAny>>,
        count: Option<usize>,
        no_values: Option<bool>,
    ) -> PyResult<Page<Bound<'py, PyAny>>> {
        let py = name.py();
        let (key, options) = (text::key(name)?, options(py, r#match, count, None)?);
        if no_values.unwrap_or(false) {
            let (next, names) = self.names(py, key, cursor, &options)?;
            return Ok((next, names.into_any()));
        }
        let (next, fields) = self.fields(py, key, cursor, &options)?;
        Ok((next, fields.into_any()))
    }

    /// Iterates over the fields of the hash at `name`, as pairs with their values; with `no_values`,
    /// over the fields alone.
    #[pyo3(signature = (name, r#match=None, count=None, no_values=None))]
    fn hscan_iter<'py>(
        slf: &Bound<'py, Self>,
        name: &Bound<'py, PyAny>,
        r#match: Option<&Bound<'py, PyAny>>,
        count: Option<usize>,
        no_values: Option<bool>,
    ) -> PyResult<PageIterator> {
        let options = options(slf.py(), r#match, count.or(Some(PAGE)), None)?;
        let collection =
            if no_values.unwrap_or(false) { Collection::Names } else { Collection::Hash };
        Ok(PageIterator::new(slf.clone().unbind(), collection, text::key(name)?, options))
    }

    /// Returns a page of the set at `name`: the cursor of the next page, 0 at the end, and a list.
    #[pyo3(signature = (name, cursor=0, r#match=None, count=None))]
    fn sscan<'py>(
        &self,
        name: &Bound<'py, PyAny>,
        cursor: u64,
        r#match: Option<&Bound<'py, PyAny>>,
        count: Option<usize>,
    ) -> PyResult<Page<Bound<'py, PyList>>> {
        let py = name.py();
        self.members(py, text::key(name)?, cursor, &options(py, r#match, count, None)?)
    }

    /// Iterates over the members of the set at `name`.
    #[pyo3(signature = (name, r#match=None, count=None))]
    fn sscan_iter<'py>(
        slf: &Bound<'py, Self>,
        name: &Bound<'py, PyAny>,
        r#match: Option<&Bound<'py, PyAny>>,
        count: Option<usize>,
    ) -> PyResult<PageIterator> {
        let options = options(slf.py(), r#match, count.or(Some(PAGE)), None)?;
        let pool = slf.clone().unbind();
        Ok(PageIterator::new(pool, Collection::Set, text::key(name)?, options))
    }
}
