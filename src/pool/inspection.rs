//! OBJECT ENCODING and MEMORY USAGE.

use super::{MemoryCachePool, engine::Touch, strings::with_bytes};
use crate::{
    record::{Live, Value},
    value::{element::Element, integer_text::parse_integer},
};

/// The longest string that Redis keeps in one allocation with its header.
const LONGEST_EMBEDDED: usize = 44;

/// `hash-max-listpack-entries`, unless it is configured.
const MOST_LISTPACK_FIELDS: u64 = 128;

/// `hash-max-listpack-value`, unless it is configured.
const LONGEST_LISTPACK_TEXT: usize = 64;

/// `set-max-intset-entries`, unless it is configured.
const MOST_INTSET_MEMBERS: u64 = 512;

impl MemoryCachePool {
    /// What Redis 7.0 would call the way in which the value of `key` is kept: `int`, `embstr` or
    /// `raw`; `listpack` or `hashtable`; `intset` or `hashtable`; `quicklist`.
    ///
    /// It is what Redis would choose, with the thresholds that it comes with, if it were given the
    /// present value now: `listpack` is a hash of up to 128 fields none of which, and no value of
    /// which, is longer than 64 bytes; `intset` is a set of up to 512 integers. The pool keeps a
    /// value in its own way, and goes back to a small form when it shrinks, which Redis does not.
    /// O(fields) up to these thresholds. Does not count as a use of the key.
    #[must_use]
    pub fn object_encoding(&self, key: impl AsRef<[u8]>) -> Option<&'static str> {
        self.engine.read(key.as_ref(), Touch::No, encoding)
    }

    /// The bytes that `key` takes with its value, apart from its share of the table; of a host's
    /// objects, what they hold by its word. O(1), but O(elements) once elements stand for objects.
    /// Does not count as a use of the key.
    #[must_use]
    pub fn memory_usage(&self, key: impl AsRef<[u8]>) -> Option<usize> {
        let engine = &*self.engine;
        engine.read(key.as_ref(), Touch::No, |live| live.memory() + engine.element_bytes(live))
    }
}

/// The name of an encoding.
fn encoding(live: Live<'_>) -> &'static str {
    match live.value() {
        Value::Object(_) => "object",
        Value::List(_) => "quicklist",
        Value::Hash(hash) => {
            let is_short = |element: Element<'_>| element.text_len() <= LONGEST_LISTPACK_TEXT;
            let is_listpack = hash.len() <= MOST_LISTPACK_FIELDS
                && hash.iter().all(|(field, value)| is_short(field) && is_short(value));
            if is_listpack { "listpack" } else { "hashtable" }
        }
        Value::Set(set) => {
            let is_intset = set.len() <= MOST_INTSET_MEMBERS
                && set.iter().all(|member| member.as_integer().is_some());
            if is_intset { "intset" } else { "hashtable" }
        }
        Value::Bytes(_) | Value::Integer(_) => with_bytes(live, |text| match text {
            text if parse_integer(text).is_some() => "int",
            text if text.len() <= LONGEST_EMBEDDED => "embstr",
            _ => "raw",
        })
        .unwrap_or("raw"),
    }
}
