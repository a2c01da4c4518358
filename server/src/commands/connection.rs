//! What a client and a server have to agree on: HELLO, AUTH, SELECT and their kin.

use super::{
    Call, CommandSpec, Failure,
    spec::{category, flag, row},
    words::{Outcome, is_word},
};
use crate::{
    protocol::{Protocol, parse_integer},
    session::Next,
};

/// The rows.
pub(super) const ROWS: &[CommandSpec] = &[
    row(
        "auth",
        -2,
        flag::NOSCRIPT
            | flag::LOADING
            | flag::STALE
            | flag::FAST
            | flag::NO_AUTH
            | flag::ALLOW_BUSY,
        auth,
    )
    .categories(category::CONNECTION)
    .doc(
        "connection",
        "1.0.0",
        "O(N) where N is the number of passwords defined for the user",
        "Authenticate to the server",
    ),
    row("echo", 2, flag::LOADING | flag::STALE | flag::FAST, echo)
        .categories(category::CONNECTION)
        .doc("connection", "1.0.0", "O(1)", "Echo the given string"),
    row(
        "hello",
        -1,
        flag::NOSCRIPT
            | flag::LOADING
            | flag::STALE
            | flag::FAST
            | flag::NO_AUTH
            | flag::ALLOW_BUSY,
        hello,
    )
    .categories(category::CONNECTION)
    .doc("connection", "6.0.0", "O(1)", "Handshake with Redis"),
    row("ping", -1, flag::FAST, ping)
        .categories(category::CONNECTION)
        .tips(&["request_policy:all_shards", "response_policy:all_succeeded"])
        .doc("connection", "1.0.0", "O(1)", "Ping the server"),
    row(
        "quit",
        -1,
        flag::NOSCRIPT
            | flag::LOADING
            | flag::STALE
            | flag::FAST
            | flag::NO_AUTH
            | flag::ALLOW_BUSY,
        quit,
    )
    .categories(category::CONNECTION)
    .doc("connection", "1.0.0", "O(1)", "Close the connection"),
    row(
        "reset",
        1,
        flag::NOSCRIPT
            | flag::LOADING
            | flag::STALE
            | flag::FAST
            | flag::NO_AUTH
            | flag::ALLOW_BUSY,
        reset,
    )
    .categories(category::CONNECTION)
    .doc("connection", "6.2.0", "O(1)", "Reset the connection"),
    row("select", 2, flag::LOADING | flag::STALE | flag::FAST, select)
        .categories(category::CONNECTION)
        .doc(
            "connection",
            "1.0.0",
            "O(1)",
            "Change the selected database for the current connection",
        ),
];

/// The version of Redis that replies follow.
pub(super) const REDIS_VERSION: &str = "7.0.15";

const WRONG_PASSWORD: Failure =
    Failure::text("WRONGPASS invalid username-password pair or user is disabled.");

/// Lets a client in that knows the password.
fn authenticate(call: &mut Call<'_, '_>, user: &[u8], password: &[u8]) -> Outcome {
    let user = call.session.shared.acl.authenticate(user, password).ok_or(WRONG_PASSWORD)?;
    call.session.become_user(user);
    Ok(())
}

fn auth(call: &mut Call<'_, '_>) -> Outcome {
    let args = call.args;
    match args.len() {
        2 if call.session.shared.acl.everybody().needs_no_password => {
            return Err(Failure::text(
                "ERR AUTH <password> called without any password configured for the default \
                 user. Are you sure your configuration is correct?",
            ));
        }
        2 => authenticate(call, b"default", args.at(1))?,
        3 => authenticate(call, args.at(1), args.at(2))?,
        _ => return Err(Failure::SYNTAX),
    }
    call.reply.ok();
    Ok(())
}

fn echo(call: &mut Call<'_, '_>) -> Outcome {
    call.reply.bulk(call.args.at(1));
    Ok(())
}

fn hello(call: &mut Call<'_, '_>) -> Outcome {
    let protocol = match call.args.get(1) {
        None => call.session.protocol,
        Some(version) => match parse_integer(version) {
            Some(2) => Protocol::Resp2,
            Some(3) => Protocol::Resp3,
            Some(_) => return Err(Failure::text("NOPROTO unsupported protocol version")),
            None => {
                let text = "ERR Protocol version is not an integer or out of range";
                return Err(Failure::text(text));
            }
        },
    };
    let args = call.args;
    let mut name = None;
    let mut at = 2;
    while let Some(word) = args.get(at) {
        let rest = args.len() - at - 1;
        if is_word(word, "auth") && rest >= 2 {
            authenticate(call, args.at(at + 1), args.at(at + 2))?;
            at += 3;
        } else if is_word(word, "setname") && rest >= 1 {
            name = Some(args.at(at + 1));
            super::client::check_name(args.at(at + 1))?;
            at += 2;
        } else {
            let word = String::from_utf8_lossy(word);
            return Err(Failure::made(format!("ERR Syntax error in HELLO option '{word}'")));
        }
    }
    if !call.session.is_authenticated {
        return Err(Failure::text(
            "NOAUTH HELLO must be called with the client already authenticated, otherwise the \
             HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and \
             select the RESP protocol version at the same time",
        ));
    }
    if let Some(name) = name {
        call.session.client.set_name(name);
    }
    call.session.speak(protocol);
    call.reply.set_protocol(protocol);
    introduce(call);
    Ok(())
}

fn introduce(call: &mut Call<'_, '_>) {
    let id = i64::try_from(call.session.client.id).unwrap_or(i64::MAX);
    call.reply.map(7);
    call.reply.bulk("server");
    call.reply.bulk("redis");
    call.reply.bulk("version");
    call.reply.bulk(REDIS_VERSION);
    call.reply.bulk("proto");
    call.reply.integer(if call.session.protocol == Protocol::Resp3 { 3 } else { 2 });
    call.reply.bulk("id");
    call.reply.integer(id);
    call.reply.bulk("mode");
    call.reply.bulk("standalone");
    call.reply.bulk("role");
    call.reply.bulk("master");
    call.reply.bulk("modules");
    call.reply.array(0);
}

fn ping(call: &mut Call<'_, '_>) -> Outcome {
    match call.args.len() {
        1 => call.reply.simple("PONG"),
        2 => call.reply.bulk(call.args.at(1)),
        _ => return Err(Failure::Arity),
    }
    Ok(())
}

fn quit(call: &mut Call<'_, '_>) -> Outcome {
    call.session.next = Next::Close;
    call.reply.ok();
    Ok(())
}

fn reset(call: &mut Call<'_, '_>) -> Outcome {
    call.session.reset();
    call.reply.set_protocol(Protocol::default());
    call.reply.simple("RESET");
    Ok(())
}

fn select(call: &mut Call<'_, '_>) -> Outcome {
    let number = parse_integer(call.args.at(1)).ok_or(Failure::NOT_AN_INTEGER)?;
    if !usize::try_from(number).is_ok_and(|number| call.session.select(number)) {
        return Err(Failure::text("ERR DB index is out of range"));
    }
    call.reply.ok();
    Ok(())
}
