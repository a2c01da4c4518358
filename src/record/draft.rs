//! Building a record, before anybody else sees it.

use super::{
    Encoding, FIXED_ALIGN, FIXED_SIZE, HASH_BITS, Held, LONGEST_INLINE, Live, Record, SPARED,
    Shared, block_size, collection::Body, drop_content, fixed_offset, integer::IntegerCell,
};
use crate::{evict::usage::Usage, reclaim::Guard, sync::AtomicU32, value::writer::Writer};
use std::{mem::ManuallyDrop, ptr::NonNull};

/// What a record is to hold.
#[derive(Clone, Debug)]
pub(crate) enum Content<'a> {
    /// Bytes, which are copied.
    Bytes(&'a [u8]),
    /// Bytes that were built for this record.
    Built(Vec<u8>),
    /// Bytes that other records may hold too.
    Shared(Shared),
    /// A number, to be changed in place if it fits.
    Integer(i64),
    /// A host's own value.
    Object(Held),
    /// A hash, a set or a list that takes the place of the one that it was built from.
    Collection(Body<'a>),
}

/// When and after what a record is written.
#[derive(Debug)]
pub(crate) struct Origin {
    /// The hash of the key.
    pub(crate) hash: u64,
    /// Unix milliseconds; 0 is none.
    pub(crate) deadline: u64,
    /// Milliseconds since the pool began.
    pub(crate) written: u64,
    /// The access word to begin with.
    pub(crate) usage: Usage,
    /// Whether no policy may choose it.
    pub(crate) is_spared: bool,
}

/// A record that is still private: dropped unless it is published.
#[derive(Debug)]
pub(crate) struct Draft<'g, 'd> {
    record: NonNull<Record>,
    guard: &'g Guard<'d>,
}

impl<'g, 'd> Draft<'g, 'd> {
    /// Builds a record in a block of the guard's thread.
    ///
    /// `key` and the content's bytes are within the limits, which the pool has checked.
    #[inline]
    pub(crate) fn new(
        key: &[u8],
        content: Content<'_>,
        origin: Origin,
        guard: &'g Guard<'d>,
    ) -> Self {
        match content {
            Content::Bytes(value) => Self::with_bytes(key, value, origin, guard),
            Content::Built(value) => Self::with_bytes(key, &value, origin, guard),
            Content::Shared(value) => {
                Self::with_fixed(Encoding::Shared, key, value.bytes().len(), value, origin, guard)
            }
            Content::Integer(value) if !IntegerCell::fits(value) => {
                let text = itoa::Buffer::new().format(value).to_owned();
                Self::with_bytes(key, text.as_bytes(), origin, guard)
            }
            Content::Integer(value) => {
                let cell = IntegerCell::new(value, origin.written);
                Self::with_fixed(Encoding::Integer, key, 0, cell, origin, guard)
            }
            Content::Object(Held { object, bytes }) => {
                if bytes != 0 {
                    guard.note_held(bytes.into());
                }
                Self::with_fixed(Encoding::Object, key, bytes as usize, object, origin, guard)
            }
            Content::Collection(body) => Self::with_body(key, body, true, origin, guard),
        }
    }

    /// Builds a record of bytes: in the block, or shared when they are many.
    #[inline]
    pub(crate) fn with_bytes(
        key: &[u8],
        value: &[u8],
        origin: Origin,
        guard: &'g Guard<'d>,
    ) -> Self {
        if value.len() > LONGEST_INLINE {
            let shared = Shared::new(value);
            guard.note_held(signed(Shared::taken(value.len())));
            return Self::with_fixed(Encoding::Shared, key, value.len(), shared, origin, guard);
        }
        let draft = Self::begin(Encoding::Text, key, value.len(), origin, guard);
        let offset = size_of::<Record>() + key.len();
        // SAFETY: the block was taken for header, key and value.
        let to = unsafe { draft.record.as_ptr().cast::<u8>().add(offset) };
        // SAFETY: as above; the block is private and does not overlap the value.
        unsafe { to.copy_from_nonoverlapping(value.as_ptr(), value.len()) };
        draft
    }

    /// Builds a record whose value is not text.
    fn with_fixed<T>(
        encoding: Encoding,
        key: &[u8],
        value_len: usize,
        fixed: T,
        origin: Origin,
        guard: &'g Guard<'d>,
    ) -> Self {
        const { assert!(size_of::<T>() <= FIXED_SIZE) };
        const { assert!(align_of::<T>() <= FIXED_ALIGN) };
        let draft = Self::begin(encoding, key, value_len, origin, guard);
        // SAFETY: the block was taken with room for the value at that offset, which is aligned.
        let to = unsafe { draft.record.cast::<u8>().byte_add(fixed_offset(key.len())).cast::<T>() };
        // SAFETY: as above; the block is private.
        unsafe { to.write(fixed) };
        draft
    }

    /// Takes a block and writes header and key.
    #[inline]
    pub(super) fn begin(
        encoding: Encoding,
        key: &[u8],
        value_len: usize,
        origin: Origin,
        guard: &'g Guard<'d>,
    ) -> Self {
        Self::begin_in(
            block_size(encoding, key.len(), value_len),
            encoding,
            key,
            value_len,
            origin,
            guard,
        )
    }

    /// The same, when it is known how many bytes the block has.
    #[inline(always)]
    pub(super) fn begin_in(
        block_bytes: usize,
        encoding: Encoding,
        key: &[u8],
        value_len: usize,
        origin: Origin,
        guard: &'g Guard<'d>,
    ) -> Self {
        let block = guard.take_block(block_bytes);
        let record = block.cast::<Record>();
        let mark = if origin.is_spared { SPARED } else { 0 };
        #[expect(clippy::cast_possible_truncation, reason = "within the limits, by contract")]
        let header = Record {
            cover: AtomicU32::new(0),
            key_len: key.len() as u16,
            encoding,
            hash_top: (origin.hash >> HASH_BITS) as u8,
            usage: origin.usage,
            value_len: value_len as u32,
            deadline: origin.deadline,
            written_and_hash: mark
                | origin.written << HASH_BITS & !SPARED
                | origin.hash & ((1 << HASH_BITS) - 1),
        };
        // SAFETY: the block is ours, large enough and aligned for a header.
        unsafe { record.write(header) };
        // SAFETY: the block was taken with room for the key.
        let to = unsafe { block.add(size_of::<Record>()) };
        // SAFETY: as above; the block is private.
        let to = unsafe { std::slice::from_raw_parts_mut(to.cast().as_ptr(), key.len()) };
        Writer::new(to).text(key);
        Self { record, guard }
    }

    /// The header, to be changed.
    #[inline]
    pub(super) fn header_mut(&mut self) -> &mut Record {
        // SAFETY: the record is private, and was written by `begin`.
        unsafe { self.record.as_mut() }
    }

    /// The record, to be looked at.
    pub(crate) fn live(&self) -> Live<'_> {
        // SAFETY: built by `new`, and not freed while the draft is borrowed.
        unsafe { Live::new(self.record) }
    }

    /// The record, to be offered to the table; it stays ours until [`publish`](Self::publish).
    #[inline]
    pub(crate) fn record(&self) -> NonNull<Record> {
        self.record
    }

    /// Lets go of a record that now belongs to the table, or has been retired by it.
    #[inline]
    pub(crate) fn publish(self) {
        let _ = ManuallyDrop::new(self);
    }
}

impl Drop for Draft<'_, '_> {
    fn drop(&mut self) {
        // SAFETY: the record is private and valid.
        let bytes = unsafe { self.record.as_ref() }.block() as usize;
        // SAFETY: the record is private, and dropped once, here.
        let freed = unsafe { drop_content(self.record.cast()) };
        if freed != 0 {
            self.guard.note_held(-signed(freed));
        }
        // SAFETY: the block was taken from this guard's domain with this size, and nobody else has
        // seen it.
        unsafe { self.guard.put_block(self.record.cast(), bytes) };
    }
}

/// A size as a change of the accounts.
fn signed(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}
