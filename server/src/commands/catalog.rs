//! All rows, numbered and found by name.

use super::{CommandSpec, FAMILIES};
use std::sync::LazyLock;

/// Places of the index; several times as many as commands, so that a name is mostly found at once.
const SLOTS: usize = 1 << 10;

/// The longest name that is looked for.
const LONGEST_NAME: usize = 32;

/// A command in the catalog.
#[derive(Debug)]
pub(crate) struct Command {
    /// Its row.
    pub(crate) spec: &'static CommandSpec,
    /// Its name; a subcommand's with its container's before it: `client|list`.
    pub(crate) name: String,
    /// Its number, by which its statistics are kept.
    pub(crate) number: usize,
    /// Its subcommands, by name.
    pub(crate) subcommands: Vec<&'static Self>,
}

/// Whether a command has subcommands, and which one is meant.
#[derive(Debug)]
pub(crate) enum Container {
    /// It has none.
    Plain,
    /// It has this one.
    Has(&'static Command),
    /// It has others.
    HasNot,
}

/// All commands.
#[derive(Debug)]
pub(crate) struct Catalog {
    /// The commands without subcommands, by name.
    pub(crate) commands: Vec<&'static Command>,
    /// Commands and subcommands by their number.
    pub(crate) all: Vec<&'static Command>,
    index: Vec<Option<&'static Command>>,
}

/// The catalog, which is made once and lasts.
#[inline]
pub(crate) fn catalog() -> &'static Catalog {
    static CATALOG: LazyLock<Catalog> = LazyLock::new(Catalog::new);
    &CATALOG
}

impl Catalog {
    fn new() -> Self {
        let mut rows: Vec<&'static CommandSpec> =
            FAMILIES.iter().flat_map(|family| family.iter()).collect();
        rows.sort_by_key(|row| row.name);
        let mut catalog = Self { commands: Vec::new(), all: Vec::new(), index: vec![None; SLOTS] };
        for spec in rows {
            let command = catalog.keep(spec, spec.name.to_owned());
            catalog.commands.push(command);
            let mut slot = slot_of(command.name.as_bytes());
            while let Some(place) = catalog.index.get_mut(slot)
                && place.replace(command).is_some_and(|taken| {
                    *place = Some(taken);
                    true
                })
            {
                slot = (slot + 1) % SLOTS;
            }
        }
        catalog
    }

    /// Numbers a command after its subcommands, and keeps it for good.
    fn keep(&mut self, spec: &'static CommandSpec, name: String) -> &'static Command {
        let subcommands: Vec<_> = spec
            .subcommands
            .iter()
            .map(|subcommand| self.keep(subcommand, format!("{name}|{}", subcommand.name)))
            .collect();
        let number = self.all.len();
        let command = Box::leak(Box::new(Command { spec, name, number, subcommands }));
        self.all.push(command);
        command
    }

    /// Finds a command by its name, in any case.
    #[inline]
    pub(crate) fn find(&self, name: &[u8]) -> Option<&'static Command> {
        if name.len() > LONGEST_NAME {
            return None;
        }
        let mut slot = slot_of(name);
        loop {
            let command = (*self.index.get(slot)?)?;
            if command.is_named(name) {
                return Some(command);
            }
            slot = (slot + 1) % SLOTS;
        }
    }

    /// Finds a command by its name, which may be a subcommand's: `client|list`.
    pub(crate) fn find_full(&self, name: &[u8]) -> Option<&'static Command> {
        let mut words = name.splitn(2, |byte| *byte == b'|');
        let command = self.find(words.next()?)?;
        match words.next() {
            None => Some(command),
            Some(subcommand) => command.subcommand(subcommand),
        }
    }
}

impl Command {
    /// Whether it has this name, in any case.
    #[inline]
    fn is_named(&self, name: &[u8]) -> bool {
        self.name.as_bytes().eq_ignore_ascii_case(name)
    }

    /// The subcommand that a container's second word names.
    #[inline]
    pub(crate) fn contained(&self, word: &[u8]) -> Container {
        if self.subcommands.is_empty() {
            return Container::Plain;
        }
        self.subcommand(word).map_or(Container::HasNot, Container::Has)
    }

    fn subcommand(&self, word: &[u8]) -> Option<&'static Self> {
        let mut subcommands = self.subcommands.iter();
        subcommands.find(|one| one.spec.name.as_bytes().eq_ignore_ascii_case(word)).copied()
    }
}

/// Where a name is looked for first.
#[inline]
fn slot_of(name: &[u8]) -> usize {
    const MIX: u64 = 0x9E37_79B9_7F4A_7C15;
    // Letters in lower case; what else may become equal is told apart by the name.
    let fold = |hash: u64, byte: &u8| (hash ^ u64::from(byte | 0x20)).wrapping_mul(MIX);
    let hash = name.iter().fold(MIX, fold);
    usize::try_from(hash >> 40).unwrap_or(0) % SLOTS
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn rows_are_sorted_and_unique() {
        let mut names = BTreeSet::new();
        for family in FAMILIES {
            assert!(family.is_sorted_by_key(|row| row.name), "{:?}", family.first());
            for row in *family {
                assert!(names.insert(row.name), "{} is there twice", row.name);
                assert!(row.subcommands.is_sorted_by_key(|row| row.name), "{}", row.name);
            }
        }
    }

    #[test]
    fn every_command_is_found_by_its_name_in_any_case() {
        for (number, command) in catalog().all.iter().enumerate() {
            assert_eq!(command.number, number);
            let found = catalog().find_full(command.name.to_uppercase().as_bytes());
            assert!(found.is_some_and(|found| std::ptr::eq(found, *command)), "{}", command.name);
        }
        for name in ["", "no-such-command", "client|no-such", "ge", "gett"] {
            assert!(catalog().find_full(name.as_bytes()).is_none(), "{name}");
        }
    }

    #[test]
    fn every_row_is_described_and_its_keys_are_within_its_arguments() {
        for command in &catalog().all {
            let spec = command.spec;
            for text in [spec.group, spec.since, spec.summary] {
                assert!(!text.is_empty(), "{}", command.name);
            }
            let most =
                if spec.arity < 0 { usize::MAX } else { usize::from(spec.arity.unsigned_abs()) };
            assert!(spec.keys.iter().all(|keys| keys.begin < most), "{}", command.name);
        }
    }
}
