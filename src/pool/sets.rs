//! Sets: SADD, SISMEMBER and their kin.

use super::{
    MemoryCachePool,
    edits::set_of,
    engine::{Engine, Touch},
    hashes::count,
    random::{distinct, numbers},
};
use crate::{
    error::Error,
    record::collection::Family,
    value::{element::Element, set::SetValue},
};

impl MemoryCachePool {
    /// Adds `member` to the set at `key`; true when it is new. The time to live of the key stays.
    ///
    /// O(log members): a set of up to 64 members and 1,200 bytes is written anew, of a larger one
    /// some nodes are. Lock-free: tries again only when another write of the key, or an insert of
    /// its bucket, has succeeded.
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`] when the key holds no set, [`Error::ValueTooLong`] beyond 512 MiB,
    /// [`Error::TooManyElements`]; or as [`set`](Self::set). Nothing has changed then.
    pub fn sadd(&self, key: impl AsRef<[u8]>, member: impl AsRef<[u8]>) -> Result<bool, Error> {
        self.engine.add_member(key.as_ref(), member.as_ref())
    }

    /// Adds several members, all at once, and returns how many are new.
    ///
    /// # Errors
    ///
    /// As [`sadd`](Self::sadd).
    pub fn sadd_many<M: AsRef<[u8]>>(
        &self,
        key: impl AsRef<[u8]>,
        members: &[M],
    ) -> Result<usize, Error> {
        if let [member] = members {
            return self.sadd(key, member).map(usize::from);
        }
        let outcome = self.engine.edit_set(key.as_ref(), |edit| {
            members.iter().try_for_each(|member| edit.add(member.as_ref()))
        })?;
        Ok(outcome.added)
    }

    /// Removes `member`; false when it is none. The key goes with its last member.
    ///
    /// # Errors
    ///
    /// As [`sadd`](Self::sadd).
    pub fn srem(&self, key: impl AsRef<[u8]>, member: impl AsRef<[u8]>) -> Result<bool, Error> {
        self.engine.remove_field(key.as_ref(), Family::Set, member.as_ref())
    }

    /// Removes several members, all at once, and returns how many there were.
    ///
    /// # Errors
    ///
    /// As [`sadd`](Self::sadd).
    pub fn srem_many<M: AsRef<[u8]>>(
        &self,
        key: impl AsRef<[u8]>,
        members: &[M],
    ) -> Result<usize, Error> {
        if let [member] = members {
            return self.srem(key, member).map(usize::from);
        }
        let outcome = self.engine.edit_set(key.as_ref(), |edit| {
            members.iter().try_for_each(|member| edit.remove(member.as_ref()))
        })?;
        Ok(outcome.removed)
    }

    /// Whether `member` is one. Waits for nobody; one candidate is compared.
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`] when the key holds no set.
    pub fn sismember(
        &self,
        key: impl AsRef<[u8]>,
        member: impl AsRef<[u8]>,
    ) -> Result<bool, Error> {
        read_set(&self.engine, key.as_ref(), |set, engine| {
            set.contains(member.as_ref(), &engine.hasher)
        })
    }

    /// Whether each of several is a member, of one moment.
    ///
    /// # Errors
    ///
    /// As [`sismember`](Self::sismember).
    pub fn smismember<M: AsRef<[u8]>>(
        &self,
        key: impl AsRef<[u8]>,
        members: &[M],
    ) -> Result<Vec<bool>, Error> {
        read_set(&self.engine, key.as_ref(), |set, engine| {
            members.iter().map(|member| set.contains(member.as_ref(), &engine.hasher)).collect()
        })
    }

    /// All members, of one moment, in no order. O(members).
    ///
    /// # Errors
    ///
    /// As [`sismember`](Self::sismember).
    pub fn smembers(&self, key: impl AsRef<[u8]>) -> Result<Vec<Vec<u8>>, Error> {
        read_set(&self.engine, key.as_ref(), |set, _| set.iter().map(Element::to_vec).collect())
    }

    /// How many members there are; 0 when the key does not exist.
    ///
    /// # Errors
    ///
    /// As [`sismember`](Self::sismember).
    pub fn scard(&self, key: impl AsRef<[u8]>) -> Result<usize, Error> {
        read_set(&self.engine, key.as_ref(), |set, _| count(set.len()))
    }

    /// Takes a random member.
    ///
    /// # Errors
    ///
    /// As [`sadd`](Self::sadd).
    pub fn spop(&self, key: impl AsRef<[u8]>) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.spop_count(key, 1)?.pop())
    }

    /// Takes up to `most` random members.
    ///
    /// # Errors
    ///
    /// As [`sadd`](Self::sadd).
    pub fn spop_count(&self, key: impl AsRef<[u8]>, most: usize) -> Result<Vec<Vec<u8>>, Error> {
        self.engine.take_members(key.as_ref(), |guard, set| {
            let chosen = distinct(set.len(), most, guard).into_iter();
            chosen.filter_map(|number| set.at(number)).map(Element::to_vec).collect()
        })
    }

    /// A random member, which stays.
    ///
    /// # Errors
    ///
    /// As [`sismember`](Self::sismember).
    pub fn srandmember(&self, key: impl AsRef<[u8]>) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.srandmember_count(key, -1)?.pop())
    }

    /// Random members: up to `most` different ones, or, when that is negative, as many as it says,
    /// each drawn anew.
    ///
    /// # Errors
    ///
    /// As [`sismember`](Self::sismember); [`Error::OutOfRange`] below `-i64::MAX`.
    pub fn srandmember_count(
        &self,
        key: impl AsRef<[u8]>,
        most: i64,
    ) -> Result<Vec<Vec<u8>>, Error> {
        let engine = &*self.engine;
        let guard = engine.pin();
        let key = key.as_ref();
        let live = engine.look_up(&guard, key, engine.hash(key), Touch::Yes);
        let set = set_of(live)?;
        let chosen = numbers(set.len(), most, &guard)?;
        let members = chosen.into_iter().filter_map(|number| set.at(number));
        Ok(members.map(Element::to_vec).collect())
    }

    /// Moves `member` from one set to another; false when it is not in the first.
    ///
    /// Not yet atomic: for a moment the member is in neither set. When `destination` refuses it, it
    /// goes back to where it came from.
    ///
    /// # Errors
    ///
    /// As [`sadd`](Self::sadd), for either key; the one for `destination` not when `source` does
    /// not exist.
    pub fn smove(
        &self,
        source: impl AsRef<[u8]>,
        destination: impl AsRef<[u8]>,
        member: impl AsRef<[u8]>,
    ) -> Result<bool, Error> {
        let (source, destination) = (source.as_ref(), destination.as_ref());
        let member = member.as_ref();
        let engine = &*self.engine;
        // Kept to the end: an object that the member stands for is there meanwhile.
        let guard = engine.pin();
        let look = |key| engine.look_up(&guard, key, engine.hash(key), Touch::No);
        let Some(from) = look(source) else { return Ok(false) };
        let from = set_of(Some(from))?;
        set_of(look(destination))?;
        if source == destination {
            return Ok(from.contains(member, &engine.hasher));
        }
        if !self.srem(source, member)? {
            return Ok(false);
        }
        if let Err(error) = self.sadd(destination, member) {
            self.sadd(source, member)?;
            return Err(error);
        }
        Ok(true)
    }
}

/// Shows the set at a key, or the empty one.
#[inline]
pub(super) fn read_set<R>(
    engine: &Engine,
    key: &[u8],
    look: impl FnOnce(SetValue<'_>, &Engine) -> R,
) -> Result<R, Error> {
    let hash = engine.hash(key);
    let guard = engine.pin();
    let live = engine.look_up(&guard, key, hash, Touch::Yes);
    Ok(look(set_of(live)?, engine))
}
