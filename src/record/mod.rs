//! A record: key, value and header in one allocation, behind one slot.
//!
//! ```text
//! offset  0  birth u32 | key length u16 | encoding u8 | spare u8
//!         8  access u32 (see `usage`) | value length u32
//!        16  deadline u64: Unix milliseconds, 0 = none
//!        24  written u40: milliseconds since the pool began | sequence u24
//!        32  the fixed part: what the encoding needs aligned (0 or 16 bytes)
//!         …  key
//!         …  value, when it is text
//! ```
//!
//! One allocation means that a read costs two cache misses, the bucket and the record, where a map
//! of boxed keys and boxed values costs four.
//!
//! A record does not change after it was published, except for its access word, which is advisory,
//! and the [cell](integer::IntegerCell) of an integer. Everything else replaces the record: a
//! deadline changed in place would be lost when an overwrite copies the old one at the same time.
//!
//! | encoding | fixed part            | value                                   |
//! |----------|-----------------------|-----------------------------------------|
//! | text     | –                     | bytes behind the key, up to 4 KiB       |
//! | shared   | `Arc<[u8]>`           | larger bytes, so that EXPIRE copies a pointer |
//! | integer  | value and time words  | what INCR has made, printed when read   |
//! | object   | `Arc<dyn Any>`        | a host's value, kept by reference       |
//!
//! # Life of a record
//!
//! | state    | reachable from | leaves by                     | done by                            |
//! |----------|----------------|-------------------------------|------------------------------------|
//! | draft    | –              | placement in a slot           | its writer                         |
//! | live     | a slot         | CAS of the slot               | overwrite, delete, expire          |
//! | retired  | a bag          | grace period                  | whoever won that CAS               |

mod draft;
pub(crate) mod integer;
pub(crate) mod usage;

pub(crate) use draft::{Content, Draft, Origin};

use crate::{
    reclaim::{Retired, magazine::block_bytes},
    sync::UnsafeCell,
    table,
};
use integer::IntegerCell;
use std::{any::Any, ptr::NonNull, sync::Arc};
use usage::Usage;

/// The longest key, in bytes.
pub(crate) const LONGEST_KEY: usize = u16::MAX as usize;

/// The longest value, in bytes: Redis's `proto-max-bulk-len`.
pub(crate) const LONGEST_VALUE: usize = 512 << 20;

/// The longest text that lies in the record itself; a longer one is shared.
const LONGEST_INLINE: usize = 4 << 10;

/// A value of a host's own type.
pub(crate) type Object = Arc<dyn Any + Send + Sync>;

/// How a value is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
enum Encoding {
    Text,
    Shared,
    Integer,
    Object,
}

/// The beginning of every record.
#[derive(Debug)]
#[repr(C, align(16))]
pub(crate) struct Record {
    birth: UnsafeCell<u32>,
    key_len: u16,
    encoding: Encoding,
    usage: Usage,
    value_len: u32,
    deadline: u64,
    stamp: u64,
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

    /// The fixed part, as the type that the encoding says.
    ///
    /// # Safety
    ///
    /// The record's encoding is the one that keeps a `T` there.
    #[inline]
    unsafe fn fixed<T>(self) -> &'g T {
        // SAFETY: the fixed part lies behind the header, in the same block.
        let fixed = unsafe { self.record.as_ptr().add(1) };
        // SAFETY: `Draft` has written a `T` there, aligned, valid during `'g`.
        unsafe { &*fixed.cast::<T>() }
    }

    /// The key.
    #[inline]
    pub(crate) fn key(self) -> &'g [u8] {
        let header = self.header();
        self.bytes(key_offset(header.encoding), usize::from(header.key_len))
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
            // SAFETY: this encoding keeps an `Arc<[u8]>`.
            Encoding::Shared => Value::Bytes(unsafe { self.fixed::<Arc<[u8]>>() }),
            // SAFETY: this encoding keeps an `IntegerCell`.
            Encoding::Integer => Value::Integer(unsafe { self.fixed() }),
            // SAFETY: this encoding keeps an `Object`.
            Encoding::Object => Value::Object(unsafe { self.fixed() }),
        }
    }

    /// Whether the key is this one.
    #[inline]
    pub(crate) fn has_key(self, key: &[u8]) -> bool {
        usize::from(self.header().key_len) == key.len() && self.key() == key
    }

    /// The deadline in Unix milliseconds; 0 is none.
    #[inline]
    pub(crate) fn deadline(self) -> u64 {
        self.header().deadline
    }

    /// The access word.
    #[inline]
    pub(crate) fn usage(self) -> &'g Usage {
        &self.header().usage
    }

    /// When the value was written, in milliseconds since the pool began.
    pub(crate) fn written(self) -> u64 {
        let stamp = self.header().stamp >> SEQUENCE_BITS;
        match self.value() {
            Value::Integer(cell) => cell.written().max(stamp),
            Value::Bytes(_) | Value::Object(_) => stamp,
        }
    }

    /// The value for a record that replaces this one with the same value.
    ///
    /// Freezes an integer, whose last value is needed.
    pub(crate) fn content(self) -> Content<'g> {
        match self.value() {
            Value::Bytes(_) if self.header().encoding == Encoding::Shared => {
                // SAFETY: this encoding keeps an `Arc<[u8]>`.
                Content::Shared(Arc::clone(unsafe { self.fixed::<Arc<[u8]>>() }))
            }
            Value::Bytes(bytes) => Content::Bytes(bytes),
            Value::Integer(cell) => Content::Integer(cell.freeze()),
            Value::Object(object) => Content::Object(Arc::clone(object)),
        }
    }

    /// Bytes that the record takes, with what it holds outside of its block.
    #[inline]
    pub(crate) fn memory(self) -> usize {
        let header = self.header();
        header.block() + header.held() as usize
    }
}

impl Record {
    /// Bytes of the record's block.
    #[inline]
    fn block(&self) -> usize {
        block_size(self.encoding, usize::from(self.key_len), self.value_len as usize)
    }

    /// Bytes that the value holds outside of the block, as far as the pool knows them.
    #[inline]
    fn held(&self) -> u32 {
        if self.encoding == Encoding::Shared { self.value_len } else { 0 }
    }
}

/// Bits of the sequence number in a record's stamp.
const SEQUENCE_BITS: u32 = 24;

/// Where the key begins.
#[inline]
fn key_offset(encoding: Encoding) -> usize {
    let fixed = match encoding {
        Encoding::Text => 0,
        Encoding::Shared => size_of::<Arc<[u8]>>(),
        Encoding::Integer => size_of::<IntegerCell>(),
        Encoding::Object => size_of::<Object>(),
    };
    size_of::<Record>() + fixed
}

/// Bytes of the block of a record.
#[inline]
fn block_size(encoding: Encoding, key_len: usize, value_len: usize) -> usize {
    let value = if encoding == Encoding::Text { value_len } else { 0 };
    block_bytes(key_offset(encoding) + key_len + value)
}

// SAFETY: `birth` is a field; `retired` tells the size that `Draft` has taken the block with.
unsafe impl table::Record for Record {
    fn birth(&self) -> &UnsafeCell<u32> {
        &self.birth
    }

    #[inline]
    unsafe fn retired(record: NonNull<Self>) -> Retired {
        // SAFETY: the caller says that the record is valid.
        let header = unsafe { record.as_ref() };
        let block = record.cast();
        #[expect(clippy::cast_possible_truncation, reason = "at most 64 KiB + 4 KiB + 48")]
        let bytes = header.block() as u32;
        if cfg!(not(pool_loom)) && header.encoding == Encoding::Text {
            return Retired::Block { block, bytes };
        }
        Retired::Owner { block, bytes, held: header.held(), drop_content }
    }
}

/// Drops what a record holds, and leaves its block.
///
/// # Safety
///
/// `block` is the block of a record that nobody else can reach.
unsafe fn drop_content(block: NonNull<u8>) {
    let record = block.cast::<Record>();
    // SAFETY: valid by the caller's word.
    let encoding = unsafe { record.as_ref() }.encoding;
    // SAFETY: the fixed part lies behind the header, in the same block.
    let fixed = unsafe { record.as_ptr().add(1) };
    match encoding {
        Encoding::Text => {}
        // SAFETY: this encoding keeps an `Arc<[u8]>`, dropped once, here.
        Encoding::Shared => unsafe { fixed.cast::<Arc<[u8]>>().drop_in_place() },
        // SAFETY: this encoding keeps an `IntegerCell`, dropped once, here.
        Encoding::Integer => unsafe { fixed.cast::<IntegerCell>().drop_in_place() },
        // SAFETY: this encoding keeps an `Object`, dropped once, here.
        Encoding::Object => unsafe { fixed.cast::<Object>().drop_in_place() },
    }
    // SAFETY: the header is dropped once, here; under loom its cells have destructors.
    unsafe { record.as_ptr().drop_in_place() };
}
