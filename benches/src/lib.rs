//! What the benchmarks share: the contenders, the keys, and the rounds.
//!
//! Every contender gets the same allocator (mimalloc), the same hash function (foldhash), the same
//! keys and values, and does the same work: a GET looks at the value where it lies (or takes what
//! the contender hands out), a SET gives a key and a value to
//! `insert`, or what the contender calls it, which asks some of them for owned keys.

pub mod contender;
pub mod keys;
pub mod round;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
