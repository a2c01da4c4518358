//! A record: key, value and header in one allocation, behind one slot.
//!
//! ```text
//! offset  0  cover u32, or birth | key length u16 | encoding u8 | bits 31 to 24 of the hash u8
//!         8  access u32 (see `evict/usage.rs`) | value length u32
//!        16  deadline u64: Unix milliseconds, 0 = none
//!        24  spared u1 | written u39: milliseconds since the pool began | bits 23 to 0 of the hash
//!        32  key
//!         …  value: bytes when it is text, else 16 bytes at the next multiple of eight
//! ```
//!
//! One allocation means that a read costs two cache misses, the bucket and the record, where a map
//! of boxed keys and boxed values costs four.
//!
//! A record does not change after it was published, except for its access word, which is advisory,
//! its [cover](crate::wheel), which says what looks after its deadline, and the
//! [cell](integer::IntegerCell) of an integer. The cover lies where the [birth](crate::table) was as
//! long as the record was being inserted. Everything else replaces the record: a
//! deadline changed in place would be lost when an overwrite copies the old one at the same time.
//!
//! | encoding | value                                                              |
//! |----------|--------------------------------------------------------------------|
//! | text     | bytes, up to 4 KiB                                                 |
//! | shared   | [`Shared`]: larger bytes, so that EXPIRE copies a pointer           |
//! | integer  | value and time words: what INCR has made, printed when read        |
//! | object   | `Arc<dyn Any>`: a host's value, kept by reference                   |
//! | others   | hashes, sets and lists: see [`collection`]                         |
//!
//! # Life of a record
//!
//! | state    | reachable from | leaves by                     | done by                            |
//! |----------|----------------|-------------------------------|------------------------------------|
//! | draft    | –              | placement in a slot           | its writer                         |
//! | live     | a slot         | CAS of the slot               | overwrite, delete, expire          |
//! | retired  | a bag          | grace period                  | whoever won that CAS               |

pub(crate) mod collection;
mod draft;
pub(crate) mod heir;
pub(crate) mod integer;
mod shared;

pub(crate) use draft::{Content, Draft, Origin};

use crate::{
    evict::usage::Usage,
    reclaim::{Guard, Retired, magazine::block_bytes},
    sync::{AtomicU32, Ordering},
    table,
    value::{hash::HashValue, list::ListValue, set::SetValue},
};
use integer::IntegerCell;
use shared::Shared;
use std::{any::Any, ptr::NonNull, sync::Arc};

/// The longest key, in bytes.
pub(crate) const LONGEST_KEY: usize = u16::MAX as usize;

/// The longest value, in bytes: Redis's `proto-max-bulk-len`.
pub(crate) const LONGEST_VALUE: usize = 512 << 20;

/// Bits of the hash beside the time of writing.
const HASH_BITS: u32 = 24;

/// The mark of a record that no policy may choose, beside them.
const SPARED: u64 = 1 << 63;

/// Bytes of a value that is not text: 16, but for loom's atomics.
const FIXED_SIZE: usize = size_of::<IntegerCell>();

/// Its alignment.
const FIXED_ALIGN: usize = 8;

/// The longest text that lies in the record itself; a longer one is shared.
const LONGEST_INLINE: usize = 4 << 10;

/// A value of a host's own type.
pub(crate) type Object = Arc<dyn Any + Send + Sync>;

/// A value of a host's own type, and the bytes that it is said to hold.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    object: Object,
    bytes: u32,
}

impl Held {
    /// An object that holds so many bytes; what is beyond 4 GiB is not counted.
    pub(crate) fn new(object: Object, bytes: usize) -> Self {
        Self { object, bytes: u32::try_from(bytes).unwrap_or(u32::MAX) }
    }
}

/// How a value is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
enum Encoding {
    Text,
    Shared,
    Integer,
    Object,
    PackedHash,
    PackedSet,
    ShortList,
    TreeHash,
    TreeSet,
    LongList,
}

impl Encoding {
    /// Whether it keeps a hash, a set or a list.
    #[inline]
    const fn is_collection(self) -> bool {
        self as u8 >= Self::PackedHash as u8
    }

    /// Whether nodes may hang below the record.
    #[inline]
    const fn has_trees(self) -> bool {
        self as u8 >= Self::TreeHash as u8
    }
}

/// The beginning of every record.
#[derive(Debug)]
#[repr(C, align(16))]
pub(crate) struct Record {
    /// The birth while the record is being inserted, its cover from then on.
    cover: AtomicU32,
    key_len: u16,
    encoding: Encoding,
    hash_top: u8,
    usage: Usage,
    value_len: u32,
    deadline: u64,
    written_and_hash: u64,
}

/// A record's value, as its bytes or what stands for them.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value<'g> {
    /// Text, or anything else that was written as bytes.
    Bytes(&'g [u8]),
    /// A number that is changed in place.
    Integer(&'g IntegerCell),
    /// A host's own value.
    Object(&'g Object),
    /// A hash.
    Hash(HashValue<'g>),
    /// A set.
    Set(SetValue<'g>),
    /// A list.
    List(ListValue<'g>),
}

/// A record that a guard keeps alive.
///
/// It is a pointer to the whole block, where `&Record` would reach the header only.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Live<'g> {
    record: NonNull<Record>,
    guard: std::marker::PhantomData<&'g ()>,
}

impl<'g> Live<'g> {
    /// Wraps a record that was found.
    ///
    /// # Safety
    ///
    /// The record was built by [`Draft`] and is not freed during `'g`.
    #[inline]
    pub(crate) unsafe fn new(record: NonNull<Record>) -> Self {
        Self { record, guard: std::marker::PhantomData }
    }

    #[inline]
    fn header(self) -> &'g Record {
        // SAFETY: valid during `'g` by the constructor's contract.
        unsafe { self.record.as_ref() }
    }

    /// The bytes at an offset of the block.
    #[inline]
    fn bytes(self, offset: usize, len: usize) -> &'g [u8] {
        // SAFETY: the offset lies in the record's block.
        let start = unsafe { self.record.as_ptr().cast::<u8>().add(offset) };
        // SAFETY: `Draft` has written these bytes of the block, they do not change, and the block
        // is valid during `'g`.
        unsafe { std::slice::from_raw_parts(start, len) }
    }

    /// A value that is not text, as the type that the encoding says.
    ///
    /// # Safety
    ///
    /// The record's encoding is the one that keeps a `T`.
    #[inline]
    unsafe fn fixed<T>(self) -> &'g T {
        let offset = fixed_offset(usize::from(self.header().key_len));
        // SAFETY: the offset lies in the record's block.
        let fixed = unsafe { self.record.as_ptr().cast::<u8>().add(offset) };
        // SAFETY: `Draft` has written a `T` there, aligned, valid during `'g`.
        unsafe { &*fixed.cast::<T>() }
    }

    /// The key.
    #[inline]
    pub(crate) fn key(self) -> &'g [u8] {
        self.bytes(size_of::<Record>(), usize::from(self.header().key_len))
    }

    /// The value, if it is text that lies in the record itself.
    #[inline(always)]
    pub(crate) fn inline_text(self) -> Option<&'g [u8]> {
        let header = self.header();
        let offset = size_of::<Record>() + usize::from(header.key_len);
        (header.encoding == Encoding::Text).then(|| self.bytes(offset, header.value_len as usize))
    }

    /// The value, if it is a number that is changed in place.
    #[inline]
    pub(crate) fn integer(self) -> Option<&'g IntegerCell> {
        // SAFETY: this encoding keeps an `IntegerCell`.
        (self.header().encoding == Encoding::Integer).then(|| unsafe { self.fixed() })
    }

    /// The value.
    #[inline]
    pub(crate) fn value(self) -> Value<'g> {
        let header = self.header();
        if header.encoding == Encoding::Text {
            let offset = size_of::<Record>() + usize::from(header.key_len);
            return Value::Bytes(self.bytes(offset, header.value_len as usize));
        }
        self.special_value()
    }

    /// The value of a record that is not text; a call, since the common case is a branch then.
    #[inline(never)]
    fn special_value(self) -> Value<'g> {
        match self.header().encoding {
            Encoding::Text => Value::Bytes(&[]),
            // SAFETY: this encoding keeps a `Shared`.
            Encoding::Shared => Value::Bytes(unsafe { self.fixed::<Shared>() }.bytes()),
            // SAFETY: this encoding keeps an `IntegerCell`.
            Encoding::Integer => Value::Integer(unsafe { self.fixed() }),
            // SAFETY: this encoding keeps an `Object`.
            Encoding::Object => Value::Object(unsafe { self.fixed() }),
            _ => self.collection(),
        }
    }

    /// Whether it is this very record.
    pub(crate) fn is(self, record: NonNull<Record>) -> bool {
        self.record == record
    }

    /// Whether the key is this one.
    #[inline]
    pub(crate) fn has_key(self, key: &[u8]) -> bool {
        usize::from(self.header().key_len) == key.len() && is_same(self.key(), key)
    }

    /// The deadline in Unix milliseconds; 0 is none.
    #[inline]
    pub(crate) fn deadline(self) -> u64 {
        self.header().deadline
    }

    /// Whether no policy may choose it.
    #[inline]
    pub(crate) fn is_spared(self) -> bool {
        self.header().written_and_hash & SPARED != 0
    }

    /// What looks after the deadline.
    #[inline]
    pub(crate) fn cover(self) -> &'g AtomicU32 {
        &self.header().cover
    }

    /// The access word.
    #[inline]
    pub(crate) fn usage(self) -> &'g Usage {
        &self.header().usage
    }

    /// When the value was written, in milliseconds since the pool began.
    pub(crate) fn written(self) -> u64 {
        let written = (self.header().written_and_hash & !SPARED) >> HASH_BITS;
        match self.value() {
            Value::Integer(cell) => cell.written().max(written),
            _ => written,
        }
    }

    /// The value for a record that replaces this one with the same value.
    ///
    /// Freezes an integer, whose last value is needed.
    pub(crate) fn content(self) -> Content<'g> {
        match self.value() {
            Value::Bytes(_) if self.header().encoding == Encoding::Shared => {
                // SAFETY: this encoding keeps a `Shared`.
                Content::Shared(unsafe { self.fixed::<Shared>() }.clone())
            }
            Value::Bytes(bytes) => Content::Bytes(bytes),
            Value::Integer(cell) => Content::Integer(cell.freeze()),
            Value::Object(object) => {
                let bytes = self.header().value_len;
                Content::Object(Held { object: Arc::clone(object), bytes })
            }
            Value::Hash(_) | Value::Set(_) | Value::List(_) => self.same(),
        }
    }

    /// Bytes of its block.
    pub(crate) fn block(self) -> usize {
        self.header().block() as usize
    }

    /// Bytes that the record takes, with what it holds outside of its block.
    #[inline(always)]
    pub(crate) fn memory(self) -> usize {
        let header = self.header();
        if header.encoding.has_trees() {
            let below = usize::try_from(self.bytes_below()).unwrap_or(usize::MAX);
            return below.saturating_add(header.block() as usize);
        }
        header.block() as usize + header.held() as usize
    }
}

impl Record {
    /// Bytes of the record's block: at most 64 KiB for the key, 4 KiB for text and the header.
    #[inline]
    fn block(&self) -> u32 {
        let bytes = block_size(self.encoding, usize::from(self.key_len), self.value_len as usize);
        #[expect(clippy::cast_possible_truncation, reason = "within the limits, by contract")]
        let bytes = bytes as u32;
        bytes
    }

    /// Whether nothing has to be dropped before the block is free; loom's cells always have to be.
    #[inline]
    fn is_block(&self) -> bool {
        let is_plain = matches!(
            self.encoding,
            Encoding::Text | Encoding::PackedHash | Encoding::PackedSet | Encoding::ShortList
        );
        cfg!(not(pool_loom)) && is_plain
    }

    /// Bytes that the value holds outside of the block, as far as the pool knows them.
    #[inline]
    fn held(&self) -> u32 {
        match self.encoding {
            Encoding::Shared => self.value_len + shared::OVERHEAD,
            Encoding::Object => self.value_len,
            _ => 0,
        }
    }
}

/// Bytes that a record takes whose value has this length, with what it holds outside of its block.
#[inline]
pub(crate) fn bytes_of_text(key_len: usize, value_len: usize) -> (usize, usize) {
    if value_len > LONGEST_INLINE {
        (block_size(Encoding::Shared, key_len, value_len), Shared::taken(value_len))
    } else {
        (block_size(Encoding::Text, key_len, value_len), 0)
    }
}

/// Bytes that a record of an object takes, and those that the object holds.
pub(crate) fn bytes_of_object(key_len: usize, object: &Held) -> (usize, usize) {
    (block_size(Encoding::Object, key_len, 0), object.bytes as usize)
}

/// Whether bytes of the same length are the same. Most keys and fields are of 8 to 16 bytes: they are
/// compared as two words that may overlap, where a comparison of any length is a call.
#[inline(always)]
pub(crate) fn is_same(one: &[u8], other: &[u8]) -> bool {
    if !(8..=16).contains(&one.len()) {
        return one == other;
    }
    one.first_chunk::<8>() == other.first_chunk() && one.last_chunk::<8>() == other.last_chunk()
}

/// Where a value lies that is not text.
#[inline]
fn fixed_offset(key_len: usize) -> usize {
    (size_of::<Record>() + key_len).next_multiple_of(FIXED_ALIGN)
}

/// Bytes of the block of a record.
#[inline]
fn block_size(encoding: Encoding, key_len: usize, value_len: usize) -> usize {
    block_bytes(match encoding {
        Encoding::Text => size_of::<Record>() + key_len + value_len,
        Encoding::Shared | Encoding::Integer | Encoding::Object => {
            fixed_offset(key_len) + FIXED_SIZE
        }
        _ => collection::collection_end(encoding, key_len, value_len),
    })
}

// SAFETY: `retired` tells the size that `Draft` has taken the block with.
unsafe impl table::Record for Record {
    #[inline]
    fn birth(&self) -> u32 {
        // ORDERING: Relaxed; written before the CAS that placed the record, which the caller has
        // seen. What is written later is no birth, and does no harm (T5).
        self.cover.load(Ordering::Relaxed)
    }

    #[inline]
    unsafe fn set_birth(&self, version: u32) {
        // ORDERING: Relaxed; the record is private.
        self.cover.store(version, Ordering::Relaxed);
    }

    fn bucket_hash(&self) -> u32 {
        #[expect(clippy::cast_possible_truncation, reason = "the lower bits are asked for")]
        let lower = self.written_and_hash as u32 & ((1 << HASH_BITS) - 1);
        u32::from(self.hash_top) << HASH_BITS | lower
    }

    #[inline]
    unsafe fn retired(record: NonNull<Self>) -> Retired {
        // SAFETY: the caller says that the record is valid.
        let header = unsafe { record.as_ref() };
        let (block, bytes, held) = (record.cast(), header.block(), header.held());
        if header.is_block() {
            return Retired::Block { block, bytes };
        }
        if header.encoding.has_trees() {
            // SAFETY: the caller's word.
            return unsafe { collection::retired_with_trees(record) };
        }
        Retired::Owner { block, bytes, held, drop_content }
    }

    #[inline]
    unsafe fn retire(record: NonNull<Self>, guard: &Guard<'_>) -> u64 {
        // SAFETY: found under the guard, and therefore valid.
        let header = unsafe { record.as_ref() };
        if header.is_block() {
            let bytes = header.block();
            // SAFETY: the caller unlinked it, so that nobody else retires it; `Draft` has taken the
            // block with this size.
            unsafe { guard.retire_block(record.cast(), bytes) };
            return u64::from(bytes);
        }
        // SAFETY: the caller's word.
        unsafe { retire_owner(record, guard) }
    }

    #[inline]
    unsafe fn retire_replaced(record: NonNull<Self>, by: NonNull<Self>, guard: &Guard<'_>) -> u64 {
        // SAFETY: found under the guard, and therefore valid.
        let has_trees = unsafe { record.as_ref() }.encoding.has_trees();
        // SAFETY: published under the guard, and therefore valid.
        if has_trees && unsafe { by.as_ref() }.is_heir() {
            // SAFETY: the caller's word.
            return unsafe { collection::retire_predecessor(record, guard) };
        }
        // SAFETY: the caller's word.
        unsafe { Self::retire(record, guard) }
    }
}

/// Retires a record that is more than a block; returns the bytes that will be free with it.
///
/// # Safety
///
/// As for [`table::Record::retire`].
#[cold]
#[inline(never)]
unsafe fn retire_owner(record: NonNull<Record>, guard: &Guard<'_>) -> u64 {
    use table::Record as _;
    // SAFETY: found under the guard, and therefore valid.
    let memory = unsafe { Live::new(record) }.memory() as u64;
    // SAFETY: as above.
    let retired = unsafe { Record::retired(record) };
    // SAFETY: the caller unlinked it, so that nobody else retires it.
    unsafe { guard.retire(retired) };
    memory
}

/// Drops what a record holds, and leaves its block; returns how many bytes have become free with
/// it.
///
/// # Safety
///
/// `block` is the block of a record that nobody else can reach.
unsafe fn drop_content(block: NonNull<u8>) -> usize {
    let record = block.cast::<Record>();
    // SAFETY: valid by the caller's word.
    let header = unsafe { record.as_ref() };
    let (encoding, offset) = (header.encoding, fixed_offset(usize::from(header.key_len)));
    // SAFETY: a value that is not text lies there, in the same block; for text it is not used.
    let fixed = unsafe { block.byte_add(offset.min(header.block() as usize)) };
    let freed = match encoding {
        // SAFETY: this encoding keeps a `Shared`, taken out once, here.
        Encoding::Shared => unsafe { fixed.cast::<Shared>().read() }.give_up(),
        // Counted with each record that holds it.
        Encoding::Object => header.value_len as usize,
        _ => 0,
    };
    match encoding {
        // SAFETY: this encoding keeps an `IntegerCell`, dropped once, here.
        Encoding::Integer => unsafe { fixed.cast::<IntegerCell>().drop_in_place() },
        // SAFETY: this encoding keeps an `Object`, dropped once, here.
        Encoding::Object => unsafe { fixed.cast::<Object>().drop_in_place() },
        // A shared value was taken out above. Nodes below the record are another's: a grave's, or
        // whoever's who made them.
        _ => {}
    }
    // SAFETY: the header is dropped once, here; under loom its cells have destructors.
    unsafe { record.as_ptr().drop_in_place() };
    freed
}

#[cfg(all(test, not(pool_loom)))]
mod tests {
    use super::is_same;

    #[test]
    fn keys_of_one_length_are_told_apart_by_any_byte() {
        for len in 0..40 {
            let key = vec![b'k'; len];
            assert!(is_same(&key, &key.clone()), "{len} bytes");
            for at in 0..len {
                let mut other = key.clone();
                other[at] = b'x';

                assert!(!is_same(&key, &other), "{len} bytes, another one at {at}");
            }
        }
    }
}
