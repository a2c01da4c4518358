//! The scenarios by name: their parts, their cases, and the way to measure a contender in one.

use super::{
    case::{Case, Run, Scenario, Settings},
    churn, growth, pinned, roster, steady, storm,
};
use std::io;

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

/// Bytes that are touched at a time: with what the allocator adds, one of its units of 32 MiB.
const BLOCK: usize = 31 << 20;

/// Bytes of a small block.
const SMALL: usize = 1 << 10;

/// Lets the allocator have as much memory as any contender needs, touched by this process.
///
/// A page that a process touches for the first time is zeroed by the kernel (a huge one: 0.15 ms),
/// and on a virtual machine the host has to find it first (several milliseconds, measured). That is
/// no contender's doing. Large blocks are not enough: for its first small ones the allocator opens
/// units that it has not had yet, and a pause of 0.3 ms a huge page was taken for ours. For this to
/// last, the allocator must not give memory back: see
/// [`KEEP_MEMORY`].
fn touch_memory(keys: u64) {
    let bytes = usize::try_from(keys * BYTES_PER_KEY).unwrap_or(0);
    let block = |_| vec![1_u8; BLOCK];
    let blocks: Vec<_> = (0..bytes.div_ceil(BLOCK) + 2).map(block).collect();
    drop(std::hint::black_box(blocks));
    let small: Vec<_> = (0..2 * BLOCK / SMALL).map(|_| vec![1_u8; SMALL]).collect();
    drop(std::hint::black_box(small));
}

/// The variable, and its value, that a measuring process has to be started with.
pub const KEEP_MEMORY: (&str, &str) = ("MIMALLOC_PURGE_DELAY", "-1");
