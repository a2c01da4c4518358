//! What INFO counts: connections, commands, bytes, errors.

use crate::{
    commands::catalog,
    histogram::Histogram,
    sync::{Number, lock},
};
use std::{collections::BTreeMap, sync::Mutex};

/// One command's numbers.
#[derive(Debug, Default)]
pub(crate) struct CommandTally {
    pub(crate) calls: Number,
    pub(crate) nanos: Number,
    /// Refused before they were carried out.
    pub(crate) rejected: Number,
    /// Answered with an error.
    pub(crate) failed: Number,
    /// How long they took.
    pub(crate) times: Histogram,
}

/// The server's numbers.
#[derive(Debug)]
pub(crate) struct Tallies {
    /// By the command's number.
    pub(crate) commands: Vec<CommandTally>,
    pub(crate) connections: Number,
    pub(crate) rejected_connections: Number,
    pub(crate) total_commands: Number,
    pub(crate) bytes_in: Number,
    pub(crate) bytes_out: Number,
    pub(crate) error_replies: Number,
    /// Clients that were cut off because they did not take their replies.
    pub(crate) cut_off: Number,
    errors: Mutex<BTreeMap<String, u64>>,
}

impl Default for Tallies {
    fn default() -> Self {
        let commands = catalog().all.iter().map(|_| CommandTally::default()).collect();
        Self {
            commands,
            connections: Number::default(),
            rejected_connections: Number::default(),
            total_commands: Number::default(),
            bytes_in: Number::default(),
            bytes_out: Number::default(),
            error_replies: Number::default(),
            cut_off: Number::default(),
            errors: Mutex::default(),
        }
    }
}

impl Tallies {
    /// Most codes of errors that are told apart; beyond them only the total grows.
    const CODES: usize = 128;

    /// Counts an error by its code.
    pub(crate) fn error(&self, text: &str) {
        self.error_replies.add(1);
        let code = text.split(' ').next().unwrap_or_default();
        let mut errors = lock(&self.errors);
        if let Some(count) = errors.get_mut(code) {
            *count += 1;
        } else if errors.len() < Self::CODES {
            errors.insert(code.to_owned(), 1);
        }
    }

    /// The errors, by code.
    pub(crate) fn errors(&self) -> Vec<(String, u64)> {
        lock(&self.errors).iter().map(|(code, count)| (code.clone(), *count)).collect()
    }

    /// CONFIG RESETSTAT.
    pub(crate) fn reset(&self) {
        for command in &self.commands {
            for number in [&command.calls, &command.nanos, &command.rejected, &command.failed] {
                number.set(0);
            }
            command.times.clear();
        }
        for number in [
            &self.connections,
            &self.rejected_connections,
            &self.total_commands,
            &self.bytes_in,
            &self.bytes_out,
            &self.error_replies,
            &self.cut_off,
        ] {
            number.set(0);
        }
        lock(&self.errors).clear();
    }
}
