//! SCAN: all keys, a page at a time, while the table changes.

use super::{MemoryCachePool, keyspace::ValueType};
use crate::{error::Error, glob::Pattern, record::Live};
use std::collections::VecDeque;

/// Keys that a page looks at unless [`ScanOptions::count`] says otherwise; Redis's default.
const DEFAULT_COUNT: usize = 10;

/// Buckets that a page visits at most, for each key that it is to look at: a table of which few
/// buckets are filled must not make a page long.
const BUCKETS_PER_KEY: usize = 10;

/// Buckets that a page visits under one pin.
const SLICE: usize = 64;

/// What a [`scan`](MemoryCachePool::scan) is to return, and how much it is to do at a time.
///
/// ```
/// use memory_cache_pool::{MemoryCachePool, ScanOptions};
///
/// let pool = MemoryCachePool::default();
/// pool.mset(&[("quote:EURUSD", "1.1"), ("quote:XAUUSD", "1300"), ("order:7", "open")])?;
/// let quotes: Vec<_> = pool.scan_iter(ScanOptions::new().pattern("quote:*"))?.collect();
/// assert_eq!(quotes.len(), 2);
/// # Ok::<(), memory_cache_pool::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ScanOptions {
    pattern: Option<Vec<u8>>,
    count: usize,
    value_type: Option<ValueType>,
}

/// A page of a [`scan`](MemoryCachePool::scan).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct ScanPage {
    /// Where the next page begins; 0 when there is none.
    pub cursor: u64,
    /// The keys found, which may be none although there is a next page.
    pub keys: Vec<Vec<u8>>,
}

impl Default for ScanOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl ScanOptions {
    /// All keys, some ten at a time.
    #[must_use]
    pub fn new() -> Self {
        Self { pattern: None, count: DEFAULT_COUNT, value_type: None }
    }

    /// Only keys that match a glob pattern of Redis's (MATCH).
    #[must_use]
    pub fn pattern(mut self, pattern: impl AsRef<[u8]>) -> Self {
        self.pattern = Some(pattern.as_ref().to_vec());
        self
    }

    /// About how many keys a page looks at (COUNT), before it leaves out what is not wanted.
    #[must_use]
    pub fn count(mut self, count: usize) -> Self {
        self.count = count;
        self
    }

    /// Only keys whose values are of a type (TYPE).
    #[must_use]
    pub fn value_type(mut self, value_type: ValueType) -> Self {
        self.value_type = Some(value_type);
        self
    }

    /// What is wanted, and how much at a time.
    pub(super) fn pattern_and_count(&self) -> Result<(Option<Pattern<'_>>, usize), Error> {
        if self.count == 0 {
            return Err(Error::Syntax);
        }
        Ok((self.pattern.as_deref().map(Pattern::new), self.count))
    }

    /// Whether a value of this type under this key is wanted.
    fn wants(&self, pattern: Option<&Pattern<'_>>, live: Live<'_>) -> bool {
        self.value_type.is_none_or(|wanted| wanted == ValueType::of(live))
            && pattern.is_none_or(|pattern| pattern.matches(live.key()))
    }
}

impl MemoryCachePool {
    /// Returns a page of keys, from a cursor on: 0 for the first page, what the page before has
    /// returned for the next, and the end is reached when that is 0.
    ///
    /// A key that exists from the first page to the last is returned, whatever happens to the table
    /// meanwhile, even more than once; one that comes or goes may be returned or not. Cursors hold
    /// nothing: a scan can be given up at any page, several can go on at once, and any number is a
    /// cursor. Nobody waits. O(`count`), times the work of a match.
    ///
    /// # Errors
    ///
    /// [`Error::Syntax`] when `count` is 0.
    pub fn scan(&self, cursor: u64, options: &ScanOptions) -> Result<ScanPage, Error> {
        if options.count == 0 {
            return Err(Error::Syntax);
        }
        let pattern = options.pattern.as_deref().map(Pattern::new);
        let mut page = ScanPage { cursor, keys: Vec::new() };
        let mut looked_at = 0;
        let mut buckets = options.count.saturating_mul(BUCKETS_PER_KEY);
        while buckets > 0 {
            let guard = self.engine.pin();
            for _ in 0..SLICE.min(buckets) {
                buckets -= 1;
                page.cursor = self.engine.scan_bucket(page.cursor, &guard, |live| {
                    looked_at += 1;
                    if options.wants(pattern.as_ref(), live) {
                        page.keys.push(live.key().to_vec());
                    }
                });
                if page.cursor == 0 || looked_at >= options.count {
                    return Ok(page);
                }
            }
        }
        Ok(page)
    }

    /// All keys that the options want, as [`scan`](Self::scan) returns them, page by page as the
    /// iterator is drawn on; it holds no pin in between.
    ///
    /// # Errors
    ///
    /// As [`scan`](Self::scan).
    pub fn scan_iter(
        &self,
        options: ScanOptions,
    ) -> Result<impl Iterator<Item = Vec<u8>> + '_, Error> {
        let first = self.scan(0, &options)?;
        let mut next = (first.cursor != 0).then_some(first.cursor);
        let mut keys = VecDeque::from(first.keys);
        Ok(std::iter::from_fn(move || {
            while keys.is_empty() {
                let page = self.scan(next?, &options).unwrap_or_default();
                next = (page.cursor != 0).then_some(page.cursor);
                keys.extend(page.keys);
            }
            keys.pop_front()
        }))
    }
}
