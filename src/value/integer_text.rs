//! Integers as Redis writes them: the one canonical decimal form of each 64-bit number.

/// Digits of the longest 64-bit number, its sign aside.
const MOST_DIGITS: usize = 19;

/// Reads an integer, if `text` is exactly how Redis would print it.
///
/// There is no form but the canonical one: no space, `+`, leading zero, `-0`, point or exponent.
#[inline]
pub(crate) fn parse_integer(text: &[u8]) -> Option<i64> {
    let (is_negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    match digits {
        [b'0'] if !is_negative => return Some(0),
        [b'1'..=b'9', ..] if digits.len() <= MOST_DIGITS => {}
        _ => return None,
    }
    // Nineteen digits always fit 64 bits without the sign, hence no check on the way.
    let mut magnitude = 0;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        magnitude = magnitude * 10 + u64::from(digit);
    }
    if is_negative { 0_i64.checked_sub_unsigned(magnitude) } else { i64::try_from(magnitude).ok() }
}

#[cfg(test)]
mod tests {
    use super::parse_integer;

    #[test]
    fn every_number_is_read_from_its_own_text() {
        let around_powers = (0..63).flat_map(|shift| {
            let power = 1_i64 << shift;
            [power - 1, power, power + 1, -power, 1 - power, -power - 1]
        });
        let round = (0..19).flat_map(|zeros| [10_i64.pow(zeros), -10_i64.pow(zeros)]);

        for number in around_powers.chain(round).chain([i64::MAX, i64::MIN]) {
            assert_eq!(parse_integer(number.to_string().as_bytes()), Some(number));
        }
    }

    #[test]
    fn numbers_beyond_64_bits_are_refused() {
        for text in [
            "9223372036854775808",
            "-9223372036854775809",
            "9999999999999999999",
            "-9999999999999999999",
            "10000000000000000000",
            "18446744073709551616",
            "-18446744073709551617",
            "100000000000000000000000000000000000000000",
        ] {
            assert_eq!(parse_integer(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn only_the_canonical_form_is_accepted() {
        for text in [
            "", "-", "+", "+1", "01", "-01", "00", "-0", "--1", " 1", "1 ", "1\n", "1.0", "1.",
            "1e3", "0x10", "1_000", "1,000", "one", "1-", "1\0", "\0", "/", ":", "1/", "1:", "-/",
            "１",
        ] {
            assert_eq!(parse_integer(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn bytes_that_are_not_text_are_refused() {
        assert_eq!(parse_integer(b"\xff"), None);
        assert_eq!(parse_integer(b"1\x80"), None);
        assert_eq!(parse_integer(&[b'1'; 1_000]), None);
    }
}
