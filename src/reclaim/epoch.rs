//! The epochs underneath: crossbeam-epoch, or a stand-in for models of other modules.
//!
//! Models of the table and of the commands run on the stand-in, which knows no epochs: what was
//! deferred runs as soon as nobody is pinned, the earliest moment that any scheme could choose.
//! Models of reclamation itself run on crossbeam-epoch's own code under loom
//! (`--cfg crossbeam_loom` beside `--cfg pool_loom`).

#[cfg(any(not(pool_loom), crossbeam_loom))]
pub(super) use crossbeam_epoch::{Collector, Guard, LocalHandle};

#[cfg(all(pool_loom, not(crossbeam_loom)))]
pub(super) use stand_in::{Collector, Guard, LocalHandle};

#[cfg(all(pool_loom, not(crossbeam_loom)))]
mod stand_in {
    use std::sync::{Arc, Mutex};

    type Deferred = Box<dyn FnOnce()>;

    /// Who is pinned, and what waits for them. Loom does not see it: no switch can happen inside.
    #[derive(Default)]
    struct State {
        pins: usize,
        deferred: Vec<Deferred>,
    }

    #[derive(Clone, Default)]
    pub(in crate::reclaim) struct Collector(Arc<Mutex<State>>);

    pub(in crate::reclaim) struct LocalHandle(Collector);

    pub(in crate::reclaim) struct Guard(Collector);

    impl Collector {
        pub(in crate::reclaim) fn new() -> Self {
            Self::default()
        }

        pub(in crate::reclaim) fn register(&self) -> LocalHandle {
            LocalHandle(self.clone())
        }

        fn run(deferred: Vec<Deferred>) {
            for work in deferred {
                work();
            }
        }
    }

    impl LocalHandle {
        pub(in crate::reclaim) fn pin(&self) -> Guard {
            crate::sync::lock(&self.0.0).pins += 1;
            Guard(self.0.clone())
        }
    }

    impl Guard {
        pub(in crate::reclaim) unsafe fn defer_unchecked<F: FnOnce()>(&self, work: F) {
            let work: Box<dyn FnOnce() + '_> = Box::new(work);
            // SAFETY: the caller vouches for what the closure captures, as crossbeam asks.
            let work: Deferred = unsafe { std::mem::transmute(work) };
            crate::sync::lock(&self.0.0).deferred.push(work);
        }

        pub(in crate::reclaim) fn flush(&self) {}
    }

    impl Drop for Guard {
        fn drop(&mut self) {
            let ready = {
                let mut state = crate::sync::lock(&self.0.0);
                state.pins -= 1;
                if state.pins == 0 { std::mem::take(&mut state.deferred) } else { Vec::new() }
            };
            Collector::run(ready);
        }
    }

    impl Drop for Collector {
        fn drop(&mut self) {
            if Arc::strong_count(&self.0) == 1 {
                let rest = std::mem::take(&mut crate::sync::lock(&self.0).deferred);
                Self::run(rest);
            }
        }
    }
}
