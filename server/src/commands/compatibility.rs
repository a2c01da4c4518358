//! `docs/compatibility.md` says what the rows say.
//!
//! `WRITE_COMPATIBILITY=1 cargo test -p memory-cache-server compatibility` writes it anew.

use super::catalog;
use std::fmt::Write;

/// What is not as in Redis, by command, and sorted.
const DEVIATIONS: &[(&str, &str)] = &[
    ("acl", "no selectors, %R and %W; rules are shown as they were given; LOG is empty; no file"),
    ("client", "no TRACKING, no CACHING"),
    (
        "config",
        "names without effect here are kept and shown; port and bind stay; REWRITE has no file",
    ),
    ("copy", "to another database: not in one step"),
    (
        "debug",
        "OBJECT, SLEEP and SET-ACTIVE-EXPIRE; OBJECT shows bytes in memory as serializedlength",
    ),
    ("del", "several keys one after the other, not in one step"),
    ("discard", "there are no transactions yet; it ends what a refused MULTI began"),
    ("exec", "there are no transactions yet; after a refused MULTI it answers EXECABORT"),
    ("flushall", "keys that are written meanwhile may stay; ASYNC and SYNC are the same"),
    ("flushdb", "keys that are written meanwhile may stay; ASYNC and SYNC are the same"),
    ("function", "FLUSH, LIST and STATS of no functions"),
    (
        "info",
        "what there is none of is 0; expires counts some keys twice that had a deadline; no avg_ttl",
    ),
    (
        "latency",
        "no GRAPH; events are command and fast-command; times are from reading to replying",
    ),
    ("memory", "fields of STATS are this pool's"),
    ("module", "there are none"),
    ("move", "not in one step"),
    ("mset", "keys one after the other, not in one step"),
    ("msetnx", "keys one after the other, not in one step"),
    (
        "multi",
        "an error: there are no transactions yet; commands sent with it are refused too, up to EXEC (EXECABORT), DISCARD or RESET, and where none of these was sent with it the connection ends; so nothing of a transaction is carried out, while Redis carries out what follows a MULTI that it refuses",
    ),
    (
        "object",
        "ENCODING after APPEND or SETRANGE is that of the text, not `raw`, and that of a value that has shrunk is the small one; REFCOUNT of small numbers is as if they were shared, in copies too",
    ),
    ("role", "always a master without replicas"),
    ("scan", "a call may return more keys than COUNT, or none"),
    ("shutdown", "nothing is saved"),
    ("unlink", "several keys one after the other, not in one step"),
    ("wait", "there are no replicas"),
    ("watch", "an error: there are no transactions yet"),
];

const HEAD: &str = "\
# Compatibility

Written from the rows that the server dispatches by, against redis-server 7.0.15. *Yes* means that
no deviation is known; `server/tests` compares random commands on strings, keys, deadlines, hashes,
lists and sets with a running one in RESP2 and RESP3, and those of the server's own whose replies say
nothing of the machine; *partial*, that something is missing or different, which is said; *error*, that
the command answers one. What is not in the table is unknown to the server: sorted sets, streams,
bitmaps, HyperLogLog, geographic commands, scripts, publish and subscribe,
persistence, replication, cluster.

Clients that wait for a list are served in the order in which they came, right after the command that
made it, and at most some 10 ms after a push of the host's own. A pop that does not wait may come
between a push and that service; the client then goes on waiting.

Keys are at most 65,535 bytes long. The 16 databases are pools of their own, under one limit on memory:
each has what it uses and an equal share of what is free, ten times a second anew.

| command | since | | deviation |
|---|---|---|---|
";

#[test]
fn the_document_is_what_the_rows_say() {
    assert!(DEVIATIONS.is_sorted_by_key(|(name, _)| name));
    let mut text = HEAD.to_owned();
    for command in &catalog().commands {
        let deviation = DEVIATIONS.iter().find(|(name, _)| *name == command.name);
        let state = match deviation {
            None => "yes",
            Some((_, text)) if text.contains("no transactions") => "error",
            Some(_) => "partial",
        };
        let deviation = deviation.map_or("", |(_, text)| text);
        let subcommands: Vec<_> = command.subcommands.iter().map(|one| one.spec.name).collect();
        let name = match subcommands.len() {
            0 => command.name.to_uppercase(),
            _ => format!("{} ({})", command.name, subcommands.join(", ")).to_uppercase(),
        };
        writeln!(text, "| {name} | {} | {state} | {deviation} |", command.spec.since).unwrap();
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/compatibility.md");
    if std::env::var_os("WRITE_COMPATIBILITY").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap(), text);
}
