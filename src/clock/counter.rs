//! The processor's counter, where it may be gone by.

/// The file in which Linux says by what it keeps time.
#[cfg(all(target_arch = "x86_64", target_os = "linux", not(any(miri, pool_loom))))]
const CLOCK_SOURCE: &str = "/sys/devices/system/clocksource/clocksource0/current_clocksource";

/// Whether the kernel itself tells the time by the counter.
///
/// It does so only where it has found the counter to run evenly, whatever the processor's frequency and
/// sleep, and to show the same on all processors; and it goes on watching.
#[cfg(all(target_arch = "x86_64", target_os = "linux", not(any(miri, pool_loom))))]
pub(super) fn is_trusted() -> bool {
    use std::sync::OnceLock;
    static IS_TRUSTED: OnceLock<bool> = OnceLock::new();
    *IS_TRUSTED.get_or_init(|| {
        std::fs::read_to_string(CLOCK_SOURCE).is_ok_and(|source| source.trim() == "tsc")
    })
}

/// Not where nothing is known of it.
#[cfg(not(all(target_arch = "x86_64", target_os = "linux", not(any(miri, pool_loom)))))]
pub(super) fn is_trusted() -> bool {
    false
}

/// Reads the counter. The processor may do so a little before it has done what comes before.
#[cfg(all(target_arch = "x86_64", not(miri)))]
#[inline(always)]
pub(super) fn read() -> u64 {
    // SAFETY: every x86-64 processor has the instruction, and a kernel that keeps time by the counter
    // lets programs read it.
    unsafe { core::arch::x86_64::_rdtsc() }
}

/// Where it is never trusted.
#[cfg(not(all(target_arch = "x86_64", not(miri))))]
#[inline(always)]
pub(super) fn read() -> u64 {
    0
}
