//! Lists that are waited for: BLPOP and its kin.

use super::{
    Call, CommandSpec, Failure,
    lists::{Popping, end_of},
    spec::{access, category, counted_keys, flag, key, keys, row},
    words::Outcome,
};
use crate::{
    protocol::{Protocol, Reply},
    session::{Blocked, Next},
    waiting::{Begun, End, Got, Request, Want},
};
use memory_cache_pool::ListEnd;
use std::time::Duration;

const MOVES: u32 = flag::WRITE | flag::DENYOOM | flag::NOSCRIPT | flag::BLOCKING;
const POPS: u32 = flag::WRITE | flag::NOSCRIPT | flag::BLOCKING;

/// The rows.
pub(super) const ROWS: &[CommandSpec] = &[
    row("blmove", 6, MOVES, blmove)
        .categories(category::LIST)
        .keys(&[key(1, access::RW_ACCESS_DELETE), key(2, access::RW_INSERT)])
        .doc(
            "list",
            "6.2.0",
            "O(1)",
            "Pop an element from a list, push it to another list and return it; or block until one is available",
        ),
    row("blmpop", -5, flag::WRITE | flag::BLOCKING | flag::MOVABLEKEYS, blmpop)
        .categories(category::LIST)
        .keys(&[counted_keys(2, access::RW_ACCESS_DELETE)])
        .doc(
            "list",
            "7.0.0",
            "O(N+M) where N is the number of provided keys and M is the number of elements returned.",
            "Pop elements from a list, or block until one is available",
        ),
    row("blpop", -3, POPS, blpop)
        .categories(category::LIST)
        .keys(&[keys(1, -2, 1, access::RW_ACCESS_DELETE)])
        .doc(
            "list",
            "2.0.0",
            "O(N) where N is the number of provided keys.",
            "Remove and get the first element in a list, or block until one is available",
        ),
    row("brpop", -3, POPS, brpop)
        .categories(category::LIST)
        .keys(&[keys(1, -2, 1, access::RW_ACCESS_DELETE)])
        .doc(
            "list",
            "2.0.0",
            "O(N) where N is the number of provided keys.",
            "Remove and get the last element in a list, or block until one is available",
        ),
    row("brpoplpush", 4, MOVES, brpoplpush)
        .categories(category::LIST)
        .keys(&[key(1, access::RW_ACCESS_DELETE), key(2, access::RW_INSERT)])
        .doc(
            "list",
            "2.2.0",
            "O(1)",
            "Pop an element from a list, push it to another list and return it; or block until one is available",
        ),
];

/// How long to wait, from seconds; none for ever. Whole milliseconds are waited, rounded up as in
/// Redis, for which what is beyond all numbers is negative.
fn timeout(argument: &[u8]) -> Result<Option<Duration>, Failure> {
    const MOST: f64 = i64::MAX as f64;
    let invalid = Failure::text("ERR timeout is not a float or out of range");
    let text = std::str::from_utf8(argument).map_err(|_| invalid.clone())?;
    let seconds = text.parse::<f64>().map_err(|_| invalid.clone())?;
    let millis = (seconds * 1000.0).ceil();
    if millis.is_nan() {
        return Err(invalid);
    }
    if !(0.0..MOST).contains(&millis) {
        return Err(Failure::text("ERR timeout is negative"));
    }
    if millis == 0.0 {
        return Ok(None);
    }
    Ok(Some(Duration::try_from_secs_f64(millis / 1000.0).unwrap_or(Duration::MAX)))
}

/// Does what is wanted at once, or lets the client wait.
fn begin(call: &mut Call<'_, '_>, keys: &[&[u8]], want: Want, limit: Option<Duration>) -> Outcome {
    let session = &mut *call.session;
    let (client, database) = (session.client.id, session.database);
    let request = Request { client, database, keys, want };
    match session.shared.waiting.begin(&request, &session.pool)? {
        Begun::Got(got) => {
            write_got(call.reply, &got);
            if let Got::Moved { destination, .. } = got {
                call.brought(&destination);
            }
        }
        Begun::Waits(wait) => {
            session.next = Next::Block(Box::new(Blocked { wait, limit, is_silent: false }));
        }
    }
    Ok(())
}

fn pop(call: &mut Call<'_, '_>, end: ListEnd) -> Outcome {
    let last = call.args.len() - 1;
    let limit = timeout(call.args.at(last))?;
    let keys: Vec<&[u8]> = call.args.iter().take(last).skip(1).collect();
    begin(call, &keys, Want::One(end), limit)
}

fn blpop(call: &mut Call<'_, '_>) -> Outcome {
    pop(call, ListEnd::Left)
}

fn brpop(call: &mut Call<'_, '_>) -> Outcome {
    pop(call, ListEnd::Right)
}

fn move_element(call: &mut Call<'_, '_>, from: ListEnd, to: ListEnd, limit: &[u8]) -> Outcome {
    let limit = timeout(limit)?;
    let destination = call.args.at(2).to_vec();
    let source = call.args.at(1);
    begin(call, &[source], Want::Moved { destination, from, to }, limit)
}

fn blmove(call: &mut Call<'_, '_>) -> Outcome {
    let (from, to) = (end_of(call.args.at(3))?, end_of(call.args.at(4))?);
    move_element(call, from, to, call.args.at(5))
}

fn brpoplpush(call: &mut Call<'_, '_>) -> Outcome {
    move_element(call, ListEnd::Right, ListEnd::Left, call.args.at(3))
}

fn blmpop(call: &mut Call<'_, '_>) -> Outcome {
    let popping = Popping::parse(call.args.from(1))?;
    let limit = timeout(call.args.at(1))?;
    begin(call, &popping.keys, Want::Many(popping.end, popping.most), limit)
}

fn write_got(reply: &mut Reply<'_>, got: &Got) {
    match got {
        Got::One { key, element } => reply.bulks([key, element].into_iter()),
        Got::Many { key, elements } => {
            reply.array(2);
            reply.bulk(key);
            reply.bulks(elements.iter());
        }
        Got::Moved { element, .. } => reply.bulk(element),
    }
}

/// The reply to a client that has waited.
pub(crate) fn write_end(out: &mut Vec<u8>, protocol: Protocol, end: &End) {
    let mut reply = Reply::new(out, protocol);
    match end {
        End::Served(got) => write_got(&mut reply, got),
        End::Refused(error) => reply.error(Failure::Pool(*error).wire_text("")),
        End::TimedOut => reply.null_array(),
        End::Freed => reply.error("UNBLOCKED client unblocked via CLIENT UNBLOCK"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_are_rounded_up_to_milliseconds_and_zero_is_for_ever() {
        let millis = |text: &[u8]| timeout(text).unwrap().map(|time| time.as_millis());
        assert_eq!(millis(b"0.0001"), Some(1));
        assert_eq!(millis(b"1e-2"), Some(10));
        assert_eq!(millis(b"+2.5"), Some(2500));
        assert_eq!(millis(b".5"), Some(500));
        assert_eq!((millis(b"0"), millis(b"-0.0001")), (None, None));
        assert!(timeout(b"9223372036854774").is_ok());
        let refused = |text: &[u8]| timeout(text).unwrap_err().wire_text("").into_owned();
        for text in [&b"-1"[..], b"inf", b"1e400", b"9223372036854776"] {
            assert_eq!(refused(text), "ERR timeout is negative");
        }
        for text in [&b""[..], b"x", b" 1", b"nan", b"1.0."] {
            assert_eq!(refused(text), "ERR timeout is not a float or out of range");
        }
    }
}
