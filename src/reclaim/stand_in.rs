//! A stand-in for the epochs, for models of other modules: what was retired may be freed as soon as
//! nobody is pinned, the earliest moment that any scheme could choose.

use super::epoch::GRACE;
use crate::sync::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// Who is pinned, and how often nobody was. Loom does not see it: no switch can happen inside.
#[derive(Debug, Default)]
struct State {
    pins: usize,
    epoch: u64,
    shows_edges: bool,
}

/// See [`epoch::Epochs`](super::epoch::Epochs).
#[derive(Debug)]
pub(super) struct Epochs {
    state: Arc<Mutex<State>>,
    /// What pinning and sealing have in common in loom's eyes: a pin sees what was unlinked before
    /// an earlier sealing.
    edge: AtomicUsize,
}

/// See [`epoch::Presence`](super::epoch::Presence).
#[derive(Debug, Default)]
pub(super) struct Presence(Mutex<(usize, Option<Arc<Mutex<State>>>)>);

impl Epochs {
    pub(super) fn new() -> Self {
        Self { state: Arc::default(), edge: AtomicUsize::new(0) }
    }

    /// Makes a pin see what was unlinked before, as the real epochs' fences do: for models in which
    /// something is freed. It multiplies the interleavings.
    pub(super) fn show_edges(&self) {
        crate::sync::lock(&self.state).shows_edges = true;
    }

    fn step(&self) {
        if crate::sync::lock(&self.state).shows_edges {
            // ORDERING: AcqRel; see `edge`.
            self.edge.fetch_add(1, Ordering::AcqRel);
        }
    }

    pub(super) fn now(&self) -> u64 {
        self.step();
        crate::sync::lock(&self.state).epoch
    }

    pub(super) fn has_passed(&self, stamp: u64) -> bool {
        stamp + GRACE <= crate::sync::lock(&self.state).epoch
    }

    pub(super) fn advance<'p, I: Iterator<Item = &'p Presence>>(&self, _: I, _: bool) -> bool {
        true
    }

    pub(super) fn held_since<'p, I: Iterator<Item = &'p Presence>>(&self, _: I) -> Option<u64> {
        None
    }
}

impl Presence {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn enter(&self, epochs: &Epochs) {
        crate::sync::lock(&epochs.state).pins += 1;
        let depth = self.depth() + 1;
        *crate::sync::lock(&self.0) = (depth, Some(Arc::clone(&epochs.state)));
        epochs.step();
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
