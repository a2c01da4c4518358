//! What the values of keys mean.

pub(crate) mod extended;
pub(crate) mod integer_text;

mod change;
pub(crate) mod collection;
pub(crate) mod element;
mod few;
mod field_hash;
pub(crate) mod hash;
pub(crate) mod list;
pub(crate) mod packed;
pub(crate) mod set;
pub(crate) mod tree;
pub(crate) mod writer;

#[cfg(all(test, pool_loom))]
mod loom;
#[cfg(all(test, not(pool_loom)))]
mod tests;
