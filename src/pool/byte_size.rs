//! Sizes of memory, as configuration files write them.

use super::config::ConfigError;
use std::{fmt, str::FromStr};

/// A number of bytes.
///
/// Parses what Redis's configuration takes, in any case: `100`, `64mb`, `1gb`, where `k`, `m` and
/// `g` are powers of 1000 and `kb`, `mb` and `gb` are powers of 1024.
///
/// ```
/// use memory_cache_pool::ByteSize;
///
/// assert_eq!("64mb".parse(), Ok(ByteSize(64 << 20)));
/// assert_eq!(ByteSize(1 << 30).to_string(), "1gb");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct ByteSize(pub u64);

/// Units by name, with their bytes.
const UNITS: [(&str, u64); 8] = [
    ("gb", 1 << 30),
    ("mb", 1 << 20),
    ("kb", 1 << 10),
    ("g", 1_000_000_000),
    ("m", 1_000_000),
    ("k", 1_000),
    ("b", 1),
    ("", 1),
];

impl FromStr for ByteSize {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let error = || ConfigError::unreadable("size", text);
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let number: u64 = number.parse().map_err(|_| error())?;
        let unit = UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit));
        let bytes = unit.and_then(|(_, bytes)| number.checked_mul(*bytes));
        bytes.map(Self).ok_or_else(error)
    }
}

impl From<u64> for ByteSize {
    fn from(bytes: u64) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for ByteSize {
    /// Writes the largest unit that leaves a whole number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let binary =
            UNITS[..3].iter().find(|(_, bytes)| self.0 > 0 && self.0.is_multiple_of(*bytes));
        let (name, bytes) = binary.copied().unwrap_or(("", 1));
        write!(f, "{}{name}", self.0 / bytes)
    }
}

#[cfg(all(test, not(pool_loom)))]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_redis_reads_them() {
        let cases = [
            ("0", 0),
            ("100", 100),
            ("7b", 7),
            ("1k", 1_000),
            ("1kb", 1_024),
            ("3M", 3_000_000),
            ("64Mb", 64 << 20),
            ("2g", 2_000_000_000),
            ("1GB", 1 << 30),
        ];
        for (text, bytes) in cases {
            assert_eq!(text.parse(), Ok(ByteSize(bytes)), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_size_is_refused() {
        for text in [
            "",
            "mb",
            "-1",
            "1.5gb",
            "1 mb",
            "1tb",
            "99999999999999999999",
            "18446744073709551615kb",
        ] {
            let refused = text.parse::<ByteSize>();
            assert!(matches!(refused, Err(ConfigError::Unreadable { .. })), "{text}");
        }
    }

    #[test]
    fn a_size_is_written_so_that_it_reads_the_same() {
        for bytes in [0, 1, 1_000, 1_024, 1_536, 64 << 20, 3 << 30, u64::MAX] {
            assert_eq!(ByteSize(bytes).to_string().parse(), Ok(ByteSize(bytes)));
        }
    }
}
