//! MemoryCachePool for Python.
//!
//! A thin layer: [`pool`] holds the core's pool and the calls that have to be fast, the files named
//! after commands hold the rest, one `#[pymethods]` block each. What the layer adds:
//!
//! * **Types.** What goes in comes out: see [`values`] for how a string of the core's tells which
//!   Python type it was.
//! * **Objects.** Any other object is kept by reference: see [`objects`] for where they end.
//! * **Attachment.** Calls on one key stay attached to the interpreter: letting go and coming back
//!   costs more than they do, and they wait for nobody. Walks over all keys let go.
//! * **Short values** that are read again and again are made once: see [`ready`].
//! * **Forks** are waited for and told about: see [`fork`].
//!
//! # How it is built
//!
//! For the interpreter at hand: a `get` of 16 bytes takes four times as long with the stable interface
//! of 3.9, which has no fast calls, and `pool[key]` a third longer. The feature `abi3` builds one
//! wheel for every CPython from 3.9 on. Nothing here changes after it was made, or without an
//! atomic or a lock, but for what [`ready`] keeps, which is nothing where the interpreter has no lock: the
//! module does without.

#![expect(clippy::doc_markdown, reason = "Python shows these documents as they are")]

mod clock;
mod collected;
mod config;
mod elements;
mod errors;
mod expiry;
#[cfg(not(feature = "abi3"))]
mod fast;
mod fork;
mod hashes;
mod keyspace;
mod lists;
mod numbers;
mod objects;
mod pool;
#[cfg(not(feature = "abi3"))]
mod ready;
mod scans;
mod sets;
mod sizes;
mod stats;
mod strings;
mod tasks;
mod text;
mod times;
mod values;

use pyo3::prelude::*;

/// What the package is made of.
#[pymodule(gil_used = false)]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<pool::Pool>()?;
    module.add_class::<config::Config>()?;
    module.add_class::<clock::Clock>()?;
    module.add_class::<stats::Stats>()?;
    module.add_class::<scans::KeyIterator>()?;
    module.add_class::<scans::PageIterator>()?;
    #[cfg(not(feature = "abi3"))]
    fast::install(module.py())?;
    fork::watch(module)
}
