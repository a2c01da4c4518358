//! Words of commands: options, and numbers.

use super::Failure;
use crate::protocol::parse_integer;

/// How a command ends.
pub(super) type Outcome = Result<(), Failure>;

/// Whether an argument is this word, in any case.
#[inline]
pub(super) fn is_word(argument: &[u8], word: &str) -> bool {
    argument.eq_ignore_ascii_case(word.as_bytes())
}

/// An argument that has to be an integer.
#[inline]
pub(super) fn integer(argument: &[u8]) -> Result<i64, Failure> {
    parse_integer(argument).ok_or(Failure::NOT_AN_INTEGER)
}

/// A count that has to be zero or more.
pub(super) fn counted(argument: &[u8]) -> Result<usize, Failure> {
    let count = parse_integer(argument).and_then(|count| usize::try_from(count).ok());
    count.ok_or(Failure::text("ERR value is out of range, must be positive"))
}

/// A number of keys that is none.
pub(super) const NUMBER_OF_KEYS: Failure = Failure::text("ERR numkeys should be greater than 0");

/// A count of random elements that cannot be negated.
pub(super) const BELOW_RANGE: Failure = Failure::text(
    "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
);
