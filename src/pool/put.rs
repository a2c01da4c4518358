//! Plain SET, with a deadline or without: the write that decides nothing.

use super::{
    engine::{Engine, live_of},
    time::Dates,
};
use crate::{
    error::Error,
    record::{
        Draft, LONGEST_KEY, LONGEST_VALUE, Origin,
        usage::{Tick, Usage},
    },
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
        let Dates { deadline, written } = dates;
        let hash = self.hash(key);
        let guard = &self.pin();
        loop {
            let found = self.find_for_write(guard, key, hash);
            let now = Tick::at(written);
            let done = match &found {
                None => {
                    let origin = Origin { hash, deadline, written, usage: Usage::new(now) };
                    let draft = Draft::with_bytes(key, value, origin, guard);
                    self.insert(guard, key, hash, draft)?
                }
                Some(found) => {
                    let live = live_of(found, guard);
                    let was_expired = self.has_expired_since(live.deadline(), written);
                    let usage =
                        if was_expired { Usage::new(now) } else { live.usage().inherit(now) };
                    let origin = Origin { hash, deadline, written, usage };
                    let draft = Draft::with_bytes(key, value, origin, guard);
                    self.replace_inline(guard, found, hash, draft, was_expired)
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
