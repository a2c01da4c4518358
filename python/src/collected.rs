//! Elements of collections: read where they lie, and handed over once nothing is being looked at.

use crate::{elements::show, objects::Shown, pool::Pool, text};
use pyo3::{
    prelude::*,
    types::{PyDict, PyList, PySet},
};

/// Elements for which there is room at first.
const EXPECTED: usize = 16;

/// Elements that were seen.
pub(crate) struct Elements<'py, 'p> {
    pool: &'p Pool,
    py: Python<'py>,
    seen: Vec<PyResult<Shown<'py>>>,
}

impl<'py, 'p> Elements<'py, 'p> {
    /// None yet.
    pub(crate) fn new(pool: &'p Pool, py: Python<'py>) -> Self {
        Self { pool, py, seen: Vec::with_capacity(EXPECTED) }
    }

    /// Elements that were taken out.
    ///
    /// # Safety
    ///
    /// As for [`see`](Self::see).
    pub(crate) unsafe fn of<T: AsRef<[u8]>>(
        pool: &'p Pool,
        py: Python<'py>,
        taken: impl IntoIterator<Item = T>,
    ) -> Self {
        let mut elements = Self::new(pool, py);
        for element in taken {
            // SAFETY: the caller's word.
            unsafe { elements.see(element.as_ref()) };
        }
        elements
    }

    /// One more.
    ///
    /// # Safety
    ///
    /// As for [`show`].
    pub(crate) unsafe fn see(&mut self, element: &[u8]) {
        // SAFETY: the caller's word.
        self.seen.push(unsafe { show(self.py, element) });
    }

    fn open(self) -> impl Iterator<Item = PyResult<Bound<'py, PyAny>>> {
        let pool = self.pool;
        self.seen.into_iter().map(move |seen| seen?.open(pool))
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
pub(crate) struct Fields<'py, 'p> {
    pool: &'p Pool,
    py: Python<'py>,
    seen: Vec<(Bound<'py, PyAny>, PyResult<Shown<'py>>)>,
}

impl<'py, 'p> Fields<'py, 'p> {
    /// None yet.
    pub(crate) fn new(pool: &'p Pool, py: Python<'py>) -> Self {
        Self { pool, py, seen: Vec::with_capacity(EXPECTED) }
    }

    /// One more.
    ///
    /// # Safety
    ///
    /// As for [`show`], of the value.
    pub(crate) unsafe fn see(&mut self, field: &[u8], value: &[u8]) {
        // SAFETY: the caller's word.
        let value = unsafe { show(self.py, value) };
        self.seen.push((text::shown(self.py, field), value));
    }

    /// All of them.
    pub(crate) fn dict(self) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(self.py);
        for (field, value) in self.seen {
            dict.set_item(field, value?.open(self.pool)?)?;
        }
        Ok(dict)
    }

    /// All of them in one list, each field followed by its value if those are asked for.
    pub(crate) fn list(self, with_values: bool) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let mut all = Vec::with_capacity(2 * self.seen.len());
        for (field, value) in self.seen {
            all.push(field);
            if with_values {
                all.push(value?.open(self.pool)?);
            }
        }
        Ok(all)
    }
}
