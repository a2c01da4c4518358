//! How many bytes an object holds: an estimate, so that limits on memory mean something.
//!
//! What `sys.getsizeof` would say, walked through containers and instances: each object once, so that
//! cycles end, and at most [`MOST_OBJECTS`] of them. Of a long container some elements stand for the
//! rest. The sizes of Python's own types are computed, which is a tenth of the work of asking for them;
//! what cannot be asked counts as [`UNKNOWN`].

use foldhash::{HashSet, HashSetExt};
use pyo3::{
    prelude::*,
    sync::PyOnceLock,
    types::{
        PyBool, PyBytes, PyDict, PyFloat, PyFrozenSet, PyInt, PyList, PySet, PyString, PyTuple,
        PyType,
    },
};

/// Objects that are looked at.
const MOST_OBJECTS: usize = 256;

/// Elements of one container that are looked at.
const SAMPLE: usize = 16;

/// Bytes of an object that does not tell.
const UNKNOWN: usize = 64;

/// The most bytes that are counted for one object.
const LARGE: f64 = 1e12;

/// An object to be looked at, and how many like it there are.
struct Visit<'py> {
    object: Bound<'py, PyAny>,
    weight: f64,
}

/// A walk through an object.
struct Walk<'py> {
    ahead: Vec<Visit<'py>>,
    seen: HashSet<usize>,
    total: f64,
}

/// Bytes of an object, with what it refers to.
pub(crate) fn estimate(object: &Bound<'_, PyAny>) -> usize {
    let mut walk = Walk {
        ahead: vec![Visit { object: object.clone(), weight: 1.0 }],
        seen: HashSet::new(),
        total: 0.0,
    };
    while let Some(Visit { object, weight }) = walk.ahead.pop() {
        if !walk.seen.insert(object.as_ptr().addr()) {
            continue;
        }
        match size_of_leaf(&object) {
            Some(bytes) => walk.count(bytes, weight),
            None => walk.look_inside(&object, weight),
        }
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
    let total = walk.total as usize;
    total
}

/// Bytes of an object of a type that refers to nothing.
fn size_of_leaf(object: &Bound<'_, PyAny>) -> Option<usize> {
    if object.is_exact_instance_of::<PyFloat>() {
        return Some(24);
    }
    if let Ok(text) = object.cast_exact::<PyString>() {
        return Some(49 + text.len().unwrap_or(0));
    }
    if object.is_exact_instance_of::<PyInt>() {
        return Some(28);
    }
    if let Ok(bytes) = object.cast_exact::<PyBytes>() {
        return Some(33 + bytes.as_bytes().len());
    }
    // There is one of each.
    (object.is_none() || object.is_exact_instance_of::<PyBool>()).then_some(0)
}

/// What `sys.getsizeof` says.
fn asked_size(object: &Bound<'_, PyAny>) -> usize {
    static GETSIZEOF: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let ask = || {
        let size = GETSIZEOF.import(object.py(), "sys", "getsizeof")?.call1((object,))?;
        size.extract()
    };
    ask().unwrap_or(UNKNOWN)
}

#[expect(clippy::cast_precision_loss, reason = "an estimate")]
fn as_float(count: usize) -> f64 {
    count as f64
}

impl<'py> Walk<'py> {
    /// Counts an object, and those that it stands for.
    fn count(&mut self, bytes: usize, weight: f64) {
        self.total += weight * as_float(bytes).min(LARGE);
    }

    /// Counts a container or an instance, and notes what it refers to.
    fn look_inside(&mut self, object: &Bound<'py, PyAny>, weight: f64) {
        if let Ok(dict) = object.cast_exact::<PyDict>() {
            self.count(64 + 40 * dict.len().max(4), weight);
            let pairs = dict.iter().flat_map(|(key, value)| [key, value]);
            self.note(pairs, 2 * dict.len(), weight);
        } else if let Ok(list) = object.cast_exact::<PyList>() {
            self.count(56 + 8 * list.len(), weight);
            self.note(list.iter(), list.len(), weight);
        } else if let Ok(tuple) = object.cast_exact::<PyTuple>() {
            self.count(40 + 8 * tuple.len(), weight);
            self.note(tuple.iter(), tuple.len(), weight);
        } else if let Ok(set) = object.cast_exact::<PySet>() {
            self.count(216 + 33 * set.len(), weight);
            self.note(set.iter(), set.len(), weight);
        } else if let Ok(set) = object.cast_exact::<PyFrozenSet>() {
            self.count(216 + 33 * set.len(), weight);
            self.note(set.iter(), set.len(), weight);
        } else {
            self.count(asked_size(object), weight);
            if !object.is_instance_of::<PyType>() {
                self.note_attributes(object, weight);
            }
        }
    }

    /// Notes what an instance of another type keeps: its attributes, and its elements if it is a
    /// container.
    fn note_attributes(&mut self, object: &Bound<'py, PyAny>, weight: f64) {
        if let Ok(dict) = object.cast::<PyDict>() {
            let pairs = dict.iter().flat_map(|(key, value)| [key, value]);
            self.note(pairs, 2 * dict.len(), weight);
        } else if let Ok(list) = object.cast::<PyList>() {
            self.note(list.iter(), list.len(), weight);
        } else if let Ok(tuple) = object.cast::<PyTuple>() {
            self.note(tuple.iter(), tuple.len(), weight);
        }
        let Ok(attributes) = object.getattr("__dict__") else { return };
        let Ok(dict) = attributes.cast_exact::<PyDict>() else { return };
        self.count(64 + 40 * dict.len().max(4), weight);
        self.note(dict.values().iter(), dict.len(), weight);
    }

    /// Notes some elements of a container, each for its share of all of them.
    fn note(&mut self, elements: impl Iterator<Item = Bound<'py, PyAny>>, len: usize, weight: f64) {
        let room = MOST_OBJECTS.saturating_sub(self.seen.len() + self.ahead.len());
        let sample = len.min(SAMPLE).min(room);
        let share = weight * as_float(len) / as_float(sample.max(1));
        self.ahead.extend(elements.take(sample).map(|object| Visit { object, weight: share }));
    }
}
