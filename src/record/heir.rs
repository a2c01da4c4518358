//! Records of the edits that nearly all are: an element more or less at an end of a list, one field
//! of a hash or set.
//!
//! [`Draft::with_body`] could build the same; this knows what it builds, which halves the
//! instructions.

use super::{
    Draft, Encoding, Origin, Record,
    collection::{Family, HEIR, ROOT_ALIGN, list_encoding, root_size, write_root},
};
use crate::{
    reclaim::{Guard, magazine::block_bytes},
    value::{
        list::ListImage,
        packed::single::Successor,
        tree::fields::{FieldTree, Graft},
        writer::Writer,
    },
};
use std::mem::MaybeUninit;

/// What takes the place of a record from which it was built, and shares with it what hangs below.
pub(crate) trait Heir {
    /// Bytes of the record's block.
    fn block_size(&self, key_len: usize) -> usize;

    /// Bytes that the record takes, with all nodes that will hang below it.
    fn memory(&self, key_len: usize) -> usize;

    /// Builds the record.
    fn draft<'g, 'd>(&self, key: &[u8], origin: Origin, guard: &'g Guard<'d>) -> Draft<'g, 'd>;
}

/// Where the value of a list or of a tree begins.
#[inline]
fn root_offset(key_len: usize) -> usize {
    (size_of::<Record>() + key_len).next_multiple_of(ROOT_ALIGN)
}

impl Heir for ListImage<'_, '_> {
    #[inline]
    fn block_size(&self, key_len: usize) -> usize {
        block_bytes(root_offset(key_len) + root_size(list_encoding(self)) + self.encoded_len())
    }

    #[inline]
    fn memory(&self, key_len: usize) -> usize {
        let below = usize::try_from(self.root.bytes).unwrap_or(usize::MAX);
        below.saturating_add(self.block_size(key_len))
    }

    #[inline(always)]
    fn draft<'g, 'd>(&self, key: &[u8], origin: Origin, guard: &'g Guard<'d>) -> Draft<'g, 'd> {
        let (block, len) = (self.block_size(key.len()), self.encoded_len());
        let draft = begin(block, list_encoding(self), key, len, origin, guard);
        let root = root_offset(key.len());
        // SAFETY: the offset lies in the block, which was taken with room for root and ends.
        let at = unsafe { draft.record().cast::<u8>().add(root) };
        // SAFETY: as above; a block is aligned to 16, and the offset is a multiple of that.
        unsafe { write_root(self, at) };
        let ends = root + root_size(list_encoding(self));
        // SAFETY: the block goes on for that many bytes behind the root.
        let mut writer = unsafe { part(&draft, ends, len) };
        self.write(&mut writer);
        writer.finish();
        draft
    }
}

/// A packed hash or set of which one entry has changed.
#[derive(Debug)]
pub(crate) struct PackedHeir<'s, S> {
    /// Which of the two.
    pub(crate) family: Family,
    /// What has changed.
    pub(crate) value: &'s S,
}

impl<S: Successor> Heir for PackedHeir<'_, S> {
    #[inline]
    fn block_size(&self, key_len: usize) -> usize {
        block_bytes(size_of::<Record>() + key_len + self.value.encoded_len())
    }

    fn memory(&self, key_len: usize) -> usize {
        self.block_size(key_len)
    }

    #[inline(always)]
    fn draft<'g, 'd>(&self, key: &[u8], origin: Origin, guard: &'g Guard<'d>) -> Draft<'g, 'd> {
        let (block, len) = (self.block_size(key.len()), self.value.encoded_len());
        let draft = begin(block, self.family.packed(), key, len, origin, guard);
        // SAFETY: the block was taken with room for header, key and value.
        let mut writer = unsafe { part(&draft, size_of::<Record>() + key.len(), len) };
        self.value.write(&mut writer);
        writer.finish();
        draft
    }
}

/// A hash or set that is a tree.
#[derive(Debug)]
pub(crate) struct TreeHeir<'a> {
    /// Which of the two.
    pub(crate) family: Family,
    /// The old version.
    pub(crate) old: &'a FieldTree,
    /// What the new version has else.
    pub(crate) graft: Graft,
}

impl Heir for TreeHeir<'_> {
    #[inline]
    fn block_size(&self, key_len: usize) -> usize {
        block_bytes(root_offset(key_len) + size_of::<FieldTree>())
    }

    fn memory(&self, key_len: usize) -> usize {
        let below = usize::try_from(self.graft.bytes_after(self.old)).unwrap_or(usize::MAX);
        below.saturating_add(self.block_size(key_len))
    }

    #[inline(always)]
    fn draft<'g, 'd>(&self, key: &[u8], origin: Origin, guard: &'g Guard<'d>) -> Draft<'g, 'd> {
        let draft = begin(self.block_size(key.len()), self.family.tree(), key, 0, origin, guard);
        // SAFETY: the offset lies in the block, which was taken with room for the root.
        let at = unsafe { draft.record().cast::<u8>().add(root_offset(key.len())) };
        // SAFETY: as above; a block is aligned to 16, and the offset is a multiple of that.
        unsafe { at.cast::<FieldTree>().write(*self.old) };
        // SAFETY: just written, and the record is private.
        self.graft.change_root(unsafe { at.cast::<FieldTree>().as_mut() });
        draft
    }
}

/// Takes a block and writes header and key of an heir.
#[inline(always)]
fn begin<'g, 'd>(
    block: usize,
    encoding: Encoding,
    key: &[u8],
    len: usize,
    origin: Origin,
    guard: &'g Guard<'d>,
) -> Draft<'g, 'd> {
    Draft::begin_in(block, encoding, key, len | HEIR as usize, origin, guard)
}

/// A part of a record, to be written.
///
/// # Safety
///
/// The record's block has so many bytes at the offset.
#[inline(always)]
unsafe fn part<'a>(draft: &'a Draft<'_, '_>, at: usize, len: usize) -> Writer<'a> {
    // SAFETY: the caller's word.
    let at = unsafe { draft.record().cast::<u8>().add(at) }.cast::<MaybeUninit<u8>>();
    // SAFETY: as above; the record is private.
    Writer::new(unsafe { std::slice::from_raw_parts_mut(at.as_ptr(), len) })
}
