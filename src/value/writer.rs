//! Writing a value into memory that was taken for it.

use std::{marker::PhantomData, mem::MaybeUninit, ptr::NonNull};

/// Fills a piece of memory from its beginning, never beyond its end.
#[derive(Debug)]
pub(crate) struct Writer<'b> {
    /// The next byte to write.
    at: NonNull<u8>,
    /// Bytes from there to the end.
    left: usize,
    memory: PhantomData<&'b mut [MaybeUninit<u8>]>,
}

impl<'b> Writer<'b> {
    /// Begins at the first byte of `memory`.
    #[inline(always)]
    pub(crate) fn new(memory: &'b mut [MaybeUninit<u8>]) -> Self {
        let left = memory.len();
        Self { at: NonNull::from(memory).cast(), left, memory: PhantomData }
    }

    /// Cuts off the next `len` bytes, which the caller fills.
    #[inline(always)]
    pub(crate) fn skip(&mut self, len: usize) -> &'b mut [MaybeUninit<u8>] {
        let Some(left) = self.left.checked_sub(len) else { too_long() };
        let next = self.at.cast::<MaybeUninit<u8>>();
        // SAFETY: there were at least `len` bytes.
        self.at = unsafe { self.at.add(len) };
        self.left = left;
        // SAFETY: these bytes were borrowed exclusively for `'b`, and `at` is behind them now.
        unsafe { std::slice::from_raw_parts_mut(next.as_ptr(), len) }
    }

    /// Copies bytes, some of which the caller may then write over.
    #[inline(always)]
    pub(crate) fn copy(&mut self, bytes: Option<&[u8]>) -> &'b mut [MaybeUninit<u8>] {
        let bytes = bytes.unwrap_or_default();
        let copy = self.skip(bytes.len());
        let to = copy.as_mut_ptr().cast::<u8>();
        // SAFETY: `copy` is as long as `bytes`, and borrowed exclusively, so that they are apart.
        unsafe { to.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
        copy
    }

    /// Copies bytes; pointers among them stay pointers.
    #[inline(always)]
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.copy(Some(bytes));
    }

    /// Copies a text. Most are of 8 to 16 bytes: they are copied as two words that may overlap, where
    /// a copy of any length is a call.
    #[inline(always)]
    pub(crate) fn text(&mut self, text: &[u8]) {
        let (Some(first), Some(last)) = (text.first_chunk::<8>(), text.last_chunk::<8>()) else {
            return self.bytes(text);
        };
        if text.len() > 16 {
            return self.bytes(text);
        }
        let place = self.skip(text.len());
        if let Some(start) = place.first_chunk_mut() {
            *start = first.map(MaybeUninit::new);
        }
        if let Some(end) = place.last_chunk_mut() {
            *end = last.map(MaybeUninit::new);
        }
    }

    /// Writes one byte.
    #[inline(always)]
    pub(crate) fn byte(&mut self, byte: u8) {
        self.bytes(&[byte]);
    }

    /// Ends. What nobody has written becomes zero, so that all of the memory may be read.
    #[inline(always)]
    pub(crate) fn finish(mut self) {
        debug_assert!(self.left == 0, "a value is shorter than it said");
        if self.left > 0 {
            self.skip(self.left).fill(MaybeUninit::new(0));
        }
    }
}

#[cold]
#[inline(never)]
fn too_long() -> ! {
    unreachable!("a value is longer than the memory that was taken for it")
}

/// Writes into new memory of a length.
#[cfg(test)]
pub(crate) fn written(len: usize, write: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
    let mut bytes = vec![MaybeUninit::uninit(); len];
    let mut writer = Writer::new(&mut bytes);
    write(&mut writer);
    writer.finish();
    // SAFETY: the writer has filled all of it.
    bytes.into_iter().map(|byte| unsafe { byte.assume_init() }).collect()
}

#[cfg(all(test, not(pool_loom)))]
mod tests {
    use super::*;

    #[test]
    fn texts_of_every_length_are_copied_whole() {
        for len in 0..40_u8 {
            let text: Vec<u8> = (1..=len).collect();
            let around = |to: &mut Writer<'_>| {
                to.byte(0xFE);
                to.text(&text);
                to.byte(0xFF);
            };

            let bytes = written(text.len() + 2, around);

            assert_eq!(bytes, [&[0xFE], &text[..], &[0xFF]].concat(), "{len} bytes");
        }
    }
}
