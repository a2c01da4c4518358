//! Lists: LPUSH, LRANGE and their kin.

use super::{
    MemoryCachePool,
    edits::{Changes, list_of},
    engine::{Engine, Touch},
    hashes::count,
    list_ends::{pop, pop_one, push_all, push_one},
};
use crate::{
    error::Error,
    value::{element::Element, list::ListValue, packed::run::Side},
};
use std::ops::Range;

/// An end of a list.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ListEnd {
    /// The one at which index 0 is.
    Left,
    /// The other one.
    Right,
}

impl ListEnd {
    /// The same, as values name it.
    pub(super) fn side(self) -> Side {
        match self {
            Self::Left => Side::Left,
            Self::Right => Side::Right,
        }
    }
}

/// Where [`linsert`](MemoryCachePool::linsert) puts an element.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum InsertPosition {
    /// In front of the pivot.
    Before,
    /// Behind the pivot.
    After,
}

/// How elements are pushed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[must_use]
pub struct PushOptions {
    pub(super) end: ListEnd,
    pub(super) only_existing: bool,
    pub(super) max_len: Option<usize>,
}

impl PushOptions {
    /// At this end, whether or not the list exists.
    pub fn at(end: ListEnd) -> Self {
        Self { end, only_existing: false, max_len: None }
    }

    /// Only if the list exists (LPUSHX, RPUSHX).
    pub fn only_existing(mut self) -> Self {
        self.only_existing = true;
        self
    }

    /// Afterwards the list keeps that many elements, those nearest to this end: what a ring buffer
    /// does. Overrides the configured [`list_max_len`](super::CacheConfig::list_max_len).
    pub fn max_len(mut self, most: usize) -> Self {
        self.max_len = Some(most);
        self
    }

    /// The most elements that the list keeps.
    #[inline]
    pub(super) fn most(&self, engine: &Engine) -> u64 {
        self.max_len.or(engine.config.list_max_len).map_or(u64::MAX, |most| most as u64)
    }
}

impl MemoryCachePool {
    /// Puts `element` in front of the list at `key`, and returns how many there are then. The time
    /// to live of the key stays.
    ///
    /// About as fast for a million elements as for ten: the ends lie in the record, which is
    /// written anew. Lock-free: tries again only when another write of the key, or an insert of its
    /// bucket, has succeeded.
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`] when the key holds no list, [`Error::ValueTooLong`] beyond 512 MiB,
    /// [`Error::TooManyElements`]; or as [`set`](Self::set). Nothing has changed then.
    pub fn lpush(&self, key: impl AsRef<[u8]>, element: impl AsRef<[u8]>) -> Result<usize, Error> {
        push_one(&self.engine, key.as_ref(), element.as_ref(), PushOptions::at(ListEnd::Left))
    }

    /// Puts `element` behind the list; as [`lpush`](Self::lpush).
    ///
    /// # Errors
    ///
    /// As [`lpush`](Self::lpush).
    pub fn rpush(&self, key: impl AsRef<[u8]>, element: impl AsRef<[u8]>) -> Result<usize, Error> {
        push_one(&self.engine, key.as_ref(), element.as_ref(), PushOptions::at(ListEnd::Right))
    }

    /// Puts several elements in front of the list, one after the other, so that the last one comes
    /// to be the first; nobody sees some of them.
    ///
    /// # Errors
    ///
    /// As [`lpush`](Self::lpush).
    pub fn lpush_many<E: AsRef<[u8]>>(
        &self,
        key: impl AsRef<[u8]>,
        elements: &[E],
    ) -> Result<usize, Error> {
        self.push_options(key, elements, PushOptions::at(ListEnd::Left))
    }

    /// Puts several elements behind the list; nobody sees some of them.
    ///
    /// # Errors
    ///
    /// As [`lpush`](Self::lpush).
    pub fn rpush_many<E: AsRef<[u8]>>(
        &self,
        key: impl AsRef<[u8]>,
        elements: &[E],
    ) -> Result<usize, Error> {
        self.push_options(key, elements, PushOptions::at(ListEnd::Right))
    }

    /// As [`lpush`](Self::lpush) if the list exists; returns 0 when it does not.
    ///
    /// # Errors
    ///
    /// As [`lpush`](Self::lpush).
    pub fn lpushx(&self, key: impl AsRef<[u8]>, element: impl AsRef<[u8]>) -> Result<usize, Error> {
        self.push_options(key, &[element], PushOptions::at(ListEnd::Left).only_existing())
    }

    /// As [`rpush`](Self::rpush) if the list exists; returns 0 when it does not.
    ///
    /// # Errors
    ///
    /// As [`lpush`](Self::lpush).
    pub fn rpushx(&self, key: impl AsRef<[u8]>, element: impl AsRef<[u8]>) -> Result<usize, Error> {
        self.push_options(key, &[element], PushOptions::at(ListEnd::Right).only_existing())
    }

    /// Pushes elements as the options say, and returns how many there are then, those included that
    /// a limit has just cut off: as LPUSH answers before an LTRIM.
    ///
    /// # Errors
    ///
    /// As [`lpush`](Self::lpush).
    pub fn push_options<E: AsRef<[u8]>>(
        &self,
        key: impl AsRef<[u8]>,
        elements: &[E],
        options: PushOptions,
    ) -> Result<usize, Error> {
        let (engine, key) = (&*self.engine, key.as_ref());
        if let [element] = elements {
            return push_one(engine, key, element.as_ref(), options);
        }
        push_all(engine, &engine.pin_to_write(), key, elements, options)
    }

    /// Takes the first element. The key goes with its last element.
    ///
    /// # Errors
    ///
    /// As [`lpush`](Self::lpush).
    pub fn lpop(&self, key: impl AsRef<[u8]>) -> Result<Option<Vec<u8>>, Error> {
        pop_one(&self.engine, key.as_ref(), ListEnd::Left)
    }

    /// Takes the last element; as [`lpop`](Self::lpop).
    ///
    /// # Errors
    ///
    /// As [`lpush`](Self::lpush).
    pub fn rpop(&self, key: impl AsRef<[u8]>) -> Result<Option<Vec<u8>>, Error> {
        pop_one(&self.engine, key.as_ref(), ListEnd::Right)
    }

    /// Takes up to `most` elements from the left end; `None` when the key does not exist.
    ///
    /// # Errors
    ///
    /// As [`lpush`](Self::lpush).
    pub fn lpop_count(
        &self,
        key: impl AsRef<[u8]>,
        most: usize,
    ) -> Result<Option<Vec<Vec<u8>>>, Error> {
        pop(&self.engine, key.as_ref(), ListEnd::Left, most)
    }

    /// Takes up to `most` elements from the right end, the last one first; `None` when the key does
    /// not exist.
    ///
    /// # Errors
    ///
    /// As [`lpush`](Self::lpush).
    pub fn rpop_count(
        &self,
        key: impl AsRef<[u8]>,
        most: usize,
    ) -> Result<Option<Vec<Vec<u8>>>, Error> {
        pop(&self.engine, key.as_ref(), ListEnd::Right, most)
    }

    /// How many elements there are; 0 when the key does not exist.
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`] when the key holds no list.
    pub fn llen(&self, key: impl AsRef<[u8]>) -> Result<usize, Error> {
        read_list(&self.engine, key.as_ref(), |list| count(list.len()))
    }

    /// The elements from index `start` to `stop`, both included, of one moment; negative ones count
    /// from the end. O(log elements), and what is returned.
    ///
    /// # Errors
    ///
    /// As [`llen`](Self::llen).
    pub fn lrange(
        &self,
        key: impl AsRef<[u8]>,
        start: i64,
        stop: i64,
    ) -> Result<Vec<Vec<u8>>, Error> {
        let mut elements = Vec::new();
        self.lrange_with(key, start, stop, |element| elements.push(element.to_vec()))?;
        Ok(elements)
    }

    /// Shows the elements of [`lrange`](Self::lrange) where they lie, one after the other, and
    /// returns how many there were; the call must not block.
    ///
    /// # Errors
    ///
    /// As [`llen`](Self::llen).
    pub fn lrange_with(
        &self,
        key: impl AsRef<[u8]>,
        start: i64,
        stop: i64,
        mut show: impl FnMut(&[u8]),
    ) -> Result<usize, Error> {
        read_list(&self.engine, key.as_ref(), |list| {
            let range = clamp(start, stop, list.len());
            let len = count(range.end - range.start);
            let elements = list.iter_from(range.start, Side::Left).take(len);
            elements.for_each(|element| element.with_text(&mut show));
            len
        })
    }

    /// The element of an index; a negative one counts from the end.
    ///
    /// # Errors
    ///
    /// As [`llen`](Self::llen).
    pub fn lindex(&self, key: impl AsRef<[u8]>, index: i64) -> Result<Option<Vec<u8>>, Error> {
        read_list(&self.engine, key.as_ref(), |list| {
            list.at(position(index, list.len())?).map(Element::to_vec)
        })
    }

    /// Gives the element of an index, negative from the end, another text.
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchKey`], [`Error::IndexOutOfRange`]; or as [`lpush`](Self::lpush).
    pub fn lset(
        &self,
        key: impl AsRef<[u8]>,
        index: i64,
        element: impl AsRef<[u8]>,
    ) -> Result<(), Error> {
        let (engine, guard) = (&self.engine, self.engine.pin_to_write());
        let text = element.as_ref();
        let replaced = engine.edit_list_at_once(&guard, key.as_ref(), false, |list, edit| {
            let index = position(index, list.len())?;
            Some((list.replaced(index, text, edit)?, (list, index)))
        })?;
        if let Some((list, index)) = replaced {
            engine.note_written(&guard, &[text]);
            engine.note_steps(&guard, list, &Changes::Replaced(index));
            return Ok(());
        }
        engine.edit_list(&guard, key.as_ref(), |list, steps| {
            if list.len() == 0 {
                return Err(Error::NoSuchKey);
            }
            let index = position(index, list.len()).ok_or(Error::IndexOutOfRange)?;
            if !steps.set(index, text)? {
                return Err(Error::IndexOutOfRange);
            }
            Ok((Changes::Replaced(index), ()))
        })?;
        engine.note_written(&guard, &[text]);
        Ok(())
    }

    /// Puts `element` beside the first one that equals `pivot`, and returns how many there are
    /// then: 0 when the key does not exist, -1 when no element equals `pivot`. O(elements) to find
    /// the pivot, O(log elements) to insert.
    ///
    /// # Errors
    ///
    /// As [`lpush`](Self::lpush).
    pub fn linsert(
        &self,
        key: impl AsRef<[u8]>,
        position: InsertPosition,
        pivot: impl AsRef<[u8]>,
        element: impl AsRef<[u8]>,
    ) -> Result<i64, Error> {
        let guard = self.engine.pin_to_write();
        let len = self.engine.edit_list(&guard, key.as_ref(), |list, steps| {
            if list.len() == 0 {
                return Ok((Changes::No, 0));
            }
            let Some(at) = list.positions(pivot.as_ref(), Side::Left).next() else {
                return Ok((Changes::No, -1));
            };
            steps.insert(at + u64::from(position == InsertPosition::After), element.as_ref())?;
            Ok((Changes::Added, i64::try_from(steps.len()).unwrap_or(i64::MAX)))
        })?;
        if len > 0 {
            self.engine.note_written(&guard, &[element]);
        }
        Ok(len)
    }

    /// Removes elements that equal `element`: the first `most` when that is positive, the last ones
    /// when it is negative, all when it is 0. Returns how many. O(elements).
    ///
    /// # Errors
    ///
    /// As [`lpush`](Self::lpush).
    pub fn lrem(
        &self,
        key: impl AsRef<[u8]>,
        most: i64,
        element: impl AsRef<[u8]>,
    ) -> Result<usize, Error> {
        let side = if most < 0 { Side::Right } else { Side::Left };
        let most = if most == 0 { usize::MAX } else { count(most.unsigned_abs()) };
        let guard = self.engine.pin_to_write();
        self.engine.edit_list(&guard, key.as_ref(), |list, steps| {
            let mut found: Vec<u64> = list.positions(element.as_ref(), side).take(most).collect();
            if found.is_empty() {
                return Ok((Changes::No, 0));
            }
            found.sort_unstable();
            steps.remove(&found);
            let removed = found.len();
            Ok((Changes::Gone(found), removed))
        })
    }

    /// Keeps the elements from index `start` to `stop` only, as [`lrange`](Self::lrange) takes
    /// them. The key goes when none is left. O(log elements); what is cut off is freed later.
    ///
    /// # Errors
    ///
    /// As [`lpush`](Self::lpush).
    pub fn ltrim(&self, key: impl AsRef<[u8]>, start: i64, stop: i64) -> Result<(), Error> {
        let guard = self.engine.pin_to_write();
        self.engine.edit_list(&guard, key.as_ref(), |list, steps| {
            let range = clamp(start, stop, list.len());
            if range == (0..list.len()) {
                return Ok((Changes::No, ()));
            }
            steps.trim(range.start, range.end);
            Ok((Changes::Kept(range), ()))
        })
    }

    /// The index of the first element that equals `element`. O(elements).
    ///
    /// # Errors
    ///
    /// As [`llen`](Self::llen).
    pub fn lpos(
        &self,
        key: impl AsRef<[u8]>,
        element: impl AsRef<[u8]>,
    ) -> Result<Option<usize>, Error> {
        let first = |list: ListValue<'_>| list.positions(element.as_ref(), Side::Left).next();
        Ok(read_list(&self.engine, key.as_ref(), first)?.map(count))
    }

    /// The indices of elements that equal `element` (RANK, COUNT, MAXLEN): from the `rank`th one
    /// on, counted from the end when it is negative; up to `most` of them, all when that is 0;
    /// among the first `max_len` that are compared, all when that is 0.
    ///
    /// # Errors
    ///
    /// [`Error::ZeroRank`] when `rank` is 0; or as [`llen`](Self::llen).
    pub fn lpos_many(
        &self,
        key: impl AsRef<[u8]>,
        element: impl AsRef<[u8]>,
        rank: i64,
        most: usize,
        max_len: usize,
    ) -> Result<Vec<usize>, Error> {
        if rank == 0 {
            return Err(Error::ZeroRank);
        }
        let side = if rank < 0 { Side::Right } else { Side::Left };
        let skipped = count(rank.unsigned_abs() - 1);
        let all_if_zero = |most: usize| if most == 0 { usize::MAX } else { most };
        read_list(&self.engine, key.as_ref(), |list| {
            let compared = all_if_zero(max_len) as u64;
            let is_compared = |&index: &u64| match side {
                Side::Left => index < compared,
                Side::Right => list.len() - index <= compared,
            };
            let found = list.positions(element.as_ref(), side).take_while(is_compared);
            found.skip(skipped).take(all_if_zero(most)).map(count).collect()
        })
    }
}

/// Shows the list at a key, or the empty one.
#[inline]
pub(super) fn read_list<R>(
    engine: &Engine,
    key: &[u8],
    look: impl FnOnce(ListValue<'_>) -> R,
) -> Result<R, Error> {
    let hash = engine.hash(key);
    let guard = engine.pin();
    let live = engine.look_up(&guard, key, hash, Touch::Yes);
    Ok(look(list_of(live)?))
}

/// The index that a possibly negative one stands for; `None` below the first.
fn position(index: i64, len: u64) -> Option<u64> {
    u64::try_from(index).ok().or_else(|| len.checked_add_signed(index))
}

/// LRANGE's bounds as a range of indices.
pub(super) fn clamp(start: i64, stop: i64, len: u64) -> Range<u64> {
    let start = position(start, len).unwrap_or(0);
    let end = position(stop, len).map_or(0, |stop| stop.saturating_add(1).min(len));
    if start < end { start..end } else { 0..0 }
}

#[cfg(all(test, not(pool_loom)))]
mod tests {
    use super::*;
    use crate::CacheConfig;

    /// Small enough for Miri (`.ci/deep miri`): what hangs below a long list's record is made, read,
    /// taken and freed.
    #[test]
    fn a_queue_that_is_longer_than_its_ends_gives_what_was_pushed_and_goes_with_its_key() {
        let pool = MemoryCachePool::new(CacheConfig::new().max_keys(8)).unwrap();
        let text = |number: usize| format!("{number:0200}");

        for number in 0..16 {
            pool.rpush("queue", text(number)).unwrap();
        }
        for number in 0..6 {
            assert_eq!(pool.lpop("queue").unwrap(), Some(text(number).into_bytes()));
        }
        for number in (4..6).rev() {
            pool.lpush("queue", text(number)).unwrap();
        }
        assert!(pool.copy("queue", "twin", false).unwrap());

        for name in ["queue", "twin"] {
            let all = pool.lrange(name, 0, -1).unwrap();
            assert!(all.into_iter().eq((4..16).map(|number| text(number).into_bytes())), "{name}");
            assert_eq!(pool.rpop(name).unwrap(), Some(text(15).into_bytes()));
        }
        assert!(pool.delete("queue"));
    }
}
