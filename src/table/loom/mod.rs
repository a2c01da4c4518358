//! Models of the table, over its real code: [`chains`] of a bucket, [`moves`] from one size to
//! another, [`indices`] of overflow buckets.

mod chains;
mod indices;
mod moves;

use super::world::{World, actor, two};
