//! Strings and objects behind one door, for a host whose values may be either: a language binding
//! reads a key once, whatever it holds, and decides on a write by whatever is there.

use super::{
    MemoryCachePool,
    engine::{Engine, Step, Touch},
    options::{Expiry, NewDeadline},
    strings::{look_up_many, with_bytes, with_last_bytes},
};
use crate::{
    error::Error,
    record::{Content, Held, Live, Value},
    tally::Tally,
};
use std::{any::Any, sync::Arc, time::Duration};

/// What a key holds that is no collection, seen where it lies.
#[derive(Clone, Copy, Debug)]
pub enum HostRef<'v> {
    /// A string; a number's digits.
    Bytes(&'v [u8]),
    /// An object of the host's, as [`set_object`](MemoryCachePool::set_object) keeps them.
    Object(&'v Arc<dyn Any + Send + Sync>),
}

/// What [`edit_value`](MemoryCachePool::edit_value) is to write.
#[derive(Clone, Debug)]
pub enum HostValue {
    /// A string.
    Bytes(Vec<u8>),
    /// An object, and the bytes that the host says it holds; see
    /// [`set_object_sized`](MemoryCachePool::set_object_sized).
    Object(Arc<dyn Any + Send + Sync>, usize),
}

/// What [`edit_value`](MemoryCachePool::edit_value) is to do.
#[derive(Clone, Debug)]
pub enum HostEdit {
    /// Leave the key as it is.
    Keep,
    /// Remove the key.
    Remove,
    /// Write a value that expires then; without an expiry, as [`set`](MemoryCachePool::set) does.
    Set(HostValue, Option<Expiry>),
    /// Change when the value expires.
    Expire(Expiry),
}

impl MemoryCachePool {
    /// Shows the string or the object of `key` where it lies, and returns what `look` makes of it;
    /// as [`get_with`](Self::get_with).
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`] when it is a collection; `look` is not called then.
    #[inline(always)]
    pub fn view_with<R>(
        &self,
        key: impl AsRef<[u8]>,
        look: impl FnOnce(HostRef<'_>) -> R,
    ) -> Result<Option<R>, Error> {
        let engine = &*self.engine;
        let key = key.as_ref();
        let hash = engine.hash(key);
        let guard = engine.pin();
        let Some(live) = engine.look_up(&guard, key, hash, Touch::Yes) else { return Ok(None) };
        view(live, look).map(Some)
    }

    /// Shows the string or the object of `key` if it was written at most `max_age` ago; as
    /// [`get_fresh`](Self::get_fresh).
    ///
    /// # Errors
    ///
    /// As [`view_with`](Self::view_with).
    pub fn view_fresh_with<R>(
        &self,
        key: impl AsRef<[u8]>,
        max_age: Duration,
        look: impl FnOnce(HostRef<'_>) -> R,
    ) -> Result<Option<R>, Error> {
        let fresh = self.engine.read(key.as_ref(), Touch::Yes, |live| {
            (self.age_of(live) <= max_age).then(|| view(live, look))
        });
        fresh.flatten().transpose()
    }

    /// Shows the strings and objects of several keys, each with its position in `keys`; `None` for
    /// a key that is absent or a collection. As [`get_many_with`](Self::get_many_with).
    pub fn view_many_with<K: AsRef<[u8]>>(
        &self,
        keys: &[K],
        mut each: impl FnMut(usize, Option<HostRef<'_>>),
    ) {
        look_up_many(&self.engine, keys, |index, live| {
            let shown =
                live.is_some_and(|live| view(live, |value| each(index, Some(value))).is_ok());
            if !shown {
                each(index, None);
            }
        });
    }

    /// Changes the string or the object of `key` as `decide` says on seeing it, atomically, and
    /// returns what it answers. `decide` sees `None` when the key does not exist.
    ///
    /// As [`update`](Self::update) does, it calls `decide` again when another write came first, and
    /// under a pin.
    ///
    /// # Errors
    ///
    /// What `decide` returns; [`Error::WrongType`] when the key holds a collection and `is_blind` is
    /// false, [`Error::InvalidExpire`] for a time that is zero, negative or too large; or as
    /// [`set`](Self::set). Nothing has changed then. With `is_blind`, a collection is shown as an
    /// empty string: for a write that does not look at what it replaces.
    pub fn edit_value<T>(
        &self,
        key: impl AsRef<[u8]>,
        is_blind: bool,
        mut decide: impl FnMut(Option<HostRef<'_>>) -> Result<(HostEdit, T), Error>,
    ) -> Result<T, Error> {
        let engine = &*self.engine;
        let guard = engine.pin_to_write();
        engine.write(&guard, key.as_ref(), Tally::Sets, |live| {
            let (edit, answer) = match live.map(|live| (live, live.value())) {
                None => decide(None)?,
                Some((_, Value::Object(object))) => decide(Some(HostRef::Object(object)))?,
                Some((_, Value::Hash(_) | Value::Set(_) | Value::List(_))) if is_blind => {
                    decide(Some(HostRef::Bytes(b"")))?
                }
                Some((live, _)) => {
                    with_last_bytes(live, |text| decide(Some(HostRef::Bytes(text))))??
                }
            };
            step_of(engine, live, edit, answer)
        })
    }
}

/// Shows a string or an object.
#[inline(always)]
fn view<R>(live: Live<'_>, look: impl FnOnce(HostRef<'_>) -> R) -> Result<R, Error> {
    match live.inline_text() {
        Some(text) => Ok(look(HostRef::Bytes(text))),
        None => view_other(live, look),
    }
}

/// The part of [`view`] that few need.
#[cold]
#[inline(never)]
fn view_other<R>(live: Live<'_>, look: impl FnOnce(HostRef<'_>) -> R) -> Result<R, Error> {
    match live.value() {
        Value::Object(object) => Ok(look(HostRef::Object(object))),
        _ => with_bytes(live, |text| look(HostRef::Bytes(text))),
    }
}

/// What the engine is to do for an edit.
fn step_of<'g, T>(
    engine: &'g Engine,
    live: Option<Live<'g>>,
    edit: HostEdit,
    answer: T,
) -> Result<Step<'g, T>, Error> {
    let new_deadline = |expiry: Expiry| expiry.deadline(|_| engine.clock.now_millis());
    let kept = || live.map_or_else(|| engine.default_deadline(), Live::deadline);
    match edit {
        HostEdit::Keep => Ok(Step::Keep(answer)),
        HostEdit::Remove => Ok(Step::Remove(answer)),
        HostEdit::Expire(expiry) => Ok(match new_deadline(expiry)? {
            NewDeadline::Keep | NewDeadline::Default => Step::Keep(answer),
            NewDeadline::Past => Step::Remove(answer),
            NewDeadline::At(deadline) => Step::Redate(deadline, answer),
        }),
        HostEdit::Set(value, expiry) => {
            let deadline = match expiry.map_or(Ok(NewDeadline::Default), new_deadline)? {
                NewDeadline::Past => return Ok(Step::Remove(answer)),
                NewDeadline::At(deadline) => deadline,
                NewDeadline::Keep => kept(),
                NewDeadline::Default => engine.default_deadline(),
            };
            let content = match value {
                HostValue::Bytes(bytes) => Content::Built(bytes),
                HostValue::Object(object, bytes) => Content::Object(Held::new(object, bytes)),
            };
            Ok(Step::Write(content, deadline, answer))
        }
    }
}
