//! What a command answers, in a form that is easy to compare and to read in a failure.

use std::{fmt, time::Duration};

/// Bytes that print as text.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Bytes(pub(crate) Vec<u8>);

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.len() > 60 {
            return write!(f, "{} bytes", self.0.len());
        }
        write!(f, "{:?}", self.0.escape_ascii().to_string())
    }
}

/// Makes bytes printable.
pub(crate) fn text(bytes: Option<Vec<u8>>) -> Option<Bytes> {
    bytes.map(Bytes)
}

/// An answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Reply {
    Done,
    Truth(bool),
    Number(i64),
    Length(usize),
    Value(Option<Bytes>),
    Values(Vec<Option<Bytes>>),
    Set(bool, Option<Bytes>),
    Age(Option<Duration>),
}
