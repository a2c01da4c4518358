//! Reading the text of a number, as C's `strtold` does and as far as Redis lets it.

use super::natural::Natural;
use super::{Extended, round_extended};

/// The longest text that Redis looks at.
const LONGEST_TEXT: usize = 5 * 1024 - 1;

/// Where exponents stop counting: far beyond all that the digits of a text can make up for.
const EXPONENT_BOUND: i32 = 1_000_000;

/// The decimal exponent from which on a number is too large: 10^4932 is in range, 10^4933 is not.
const TOO_LARGE: i32 = 4_933;

/// The decimal exponent below which a number is nearer to zero than to the smallest one.
const TOO_SMALL: i32 = -4_950;

/// The most decimal digits that always fit 64 bits.
const SHORT_DIGITS: usize = 19;

/// The largest power of five that fits 64 bits, as its exponent; it even leaves one bit free.
const SHORT_EXPONENT: u32 = 27;

/// The parts of a number's text, its sign and prefix aside.
struct Parts<'a> {
    /// The digits before the point.
    whole: &'a [u8],
    /// The digits after the point.
    fraction: &'a [u8],
    /// The number after the exponent's letter, or zero.
    exponent: i32,
}

impl Extended {
    /// Reads a number, rounded to the nearest one there is, to even if two are as near.
    ///
    /// Takes decimal and `0x` numbers, with or without a sign, point and exponent, and `inf` or
    /// `infinity`. As in Redis there is nothing for spaces, `nan`, and texts of 5,120 bytes or
    /// more, nor for a number that is too large or, without being zero, rounds to zero.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        if text.len() > LONGEST_TEXT {
            return None;
        }
        let (is_negative, unsigned) = match text {
            [b'-', unsigned @ ..] => (true, unsigned),
            [b'+', unsigned @ ..] | unsigned => (false, unsigned),
        };
        match unsigned {
            [b'i' | b'I', ..] => {
                let names = ["inf", "infinity"];
                let is_named =
                    names.iter().any(|name| unsigned.eq_ignore_ascii_case(name.as_bytes()));
                is_named.then_some(Self::infinite(is_negative))
            }
            [b'0', b'x' | b'X', digits @ ..] => {
                from_hexadecimal(is_negative, &split(digits, u8::is_ascii_hexdigit, b'p')?)
            }
            digits => from_decimal(is_negative, &split(digits, u8::is_ascii_digit, b'e')?),
        }
    }
}

/// Takes the text of a number apart.
fn split(text: &[u8], is_digit: fn(&u8) -> bool, exponent_letter: u8) -> Option<Parts<'_>> {
    let (whole, rest) = split_digits(text, is_digit);
    let (fraction, rest) = match rest {
        [b'.', rest @ ..] => split_digits(rest, is_digit),
        rest => (&[][..], rest),
    };
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let exponent = match rest {
        [] => 0,
        [letter, number @ ..] if letter.eq_ignore_ascii_case(&exponent_letter) => {
            parse_exponent(number)?
        }
        _ => return None,
    };
    Some(Parts { whole, fraction, exponent })
}

/// Splits a text behind its leading digits.
fn split_digits(text: &[u8], is_digit: fn(&u8) -> bool) -> (&[u8], &[u8]) {
    let count = text.iter().take_while(|byte| is_digit(byte)).count();
    text.split_at(count)
}

/// Reads an exponent, which may be as long as it likes.
fn parse_exponent(text: &[u8]) -> Option<i32> {
    let (is_negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] | digits => (false, digits),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let magnitude = digits
        .iter()
        .fold(0, |magnitude, digit| EXPONENT_BOUND.min(magnitude * 10 + i32::from(digit - b'0')));
    Some(if is_negative { -magnitude } else { magnitude })
}

/// Makes a number of hexadecimal digits and a binary exponent.
fn from_hexadecimal(is_negative: bool, parts: &Parts<'_>) -> Option<Extended> {
    let mut bits = 0_u128;
    let mut is_inexact = false;
    let mut exponent = parts.exponent;
    for byte in parts.whole.iter().chain(parts.fraction) {
        let digit = char::from(*byte).to_digit(16).unwrap_or(0);
        if bits >> 124 == 0 {
            bits = bits << 4 | u128::from(digit);
        } else {
            is_inexact |= digit != 0;
            exponent += 4;
        }
    }
    exponent -= 4 * length(parts.fraction.len());
    if bits == 0 {
        return Some(Extended::zero(is_negative));
    }
    round_extended(is_negative, bits, exponent, is_inexact).filter(|number| !number.is_zero())
}

/// Makes a number of decimal digits and a decimal exponent.
fn from_decimal(is_negative: bool, parts: &Parts<'_>) -> Option<Extended> {
    let digits = parts.whole.iter().chain(parts.fraction).copied();
    let digits = digits.skip_while(|digit| *digit == b'0');
    let count = digits.clone().count();
    if count == 0 {
        return Some(Extended::zero(is_negative));
    }
    let exponent = parts.exponent - length(parts.fraction.len());
    if !(TOO_SMALL..=TOO_LARGE).contains(&(length(count) + exponent)) {
        return None;
    }
    // A power of ten is one of five times one of two, and the latter is only an exponent.
    let fives = exponent.unsigned_abs();
    if count <= SHORT_DIGITS && fives <= SHORT_EXPONENT {
        let number = digits.fold(0, |number, digit| number * 10 + u64::from(digit - b'0'));
        return from_short_decimal(is_negative, number, exponent);
    }
    let (mut dividend, mut divisor) = (Natural::from_decimal(digits), Natural::from_limb(1));
    if exponent < 0 { &mut divisor } else { &mut dividend }.multiply_by_power_of_five(fives);
    let quotient = dividend.divide(divisor);
    round_extended(is_negative, quotient.bits, quotient.exponent + exponent, quotient.is_inexact)
        .filter(|number| !number.is_zero())
}

/// Makes `number` × 10^`exponent`, neither of which is too large for 128 bits to hold all.
///
/// This is what nearly every number of daily life comes to.
fn from_short_decimal(is_negative: bool, number: u64, exponent: i32) -> Option<Extended> {
    let fives = u128::from(5_u64.pow(exponent.unsigned_abs()));
    let number = u128::from(number);
    if exponent >= 0 {
        return round_extended(is_negative, number * fives, exponent, false);
    }
    // With its first bit at the top, the dividend leaves a quotient of more than 64 bits.
    let shift = number.leading_zeros();
    let dividend = number << shift;
    let exponent = exponent.saturating_sub_unsigned(shift);
    round_extended(is_negative, dividend / fives, exponent, dividend % fives != 0)
}

/// Returns a number of digits, which the bound on a text's length keeps small.
fn length(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(EXPONENT_BOUND)
}
