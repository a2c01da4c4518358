//! How long each command takes.

use hdrhistogram::{CreationError, Histogram};
use std::time::{Duration, Instant};

/// What is timed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Command {
    Set,
    SetNx,
    Get,
    MGet,
    GetMany,
    Incr,
    Update,
    Keys,
    /// Nothing: what the clock adds to every other command.
    Clock,
}

/// Every command, with its name in the report.
pub(crate) const COMMANDS: [(Command, &str); 9] = [
    (Command::Set, "SET PX"),
    (Command::SetNx, "SET NX EX"),
    (Command::Get, "GET"),
    (Command::MGet, "MGET"),
    (Command::GetMany, "MGET in place"),
    (Command::Incr, "INCR"),
    (Command::Update, "UPDATE"),
    (Command::Keys, "KEYS"),
    (Command::Clock, "(the clock itself)"),
];

/// The longest time that is told apart.
const LONGEST: Duration = Duration::from_secs(60);

/// The clock is timed once in so many commands.
const CLOCK_EVERY: u32 = 16;

/// One thread's times, added up at the end.
#[derive(Debug)]
pub(crate) struct Meter {
    times: Vec<Histogram<u64>>,
    until_clock: u32,
}

impl Meter {
    /// Creates a meter that has timed nothing.
    ///
    /// # Errors
    ///
    /// None: the bounds are right.
    pub(crate) fn new() -> Result<Self, CreationError> {
        let empty = Histogram::new_with_max(nanos(LONGEST), 3)?;
        Ok(Self { times: vec![empty; COMMANDS.len()], until_clock: CLOCK_EVERY })
    }

    /// Times one command.
    pub(crate) fn time<R>(&mut self, command: Command, run: impl FnOnce() -> R) -> R {
        let began = Instant::now();
        let result = run();
        let took = began.elapsed();
        self.record(command, took);
        self.until_clock -= 1;
        if self.until_clock == 0 {
            self.until_clock = CLOCK_EVERY;
            let began = Instant::now();
            let took = began.elapsed();
            self.record(Command::Clock, took);
        }
        result
    }

    fn record(&mut self, command: Command, took: Duration) {
        self.times[command as usize].saturating_record(nanos(took));
    }

    /// Adds another thread's times.
    pub(crate) fn add(&mut self, other: &Self) {
        for (mine, others) in self.times.iter_mut().zip(&other.times) {
            // They have the same bounds, so that nothing is out of range.
            let _ = mine.add(others);
        }
    }

    pub(crate) fn times(&self, command: Command) -> &Histogram<u64> {
        &self.times[command as usize]
    }

    /// How many commands were timed, the clock not being one.
    pub(crate) fn commands(&self) -> u64 {
        let commands = COMMANDS.iter().filter(|(command, _)| *command != Command::Clock);
        commands.map(|(command, _)| self.times(*command).len()).sum()
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
