//! Intersections, unions and differences of sets.
//!
//! None of these is atomic yet: each set is read as it is at some moment of the call, and a result
//! is stored later than that.

use super::{
    MemoryCachePool,
    edits::set_of,
    engine::{Engine, Touch},
};
use crate::{
    error::Error,
    reclaim::Guard,
    value::{element::Element, set::SetValue},
};
use std::collections::HashSet;

impl MemoryCachePool {
    /// The members that are in all of several sets. O(members of the smallest, times sets).
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`] when a key holds no set, even if another one does not exist.
    pub fn sinter<K: AsRef<[u8]>>(&self, keys: &[K]) -> Result<Vec<Vec<u8>>, Error> {
        let mut members = Vec::new();
        self.for_each_common(keys, |member| {
            members.push(member.to_vec());
            true
        })?;
        Ok(members)
    }

    /// How many members are in all of several sets, counted up to `limit`; 0 is no limit.
    ///
    /// # Errors
    ///
    /// As [`sinter`](Self::sinter); [`Error::NotPositive`] when there are no keys.
    pub fn sintercard<K: AsRef<[u8]>>(&self, keys: &[K], limit: usize) -> Result<usize, Error> {
        if keys.is_empty() {
            return Err(Error::NotPositive);
        }
        let mut common = 0;
        self.for_each_common(keys, |_| {
            common += 1;
            common != limit
        })?;
        Ok(common)
    }

    /// The members of any of several sets.
    ///
    /// # Errors
    ///
    /// As [`sinter`](Self::sinter).
    pub fn sunion<K: AsRef<[u8]>>(&self, keys: &[K]) -> Result<Vec<Vec<u8>>, Error> {
        let guard = self.engine.pin();
        let mut seen = HashSet::new();
        for set in sets(&self.engine, &guard, keys)? {
            seen.extend(set.iter().map(Element::to_vec));
        }
        Ok(seen.into_iter().collect())
    }

    /// The members of the first set that are in none of the others.
    ///
    /// # Errors
    ///
    /// As [`sinter`](Self::sinter).
    pub fn sdiff<K: AsRef<[u8]>>(&self, keys: &[K]) -> Result<Vec<Vec<u8>>, Error> {
        let guard = self.engine.pin();
        let sets = sets(&self.engine, &guard, keys)?;
        let Some((first, others)) = sets.split_first() else { return Ok(Vec::new()) };
        let members = first.iter().map(Element::to_vec);
        let hasher = &self.engine.hasher;
        let stays = |member: &Vec<u8>| !others.iter().any(|set| set.contains(member, hasher));
        Ok(members.filter(stays).collect())
    }

    /// Gives `destination` the members of [`sinter`](Self::sinter), whatever it held, without a
    /// time to live (or with the configured `default_ttl`), and returns how many there are; none
    /// remove it.
    ///
    /// # Errors
    ///
    /// As [`sinter`](Self::sinter) and [`set`](Self::set).
    pub fn sinterstore<K: AsRef<[u8]>>(
        &self,
        destination: impl AsRef<[u8]>,
        keys: &[K],
    ) -> Result<usize, Error> {
        self.store(destination.as_ref(), || self.sinter(keys))
    }

    /// Gives `destination` the members of [`sunion`](Self::sunion); as
    /// [`sinterstore`](Self::sinterstore).
    ///
    /// # Errors
    ///
    /// As [`sinterstore`](Self::sinterstore).
    pub fn sunionstore<K: AsRef<[u8]>>(
        &self,
        destination: impl AsRef<[u8]>,
        keys: &[K],
    ) -> Result<usize, Error> {
        self.store(destination.as_ref(), || self.sunion(keys))
    }

    /// Gives `destination` the members of [`sdiff`](Self::sdiff); as
    /// [`sinterstore`](Self::sinterstore).
    ///
    /// # Errors
    ///
    /// As [`sinterstore`](Self::sinterstore).
    pub fn sdiffstore<K: AsRef<[u8]>>(
        &self,
        destination: impl AsRef<[u8]>,
        keys: &[K],
    ) -> Result<usize, Error> {
        self.store(destination.as_ref(), || self.sdiff(keys))
    }

    fn store(
        &self,
        destination: &[u8],
        combine: impl FnOnce() -> Result<Vec<Vec<u8>>, Error>,
    ) -> Result<usize, Error> {
        // Objects that members stand for are there meanwhile.
        let _pinned = self.engine.pin();
        let members = combine()?;
        self.engine.put_set(destination, &members)?;
        Ok(members.len())
    }

    /// Shows the members that are in all sets, until the call has seen enough.
    fn for_each_common<K: AsRef<[u8]>>(
        &self,
        keys: &[K],
        mut show: impl FnMut(&[u8]) -> bool,
    ) -> Result<(), Error> {
        let guard = self.engine.pin();
        let mut sets = sets(&self.engine, &guard, keys)?;
        sets.sort_by_key(|set| set.len());
        let Some((smallest, others)) = sets.split_first() else { return Ok(()) };
        for member in smallest.iter() {
            let goes_on = member.with_text(|text| {
                let is_common = others.iter().all(|set| set.contains(text, &self.engine.hasher));
                !is_common || show(text)
            });
            if !goes_on {
                break;
            }
        }
        Ok(())
    }
}

/// The sets at several keys.
fn sets<'g, K: AsRef<[u8]>>(
    engine: &'g Engine,
    guard: &'g Guard<'_>,
    keys: &[K],
) -> Result<Vec<SetValue<'g>>, Error> {
    let set = |key: &K| {
        let key = key.as_ref();
        set_of(engine.look_up(guard, key, engine.hash(key), Touch::Yes))
    };
    keys.iter().map(set).collect()
}
