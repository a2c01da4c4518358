//! Natural numbers of any size, as far as exact decimal conversion needs them.
//!
//! The numbers here have some four hundred limbs at most, and two or three most of the time, so
//! everything is done the way it is done by hand.

use std::cmp::Ordering;

/// Bits of a limb.
const LIMB_BITS: usize = 64;

/// The largest power of five in a limb, as its exponent.
const FIVES_IN_A_LIMB: u32 = 27;

/// The largest power of ten in a limb, as its exponent.
const TENS_IN_A_LIMB: u32 = 19;

/// Steps of a division: 64 bits to keep, two to round by, and one that may be zero.
const QUOTIENT_BITS: i32 = 67;

/// A natural number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Natural {
    /// The digits to base 2⁶⁴, least significant first; the last one is not zero.
    limbs: Vec<u64>,
}

/// The first bits of a quotient: it is `bits` × 2^`exponent`, or a little more if `is_inexact`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Quotient {
    /// The first bits, at least 66 of them from the first one that is set.
    pub(super) bits: u128,
    /// The power of two that `bits` is to be multiplied by.
    pub(super) exponent: i32,
    /// Whether there is more to the quotient: less than one unit of `bits`, but not nothing.
    pub(super) is_inexact: bool,
}

impl Natural {
    /// Returns `limb` as a natural number.
    pub(super) fn from_limb(limb: u64) -> Self {
        let mut number = Self { limbs: Vec::new() };
        number.multiply_add(0, limb);
        number
    }

    /// Reads decimal digits, most significant first.
    pub(super) fn from_decimal(digits: impl Iterator<Item = u8>) -> Self {
        let mut number = Self::from_limb(0);
        let (mut factor, mut chunk) = (1, 0);
        for digit in digits {
            if factor == 10_u64.pow(TENS_IN_A_LIMB) {
                number.multiply_add(factor, chunk);
                (factor, chunk) = (1, 0);
            }
            factor *= 10;
            chunk = chunk * 10 + u64::from(digit - b'0');
        }
        number.multiply_add(factor, chunk);
        number
    }

    /// Multiplies by 5 to the power of `exponent`.
    pub(super) fn multiply_by_power_of_five(&mut self, exponent: u32) {
        for _ in 0..exponent / FIVES_IN_A_LIMB {
            self.multiply_add(5_u64.pow(FIVES_IN_A_LIMB), 0);
        }
        self.multiply_add(5_u64.pow(exponent % FIVES_IN_A_LIMB), 0);
    }

    /// Multiplies by 2 to the power of `bits`.
    pub(super) fn shift_left(&mut self, bits: usize) {
        self.multiply_add(1 << (bits % LIMB_BITS), 0);
        if !self.limbs.is_empty() {
            self.limbs.splice(0..0, std::iter::repeat_n(0, bits / LIMB_BITS));
        }
    }

    /// Returns the first bits of `self` ÷ `divisor`, neither of which is zero.
    pub(super) fn divide(mut self, mut divisor: Self) -> Quotient {
        let (own, other) = (self.bit_length(), divisor.bit_length());
        self.shift_left(other.saturating_sub(own));
        divisor.shift_left(own.saturating_sub(other));
        // Both are of one length now, so that their quotient is more than a half and less than two.
        let mut bits = 0;
        for _ in 0..QUOTIENT_BITS {
            bits <<= 1;
            if self.compare(&divisor).is_ge() {
                self.subtract(&divisor);
                bits |= 1;
            }
            self.shift_left(1);
        }
        let scale =
            i32::try_from(own).unwrap_or(i32::MAX) - i32::try_from(other).unwrap_or(i32::MAX);
        Quotient { bits, exponent: scale - (QUOTIENT_BITS - 1), is_inexact: !self.limbs.is_empty() }
    }

    /// Writes the number in decimal, without leading zeros; zero is the empty text.
    pub(super) fn into_decimal(mut self) -> Vec<u8> {
        let mut reversed = Vec::new();
        while !self.limbs.is_empty() {
            let mut chunk = self.divide_by_limb(10_u64.pow(TENS_IN_A_LIMB));
            for _ in 0..TENS_IN_A_LIMB {
                let [digit, ..] = (chunk % 10).to_le_bytes();
                reversed.push(b'0' + digit);
                chunk /= 10;
            }
        }
        while reversed.last() == Some(&b'0') {
            reversed.pop();
        }
        reversed.reverse();
        reversed
    }

    /// Returns how many bits the number has, from the first one that is set.
    fn bit_length(&self) -> usize {
        let unused = self.limbs.last().map_or(0, |limb| limb.leading_zeros() as usize);
        self.limbs.len() * LIMB_BITS - unused
    }

    /// Multiplies by `factor`, then adds `addend`.
    fn multiply_add(&mut self, factor: u64, addend: u64) {
        let mut carry = addend;
        for limb in &mut self.limbs {
            (*limb, carry) = halves(u128::from(*limb) * u128::from(factor) + u128::from(carry));
        }
        if carry != 0 {
            self.limbs.push(carry);
        }
    }

    /// Takes `other`, which is not larger, away.
    fn subtract(&mut self, other: &Self) {
        let mut has_borrowed = false;
        for (index, limb) in self.limbs.iter_mut().enumerate() {
            let taken = other.limbs.get(index).copied().unwrap_or(0);
            let (difference, first) = limb.overflowing_sub(taken);
            let (difference, second) = difference.overflowing_sub(u64::from(has_borrowed));
            *limb = difference;
            has_borrowed = first || second;
        }
        self.trim();
    }

    /// Divides by `divisor`, and returns what remains.
    fn divide_by_limb(&mut self, divisor: u64) -> u64 {
        let divisor = u128::from(divisor);
        let mut remainder = 0;
        for limb in self.limbs.iter_mut().rev() {
            let dividend = remainder << LIMB_BITS | u128::from(*limb);
            (*limb, _) = halves(dividend / divisor);
            remainder = dividend % divisor;
        }
        self.trim();
        halves(remainder).0
    }

    /// Compares two numbers.
    fn compare(&self, other: &Self) -> Ordering {
        let by_length = self.limbs.len().cmp(&other.limbs.len());
        by_length.then_with(|| self.limbs.iter().rev().cmp(other.limbs.iter().rev()))
    }

    /// Drops leading zeros.
    fn trim(&mut self) {
        while self.limbs.last() == Some(&0) {
            self.limbs.pop();
        }
    }
}

/// Splits a number into its lower and its upper 64 bits.
#[expect(clippy::cast_possible_truncation, reason = "the halves are what is asked for")]
pub(super) const fn halves(number: u128) -> (u64, u64) {
    (number as u64, (number >> LIMB_BITS) as u64)
}

#[cfg(test)]
mod tests {
    use super::{Natural, Quotient};

    /// Reads a number from text.
    fn natural(text: &str) -> Natural {
        Natural::from_decimal(text.bytes())
    }

    /// Writes a number as text.
    fn text(number: Natural) -> String {
        String::from_utf8(number.into_decimal()).unwrap()
    }

    #[test]
    fn decimal_text_survives_the_way_there_and_back() {
        for digits in [
            "",
            "1",
            "9999999999999999999",
            "10000000000000000000",
            "18446744073709551615",
            "18446744073709551616",
            "340282366920938463463374607431768211456",
            "123456789012345678901234567890123456789012345678901234567890",
        ] {
            assert_eq!(text(natural(digits)), digits);
        }
        let long = "1234567890".repeat(500);
        assert_eq!(text(natural(&long)), long);
        assert_eq!(natural("000"), Natural::from_limb(0));
    }

    #[test]
    fn powers_of_five_and_two_make_powers_of_ten() {
        for exponent in [0, 1, 26, 27, 28, 63, 64, 65, 400, 4_932] {
            let mut power = Natural::from_limb(1);

            power.multiply_by_power_of_five(exponent);
            power.shift_left(exponent as usize);

            assert_eq!(text(power), format!("1{}", "0".repeat(exponent as usize)));
        }
    }

    #[test]
    fn a_quotient_has_its_bits_and_says_whether_that_is_all() {
        let exact = natural("6").divide(natural("2"));
        let third = natural("1").divide(natural("3"));

        assert_eq!(exact, Quotient { bits: 3 << 65, exponent: -65, is_inexact: false });
        assert_eq!(third.bits, (1 << 67) / 3);
        assert_eq!(third.exponent, -67);
        assert!(third.is_inexact);
    }

    #[test]
    fn a_quotient_of_long_numbers_is_that_of_their_ratio() {
        let divisor = natural(&"37".repeat(200));
        let mut dividend = divisor.clone();
        dividend.multiply_by_power_of_five(3);

        let quotient = dividend.divide(divisor);

        assert_eq!(quotient, Quotient { bits: 125 << 59, exponent: -59, is_inexact: false });
    }
}
