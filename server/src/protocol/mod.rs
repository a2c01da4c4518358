//! Redis's wire protocol: requests in, replies out.
//!
//! A request is an array of byte strings (`*2\r\n$3\r\nGET\r\n$1\r\nk\r\n`), or a line of words for
//! those who type (`GET k\r\n`). Replies are RESP2's, or RESP3's after `HELLO 3`.
//!
//! [`RequestParser`] is a function of the bytes that have come in so far: it does no input and no
//! output, and keeps only how far it has read a request that is not whole yet, so that a large one
//! that comes in small pieces is not read twice. Arguments are not copied: they are places in the
//! input. [`Reply`] writes straight into the buffer that goes to the socket.

mod inline;
mod number;
mod problem;
mod reply;
mod request;

pub use number::{parse_integer, parse_unsigned};
pub use problem::{Problem, ProtocolError};
pub use reply::{Protocol, Reply};
pub use request::{Arguments, Limits, Progress, RequestParser};

/// The words of a line, as somebody types them; `None` when a quote has no other half.
pub(crate) fn words(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    let (mut words, mut ends) = (Vec::new(), Vec::new());
    inline::split(line, &mut words, &mut ends)?;
    let starts = std::iter::once(0).chain(ends.iter().copied());
    let places = starts.zip(ends.iter().copied());
    Some(places.map(|(start, end)| words.get(start..end).unwrap_or_default().to_vec()).collect())
}
