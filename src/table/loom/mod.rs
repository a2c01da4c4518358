//! Models of the table, over its real code: [`chains`] of a bucket, [`moves`] from one size to
//! another.

mod chains;
mod moves;

use super::world::{World, actor, two};
