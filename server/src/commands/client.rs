//! CLIENT: this connection and the others.

use super::{
    Call, CommandSpec, Failure, catalog,
    spec::{category, flag, row},
    words::{Outcome, is_word},
};
use crate::{
    clients::Client,
    protocol::parse_integer,
    session::{Next, ReplyMode},
    waiting::End,
};
use std::{sync::Arc, time::Duration};

/// The rows.
pub(super) const ROWS: &[CommandSpec] = &[
    row("client", -2, flag::NONE, super::command::container)
        .doc(
            "connection",
            "2.4.0",
            "Depends on subcommand.",
            "A container for client connection commands",
        )
        .subcommands(&[
            row("getname", 2, flag::NOSCRIPT | flag::LOADING | flag::STALE, getname)
                .categories(category::CONNECTION)
                .doc("connection", "2.6.9", "O(1)", "Get the current connection name"),
            row("getredir", 2, flag::NOSCRIPT | flag::LOADING | flag::STALE, getredir)
                .categories(category::CONNECTION)
                .doc(
                    "connection",
                    "6.0.0",
                    "O(1)",
                    "Get tracking notifications redirection client ID if any",
                ),
            row("help", 2, flag::LOADING | flag::STALE, super::command::help)
                .categories(category::CONNECTION)
                .doc(
                    "connection",
                    "5.0.0",
                    "O(1)",
                    "Show helpful text about the different subcommands",
                ),
            row("id", 2, flag::NOSCRIPT | flag::LOADING | flag::STALE, id)
                .categories(category::CONNECTION)
                .doc(
                    "connection",
                    "5.0.0",
                    "O(1)",
                    "Returns the client ID for the current connection",
                ),
            row("info", 2, flag::NOSCRIPT | flag::LOADING | flag::STALE, info)
                .categories(category::CONNECTION)
                .tips(&["nondeterministic_output"])
                .doc(
                    "connection",
                    "6.2.0",
                    "O(1)",
                    "Returns information about the current client connection.",
                ),
            row("kill", -3, flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE, kill)
                .categories(category::CONNECTION)
                .doc(
                    "connection",
                    "2.4.0",
                    "O(N) where N is the number of client connections",
                    "Kill the connection of a client",
                ),
            row("list", -2, flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE, list)
                .categories(category::CONNECTION)
                .tips(&["nondeterministic_output"])
                .doc(
                    "connection",
                    "2.4.0",
                    "O(N) where N is the number of client connections",
                    "Get the list of client connections",
                ),
            row("no-evict", 3, flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE, no_evict)
                .categories(category::CONNECTION)
                .doc(
                    "connection",
                    "7.0.0",
                    "O(1)",
                    "Set client eviction mode for the current connection",
                ),
            row("pause", -3, flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE, pause)
                .categories(category::CONNECTION)
                .doc(
                    "connection",
                    "2.9.50",
                    "O(1)",
                    "Stop processing commands from clients for some time",
                ),
            row("reply", 3, flag::NOSCRIPT | flag::LOADING | flag::STALE, reply)
                .categories(category::CONNECTION)
                .doc(
                    "connection",
                    "3.2.0",
                    "O(1)",
                    "Instruct the server whether to reply to commands",
                ),
        row("setinfo", 4, flag::NOSCRIPT | flag::LOADING | flag::STALE, setinfo)
            .categories(category::CONNECTION)
            .doc("connection", "7.2.0", "O(1)", "Set client or connection specific info"),
            row("setname", 3, flag::NOSCRIPT | flag::LOADING | flag::STALE, setname)
                .categories(category::CONNECTION)
                .doc("connection", "2.6.9", "O(1)", "Set the current connection name"),
            row("trackinginfo", 2, flag::NOSCRIPT | flag::LOADING | flag::STALE, trackinginfo)
                .categories(category::CONNECTION)
                .doc(
                    "connection",
                    "6.2.0",
                    "O(1)",
                    "Return information about server assisted client side caching for the current connection",
                ),
            row("unblock", -3, flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE, unblock)
                .categories(category::CONNECTION)
                .doc(
                    "connection",
                    "5.0.0",
                    "O(log N) where N is the number of client connections",
                    "Unblock a client blocked in a blocking command from a different connection",
                ),
            row("unpause", 2, flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE, unpause)
                .categories(category::CONNECTION)
                .doc(
                    "connection",
                    "6.2.0",
                    "O(N) Where N is the number of paused clients",
                    "Resume processing of clients that were paused",
                ),
        ]),
];

/// What a name may not have: it is shown in a line of words.
pub(super) fn check_name(name: &[u8]) -> Outcome {
    if name.iter().all(u8::is_ascii_graphic) {
        return Ok(());
    }
    let text = "ERR Client names cannot contain spaces, newlines or special characters.";
    Err(Failure::text(text))
}

fn getname(call: &mut Call<'_, '_>) -> Outcome {
    let name = call.session.client.name();
    call.reply.optional((!name.is_empty()).then_some(name));
    Ok(())
}

/// Nothing is tracked.
fn getredir(call: &mut Call<'_, '_>) -> Outcome {
    call.reply.integer(-1);
    Ok(())
}

fn trackinginfo(call: &mut Call<'_, '_>) -> Outcome {
    call.reply.map(3);
    call.reply.bulk("flags");
    call.reply.set(1);
    call.reply.bulk("off");
    call.reply.bulk("redirect");
    call.reply.integer(-1);
    call.reply.bulk("prefixes");
    call.reply.array(0);
    Ok(())
}

fn id(call: &mut Call<'_, '_>) -> Outcome {
    call.reply.integer(i64::try_from(call.session.client.id).unwrap_or(i64::MAX));
    Ok(())
}

/// A letter for each fact.
fn flags_of(client: &Client) -> String {
    let facts = [(&client.is_monitor, 'O'), (&client.is_blocked, 'b'), (&client.no_evict, 'e')];
    let flags: String =
        facts.iter().filter(|(fact, _)| fact.is_raised()).map(|(_, letter)| letter).collect();
    if flags.is_empty() { "N".to_owned() } else { flags }
}

/// A connection as CLIENT LIST shows it; buffers, which nobody else may look into, as empty.
fn line_of(client: &Client) -> String {
    let number = usize::try_from(client.last_command.get()).unwrap_or(usize::MAX);
    let command = catalog().all.get(number).map_or("NULL", |command| &command.name);
    let (library, version) = client.library();
    format!(
        "id={} addr={} laddr={} fd=-1 name={} age={} idle={} flags={} db={} sub=0 psub=0 ssub=0 \
         multi=-1 qbuf=0 qbuf-free=0 argv-mem=0 multi-mem=0 rbs=0 rbp=0 obl=0 oll=0 omem=0 \
         tot-mem=0 events=r cmd={command} user={} redir=-1 resp={} lib-name={} lib-ver={}\n",
        client.id,
        client.address,
        client.local_address,
        String::from_utf8_lossy(&client.name()),
        client.since.elapsed().as_secs(),
        client.idle().as_secs(),
        flags_of(client),
        client.database.get(),
        client.user(),
        if client.speaks_resp3.is_raised() { 3 } else { 2 },
        String::from_utf8_lossy(&library),
        String::from_utf8_lossy(&version),
    )
}

fn info(call: &mut Call<'_, '_>) -> Outcome {
    let line = line_of(&call.session.client);
    call.reply.verbatim(&line);
    Ok(())
}

fn list(call: &mut Call<'_, '_>) -> Outcome {
    let mut clients = call.session.shared.clients.list();
    match call.args.get(2) {
        None => {}
        Some(word) if is_word(word, "type") && call.args.len() == 4 => {
            let are_wanted = has_type(call.args.at(3))?;
            clients.retain(|_| are_wanted);
        }
        Some(word) if is_word(word, "id") && call.args.len() > 3 => {
            let invalid = Failure::text("ERR Invalid client ID");
            let ids = call.args.iter().skip(3).map(parse_id);
            let ids: Vec<u64> = ids.collect::<Option<_>>().ok_or(invalid)?;
            clients.retain(|client| ids.contains(&client.id));
        }
        Some(_) => return Err(Failure::SYNTAX),
    }
    let lines: String = clients.iter().map(|client| line_of(client)).collect();
    call.reply.verbatim(&lines);
    Ok(())
}

fn parse_id(text: &[u8]) -> Option<u64> {
    parse_integer(text).and_then(|id| u64::try_from(id).ok()).filter(|id| *id > 0)
}

/// Whether there are clients of this type: all are normal ones.
fn has_type(word: &[u8]) -> Result<bool, Failure> {
    let types = ["normal", "master", "slave", "replica", "pubsub"];
    if types.iter().any(|name| is_word(word, name)) {
        return Ok(is_word(word, "normal"));
    }
    let word = String::from_utf8_lossy(word);
    Err(Failure::made(format!("ERR Unknown client type '{word}'")))
}

fn kill(call: &mut Call<'_, '_>) -> Outcome {
    let mut clients = call.session.shared.clients.list();
    let own = call.session.client.id;
    if call.args.len() == 3 {
        let address = call.args.at(2);
        clients.retain(|client| client.address.as_bytes() == address);
        if clients.is_empty() {
            return Err(Failure::text("ERR No such client"));
        }
        end(call, &clients);
        call.reply.ok();
        return Ok(());
    }
    let mut skips_own = true;
    let mut at = 2;
    while let Some(word) = call.args.get(at) {
        let value = call.args.get(at + 1).ok_or(Failure::SYNTAX)?;
        if is_word(word, "id") {
            let text = "ERR client-id should be greater than 0";
            let id = parse_id(value).ok_or(Failure::text(text))?;
            clients.retain(|client| client.id == id);
        } else if is_word(word, "addr") {
            clients.retain(|client| client.address.as_bytes() == value);
        } else if is_word(word, "laddr") {
            clients.retain(|client| client.local_address.as_bytes() == value);
        } else if is_word(word, "type") {
            if !has_type(value)? {
                clients.clear();
            }
        } else if is_word(word, "user") {
            let user = String::from_utf8_lossy(value);
            if call.session.shared.acl.user(&user).is_none() {
                return Err(Failure::made(format!("ERR No such user '{user}'")));
            }
            clients.retain(|client| client.user() == user);
        } else if is_word(word, "skipme") && (is_word(value, "yes") || is_word(value, "no")) {
            skips_own = is_word(value, "yes");
        } else {
            return Err(Failure::SYNTAX);
        }
        at += 2;
    }
    clients.retain(|client| !skips_own || client.id != own);
    end(call, &clients);
    call.reply.count(clients.len());
    Ok(())
}

/// Lets clients end; the one that asks gets its reply first.
pub(super) fn end(call: &mut Call<'_, '_>, clients: &[Arc<Client>]) {
    for client in clients {
        if client.id == call.session.client.id {
            call.session.next = Next::Close;
        } else {
            client.kill();
        }
    }
}

fn no_evict(call: &mut Call<'_, '_>) -> Outcome {
    let word = call.args.at(2);
    if !is_word(word, "on") && !is_word(word, "off") {
        return Err(Failure::SYNTAX);
    }
    call.session.client.no_evict.set(is_word(word, "on"));
    call.reply.ok();
    Ok(())
}

fn pause(call: &mut Call<'_, '_>) -> Outcome {
    let only_writes = match call.args.get(3) {
        None => false,
        Some(word) if is_word(word, "all") => false,
        Some(word) if is_word(word, "write") => true,
        Some(_) => return Err(Failure::text("ERR CLIENT PAUSE mode must be WRITE or ALL")),
    };
    let text = "ERR timeout is not an integer or out of range";
    let millis = parse_integer(call.args.at(2)).ok_or(Failure::text(text))?;
    let millis = u64::try_from(millis).map_err(|_| Failure::text("ERR timeout is negative"))?;
    let shared = &call.session.shared;
    shared.pause.begin(shared.began.elapsed(), Duration::from_millis(millis), only_writes);
    call.reply.ok();
    Ok(())
}

fn unpause(call: &mut Call<'_, '_>) -> Outcome {
    call.session.shared.pause.end();
    call.reply.ok();
    Ok(())
}

fn reply(call: &mut Call<'_, '_>) -> Outcome {
    let word = call.args.at(2);
    let mode = if is_word(word, "on") {
        ReplyMode::On
    } else if is_word(word, "off") {
        ReplyMode::Off
    } else if is_word(word, "skip") {
        ReplyMode::SkipNext
    } else {
        return Err(Failure::SYNTAX);
    };
    // SKIP does not end OFF.
    if mode != ReplyMode::SkipNext || call.session.reply_mode != ReplyMode::Off {
        call.session.reply_mode = mode;
    }
    call.reply.ok();
    Ok(())
}

fn setinfo(call: &mut Call<'_, '_>) -> Outcome {
    let (word, value) = (call.args.at(2), call.args.at(3));
    let name = String::from_utf8_lossy(word).into_owned();
    if !value.iter().all(u8::is_ascii_graphic) {
        let text = format!("ERR {name} cannot contain spaces, newlines or special characters.");
        return Err(Failure::made(text));
    }
    if is_word(word, "lib-name") {
        call.session.client.set_library_name(value);
    } else if is_word(word, "lib-ver") {
        call.session.client.set_library_version(value);
    } else {
        return Err(Failure::made(format!("ERR Unrecognized option '{name}'")));
    }
    call.reply.ok();
    Ok(())
}

fn setname(call: &mut Call<'_, '_>) -> Outcome {
    check_name(call.args.at(2))?;
    call.session.client.set_name(call.args.at(2));
    call.reply.ok();
    Ok(())
}

fn unblock(call: &mut Call<'_, '_>) -> Outcome {
    let end = match call.args.get(3) {
        None => End::TimedOut,
        Some(_) if call.args.len() > 4 => return Err(wrong_number("unblock")),
        Some(word) if is_word(word, "timeout") => End::TimedOut,
        Some(word) if is_word(word, "error") => End::Freed,
        Some(_) => {
            let text = "ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR";
            return Err(Failure::text(text));
        }
    };
    let id = parse_integer(call.args.at(2)).ok_or(Failure::NOT_AN_INTEGER)?;
    let was_blocked =
        u64::try_from(id).is_ok_and(|id| call.session.shared.waiting.release(id, end));
    call.reply.flag(was_blocked);
    Ok(())
}

/// What containers say when a subcommand that exists has too many arguments.
fn wrong_number(name: &str) -> Failure {
    Failure::made(format!(
        "ERR unknown subcommand or wrong number of arguments for '{name}'. Try CLIENT HELP."
    ))
}
