//! What the system did to a thread while it measured: how often and for how long it was kept from
//! running, and how many pages it touched for the first time.

use std::{
    fs::File,
    ops::{AddAssign, Sub},
};

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

/// The queue in which the current thread waits for a processor.
///
/// Waiting for a lock is not waiting here: that is the doing of whoever has the lock.
#[derive(Debug)]
pub struct RunQueue {
    /// Linux's statistics of the thread; `None` where there are none.
    statistics: Option<File>,
    seen: u64,
}

impl RunQueue {
    /// The current thread's; another thread must not use it.
    #[must_use]
    pub fn of_this_thread() -> Self {
        let statistics = File::open("/proc/thread-self/schedstat").ok();
        let mut queue = Self { statistics, seen: 0 };
        let _ = queue.waited_since_last();
        queue
    }

    /// No thread's: nobody waits in it.
    #[must_use]
    pub fn none() -> Self {
        Self { statistics: None, seen: 0 }
    }

    /// Nanoseconds for which the thread could have run and did not, since the last call.
    pub fn waited_since_last(&mut self) -> u64 {
        let waited = self.statistics.as_ref().and_then(waited).unwrap_or(self.seen);
        waited.saturating_sub(std::mem::replace(&mut self.seen, waited))
    }
}

/// The second number of a thread's statistics. Allocates nothing.
fn waited(statistics: &File) -> Option<u64> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileExt;
        let mut text = [0; 96];
        let len = statistics.read_at(&mut text, 0).ok()?;
        second_number(&text[..len])
    }
    #[cfg(not(unix))]
    {
        let _ = statistics;
        None
    }
}

fn second_number(text: &[u8]) -> Option<u64> {
    let text = str::from_utf8(text).ok()?;
    text.split_ascii_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_in_the_queue_is_the_second_number() {
        assert_eq!(second_number(b"296407082 2036855294 100\n"), Some(2_036_855_294));
        assert_eq!(second_number(b"296407082"), None);
    }

    #[test]
    fn nobody_waits_where_nothing_is_told() {
        assert_eq!(RunQueue::none().waited_since_last(), 0);
    }
}
