//! A pinned view: values read where they lie, for as long as the pin is held.

use super::{
    MemoryCachePool,
    engine::{Engine, Touch},
};
use crate::{
    error::Error,
    reclaim::Guard,
    record::{Live, Value},
    value::element::Element,
};
use std::{fmt, ops::Deref};

/// A view of the pool that keeps alive whatever is read through it.
///
/// It belongs to the thread that made it (it is not `Send`), and holds back the memory that anybody
/// retires meanwhile: drop it soon, and never keep it across anything that blocks or awaits.
///
/// ```compile_fail
/// let pool = memory_cache_pool::MemoryCachePool::default();
/// let pinned = pool.pin();
/// std::thread::spawn(move || pinned.get("key"));
/// ```
///
/// What it shows does not outlive it:
///
/// ```compile_fail
/// let pool = memory_cache_pool::MemoryCachePool::default();
/// let value = pool.pin().get("key").unwrap();
/// println!("{value:?}");
/// ```
pub struct Pinned<'p> {
    pub(super) engine: &'p Engine,
    pub(super) guard: Guard<'p>,
}

/// A string's bytes, seen through a pin.
///
/// It shows the value at the moment of the read: what is written later is not seen.
#[derive(Clone, Copy)]
pub struct ValueRef<'g>(Seen<'g>);

#[derive(Clone, Copy)]
enum Seen<'g> {
    Bytes(&'g [u8]),
    /// A number, printed: digits and their length.
    Digits([u8; MOST_DIGITS], u8),
}

/// The longest decimal form of an `i64`.
const MOST_DIGITS: usize = 20;

impl MemoryCachePool {
    /// Pins the current thread, for several reads without a copy.
    #[must_use]
    pub fn pin(&self) -> Pinned<'_> {
        Pinned { engine: &self.engine, guard: self.engine.pin() }
    }
}

impl Pinned<'_> {
    /// Returns the value of `key` where it lies.
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`] when it is not a string.
    pub fn get(&self, key: impl AsRef<[u8]>) -> Result<Option<ValueRef<'_>>, Error> {
        let key = key.as_ref();
        let live = self.engine.look_up(&self.guard, key, self.engine.hash(key), Touch::Yes);
        live.map(ValueRef::of).transpose()
    }
}

impl fmt::Debug for Pinned<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pinned").field("guard", &self.guard).finish_non_exhaustive()
    }
}

impl<'g> ValueRef<'g> {
    fn of(live: Live<'g>) -> Result<Self, Error> {
        match live.value() {
            Value::Bytes(bytes) => Ok(Self(Seen::Bytes(bytes))),
            Value::Integer(cell) => Ok(Self::of_number(cell.get())),
            _ => Err(Error::WrongType),
        }
    }

    /// The text of an element.
    pub(super) fn of_element(element: Element<'g>) -> Self {
        match element {
            Element::Text(text) => Self(Seen::Bytes(text)),
            Element::Integer(number) => Self::of_number(number),
        }
    }

    /// The text of a number.
    fn of_number(number: i64) -> Self {
        let mut buffer = itoa::Buffer::new();
        let text = buffer.format(number).as_bytes();
        let mut digits = [0; MOST_DIGITS];
        digits[..text.len()].copy_from_slice(text);
        #[expect(clippy::cast_possible_truncation, reason = "at most 20")]
        Self(Seen::Digits(digits, text.len() as u8))
    }
}

impl Deref for ValueRef<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Seen::Bytes(bytes) => bytes,
            Seen::Digits(digits, len) => &digits[..usize::from(*len)],
        }
    }
}

impl AsRef<[u8]> for ValueRef<'_> {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl fmt::Debug for ValueRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b\"{}\"", self.escape_ascii())
    }
}
