//! Plain SET, with a deadline or without: the write that decides nothing.

use super::{
    engine::{Engine, live_of},
    removal::RemovalCause,
    time::Dates,
};
use crate::{
    error::Error,
    record::{Draft, LONGEST_KEY, LONGEST_VALUE, Origin, bytes_of_text},
    tally::Tally,
};

impl Engine {
    /// Sets a key to these bytes, whatever it held: what [`write`](Self::write) would do for a
    /// decision that does not depend on the present value, at two thirds of the instructions.
    #[inline(always)]
    pub(super) fn put(&self, key: &[u8], value: &[u8], dates: Dates) -> Result<(), Error> {
        if key.len() > LONGEST_KEY {
            return Err(Error::KeyTooLong);
        }
        if value.len() > LONGEST_VALUE {
            return Err(Error::ValueTooLong);
        }
        let hash = self.hash(key);
        if self.evictor.is_limited() {
            self.put_limited(key, hash, value, dates)
        } else {
            self.put_as::<false>(key, hash, value, dates)
        }
    }

    /// The rest of [`put`](Self::put) in a pool that has limits; apart, so that others do not pay.
    #[inline(never)]
    fn put_limited(&self, key: &[u8], hash: u64, value: &[u8], dates: Dates) -> Result<(), Error> {
        if self.evictor.max_memory().is_some() {
            self.reserve(key, hash, value.len())?;
        }
        self.put_as::<true>(key, hash, value, dates)
    }

    #[inline(always)]
    fn put_as<const IS_LIMITED: bool>(
        &self,
        key: &[u8],
        hash: u64,
        value: &[u8],
        dates: Dates,
    ) -> Result<(), Error> {
        let Dates { deadline, written } = dates;
        let guard = &self.pin();
        loop {
            let found = self.find_for_write(guard, key, hash);
            let now = self.evictor.pace.now();
            let done = match &found {
                None => {
                    let usage = self.first_usage(hash, IS_LIMITED, now);
                    let origin = Origin { hash, deadline, written, usage, is_spared: false };
                    let draft = Draft::with_bytes(key, value, origin, guard);
                    self.insert(guard, key, hash, draft, IS_LIMITED)?
                }
                Some(found) => {
                    let live = live_of(found, guard);
                    let cause = if self.has_expired_since(live.deadline(), written) {
                        RemovalCause::Expired
                    } else {
                        RemovalCause::Replaced
                    };
                    let usage = live.usage().inherit(now);
                    let before = (cause == RemovalCause::Replaced).then_some(live);
                    let is_spared = self.spares(before, false, || {
                        let (block, held) = bytes_of_text(key.len(), value.len());
                        block + held
                    })?;
                    let origin = Origin { hash, deadline, written, usage, is_spared };
                    let draft = Draft::with_bytes(key, value, origin, guard);
                    let memory = draft.live().memory();
                    let draft = (draft, memory);
                    self.replace_inline::<IS_LIMITED>(guard, found, hash, draft, Some(cause))
                }
            };
            if done {
                self.count(guard, Tally::Sets);
                self.upkeep(guard);
                return Ok(());
            }
        }
    }
}
