//! Replies as Redis sends them.

use std::{
    fmt,
    io::{BufRead, Error, ErrorKind, Result},
};

/// A reply.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Resp {
    Simple(String),
    Error(String),
    Number(i64),
    Bulk(Vec<u8>),
    Nil,
    NilArray,
    Array(Vec<Self>),
}

impl fmt::Debug for Resp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Simple(text) => write!(f, "+{text}"),
            Self::Error(text) => write!(f, "-{text}"),
            Self::Number(number) => write!(f, ":{number}"),
            Self::Bulk(bytes) if bytes.len() > 60 => write!(f, "${} bytes", bytes.len()),
            Self::Bulk(bytes) => write!(f, "\"{}\"", bytes.escape_ascii()),
            Self::Nil => write!(f, "nil"),
            Self::NilArray => write!(f, "nil array"),
            Self::Array(items) => f.debug_list().entries(items).finish(),
        }
    }
}

impl Resp {
    /// The status of most writes.
    pub(crate) fn ok() -> Self {
        Self::Simple("OK".to_owned())
    }

    /// Bytes or nil.
    pub(crate) fn bulk(bytes: Option<Vec<u8>>) -> Self {
        bytes.map_or(Self::Nil, Self::Bulk)
    }

    /// Several bulks.
    pub(crate) fn bulks(all: impl IntoIterator<Item = Vec<u8>>) -> Self {
        Self::Array(all.into_iter().map(Self::Bulk).collect())
    }

    /// A number.
    pub(crate) fn size(number: usize) -> Self {
        Self::Number(i64::try_from(number).unwrap_or(i64::MAX))
    }

    /// The same with the items of an array in order.
    pub(crate) fn sorted(self) -> Self {
        match self {
            Self::Array(mut items) => {
                items.sort();
                Self::Array(items)
            }
            other => other,
        }
    }

    /// The same with the pairs of an array in order.
    pub(crate) fn sorted_pairs(self) -> Self {
        match self {
            Self::Array(items) => {
                let mut pairs: Vec<_> = items.chunks(2).map(<[Self]>::to_vec).collect();
                pairs.sort();
                Self::Array(pairs.concat())
            }
            other => other,
        }
    }

    /// Reads one reply.
    pub(crate) fn read(from: &mut impl BufRead) -> Result<Self> {
        let mut line = String::new();
        from.read_line(&mut line)?;
        let malformed = || Error::new(ErrorKind::InvalidData, "not a reply");
        let kind = line.chars().next().ok_or_else(malformed)?;
        let rest = line[1..].trim_end_matches("\r\n");
        let number = || rest.parse::<i64>().map_err(|_| malformed());
        Ok(match kind {
            '+' => Self::Simple(rest.to_owned()),
            '-' => Self::Error(rest.to_owned()),
            ':' => Self::Number(number()?),
            '$' => match usize::try_from(number()?) {
                Err(_) => Self::Nil,
                Ok(len) => {
                    let mut bytes = vec![0; len + 2];
                    from.read_exact(&mut bytes)?;
                    bytes.truncate(len);
                    Self::Bulk(bytes)
                }
            },
            '*' => match usize::try_from(number()?) {
                Err(_) => Self::NilArray,
                Ok(len) => {
                    let items: Result<Vec<_>> = (0..len).map(|_| Self::read(from)).collect();
                    Self::Array(items?)
                }
            },
            _ => return Err(malformed()),
        })
    }
}
