//! Hashes: HSET, HGET and their kin.

use super::{
    MemoryCachePool,
    edits::hash_of,
    engine::{Engine, Touch},
};
use crate::{
    error::Error,
    record::collection::Family,
    value::{element::Element, extended::Extended, hash::HashValue},
};

/// A field and its value.
pub type FieldValue = (Vec<u8>, Vec<u8>);

impl MemoryCachePool {
    /// Gives `field` of the hash at `key` a value; true when the field is new. The time to live of
    /// the key stays.
    ///
    /// O(log fields): a hash of up to 64 fields and 1,200 bytes is written anew, of a larger one
    /// some nodes are. Lock-free: tries again only when another write of the key, or an insert of
    /// its bucket, has succeeded.
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`] when the key holds no hash, [`Error::ValueTooLong`] beyond 512 MiB,
    /// [`Error::TooManyElements`]; or as [`set`](Self::set). Nothing has changed then.
    pub fn hset(
        &self,
        key: impl AsRef<[u8]>,
        field: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
    ) -> Result<bool, Error> {
        self.engine.set_field(key.as_ref(), field.as_ref(), value.as_ref())
    }

    /// Gives several fields their values, all at once: nobody sees some of them. Returns how many
    /// of the fields are new; of a field that is named twice, the last value counts.
    ///
    /// # Errors
    ///
    /// As [`hset`](Self::hset); [`Error::Syntax`] without a field.
    pub fn hset_many<F: AsRef<[u8]>, V: AsRef<[u8]>>(
        &self,
        key: impl AsRef<[u8]>,
        pairs: &[(F, V)],
    ) -> Result<usize, Error> {
        if let [(field, value)] = pairs {
            return self.hset(key, field, value).map(usize::from);
        }
        if pairs.is_empty() {
            return Err(Error::Syntax);
        }
        let outcome = self.engine.edit_hash(key.as_ref(), |edit| {
            pairs.iter().try_for_each(|(field, value)| edit.set(field.as_ref(), value.as_ref()))
        })?;
        Ok(outcome.added)
    }

    /// Gives `field` a value if the hash does not have it; true when it did not.
    ///
    /// # Errors
    ///
    /// As [`hset`](Self::hset).
    pub fn hsetnx(
        &self,
        key: impl AsRef<[u8]>,
        field: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
    ) -> Result<bool, Error> {
        let mut is_new = false;
        self.engine.update_field(key.as_ref(), field.as_ref(), |present| {
            is_new = present.is_none();
            Ok(is_new.then(|| value.as_ref().to_vec()))
        })?;
        Ok(is_new)
    }

    /// The value of `field` of the hash at `key`. Waits for nobody; one candidate is compared.
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`] when the key holds no hash.
    pub fn hget(
        &self,
        key: impl AsRef<[u8]>,
        field: impl AsRef<[u8]>,
    ) -> Result<Option<Vec<u8>>, Error> {
        self.hget_with(key, field, <[u8]>::to_vec)
    }

    /// Shows the value of `field` where it lies, without a copy; the call must not block.
    ///
    /// # Errors
    ///
    /// As [`hget`](Self::hget).
    pub fn hget_with<R>(
        &self,
        key: impl AsRef<[u8]>,
        field: impl AsRef<[u8]>,
        look: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>, Error> {
        read_hash(&self.engine, key.as_ref(), |hash, engine| {
            hash.get(field.as_ref(), &engine.hasher).map(|value| value.with_text(look))
        })
    }

    /// The values of several fields, of one moment.
    ///
    /// # Errors
    ///
    /// As [`hget`](Self::hget).
    pub fn hmget<F: AsRef<[u8]>>(
        &self,
        key: impl AsRef<[u8]>,
        fields: &[F],
    ) -> Result<Vec<Option<Vec<u8>>>, Error> {
        read_hash(&self.engine, key.as_ref(), |hash, engine| {
            let value = |field: &F| hash.get(field.as_ref(), &engine.hasher);
            fields.iter().map(|field| value(field).map(Element::to_vec)).collect()
        })
    }

    /// All fields and their values, of one moment: in the order in which they came while the hash
    /// is small, else in no order. O(fields).
    ///
    /// # Errors
    ///
    /// As [`hget`](Self::hget).
    pub fn hgetall(&self, key: impl AsRef<[u8]>) -> Result<Vec<FieldValue>, Error> {
        read_hash(&self.engine, key.as_ref(), |hash, _| {
            hash.iter().map(|(field, value)| (field.to_vec(), value.to_vec())).collect()
        })
    }

    /// All fields, as [`hgetall`](Self::hgetall).
    ///
    /// # Errors
    ///
    /// As [`hget`](Self::hget).
    pub fn hkeys(&self, key: impl AsRef<[u8]>) -> Result<Vec<Vec<u8>>, Error> {
        read_hash(&self.engine, key.as_ref(), |hash, _| {
            hash.iter().map(|(field, _)| field.to_vec()).collect()
        })
    }

    /// All values, as [`hgetall`](Self::hgetall).
    ///
    /// # Errors
    ///
    /// As [`hget`](Self::hget).
    pub fn hvals(&self, key: impl AsRef<[u8]>) -> Result<Vec<Vec<u8>>, Error> {
        read_hash(&self.engine, key.as_ref(), |hash, _| {
            hash.iter().map(|(_, value)| value.to_vec()).collect()
        })
    }

    /// Removes `field`; false when it is not there. The key goes with its last field.
    ///
    /// # Errors
    ///
    /// As [`hset`](Self::hset).
    pub fn hdel(&self, key: impl AsRef<[u8]>, field: impl AsRef<[u8]>) -> Result<bool, Error> {
        self.engine.remove_field(key.as_ref(), Family::Hash, field.as_ref())
    }

    /// Removes several fields, all at once, and returns how many there were.
    ///
    /// # Errors
    ///
    /// As [`hset`](Self::hset).
    pub fn hdel_many<F: AsRef<[u8]>>(
        &self,
        key: impl AsRef<[u8]>,
        fields: &[F],
    ) -> Result<usize, Error> {
        if let [field] = fields {
            return self.hdel(key, field).map(usize::from);
        }
        let outcome = self.engine.edit_hash(key.as_ref(), |edit| {
            fields.iter().try_for_each(|field| edit.remove(field.as_ref()))
        })?;
        Ok(outcome.removed)
    }

    /// Whether the hash has `field`.
    ///
    /// # Errors
    ///
    /// As [`hget`](Self::hget).
    pub fn hexists(&self, key: impl AsRef<[u8]>, field: impl AsRef<[u8]>) -> Result<bool, Error> {
        read_hash(&self.engine, key.as_ref(), |hash, engine| {
            hash.contains(field.as_ref(), &engine.hasher)
        })
    }

    /// How many fields there are; 0 when the key does not exist.
    ///
    /// # Errors
    ///
    /// As [`hget`](Self::hget).
    pub fn hlen(&self, key: impl AsRef<[u8]>) -> Result<usize, Error> {
        read_hash(&self.engine, key.as_ref(), |hash, _| count(hash.len()))
    }

    /// The length of the value of `field`; 0 when it is not there.
    ///
    /// # Errors
    ///
    /// As [`hget`](Self::hget).
    pub fn hstrlen(&self, key: impl AsRef<[u8]>, field: impl AsRef<[u8]>) -> Result<usize, Error> {
        read_hash(&self.engine, key.as_ref(), |hash, engine| {
            hash.get(field.as_ref(), &engine.hasher).map_or(0, Element::text_len)
        })
    }

    /// Changes the value of `field` by a function of it, atomically; `change` sees `None` when the
    /// field is not there, and leaves it as it is by returning `None`.
    ///
    /// `change` is called again when another write came first, and runs under a pin: it should have
    /// no effects of its own, be short, and not block.
    ///
    /// # Errors
    ///
    /// What `change` returns; or as [`hset`](Self::hset).
    pub fn hupdate(
        &self,
        key: impl AsRef<[u8]>,
        field: impl AsRef<[u8]>,
        mut change: impl FnMut(Option<&[u8]>) -> Result<Option<Vec<u8>>, Error>,
    ) -> Result<(), Error> {
        self.engine.update_field(key.as_ref(), field.as_ref(), |present| match present {
            None => change(None),
            Some(value) => value.with_text(|text| change(Some(text))),
        })?;
        Ok(())
    }

    /// Adds to the number in `field`, which counts as 0 if it is not there, and returns the sum.
    ///
    /// # Errors
    ///
    /// [`Error::HashValueNotAnInteger`], [`Error::Overflow`]; or as [`hset`](Self::hset).
    pub fn hincrby(
        &self,
        key: impl AsRef<[u8]>,
        field: impl AsRef<[u8]>,
        delta: i64,
    ) -> Result<i64, Error> {
        let mut sum = 0;
        self.engine.update_field(key.as_ref(), field.as_ref(), |present| {
            let before = match present {
                None => 0,
                Some(value) => value.as_integer().ok_or(Error::HashValueNotAnInteger)?,
            };
            sum = before.checked_add(delta).ok_or(Error::Overflow)?;
            Ok(Some(sum.to_string().into_bytes()))
        })?;
        Ok(sum)
    }

    /// Adds a decimal number to the one in `field`, which counts as 0 if it is not there, and
    /// returns the sum as Redis prints it; see [`incrbyfloat_text`](Self::incrbyfloat_text).
    ///
    /// # Errors
    ///
    /// [`Error::NotAFloat`] for the increment, [`Error::HashValueNotAFloat`] for the field's value,
    /// [`Error::NanOrInfinity`]; or as [`hset`](Self::hset).
    pub fn hincrbyfloat_text(
        &self,
        key: impl AsRef<[u8]>,
        field: impl AsRef<[u8]>,
        increment: impl AsRef<[u8]>,
    ) -> Result<Vec<u8>, Error> {
        let increment = Extended::parse(increment.as_ref()).ok_or(Error::NotAFloat)?;
        let mut sum = Vec::new();
        self.engine.update_field(key.as_ref(), field.as_ref(), |present| {
            let before = match present {
                None => Extended::parse(b"0"),
                Some(value) => value.with_text(Extended::parse),
            };
            let before = before.ok_or(Error::HashValueNotAFloat)?;
            sum = before.add(increment).ok_or(Error::NanOrInfinity)?.to_text();
            Ok(Some(sum.clone()))
        })?;
        Ok(sum)
    }

    /// Adds a float to the number in `field`; see [`hincrbyfloat_text`](Self::hincrbyfloat_text),
    /// which keeps digits that the returned `f64` may not have.
    ///
    /// # Errors
    ///
    /// As [`hincrbyfloat_text`](Self::hincrbyfloat_text).
    pub fn hincrbyfloat(
        &self,
        key: impl AsRef<[u8]>,
        field: impl AsRef<[u8]>,
        increment: f64,
    ) -> Result<f64, Error> {
        let sum = self.hincrbyfloat_text(key, field, increment.to_string())?;
        let sum = std::str::from_utf8(&sum).ok().and_then(|text| text.parse().ok());
        sum.ok_or(Error::HashValueNotAFloat)
    }
}

/// Shows the hash at a key, or the empty one.
#[inline]
pub(super) fn read_hash<R>(
    engine: &Engine,
    key: &[u8],
    look: impl FnOnce(HashValue<'_>, &Engine) -> R,
) -> Result<R, Error> {
    let hash = engine.hash(key);
    let guard = engine.pin();
    let live = engine.look_up(&guard, key, hash, Touch::Yes);
    Ok(look(hash_of(live)?, engine))
}

/// A number of elements, of which an address space cannot hold more.
#[inline]
pub(super) fn count(len: u64) -> usize {
    usize::try_from(len).unwrap_or(usize::MAX)
}
