//! Tests of the evictor on one thread, over a plain host.

mod limits;
mod policies;
mod trials;
mod world;
