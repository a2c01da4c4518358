//! A request of the array form is what another implementation of the protocol reads, and as long;
//! and what that one sends is read as it was meant. Lines of words are not compared: it has none.

#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use memory_cache_server::protocol::{Arguments, Limits, Progress, RequestParser};
use redis_protocol::resp2::{
    decode::decode,
    encode::encode,
    types::{OwnedFrame, Resp2Frame},
};

/// The deepest arrays in arrays that the other implementation is asked about: it calls itself for each.
const MOST_NESTED: usize = 64;

/// Something to send.
#[derive(Arbitrary, Debug)]
enum Piece {
    /// A request as the other implementation writes it.
    Request(Vec<Vec<u8>>),
    /// One in which some bytes are replaced.
    Faulty(Vec<Vec<u8>>, Vec<(u8, u8)>),
    /// One whose numbers have something before them.
    Odd(Vec<(Before, Vec<u8>)>),
    Bytes(Vec<u8>),
}

/// What may stand before a number.
#[derive(Arbitrary, Debug)]
enum Before {
    Nothing,
    Plus,
    Minus,
    Zero,
    Space,
}

impl Piece {
    fn append_to(&self, input: &mut Vec<u8>) {
        match self {
            Self::Request(words) => input.extend(written(words)),
            Self::Faulty(words, faults) => {
                let mut bytes = written(words);
                for (at, byte) in faults {
                    if let Some(place) = bytes.get_mut(usize::from(*at)) {
                        *place = *byte;
                    }
                }
                input.extend(bytes);
            }
            Self::Odd(words) => {
                input.extend(format!("*{}\r\n", words.len()).bytes());
                for (before, word) in words {
                    let before = match before {
                        Before::Nothing => "",
                        Before::Plus => "+",
                        Before::Minus => "-",
                        Before::Zero => "0",
                        Before::Space => " ",
                    };
                    input.extend(format!("${before}{}\r\n", word.len()).bytes());
                    input.extend_from_slice(word);
                    input.extend_from_slice(b"\r\n");
                }
            }
            Self::Bytes(bytes) => input.extend(bytes),
        }
    }
}

/// A request as the other implementation writes it.
fn written(words: &[Vec<u8>]) -> Vec<u8> {
    let words = words.iter().cloned().map(OwnedFrame::BulkString).collect();
    let frame = OwnedFrame::Array(words);
    let mut bytes = vec![0; frame.encode_len(false)];
    let len = encode(&mut bytes, &frame, false).expect("it has room");
    assert_eq!(len, bytes.len());
    bytes
}

/// The words of an array of byte strings, and nothing else.
fn words(frame: OwnedFrame) -> Option<Vec<Vec<u8>>> {
    let OwnedFrame::Array(items) = frame else { return None };
    let word = |item| match item {
        OwnedFrame::BulkString(bytes) => Some(bytes),
        _ => None,
    };
    items.into_iter().map(word).collect()
}

/// Whether every header is the one way to write its number, and ends in a line feed, which is not
/// looked at here, as Redis does not, but there.
fn is_strict(request: &[u8], arguments: Arguments<'_>) -> bool {
    let mut rest = request;
    let mut is_strict = true;
    let mut skip = |mark: char, number: usize, after: usize| {
        let header = format!("{mark}{number}\r");
        assert!(rest.starts_with(header.as_bytes()), "{}", rest.escape_ascii());
        is_strict &= rest[header.len()] == b'\n';
        rest = &rest[header.len() + 1 + after..];
    };
    skip('*', arguments.len(), 0);
    arguments.iter().for_each(|argument| skip('$', argument.len(), argument.len() + 2));
    assert!(rest.is_empty());
    is_strict
}

/// Compares what both make of the beginning of the input, and returns its length.
fn compare(input: &[u8]) -> Option<usize> {
    let mut parser = RequestParser::default();
    let ours = parser.parse(input, Limits::REDIS);
    if !input.starts_with(b"*") {
        let Ok(Progress::Request { bytes }) = ours else { return None };
        return Some(bytes);
    }
    let theirs = decode(input);
    match ours {
        Ok(Progress::Incomplete) => {
            assert!(!matches!(theirs, Ok(Some(_))), "{theirs:?}");
            None
        }
        Ok(Progress::Request { bytes }) => {
            let arguments = parser.arguments(input);
            if arguments.is_empty() {
                // No number but 0 and -1 is an array there.
                if let Ok(Some((frame, len))) = theirs {
                    assert_eq!(len, bytes);
                    assert!(
                        matches!(frame, OwnedFrame::Array(items) if items.is_empty())
                            || input.starts_with(b"*-1\r")
                    );
                }
            } else if is_strict(&input[..bytes], arguments) {
                let (frame, len) = theirs.expect("a frame").expect("a whole frame");
                assert_eq!(len, bytes);
                let arguments: Vec<_> = arguments.iter().map(<[u8]>::to_vec).collect();
                assert_eq!(words(frame), Some(arguments));
            }
            Some(bytes)
        }
        Err(error) => {
            // It reads numbers with a sign or zeros before them too, which Redis does not.
            if let Ok(Some((frame, len))) = theirs
                && let Some(words) = words(frame)
            {
                assert_ne!(written(&words).len(), len, "{error}");
            }
            None
        }
    }
}

fuzz_target!(|pieces: Vec<Piece>| {
    let mut input = Vec::new();
    pieces.iter().for_each(|piece| piece.append_to(&mut input));
    if input.windows(2).filter(|pair| pair == b"\n*").count() > MOST_NESTED {
        return;
    }
    let mut rest = input.as_slice();
    while let Some(len) = compare(rest) {
        rest = &rest[len..];
    }
});
