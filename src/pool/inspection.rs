//! OBJECT ENCODING and MEMORY USAGE.

use super::{MemoryCachePool, engine::Touch, strings::with_bytes};
use crate::{
    record::{Live, Value},
    value::integer_text::parse_integer,
};

/// The longest string that Redis keeps in one allocation with its header.
const LONGEST_EMBEDDED: usize = 44;

impl MemoryCachePool {
    /// What Redis 7.0 would call the way in which the value of `key` is kept: `int`, `embstr` or
    /// `raw`; `listpack` or `hashtable`; `intset` or `hashtable`; `quicklist`.
    ///
    /// A hash is a `listpack` while it is packed, up to 64 fields and 1,200 bytes; so is a set of
    /// integers an `intset`. Does not count as a use of the key.
    #[must_use]
    pub fn object_encoding(&self, key: impl AsRef<[u8]>) -> Option<&'static str> {
        self.engine.read(key.as_ref(), Touch::No, encoding)
    }

    /// The bytes that `key` takes with its value, apart from its share of the table; of a host's
    /// own value only the reference is counted. Does not count as a use of the key.
    #[must_use]
    pub fn memory_usage(&self, key: impl AsRef<[u8]>) -> Option<usize> {
        self.engine.read(key.as_ref(), Touch::No, |live| live.memory())
    }
}

/// The name of an encoding.
fn encoding(live: Live<'_>) -> &'static str {
    match live.value() {
        Value::Object(_) => "object",
        Value::List(_) => "quicklist",
        Value::Hash(hash) if hash.collection().as_tree().is_none() => "listpack",
        Value::Set(set) if set.collection().as_tree().is_none() => {
            let is_intset = set.iter().all(|member| member.as_integer().is_some());
            if is_intset { "intset" } else { "hashtable" }
        }
        Value::Hash(_) | Value::Set(_) => "hashtable",
        Value::Bytes(_) | Value::Integer(_) => with_bytes(live, |text| match text {
            text if parse_integer(text).is_some() => "int",
            text if text.len() <= LONGEST_EMBEDDED => "embstr",
            _ => "raw",
        })
        .unwrap_or("raw"),
    }
}
