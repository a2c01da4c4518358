//! Pushes and pops of one element: the edit of a list that changes its record and nothing else.

use super::engine::{Engine, live_of};
use crate::{
    error::Error,
    reclaim::Guard,
    record::{Draft, LONGEST_KEY, Origin, collection::Body},
    tally::Tally,
    value::list::{ListImage, ListValue},
};

impl Engine {
    /// Gives a list other ends, until no other write of the key comes first; what
    /// [`edit_list`](Self::edit_list) would do, at half of the instructions. None when there is no
    /// list, or when the call makes no ends since more than those changes.
    ///
    /// # Errors
    ///
    /// As for [`edit_list`](Self::edit_list).
    #[inline(always)]
    pub(super) fn edit_ends<'g, T>(
        &'g self,
        guard: &'g Guard<'_>,
        key: &[u8],
        act: impl Fn(ListValue<'g>) -> Option<(ListImage<'g, 'g>, T)>,
    ) -> Result<Option<T>, Error> {
        if key.len() > LONGEST_KEY {
            return Err(Error::KeyTooLong);
        }
        let hash = self.hash(key);
        loop {
            let Some(found) = self.find_for_write(guard, key, hash) else { return Ok(None) };
            let old = live_of(&found, guard);
            if !self.is_current(old) {
                return Ok(None);
            }
            let Some((image, reply)) = old.list().and_then(&act) else { return Ok(None) };
            if self.evictor.is_limited() {
                self.make_room(guard, hash, Body::List(&image).block_size(key.len()), 0)?;
            }
            let written = self.elapsed_coarse();
            let usage = old.usage().inherit(self.evictor.pace.now());
            let origin = Origin { hash, deadline: old.deadline(), written, usage };
            let draft = Draft::with_list(key, &image, origin, guard);
            if self.replace_inline::<true>(guard, &found, hash, draft, false) {
                self.finish(guard, Tally::Sets);
                return Ok(Some(reply));
            }
        }
    }
}
