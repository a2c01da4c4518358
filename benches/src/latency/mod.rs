//! How long single operations take, and when: the parts of the `latency` benchmark.
//!
//! A mean hides what a user of a cache feels: the read that pays for somebody else's housekeeping.
//! So each operation is timed on its own, by the processor's [time stamps](ticks), into a
//! [histogram](recorder) of its thread and into a [timeline] of the longest operation in every
//! 10 ms. Nothing is allocated, shared or printed while a measurement runs.
//!
//! # What a figure contains
//!
//! * The time of the measurement itself. The contender called "empty loop" does nothing at all
//!   between the two stamps: its median is what measuring costs, and is contained in everybody's.
//! * Whatever the machine did meanwhile. The worst operation of the empty loop is the machine's own
//!   floor (timer interrupts, other processes, the hypervisor), measured in the same run; with more
//!   threads than processors it is the scheduler's time slice. How often a run's threads were
//!   preempted, and how many pages they touched for the first time, is told with each result.
//!   Each operation's *own* time is told too: without that for which its thread could have run and
//!   was not let.
//! * Whatever memory costs. Of those who grow, two have [memory and no table](plain_memory): what they
//!   take is what the machine asks of whoever touches new pages, or holds as much as the others.
//! * In an [open loop](beat), the time since the operation was due.
//!
//! Each contender is measured in a process of its own, whose memory was touched before, so that it
//! does not pay for what another has left in the allocator, nor for the kernel's zeroing of pages.
//! In several [rounds] the contenders take turns.
//!
//! # Scenarios
//!
//! | name        | what happens                                                                  |
//! |-------------|-------------------------------------------------------------------------------|
//! | `steady`    | nine GETs and a SET in ten, over 100k keys by Zipf's law, on 1, 2 and 8 threads |
//! | `growth`    | one thread inserts from 1k to 4M keys, another reads at a pace of 5 µs        |
//! | `churn`     | delete the oldest, insert a new one, at 100k keys (1M with `--large`)         |
//! | `pinned`    | the mix on two threads, while a reader keeps what it read for 50 ms, again and again |
//! | `ttl-storm` | a million keys expire within a second, while two threads keep the mix at 5 µs |

pub mod beat;
pub mod case;
pub mod churn;
pub mod drive;
pub mod figures;
pub mod growth;
pub mod interference;
pub mod memory;
pub mod mix;
pub mod pinned;
pub mod plain_memory;
pub mod plot;
pub mod recorder;
pub mod report;
pub mod roster;
pub mod rounds;
pub mod scale;
pub mod scenario;
pub mod steady;
pub mod storm;
pub mod ticks;
pub mod timeline;
pub mod wire;
