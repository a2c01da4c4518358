//! Models of the table, over its real code: [`chains`] of a bucket, [`moves`] from one size to
//! another, [`visits`] of what a hash may mean, [`indices`] of overflow buckets.

mod chains;
mod indices;
mod moves;
mod visits;

use super::world::{World, actor, payload_of, two};
