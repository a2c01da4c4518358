//! Large hashes, sets and lists: trees that are never changed, only replaced.
//!
//! # How it works
//!
//! The root lies in the record of the key. A change makes new nodes for the path from the root to
//! the leaf that it concerns, a new record with the new root, and puts that in the place of the old
//! record by one compare-and-swap. All other nodes are shared by the two versions. A reader that has
//! found a record sees its whole version, whatever is written meanwhile.
//!
//! ```text
//! record of version 1 ──► A ──► B   C   D          version 2 changes something in C:
//! record of version 2 ──► A'──► B   C'  D          A and C are dead, A' and C' are fresh
//! ```
//!
//! Every version has one successor, for only one compare-and-swap of its record can win. So nodes
//! need no counts of references: whoever wins knows which nodes the new version does not reach.
//!
//! # Invariants
//!
//! 1. An edit keeps two lists, both empty at the beginning of each attempt: nodes that it has made,
//!    and nodes of the version read that the new one does not reach. A node that it has made and then
//!    replaced is in neither.
//! 2. An attempt that has won retires exactly the nodes that are dead; one that has lost frees exactly
//!    those that it has made, at once, since nobody has seen them. Neither looks at the slot again. An
//!    attempt whose version is only another child of the root, a [graft](fields::Graft), has not lost
//!    as long as the latest version has the child that it replaces: what it has made, and what is dead
//!    by it, is the same for that version.
//! 3. A record whose place an heir has taken is retired alone. A record that is deleted, overwritten,
//!    expired or flushed is retired with all that hangs below it, as one [`Grave`](grave::Grave).
//! 4. Nothing of a packed value is borrowed by a tree: what becomes a tree is copied.
//! 5. A copy for a second key shares nothing.
//!
//! # Linearization points
//!
//! Those of the table: the compare-and-swap of the key's slot. Nodes are written before it, and are
//! read through the record that it has made visible; there is no atomic access here.
//!
//! # Reclamation
//!
//! When the grace period of a grave is over, its thread frees up to eight nodes of it with each block
//! that it retires. There is no second grace period: whoever could reach any node of that version was
//! pinned when the version was unlinked. So no call pays for the size of a value that it drops.
//!
//! # Progress
//!
//! Readers are wait-free. A writer is lock-free: it begins again only when another write of the same
//! key has won. Writers of one large value thus disturb each other: they copy the root in vain, and all
//! of the path when both change something below the same child of it.

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
