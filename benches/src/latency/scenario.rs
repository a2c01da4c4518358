//! The scenarios by name: their parts, their cases, and the way to measure a contender in one.

use super::{
    case::{Case, Run, Scenario, Settings},
    churn, growth, pinned,
    plain_memory::Mapping,
    roster, steady, storm,
};
use std::{io, ptr};

impl Scenario {
    /// The cases of each part. A part is what one contender does in one process.
    #[must_use]
    pub fn parts(self) -> Vec<Vec<Case>> {
        match self {
            Self::Steady => steady::cases(),
            Self::Growth => growth::cases(),
            Self::Churn => churn::cases(),
            Self::Pinned => pinned::cases(),
            Self::TtlStorm => storm::cases(),
        }
    }

    /// Those who take part, the pool first and the floor last.
    #[must_use]
    pub fn contenders(self) -> &'static [&'static str] {
        match self {
            Self::TtlStorm => &storm::NAMES,
            Self::Growth => &roster::GROWING,
            Self::Steady | Self::Churn | Self::Pinned => &roster::NAMES,
        }
    }

    /// Keys that are in at most.
    fn most_keys(self, settings: &Settings) -> u64 {
        let scale = &settings.scale;
        match self {
            Self::Steady | Self::Pinned => scale.keys,
            Self::Growth => scale.grown,
            Self::Churn => scale.population,
            Self::TtlStorm => scale.keys + scale.storm,
        }
    }

    /// Measures one contender in one part: a run for each of its cases.
    ///
    /// # Errors
    ///
    /// What keeps the contender from being there.
    pub fn measure(
        self,
        settings: &Settings,
        part: usize,
        contender: &str,
    ) -> io::Result<Vec<Run>> {
        touch_memory(self.most_keys(settings));
        let run = match self {
            Self::Steady => steady::measure(settings, part, contender),
            Self::Churn => churn::measure(settings, part, contender),
            Self::Pinned => pinned::measure(settings, part, contender),
            Self::TtlStorm => storm::measure(settings, contender)?,
            Self::Growth => return Ok(growth::measure(settings, contender).unwrap_or_default()),
        };
        Ok(run.into_iter().collect())
    }
}

/// Bytes that the hungriest contender takes for a key, while it grows.
const BYTES_PER_KEY: u64 = 700;

/// Bytes that the hungriest contender maps itself for a key, all its tables together.
const MAPPED_PER_KEY: u64 = 100;

/// Bytes that are touched at a time: with what the allocator adds, one of its units of 32 MiB.
const BLOCK: usize = 31 << 20;

/// Lets the allocator have as much memory as any contender needs, touched by this process.
///
/// A page that a process touches for the first time is zeroed by the kernel (a huge one: 0.15 to
/// 0.3 ms), and on a virtual machine the host has to find it first (several milliseconds, measured).
/// That is no contender's doing. For this to last, the allocator must not give memory back: see
/// [`KEEP_MEMORY`].
fn touch_memory(keys: u64) {
    let bytes = usize::try_from(keys * BYTES_PER_KEY).unwrap_or(0);
    let block = |_| vec![1_u8; BLOCK];
    let blocks: Vec<_> = (0..bytes.div_ceil(BLOCK) + 2).map(block).collect();
    drop(std::hint::black_box(blocks));
    touch_the_rest();
    give_pages_back(usize::try_from(keys * MAPPED_PER_KEY).unwrap_or(0));
}

/// Touches what the allocator has reserved and not handed out yet: it goes on there.
fn touch_the_rest() {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    for (start, len) in maps.lines().filter_map(anonymous).filter(|&(_, len)| len > BLOCK) {
        // SAFETY: populating keeps what is in a mapping; where it cannot, nothing happens.
        unsafe {
            libc::madvise(ptr::without_provenance_mut(start), len, libc::MADV_POPULATE_WRITE)
        };
    }
}

/// Where a mapping of memory that may be written to begins, and its length.
fn anonymous(line: &str) -> Option<(usize, usize)> {
    let (range, rest) = line.split_once(' ')?;
    let (start, end) = range.split_once('-')?;
    let number = |text| usize::from_str_radix(text, 16).ok();
    let (start, end) = (number(start)?, number(end)?);
    (rest.starts_with("rw-p") && rest.trim_end().ends_with(" 0")).then_some((start, end - start))
}

/// Lets the kernel have pages that the host has found, for contenders that map memory themselves.
fn give_pages_back(bytes: usize) {
    Mapping::new(bytes).touch();
}

/// The variables, and their values, that a measuring process has to be started with: the allocator
/// gives nothing back, and does not look through all that it has every ten thousand calls (0.13 ms
/// with four million keys).
pub const KEEP_MEMORY: [(&str, &str); 2] =
    [("MIMALLOC_PURGE_DELAY", "-1"), ("MIMALLOC_GENERIC_COLLECT", "1000000000")];

#[cfg(test)]
mod tests {
    use super::anonymous;

    #[test]
    fn of_the_mappings_those_that_nobody_has_named_count() {
        let own = "51272000000-512b2000000 rw-p 00000000 00:00 0 ";
        let heap = "5625d69fb000-5625d6a00000 rw-p 00000000 00:00 0    [heap]";
        let library = "7efd2ec41000-7efd2ec4e000 r-xp 00001000 fd:00 42    /lib/libc.so.6";

        assert_eq!(anonymous(own), Some((0x0512_7200_0000, 1 << 30)));
        assert_eq!(anonymous(heap), None);
        assert_eq!(anonymous(library), None);
    }
}
