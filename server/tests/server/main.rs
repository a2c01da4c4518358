//! The server as its clients see it: a process of its own at the other end of a socket.

mod differential;
mod protocol;
mod support;
