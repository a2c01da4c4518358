//! What the values of keys mean.

pub(crate) mod extended;
pub(crate) mod integer_text;

mod change;
#[cfg_attr(not(test), expect(dead_code, reason = "no command uses it yet"))]
pub(crate) mod collection;
#[cfg_attr(not(test), expect(dead_code, reason = "no command uses it yet"))]
pub(crate) mod element;
mod few;
mod field_hash;
#[cfg_attr(not(test), expect(dead_code, reason = "no command uses it yet"))]
pub(crate) mod hash;
#[cfg_attr(not(test), expect(dead_code, unused_imports, reason = "no command uses it yet"))]
pub(crate) mod list;
pub(crate) mod packed;
#[cfg_attr(not(test), expect(dead_code, reason = "no command uses it yet"))]
pub(crate) mod set;
#[cfg_attr(not(test), expect(dead_code, reason = "no command uses it yet"))]
pub(crate) mod tree;
pub(crate) mod writer;

#[cfg(all(test, pool_loom))]
mod loom;
#[cfg(all(test, not(pool_loom)))]
mod tests;
