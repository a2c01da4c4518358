//! Integers as Redis writes them: the canonical decimal form and nothing else.

/// Reads a 64-bit integer: no spaces, no `+`, no leading zeros, no `-0`.
#[must_use]
pub fn parse_integer(text: &[u8]) -> Option<i64> {
    match text.split_first() {
        Some((b'-', digits)) => {
            let magnitude = parse_unsigned(digits).filter(|magnitude| *magnitude != 0)?;
            0_i64.checked_sub_unsigned(magnitude)
        }
        _ => i64::try_from(parse_unsigned(text)?).ok(),
    }
}

/// Reads an unsigned 64-bit integer in the same form.
#[must_use]
pub fn parse_unsigned(text: &[u8]) -> Option<u64> {
    match text {
        [b'0'] => Some(0),
        [] | [b'0', ..] => None,
        digits => digits.iter().try_fold(0_u64, |number, byte| {
            let digit = byte.checked_sub(b'0').filter(|digit| *digit <= 9)?;
            number.checked_mul(10)?.checked_add(u64::from(digit))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_canonical_form_is_read_to_the_limits() {
        for number in [0, 1, -1, 10, 1_234_567, i64::MAX, i64::MIN, i64::MIN + 1] {
            assert_eq!(parse_integer(number.to_string().as_bytes()), Some(number));
        }
        assert_eq!(parse_unsigned(u64::MAX.to_string().as_bytes()), Some(u64::MAX));
    }

    #[test]
    fn anything_else_is_no_integer() {
        let texts = [
            "",
            "-",
            "+1",
            " 1",
            "1 ",
            "01",
            "-0",
            "-01",
            "00",
            "1.0",
            "0x10",
            "1e3",
            "--1",
            "9223372036854775808",
            "-9223372036854775809",
            "99999999999999999999999",
        ];
        for text in texts {
            assert_eq!(parse_integer(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(parse_unsigned(b"18446744073709551616"), None);
    }
}
