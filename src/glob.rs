//! Redis's glob patterns, as `KEYS` and `SCAN … MATCH` understand them.
//!
//! | pattern  | matches                                                              |
//! |----------|----------------------------------------------------------------------|
//! | `*`      | any bytes, none included                                             |
//! | `?`      | any one byte                                                         |
//! | `[abc]`  | one of these bytes; `[^abc]` one other byte; ranges may be reversed  |
//! | `\x`     | the byte `x` itself, inside classes too                              |
//! | the rest | itself: byte by byte, upper and lower case apart                     |
//!
//! What surprises is Redis's own: a class that is never closed runs to the end of the pattern, and
//! `]` closes one wherever it stands (`[]` matches nothing, `[^]` any byte), except at the end of a
//! range: `[a-]` is the range from `a` to `]`, not closed. A last `\` stands for itself. Ranges
//! compare bytes as signed numbers, so that `[\x01-\xff]` is the three bytes from −1 to 1. The
//! empty text is matched by the empty pattern and by `*` alone, but not by `**`.
//!
//! Every part of a pattern but `*` takes exactly one byte. It is therefore enough to go back to the
//! last star when something does not fit, and a match costs at most pattern × text steps. Later
//! builds of Redis give up beyond a thousand stars to spare their stack; nothing here needs that.

/// A glob pattern.
#[derive(Clone, Copy, Debug)]
pub struct Pattern<'a> {
    /// The pattern as written; it is read anew for each text.
    bytes: &'a [u8],
}

impl<'a> Pattern<'a> {
    /// Takes a pattern; every sequence of bytes is one.
    #[inline]
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// Says whether the whole of `text` fits the pattern.
    #[must_use]
    pub fn matches(&self, text: &[u8]) -> bool {
        if self.bytes == b"*" {
            return true;
        }
        if text.is_empty() {
            return self.bytes.is_empty();
        }
        let (mut pattern, mut text) = (self.bytes, text);
        let mut last_star = None;
        loop {
            if let [b'*', rest @ ..] = pattern {
                pattern = rest;
                last_star = Some((pattern, text));
                if pattern.is_empty() {
                    return true;
                }
                continue;
            }
            let Some((&byte, text_rest)) = text.split_first() else {
                // A star that took more would leave even less for the rest of the pattern.
                return pattern.is_empty();
            };
            if let Some(pattern_rest) = match_one(pattern, byte) {
                (pattern, text) = (pattern_rest, text_rest);
                continue;
            }
            match last_star {
                Some((after_star, [_, shorter @ ..])) => {
                    (pattern, text) = (after_star, shorter);
                    last_star = Some((pattern, text));
                }
                Some((_, [])) | None => return false,
            }
        }
    }
}

/// Matches one byte with the first part of a pattern, and returns the parts after it.
///
/// The part is not a star. There is none when the pattern has come to its end.
fn match_one(pattern: &[u8], byte: u8) -> Option<&[u8]> {
    match pattern {
        [] => None,
        [b'?', rest @ ..] => Some(rest),
        [b'[', b'^', class @ ..] => {
            let (is_member, rest) = match_class(class, byte);
            (!is_member).then_some(rest)
        }
        [b'[', class @ ..] => {
            let (is_member, rest) = match_class(class, byte);
            is_member.then_some(rest)
        }
        [b'\\', literal, rest @ ..] | [literal, rest @ ..] => (*literal == byte).then_some(rest),
    }
}

/// Looks for `byte` in a class, and returns what follows the class too.
fn match_class(mut class: &[u8], byte: u8) -> (bool, &[u8]) {
    let mut is_member = false;
    loop {
        let (hit, rest) = match class {
            [] => return (is_member, class),
            [b'\\', literal, rest @ ..] => (*literal == byte, rest),
            [b']', rest @ ..] => return (is_member, rest),
            [first, b'-', last, rest @ ..] => (is_between(*first, *last, byte), rest),
            [literal, rest @ ..] => (*literal == byte, rest),
        };
        is_member |= hit;
        class = rest;
    }
}

/// Says whether `byte` lies in the range between two others, in either order.
///
/// Redis compares C's `char`, which is signed on the machines it is mostly run on.
const fn is_between(first: u8, last: u8, byte: u8) -> bool {
    let (first, last, byte) = (first.cast_signed(), last.cast_signed(), byte.cast_signed());
    (first <= byte && byte <= last) || (last <= byte && byte <= first)
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    /// Says whether `pattern` matches `text`.
    fn matches(pattern: impl AsRef<[u8]>, text: impl AsRef<[u8]>) -> bool {
        Pattern::new(pattern.as_ref()).matches(text.as_ref())
    }

    /// Lists the single bytes that `pattern` matches.
    fn bytes_of(pattern: impl AsRef<[u8]>) -> Vec<u8> {
        (0..=u8::MAX).filter(|byte| matches(&pattern, [*byte])).collect()
    }

    #[test]
    fn plain_bytes_match_themselves_in_their_case() {
        assert!(matches("key:1", "key:1"));
        assert!(!matches("key:1", "key:2"));
        assert!(!matches("key:1", "key:"));
        assert!(!matches("key:1", "key:12"));
        assert!(!matches("KEY", "key"));
        assert!(matches(b"a\0b", b"a\0b"));
        assert!(!matches(b"a\0b", b"a\0c"));
    }

    #[test]
    fn a_question_mark_takes_exactly_one_byte() {
        assert!(matches("h?llo", "hello"));
        assert!(!matches("h?llo", "hllo"));
        assert!(!matches("?", ""));
        assert!(!matches("?", "é"));
        assert!(matches("??", "é"));
    }

    #[test]
    fn a_star_takes_any_number_of_bytes() {
        for text in ["hllo", "hello", "heeeello", "h*llo"] {
            assert!(matches("h*llo", text), "{text}");
        }

        assert!(!matches("h*llo", "hell"));
        assert!(matches("a**", "a"));
        assert!(matches("*a*b*", "xxaxxbxx"));
        assert!(!matches("*a*b*", "xxbxxaxx"));
        assert!(matches("*ab", "aab"));
        assert!(matches("*[ab]c", "aabac"));
        assert!(matches("?*", "a"));
    }

    #[test]
    fn the_empty_text_fits_the_empty_pattern_and_a_lone_star() {
        assert!(matches("", ""));
        assert!(matches("*", ""));
        assert!(!matches("**", ""));
        assert!(!matches("", "a"));
    }

    #[test]
    fn a_class_takes_one_of_its_bytes() {
        assert_eq!(bytes_of("[ae]"), b"ae");
        assert_eq!(bytes_of("[a-c]"), b"abc");
        assert_eq!(bytes_of("[c-a]"), b"abc");
        assert_eq!(bytes_of("[!1]"), b"!1");
        assert_eq!(bytes_of("[a-cx]"), b"abcx");
        assert_eq!(bytes_of("[?*]"), b"*?");
        assert!(matches("[a][b]", "ab"));
    }

    #[test]
    fn a_caret_turns_a_class_round() {
        assert_eq!(bytes_of("[^ae]").len(), 254);
        assert!(!matches("[^a]", "a"));
        assert_eq!(bytes_of("[a^]"), b"^a");
        assert!(!matches("[^a]", ""));
    }

    #[test]
    fn an_empty_class_matches_nothing_and_its_opposite_everything() {
        assert!(bytes_of("[]").is_empty());
        assert_eq!(bytes_of("[^]").len(), 256);
        assert!(!matches("[]a]", "a]"));
    }

    #[test]
    fn a_class_that_is_never_closed_runs_to_the_end() {
        assert!(matches("key:[12", "key:1"));
        assert!(!matches("key:[12", "key:3"));
        assert!(bytes_of("[").is_empty());
        assert_eq!(bytes_of("[^").len(), 256);
        assert_eq!(bytes_of("[a-"), b"-a");
        assert_eq!(bytes_of("[a-b"), b"ab");
        assert_eq!(bytes_of("*[^a").len(), 255);
    }

    #[test]
    fn a_bracket_that_ends_a_range_does_not_close_the_class() {
        assert_eq!(bytes_of("[a-]"), b"]^_`a");
        assert_eq!(bytes_of("[a-]0]"), b"0]^_`a");
    }

    #[test]
    fn a_backslash_takes_the_meaning_of_the_next_byte() {
        assert!(matches(r"h\*llo", "h*llo"));
        assert!(!matches(r"h\*llo", "hello"));
        assert!(matches(r"\[a]", "[a]"));
        assert!(matches(r"\a", "a"));
        assert!(matches(r"\\", r"\"));
        assert!(matches("\\", "\\"));
        assert!(matches("a\\", "a\\"));
    }

    #[test]
    fn a_backslash_works_inside_a_class() {
        assert_eq!(bytes_of(r"[\]]"), b"]");
        assert_eq!(bytes_of(r"[\\]"), b"\\");
        assert_eq!(bytes_of(r"[\]"), b"]");
        assert_eq!(bytes_of(r"[\"), b"\\");
        assert_eq!(bytes_of(r"[a\"), b"\\a");
        assert_eq!(bytes_of(r"[\a-c]"), b"-ac");
        assert_eq!(bytes_of(r"[a-\]"), b"\\]^_`a");
    }

    #[test]
    fn a_range_compares_bytes_as_signed_numbers() {
        assert_eq!(bytes_of(b"[\x01-\xff]"), b"\x00\x01\xff");
        assert_eq!(bytes_of(b"[\x7f-\x80]").len(), 256);
        assert_eq!(bytes_of(b"[\x80-\x82]"), b"\x80\x81\x82");
    }

    #[test]
    fn many_stars_do_not_take_exponential_time() {
        let stars = "a*".repeat(500) + "b";
        let classes = "*[ab]".repeat(300) + "c";
        let text = "a".repeat(2_000);

        assert!(!matches(stars, &text));
        assert!(!matches(classes, &text));
        assert!(matches("*a".repeat(2_000), &text));
    }
}
