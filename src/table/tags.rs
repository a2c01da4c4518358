//! Which slots of a head bucket carry a tag: all seven compared at once.
//!
//! The answer is a hint: a slot that matches is loaded again, with Acquire, before it is followed,
//! and a slot that holds a key throughout carries its tag throughout. There is no branch, since
//! which slot matches is not predictable.

use super::{bucket::Bucket, word::Tag};

/// The slots of a bucket whose tag fits, a bit each.
#[cfg(any(not(target_arch = "x86_64"), miri, pool_loom))]
#[inline]
pub(super) fn matching_slots(bucket: &Bucket, tag: Tag) -> u32 {
    let mut matches = 0;
    for (index, slot) in bucket.slots.0.iter().enumerate() {
        // ORDERING: Relaxed; see the module's document.
        let word = super::word::Word::from_raw(slot.load(crate::sync::Ordering::Relaxed));
        matches |= u32::from(word.has_tag(tag)) << index;
    }
    matches
}

/// The slots of a bucket whose tag fits, a bit each: 13 instructions instead of 42.
///
/// Written as assembly because eight words are loaded in four pairs. To the language these are
/// eight Relaxed loads; to the processor each aligned pair is one access of a single cache line,
/// whose halves are never torn (Intel and AMD guarantee it for every processor that has AVX, and
/// none without is known to do otherwise).
#[cfg(all(target_arch = "x86_64", not(miri), not(pool_loom)))]
#[inline(always)]
pub(super) fn matching_slots(bucket: &Bucket, tag: Tag) -> u32 {
    use std::arch::{asm, x86_64::_mm_set1_epi16};
    const {
        assert!(size_of::<Bucket>() == 64);
        assert!(align_of::<Bucket>() == 64);
        assert!(std::mem::offset_of!(Bucket, slots) == 8);
    };
    // SAFETY: SSE2 is part of x86-64.
    let tag = unsafe { _mm_set1_epi16(tag.bits().cast_signed()) };
    let matches: u32;
    // SAFETY: the four loads are within the bucket and aligned; the block writes registers only.
    unsafe {
        asm!(
            "movdqa {low}, xmmword ptr [{bucket}]",
            "movdqa {high}, xmmword ptr [{bucket} + 32]",
            // The upper halves of the eight words, the control word's first.
            "shufps {low}, xmmword ptr [{bucket} + 16], 0xDD",
            "shufps {high}, xmmword ptr [{bucket} + 48], 0xDD",
            // Their upper halves: the tags.
            "psrad {low}, 16",
            "psrad {high}, 16",
            "packssdw {low}, {high}",
            "pcmpeqw {low}, {tag}",
            "packsswb {low}, {low}",
            "pmovmskb {matches:e}, {low}",
            bucket = in(reg) std::ptr::from_ref(bucket),
            tag = in(xmm_reg) tag,
            low = out(xmm_reg) _,
            high = out(xmm_reg) _,
            matches = out(reg) matches,
            options(readonly, nostack, preserves_flags),
        );
    }
    // The lowest bit is the control word's; from the ninth on they repeat.
    (matches & 0xFF) >> 1
}

#[cfg(all(test, not(pool_loom)))]
mod tests {
    use super::*;
    use crate::{
        sync::Ordering::Relaxed,
        table::{
            word::{Tag, Word},
            zeroed::Zeroed,
        },
    };
    use std::ptr::NonNull;

    #[repr(align(16))]
    struct Aligned(#[expect(dead_code, reason = "only its address counts")] u8);

    #[test]
    fn the_slots_with_a_tag_are_told_by_a_bit_each() {
        let mut value = Aligned(0);
        let record = NonNull::from(&mut value);
        for tag in [0, 1, 0x7FFF, 0x8000, 0xFFFF] {
            let tag = Tag::of(tag << 48);
            let other = Tag::of(0x1234 << 48);
            for set in 0..128_u32 {
                let bucket = Bucket::zeroed();
                for (index, slot) in bucket.slots.0.iter().enumerate() {
                    let tag = if set >> index & 1 == 1 { tag } else { other };
                    slot.store(Word::record(record, tag).raw(), Relaxed);
                }

                assert_eq!(matching_slots(&bucket, tag), set);
            }
        }
    }
}
