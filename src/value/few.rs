//! A list whose first items need no allocation.
//!
//! An edit of one element touches a handful of nodes and builds its value from a handful of pieces;
//! an edit of a million elements has the same code and lists a million of them.

use std::{mem::MaybeUninit, ops::Deref};

/// Items for which there is room at once when those that are there have to move.
const ROOM: usize = 16;

/// A list of plain values: in it as long as there are no more than `HERE`, then elsewhere.
pub(crate) struct Few<T: Copy, const HERE: usize> {
    len: usize,
    /// All items, as long as they fit.
    here: [MaybeUninit<T>; HERE],
    /// All items, once they do not.
    #[expect(clippy::box_collection, reason = "a word to initialize and to look at, not three")]
    elsewhere: Option<Box<Vec<MaybeUninit<T>>>>,
}

impl<T: Copy, const HERE: usize> Few<T, HERE> {
    /// An empty list.
    #[inline]
    pub(crate) const fn new() -> Self {
        Self { len: 0, here: [const { MaybeUninit::uninit() }; HERE], elsewhere: None }
    }

    /// Adds an item at the end.
    ///
    /// The item is written where it stays: if a call that is hardly ever made took it, it would be
    /// written elsewhere first and read back at once, in other pieces, which processors wait for.
    #[inline]
    pub(crate) fn push(&mut self, item: T) {
        let place = match self.here.get_mut(self.len) {
            Some(free) => free,
            None => self.place_elsewhere(),
        };
        place.write(item);
        self.len += 1;
    }

    /// A place behind the items, when there is none here.
    #[cold]
    #[inline(never)]
    fn place_elsewhere(&mut self) -> &mut MaybeUninit<T> {
        if self.len == HERE {
            let mut all = Vec::with_capacity(HERE + ROOM);
            all.extend_from_slice(&self.here);
            self.elsewhere = Some(Box::new(all));
        }
        let all = self.elsewhere.get_or_insert_default();
        all.push(MaybeUninit::uninit());
        let last = all.len() - 1;
        &mut all[last]
    }

    /// Takes out an item; the last one moves into its place.
    pub(crate) fn swap_remove(&mut self, index: usize) -> Option<T> {
        let item = *self.get(index)?;
        let last = self.len - 1;
        let items = self.as_mut_slice();
        items[index] = items[last];
        self.truncate(last);
        Some(item)
    }

    /// Keeps the first items only.
    pub(crate) fn truncate(&mut self, len: usize) {
        if len >= self.len {
            return;
        }
        if let Some(mut all) = self.elsewhere.take() {
            all.truncate(len);
            if len > HERE {
                self.elsewhere = Some(all);
            } else {
                self.here[..len].copy_from_slice(&all);
            }
        }
        self.len = len;
    }

    /// Takes all items out.
    #[inline]
    pub(crate) fn clear(&mut self) {
        if self.len > HERE {
            self.elsewhere = None;
        }
        self.len = 0;
    }

    /// The items, to be changed.
    #[inline]
    pub(crate) fn as_mut_slice(&mut self) -> &mut [T] {
        if self.len <= HERE {
            let start = self.here.as_mut_ptr().cast::<T>();
            // SAFETY: the first `len` items of `here` are initialized, and borrowed through `self`.
            unsafe { std::slice::from_raw_parts_mut(start, self.len) }
        } else {
            let all = self.elsewhere.as_mut().map_or(&mut [][..], |all| all);
            // SAFETY: all of them were written by `push`, and are borrowed through `self`.
            unsafe { std::slice::from_raw_parts_mut(all.as_mut_ptr().cast(), all.len()) }
        }
    }
}

impl<T: Copy, const HERE: usize> Deref for Few<T, HERE> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        if self.len <= HERE {
            let start = self.here.as_ptr().cast::<T>();
            // SAFETY: the first `len` items of `here` are initialized, and borrowed through `self`.
            unsafe { std::slice::from_raw_parts(start, self.len) }
        } else {
            let all = self.elsewhere.as_ref().map_or(&[][..], |all| all);
            // SAFETY: all of them were written by `push`, and are borrowed through `self`.
            unsafe { std::slice::from_raw_parts(all.as_ptr().cast(), all.len()) }
        }
    }
}

impl<T: Copy + std::fmt::Debug, const HERE: usize> std::fmt::Debug for Few<T, HERE> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(all(test, not(pool_loom)))]
mod tests {
    use super::*;

    #[test]
    fn items_stay_in_order_when_they_no_longer_fit() {
        let mut few = Few::<u32, 3>::new();

        for item in 0..10 {
            few.push(item);
            assert_eq!(*few, (0..=item).collect::<Vec<_>>()[..]);
        }
    }

    #[test]
    fn a_list_that_gets_shorter_keeps_its_first_items() {
        for len in 0..8 {
            for kept in 0..8 {
                let mut few = Few::<u32, 3>::new();
                (0..len).for_each(|item| few.push(item));

                few.truncate(kept);
                few.push(9);

                let mut expected: Vec<_> = (0..len).take(kept).collect();
                expected.push(9);
                assert_eq!(*few, expected);
            }
        }
    }

    #[test]
    fn the_last_item_takes_the_place_of_one_that_is_taken_out() {
        for len in [3, 4] {
            let mut few = Few::<u32, 3>::new();
            (0..len).for_each(|item| few.push(item));

            assert_eq!(few.swap_remove(1), Some(1));
            assert_eq!(few[1], len - 1);
            assert_eq!(few.len(), len as usize - 1);
            assert_eq!(few.swap_remove(len as usize), None);
        }
    }

    #[test]
    fn a_list_that_was_emptied_begins_anew() {
        for len in [1, 5] {
            let mut few = Few::<u32, 3>::new();
            (0..len).for_each(|item| few.push(item));

            few.clear();
            few.push(7);
            few.as_mut_slice()[0] += 1;

            assert_eq!(*few, [8]);
        }
    }
}
