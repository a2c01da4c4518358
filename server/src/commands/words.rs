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
