//! Hashes, lists and sets, read where they lie.

use super::{
    edits::{hash_of, list_of, set_of},
    engine::{Engine, Touch},
    hashes::count,
    lists::clamp,
    pinned::{Pinned, ValueRef},
};
use crate::{
    error::Error,
    record::Live,
    value::{hash::HashValue, list::ListValue, packed::run::Side, set::SetValue},
};

/// A hash as it was when it was looked up; what is written later is not seen.
#[derive(Clone, Copy, Debug)]
pub struct HashRef<'g> {
    value: HashValue<'g>,
    engine: &'g Engine,
}

/// A set as it was when it was looked up; what is written later is not seen.
#[derive(Clone, Copy, Debug)]
pub struct SetRef<'g> {
    value: SetValue<'g>,
    engine: &'g Engine,
}

/// A list as it was when it was looked up; what is written later is not seen.
#[derive(Clone, Copy, Debug)]
pub struct ListRef<'g> {
    value: ListValue<'g>,
}

impl Pinned<'_> {
    /// The hash at `key`, whole and without a copy.
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`] when the key holds no hash.
    pub fn hash(&self, key: impl AsRef<[u8]>) -> Result<Option<HashRef<'_>>, Error> {
        let Some(live) = self.find(key.as_ref()) else { return Ok(None) };
        Ok(Some(HashRef { value: hash_of(Some(live))?, engine: self.engine }))
    }

    /// The set at `key`, whole and without a copy.
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`] when the key holds no set.
    pub fn set(&self, key: impl AsRef<[u8]>) -> Result<Option<SetRef<'_>>, Error> {
        let Some(live) = self.find(key.as_ref()) else { return Ok(None) };
        Ok(Some(SetRef { value: set_of(Some(live))?, engine: self.engine }))
    }

    /// The list at `key`, whole and without a copy.
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`] when the key holds no list.
    pub fn list(&self, key: impl AsRef<[u8]>) -> Result<Option<ListRef<'_>>, Error> {
        let Some(live) = self.find(key.as_ref()) else { return Ok(None) };
        Ok(Some(ListRef { value: list_of(Some(live))? }))
    }

    fn find(&self, key: &[u8]) -> Option<Live<'_>> {
        self.engine.look_up(&self.guard, key, self.engine.hash(key), Touch::Yes)
    }
}

impl<'g> HashRef<'g> {
    /// How many fields there are.
    #[must_use]
    pub fn len(&self) -> usize {
        count(self.value.len())
    }

    /// Whether there are none, which a key never shows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value of a field.
    #[must_use]
    pub fn get(&self, field: impl AsRef<[u8]>) -> Option<ValueRef<'g>> {
        self.value.get(field.as_ref(), &self.engine.hasher).map(ValueRef::of_element)
    }

    /// All fields and their values.
    pub fn iter(&self) -> impl Iterator<Item = (ValueRef<'g>, ValueRef<'g>)> + use<'g> {
        let pair = |(field, value)| (ValueRef::of_element(field), ValueRef::of_element(value));
        self.value.iter().map(pair)
    }
}

impl<'g> SetRef<'g> {
    /// How many members there are.
    #[must_use]
    pub fn len(&self) -> usize {
        count(self.value.len())
    }

    /// Whether there are none, which a key never shows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether something is a member.
    #[must_use]
    pub fn contains(&self, member: impl AsRef<[u8]>) -> bool {
        self.value.contains(member.as_ref(), &self.engine.hasher)
    }

    /// All members.
    pub fn iter(&self) -> impl Iterator<Item = ValueRef<'g>> + use<'g> {
        self.value.iter().map(ValueRef::of_element)
    }
}

impl<'g> ListRef<'g> {
    /// How many elements there are.
    #[must_use]
    pub fn len(&self) -> usize {
        count(self.value.len())
    }

    /// Whether there are none, which a key never shows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The element of an index.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<ValueRef<'g>> {
        self.value.at(index as u64).map(ValueRef::of_element)
    }

    /// All elements, from left to right.
    pub fn iter(&self) -> impl Iterator<Item = ValueRef<'g>> + use<'g> {
        self.value.iter().map(ValueRef::of_element)
    }

    /// The elements from index `start` to `stop`, as [`lrange`](crate::MemoryCachePool::lrange)
    /// takes them.
    pub fn range(&self, start: i64, stop: i64) -> impl Iterator<Item = ValueRef<'g>> + use<'g> {
        let range = clamp(start, stop, self.value.len());
        let elements = self.value.iter_from(range.start, Side::Left);
        elements.take(count(range.end - range.start)).map(ValueRef::of_element)
    }
}
