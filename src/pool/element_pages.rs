//! Parts of hashes and sets: HSCAN, SSCAN and HRANDFIELD.

use super::{
    MemoryCachePool,
    edits::hash_of,
    engine::Touch,
    hashes::{FieldValue, read_hash},
    random::numbers,
    scan::ScanOptions,
    sets::read_set,
};
use crate::{error::Error, value::element::Element};

/// A page of an [`hscan`](MemoryCachePool::hscan).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct FieldPage {
    /// Where the next page begins; 0 when there is none.
    pub cursor: u64,
    /// The fields found, and their values.
    pub fields: Vec<FieldValue>,
}

/// A page of an [`sscan`](MemoryCachePool::sscan).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct MemberPage {
    /// Where the next page begins; 0 when there is none.
    pub cursor: u64,
    /// The members found.
    pub members: Vec<Vec<u8>>,
}

impl MemoryCachePool {
    /// Returns a page of the fields of the hash at `key`, as [`scan`](Self::scan) does of the keys:
    /// a field that is there from the first page to the last is returned at least once. A small
    /// hash comes as one page. The options' type is not looked at.
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`] when the key holds no hash, [`Error::Syntax`] when `count` is 0.
    pub fn hscan(
        &self,
        key: impl AsRef<[u8]>,
        cursor: u64,
        options: &ScanOptions,
    ) -> Result<FieldPage, Error> {
        let mut page = FieldPage::default();
        page.cursor = self.hscan_with(key, cursor, options, |field, value| {
            page.fields.push((field.to_vec(), value.to_vec()));
        })?;
        Ok(page)
    }

    /// Shows a page of fields and their values where they lie, and returns the cursor of the next
    /// page; the call must not block.
    ///
    /// # Errors
    ///
    /// As [`hscan`](Self::hscan).
    pub fn hscan_with(
        &self,
        key: impl AsRef<[u8]>,
        cursor: u64,
        options: &ScanOptions,
        mut show: impl FnMut(&[u8], &[u8]),
    ) -> Result<u64, Error> {
        let (pattern, most) = options.pattern_and_count()?;
        read_hash(&self.engine, key.as_ref(), |hash, _| {
            hash.scan(cursor, most, |field, value| {
                field.with_text(|field| {
                    if pattern.as_ref().is_none_or(|pattern| pattern.matches(field)) {
                        value.with_text(|value| show(field, value));
                    }
                });
            })
        })
    }

    /// Returns a page of the members of the set at `key`; as [`hscan`](Self::hscan).
    ///
    /// # Errors
    ///
    /// As [`hscan`](Self::hscan).
    pub fn sscan(
        &self,
        key: impl AsRef<[u8]>,
        cursor: u64,
        options: &ScanOptions,
    ) -> Result<MemberPage, Error> {
        let (pattern, most) = options.pattern_and_count()?;
        read_set(&self.engine, key.as_ref(), |set, _| {
            let mut page = MemberPage::default();
            page.cursor = set.scan(cursor, most, |member| {
                member.with_text(|member| {
                    if pattern.as_ref().is_none_or(|pattern| pattern.matches(member)) {
                        page.members.push(member.to_vec());
                    }
                });
            });
            page
        })
    }

    /// A random field of the hash at `key`.
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`] when the key holds no hash.
    pub fn hrandfield(&self, key: impl AsRef<[u8]>) -> Result<Option<Vec<u8>>, Error> {
        let one = self.random_fields(key.as_ref(), -1, |field, _| field.to_vec())?;
        Ok(one.into_iter().next())
    }

    /// Random fields: up to `most` different ones, or, when that is negative, as many as it says,
    /// each drawn anew.
    ///
    /// # Errors
    ///
    /// As [`hrandfield`](Self::hrandfield); [`Error::OutOfRange`] below `-i64::MAX`.
    pub fn hrandfield_count(
        &self,
        key: impl AsRef<[u8]>,
        most: i64,
    ) -> Result<Vec<Vec<u8>>, Error> {
        self.random_fields(key.as_ref(), most, |field, _| field.to_vec())
    }

    /// Random fields with their values; as [`hrandfield_count`](Self::hrandfield_count).
    ///
    /// # Errors
    ///
    /// As [`hrandfield_count`](Self::hrandfield_count).
    pub fn hrandfield_with_values(
        &self,
        key: impl AsRef<[u8]>,
        most: i64,
    ) -> Result<Vec<FieldValue>, Error> {
        self.random_fields(key.as_ref(), most, |field, value| (field.to_vec(), value.to_vec()))
    }

    fn random_fields<R>(
        &self,
        key: &[u8],
        most: i64,
        mut take: impl FnMut(Element<'_>, Element<'_>) -> R,
    ) -> Result<Vec<R>, Error> {
        let engine = &*self.engine;
        let guard = engine.pin();
        let hash = hash_of(engine.look_up(&guard, key, engine.hash(key), Touch::Yes))?;
        let chosen = numbers(hash.len(), most, &guard)?.into_iter();
        Ok(chosen
            .filter_map(|number| hash.at(number))
            .map(|(field, value)| take(field, value))
            .collect())
    }
}
