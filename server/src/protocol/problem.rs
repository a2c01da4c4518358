//! What can be wrong with a request as such.

use std::{error, fmt};

/// Why a connection's bytes are no requests. Nothing that follows can be understood.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ProtocolError {
    /// What is wrong.
    pub problem: Problem,
    /// Where, in bytes from the beginning of the request.
    pub offset: usize,
}

/// What is wrong with a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Problem {
    /// The number of arguments is no number, or above the limit.
    ArgumentCount,
    /// A client that has not authenticated sends more arguments than HELLO and AUTH have.
    GuestArgumentCount,
    /// The length of an argument is no number, or above the limit.
    BulkLength,
    /// A client that has not authenticated sends a longer argument than HELLO and AUTH have.
    GuestBulkLength,
    /// An argument does not begin with `$`, but with this byte.
    NotABulk(u8),
    /// The line with the number of arguments does not end.
    LongArgumentCount,
    /// The line with the length of an argument does not end.
    LongBulkLength,
    /// A line of words does not end.
    LongInline,
    /// A line of words has a quote without its other half.
    UnbalancedQuotes,
}

impl fmt::Display for ProtocolError {
    /// Redis's own text, as it follows `-ERR `.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Protocol error: ")?;
        match self.problem {
            Problem::ArgumentCount => f.write_str("invalid multibulk length"),
            Problem::GuestArgumentCount => f.write_str("unauthenticated multibulk length"),
            Problem::BulkLength => f.write_str("invalid bulk length"),
            Problem::GuestBulkLength => f.write_str("unauthenticated bulk length"),
            Problem::NotABulk(byte) => write!(f, "expected '$', got '{}'", char::from(byte)),
            Problem::LongArgumentCount => f.write_str("too big mbulk count string"),
            Problem::LongBulkLength => f.write_str("too big bulk count string"),
            Problem::LongInline => f.write_str("too big inline request"),
            Problem::UnbalancedQuotes => f.write_str("unbalanced quotes in request"),
        }
    }
}

impl error::Error for ProtocolError {}
