//! Replies, written into the buffer that goes to the socket.

use std::fmt::Display;

/// The protocol that a client speaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Protocol {
    /// What every client speaks.
    #[default]
    Resp2,
    /// With maps, sets, doubles, one null and pushes, after `HELLO 3`.
    Resp3,
}

/// Writes replies to the end of a buffer.
///
/// The methods that begin an array, a map or a set are followed by as many replies as they say, two
/// for each pair of a map.
#[derive(Debug)]
pub struct Reply<'o> {
    out: &'o mut Vec<u8>,
    protocol: Protocol,
}

impl<'o> Reply<'o> {
    /// Writes to the end of `out`.
    #[inline]
    pub fn new(out: &'o mut Vec<u8>, protocol: Protocol) -> Self {
        Self { out, protocol }
    }

    /// The protocol that is written.
    #[must_use]
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// Writes the rest in another protocol.
    pub fn set_protocol(&mut self, protocol: Protocol) {
        self.protocol = protocol;
    }

    /// How much the buffer holds.
    #[must_use]
    pub fn written(&self) -> usize {
        self.out.len()
    }

    /// Takes back what was written since the buffer held so much.
    pub fn take_back(&mut self, written: usize) {
        self.out.truncate(written);
    }

    /// `+OK`
    #[inline]
    pub fn ok(&mut self) {
        self.out.extend_from_slice(b"+OK\r\n");
    }

    /// A text without line breaks.
    pub fn simple(&mut self, text: &str) {
        self.line(b'+', text.as_bytes());
    }

    /// An error: its code, a space, and the rest. Line breaks become spaces.
    pub fn error(&mut self, text: impl Display) {
        self.line(b'-', text.to_string().as_bytes());
    }

    /// An error whose text may hold any bytes.
    pub fn error_bytes(&mut self, text: &[u8]) {
        self.line(b'-', text);
    }

    /// An integer.
    #[inline]
    pub fn integer(&mut self, number: i64) {
        self.number(b':', number);
    }

    /// The length of something, or how many there are.
    #[inline]
    pub fn count(&mut self, count: usize) {
        self.integer(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// Yes or no, as commands answer: 1 or 0.
    #[inline]
    pub fn flag(&mut self, flag: bool) {
        self.out.extend_from_slice(if flag { b":1\r\n" } else { b":0\r\n" });
    }

    /// A byte string.
    #[inline]
    pub fn bulk(&mut self, bytes: impl AsRef<[u8]>) {
        let bytes = bytes.as_ref();
        self.header(b'$', bytes.len());
        self.out.extend_from_slice(bytes);
        self.out.extend_from_slice(b"\r\n");
    }

    /// A byte string, or null.
    pub fn optional(&mut self, bytes: Option<impl AsRef<[u8]>>) {
        match bytes {
            Some(bytes) => self.bulk(bytes),
            None => self.null(),
        }
    }

    /// Text for people; in RESP3 it says that it is plain.
    pub fn verbatim(&mut self, text: &str) {
        match self.protocol {
            Protocol::Resp2 => self.bulk(text),
            Protocol::Resp3 => {
                self.header(b'=', text.len() + 4);
                self.out.extend_from_slice(b"txt:");
                self.out.extend_from_slice(text.as_bytes());
                self.out.extend_from_slice(b"\r\n");
            }
        }
    }

    /// No value where a byte string would be.
    #[inline]
    pub fn null(&mut self) {
        self.out.extend_from_slice(match self.protocol {
            Protocol::Resp2 => b"$-1\r\n",
            Protocol::Resp3 => b"_\r\n",
        });
    }

    /// No value where an array would be.
    pub fn null_array(&mut self) {
        self.out.extend_from_slice(match self.protocol {
            Protocol::Resp2 => b"*-1\r\n",
            Protocol::Resp3 => b"_\r\n",
        });
    }

    /// A decimal number, whose text is Redis's `%.17g`.
    pub fn double(&mut self, text: &str) {
        match self.protocol {
            Protocol::Resp2 => self.bulk(text),
            Protocol::Resp3 => self.line(b',', text.as_bytes()),
        }
    }

    /// Begins an array.
    #[inline]
    pub fn array(&mut self, len: usize) {
        self.header(b'*', len);
    }

    /// Begins a map of so many pairs; in RESP2 it is an array of twice as many.
    pub fn map(&mut self, pairs: usize) {
        match self.protocol {
            Protocol::Resp2 => self.header(b'*', pairs * 2),
            Protocol::Resp3 => self.header(b'%', pairs),
        }
    }

    /// Begins a set; in RESP2 it is an array.
    pub fn set(&mut self, len: usize) {
        match self.protocol {
            Protocol::Resp2 => self.header(b'*', len),
            Protocol::Resp3 => self.header(b'~', len),
        }
    }

    /// An array of byte strings.
    pub fn bulks(&mut self, items: impl ExactSizeIterator<Item = impl AsRef<[u8]>>) {
        self.array(items.len());
        items.for_each(|item| self.bulk(item));
    }

    /// An array of lines of text.
    pub fn lines(&mut self, lines: &[impl AsRef<str>]) {
        self.array(lines.len());
        lines.iter().for_each(|line| self.simple(line.as_ref()));
    }

    /// A mark and a length.
    #[inline]
    fn header(&mut self, mark: u8, len: usize) {
        if let Ok(len) = u8::try_from(len)
            && len < 10
        {
            self.out.extend_from_slice(&[mark, b'0' + len, b'\r', b'\n']);
        } else {
            self.number(mark, len);
        }
    }

    #[inline]
    fn number(&mut self, mark: u8, number: impl itoa::Integer) {
        self.out.push(mark);
        self.out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
        self.out.extend_from_slice(b"\r\n");
    }

    fn line(&mut self, mark: u8, text: &[u8]) {
        self.out.push(mark);
        let is_break = |byte: &u8| matches!(byte, b'\r' | b'\n');
        self.out.extend(text.iter().map(|byte| if is_break(byte) { b' ' } else { *byte }));
        self.out.extend_from_slice(b"\r\n");
    }
}
