//! The server as its clients see it: a process of its own at the other end of a socket.

mod blocking;
mod differential;
mod embedded;
mod hostile;
mod monitor;
mod operator;
mod protocol;
mod running;
mod support;
#[cfg(feature = "tls")]
mod tls;
