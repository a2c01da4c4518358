//! How many bytes an object holds: an estimate, so that limits on memory mean something.
//!
//! `sys.getsizeof`, walked through containers and instances: each object once, so that cycles end,
//! and at most [`MOST_OBJECTS`] of them. Of a long container some elements stand for the rest. What
//! cannot be asked counts as [`UNKNOWN`].

use pyo3::{
    prelude::*,
    sync::PyOnceLock,
    types::{PyDict, PyFrozenSet, PyList, PySet, PyTuple, PyType},
};
use std::collections::HashSet;

/// Objects that are looked at.
const MOST_OBJECTS: usize = 256;

/// Elements of one container that are looked at.
const SAMPLE: usize = 16;

/// Bytes of an object that does not tell.
const UNKNOWN: usize = 64;

/// An object to be looked at, and how many like it there are.
struct Visit<'py> {
    object: Bound<'py, PyAny>,
    weight: f64,
}

/// A walk through an object.
struct Walk<'py> {
    ahead: Vec<Visit<'py>>,
    seen: HashSet<usize>,
}

/// Bytes of an object, with what it refers to.
pub(crate) fn estimate(object: &Bound<'_, PyAny>) -> usize {
    let mut walk =
        Walk { ahead: vec![Visit { object: object.clone(), weight: 1.0 }], seen: HashSet::new() };
    let mut total = 0.0;
    while let Some(Visit { object, weight }) = walk.ahead.pop() {
        if !walk.seen.insert(object.as_ptr().addr()) {
            continue;
        }
        total += weight * own_size(&object);
        if walk.seen.len() + walk.ahead.len() < MOST_OBJECTS {
            walk.look_inside(&object, weight);
        }
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
    let total = total as usize;
    total
}

/// What `sys.getsizeof` says.
fn own_size(object: &Bound<'_, PyAny>) -> f64 {
    static GETSIZEOF: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let ask = || {
        let size = GETSIZEOF.import(object.py(), "sys", "getsizeof")?.call1((object,))?;
        size.extract::<usize>()
    };
    as_float(ask().unwrap_or(UNKNOWN))
}

#[expect(clippy::cast_precision_loss, reason = "an estimate")]
fn as_float(count: usize) -> f64 {
    count as f64
}

impl<'py> Walk<'py> {
    /// Notes what a container or an instance refers to.
    fn look_inside(&mut self, object: &Bound<'py, PyAny>, weight: f64) {
        if let Ok(dict) = object.cast::<PyDict>() {
            let pairs = dict.iter().flat_map(|(key, value)| [key, value]);
            self.note(pairs, 2 * dict.len(), weight);
        } else if let Ok(list) = object.cast::<PyList>() {
            self.note(list.iter(), list.len(), weight);
        } else if let Ok(tuple) = object.cast::<PyTuple>() {
            self.note(tuple.iter(), tuple.len(), weight);
        } else if let Ok(set) = object.cast_exact::<PySet>() {
            self.note(set.iter(), set.len(), weight);
        } else if let Ok(set) = object.cast_exact::<PyFrozenSet>() {
            self.note(set.iter(), set.len(), weight);
        } else if !object.is_instance_of::<PyType>() {
            self.note_attributes(object, weight);
        }
    }

    /// Notes the attributes of an instance that keeps them in a dict.
    fn note_attributes(&mut self, object: &Bound<'py, PyAny>, weight: f64) {
        let Ok(attributes) = object.getattr("__dict__") else { return };
        let Ok(dict) = attributes.cast_exact::<PyDict>() else { return };
        self.note(dict.values().iter(), dict.len(), weight);
        self.ahead.push(Visit { object: attributes, weight });
    }

    /// Notes some elements of a container, each for its share of all of them.
    fn note(&mut self, elements: impl Iterator<Item = Bound<'py, PyAny>>, len: usize, weight: f64) {
        let sample = len.min(SAMPLE);
        let share = weight * as_float(len) / as_float(sample.max(1));
        self.ahead.extend(elements.take(sample).map(|object| Visit { object, weight: share }));
    }
}
