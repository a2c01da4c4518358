//! Words of a line, as somebody types them: separated by spaces, in quotes where they contain some.

/// Splits a line into words, which it appends to `words` with the end of each to `ends`; `None`
/// when a quote has no other half, or no space behind it.
///
/// In double quotes `\n`, `\r`, `\t`, `\b`, `\a` and `\xhh` stand for their bytes, and a backslash
/// for whatever follows it; in single quotes only `\'` is special.
pub(super) fn split(line: &[u8], words: &mut Vec<u8>, ends: &mut Vec<usize>) -> Option<()> {
    let mut rest = trim_start(line);
    while !rest.is_empty() {
        rest = word(rest, words)?;
        ends.push(words.len());
        rest = trim_start(rest);
    }
    Some(())
}

/// C's `isspace`, which knows the vertical tab too. Between words it counts as a space, in a word it
/// does not.
fn is_space(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0b
}

fn trim_start(mut line: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = line
        && is_space(*first)
    {
        line = rest;
    }
    line
}

/// Reads one word and returns what follows it.
fn word<'l>(mut rest: &'l [u8], words: &mut Vec<u8>) -> Option<&'l [u8]> {
    loop {
        match rest {
            [] => return Some(rest),
            [b'"', quoted @ ..] => return ended(double_quoted(quoted, words)?),
            [b'\'', quoted @ ..] => return ended(single_quoted(quoted, words)?),
            // A C string ends here, and the line with it.
            [0, ..] => return Some(&[]),
            [b' ' | b'\n' | b'\r' | b'\t', ..] => return Some(rest),
            [byte, after @ ..] => {
                words.push(*byte);
                rest = after;
            }
        }
    }
}

/// What follows a closing quote, which has to be a space or the end.
fn ended(rest: &[u8]) -> Option<&[u8]> {
    rest.first().is_none_or(|byte| is_space(*byte)).then_some(rest)
}

fn double_quoted<'l>(mut rest: &'l [u8], words: &mut Vec<u8>) -> Option<&'l [u8]> {
    loop {
        match rest {
            [] => return None,
            [b'"', after @ ..] => return Some(after),
            [b'\\', b'x', high, low, after @ ..]
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                words.push(digit(*high) << 4 | digit(*low));
                rest = after;
            }
            [b'\\', escaped, after @ ..] => {
                words.push(match escaped {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'b' => 0x08,
                    b'a' => 0x07,
                    other => *other,
                });
                rest = after;
            }
            [byte, after @ ..] => {
                words.push(*byte);
                rest = after;
            }
        }
    }
}

fn single_quoted<'l>(mut rest: &'l [u8], words: &mut Vec<u8>) -> Option<&'l [u8]> {
    loop {
        match rest {
            [] => return None,
            [b'\\', b'\'', after @ ..] => {
                words.push(b'\'');
                rest = after;
            }
            [b'\'', after @ ..] => return Some(after),
            [byte, after @ ..] => {
                words.push(*byte);
                rest = after;
            }
        }
    }
}

/// The value of a hexadecimal digit.
fn digit(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' => byte - b'0',
        b'a'..=b'f' => byte - b'a' + 10,
        b'A'..=b'F' => byte - b'A' + 10,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words_of(line: &[u8]) -> Option<Vec<Vec<u8>>> {
        let (mut words, mut ends) = (Vec::new(), Vec::new());
        split(line, &mut words, &mut ends)?;
        let starts = std::iter::once(0).chain(ends.iter().copied());
        Some(starts.zip(&ends).map(|(start, &end)| words[start..end].to_vec()).collect())
    }

    #[test]
    fn words_are_read_with_their_quotes_and_escapes() {
        let cases: [(&[u8], &[&[u8]]); 9] = [
            (b"", &[]),
            (b"  \t ", &[]),
            (b" get  key ", &[b"get", b"key"]),
            (br#"set "a b" """#, &[b"set", b"a b", b""]),
            (br#""\x41\n\q\\" x"#, &[b"A\nq\\", b"x"]),
            (br#""\xg1""#, &[b"xg1"]),
            (br"'a\'b\n'", &[br"a'b\n"]),
            (b"\x0ba\x0bb", &[b"a\x0bb"]),
            (br#"pre"fix""#, &[b"prefix"]),
        ];
        for (line, expected) in cases {
            let words = words_of(line).unwrap();
            assert_eq!(words, expected, "{}", line.escape_ascii());
        }
    }

    #[test]
    fn a_quote_without_its_other_half_is_refused() {
        for line in [&b"\"a"[..], b"'a", b"\"a\"b", b"'a'b", b"x \"\\\"", b"\""] {
            assert_eq!(words_of(line), None, "{}", line.escape_ascii());
        }
    }
}
