//! Elements of collections: read where they lie, and opened once nothing is being looked at.

use crate::{
    text,
    values::{self, Seen},
};
use pyo3::{
    prelude::*,
    types::{PyDict, PyList, PySet},
};

/// Elements for which there is room at first.
const EXPECTED: usize = 16;

/// Elements that were seen, some of which may be pickles.
pub(crate) struct Elements<'py> {
    py: Python<'py>,
    seen: Vec<PyResult<Seen<'py>>>,
}

impl<'py> Elements<'py> {
    /// None yet.
    pub(crate) fn new(py: Python<'py>) -> Self {
        Self { py, seen: Vec::with_capacity(EXPECTED) }
    }

    /// Elements that were taken out.
    pub(crate) fn of(py: Python<'py>, taken: &[Vec<u8>]) -> Self {
        let mut elements = Self::new(py);
        taken.iter().for_each(|element| elements.see(element));
        elements
    }

    /// One more.
    pub(crate) fn see(&mut self, element: &[u8]) {
        self.seen.push(values::decode(self.py, element));
    }

    fn open(self) -> impl Iterator<Item = PyResult<Bound<'py, PyAny>>> {
        let py = self.py;
        self.seen.into_iter().map(move |seen| seen?.open(py))
    }

    /// All of them, in order.
    pub(crate) fn list(self) -> PyResult<Bound<'py, PyList>> {
        let py = self.py;
        let opened: Vec<_> = self.open().collect::<PyResult<_>>()?;
        PyList::new(py, opened)
    }

    /// All of them, each once.
    pub(crate) fn set(self) -> PyResult<Bound<'py, PySet>> {
        let set = PySet::empty(self.py)?;
        for element in self.open() {
            set.add(element?)?;
        }
        Ok(set)
    }

    /// The only one, or None.
    pub(crate) fn single(self) -> PyResult<Bound<'py, PyAny>> {
        let none = self.py.None().into_bound(self.py);
        self.open().next().unwrap_or(Ok(none))
    }
}

/// Fields that were seen, with their values.
pub(crate) struct Fields<'py> {
    py: Python<'py>,
    seen: Vec<(Bound<'py, PyAny>, PyResult<Seen<'py>>)>,
}

impl<'py> Fields<'py> {
    /// None yet.
    pub(crate) fn new(py: Python<'py>) -> Self {
        Self { py, seen: Vec::with_capacity(EXPECTED) }
    }

    /// One more.
    pub(crate) fn see(&mut self, field: &[u8], value: &[u8]) {
        self.seen.push((text::shown(self.py, field), values::decode(self.py, value)));
    }

    /// All of them.
    pub(crate) fn dict(self) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(self.py);
        for (field, value) in self.seen {
            dict.set_item(field, value?.open(self.py)?)?;
        }
        Ok(dict)
    }
}

/// A value that was read, or None.
pub(crate) fn open_or_none<'py>(
    py: Python<'py>,
    seen: Option<PyResult<Seen<'py>>>,
) -> PyResult<Bound<'py, PyAny>> {
    match seen {
        None => Ok(py.None().into_bound(py)),
        Some(seen) => seen?.open(py),
    }
}
