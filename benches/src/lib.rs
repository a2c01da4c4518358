//! What the benchmarks share: the contenders, the keys, the rounds, and the measuring of latencies.
//!
//! Every contender gets the same allocator (mimalloc), the same hash function (foldhash), the same
//! keys and values, and does the same work: a GET looks at the value where it lies (or takes what
//! the contender hands out), a SET gives a key and a value to
//! `insert`, or what the contender calls it, which asks some of them for owned keys.

pub mod allocation;
pub mod contender;
pub mod expiring;
pub mod keys;
pub mod latency;
pub mod resident;
pub mod round;

#[global_allocator]
static ALLOCATOR: allocation::Counted = allocation::Counted;
