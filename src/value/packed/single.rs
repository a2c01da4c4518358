//! Writing a packed hash or set with one entry changed, which is what most edits do.
//!
//! A [`Plan`](super::plan::Plan) could say the same; this is three times as fast.

use super::{
    entry::Entry,
    fields::{Fields, Found, MOST_NARROW, narrow_front},
};
use crate::value::{
    change::{Change, Wish},
    element::Element,
    writer::Writer,
};
use std::mem::MaybeUninit;

/// What takes the place of a packed value.
pub(crate) trait Successor {
    /// Bytes that will be written.
    fn encoded_len(&self) -> usize;

    /// Writes the value.
    fn write(&self, to: &mut Writer<'_>);
}

/// A packed value with one entry replaced, added or removed. Old and new layout are narrow.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Single<'a> {
    /// The old value.
    old: Fields<'a>,
    /// What takes the place of a piece of the old entries.
    body: Body<'a>,
    /// Bytes of that.
    body_len: u32,
    /// Bytes of the new value.
    len: u32,
    /// Entries of the old value.
    count: u8,
    /// Entries of the new value.
    new_count: u8,
    /// Where the entry is, or will be.
    index: u8,
    fate: Fate,
    tag: u8,
    /// Where the piece begins.
    start: u16,
    /// Where it ends.
    end: u16,
    /// Bytes of all old entries.
    last: u16,
}

/// A packed value with the text of one field's value replaced by another one as long: what takes its
/// place differs in that text only.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Overwrite<'a> {
    /// The old value.
    bytes: &'a [u8],
    /// Where the text begins in it.
    at: usize,
    text: &'a [u8],
}

impl<'a> Overwrite<'a> {
    /// What becomes of a value in which a field was found, if it becomes no more than that.
    #[inline(always)]
    pub(crate) fn new(old: Fields<'a>, found: Option<Found<'a>>, wish: &Wish<'a>) -> Option<Self> {
        let (Some(found), &Wish::Set(Element::Text(text))) = (found, wish) else { return None };
        if Element::short_text(found.rest)?.len() != text.len() || old.may_point {
            return None;
        }
        // The value is the last part of its entry.
        let (count, _) = old.narrow()?;
        let at = (narrow_front(count.into()) + found.end).checked_sub(text.len())?;
        Some(Self { bytes: old.bytes, at, text })
    }
}

impl Successor for Overwrite<'_> {
    #[inline(always)]
    fn encoded_len(&self) -> usize {
        self.bytes.len()
    }

    #[inline(always)]
    fn write(&self, to: &mut Writer<'_>) {
        let copy = to.copy(Some(self.bytes));
        let place = copy.get_mut(self.at..self.at + self.text.len());
        Writer::new(place.unwrap_or_default()).text(self.text);
    }
}

/// What happens to the entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fate {
    Replaced,
    Added,
    Removed,
    /// Nothing.
    Idle,
}

/// What takes the place of a piece of the old entries.
#[derive(Clone, Copy, Debug)]
enum Body<'a> {
    Nothing,
    /// A value; its field stays.
    Value(Element<'a>),
    /// An entry.
    Entry(Entry<'a>),
}

impl<'a> Single<'a> {
    /// What becomes of a value by a change, if both layouts are narrow. `found` is what the value has
    /// of the field; `make` makes the entry.
    #[inline(always)]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a narrow layout, and a new entry's length"
    )]
    pub(crate) fn new(
        old: &Fields<'a>,
        found: Option<Found<'a>>,
        change: &'a Change<'a>,
        make: impl FnOnce(&'a Change<'a>) -> Entry<'a>,
    ) -> Option<Self> {
        let (count, last) = old.narrow()?;
        let count = usize::from(count);
        if count >= MOST_NARROW || last > usize::from(u16::MAX) {
            return None;
        }
        let (fate, index, mut start, end) = match (found, change.wish) {
            (None, Wish::Remove) | (Some(_), Wish::Add) => (Fate::Idle, 0, 0, 0),
            (None, _) => (Fate::Added, count, last, last),
            (Some(Found { index, start, end, .. }), Wish::Remove) => {
                (Fate::Removed, index, start, end)
            }
            (Some(Found { index, start, end, .. }), _) => (Fate::Replaced, index, start, end),
        };
        let (mut body, mut body_len) = (Body::Nothing, 0);
        if matches!(fate, Fate::Replaced | Fate::Added) {
            let entry = make(change);
            body_len = entry.encoded_len();
            body = Body::Entry(entry);
            if let (Fate::Replaced, Entry::New(_), Wish::Set(value)) = (fate, entry, change.wish)
                && !old.may_point
            {
                let value_len = value.encoded_len();
                start += body_len - value_len;
                (body, body_len) = (Body::Value(value), value_len);
            }
        }
        if start > end || end > last {
            return None;
        }
        let new_last = last - (end - start) + body_len;
        if new_last > usize::from(u16::MAX) {
            return None;
        }
        let new_count = match fate {
            Fate::Replaced | Fate::Idle => count,
            Fate::Added => count + 1,
            Fate::Removed => count - 1,
        };
        Some(Self {
            old: *old,
            body,
            body_len: body_len as u32,
            len: (narrow_front(new_count) + new_last) as u32,
            count: count as u8,
            new_count: new_count as u8,
            index: index as u8,
            fate,
            tag: change.hash.tag(),
            start: start as u16,
            end: end as u16,
            last: last as u16,
        })
    }

    /// What happens to the entry.
    #[inline]
    pub(crate) fn fate(&self) -> Fate {
        self.fate
    }

    /// The value that it began with, and the entry of it that does not stay.
    #[inline]
    pub(super) fn gone(&self) -> Option<(&Fields<'a>, usize)> {
        match self.fate {
            Fate::Replaced | Fate::Removed => Some((&self.old, self.index.into())),
            Fate::Added | Fate::Idle => None,
        }
    }

    /// The new entry, if it is not only a value.
    #[inline]
    pub(super) fn entry_mut(&mut self) -> Option<&mut Entry<'a>> {
        match &mut self.body {
            Body::Entry(entry) => Some(entry),
            Body::Nothing | Body::Value(_) => None,
        }
    }

    /// Whether an entry may lie outside.
    #[inline]
    pub(crate) fn may_point(&self) -> bool {
        self.old.may_point || matches!(&self.body, Body::Entry(entry) if entry.points())
    }

    /// The number of entries that will be there.
    #[inline]
    pub(crate) fn count(&self) -> usize {
        self.new_count.into()
    }

    #[inline]
    fn write_body(&self, to: &mut Writer<'_>) {
        match &self.body {
            Body::Nothing => {}
            Body::Value(value) => value.write(to),
            Body::Entry(entry) => entry.write(to),
        }
    }

    /// A piece of the old value's entries.
    #[inline]
    fn piece(&self, start: u16, end: u16) -> &'a [u8] {
        let entries = narrow_front(self.count.into());
        let range = entries + usize::from(start)..entries + usize::from(end);
        self.old.bytes.get(range).unwrap_or_default()
    }

    /// A piece of the old value's tags.
    #[inline]
    fn tags(&self, start: u8, end: u8) -> &'a [u8] {
        self.old.tags().get(start.into()..end.into()).unwrap_or_default()
    }

    /// A piece of the old value's ends.
    #[inline]
    fn ends(&self, start: u8, end: u8) -> &'a [[u8; 2]] {
        self.old.narrow_ends(start.into()..end.into())
    }
}

impl Successor for Single<'_> {
    #[inline]
    fn encoded_len(&self) -> usize {
        self.len as usize
    }

    /// Everything but the body and the ends behind it is copied as it is.
    fn write(&self, to: &mut Writer<'_>) {
        #[expect(clippy::cast_possible_truncation, reason = "added to ends, which wraps")]
        let shift = (self.body_len as u16).wrapping_sub(self.end - self.start);
        let (count, index) = (self.count, self.index);
        let ends = count.saturating_sub(1);
        match self.fate {
            Fate::Replaced | Fate::Idle => {
                // Header, tags and the ends in front lie side by side.
                let front = 1 + usize::from(count) + 2 * usize::from(index);
                to.bytes(self.old.bytes.get(..front).unwrap_or_default());
                write_shifted(self.ends(index, ends), shift, to);
            }
            Fate::Added => {
                to.byte(self.new_count);
                to.bytes(self.tags(0, count));
                to.byte(self.tag);
                to.bytes(self.ends(0, ends).as_flattened());
                if count > 0 {
                    to.bytes(&self.last.to_le_bytes());
                }
            }
            Fate::Removed => {
                to.byte(self.new_count);
                to.bytes(self.tags(0, index));
                to.bytes(self.tags(index + 1, count));
                // Without the last entry, the one before it is the last, and needs no end.
                to.bytes(self.ends(0, index.min(ends.saturating_sub(1))).as_flattened());
                write_shifted(self.ends((index + 1).min(ends), ends), shift, to);
            }
        }
        to.bytes(self.piece(0, self.start));
        self.write_body(to);
        to.bytes(self.piece(self.end, self.last));
    }
}

/// Writes ends, each moved by `shift`.
#[inline]
pub(super) fn write_shifted(ends: &[[u8; 2]], shift: u16, to: &mut Writer<'_>) {
    let places = to.skip(2 * ends.len()).as_chunks_mut().0;
    for (end, place) in ends.iter().zip(places) {
        let end = u16::from_le_bytes(*end).wrapping_add(shift);
        *place = end.to_le_bytes().map(MaybeUninit::new);
    }
}
