//! A user, and what it may do.

use crate::{
    commands::{Command, catalog},
    protocol::Arguments,
};
use memory_cache_pool::Pattern;
use sha2::{Digest, Sha256};

/// A user. What its fields say is changed by [rules](super::rules).
#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) name: String,
    /// Whether somebody may say that this is who it is.
    pub(crate) is_on: bool,
    pub(crate) needs_no_password: bool,
    /// What was said about payloads, for show.
    pub(crate) payload_rule: Option<&'static str>,
    /// SHA-256 of each, in lower case.
    pub(crate) passwords: Vec<String>,
    /// Whether it may run a command, by the command's number.
    pub(super) commands: Vec<bool>,
    /// The rules that lead to these.
    pub(super) command_rules: Vec<String>,
    pub(super) keys: Patterns,
    pub(super) channels: Patterns,
    /// Whether it may do everything.
    pub(crate) is_unrestricted: bool,
}

/// Names that a user may use.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Patterns {
    All,
    Some(Vec<Vec<u8>>),
}

/// What a user may not.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Denial {
    Command,
    Key(Vec<u8>),
}

/// SHA-256 in hexadecimal digits.
pub(super) fn hash_of(password: &[u8]) -> String {
    Sha256::digest(password).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Compares in a time that does not tell how much is equal.
fn is_equal(one: &str, other: &str) -> bool {
    let pairs = one.bytes().zip(other.bytes());
    one.len() == other.len() && pairs.fold(0, |all, (one, other)| all | (one ^ other)) == 0
}

impl User {
    /// A user who may do nothing yet.
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            is_on: false,
            needs_no_password: false,
            payload_rule: None,
            passwords: Vec::new(),
            commands: vec![false; catalog().all.len()],
            command_rules: vec!["-@all".to_owned()],
            keys: Patterns::Some(Vec::new()),
            channels: Patterns::Some(Vec::new()),
            is_unrestricted: false,
        }
    }

    /// The user who is everybody, and may do everything.
    pub(super) fn everybody() -> Self {
        Self {
            is_on: true,
            needs_no_password: true,
            commands: vec![true; catalog().all.len()],
            command_rules: vec!["+@all".to_owned()],
            keys: Patterns::All,
            channels: Patterns::All,
            is_unrestricted: true,
            ..Self::new(super::DEFAULT)
        }
    }

    /// Whether this is one of its passwords.
    pub(super) fn accepts(&self, password: &[u8]) -> bool {
        let hash = hash_of(password);
        let are_equal = self.passwords.iter().map(|known| is_equal(known, &hash));
        self.needs_no_password | are_equal.fold(false, |any, one| any | one)
    }

    /// Whether it may run a command with these arguments.
    pub(crate) fn check(&self, command: &Command, args: Arguments<'_>) -> Result<(), Denial> {
        if self.is_unrestricted {
            return Ok(());
        }
        if !self.commands.get(command.number).is_some_and(|may| *may) {
            return Err(Denial::Command);
        }
        let Patterns::Some(patterns) = &self.keys else { return Ok(()) };
        let is_mine =
            |key: &[u8]| patterns.iter().any(|pattern| Pattern::new(pattern).matches(key));
        match command.keys_of(args).into_iter().find(|key| !is_mine(key)) {
            Some(key) => Err(Denial::Key(key.to_vec())),
            None => Ok(()),
        }
    }

    /// Its keys as rules: `~*`, or `~a* ~b*`.
    pub(crate) fn key_rules(&self) -> String {
        self.keys.rules('~').join(" ")
    }

    /// Its channels as rules: `&*`, or `&a*`.
    pub(crate) fn channel_rules(&self) -> String {
        self.channels.rules('&').join(" ")
    }

    /// Its commands as rules: `+@all -debug`.
    pub(crate) fn command_rules(&self) -> String {
        self.command_rules.join(" ")
    }

    /// All of it, as ACL LIST shows it.
    pub(crate) fn describe(&self) -> String {
        let mut words = vec!["user".to_owned(), self.name.clone()];
        words.push(if self.is_on { "on" } else { "off" }.to_owned());
        if self.needs_no_password {
            words.push("nopass".to_owned());
        }
        words.extend(self.payload_rule.map(str::to_owned));
        words.extend(self.passwords.iter().map(|hash| format!("#{hash}")));
        words.extend(self.keys.rules('~'));
        if self.channels != Patterns::All {
            words.push("resetchannels".to_owned());
        }
        words.extend(self.channels.rules('&'));
        words.push(self.command_rules());
        words.join(" ")
    }
}

impl Patterns {
    fn rules(&self, mark: char) -> Vec<String> {
        match self {
            Self::All => vec![format!("{mark}*")],
            Self::Some(patterns) => patterns
                .iter()
                .map(|pattern| format!("{mark}{}", String::from_utf8_lossy(pattern)))
                .collect(),
        }
    }
}
