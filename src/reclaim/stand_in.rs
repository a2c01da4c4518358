//! A stand-in for the epochs, for models of other modules: what was retired may be freed as soon as
//! nobody is pinned, the earliest moment that any scheme could choose.

use super::epoch::GRACE;
use std::sync::{Arc, Mutex};

/// Who is pinned, and how often nobody was. Loom does not see it: no switch can happen inside.
#[derive(Debug, Default)]
struct State {
    pins: usize,
    epoch: u64,
}

/// See [`epoch::Epochs`](super::epoch::Epochs).
#[derive(Debug, Default)]
pub(super) struct Epochs(Arc<Mutex<State>>);

/// See [`epoch::Presence`](super::epoch::Presence).
#[derive(Debug, Default)]
pub(super) struct Presence(Mutex<(usize, Option<Arc<Mutex<State>>>)>);

impl Epochs {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn now(&self) -> u64 {
        crate::sync::lock(&self.0).epoch
    }

    pub(super) fn has_passed(&self, stamp: u64) -> bool {
        stamp + GRACE <= self.now()
    }

    pub(super) fn advance<'p, I: Iterator<Item = &'p Presence>>(&self, _: I, _: bool) -> bool {
        true
    }
}

impl Presence {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn enter(&self, epochs: &Epochs) {
        crate::sync::lock(&epochs.0).pins += 1;
        *crate::sync::lock(&self.0) = (self.depth() + 1, Some(Arc::clone(&epochs.0)));
    }

    pub(super) fn exit(&self) {
        let depth = self.depth() - 1;
        let mut own = crate::sync::lock(&self.0);
        own.0 = depth;
        if let Some(state) = &own.1 {
            let mut state = crate::sync::lock(state);
            state.pins -= 1;
            if state.pins == 0 {
                state.epoch += GRACE;
            }
        }
    }

    pub(super) fn leave(&self) {}

    fn depth(&self) -> usize {
        crate::sync::lock(&self.0).0
    }
}
