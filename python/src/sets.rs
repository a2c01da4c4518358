//! Sets: SADD, SMEMBERS and their kin. Members are the same when type and value are.

use crate::{
    collected::Elements,
    elements::hold,
    errors::raise,
    fork::unattached,
    pool::Pool,
    text::{self, one_or_more},
    values::Encoded,
};
use memory_cache_pool::{Error, MemoryCachePool};
use pyo3::{
    prelude::*,
    types::{PyList, PySet, PyTuple},
};

impl Pool {
    /// An operation on several sets, which may take long.
    fn combine<'py, R: Send>(
        &self,
        keys: &Bound<'py, PyAny>,
        args: &Bound<'py, PyTuple>,
        work: impl FnOnce(&[&[u8]]) -> Result<R, Error> + Send,
    ) -> PyResult<R> {
        let py = keys.py();
        let keys = one_or_more(keys, args)?;
        let names = text::keys(&keys)?;
        let combined = unattached(py, || work(&names));
        self.written(py, combined)
    }

    /// The members that an operation on several sets has found.
    fn combined<'py>(
        &self,
        keys: &Bound<'py, PyAny>,
        args: &Bound<'py, PyTuple>,
        work: impl FnOnce(&MemoryCachePool, &[&[u8]]) -> Result<Vec<Vec<u8>>, Error> + Send,
    ) -> PyResult<Bound<'py, PySet>> {
        let (members, _held) = self.combine(keys, args, |keys| {
            self.pinned(|core| {
                let members = work(core, keys)?;
                // SAFETY: pinned since before they were read.
                let held = unsafe { hold(&members) };
                Ok((members, held))
            })
        })?;
        // SAFETY: their objects are held.
        unsafe { Elements::of(self, keys.py(), &members) }.set()
    }

    /// Values as members that a set is to have.
    fn new_members<'a>(&self, values: &'a [Bound<'_, PyAny>]) -> PyResult<Vec<Encoded<'a>>> {
        values.iter().map(|value| self.new_member(value)).collect()
    }

    /// Values as sets have them, if one does.
    fn known_members<'a>(&self, values: &'a [Bound<'_, PyAny>]) -> PyResult<Vec<Encoded<'a>>> {
        values.iter().map(|value| self.known_member(value)).collect()
    }
}

#[pymethods]
impl Pool {
    /// Adds members to the set at `name`; returns how many are new.
    ///
    /// Members have to be hashable, as for a set of Python's.
    #[pyo3(signature = (name, *values))]
    fn sadd(&self, name: &Bound<'_, PyAny>, values: &Bound<'_, PyTuple>) -> PyResult<usize> {
        let values: Vec<_> = values.iter().collect();
        let added = self.core().sadd_many(text::key(name)?, &self.new_members(&values)?);
        self.written(name.py(), added)
    }

    /// Removes members of the set at `name`; returns how many there were.
    #[pyo3(signature = (name, *values))]
    fn srem(&self, name: &Bound<'_, PyAny>, values: &Bound<'_, PyTuple>) -> PyResult<usize> {
        let values: Vec<_> = values.iter().collect();
        let removed = self.core().srem_many(text::key(name)?, &self.known_members(&values)?);
        self.written(name.py(), removed)
    }

    /// Returns whether a value is a member of the set at `name`.
    #[pyo3(signature = (name, value))]
    fn sismember(&self, name: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) -> PyResult<bool> {
        let is_member = self.core().sismember(text::key(name)?, self.known_member(value)?);
        is_member.map_err(|error| raise(name.py(), error))
    }

    /// Returns for each of several values whether it is a member, all of one moment.
    #[pyo3(signature = (name, values, *args))]
    fn smismember(
        &self,
        name: &Bound<'_, PyAny>,
        values: &Bound<'_, PyAny>,
        args: &Bound<'_, PyTuple>,
    ) -> PyResult<Vec<bool>> {
        let values = one_or_more(values, args)?;
        let are_members = self.core().smismember(text::key(name)?, &self.known_members(&values)?);
        are_members.map_err(|error| raise(name.py(), error))
    }

    /// Returns all members of the set at `name`, of one moment.
    #[pyo3(signature = (name))]
    fn smembers<'py>(&self, name: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PySet>> {
        let py = name.py();
        let mut elements = Elements::new(self, py);
        let pinned = self.core().pin();
        let set = pinned.set(text::key(name)?).map_err(|error| raise(py, error))?;
        set.iter()
            .flat_map(memory_cache_pool::SetRef::iter)
            // SAFETY: pinned.
            .for_each(|member| unsafe { elements.see(&member) });
        drop(pinned);
        elements.set()
    }

    /// Returns how many members the set at `name` has.
    #[pyo3(signature = (name))]
    fn scard(&self, name: &Bound<'_, PyAny>) -> PyResult<usize> {
        self.core().scard(text::key(name)?).map_err(|error| raise(name.py(), error))
    }

    /// Takes a random member, or None; with `count`, up to so many in a list.
    #[pyo3(signature = (name, count=None))]
    fn spop<'py>(
        &self,
        name: &Bound<'py, PyAny>,
        count: Option<usize>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = name.py();
        let name = text::key(name)?;
        let popped = self.pinned(|core| {
            let popped = core.spop_count(name, count.unwrap_or(1))?;
            // SAFETY: pinned since before they were taken.
            Ok(unsafe { Elements::of(self, py, popped) })
        });
        let popped = self.written(py, popped)?;
        if count.is_some() { popped.list().map(Bound::into_any) } else { popped.single() }
    }

    /// Returns a random member, or None; with `number`, a list of them.
    ///
    /// Up to `number` different ones; when it is negative, as many as it says, each drawn anew.
    #[pyo3(signature = (name, number=None))]
    fn srandmember<'py>(
        &self,
        name: &Bound<'py, PyAny>,
        number: Option<i64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (py, name) = (name.py(), text::key(name)?);
        let chosen = self.pinned(|core| {
            let chosen = core.srandmember_count(name, number.unwrap_or(-1))?;
            // SAFETY: pinned since before they were read.
            Ok(unsafe { Elements::of(self, py, chosen) })
        });
        let chosen = chosen.map_err(|error| raise(py, error))?;
        if number.is_some() { chosen.list().map(Bound::into_any) } else { chosen.single() }
    }

    /// Moves a member from one set to another; returns whether it was there. Not atomic.
    #[pyo3(signature = (src, dst, value))]
    fn smove(
        &self,
        src: &Bound<'_, PyAny>,
        dst: &Bound<'_, PyAny>,
        value: &Bound<'_, PyAny>,
    ) -> PyResult<bool> {
        let moved = self.core().smove(text::key(src)?, text::key(dst)?, self.known_member(value)?);
        self.written(src.py(), moved)
    }

    /// Returns the members that all of several sets have.
    #[pyo3(signature = (keys, *args))]
    fn sinter<'py>(
        &self,
        keys: &Bound<'py, PyAny>,
        args: &Bound<'py, PyTuple>,
    ) -> PyResult<Bound<'py, PySet>> {
        self.combined(keys, args, |core, keys| core.sinter(keys))
    }

    /// Returns how many members all of several sets have, counted up to `limit` unless it is 0.
    #[pyo3(signature = (numkeys, keys, limit=0))]
    fn sintercard(
        &self,
        numkeys: usize,
        keys: &Bound<'_, PyList>,
        limit: usize,
    ) -> PyResult<usize> {
        let py = keys.py();
        if numkeys != keys.len() {
            return Err(crate::errors::data_error(py, "numkeys has to be the number of keys"));
        }
        let none = PyTuple::empty(py);
        self.combine(keys.as_any(), &none, |keys| self.core().sintercard(keys, limit))
    }

    /// Returns the members that any of several sets has.
    #[pyo3(signature = (keys, *args))]
    fn sunion<'py>(
        &self,
        keys: &Bound<'py, PyAny>,
        args: &Bound<'py, PyTuple>,
    ) -> PyResult<Bound<'py, PySet>> {
        self.combined(keys, args, |core, keys| core.sunion(keys))
    }

    /// Returns the members of the first of several sets that none of the others has.
    #[pyo3(signature = (keys, *args))]
    fn sdiff<'py>(
        &self,
        keys: &Bound<'py, PyAny>,
        args: &Bound<'py, PyTuple>,
    ) -> PyResult<Bound<'py, PySet>> {
        self.combined(keys, args, |core, keys| core.sdiff(keys))
    }

    /// Keeps what sinter() returns under `dest`; returns how many members that are.
    #[pyo3(signature = (dest, keys, *args))]
    fn sinterstore(
        &self,
        dest: &Bound<'_, PyAny>,
        keys: &Bound<'_, PyAny>,
        args: &Bound<'_, PyTuple>,
    ) -> PyResult<usize> {
        let dest = text::key(dest)?;
        self.combine(keys, args, |keys| self.core().sinterstore(dest, keys))
    }

    /// Keeps what sunion() returns under `dest`; returns how many members that are.
    #[pyo3(signature = (dest, keys, *args))]
    fn sunionstore(
        &self,
        dest: &Bound<'_, PyAny>,
        keys: &Bound<'_, PyAny>,
        args: &Bound<'_, PyTuple>,
    ) -> PyResult<usize> {
        let dest = text::key(dest)?;
        self.combine(keys, args, |keys| self.core().sunionstore(dest, keys))
    }

    /// Keeps what sdiff() returns under `dest`; returns how many members that are.
    #[pyo3(signature = (dest, keys, *args))]
    fn sdiffstore(
        &self,
        dest: &Bound<'_, PyAny>,
        keys: &Bound<'_, PyAny>,
        args: &Bound<'_, PyTuple>,
    ) -> PyResult<usize> {
        let dest = text::key(dest)?;
        self.combine(keys, args, |keys| self.core().sdiffstore(dest, keys))
    }
}
