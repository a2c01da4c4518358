//! The core's errors as Python's exceptions.
//!
//! The classes are written in Python, where their bases depend on whether redis-py is there.

use memory_cache_pool::{ConfigError, Error};
use pyo3::{
    exceptions::PyValueError,
    prelude::*,
    sync::PyOnceLock,
    types::{PyString, PyType},
};

/// The classes, once they are needed.
struct Classes {
    cache: Py<PyType>,
    wrong_type: Py<PyType>,
    data: Py<PyType>,
    out_of_memory: Py<PyType>,
}

static CLASSES: PyOnceLock<Classes> = PyOnceLock::new();

fn classes(py: Python<'_>) -> PyResult<&Classes> {
    CLASSES.get_or_try_init(py, || {
        let module = py.import("memory_cache_pool._errors")?;
        let class = |name| Ok::<_, PyErr>(module.getattr(name)?.cast_into::<PyType>()?.unbind());
        Ok(Classes {
            cache: class("CacheError")?,
            wrong_type: class("WrongTypeError")?,
            data: class("DataError")?,
            out_of_memory: class("OutOfMemoryError")?,
        })
    })
}

/// The exception for an error of the core's.
#[cold]
pub(crate) fn raise(py: Python<'_>, error: Error) -> PyErr {
    let classes = match classes(py) {
        Ok(classes) => classes,
        Err(error) => return error,
    };
    let class = match error {
        Error::WrongType => &classes.wrong_type,
        Error::OutOfMemory | Error::Stalled => &classes.out_of_memory,
        Error::NoSuchKey | Error::IndexOutOfRange | Error::TableFull => &classes.cache,
        _ => &classes.data,
    };
    PyErr::from_type(class.bind(py).clone(), message(error))
}

/// What Redis says where it has a text of its own, since programs look for it.
fn message(error: Error) -> String {
    match error {
        Error::WrongType => {
            "WRONGTYPE Operation against a key holding the wrong kind of value".to_owned()
        }
        Error::NotAnInteger => "value is not an integer or out of range".to_owned(),
        Error::NotAFloat => "value is not a valid float".to_owned(),
        Error::Overflow => "increment or decrement would overflow".to_owned(),
        Error::HashValueNotAnInteger => "hash value is not an integer".to_owned(),
        Error::HashValueNotAFloat => "hash value is not a float".to_owned(),
        Error::NoSuchKey => "no such key".to_owned(),
        Error::IndexOutOfRange => "index out of range".to_owned(),
        Error::Syntax => "syntax error: options that exclude each other".to_owned(),
        Error::InvalidExpire => "invalid expire time".to_owned(),
        other => other.to_string(),
    }
}

/// An argument that is not what the command takes.
#[cold]
pub(crate) fn data_error(py: Python<'_>, message: impl Into<String>) -> PyErr {
    match classes(py) {
        Ok(classes) => PyErr::from_type(classes.data.bind(py).clone(), message.into()),
        Err(error) => error,
    }
}

/// A field of the configuration that cannot be as it is.
pub(crate) fn config_error(error: &ConfigError) -> PyErr {
    PyValueError::new_err(error.to_string())
}

/// The name of a value's type, for messages.
pub(crate) fn type_name(value: &Bound<'_, PyAny>) -> String {
    let name = value.get_type().name();
    name.as_ref().map(PyStringText::text).unwrap_or_default()
}

/// The text of a `str`, whatever is in it.
trait PyStringText {
    fn text(&self) -> String;
}

impl PyStringText for Bound<'_, PyString> {
    fn text(&self) -> String {
        self.to_string_lossy().into_owned()
    }
}
