//! Why a command is refused, in Redis's words.

use memory_cache_pool::Error;
use std::borrow::Cow;

/// Why a command is refused. Nothing has changed then, and nothing has been replied.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Failure {
    /// What the pool says.
    Pool(Error),
    /// The number of arguments cannot be.
    Arity,
    /// Another text, with its code.
    Text(Cow<'static, str>),
}

impl Failure {
    /// `ERR syntax error`
    pub(crate) const SYNTAX: Self = Self::Pool(Error::Syntax);

    /// `ERR value is not an integer or out of range`
    pub(crate) const NOT_AN_INTEGER: Self = Self::Pool(Error::NotAnInteger);

    /// A text that is always the same.
    pub(crate) const fn text(text: &'static str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }

    /// A text that was made.
    pub(crate) fn made(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }

    /// The text of the error reply. `name` is that of the command, with its container's before it.
    pub(crate) fn wire_text(&self, name: &str) -> Cow<'static, str> {
        match self {
            Self::Pool(Error::InvalidExpire) => {
                Cow::Owned(format!("ERR invalid expire time in '{name}' command"))
            }
            Self::Pool(error) => pool_text(*error),
            Self::Arity => {
                Cow::Owned(format!("ERR wrong number of arguments for '{name}' command"))
            }
            Self::Text(text) => text.clone(),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Pool(error)
    }
}

/// The pool's errors as Redis words them, or would.
fn pool_text(error: Error) -> Cow<'static, str> {
    Cow::Borrowed(match error {
        Error::WrongType => "WRONGTYPE Operation against a key holding the wrong kind of value",
        Error::NotAnInteger => "ERR value is not an integer or out of range",
        Error::NotAFloat => "ERR value is not a valid float",
        Error::NanOrInfinity => "ERR increment would produce NaN or Infinity",
        Error::Overflow => "ERR increment or decrement would overflow",
        Error::DecrementOverflow => "ERR decrement would overflow",
        Error::InvalidExpire => "ERR invalid expire time",
        Error::Syntax => "ERR syntax error",
        Error::KeyTooLong => "ERR the key is longer than 65535 bytes",
        Error::ValueTooLong => "ERR string exceeds maximum allowed size (proto-max-bulk-len)",
        Error::HashValueNotAnInteger => "ERR hash value is not an integer",
        Error::HashValueNotAFloat => "ERR hash value is not a float",
        Error::NoSuchKey => "ERR no such key",
        Error::IndexOutOfRange => "ERR index out of range",
        Error::OutOfRange => "ERR value is out of range",
        Error::NotPositive => "ERR value is out of range, must be positive",
        Error::ZeroRank => {
            "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... \
             or use negative to start from the end of the list"
        }
        Error::SameKey => "ERR source and destination objects are the same",
        Error::OutOfMemory => "OOM command not allowed when used memory > 'maxmemory'.",
        Error::Stalled => "OOM memory is held back by a reader that does not finish",
        other => return Cow::Owned(format!("ERR {other}")),
    })
}
