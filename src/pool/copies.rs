//! COPY, RENAME and RENAMENX.

use super::{MemoryCachePool, engine::Engine};
use crate::{error::Error, reclaim::Guard, record::Live};

impl MemoryCachePool {
    /// Gives `destination` a copy of the value of `source`, and its time to live; false when
    /// `source` does not exist, or when `destination` does and is not to be replaced.
    ///
    /// O(elements): the two share nothing. Not yet atomic: `source` is copied as it is at some
    /// moment of the call, and `destination` is written later than that.
    ///
    /// # Errors
    ///
    /// [`Error::SameKey`]; or as [`set`](Self::set).
    pub fn copy(
        &self,
        source: impl AsRef<[u8]>,
        destination: impl AsRef<[u8]>,
        replaces: bool,
    ) -> Result<bool, Error> {
        let (source, destination) = (source.as_ref(), destination.as_ref());
        if source == destination {
            return Err(Error::SameKey);
        }
        let engine = &*self.engine;
        let guard = engine.pin_to_write();
        match engine.target(&guard, source)?.live {
            None => Ok(false),
            Some(live) => copy_to(engine, &guard, live, destination, replaces),
        }
    }

    /// Gives the value of `source`, and its time to live, to `destination`, whatever that held.
    ///
    /// O(elements). Not yet atomic: for a moment both keys have the value.
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchKey`] when `source` does not exist; or as [`set`](Self::set).
    pub fn rename(
        &self,
        source: impl AsRef<[u8]>,
        destination: impl AsRef<[u8]>,
    ) -> Result<(), Error> {
        rename(&self.engine, source.as_ref(), destination.as_ref(), true).map(|_| ())
    }

    /// As [`rename`](Self::rename), but false, and nothing happens, when `destination` exists.
    ///
    /// # Errors
    ///
    /// As [`rename`](Self::rename).
    pub fn renamenx(
        &self,
        source: impl AsRef<[u8]>,
        destination: impl AsRef<[u8]>,
    ) -> Result<bool, Error> {
        rename(&self.engine, source.as_ref(), destination.as_ref(), false)
    }
}

/// RENAME and RENAMENX.
fn rename(
    engine: &Engine,
    source: &[u8],
    destination: &[u8],
    mut replaces: bool,
) -> Result<bool, Error> {
    loop {
        let guard = engine.pin_to_write();
        let target = engine.target(&guard, source)?;
        let Some(live) = target.live else { return Err(Error::NoSuchKey) };
        if source == destination {
            return Ok(replaces);
        }
        if !copy_to(engine, &guard, live, destination, replaces)? {
            return Ok(false);
        }
        if engine.clear(&guard, &target) {
            return Ok(true);
        }
        // The source was written meanwhile: what the destination has is an older value of it.
        replaces = true;
    }
}

/// Gives `destination` a copy of a value; false when it exists and is not to be replaced.
fn copy_to(
    engine: &Engine,
    guard: &Guard<'_>,
    live: Live<'_>,
    destination: &[u8],
    replaces: bool,
) -> Result<bool, Error> {
    loop {
        let target = engine.target(guard, destination)?;
        if target.live.is_some() && !replaces {
            return Ok(false);
        }
        if engine.install_copy(guard, &target, live)? {
            return Ok(true);
        }
    }
}
