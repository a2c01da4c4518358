//! Large hashes, sets and lists.

pub(crate) mod chunks;
pub(crate) mod copy;
pub(crate) mod edit;
pub(crate) mod fields;
pub(crate) mod grave;
pub(crate) mod graveyard;
#[cfg(all(test, not(pool_loom)))]
pub(crate) mod heap;
pub(crate) mod node;
pub(crate) mod store;
