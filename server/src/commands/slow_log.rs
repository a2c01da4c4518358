//! SLOWLOG: the last commands that took long.

use super::{
    Call, CommandSpec, Failure,
    spec::{flag, row},
    words::Outcome,
};
use crate::protocol::parse_integer;

/// The rows.
pub(super) const ROWS: &[CommandSpec] =
    &[row("slowlog", -2, flag::NONE, super::command::container)
        .doc("server", "2.2.12", "Depends on subcommand.", "A container for slow log commands")
        .subcommands(&[
            row("get", -2, flag::ADMIN | flag::LOADING | flag::STALE, get)
                .tips(&["request_policy:all_nodes", "nondeterministic_output"])
                .doc(
                    "server",
                    "2.2.12",
                    "O(N) where N is the number of entries returned",
                    "Get the slow log's entries",
                ),
            row("help", 2, flag::LOADING | flag::STALE, super::command::help).doc(
                "server",
                "6.2.0",
                "O(1)",
                "Show helpful text about the different subcommands",
            ),
            row("len", 2, flag::ADMIN | flag::LOADING | flag::STALE, len)
                .tips(&[
                    "request_policy:all_nodes",
                    "response_policy:agg_sum",
                    "nondeterministic_output",
                ])
                .doc("server", "2.2.12", "O(1)", "Get the slow log's length"),
            row("reset", 2, flag::ADMIN | flag::LOADING | flag::STALE, reset)
                .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
                .doc(
                    "server",
                    "2.2.12",
                    "O(N) where N is the number of entries in the slowlog",
                    "Clear all entries from the slow log",
                ),
        ])];

/// How many are shown when nobody says.
const SHOWN: usize = 10;

fn get(call: &mut Call<'_, '_>) -> Outcome {
    let most = match call.args.get(2) {
        None => SHOWN,
        Some(word) => match parse_integer(word) {
            Some(-1) => usize::MAX,
            Some(most) if most >= 0 => usize::try_from(most).unwrap_or(usize::MAX),
            _ => {
                let text = "ERR count should be greater than or equal to -1";
                return Err(Failure::text(text));
            }
        },
    };
    let commands = call.session.shared.slow_log.newest(most);
    call.reply.array(commands.len());
    for command in commands {
        call.reply.array(6);
        call.reply.integer(command.id);
        call.reply.integer(command.unix_seconds);
        call.reply.integer(command.micros);
        call.reply.bulks(command.arguments.iter());
        call.reply.bulk(command.address);
        call.reply.bulk(command.client_name);
    }
    Ok(())
}

fn len(call: &mut Call<'_, '_>) -> Outcome {
    call.reply.count(call.session.shared.slow_log.len());
    Ok(())
}

fn reset(call: &mut Call<'_, '_>) -> Outcome {
    call.session.shared.slow_log.clear();
    call.reply.ok();
    Ok(())
}
