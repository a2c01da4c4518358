//! The server as its clients see it: a process of its own at the other end of a socket.

mod blocking;
mod differential;
mod embedded;
mod monitor;
mod operator;
mod protocol;
mod support;
