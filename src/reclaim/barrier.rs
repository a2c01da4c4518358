//! The two sides of the one race that no pair of Acquire and Release settles: a thread announces
//! itself and then looks at shared data; another one changes shared data and then looks for
//! announcements. Each side needs a barrier between its two steps, or both may miss each other.
//!
//! The first side runs at every pin, the second one hardly ever. Where the kernel can run a barrier
//! on every processor that runs a thread of ours (Linux's `membarrier`), the second side pays for
//! both: the first one then only keeps the compiler from reordering. Elsewhere, and in models, which
//! know no barrier on another thread's behalf, both are fences.

use crate::sync::{Mutant, Ordering, compiler_fence, fence, is_mutant};

/// How a domain's threads divide the work between the two sides.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Barriers {
    /// Whether [`heavy`](Self::heavy) runs a barrier on all processors.
    is_asymmetric: bool,
}

impl Barriers {
    /// Asks the kernel what it can do.
    pub(crate) fn new() -> Self {
        Self { is_asymmetric: membarrier::register() }
    }

    /// For models in which nobody is revoked: a fence at each pin, in place of a barrier that the
    /// other side does not run, would order more than the real code does.
    #[cfg(all(test, pool_loom, pool_epochs))]
    pub(super) fn none() -> Self {
        Self { is_asymmetric: true }
    }

    /// Whether the side that runs often is spared its fence.
    pub(crate) fn is_asymmetric(self) -> bool {
        self.is_asymmetric
    }

    /// The side that runs often.
    #[inline(always)]
    pub(crate) fn light(self) {
        if !self.is_asymmetric && !is_mutant(Mutant::EnterUnfenced) {
            // ORDERING: SeqCst, the two-sided race above, against the fence in `heavy`.
            fence(Ordering::SeqCst);
        }
        compiler_fence();
    }

    /// The side that runs seldom; false when the kernel refuses, and then it was no barrier.
    #[cold]
    pub(crate) fn heavy(self) -> bool {
        // ORDERING: SeqCst, the two-sided race above, against the fence in `light`, and against the
        // one that follows an announcement.
        fence(Ordering::SeqCst);
        !self.is_asymmetric || membarrier::run()
    }
}

/// Linux's system call of that name: expedited, for the threads of this process.
#[cfg(all(target_os = "linux", not(miri), not(pool_loom)))]
mod membarrier {
    /// Announces that the process will use it; false when there is none.
    pub(super) fn register() -> bool {
        call(libc::MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED)
    }

    /// Returns after every running thread of the process has run a full barrier.
    pub(super) fn run() -> bool {
        // A process that was forked has to register anew.
        call(libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED)
            || (register() && call(libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED))
    }

    fn call(command: libc::c_int) -> bool {
        // SAFETY: the call takes two numbers and touches no memory of ours.
        unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) == 0 }
    }
}

/// Fences on both sides.
#[cfg(not(all(target_os = "linux", not(miri), not(pool_loom))))]
mod membarrier {
    pub(super) fn register() -> bool {
        false
    }

    pub(super) fn run() -> bool {
        true
    }
}
