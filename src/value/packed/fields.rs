//! Reading a packed hash or set.

use crate::{
    record::is_same,
    value::{
        element::{Element, NO_ELEMENT},
        field_hash::FieldHash,
        tree::node::{Node, NodeRef},
    },
};
use std::ops::Range;

/// What a wide layout begins with; less is the number of entries of a narrow one.
pub(super) const WIDE: u8 = 0xFF;

/// The most entries of a narrow layout.
pub(super) const MOST_NARROW: usize = WIDE as usize - 1;

/// Bytes in front of the entries of a narrow layout.
#[inline]
pub(super) const fn narrow_front(count: usize) -> usize {
    1 + count + 2 * count.saturating_sub(1)
}

/// Bytes in front of the entries of a wide layout.
pub(super) const fn wide_front(count: usize) -> usize {
    5 + count + 4 * count.saturating_sub(1)
}

/// Bytes of an entry that lies in a block of its own: the byte that says so, and a pointer.
pub(crate) const OUTSIDE_LEN: usize = 1 + size_of::<Node>();

/// The entries of a packed hash or set, or of a leaf of a tree.
///
/// Whatever the bytes are, reading is safe, and what cannot be decoded is not there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields<'g> {
    pub(super) bytes: &'g [u8],
    /// Whether an entry may lie in a block of its own, as it may in a tree only.
    pub(super) may_point: bool,
}

/// Where the parts of a layout are.
#[derive(Clone, Copy)]
struct Shape {
    count: usize,
    /// Bytes in front of the tags.
    header: usize,
    /// Bytes of an end.
    width: usize,
}

impl Shape {
    #[inline]
    fn ends(self) -> usize {
        self.header + self.count
    }

    #[inline]
    fn entries(self) -> usize {
        self.ends() + self.width * self.count.saturating_sub(1)
    }
}

/// A field that was found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found<'g> {
    pub(crate) index: usize,
    /// Where its entry begins among the entries.
    pub(super) start: usize,
    /// Where its entry ends among the entries.
    pub(super) end: usize,
    /// What follows the field in its entry.
    pub(crate) rest: &'g [u8],
}

impl<'g> Fields<'g> {
    /// No entries.
    pub(crate) const EMPTY: Self = Self { bytes: &[], may_point: false };

    /// Looks at a packed value; bytes that are none hold no entries.
    #[inline]
    pub(crate) fn packed(bytes: &'g [u8]) -> Self {
        let fields = Self { bytes, may_point: false };
        let len = if bytes.len() < fields.shape().entries() { 0 } else { bytes.len() };
        // Not one value or the other: a choice among two is written out and read back in other
        // pieces, which processors wait for.
        Self { bytes: bytes.get(..len).unwrap_or_default(), ..fields }
    }

    /// The number of entries and their bytes, if the layout is narrow.
    #[inline]
    pub(super) fn narrow(&self) -> Option<(u8, usize)> {
        match self.bytes.first() {
            None => Some((0, 0)),
            Some(&WIDE) => None,
            Some(&count) => {
                let entries = self.bytes.len().saturating_sub(narrow_front(count.into()));
                Some((count, entries))
            }
        }
    }

    /// Looks at the content of a leaf some of whose entries may lie in blocks of their own.
    ///
    /// # Safety
    ///
    /// The content was written by a [`Packing`](super::Packing), and nodes that the entries point
    /// at live during `'g`.
    #[inline]
    pub(crate) unsafe fn pointing(bytes: &'g [u8]) -> Self {
        Self { bytes, may_point: true }
    }

    #[inline]
    fn shape(&self) -> Shape {
        match self.bytes.first() {
            None => Shape { count: 0, header: 0, width: 0 },
            Some(&WIDE) => self.wide_shape(),
            Some(&count) => Shape { count: count.into(), header: 1, width: 2 },
        }
    }

    #[cold]
    fn wide_shape(self) -> Shape {
        let count = self.bytes.get(1..).and_then(|rest| rest.first_chunk());
        let count = count.map_or(0, |count| u32::from_le_bytes(*count) as usize);
        // A number that cannot be true must not keep anybody busy.
        Shape { count: count.min(self.bytes.len() / 5), header: 5, width: 4 }
    }

    /// Whether ends take four bytes each.
    #[inline]
    pub(super) fn is_wide(&self) -> bool {
        self.bytes.first() == Some(&WIDE)
    }

    /// The number of entries.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.shape().count
    }

    /// The same, if each entry lies behind the one before it; else no entries.
    ///
    /// Every value that was written is sound. Editing asks, since it copies many entries at once.
    pub(crate) fn sound(&self) -> Self {
        let (count, mut last, mut in_order) = (self.len(), 0, true);
        for index in 0..count {
            let end = self.end(index);
            in_order &= last <= end;
            last = end;
        }
        if in_order { *self } else { Self::EMPTY }
    }

    /// The tags, a byte for each entry.
    #[inline]
    pub(super) fn tags(&self) -> &'g [u8] {
        let shape = self.shape();
        self.bytes.get(shape.header..shape.ends()).unwrap_or_default()
    }

    /// The tag of an entry.
    pub(crate) fn tag(&self, index: usize) -> u8 {
        self.tags().get(index).copied().unwrap_or_default()
    }

    /// The ends of some entries but the last one, when these take two bytes each.
    pub(super) fn narrow_ends(&self, range: Range<usize>) -> &'g [[u8; 2]] {
        let ends = self.shape().ends();
        let ends = self.bytes.get(ends + 2 * range.start..ends + 2 * range.end);
        ends.unwrap_or_default().as_chunks().0
    }

    /// Where an entry ends; past the last one there is nothing.
    #[inline]
    pub(super) fn end(&self, index: usize) -> usize {
        self.end_of(self.shape(), index)
    }

    #[inline(always)]
    fn end_of(&self, shape: Shape, index: usize) -> usize {
        let ends = self.bytes.get(shape.ends() + shape.width * index..).unwrap_or_default();
        if index >= shape.count {
            0
        } else if index + 1 == shape.count {
            self.bytes.len().saturating_sub(shape.entries())
        } else if shape.width == 2 {
            ends.first_chunk().map_or(0, |end| u16::from_le_bytes(*end).into())
        } else {
            ends.first_chunk().map_or(0, |end| u32::from_le_bytes(*end) as usize)
        }
    }

    /// Where an entry begins.
    #[inline]
    pub(super) fn start(&self, index: usize) -> usize {
        if index == 0 { 0 } else { self.end(index - 1) }
    }

    /// A piece of the entries.
    #[inline]
    fn piece(&self, start: usize, end: usize) -> &'g [u8] {
        let entries = self.shape().entries();
        self.bytes.get(entries + start..entries + end).unwrap_or_default()
    }

    /// Some entries as they lie there.
    pub(super) fn raw_entries(&self, range: Range<usize>) -> &'g [u8] {
        self.piece(self.start(range.start), self.start(range.end))
    }

    /// An entry as it lies there, which may be a pointer.
    #[inline]
    pub(crate) fn raw(&self, index: usize) -> &'g [u8] {
        self.piece(self.start(index), self.end(index))
    }

    /// The block that an entry lies in, if it has one of its own.
    #[inline]
    pub(crate) fn outside(&self, index: usize) -> Option<NodeRef<'g>> {
        if self.may_point { self.outside_of(self.raw(index)) } else { None }
    }

    /// The block that an entry lies in, which lies there like this.
    #[cold]
    #[inline(never)]
    fn outside_of(self, raw: &'g [u8]) -> Option<NodeRef<'g>> {
        let (&NO_ELEMENT, place) = raw.split_first()? else { return None };
        if !self.may_point || place.len() != size_of::<Node>() {
            return None;
        }
        // SAFETY: what begins with this byte in a leaf was written by an `Entry` from a node, at no
        // particular address.
        let node = unsafe { place.as_ptr().cast::<Node>().read_unaligned() };
        // SAFETY: by the contract of `pointing`.
        Some(unsafe { NodeRef::new(node) })
    }

    /// An entry: a field, and its value behind it in a hash. Past the last one it is empty.
    #[inline]
    pub(crate) fn entry(&self, index: usize) -> &'g [u8] {
        self.outside(index).map_or_else(|| self.raw(index), NodeRef::content)
    }

    /// An entry's field and value, the latter empty in a set.
    #[inline]
    pub(crate) fn pair(&self, index: usize) -> Option<(Element<'g>, Element<'g>)> {
        let (field, rest) = Element::read(self.entry(index))?;
        let value = Element::read(rest).map_or(Element::Text(&[]), |(value, _)| value);
        Some((field, value))
    }

    /// Finds a field.
    #[inline(always)]
    pub(crate) fn find(&self, hash: FieldHash, field: &Element<'_>) -> Option<Found<'g>> {
        match self.bytes.first() {
            None => None,
            Some(&WIDE) => self.find_wide(hash, field),
            Some(&count) => {
                let count = usize::from(count);
                let (front, entries) = self.bytes.split_at_checked(narrow_front(count))?;
                let ends = front.get(1 + count..)?.as_chunks().0;
                let end = |index: usize| match ends.get(index) {
                    Some(end) => Some(u16::from_le_bytes(*end).into()),
                    None => (index == ends.len()).then_some(entries.len()),
                };
                self.find_among(1, count, end, entries, hash, field)
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn find_wide(self, hash: FieldHash, field: &Element<'_>) -> Option<Found<'g>> {
        let shape = self.shape();
        let end = |index: usize| (index < shape.count).then(|| self.end_of(shape, index));
        let entries = self.bytes.get(shape.entries()..)?;
        self.find_among(shape.header, shape.count, end, entries, hash, field)
    }

    /// Finds a field: looks at eight tags at once, and at the entries whose tags fit.
    #[inline(always)]
    fn find_among(
        &self,
        header: usize,
        count: usize,
        end: impl Fn(usize) -> Option<usize>,
        entries: &'g [u8],
        hash: FieldHash,
        field: &Element<'_>,
    ) -> Option<Found<'g>> {
        const LOWS: u64 = u64::MAX / 0xFF;
        let tag = u64::from(hash.tag()) * LOWS;
        let mut group = 0;
        while group < count {
            // A byte of `differences` is zero where the tag fits. The highest bit of such a byte is
            // set in `hits`, and sometimes that of a byte above one, which the comparison refuses.
            let differences = self.eight_bytes(header + group) ^ tag;
            let mut hits = differences.wrapping_sub(LOWS) & !differences & (LOWS << 7);
            while hits != 0 {
                let index = group + hits.trailing_zeros() as usize / 8;
                if let Some(end_here) = end(index) {
                    let start = if index == 0 { 0 } else { end(index - 1).unwrap_or(0) };
                    if let Some(raw) = entries.get(start..end_here)
                        && let Some(rest) = self.behind(raw, field)
                    {
                        return Some(Found { index, start, end: end_here, rest });
                    }
                }
                hits &= hits - 1;
            }
            group += 8;
        }
        None
    }

    /// Eight bytes, the first of them lowest; what is above the last one is zero.
    #[inline(always)]
    fn eight_bytes(&self, start: usize) -> u64 {
        match self.bytes.get(start..).and_then(|bytes| bytes.first_chunk()) {
            Some(bytes) => u64::from_le_bytes(*bytes),
            None => self.last_bytes(start),
        }
    }

    #[cold]
    #[inline(never)]
    fn last_bytes(self, start: usize) -> u64 {
        let bytes = self.bytes.get(start..).unwrap_or_default();
        bytes.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte))
    }

    /// What follows the field in an entry, if the entry is that field's.
    #[inline(always)]
    fn behind(self, raw: &'g [u8], field: &Element<'_>) -> Option<&'g [u8]> {
        if let &Element::Text(text) = field
            && let Some(found) = Element::short_text(raw)
        {
            // Text that short is never kept in another form.
            let is_it = found.len() == text.len() && is_same(found, text);
            return if is_it { raw.get(1 + found.len()..) } else { None };
        }
        self.behind_special(raw, field)
    }

    /// The same, for what is no short text, or lies outside.
    #[inline(never)]
    fn behind_special(self, raw: &'g [u8], field: &Element<'_>) -> Option<&'g [u8]> {
        let (found, rest) = match Element::read(raw) {
            Some(read) => read,
            None => Element::read(self.outside_of(raw)?.content())?,
        };
        (found == *field).then_some(rest)
    }
}
