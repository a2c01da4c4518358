//! Objects that are elements of hashes, lists and sets, by reference.
//!
//! Such an element is thirteen bytes: `FA`, the address of the [`Kept`] behind an [`Arc`], and the
//! size of the object as it was estimated. Each element owns a count of the [`Arc`]: the core tells of
//! each that comes and goes, and of one that has gone only when nobody who is pinned can have seen it
//! (see [`ElementHost`]). So under a pin an address in an element is good, and whoever has just made
//! one, or wants one to be good for longer, holds a [`Reference`].
//!
//! Nothing else writes an element that begins with `FA`: no UTF-8 does, and all other values are
//! marked.
//!
//! Members of sets are the same when they are equal, as in Python: an object that equals one which is
//! a member of any set of the pool becomes that one. [`Members`] finds it by its hash.

use crate::{
    objects::{Kept, Shown, keep},
    pool::Pool,
    values::{self, Encoded, OBJECT},
};
use memory_cache_pool::{ElementHost, ElementObject};
use pyo3::prelude::*;
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
};

/// Bytes of an element.
pub(crate) const ELEMENT: usize = 13;

/// Members that are known before those that have gone are forgotten.
const FEW_MEMBERS: usize = 64;

/// An object by the address and the size in an element.
fn parts(element: &[u8]) -> Option<ElementObject> {
    let [OBJECT, rest @ ..] = element else { return None };
    let (id, bytes) = rest.split_first_chunk()?;
    let bytes = u32::from_le_bytes(bytes.try_into().ok()?);
    Some(ElementObject { id: u64::from_le_bytes(*id), bytes })
}

/// Where an object lies.
fn address(object: ElementObject) -> *const Kept {
    std::ptr::with_exposed_provenance(usize::try_from(object.id).unwrap_or(0))
}

/// A count of an object that no element owns, and the element that stands for the object.
#[derive(Debug)]
pub(crate) struct Reference([u8; ELEMENT]);

impl Reference {
    /// Takes over a count.
    fn new(object: Arc<Kept>) -> Self {
        let bytes = u32::try_from(object.bytes).unwrap_or(u32::MAX);
        let id = Arc::into_raw(object).expose_provenance() as u64;
        let mut element = [OBJECT; ELEMENT];
        element[1..9].copy_from_slice(&id.to_le_bytes());
        element[9..].copy_from_slice(&bytes.to_le_bytes());
        Self(element)
    }

    /// Holds what an element stands for, if it stands for an object.
    ///
    /// # Safety
    ///
    /// It was seen under a pin that is still there, or is held by other means.
    pub(crate) unsafe fn of(element: &[u8]) -> Option<Self> {
        let object = parts(element)?;
        // SAFETY: by the caller's word the object is there; its address is from `new`.
        unsafe { Arc::increment_strong_count(address(object)) };
        Some(Self(element.try_into().ok()?))
    }

    /// The element.
    pub(crate) fn element(&self) -> &[u8] {
        &self.0
    }

    /// The object.
    pub(crate) fn object<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        // SAFETY: held by `self`.
        unsafe { object_of(py, &self.0) }
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        if let Some(object) = parts(&self.0) {
            // SAFETY: the count that this owns.
            unsafe { Arc::decrement_strong_count(address(object)) };
        }
    }
}

/// The object that an element stands for, if it stands for one.
///
/// # Safety
///
/// As for [`Reference::of`].
unsafe fn object_of<'py>(py: Python<'py>, element: &[u8]) -> Option<Bound<'py, PyAny>> {
    let object = parts(element)?;
    // SAFETY: by the caller's word the object is there; its address is from `Reference::new`.
    Some(unsafe { &*address(object) }.object(py))
}

/// Reads an element. Runs none of Python's code.
///
/// # Safety
///
/// As for [`Reference::of`].
#[inline(always)]
pub(crate) unsafe fn show<'py>(py: Python<'py>, element: &[u8]) -> PyResult<Shown<'py>> {
    // SAFETY: the caller's word.
    match unsafe { object_of(py, element) } {
        Some(object) => Ok(Shown::Object(object)),
        None => values::decode(py, element).map(Shown::Value),
    }
}

/// Holds the objects of elements that were taken out, under a pin that is still there.
///
/// # Safety
///
/// As for [`Reference::of`].
pub(crate) unsafe fn hold(elements: &[Vec<u8>]) -> Vec<Reference> {
    // SAFETY: the caller's word.
    elements.iter().filter_map(|element| unsafe { Reference::of(element) }).collect()
}

/// What the core tells of elements; one for each pool.
#[derive(Debug, Default)]
pub(crate) struct Host {
    has_objects: AtomicBool,
    members: Mutex<Members>,
}

impl ElementHost for Host {
    fn has_objects(&self) -> bool {
        // Relaxed: whoever meets an element has it from the thread that wrote it after it had said so.
        self.has_objects.load(Ordering::Relaxed)
    }

    fn object_of(&self, element: &[u8]) -> Option<ElementObject> {
        parts(element)
    }

    fn gained(&self, object: ElementObject) {
        // SAFETY: it is in an element that has come while its writer is pinned: whoever gave it to
        // him holds the object, or he has it from an element that he has seen under that pin.
        unsafe { Arc::increment_strong_count(address(object)) };
    }

    fn lost(&self, object: ElementObject) {
        // SAFETY: the count that was gained for the element.
        unsafe { Arc::decrement_strong_count(address(object)) };
    }
}

/// Objects that are, or lately were, members of sets.
#[derive(Debug, Default)]
struct Members {
    by_hash: HashMap<isize, Vec<Weak<Kept>>>,
    count: usize,
    /// How many there were when those that have gone were forgotten last.
    stayed: usize,
}

impl Members {
    /// Those of a hash that are there.
    fn known(&self, hash: isize) -> Vec<Arc<Kept>> {
        self.by_hash.get(&hash).into_iter().flatten().filter_map(Weak::upgrade).collect()
    }

    /// Adds one unless others have come meanwhile.
    fn add(&mut self, hash: isize, object: &Arc<Kept>, known: &[Arc<Kept>]) -> bool {
        let now = self.known(hash);
        if !now.iter().all(|one| known.iter().any(|other| Arc::ptr_eq(one, other))) {
            return false;
        }
        if self.count > FEW_MEMBERS + 2 * self.stayed {
            self.forget();
        }
        self.by_hash.entry(hash).or_default().push(Arc::downgrade(object));
        self.count += 1;
        true
    }

    /// Forgets those that have gone; O(members), once in so many additions.
    fn forget(&mut self) {
        self.by_hash.retain(|_, objects| {
            objects.retain(|object| object.strong_count() > 0);
            !objects.is_empty()
        });
        self.count = self.by_hash.values().map(Vec::len).sum();
        self.stayed = self.count;
    }
}

impl Host {
    fn members(&self) -> MutexGuard<'_, Members> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pool {
    /// A value as it is to be written to a hash or list.
    #[inline]
    pub(crate) fn element<'a>(&self, value: &'a Bound<'_, PyAny>) -> PyResult<Encoded<'a>> {
        match values::encode(value)? {
            Some(encoded) => Ok(encoded),
            None => self.keep_element(value).map(Reference::new).map(Encoded::Object),
        }
    }

    /// A value as it is to be written to a set: an object that equals a member of some set of the
    /// pool becomes that one.
    pub(crate) fn new_member<'a>(&self, value: &'a Bound<'_, PyAny>) -> PyResult<Encoded<'a>> {
        if let Some(encoded) = values::encode(value)? {
            return Ok(encoded);
        }
        loop {
            let (hash, known, found) = self.find_member(value)?;
            if let Some(found) = found {
                return Ok(Encoded::Object(Reference::new(found)));
            }
            let kept = self.keep_element(value)?;
            if self.host.members().add(hash, &kept, &known) {
                return Ok(Encoded::Object(Reference::new(kept)));
            }
        }
    }

    /// A value as a set has it, if one does.
    pub(crate) fn known_member<'a>(&self, value: &'a Bound<'_, PyAny>) -> PyResult<Encoded<'a>> {
        match values::encode(value)? {
            Some(encoded) => Ok(encoded),
            None => Ok(match self.find_member(value)?.2 {
                Some(found) => Encoded::Object(Reference::new(found)),
                None => values::no_element(),
            }),
        }
    }

    /// An object that is to be an element.
    fn keep_element(&self, object: &Bound<'_, PyAny>) -> PyResult<Arc<Kept>> {
        let kept = keep(self, object)?;
        self.host.has_objects.store(true, Ordering::Relaxed);
        Ok(Arc::new(kept))
    }

    /// The hash of an object, the members that have it, and the one of them that equals the object.
    #[expect(clippy::type_complexity, reason = "named by the lines above")]
    fn find_member(
        &self,
        object: &Bound<'_, PyAny>,
    ) -> PyResult<(isize, Vec<Arc<Kept>>, Option<Arc<Kept>>)> {
        let hash = object.hash()?;
        let known = self.host.members().known(hash);
        // Python's code may run here; nothing is locked.
        for other in &known {
            let member = other.object(object.py());
            if member.is(object) || member.eq(object)? {
                let found = Arc::clone(other);
                return Ok((hash, known, Some(found)));
            }
        }
        Ok((hash, known, None))
    }
}
