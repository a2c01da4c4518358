//! The 80-bit numbers of the x87 unit, C's `long double`, as far as `INCRBYFLOAT` needs them.
//!
//! Redis adds in this format and prints the sum with `%.17Lf`: that is why `0.1` and `0.2` make
//! `0.3` there. Results agree with its own to the last digit only if both the width and the
//! rounding do. Few machines have such a unit and Rust does not reach it, so here is what is
//! needed, in whole numbers.
//!
//! A finite number is ± significand × 2^exponent. It is kept in the one form that the unit has for
//! it: the significand fills its 64 bits, unless the exponent is [`LEAST_EXPONENT`] already. Hence,
//! of two numbers, the one of the larger exponent is the larger one.
//!
//! Every operation works out the exact result, or its first bits and whether there is more, and
//! rounds once: to the nearest number there is, to the even one if two are as near.

mod natural;
mod parse;
#[cfg(test)]
mod tests;

use natural::{Natural, halves};

/// Bits of a significand.
const PRECISION: i32 = 64;

/// The exponent of the smallest numbers.
const LEAST_EXPONENT: i32 = -16_445;

/// The exponent of the largest numbers.
const LARGEST_EXPONENT: i32 = 16_320;

/// What stands for the exponent of infinity, as in the unit itself.
const INFINITE_EXPONENT: i32 = LARGEST_EXPONENT + 1;

/// Digits after the point that are printed, if they are not zeros at the end.
const FRACTION_DIGITS: u32 = 17;

/// Bits that an addition keeps below the last one of its larger number; two are left for the carry.
const SPARE_BITS: u32 = 62;

/// A number of the x87 unit, or infinity; never NaN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extended {
    /// The sign, which zero has as well.
    is_negative: bool,
    /// The power of two that the significand is multiplied by; the least one for zero.
    exponent: i32,
    /// The digits; none for zero and infinity.
    significand: u64,
}

impl Extended {
    /// Adds two numbers; there is no sum if it, or one of them, is infinite.
    pub(crate) fn add(self, other: Self) -> Option<Self> {
        if self.is_infinite() || other.is_infinite() {
            return None;
        }
        let (large, small) =
            if self.rank() >= other.rank() { (self, other) } else { (other, self) };
        let distance = large.exponent.abs_diff(small.exponent);
        let augend = u128::from(large.significand) << SPARE_BITS;
        let (addend, is_inexact) =
            shift_right(u128::from(small.significand) << SPARE_BITS, distance);
        let sum = if large.is_negative == small.is_negative {
            augend + addend
        } else {
            // What was shifted out is to be taken away too: a whole unit, less what `is_inexact`
            // then stands for.
            augend - addend - u128::from(is_inexact)
        };
        if sum == 0 {
            return Some(Self::zero(self.is_negative && other.is_negative));
        }
        let exponent = large.exponent.saturating_sub_unsigned(SPARE_BITS);
        round_extended(large.is_negative, sum, exponent, is_inexact)
    }

    /// Prints the number as Redis does: in decimal, with up to 17 digits after the point.
    ///
    /// There is never an exponent, a zero at the end of a fraction, or a sign before a mere `0`.
    pub(crate) fn to_text(self) -> Vec<u8> {
        let mut text = if self.is_infinite() {
            b"inf".to_vec()
        } else if self.exponent > 0 {
            let mut number = Natural::from_limb(self.significand);
            number.shift_left(self.exponent.unsigned_abs() as usize);
            number.into_decimal()
        } else {
            fraction_text(self.significand, self.exponent.unsigned_abs()).into_bytes()
        };
        if self.is_negative && text != b"0" {
            text.insert(0, b'-');
        }
        text
    }

    /// Returns zero.
    const fn zero(is_negative: bool) -> Self {
        Self { is_negative, exponent: LEAST_EXPONENT, significand: 0 }
    }

    /// Returns infinity.
    const fn infinite(is_negative: bool) -> Self {
        Self { is_negative, exponent: INFINITE_EXPONENT, significand: 0 }
    }

    /// Says whether the number is zero.
    const fn is_zero(self) -> bool {
        self.significand == 0 && !self.is_infinite()
    }

    /// Says whether this is infinity.
    const fn is_infinite(self) -> bool {
        self.exponent == INFINITE_EXPONENT
    }

    /// Returns what orders the numbers by their size, whatever their sign.
    const fn rank(self) -> (i32, u64) {
        (self.exponent, self.significand)
    }
}

/// Rounds `bits` × 2^`exponent`, or a little more if `is_inexact`, unless that is too large.
///
/// What is inexact has to have more bits than the 64 that are kept.
fn round_extended(
    is_negative: bool,
    bits: u128,
    exponent: i32,
    is_inexact: bool,
) -> Option<Extended> {
    if bits == 0 {
        return Some(Extended::zero(is_negative));
    }
    let (significand, exponent) = round(bits, exponent, is_inexact, PRECISION, LEAST_EXPONENT);
    (exponent <= LARGEST_EXPONENT).then_some(Extended { is_negative, exponent, significand })
}

/// Rounds to a significand that fills `precision` bits, or has the least exponent.
fn round(
    bits: u128,
    exponent: i32,
    is_inexact: bool,
    precision: i32,
    least_exponent: i32,
) -> (u64, i32) {
    let length = (u128::BITS - bits.leading_zeros()).cast_signed();
    let drop = (length - precision).max(least_exponent - exponent);
    if drop <= 0 {
        return (halves(bits << drop.unsigned_abs()).0, exponent + drop);
    }
    let kept = round_shift(bits, drop.unsigned_abs(), is_inexact);
    // Rounding up may have made a power of two of one bit more, the last of which is zero.
    if kept >> precision == 0 {
        (halves(kept).0, exponent + drop)
    } else {
        (halves(kept >> 1).0, exponent + drop + 1)
    }
}

/// Divides by a power of two, and rounds; there is a little more to `bits` if `is_inexact`.
fn round_shift(bits: u128, shift: u32, is_inexact: bool) -> u128 {
    if shift == 0 {
        return bits;
    }
    let (twice, has_lost) = shift_right(bits, shift - 1);
    let (kept, is_half) = (twice >> 1, twice & 1 == 1);
    let is_odd = kept & 1 == 1;
    kept + u128::from(is_half && (has_lost || is_inexact || is_odd))
}

/// Shifts by any distance, and says whether bits were lost.
fn shift_right(bits: u128, distance: u32) -> (u128, bool) {
    let shifted = bits.checked_shr(distance).unwrap_or(0);
    (shifted, shifted.checked_shl(distance).unwrap_or(0) != bits)
}

/// Prints `significand` ÷ 2^`shift`, rounded to 17 digits after the point.
fn fraction_text(significand: u64, shift: u32) -> String {
    let unit = 10_u128.pow(FRACTION_DIGITS);
    let number = round_shift(u128::from(significand) * unit, shift, false);
    let (whole, fraction) = (number / unit, number % unit);
    if fraction == 0 {
        return whole.to_string();
    }
    let text = format!("{whole}.{fraction:0width$}", width = FRACTION_DIGITS as usize);
    text.trim_end_matches('0').to_owned()
}
