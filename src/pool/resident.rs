//! How much of the process is in memory.

/// The bytes of the process that are in memory; `None` where the system does not tell.
#[cfg(all(target_os = "linux", not(miri), not(pool_loom)))]
pub(super) fn resident_bytes() -> Option<usize> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages = statm.split_ascii_whitespace().nth(1)?.parse::<usize>().ok()?;
    // SAFETY: the call takes a number and touches no memory of ours.
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    pages.checked_mul(usize::try_from(page).ok()?)
}

/// The same where the system does not tell.
#[cfg(not(all(target_os = "linux", not(miri), not(pool_loom))))]
pub(super) fn resident_bytes() -> Option<usize> {
    None
}
