//! Requests, read where they lie.

use super::{
    inline,
    number::parse_integer,
    problem::{Problem, ProtocolError},
};
use memchr::memchr;

/// The longest line: a header of an array or an argument, or words.
const LONGEST_LINE: usize = 64 << 10;

/// The longest argument that a client may send before it has authenticated.
const LONGEST_GUEST_BULK: usize = 16 << 10;

/// The most arguments that a client may send before it has authenticated.
const MOST_GUEST_ARGUMENTS: usize = 10;

/// Room for arguments that a parser keeps from one request to the next.
const KEPT_PLACES: usize = 1 << 10;

/// Room for words that a parser keeps from one request to the next.
const KEPT_WORDS: usize = LONGEST_LINE;

/// What a request may have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// The most arguments.
    pub arguments: usize,
    /// The longest argument in bytes.
    pub bulk: usize,
    /// Whether the client has yet to authenticate: ten arguments of 16 KiB have to do then.
    pub is_guest: bool,
}

impl Limits {
    /// Redis's limits: 2^20 arguments, 512 MiB each.
    pub const REDIS: Self = Self { arguments: 1 << 20, bulk: 512 << 20, is_guest: false };
}

/// How far the input goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Progress {
    /// The request is not whole yet.
    Incomplete,
    /// There is a request: [`RequestParser::arguments`] shows it. One without arguments, such as an
    /// empty line, asks for nothing.
    Request {
        /// Its length; what follows is the next.
        bytes: usize,
    },
}

/// A place in the input, or among the words of a line.
#[derive(Clone, Copy, Debug)]
struct Place {
    start: usize,
    end: usize,
}

/// Reads requests one after the other.
///
/// ```
/// use memory_cache_server::protocol::{Limits, Progress, RequestParser};
///
/// let mut parser = RequestParser::default();
/// let input = b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\nPING\r\n";
/// let progress = parser.parse(input, Limits::REDIS)?;
/// assert_eq!(progress, Progress::Request { bytes: 20 });
/// assert_eq!(parser.arguments(input).at(1), b"k");
/// # Ok::<(), memory_cache_server::protocol::ProtocolError>(())
/// ```
#[derive(Debug, Default)]
pub struct RequestParser {
    places: Vec<Place>,
    /// The words of a line, one after the other.
    words: Vec<u8>,
    is_inline: bool,
    /// How far the request is read.
    at: usize,
    /// Arguments that are still to come; none at the beginning of a request.
    missing: usize,
    /// The length of an argument whose header is read already.
    bulk: Option<usize>,
}

impl RequestParser {
    /// Reads on in a request that begins where `input` does. After [`Progress::Incomplete`] the
    /// next call gets the same bytes with more behind them.
    ///
    /// # Errors
    ///
    /// [`ProtocolError`] when it cannot become a request, whatever follows; the parser is of no use
    /// then.
    #[inline]
    pub fn parse(&mut self, input: &[u8], limits: Limits) -> Result<Progress, ProtocolError> {
        if self.missing == 0 {
            self.begin();
            match input.first() {
                None => return Ok(Progress::Incomplete),
                Some(b'*') => {}
                Some(_) => return self.parse_line(input),
            }
            match self.argument_count(input, limits)? {
                None => return Ok(Progress::Incomplete),
                Some(0) => return Ok(Progress::Request { bytes: self.at }),
                Some(count) => self.missing = count,
            }
        }
        while self.missing > 0 {
            if !self.argument(input, limits)? {
                return Ok(Progress::Incomplete);
            }
        }
        Ok(Progress::Request { bytes: self.at })
    }

    /// The arguments of the request that was found in `input`.
    #[inline]
    #[must_use]
    pub fn arguments<'a>(&'a self, input: &'a [u8]) -> Arguments<'a> {
        let source = if self.is_inline { &self.words } else { input };
        Arguments { source, places: &self.places }
    }

    /// How many bytes the request has at least, as far as it was read: what is worth waiting for.
    #[must_use]
    pub fn wanted(&self) -> usize {
        self.at + self.bulk.map_or(0, |len| len + 2)
    }

    #[inline]
    fn begin(&mut self) {
        if self.places.capacity() > KEPT_PLACES {
            self.places = Vec::new();
        }
        if self.words.capacity() > KEPT_WORDS {
            self.words = Vec::new();
        }
        self.places.clear();
        self.is_inline = false;
        self.at = 0;
        self.bulk = None;
    }

    /// Reads `*count`; negative counts ask for nothing, as zero does.
    #[inline]
    fn argument_count(
        &mut self,
        input: &[u8],
        limits: Limits,
    ) -> Result<Option<usize>, ProtocolError> {
        let Some((digits, next)) = header(input, 0, Problem::LongArgumentCount)? else {
            return Ok(None);
        };
        let error = |problem| ProtocolError { problem, offset: 1 };
        let count = parse_integer(digits).ok_or(error(Problem::ArgumentCount))?;
        let count = usize::try_from(count.max(0)).unwrap_or(usize::MAX);
        if count > limits.arguments {
            return Err(error(Problem::ArgumentCount));
        }
        if limits.is_guest && count > MOST_GUEST_ARGUMENTS {
            return Err(error(Problem::GuestArgumentCount));
        }
        self.at = next;
        Ok(Some(count))
    }

    /// Reads `$length` and the argument; false when it is not whole.
    #[inline]
    fn argument(&mut self, input: &[u8], limits: Limits) -> Result<bool, ProtocolError> {
        let len = match self.bulk {
            Some(len) => len,
            None => match self.bulk_length(input, limits)? {
                None => return Ok(false),
                Some(len) => len,
            },
        };
        let end = self.at + len;
        // The two bytes behind it are not looked at, as Redis does not.
        if input.len() < end + 2 {
            self.bulk = Some(len);
            return Ok(false);
        }
        self.places.push(Place { start: self.at, end });
        self.at = end + 2;
        self.bulk = None;
        self.missing -= 1;
        Ok(true)
    }

    #[inline]
    fn bulk_length(
        &mut self,
        input: &[u8],
        limits: Limits,
    ) -> Result<Option<usize>, ProtocolError> {
        let offset = self.at;
        let error = |problem| ProtocolError { problem, offset };
        let Some((digits, next)) = header(input, offset, Problem::LongBulkLength)? else {
            return Ok(None);
        };
        match input.get(offset) {
            Some(b'$') => {}
            Some(other) => return Err(error(Problem::NotABulk(*other))),
            None => return Ok(None),
        }
        let len = parse_integer(digits).and_then(|len| usize::try_from(len).ok());
        let len = len.filter(|len| *len <= limits.bulk).ok_or(error(Problem::BulkLength))?;
        if limits.is_guest && len > LONGEST_GUEST_BULK {
            return Err(error(Problem::GuestBulkLength));
        }
        self.at = next;
        Ok(Some(len))
    }

    #[cold]
    fn parse_line(&mut self, input: &[u8]) -> Result<Progress, ProtocolError> {
        let Some(end) = memchr(b'\n', input) else {
            if input.len() > LONGEST_LINE {
                return Err(ProtocolError { problem: Problem::LongInline, offset: input.len() });
            }
            return Ok(Progress::Incomplete);
        };
        let line = input.get(..end).unwrap_or_default();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        self.words.clear();
        self.is_inline = true;
        let mut ends = Vec::new();
        if inline::split(line, &mut self.words, &mut ends).is_none() {
            return Err(ProtocolError { problem: Problem::UnbalancedQuotes, offset: end });
        }
        let mut start = 0;
        for end in ends {
            self.places.push(Place { start, end });
            start = end;
        }
        Ok(Progress::Request { bytes: end + 1 })
    }
}

/// The text between the mark at `at` and the end of its line, and where the next line begins.
#[inline]
fn header(
    input: &[u8],
    at: usize,
    too_long: Problem,
) -> Result<Option<(&[u8], usize)>, ProtocolError> {
    let Some(line) = input.get(at..) else { return Ok(None) };
    let Some(end) = line_end(line) else {
        if line.len() > LONGEST_LINE {
            return Err(ProtocolError { problem: too_long, offset: at });
        }
        return Ok(None);
    };
    // The line feed is not looked at, as Redis does not, but it has to be there.
    if line.len() < end + 2 {
        return Ok(None);
    }
    Ok(Some((line.get(1..end).unwrap_or_default(), at + end + 2)))
}

/// Where a header's carriage return is: nearly always among the first bytes.
#[inline]
fn line_end(line: &[u8]) -> Option<usize> {
    const SHORT: usize = 8;
    let near = line.iter().take(SHORT).position(|byte| *byte == b'\r');
    if near.is_some() || line.len() <= SHORT {
        return near;
    }
    memchr(b'\r', line)
}

/// The arguments of a request, the command's name first.
#[derive(Clone, Copy, Debug)]
pub struct Arguments<'a> {
    source: &'a [u8],
    places: &'a [Place],
}

impl<'a> Arguments<'a> {
    /// How many there are.
    #[inline]
    #[must_use]
    pub fn len(self) -> usize {
        self.places.len()
    }

    /// Whether there is none.
    #[inline]
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.places.is_empty()
    }

    /// The argument at an index, if there is one.
    #[inline]
    #[must_use]
    pub fn get(self, index: usize) -> Option<&'a [u8]> {
        let place = self.places.get(index)?;
        self.source.get(place.start..place.end)
    }

    /// The argument at an index; empty beyond the last.
    #[inline]
    #[must_use]
    pub fn at(self, index: usize) -> &'a [u8] {
        self.get(index).unwrap_or_default()
    }

    /// The arguments from an index on.
    #[must_use]
    pub fn from(self, index: usize) -> Self {
        Self { source: self.source, places: self.places.get(index..).unwrap_or_default() }
    }

    /// Goes through the arguments.
    #[must_use]
    pub fn iter(self) -> impl ExactSizeIterator<Item = &'a [u8]> + Clone {
        let source = self.source;
        self.places.iter().map(move |place| source.get(place.start..place.end).unwrap_or_default())
    }
}
