//! A slot's word: tag, pointer, and the states it can be in.
//!
//! ```text
//! [63:48] tag = the hash's upper 16 bits | [47:4] pointer, 16-aligned | [3:0] state
//!
//! state   word                  meaning
//! record  tag|ptr               a committed record
//! EMPTY   stamp << 8 | EMPTY    free; the stamp is the control word's version at the emptying
//! TENT    tag|ptr|TENT          an insert in flight; readers and removers treat it as absent
//! FROZEN  anything|FROZEN       being moved: the word never changes again
//! DESC    tag|ptr|DESC          reserved for transactions: the pointer is a descriptor
//! ```
//!
//! The word 0 is that of a slot which a migration has not filled yet.

use std::ptr::{self, NonNull};

/// Free.
const EMPTY: usize = 1;
/// Placed, not committed.
const TENT: usize = 2;
/// Being moved.
const FROZEN: usize = 4;
/// The four state bits, one of them reserved; a record's word has none of them.
const STATE: usize = (1 << STATE_BITS) - 1;
const STATE_BITS: u32 = 4;
/// Where the tag begins; pointers fit below it.
const TAG_SHIFT: u32 = 48;
/// Where the stamp of an empty word begins.
const STAMP_SHIFT: u32 = 8;
/// The bits of the pointer.
const POINTER: usize = (1 << TAG_SHIFT) - 1 - STATE;

/// Sixteen bits of a hash, kept in the word so that most other keys are ruled out in the bucket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Tag(usize);

impl Tag {
    /// The tag of a hash.
    #[inline]
    pub(crate) fn of(hash: u64) -> Self {
        Self((hash >> TAG_SHIFT) as usize)
    }

    /// The tag as it lies in the upper end of a word.
    #[cfg(all(target_arch = "x86_64", not(miri), not(pool_loom)))]
    #[inline]
    pub(super) fn bits(self) -> u16 {
        const { assert!(TAG_SHIFT == 48) };
        #[expect(clippy::cast_possible_truncation, reason = "a tag has 16 bits")]
        let bits = self.0 as u16;
        bits
    }
}

/// What a slot holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Word(*mut ());

/// A word, taken apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Seen<R> {
    /// A committed record.
    Record(NonNull<R>),
    /// A record in flight.
    Tentative(NonNull<R>),
    /// Free since the control word had this version.
    Empty(u32),
    /// Being moved, whatever it is.
    Frozen,
}

impl Word {
    /// A slot that a migration has not filled yet.
    pub(crate) const UNFILLED: Self = Self(ptr::null_mut());

    /// A committed record.
    pub(crate) fn record<R>(record: NonNull<R>, tag: Tag) -> Self {
        debug_assert!(record.addr().get() & !POINTER == 0, "a pointer of 48 bits, 16-aligned");
        Self(record.as_ptr().map_addr(|addr| addr | tag.0 << TAG_SHIFT).cast())
    }

    /// The same record, not committed.
    pub(crate) fn tentative(self) -> Self {
        Self(self.0.map_addr(|addr| addr | TENT))
    }

    /// The same record, committed.
    pub(crate) fn committed(self) -> Self {
        Self(self.0.map_addr(|addr| addr & !TENT))
    }

    /// Free since the control word had this version.
    pub(crate) fn empty(stamp: u32) -> Self {
        Self(ptr::without_provenance_mut((stamp as usize) << STAMP_SHIFT | EMPTY))
    }

    /// The same, frozen.
    pub(crate) fn frozen(self) -> Self {
        Self(self.0.map_addr(|addr| addr | FROZEN))
    }

    /// What was frozen.
    pub(crate) fn thawed(self) -> Self {
        Self(self.0.map_addr(|addr| addr & !FROZEN))
    }

    /// Whether the word is frozen.
    pub(crate) fn is_frozen(self) -> bool {
        self.0.addr() & FROZEN != 0
    }

    /// Whether it is a committed record.
    #[inline]
    pub(super) fn is_record(self) -> bool {
        self.0.addr() & STATE == 0
    }

    /// Whether it is free.
    #[inline]
    pub(super) fn is_empty(self) -> bool {
        self.0.addr() & STATE == EMPTY
    }

    /// Whether it is a record in flight, or being moved.
    #[inline]
    pub(super) fn is_unsettled(self) -> bool {
        self.0.addr() & (TENT | FROZEN) != 0
    }

    /// What an atomic gave.
    #[inline]
    pub(crate) fn from_raw(raw: *mut ()) -> Self {
        Self(raw)
    }

    /// What an atomic takes.
    #[inline]
    pub(crate) fn raw(self) -> *mut () {
        self.0
    }

    /// Whether it could be a record of this tag; a cheap first look.
    #[inline]
    pub(crate) fn has_tag(self, tag: Tag) -> bool {
        self.0.addr() >> TAG_SHIFT == tag.0
    }

    /// The record, when it is a committed one of this tag.
    #[inline]
    pub(crate) fn as_record<R>(self, tag: Tag) -> Option<NonNull<R>> {
        // With the tag taken out, what is left of such a word is the pointer.
        let pointer = self.0.map_addr(|addr| addr ^ tag.0 << TAG_SHIFT);
        // Turned so that the state comes to the upper end, every pointer is less than anything
        // else, and none is the greatest.
        let turned = pointer.addr().rotate_right(STATE_BITS).wrapping_sub(1);
        // SAFETY: it is not null, or it would have turned to the greatest.
        (turned < POINTER >> STATE_BITS).then(|| unsafe { NonNull::new_unchecked(pointer.cast()) })
    }

    /// When an empty word became so.
    #[inline]
    pub(super) fn stamp(self) -> u32 {
        #[expect(clippy::cast_possible_truncation, reason = "a stamp has 32 bits")]
        let stamp = (self.0.addr() >> STAMP_SHIFT) as u32;
        stamp
    }

    /// Takes the word apart.
    pub(crate) fn look<R>(self) -> Seen<R> {
        let addr = self.0.addr();
        debug_assert!(addr != 0, "a slot that is not filled yet");
        match NonNull::new(self.pointer()) {
            _ if addr & FROZEN != 0 => Seen::Frozen,
            Some(record) if addr & STATE == 0 => Seen::Record(record),
            Some(record) if addr & STATE == TENT => Seen::Tentative(record),
            _ => Seen::Empty(self.stamp()),
        }
    }

    /// The address of its record, if it is one, for nothing but a hint to the processor.
    #[inline]
    pub(super) fn address(self) -> *const () {
        self.pointer::<()>()
    }

    /// The pointer without tag and state.
    #[inline]
    fn pointer<R>(self) -> *mut R {
        self.0.map_addr(|addr| addr & POINTER).cast()
    }
}

/// Of which words something is true: a bit for each, worked out without a branch, since which slots
/// of a bucket are free is not predictable.
#[inline(always)]
pub(super) fn bits_of(words: &[Word], is_true: impl Fn(Word) -> bool) -> u32 {
    let each = words.iter().enumerate();
    each.fold(0, |bits, (index, word)| bits | u32::from(is_true(*word)) << index)
}

/// The numbers of the bits that are set.
#[inline]
pub(super) fn indices(mut set: u32) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let bit = (set != 0).then(|| set.trailing_zeros() as usize);
        set &= set.wrapping_sub(1);
        bit
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(PartialEq, Debug)]
    #[repr(align(16))]
    struct Aligned(u8);

    #[test]
    fn a_word_gives_back_the_record_it_was_made_of() {
        let mut value = Aligned(7);
        let record = NonNull::from(&mut value);

        let word = Word::record(record, Tag::of(0xBEEF << 48));

        assert_eq!(word.look(), Seen::Record(record));
        assert_eq!(word.tentative().look(), Seen::Tentative(record));
        assert_eq!(word.tentative().committed(), word);
        assert_eq!(word.tentative().as_record::<Aligned>(Tag::of(0xBEEF << 48)), None);
        assert_eq!(word.as_record(Tag::of(0xBEEF << 48)), Some(record));
        assert_eq!(word.as_record::<Aligned>(Tag::of(0xBEEE << 48)), None);
        assert!(word.has_tag(Tag::of(0xBEEF << 48)));
        assert!(!word.has_tag(Tag::of(0)));
        assert_eq!(word.frozen().look::<Aligned>(), Seen::Frozen);
        assert_eq!(word.frozen().as_record::<Aligned>(Tag::of(0xBEEF << 48)), None);
        assert_eq!(word.frozen().thawed(), word);
    }

    #[test]
    fn the_words_of_a_bucket_are_told_apart() {
        let mut value = Aligned(7);
        let record = Word::record(NonNull::from(&mut value), Tag::of(1 << 48));
        let empty = Word::empty(u32::MAX);
        let words = [record, empty, record.tentative(), empty.frozen(), record.frozen(), record];

        assert_eq!(bits_of(&words, Word::is_record), 0b10_0001);
        assert_eq!(bits_of(&words, Word::is_empty), 0b10);
        assert_eq!(bits_of(&words, Word::is_unsettled), 0b1_1100);
        assert_eq!(indices(0b10_0001).collect::<Vec<_>>(), [0, 5]);
    }

    #[test]
    fn an_empty_word_keeps_all_bits_of_its_stamp() {
        for stamp in [0, 1, u32::MAX / 2, u32::MAX] {
            assert_eq!(Word::empty(stamp).look::<Aligned>(), Seen::Empty(stamp));
            assert_eq!(Word::empty(stamp).as_record::<Aligned>(Tag::of(0)), None);
        }
    }

    #[test]
    fn only_pointers_are_records() {
        let word = |raw: usize| Word::from_raw(ptr::without_provenance_mut(raw));
        let as_record = |raw: usize, tag: u64| {
            let record = word(raw).as_record::<Aligned>(Tag::of(tag << TAG_SHIFT));
            record.map(|record| record.addr().get())
        };
        for tag in [0, 1, 0xFFFF] {
            assert_eq!(as_record(0, tag), None);
            for pointer in [16, POINTER - 16, POINTER] {
                let raw = Tag::of(tag << TAG_SHIFT).0 << TAG_SHIFT | pointer;
                assert_eq!(as_record(raw, tag), Some(pointer));
                assert_eq!(as_record(raw, tag ^ 1), None);
                assert_eq!(as_record(raw, tag ^ 0x8000), None);
                for state in 1..=STATE {
                    assert_eq!(as_record(raw | state, tag), None);
                }
            }
        }
    }
}
