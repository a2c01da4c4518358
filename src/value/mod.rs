//! What the values of keys mean.
//!
//! | value | small                       | large                                              |
//! |-------|-----------------------------|----------------------------------------------------|
//! | hash, set | [`packed`] fields       | [`tree::fields`]: a radix tree on the field's hash |
//! | list  | [`packed`] elements         | both ends packed, between them [`tree::chunks`]    |
//!
//! Nothing here knows of keys: a value is read where it lies, and an edit of it makes what the next
//! record of its key is to hold.

pub(crate) mod extended;
pub(crate) mod integer_text;

pub(crate) mod change;
pub(crate) mod collection;
pub(crate) mod element;
mod few;
mod field_hash;
#[cfg(fuzzing)]
pub(crate) mod fuzzing;
pub(crate) mod hash;
pub(crate) mod list;
pub(crate) mod packed;
pub(crate) mod set;
pub(crate) mod tree;
pub(crate) mod writer;

#[cfg(all(test, pool_loom, not(pool_shuttle)))]
mod loom;
#[cfg(all(test, not(pool_loom)))]
mod tests;
