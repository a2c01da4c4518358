//! A host's own values, kept by reference.

use super::{
    MemoryCachePool,
    engine::{Step, Touch},
};
use crate::{
    error::Error,
    record::{Content, Held, Object, Value},
    tally::Tally,
};
use std::{any::Any, sync::Arc};

impl MemoryCachePool {
    /// Keeps `object` under `key`, by reference and without serialization, whatever it held; drops
    /// the time to live (or sets the configured `default_ttl`).
    ///
    /// To every string command it is a value of another type. The pool's reference is dropped, on
    /// some thread that uses the pool, once nobody can be looking at it any more; a panic in its
    /// `drop` is caught.
    ///
    /// # Errors
    ///
    /// As [`set`](Self::set).
    pub fn set_object<T: Any + Send + Sync>(
        &self,
        key: impl AsRef<[u8]>,
        object: Arc<T>,
    ) -> Result<(), Error> {
        self.set_object_sized(key, object, 0)
    }

    /// As [`set_object`](Self::set_object), for an object of which the host knows, or guesses, how
    /// many bytes it holds: they count as the pool's own for `max_memory`, [`memory_usage`] and the
    /// statistics, up to 4 GiB each.
    ///
    /// [`memory_usage`]: Self::memory_usage
    ///
    /// # Errors
    ///
    /// As [`set`](Self::set).
    pub fn set_object_sized<T: Any + Send + Sync>(
        &self,
        key: impl AsRef<[u8]>,
        object: Arc<T>,
        bytes: usize,
    ) -> Result<(), Error> {
        let engine = &*self.engine;
        let guard = engine.pin_to_write();
        let object = Held::new(object, bytes);
        engine.write(&guard, key.as_ref(), Tally::Sets, |_| {
            let content = Content::Object(object.clone());
            Ok(Step::Write(content, engine.default_deadline(), ()))
        })
    }

    /// Returns the object under `key`.
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`] when it is a string, or an object of another type.
    pub fn get_object<T: Any + Send + Sync>(
        &self,
        key: impl AsRef<[u8]>,
    ) -> Result<Option<Arc<T>>, Error> {
        let object = self.engine.read(key.as_ref(), Touch::Yes, |live| match live.value() {
            Value::Object(object) => {
                Object::downcast(Arc::clone(object)).map_err(|_| Error::WrongType)
            }
            _ => Err(Error::WrongType),
        });
        object.transpose()
    }
}
