//! What the system did to a thread while it measured: how often it was preempted, and how many
//! pages it touched for the first time.

use std::ops::{AddAssign, Sub};

/// Counts of one or several threads; all 0 where the system does not tell them per thread.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Interference {
    /// Times that a thread had to make way for another although it had work to do.
    pub preempted: u64,
    /// Page faults, which the kernel serves with a zeroed page in about half a microsecond.
    pub faults: u64,
}

impl Interference {
    /// What has happened to the current thread so far.
    #[must_use]
    pub fn so_far() -> Self {
        #[cfg(target_os = "linux")]
        {
            let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
            // SAFETY: `usage` is a valid place for the answer.
            unsafe { libc::getrusage(libc::RUSAGE_THREAD, usage.as_mut_ptr()) };
            // SAFETY: zeroed before, which is a valid value of its numbers.
            let usage = unsafe { usage.assume_init() };
            let count = |count| u64::try_from(count).unwrap_or(0);
            Self { preempted: count(usage.ru_nivcsw), faults: count(usage.ru_minflt) }
        }
        #[cfg(not(target_os = "linux"))]
        Self::default()
    }
}

impl Sub for Interference {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self {
            preempted: self.preempted.saturating_sub(earlier.preempted),
            faults: self.faults.saturating_sub(earlier.faults),
        }
    }
}

impl AddAssign for Interference {
    fn add_assign(&mut self, other: Self) {
        self.preempted += other.preempted;
        self.faults += other.faults;
    }
}
