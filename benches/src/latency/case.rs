//! Scenarios, their cases, and what was measured in each.

use super::{beat::Loop, memory::Memory, recorder::Measured, scale::Scale, ticks::Rate};
use std::{fmt, time::Duration};

/// What happens while latencies are measured.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scenario {
    /// A mix of reads and writes on a population that does not change.
    Steady,
    /// From few keys to many.
    Growth,
    /// Oldest out, newest in.
    Churn,
    /// The mix under a reader that keeps what it reads.
    Pinned,
    /// Very many keys expire at once.
    TtlStorm,
}

impl Scenario {
    /// All of them, in the order in which they run.
    pub const ALL: [Self; 5] =
        [Self::Steady, Self::Growth, Self::Churn, Self::Pinned, Self::TtlStorm];

    /// The name by which it is chosen.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Steady => "steady",
            Self::Growth => "growth",
            Self::Churn => "churn",
            Self::Pinned => "pinned",
            Self::TtlStorm => "ttl-storm",
        }
    }

    /// The scenario of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scenario| scenario.name() == name)
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What every measurement is told.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Of the time stamps.
    pub rate: Rate,
    /// How much to do.
    pub scale: Scale,
    /// How long the empty loop takes part in a scenario that others end when they are done: the
    /// machine's worst is a matter of time.
    pub at_least: Duration,
}

/// One setting in which all contenders are compared: one table, two pictures.
#[derive(Clone, Debug)]
pub struct Case {
    /// What happens.
    pub scenario: Scenario,
    /// What its files are called.
    pub slug: String,
    /// What a reader is told.
    pub title: String,
    /// The kinds of operations.
    pub operations: &'static [&'static str],
    /// What each contender did.
    pub runs: Vec<Run>,
}

impl Case {
    /// A case with this loop and so many threads, in which nobody has run yet.
    #[must_use]
    pub fn of_loop(
        scenario: Scenario,
        kind: Loop,
        threads: usize,
        operations: &'static [&'static str],
    ) -> Self {
        let plural = if threads == 1 { "" } else { "s" };
        let (name, text) = match kind {
            Loop::Closed => ("closed", "closed loop".to_owned()),
            Loop::Open(pace) => ("open", format!("open loop, {pace:?} a thread")),
        };
        let slug = format!("{scenario}-{name}-{threads}");
        Self {
            scenario,
            slug,
            title: format!("{text}, {threads} thread{plural}"),
            operations,
            runs: Vec::new(),
        }
    }
}

/// One contender's part of a case.
#[derive(Clone, Debug)]
pub struct Run {
    /// Who.
    pub contender: &'static str,
    /// What was measured, over all threads.
    pub measured: Measured,
    /// The longest own time of each kind of operation, in the calmest of several rounds.
    pub own_max: Vec<u64>,
    /// Bytes over time, where that is part of the question.
    pub memory: Option<Memory>,
    /// What a reader has to know.
    pub note: Option<String>,
}

impl Run {
    /// Latencies alone.
    #[must_use]
    pub fn new(contender: &'static str, measured: Measured) -> Self {
        Self { contender, measured, own_max: Vec::new(), memory: None, note: None }
    }
}
