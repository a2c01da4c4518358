//! Calling the host's listener: never from within itself, and never to be undone by its panic.

use super::removal::Removal;
use std::{
    cell::RefCell,
    collections::VecDeque,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    ptr,
    sync::Arc,
};

/// What a host wants to be told with.
type Call = dyn Fn(Removal) + Send + Sync;

/// A host's listener.
#[derive(Clone)]
pub(super) struct Listener(Arc<Call>);

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Listener")
    }
}

/// A listener that the current thread is calling, and what has been removed meanwhile.
struct Delivery {
    listener: *const (),
    waiting: VecDeque<Removal>,
}

#[cfg(not(pool_loom))]
thread_local! {
    static DELIVERIES: RefCell<Vec<Delivery>> = const { RefCell::new(Vec::new()) };
}

#[cfg(pool_loom)]
crate::sync::thread_local! {
    static DELIVERIES: RefCell<Vec<Delivery>> = RefCell::new(Vec::new());
}

impl Listener {
    /// Wraps a host's function.
    pub(super) fn new(call: impl Fn(Removal) + Send + Sync + 'static) -> Self {
        Self(Arc::new(call))
    }

    /// Calls the listener; or lets the call wait, when the thread is in one already: what a listener
    /// removes is told when it has returned, in order, so that it is never called from within itself.
    pub(super) fn tell(&self, removal: Removal) {
        let Some(mut removal) = self.begin(removal) else { return };
        loop {
            // A panic is the listener's own affair, and the panic hook has told of it.
            let _ = catch_unwind(AssertUnwindSafe(|| (self.0)(removal)));
            match self.next() {
                Some(waiting) => removal = waiting,
                None => return,
            }
        }
    }

    fn address(&self) -> *const () {
        Arc::as_ptr(&self.0).cast()
    }

    /// Begins a delivery and gives the removal back; or lets it wait for the one under way.
    fn begin(&self, removal: Removal) -> Option<Removal> {
        let mut given = Some(removal);
        // In a thread that is ending there is no place to wait.
        let _ = DELIVERIES.try_with(|deliveries| {
            let mut deliveries = deliveries.borrow_mut();
            let listener = self.address();
            match deliveries.iter_mut().find(|one| ptr::eq(one.listener, listener)) {
                Some(under_way) => under_way.waiting.extend(given.take()),
                None => deliveries.push(Delivery { listener, waiting: VecDeque::new() }),
            }
        });
        given
    }

    /// What waits next; the delivery ends when nothing does.
    fn next(&self) -> Option<Removal> {
        let next = DELIVERIES.try_with(|deliveries| {
            let mut deliveries = deliveries.borrow_mut();
            let listener = self.address();
            let at = deliveries.iter().position(|one| ptr::eq(one.listener, listener))?;
            let next = deliveries[at].waiting.pop_front();
            if next.is_none() {
                deliveries.swap_remove(at);
            }
            next
        });
        next.ok().flatten()
    }
}
