//! Random cases from a seed.

use arbitrary::{Arbitrary, Unstructured};

/// A seeded source of random bytes.
pub(crate) struct Source(pub(crate) u64);

impl Source {
    /// Draws a case.
    pub(crate) fn draw<T: for<'a> Arbitrary<'a>>(&mut self) -> T {
        let bytes: Vec<u8> = (0..12)
            .flat_map(|_| {
                self.0 ^= self.0 << 13;
                self.0 ^= self.0 >> 7;
                self.0 ^= self.0 << 17;
                self.0.wrapping_mul(0x2545_F491_4F6C_DD1D).to_be_bytes()
            })
            .collect();
        T::arbitrary(&mut Unstructured::new(&bytes)).expect("there are bytes enough")
    }
}
