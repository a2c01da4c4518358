//! redis.conf's names: what the server knows, with defaults, and how each is read.
//!
//! One row a name. The file, the command line, CONFIG GET and CONFIG SET all read the same rows.
//! What has no effect here, such as the thresholds of encodings, is accepted, remembered and shown.

use crate::{
    memory_limit::MemoryLimit,
    protocol::parse_integer,
    sync::{Number, lock},
};
use memory_cache_pool::{EvictionPolicy, Pattern};
use std::{collections::BTreeMap, sync::Mutex, thread::available_parallelism};

/// How a value is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// An integer between two.
    Integer(i64, i64),
    /// A number of bytes, as `100mb` too.
    Bytes,
    /// `yes` or `no`.
    Flag,
    /// One of these words.
    Word(&'static [&'static str]),
    /// Any text; several words are one text.
    Text,
}

/// A name of redis.conf.
#[derive(Debug)]
pub(crate) struct Setting {
    pub(crate) name: &'static str,
    default: &'static str,
    kind: Kind,
    /// Whether CONFIG SET may change it.
    is_mutable: bool,
    /// The name under which it is kept, when it has another.
    alias_of: Option<&'static str>,
}

const fn mutable(name: &'static str, default: &'static str, kind: Kind) -> Setting {
    Setting { name, default, kind, is_mutable: true, alias_of: None }
}

const fn fixed(name: &'static str, default: &'static str, kind: Kind) -> Setting {
    Setting { name, default, kind, is_mutable: false, alias_of: None }
}

const fn alias(name: &'static str, of: &'static str, default: &'static str, kind: Kind) -> Setting {
    Setting { name, default, kind, is_mutable: true, alias_of: Some(of) }
}

const COUNT: Kind = Kind::Integer(0, i64::MAX);
const ANY: Kind = Kind::Integer(i64::MIN, i64::MAX);
const SMALL: Kind = Kind::Integer(0, i32::MAX as i64);

const POLICIES: &[&str] = &[
    "volatile-lru",
    "volatile-lfu",
    "volatile-random",
    "volatile-ttl",
    "allkeys-lru",
    "allkeys-lfu",
    "allkeys-random",
    "noeviction",
];

/// All names, sorted.
pub(crate) static SETTINGS: &[Setting] = &[
    mutable("active-expire-effort", "1", Kind::Integer(1, 10)),
    mutable("activedefrag", "no", Kind::Flag),
    fixed("appendonly", "no", Kind::Flag),
    fixed("bind", "127.0.0.1 -::1", Kind::Text),
    mutable("busy-poll", "50", Kind::Integer(0, 1000)),
    mutable(
        "client-output-buffer-limit",
        "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60",
        Kind::Text,
    ),
    mutable("client-query-buffer-limit", "1073741824", Kind::Bytes),
    fixed("daemonize", "no", Kind::Flag),
    fixed("databases", "16", Kind::Integer(1, 1024)),
    mutable("dbfilename", "dump.rdb", Kind::Text),
    mutable("dir", "", Kind::Text),
    mutable("dynamic-hz", "yes", Kind::Flag),
    fixed("enable-debug-command", "no", Kind::Word(&["no", "yes", "local"])),
    mutable("hash-max-listpack-entries", "512", COUNT),
    mutable("hash-max-listpack-value", "64", COUNT),
    alias("hash-max-ziplist-entries", "hash-max-listpack-entries", "512", COUNT),
    alias("hash-max-ziplist-value", "hash-max-listpack-value", "64", COUNT),
    mutable("hz", "10", Kind::Integer(1, 500)),
    fixed("io-threads", "1", Kind::Integer(1, 128)),
    mutable("latency-monitor-threshold", "0", COUNT),
    mutable("latency-tracking", "yes", Kind::Flag),
    mutable("lazyfree-lazy-eviction", "no", Kind::Flag),
    mutable("lazyfree-lazy-expire", "no", Kind::Flag),
    mutable("lazyfree-lazy-server-del", "no", Kind::Flag),
    mutable("lazyfree-lazy-user-del", "no", Kind::Flag),
    mutable("lazyfree-lazy-user-flush", "no", Kind::Flag),
    mutable("lfu-decay-time", "1", SMALL),
    mutable("lfu-log-factor", "10", SMALL),
    mutable("list-compress-depth", "0", SMALL),
    mutable("list-max-listpack-size", "-2", ANY),
    alias("list-max-ziplist-size", "list-max-listpack-size", "-2", ANY),
    fixed("logfile", "", Kind::Text),
    mutable("loglevel", "notice", Kind::Word(&["debug", "verbose", "notice", "warning"])),
    mutable("maxclients", "10000", Kind::Integer(1, u32::MAX as i64)),
    mutable("maxmemory", "0", Kind::Bytes),
    mutable("maxmemory-eviction-tenacity", "10", Kind::Integer(0, 100)),
    mutable("maxmemory-policy", "noeviction", Kind::Word(POLICIES)),
    mutable("maxmemory-samples", "5", Kind::Integer(1, i32::MAX as i64)),
    fixed("metrics-port", "0", Kind::Integer(0, 65535)),
    mutable("notify-keyspace-events", "", Kind::Text),
    fixed("pidfile", "", Kind::Text),
    fixed("port", "6379", Kind::Integer(0, 65535)),
    mutable("protected-mode", "yes", Kind::Flag),
    mutable("proto-max-bulk-len", "536870912", Kind::Bytes),
    mutable("requirepass", "", Kind::Text),
    mutable("save", "", Kind::Text),
    mutable("set-max-intset-entries", "512", COUNT),
    mutable("slowlog-log-slower-than", "10000", Kind::Integer(-1, i64::MAX)),
    mutable("slowlog-max-len", "128", COUNT),
    mutable("stream-node-max-bytes", "4096", Kind::Bytes),
    mutable("stream-node-max-entries", "100", COUNT),
    fixed("supervised", "no", Kind::Word(&["no", "systemd", "upstart", "auto"])),
    fixed("tcp-backlog", "511", SMALL),
    mutable("tcp-keepalive", "300", SMALL),
    mutable("timeout", "0", SMALL),
    fixed("tls-auth-clients", "yes", Kind::Word(&["yes", "no", "optional"])),
    fixed("tls-ca-cert-file", "", Kind::Text),
    fixed("tls-cert-file", "", Kind::Text),
    fixed("tls-key-file", "", Kind::Text),
    fixed("tls-port", "0", Kind::Integer(0, 65535)),
    mutable("tracking-table-max-keys", "1000000", COUNT),
    fixed("unixsocket", "", Kind::Text),
    fixed("unixsocketperm", "0", Kind::Text),
    mutable("zset-max-listpack-entries", "128", COUNT),
    mutable("zset-max-listpack-value", "64", COUNT),
    alias("zset-max-ziplist-entries", "zset-max-listpack-entries", "128", COUNT),
    alias("zset-max-ziplist-value", "zset-max-listpack-value", "64", COUNT),
];

/// The row of a name, in any case.
pub(crate) fn setting(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.name.eq_ignore_ascii_case(name))
}

impl Setting {
    /// The name under which its value is kept.
    fn kept_as(&self) -> &'static str {
        self.alias_of.unwrap_or(self.name)
    }

    /// A value as it is kept, or what is wrong with it, in Redis's words.
    pub(crate) fn read(&self, value: &str) -> Result<String, String> {
        match self.kind {
            Kind::Text => Ok(value.to_owned()),
            Kind::Flag => word(&["yes", "no"], value)
                .ok_or_else(|| "argument must be 'yes' or 'no'".to_owned()),
            Kind::Word(words) => word(words, value).ok_or_else(|| {
                format!("argument(s) must be one of the following: {}", words.join(", "))
            }),
            Kind::Bytes => bytes(value)
                .map(|bytes| bytes.to_string())
                .ok_or_else(|| "argument must be a memory value".to_owned()),
            Kind::Integer(least, most) => {
                let number = parse_integer(value.as_bytes())
                    .ok_or_else(|| "argument couldn't be parsed into an integer".to_owned())?;
                if (least..=most).contains(&number) {
                    Ok(number.to_string())
                } else {
                    Err(format!("argument must be between {least} and {most} inclusive"))
                }
            }
        }
    }
}

fn word(words: &[&str], value: &str) -> Option<String> {
    words.iter().find(|word| word.eq_ignore_ascii_case(value)).map(|word| (*word).to_owned())
}

/// Reads a number of bytes with Redis's units: `k` is 1000, `kb` 1024, and so on.
fn bytes(value: &str) -> Option<u64> {
    let value = value.to_ascii_lowercase();
    let digits = value.trim_end_matches(|byte: char| !byte.is_ascii_digit());
    let unit = match value.get(digits.len()..)? {
        "" | "b" => 1,
        "k" => 1000,
        "kb" => 1 << 10,
        "m" => 1_000_000,
        "mb" => 1 << 20,
        "g" => 1_000_000_000,
        "gb" => 1 << 30,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(unit)
}

/// The values, as they are now.
#[derive(Debug)]
pub(crate) struct Settings {
    values: Mutex<BTreeMap<&'static str, String>>,
    /// Those that are looked at with each command or connection.
    pub(crate) longest_bulk: Number,
    pub(crate) most_clients: Number,
    /// Nanoseconds from which on a command is in the slow log or an event.
    pub(crate) remarkable_from: Number,
    /// Microseconds; `u64::MAX` for never.
    pub(crate) slow_from: Number,
    pub(crate) slow_log_length: Number,
    /// Milliseconds from which on a command is an event; `u64::MAX` for never.
    pub(crate) event_from: Number,
    /// Seconds; 0 for ever.
    pub(crate) idle_limit: Number,
    /// Bytes of replies that may wait for a client; 0 for any number.
    pub(crate) output_limit: Number,
    /// Microseconds that a connection keeps its thread awake for a client that comes back so soon.
    pub(crate) busy_poll: Number,
}

impl Settings {
    /// The defaults, and what the options say instead.
    pub(crate) fn new(given: &[(&'static Setting, String)]) -> Self {
        let mut values: BTreeMap<_, _> =
            SETTINGS.iter().map(|row| (row.name, row.default.to_owned())).collect();
        for (row, value) in given {
            values.insert(row.kept_as(), value.clone());
        }
        let settings = Self {
            values: Mutex::new(values),
            longest_bulk: Number::default(),
            most_clients: Number::default(),
            remarkable_from: Number::default(),
            slow_from: Number::default(),
            slow_log_length: Number::default(),
            event_from: Number::default(),
            idle_limit: Number::default(),
            output_limit: Number::default(),
            busy_poll: Number::default(),
        };
        settings.settle();
        settings
    }

    /// The value of a name.
    pub(crate) fn get(&self, name: &'static str) -> String {
        lock(&self.values).get(name).cloned().unwrap_or_default()
    }

    /// The value of a name that is a number.
    pub(crate) fn number(&self, name: &'static str) -> u64 {
        match self.get(name).parse::<i64>() {
            Ok(number) => u64::try_from(number).unwrap_or(u64::MAX),
            Err(_) => 0,
        }
    }

    /// The limit on memory that is set.
    pub(crate) fn memory_limit(&self) -> MemoryLimit {
        let bytes = Some(self.number("maxmemory")).filter(|bytes| *bytes > 0);
        let policy = self.get("maxmemory-policy").parse().unwrap_or(EvictionPolicy::NoEviction);
        MemoryLimit { bytes, policy }
    }

    /// Shows a limit that is in force already.
    pub(crate) fn adopt(&self, limit: MemoryLimit) {
        let mut values = lock(&self.values);
        values.insert("maxmemory", limit.bytes.unwrap_or(0).to_string());
        values.insert("maxmemory-policy", limit.policy.to_string());
    }

    /// The names and values that match one of the patterns.
    pub(crate) fn matching(&self, patterns: &[&[u8]]) -> Vec<(&'static str, String)> {
        let patterns: Vec<_> = patterns.iter().map(|text| text.to_ascii_lowercase()).collect();
        let is_wanted = |name: &str| {
            patterns.iter().any(|pattern| Pattern::new(pattern).matches(name.as_bytes()))
        };
        let values = lock(&self.values);
        SETTINGS
            .iter()
            .filter(|row| is_wanted(row.name))
            .filter_map(|row| Some((row.name, values.get(row.kept_as())?.clone())))
            .collect()
    }

    /// Changes all of these or none; says what is wrong with the first that is.
    pub(crate) fn set(&self, pairs: &[(&str, &str)]) -> Result<(), String> {
        let mut changes: Vec<(&'static str, String)> = Vec::new();
        for &(name, value) in pairs {
            let row = setting(name).ok_or_else(|| {
                format!("ERR Unknown option or number of arguments for CONFIG SET - '{name}'")
            })?;
            let refuse = |why: &str| {
                let name = row.name;
                format!("ERR CONFIG SET failed (possibly related to argument '{name}') - {why}")
            };
            let value = row.read(value).map_err(|why| refuse(&why))?;
            if !row.is_mutable && self.get(row.name) != value {
                return Err(refuse("can't set immutable config"));
            }
            if changes.iter().any(|(name, _)| *name == row.kept_as()) {
                return Err(refuse("duplicate parameter"));
            }
            changes.push((row.kept_as(), value));
        }
        lock(&self.values).extend(changes);
        self.settle();
        Ok(())
    }

    /// Copies what is looked at often to where it costs nothing to look.
    fn settle(&self) {
        self.longest_bulk.set(self.number("proto-max-bulk-len"));
        self.most_clients.set(self.number("maxclients"));
        self.slow_from.set(self.number("slowlog-log-slower-than"));
        self.slow_log_length.set(self.number("slowlog-max-len"));
        let event_from = self.number("latency-monitor-threshold");
        self.event_from.set(if event_from == 0 { u64::MAX } else { event_from });
        let slow = self.slow_from.get().saturating_mul(1000);
        let event = self.event_from.get().saturating_mul(1_000_000);
        self.remarkable_from.set(slow.min(event));
        self.idle_limit.set(self.number("timeout"));
        let is_alone = available_parallelism().is_ok_and(|processors| processors.get() == 1);
        self.busy_poll.set(if is_alone { 0 } else { self.number("busy-poll") });
        let limits = self.get("client-output-buffer-limit");
        let mut words = limits.split_ascii_whitespace().skip_while(|word| *word != "normal");
        self.output_limit.set(words.nth(1).and_then(bytes).unwrap_or(0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_sorted_and_their_defaults_can_be_read() {
        assert!(SETTINGS.is_sorted_by_key(|row| row.name));
        for row in SETTINGS {
            assert_eq!(row.read(row.default).as_deref(), Ok(row.default), "{}", row.name);
            assert!(setting(row.kept_as()).is_some_and(|kept| kept.alias_of.is_none()));
        }
    }

    #[test]
    fn all_changes_are_made_or_none() {
        let settings = Settings::new(&[]);
        assert!(settings.set(&[("timeout", "5"), ("hz", "none")]).is_err());
        assert!(settings.set(&[("timeout", "5"), ("port", "1")]).is_err());
        assert_eq!(settings.get("timeout"), "0");
        settings.set(&[("TIMEOUT", "5"), ("hash-max-ziplist-value", "7")]).unwrap();
        assert_eq!(settings.idle_limit.get(), 5);
        assert_eq!(settings.get("hash-max-listpack-value"), "7");
    }

    #[test]
    fn bytes_are_read_with_their_units() {
        for (text, expected) in [("1", 1), ("1k", 1000), ("1Kb", 1024), ("2mb", 2 << 20)] {
            assert_eq!(bytes(text), Some(expected));
        }
        for text in ["", "kb", "1x", "-1", "1 kb", "99999999999gb"] {
            assert_eq!(bytes(text), None, "{text}");
        }
    }
}
