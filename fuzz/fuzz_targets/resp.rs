//! Any bytes are requests or an error, and the same ones whether they come at once or in pieces.

#![no_main]

use libfuzzer_sys::fuzz_target;
use memory_cache_server::protocol::{Limits, Progress, RequestParser};

/// The requests at the beginning of the input, and what is wrong with what follows.
fn requests(input: &[u8], piece: usize, limits: Limits) -> (Vec<Vec<Vec<u8>>>, Option<String>) {
    let mut parser = RequestParser::default();
    let mut requests = Vec::new();
    let (mut done, mut seen) = (0, 0);
    while seen < input.len() {
        seen = input.len().min(seen + piece);
        loop {
            let rest = &input[done..seen];
            match parser.parse(rest, limits) {
                Ok(Progress::Incomplete) => break,
                Ok(Progress::Request { bytes }) => {
                    assert!(bytes > 0 && bytes <= rest.len());
                    requests.push(parser.arguments(rest).iter().map(<[u8]>::to_vec).collect());
                    done += bytes;
                }
                Err(error) => return (requests, Some(error.to_string())),
            }
        }
    }
    (requests, None)
}

fuzz_target!(|given: (u8, bool, Vec<u8>)| {
    let (piece, is_guest, input) = given;
    let limits = Limits { is_guest, ..Limits::REDIS };
    let whole = requests(&input, input.len().max(1), limits);
    assert_eq!(requests(&input, usize::from(piece).max(1), limits), whole);
});
