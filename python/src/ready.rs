//! Values that were read lately, ready to be handed out once more.
//!
//! Of what a `get` of 16 bytes takes, more than a fifth is CPython's allocator: finding room for a new
//! `bytes` and taking it back a moment later. A `str` or `bytes` cannot change, so whoever reads a key
//! again that holds the same as before may get the same object.
//!
//! A pool has a [`Place`] for each of [`PLACES`] groups of addresses at which values lie. The first read
//! of a value leaves its address there, the second one the object as well, and a later one takes that
//! object, if it holds what the value does: an address alone says nothing, as records come and go. So
//! values that are read once pay for a comparison of addresses, and nothing is made of them that stays.
//! Two that are read in turns and share a place are made anew each time.
//!
//! The objects are small, few, and plain: they are not counted as the pool's memory, and end without
//! running anybody's code. Only one thread at a time looks at a place, the one that has the
//! interpreter's lock; where there is no such lock, a pool has no places.

use crate::{text::utf8_of, values};
use pyo3::{ffi, prelude::*};
use std::{cell::Cell, ptr, slice};

/// Places of a pool: 8 KiB.
const PLACES: usize = 512;

/// The longest value that is kept, in bytes. A longer one takes longer to compare, and to make.
const LONGEST: usize = 64;

/// Where a value was read, and perhaps what was made of it or of one that lay there or nearby before.
#[derive(Debug)]
struct Place {
    address: Cell<usize>,
    /// A reference of ours to a `str` or a `bytes`, or null.
    object: Cell<*mut ffi::PyObject>,
}

/// The places of a pool.
#[derive(Debug)]
pub(crate) struct Ready(Option<Box<[Place; PLACES]>>);

// SAFETY: places are looked at by who has the interpreter's lock; without one there are none.
unsafe impl Send for Ready {}
// SAFETY: as above.
unsafe impl Sync for Ready {}

impl Ready {
    pub(crate) fn new() -> Self {
        let empty = || Place { address: Cell::new(0), object: Cell::new(ptr::null_mut()) };
        let places = Box::new(std::array::from_fn(|_| empty()));
        Self((!cfg!(Py_GIL_DISABLED)).then_some(places))
    }

    /// A new reference to the object that is ready for an encoded value, if there is one.
    #[inline(always)]
    pub(crate) fn get(&self, _: Python<'_>, value: &[u8]) -> Option<*mut ffi::PyObject> {
        let place = self.place(value)?;
        let object = place.object.get();
        if place.address.get() != value.as_ptr().addr() || object.is_null() {
            return None;
        }
        let (held, value) = match values::bytes_of(value) {
            // SAFETY: it is an object of ours.
            Some(bytes) => (unsafe { bytes_of(object) }?, bytes),
            // SAFETY: as above.
            None if values::is_text(value) => (unsafe { utf8_of(object) }?, value),
            None => return None,
        };
        if !are_same(held, value) {
            return None;
        }
        // SAFETY: it is an object.
        unsafe { ffi::Py_INCREF(object) };
        Some(object)
    }

    /// Takes note that an object was made of an encoded value, and keeps it when that was so before.
    ///
    /// # Safety
    ///
    /// It is a `str`, a `bytes`, or null.
    #[inline(always)]
    pub(crate) unsafe fn note(&self, _: Python<'_>, value: &[u8], made: *mut ffi::PyObject) {
        let Some(place) = self.place(value) else { return };
        let address = value.as_ptr().addr();
        if place.address.replace(address) == address {
            // SAFETY: null, or an object; the reference is for the place.
            unsafe { ffi::Py_XINCREF(made) };
            // SAFETY: null, or ours, and of a type whose end runs nobody's code.
            unsafe { ffi::Py_XDECREF(place.object.replace(made)) };
        }
    }

    /// The place of a value. Records are 16 bytes apart at least, most of them further.
    #[inline(always)]
    fn place(&self, value: &[u8]) -> Option<&Place> {
        let address = value.as_ptr().addr();
        let places = self.0.as_deref().filter(|_| value.len() <= LONGEST)?;
        Some(&places[(address >> 4 ^ address >> 13) % PLACES])
    }

    /// Lets go of all objects.
    pub(crate) fn clear(&self, _: Python<'_>) {
        for place in self.0.iter().flat_map(|places| places.iter()) {
            // SAFETY: null, or ours.
            unsafe { ffi::Py_XDECREF(place.object.replace(ptr::null_mut())) };
        }
    }
}

/// What a `bytes` holds.
///
/// # Safety
///
/// It is an object, outlives the result, and the interpreter is attached.
#[inline(always)]
unsafe fn bytes_of<'a>(object: *mut ffi::PyObject) -> Option<&'a [u8]> {
    // SAFETY: the caller's word.
    if unsafe { ffi::PyBytes_CheckExact(object) } == 0 {
        return None;
    }
    // SAFETY: it is a `bytes`.
    let start = unsafe { ffi::PyBytes_AS_STRING(object) };
    // SAFETY: as above.
    let len = usize::try_from(unsafe { ffi::Py_SIZE(object) }).ok()?;
    // SAFETY: so many bytes are there.
    Some(unsafe { slice::from_raw_parts(start.cast(), len) })
}

/// Whether bytes are the same ones; up to sixteen of them without a call.
#[inline(always)]
fn are_same(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    let ends = |bytes: &[u8]| Some((*bytes.first_chunk::<8>()?, *bytes.last_chunk::<8>()?));
    match (ends(one), ends(other)) {
        (Some(mine), Some(others)) => {
            mine == others
                && (one.len() <= 16 || one[8..one.len() - 8] == other[8..other.len() - 8])
        }
        _ => one.iter().eq(other),
    }
}
