//! What the fuzzer calls.

use super::{
    hash::HashValue,
    list::{Digits, ListRoot, ListValue},
    packed::run::Side,
    set::SetValue,
};
use foldhash::fast::FixedState;

/// Reads any bytes as a packed hash, a packed set, and the ends of a list, in every way in which
/// commands do.
pub fn decode_packed(bytes: &[u8]) {
    let hasher = FixedState::with_seed(1);
    let (hash, set) = (HashValue::packed(bytes), SetValue::packed(bytes));
    assert!(hash.iter().count() as u64 <= hash.len());
    assert!(set.iter().count() as u64 <= set.len());
    for number in 0..=hash.len() {
        if let Some((field, value)) = hash.at(number) {
            field.with_text(|field| hash.get(field, &hasher));
            value.to_vec();
        }
    }
    hash.get(bytes, &hasher);
    set.contains(b"", &hasher);
    let Some((&[count, split], ends)) = bytes.split_first_chunk() else { return };
    let head_bytes = u16::from(split).min(u16::try_from(ends.len()).unwrap_or(u16::MAX));
    let tail_bytes = u16::try_from(ends.len()).unwrap_or(u16::MAX) - head_bytes;
    let root = ListRoot {
        len: u64::from(count),
        head_bytes,
        head_count: u16::from(count / 2),
        tail_bytes,
        tail_count: u16::from(count - count / 2),
        ..ListRoot::EMPTY
    };
    // SAFETY: there are no nodes.
    let list = unsafe { ListValue::new(root, &Digits::EMPTY, ends) };
    for index in 0..=u64::from(count) {
        list.at(index);
    }
    for side in [Side::Left, Side::Right] {
        list.iter_from(u64::from(count / 3), side).for_each(|element| drop(element.to_vec()));
        list.positions(b"x", side).for_each(drop);
    }
}
