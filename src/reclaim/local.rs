//! Which participant the current thread is, per domain.

use super::{Domain, Participant};
use std::{
    cell::{Cell, RefCell},
    ptr,
    sync::Arc,
};

/// The domain used last by this thread, by id, and this thread's participant in it.
type Current = Cell<(u64, *const Participant)>;

#[cfg(not(pool_loom))]
thread_local! {
    /// Has no destructor, and is therefore a plain load.
    static CURRENT: Current = const { Cell::new((0, ptr::null())) };
    static REGISTRATIONS: RefCell<Registrations> = const { RefCell::new(Registrations(Vec::new())) };
}

// A model registers its actors beforehand and lets them leave by hand.
#[cfg(pool_loom)]
crate::sync::thread_local! {
    static CURRENT: Current = Cell::new((0, ptr::null()));
    static REGISTRATIONS: RefCell<Registrations> = RefCell::new(Registrations(Vec::new()));
}

/// The domains that this thread takes part in.
struct Registrations(Vec<Registration>);

struct Registration {
    domain: Arc<Domain>,
    participant: *const Participant,
}

impl Drop for Registrations {
    fn drop(&mut self) {
        #[cfg(not(pool_loom))]
        CURRENT.set((0, ptr::null()));
        for registration in self.0.drain(..) {
            registration.domain.leave(registration.participant);
        }
    }
}

/// An id that no other domain of the process has had; zero is none.
pub(super) fn next_domain_id() -> u64 {
    use std::sync::Mutex;
    static NEXT: Mutex<u64> = Mutex::new(0);
    let mut next = crate::sync::lock(&NEXT);
    *next += 1;
    *next
}

/// The current thread's participant in `domain`.
#[inline]
pub(super) fn participant(domain: &Arc<Domain>) -> *const Participant {
    let (id, participant) = CURRENT.with(Cell::get);
    if id == domain.id { participant } else { find_or_register(domain) }
}

/// Looks through all domains of this thread, and registers it if this one is new.
#[cold]
#[inline(never)]
fn find_or_register(domain: &Arc<Domain>) -> *const Participant {
    let found = REGISTRATIONS.try_with(|registrations| {
        let mut known = registrations.borrow_mut();
        if let Some(known) = known.0.iter().find(|known| known.domain.id == domain.id) {
            return known.participant;
        }
        known.0.retain(|known| !known.domain.is_closed());
        let participant = domain.register();
        known.0.push(Registration { domain: Arc::clone(domain), participant });
        participant
    });
    // A thread whose registrations are already gone is ending: another thread-local's destructor
    // uses the pool. It keeps its participant until the pool is dropped.
    let participant = found.unwrap_or_else(|_| domain.register());
    CURRENT.with(|current| current.set((domain.id, participant)));
    participant
}

/// Makes the current thread the user of a participant that a model has registered for it.
#[cfg(pool_loom)]
pub(super) fn take_seat(domain: &Arc<Domain>, participant: *const Participant) {
    CURRENT.with(|current| current.set((domain.id, participant)));
}
