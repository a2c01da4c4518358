//! What a command is: a row.

use super::{Call, Failure};

/// Carries out a command that has as many arguments as its row asks for.
pub(crate) type Handler = fn(&mut Call<'_, '_>) -> Result<(), Failure>;

/// A command, as COMMAND describes it and as it is carried out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CommandSpec {
    /// In lower case; of a subcommand, without the command.
    pub(crate) name: &'static str,
    /// How many arguments it takes, its own names included; negative for at least so many.
    pub(crate) arity: i16,
    /// See [`flag`].
    pub(crate) flags: u32,
    /// ACL categories, without those that the flags imply; see [`category`].
    pub(crate) categories: u32,
    /// Where its keys are.
    pub(crate) keys: &'static [KeySpec],
    /// What a client or proxy may want to know.
    pub(crate) tips: &'static [&'static str],
    /// The chapter that it belongs to.
    pub(crate) group: &'static str,
    /// The version of Redis that brought it.
    pub(crate) since: &'static str,
    /// How its work grows.
    pub(crate) complexity: &'static str,
    /// What it does.
    pub(crate) summary: &'static str,
    /// What a container contains.
    pub(crate) subcommands: &'static [Self],
    /// Carries it out.
    pub(crate) run: Handler,
}

/// Begins a row.
pub(crate) const fn row(name: &'static str, arity: i16, flags: u32, run: Handler) -> CommandSpec {
    CommandSpec {
        name,
        arity,
        flags,
        categories: 0,
        keys: &[],
        tips: &[],
        group: "",
        since: "",
        complexity: "",
        summary: "",
        subcommands: &[],
        run,
    }
}

impl CommandSpec {
    pub(crate) const fn categories(mut self, categories: u32) -> Self {
        self.categories = categories;
        self
    }

    pub(crate) const fn keys(mut self, keys: &'static [KeySpec]) -> Self {
        self.keys = keys;
        self
    }

    pub(crate) const fn tips(mut self, tips: &'static [&'static str]) -> Self {
        self.tips = tips;
        self
    }

    pub(crate) const fn doc(
        mut self,
        group: &'static str,
        since: &'static str,
        complexity: &'static str,
        summary: &'static str,
    ) -> Self {
        self.group = group;
        self.since = since;
        self.complexity = complexity;
        self.summary = summary;
        self
    }

    pub(crate) const fn subcommands(mut self, subcommands: &'static [Self]) -> Self {
        self.subcommands = subcommands;
        self
    }

    /// Whether it takes so many arguments.
    #[inline]
    pub(crate) fn takes(&self, arguments: usize) -> bool {
        let least = usize::from(self.arity.unsigned_abs());
        if self.arity < 0 { arguments >= least } else { arguments == least }
    }

    /// Whether it has a flag.
    #[inline]
    pub(crate) fn has(&self, flag: u32) -> bool {
        self.flags & flag != 0
    }

    /// Its ACL categories with those that the flags imply.
    pub(crate) fn all_categories(&self) -> u32 {
        let implied = [
            (flag::WRITE, category::WRITE),
            (flag::READONLY, category::READ),
            (flag::ADMIN, category::ADMIN | category::DANGEROUS),
            (flag::PUBSUB, category::PUBSUB),
            (flag::FAST, category::FAST),
            (flag::BLOCKING, category::BLOCKING),
        ];
        let implied = implied.iter().filter(|(flag, _)| self.has(*flag)).map(|(_, of)| of);
        let slow = if self.has(flag::FAST) { 0 } else { category::SLOW };
        implied.fold(self.categories | slow, |all, of| all | of)
    }
}

/// Where some of a command's keys are, and what happens to them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeySpec {
    /// The first key, or the number of keys before the first.
    pub(crate) begin: usize,
    /// How to go on from there.
    pub(crate) find: Find,
    /// What happens to the keys.
    pub(crate) flags: &'static [&'static str],
}

/// How keys follow each other.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Find {
    /// From the first to one that is so far behind it, or counted from the last argument, which is
    /// −1, in steps.
    Range {
        /// The last key.
        last: i16,
        /// From one key to the next.
        step: usize,
    },
    /// As many as a number says that comes before them.
    Counted,
}

/// One key.
pub(crate) const fn key(at: usize, flags: &'static [&'static str]) -> KeySpec {
    keys(at, 0, 1, flags)
}

/// A row of keys.
pub(crate) const fn keys(
    first: usize,
    last: i16,
    step: usize,
    flags: &'static [&'static str],
) -> KeySpec {
    KeySpec { begin: first, find: Find::Range { last, step }, flags }
}

/// As many keys as the argument there says.
pub(crate) const fn counted_keys(at: usize, flags: &'static [&'static str]) -> KeySpec {
    KeySpec { begin: at, find: Find::Counted, flags }
}

/// What happens to keys: whether they are read (RO), changed (RW), overwritten (OW) or removed (RM),
/// and whether their values are told, changed, added to or taken from.
pub(crate) mod access {
    type Access = &'static [&'static str];

    pub(crate) const OW_INSERT: Access = &["OW", "insert"];
    pub(crate) const OW_UPDATE: Access = &["OW", "update"];
    pub(crate) const RM_DELETE: Access = &["RM", "delete"];
    pub(crate) const RO: Access = &["RO"];
    pub(crate) const RO_ACCESS: Access = &["RO", "access"];
    pub(crate) const RW_ACCESS_DELETE: Access = &["RW", "access", "delete"];
    pub(crate) const RW_ACCESS_UPDATE: Access = &["RW", "access", "update"];
    pub(crate) const RW_ACCESS_UPDATE_VARIABLE_FLAGS: Access =
        &["RW", "access", "update", "variable_flags"];
    pub(crate) const RW_DELETE: Access = &["RW", "delete"];
    pub(crate) const RW_INSERT: Access = &["RW", "insert"];
    pub(crate) const RW_UPDATE: Access = &["RW", "update"];
}

/// Flags of commands, in the order in which COMMAND lists them.
pub(crate) mod flag {
    pub(crate) const NONE: u32 = 0;
    pub(crate) const WRITE: u32 = 1;
    pub(crate) const READONLY: u32 = 1 << 1;
    pub(crate) const DENYOOM: u32 = 1 << 2;
    pub(crate) const ADMIN: u32 = 1 << 3;
    pub(crate) const PUBSUB: u32 = 1 << 4;
    pub(crate) const NOSCRIPT: u32 = 1 << 5;
    pub(crate) const BLOCKING: u32 = 1 << 6;
    pub(crate) const LOADING: u32 = 1 << 7;
    pub(crate) const STALE: u32 = 1 << 8;
    pub(crate) const SKIP_SLOWLOG: u32 = 1 << 10;
    pub(crate) const FAST: u32 = 1 << 11;
    pub(crate) const NO_AUTH: u32 = 1 << 12;
    pub(crate) const NO_MULTI: u32 = 1 << 14;
    pub(crate) const MOVABLEKEYS: u32 = 1 << 15;
    pub(crate) const ALLOW_BUSY: u32 = 1 << 16;

    /// Their names, by bit.
    pub(crate) const NAMES: [&str; 17] = [
        "write",
        "readonly",
        "denyoom",
        "admin",
        "pubsub",
        "noscript",
        "blocking",
        "loading",
        "stale",
        "skip_monitor",
        "skip_slowlog",
        "fast",
        "no_auth",
        "no_async_loading",
        "no_multi",
        "movablekeys",
        "allow_busy",
    ];
}

/// ACL categories, in Redis's order.
pub(crate) mod category {
    pub(crate) const KEYSPACE: u32 = 1;
    pub(crate) const READ: u32 = 1 << 1;
    pub(crate) const WRITE: u32 = 1 << 2;
    pub(crate) const SET: u32 = 1 << 3;
    pub(crate) const LIST: u32 = 1 << 5;
    pub(crate) const HASH: u32 = 1 << 6;
    pub(crate) const STRING: u32 = 1 << 7;
    pub(crate) const PUBSUB: u32 = 1 << 12;
    pub(crate) const ADMIN: u32 = 1 << 13;
    pub(crate) const FAST: u32 = 1 << 14;
    pub(crate) const SLOW: u32 = 1 << 15;
    pub(crate) const BLOCKING: u32 = 1 << 16;
    pub(crate) const DANGEROUS: u32 = 1 << 17;
    pub(crate) const CONNECTION: u32 = 1 << 18;
    pub(crate) const TRANSACTION: u32 = 1 << 19;
    pub(crate) const SCRIPTING: u32 = 1 << 20;

    /// Their names, by bit.
    pub(crate) const NAMES: [&str; 21] = [
        "keyspace",
        "read",
        "write",
        "set",
        "sortedset",
        "list",
        "hash",
        "string",
        "bitmap",
        "hyperloglog",
        "geo",
        "stream",
        "pubsub",
        "admin",
        "fast",
        "slow",
        "blocking",
        "dangerous",
        "connection",
        "transaction",
        "scripting",
    ];
}

/// The names of the bits that are set.
pub(crate) fn names_of<'n>(bits: u32, names: &'n [&'n str]) -> impl Iterator<Item = &'n str> {
    names.iter().enumerate().filter(move |(bit, _)| bits >> bit & 1 == 1).map(|(_, name)| *name)
}

/// The bit of a category.
pub(crate) fn category_bit(name: &str) -> Option<u32> {
    category::NAMES.iter().position(|known| *known == name).map(|bit| 1 << bit)
}
