//! What can go wrong.

use std::{error, fmt};

/// Why a command was refused. Nothing has changed when one of these is returned.
///
/// A missing key is not an error: commands say so in their own way.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Error {
    /// The key holds a value of another type.
    WrongType,
    /// The value is not the decimal form of a 64-bit integer.
    NotAnInteger,
    /// The value or the increment is not a decimal number.
    NotAFloat,
    /// The sum is not a finite number.
    NanOrInfinity,
    /// The sum does not fit into a 64-bit integer.
    Overflow,
    /// The number to subtract has no negation in 64 bits.
    DecrementOverflow,
    /// The time to live is zero, negative where that is no request to delete, or too large.
    InvalidExpire,
    /// Two options contradict each other.
    Syntax,
    /// The key is longer than 65,535 bytes.
    KeyTooLong,
    /// The value is, or would become, longer than 512 MiB.
    ValueTooLong,
    /// The value of the hash's field is not the decimal form of a 64-bit integer.
    HashValueNotAnInteger,
    /// The value of the hash's field is not a decimal number.
    HashValueNotAFloat,
    /// The key does not exist.
    NoSuchKey,
    /// The list has no element of this index.
    IndexOutOfRange,
    /// A number is outside of what the command takes.
    OutOfRange,
    /// A number that has to be greater than 0 is not.
    NotPositive,
    /// The rank is 0: the first match has rank 1, the last one -1.
    ZeroRank,
    /// Source and destination are the same key.
    SameKey,
    /// The hash, list or set would hold 2³² elements or more.
    TooManyElements,
    /// There is no room: the pool is at `max_keys` or `max_memory` and its policy lets nothing go,
    /// or the value is larger than `max_memory`.
    OutOfMemory,
    /// As much is spared from eviction as
    /// [may be](crate::CacheConfig::no_evict_percent).
    NoEvictLimit,
    /// There is no room, because too much that was deleted or replaced is still held by a thread
    /// that does not finish its read. Evicting more would not help.
    Stalled,
    /// More than a hundred keys have the same hash, so that no larger table would help. With the
    /// pool's own, seeded hash function it does not happen; a map with a bad one may say so.
    TableFull,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WrongType => "the key holds a value of another type",
            Self::NotAnInteger => "the value is not an integer of 64 bits",
            Self::NotAFloat => "the value or the increment is not a decimal number",
            Self::NanOrInfinity => "the sum is not a finite number",
            Self::Overflow => "the sum does not fit into 64 bits",
            Self::DecrementOverflow => "the number to subtract has no negation in 64 bits",
            Self::InvalidExpire => "the time to live is not positive or too large",
            Self::Syntax => "two options contradict each other",
            Self::KeyTooLong => "the key is longer than 65,535 bytes",
            Self::ValueTooLong => "the value is longer than 512 MiB",
            Self::HashValueNotAnInteger => "the value of the field is not an integer of 64 bits",
            Self::HashValueNotAFloat => "the value of the field is not a decimal number",
            Self::NoSuchKey => "the key does not exist",
            Self::IndexOutOfRange => "the list has no element of this index",
            Self::OutOfRange => "a number is out of range",
            Self::NotPositive => "a number that has to be greater than 0 is not",
            Self::ZeroRank => "a rank is 0: the first match has rank 1, the last one -1",
            Self::SameKey => "source and destination are the same key",
            Self::TooManyElements => "the value would hold 4,294,967,296 elements or more",
            Self::OutOfMemory => "the pool holds as much as it may",
            Self::NoEvictLimit => "as much is spared from eviction as may be",
            Self::Stalled => "a reader that does not finish keeps memory from being freed",
            Self::TableFull => "too many keys have the same hash",
        })
    }
}

impl error::Error for Error {}

/// Why [`get_or_insert_with`](crate::MemoryCachePool::get_or_insert_with) has no value.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum LoadError<E> {
    /// The loader failed; everybody who waited for it gets its error.
    Load(E),
    /// The value could not be read or kept.
    Cache(Error),
    /// The loader asked for the key that it was loading.
    Reentrant,
}

impl<E> fmt::Display for LoadError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Load(_) => f.write_str("the value could not be loaded"),
            Self::Cache(_) => f.write_str("the cache could not keep or show the value"),
            Self::Reentrant => f.write_str("the loader asked for the key that it was loading"),
        }
    }
}

impl<E: error::Error + 'static> error::Error for LoadError<E> {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Load(error) => Some(error),
            Self::Cache(error) => Some(error),
            Self::Reentrant => None,
        }
    }
}
