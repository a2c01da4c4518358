//! Commands over several lists: LMOVE, RPOPLPUSH, LMPOP.

use super::{
    MemoryCachePool,
    edits::{Changes, list_of},
    engine::{Engine, Touch},
    list_ends::{pop, pop_one},
    lists::{ListEnd, PushOptions},
};
use crate::{error::Error, value::element::Element};

/// What [`lmpop`](MemoryCachePool::lmpop) has taken.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct PoppedElements {
    /// Which of the keys they are from.
    pub index: usize,
    /// The elements, in the order in which they were taken.
    pub elements: Vec<Vec<u8>>,
}

impl MemoryCachePool {
    /// Takes an element from one end of the list at `source`, puts it at an end of the one at
    /// `destination`, and returns it; `None` when `source` does not exist.
    ///
    /// With one key for both this is one step. With two it is not yet atomic: for a moment the
    /// element is in neither list. When `destination` refuses it, it goes back to where it came
    /// from.
    ///
    /// # Errors
    ///
    /// As [`lpush`](Self::lpush), for either key.
    pub fn lmove(
        &self,
        source: impl AsRef<[u8]>,
        destination: impl AsRef<[u8]>,
        from: ListEnd,
        to: ListEnd,
    ) -> Result<Option<Vec<u8>>, Error> {
        let (source, destination) = (source.as_ref(), destination.as_ref());
        if source == destination {
            return rotate(&self.engine, source, from, to);
        }
        if !self.check_lists(source, destination)? {
            return Ok(None);
        }
        // An object that the element stands for is there meanwhile.
        let _pinned = self.engine.pin();
        let Some(element) = pop_one(&self.engine, source, from)? else { return Ok(None) };
        if let Err(error) = self.push_options(destination, &[&element], PushOptions::at(to)) {
            self.push_options(source, &[&element], PushOptions::at(from))?;
            return Err(error);
        }
        Ok(Some(element))
    }

    /// [`lmove`](Self::lmove) from the right end to the left one.
    ///
    /// # Errors
    ///
    /// As [`lmove`](Self::lmove).
    pub fn rpoplpush(
        &self,
        source: impl AsRef<[u8]>,
        destination: impl AsRef<[u8]>,
    ) -> Result<Option<Vec<u8>>, Error> {
        self.lmove(source, destination, ListEnd::Right, ListEnd::Left)
    }

    /// Takes up to `most` elements from an end of the first of several lists that exists, and
    /// returns that key's index with them.
    ///
    /// # Errors
    ///
    /// [`Error::NotPositive`] when `most` is 0 or there are no keys, [`Error::WrongType`] at the
    /// first key that holds no list; or as [`lpush`](Self::lpush).
    pub fn lmpop<K: AsRef<[u8]>>(
        &self,
        keys: &[K],
        end: ListEnd,
        most: usize,
    ) -> Result<Option<PoppedElements>, Error> {
        if most == 0 || keys.is_empty() {
            return Err(Error::NotPositive);
        }
        for (index, key) in keys.iter().enumerate() {
            if let Some(popped) = pop(&self.engine, key.as_ref(), end, most)? {
                return Ok(Some(PoppedElements { index, elements: popped }));
            }
        }
        Ok(None)
    }

    /// Whether the source exists; an error unless both are lists or missing.
    fn check_lists(&self, source: &[u8], destination: &[u8]) -> Result<bool, Error> {
        let engine = &*self.engine;
        let guard = engine.pin();
        let look = |key| engine.look_up(&guard, key, engine.hash(key), Touch::No);
        if list_of(look(source))?.len() == 0 {
            return Ok(false);
        }
        list_of(look(destination))?;
        Ok(true)
    }
}

/// LMOVE within one list.
fn rotate(
    engine: &Engine,
    key: &[u8],
    from: ListEnd,
    to: ListEnd,
) -> Result<Option<Vec<u8>>, Error> {
    loop {
        let guard = engine.pin();
        let live = engine.look_up(&guard, key, engine.hash(key), Touch::Yes);
        let list = list_of(live)?;
        let Some(last) = list.len().checked_sub(1) else { return Ok(None) };
        let at = if from == ListEnd::Left { 0 } else { last };
        let Some(element) = list.at(at).map(Element::to_vec) else { return Ok(None) };
        let writer = engine.pin();
        let is_moved = engine.edit_list(&writer, key, |list, steps| {
            let Some(last) = list.len().checked_sub(1) else { return Ok((Changes::No, false)) };
            let at = if from == ListEnd::Left { 0 } else { last };
            if list.at(at) != Some(Element::of(&element)) {
                return Ok((Changes::No, false));
            }
            match from {
                ListEnd::Left => steps.trim(1, list.len()),
                ListEnd::Right => steps.trim(0, last),
            }
            steps.push(to.side(), &element)?;
            Ok((Changes::Added, true))
        })?;
        if is_moved {
            return Ok(Some(element));
        }
    }
}
