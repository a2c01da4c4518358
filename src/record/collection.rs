//! Records of hashes, sets and lists.
//!
//! | encoding      | value                                                     | begins at           |
//! |---------------|-----------------------------------------------------------|---------------------|
//! | packed        | packed fields, up to 1,200 bytes                          | behind the key      |
//! | short list    | a root without a middle, and up to 1 KiB of elements       | a multiple of 16    |
//! | long list     | a root, digits, and both ends, of up to 512 bytes each    | a multiple of 16    |
//! | tree          | length, bytes, and 32 children                            | a multiple of 16    |
//!
//! What hangs below a long list or a tree belongs to the record as long as the record is the last
//! version of its value. A record that takes over what it needs of that is an *heir*: it was built
//! from the one whose place it takes. The heir's predecessor is retired alone, since whoever built
//! the heir retires what it did not take over. Every other record that leaves the table is retired
//! with all that hangs below it.

use super::{Content, Draft, Encoding, Live, Origin, Record, Value};
use crate::{
    reclaim::{Guard, Retired},
    table,
    value::{
        collection::Collection,
        hash::HashValue,
        list::{Digits, ListImage, ListRoot, ListValue},
        packed::{Packing, fields::Fields},
        set::SetValue,
        tree::{
            fields::FieldTree,
            grave::Grave,
            node::{Node, NodeRef},
        },
        writer::Writer,
    },
};
use std::{mem::MaybeUninit, ptr::NonNull};

/// Where the root of a list or tree lies: at a multiple of this.
pub(super) const ROOT_ALIGN: usize = align_of::<FieldTree>();

/// The bit of a collection's length that says that the record is an heir.
pub(super) const HEIR: u32 = 1 << 31;

/// A hash or a set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Family {
    /// A hash.
    Hash,
    /// A set.
    Set,
}

impl Family {
    /// How it is kept when it is packed.
    #[inline]
    pub(super) fn packed(self) -> Encoding {
        match self {
            Self::Hash => Encoding::PackedHash,
            Self::Set => Encoding::PackedSet,
        }
    }

    /// How it is kept when it is a tree.
    #[inline]
    pub(super) fn tree(self) -> Encoding {
        match self {
            Self::Hash => Encoding::TreeHash,
            Self::Set => Encoding::TreeSet,
        }
    }
}

/// What a record of a collection is to hold.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Body<'a> {
    /// A packed hash or set.
    Packed(Family, &'a Packing<'a>),
    /// A hash or set that is a tree.
    Tree(Family, &'a FieldTree),
    /// A list.
    List(&'a ListImage<'a, 'a>),
    /// What another record of the same key, or of a value without nodes, holds.
    Same(Live<'a>),
}

impl Body<'_> {
    /// The encoding, and bytes of what follows the root.
    fn form(&self) -> (Encoding, usize) {
        match self {
            Self::Packed(family, packing) => (family.packed(), packing.encoded_len()),
            Self::Tree(family, _) => (family.tree(), 0),
            Self::List(image) => (list_encoding(image), image.encoded_len()),
            Self::Same(live) => {
                let header = live.header();
                (header.encoding, collection_len(header.value_len))
            }
        }
    }

    /// Bytes of the block of a record that holds it.
    pub(crate) fn block_size(&self, key_len: usize) -> usize {
        let (encoding, len) = self.form();
        super::block_size(encoding, key_len, len)
    }

    /// Bytes that a record takes that holds it, with all nodes that will hang below it.
    pub(crate) fn memory(&self, key_len: usize) -> usize {
        let below = match self {
            Self::Packed(..) => 0,
            Self::Tree(_, tree) => tree.bytes,
            Self::List(image) => image.root.bytes,
            Self::Same(live) => live.bytes_below(),
        };
        usize::try_from(below).unwrap_or(usize::MAX).saturating_add(self.block_size(key_len))
    }

    /// Writes the value into its place.
    ///
    /// # Safety
    ///
    /// `at` is aligned for the encoding, and the memory there is as long as it asks for.
    unsafe fn write(&self, at: NonNull<u8>, encoding: Encoding, len: usize) {
        match self {
            Self::Packed(..) => {}
            // SAFETY: the caller's word.
            Self::Tree(_, tree) => unsafe { at.cast::<FieldTree>().write(**tree) },
            // SAFETY: the caller's word.
            Self::List(image) => unsafe { write_root(image, at) },
            Self::Same(live) => {
                let from = live.collection_start();
                let whole = root_size(encoding) + len;
                // SAFETY: the other record's value has the same form; this one is private.
                unsafe { at.copy_from_nonoverlapping(from, whole) };
                return;
            }
        }
        // SAFETY: the caller's word.
        let rest = unsafe { at.add(root_size(encoding)) }.cast::<MaybeUninit<u8>>();
        // SAFETY: as above; the memory is private.
        let rest = unsafe { std::slice::from_raw_parts_mut(rest.as_ptr(), len) };
        let mut writer = Writer::new(rest);
        match self {
            Self::Packed(_, packing) => packing.write(&mut writer),
            Self::List(image) => image.write(&mut writer),
            Self::Tree(..) | Self::Same(_) => {}
        }
        writer.finish();
    }
}

impl<'g, 'd> Draft<'g, 'd> {
    /// Builds a record of a collection; an heir when it is built from the record whose place it is
    /// to take.
    ///
    /// Nodes below it are not the draft's: who has made them frees them if it is not published.
    #[inline]
    pub(crate) fn with_body(
        key: &[u8],
        body: Body<'_>,
        is_heir: bool,
        origin: Origin,
        guard: &'g Guard<'d>,
    ) -> Self {
        let (encoding, len) = body.form();
        let mut draft = Self::begin(encoding, key, len, origin, guard);
        if is_heir {
            draft.header_mut().value_len |= HEIR;
        }
        // SAFETY: the offset lies in the block, which was taken with room for the value.
        let at = unsafe { draft.record().cast::<u8>().add(collection_offset(encoding, key.len())) };
        // SAFETY: as above; a block is aligned to 16, and the offset is a multiple of what the
        // encoding needs.
        unsafe { body.write(at, encoding, len) };
        draft
    }
}

/// Writes what the value of a list begins with.
///
/// # Safety
///
/// `at` is aligned for a list's encoding, and the memory there is as long as [`root_size`] says.
#[inline]
pub(super) unsafe fn write_root(image: &ListImage<'_, '_>, at: NonNull<u8>) {
    // SAFETY: the caller's word.
    unsafe { at.cast::<ListRoot>().write(image.root) };
    if image.root.middle.is_some() {
        // SAFETY: as above; digits lie behind the root of a long list.
        let at = unsafe { at.add(size_of::<ListRoot>()) };
        // SAFETY: as above.
        unsafe { at.cast::<Digits>().write(*image.digits()) };
    }
}

/// How a list is kept.
#[inline]
pub(super) fn list_encoding(image: &ListImage<'_, '_>) -> Encoding {
    if image.root.middle.is_none() { Encoding::ShortList } else { Encoding::LongList }
}

impl<'g> Live<'g> {
    /// Where the value of a collection begins.
    #[inline]
    fn collection_start(self) -> NonNull<u8> {
        let header = self.header();
        let offset = collection_offset(header.encoding, usize::from(header.key_len));
        // SAFETY: the offset lies in the record's block.
        unsafe { self.record.cast::<u8>().add(offset) }
    }

    /// The value of a collection.
    #[inline]
    pub(super) fn collection(self) -> Value<'g> {
        let header = self.header();
        let len = collection_len(header.value_len);
        let offset = collection_offset(header.encoding, usize::from(header.key_len));
        let bytes = self.bytes(offset + root_size(header.encoding), len);
        match header.encoding {
            Encoding::PackedHash => Value::Hash(HashValue::packed(bytes)),
            Encoding::PackedSet => Value::Set(SetValue::packed(bytes)),
            Encoding::TreeHash => {
                // SAFETY: this encoding keeps a `FieldTree`.
                let tree = unsafe { self.root::<FieldTree>() };
                // SAFETY: the nodes are alive as long as the record.
                Value::Hash(unsafe { HashValue::tree(tree) })
            }
            Encoding::TreeSet => {
                // SAFETY: this encoding keeps a `FieldTree`.
                let tree = unsafe { self.root::<FieldTree>() };
                // SAFETY: the nodes are alive as long as the record.
                Value::Set(unsafe { SetValue::tree(tree) })
            }
            Encoding::ShortList | Encoding::LongList => {
                Value::List(self.list().unwrap_or(ListValue::EMPTY))
            }
            Encoding::Text | Encoding::Shared | Encoding::Integer | Encoding::Object => {
                Value::Bytes(&[])
            }
        }
    }

    /// The value, if it is a list.
    #[inline]
    pub(crate) fn list(self) -> Option<ListValue<'g>> {
        let header = self.header();
        if !matches!(header.encoding, Encoding::ShortList | Encoding::LongList) {
            return None;
        }
        // SAFETY: these encodings keep a `ListRoot`.
        let root = *unsafe { self.root::<ListRoot>() };
        let mut digits = &Digits::EMPTY;
        if header.encoding == Encoding::LongList {
            // SAFETY: this encoding keeps digits behind the root.
            let at = unsafe { self.collection_start().add(size_of::<ListRoot>()) };
            // SAFETY: as above; valid during `'g`.
            digits = unsafe { at.cast::<Digits>().as_ref() };
        }
        let offset = collection_offset(header.encoding, usize::from(header.key_len));
        let ends =
            self.bytes(offset + root_size(header.encoding), collection_len(header.value_len));
        // SAFETY: the nodes are alive as long as the record.
        Some(unsafe { ListValue::new(root, digits, ends) })
    }

    /// The value, if it is a packed one.
    #[inline]
    pub(crate) fn packed(self, family: Family) -> Option<Fields<'g>> {
        let header = self.header();
        let offset = size_of::<Record>() + usize::from(header.key_len);
        let bytes = || self.bytes(offset, collection_len(header.value_len));
        (header.encoding == family.packed()).then(|| Fields::packed(bytes()))
    }

    /// The value, if it is a tree.
    #[inline]
    pub(crate) fn tree(self, family: Family) -> Option<&'g FieldTree> {
        // SAFETY: this encoding keeps a `FieldTree`.
        (self.header().encoding == family.tree()).then(|| unsafe { self.root::<FieldTree>() })
    }

    /// What the value begins with.
    ///
    /// # Safety
    ///
    /// The record's encoding is one that keeps a `T`.
    #[inline]
    unsafe fn root<T>(self) -> &'g T {
        // SAFETY: `Draft` has written a `T` there, aligned, valid during `'g`.
        unsafe { self.collection_start().cast::<T>().as_ref() }
    }

    /// Bytes of all nodes below the record.
    #[inline]
    pub(super) fn bytes_below(self) -> u64 {
        match self.header().encoding {
            // SAFETY: this encoding keeps a `ListRoot`.
            Encoding::LongList => unsafe { self.root::<ListRoot>() }.bytes,
            // SAFETY: these encodings keep a `FieldTree`.
            Encoding::TreeHash | Encoding::TreeSet => unsafe { self.root::<FieldTree>() }.bytes,
            _ => 0,
        }
    }

    /// The nodes that hang directly below the record.
    fn trees(self) -> impl Iterator<Item = Node> + use<'g> {
        let (collection, list) = match self.value() {
            Value::Hash(hash) => (Some(hash.collection()), None),
            Value::Set(set) => (Some(set.collection()), None),
            Value::List(list) => (None, Some(list)),
            Value::Bytes(_) | Value::Integer(_) | Value::Object(_) => (None, None),
        };
        let tree = collection.and_then(Collection::as_tree);
        let children = tree.into_iter().flat_map(|tree| tree.children.live().map(NodeRef::node));
        children.chain(list.into_iter().flat_map(ListValue::nodes))
    }

    /// The value for another record of the same value, or of another key's when nothing hangs below.
    pub(super) fn same(self) -> Content<'g> {
        Content::Collection(Body::Same(self))
    }
}

impl Record {
    /// Whether it was built from the record whose place it took.
    pub(super) fn is_heir(&self) -> bool {
        self.encoding.is_collection() && self.value_len & HEIR != 0
    }
}

/// What a record that holds trees is retired as, with all of them.
///
/// # Safety
///
/// As for [`Grave::retired`].
pub(super) unsafe fn retired_with_trees(record: NonNull<Record>) -> Retired {
    // SAFETY: valid by the caller's word.
    let live = unsafe { Live::new(record) };
    let (trees, bytes) = (live.trees(), live.bytes_below());
    let block = live.header().block();
    let record = Some((record.cast::<u8>(), block as usize));
    // SAFETY: the caller's word.
    unsafe { Grave::retired(trees, record, bytes + u64::from(block)) }
}

/// Retires a record whose place an heir has taken: alone. Returns the bytes that its value had.
///
/// # Safety
///
/// As for [`table::Record::retire`].
#[inline]
pub(super) unsafe fn retire_predecessor(record: NonNull<Record>, guard: &Guard<'_>) -> u64 {
    // SAFETY: found under the guard, and therefore valid.
    let live = unsafe { Live::new(record) };
    let (block, below) = (live.header().block(), live.bytes_below());
    // SAFETY: the caller unlinked it, so that nobody else retires it; `Draft` has taken the block
    // with this size.
    unsafe { guard.retire_block(record.cast(), block) };
    below + u64::from(block)
}

/// What a record is retired as when what hangs below it is not its own.
///
/// # Safety
///
/// `record` is valid.
pub(crate) unsafe fn retired_alone(record: NonNull<Record>) -> Retired {
    // SAFETY: the caller's word.
    let header = unsafe { record.as_ref() };
    if header.encoding.has_trees() {
        return Retired::Block { block: record.cast(), bytes: header.block() };
    }
    // SAFETY: the caller's word.
    unsafe { <Record as table::Record>::retired(record) }
}

/// Bytes of a value without its root, from the header's length.
#[inline]
pub(super) fn collection_len(value_len: u32) -> usize {
    (value_len & !HEIR) as usize
}

/// Bytes of what a value begins with.
#[inline]
pub(super) fn root_size(encoding: Encoding) -> usize {
    match encoding {
        Encoding::TreeHash | Encoding::TreeSet => size_of::<FieldTree>(),
        Encoding::ShortList => size_of::<ListRoot>(),
        Encoding::LongList => size_of::<ListRoot>() + size_of::<Digits>(),
        _ => 0,
    }
}

/// Where a collection's value begins.
#[inline]
fn collection_offset(encoding: Encoding, key_len: usize) -> usize {
    let offset = size_of::<Record>() + key_len;
    if root_size(encoding) == 0 { offset } else { offset.next_multiple_of(ROOT_ALIGN) }
}

/// Where a collection's record ends.
#[inline]
pub(super) fn collection_end(encoding: Encoding, key_len: usize, len: usize) -> usize {
    collection_offset(encoding, key_len) + root_size(encoding) + collection_len(u32_of(len))
}

/// A length of a packed value, or of a list's ends.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "within the limits, by contract")]
fn u32_of(len: usize) -> u32 {
    len as u32
}

const _: () = assert!(align_of::<ListRoot>() <= ROOT_ALIGN && ROOT_ALIGN <= 16);
const _: () = assert!(align_of::<Digits>() <= align_of::<ListRoot>());
