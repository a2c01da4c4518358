//! The server itself: TIME, SHUTDOWN, and what others ask before they begin.

use super::{
    Call, CommandSpec, Failure,
    spec::{category, flag, row},
    words::{Outcome, integer, is_word},
};
use crate::{session::Next, slow_log::since_1970};

/// The rows.
pub(super) const ROWS: &[CommandSpec] = &[
    row("cluster", -2, flag::NONE, super::command::container)
        .doc("cluster", "3.0.0", "Depends on subcommand.", "A container for cluster commands")
        .subcommands(&[
            row("info", 2, flag::STALE, info)
                .tips(&["nondeterministic_output"])
                .doc("cluster", "3.0.0", "O(1)", "Provides info about Redis Cluster node state"),
        ]),
    row("function", -2, flag::NONE, super::command::container)
        .doc("scripting", "7.0.0", "Depends on subcommand.", "A container for function commands")
        .subcommands(&[
            row("flush", -2, flag::WRITE | flag::NOSCRIPT, flush)
                .categories(category::SCRIPTING)
                .tips(&["request_policy:all_shards", "response_policy:all_succeeded"])
                .doc(
                    "scripting",
                    "7.0.0",
                    "O(N) where N is the number of functions deleted",
                    "Deleting all functions",
                ),
            row("help", 2, flag::LOADING | flag::STALE, super::command::help)
                .categories(category::SCRIPTING)
                .doc(
                    "scripting",
                    "7.0.0",
                    "O(1)",
                    "Show helpful text about the different subcommands",
                ),
            row("list", -2, flag::NOSCRIPT, list)
                .categories(category::SCRIPTING)
                .tips(&["nondeterministic_output_order"])
                .doc(
                    "scripting",
                    "7.0.0",
                    "O(N) where N is the number of functions",
                    "List information about all the functions",
                ),
            row("stats", 2, flag::NOSCRIPT | flag::ALLOW_BUSY, stats)
                .categories(category::SCRIPTING)
                .tips(&["nondeterministic_output", "request_policy:all_shards", "response_policy:special"])
                .doc(
                    "scripting",
                    "7.0.0",
                    "O(1)",
                    "Return information about the function currently running (name, description, duration)",
                ),
        ]),
    row("lolwut", -1, flag::READONLY | flag::FAST, lolwut)
        .doc("server", "5.0.0", "", "Display some computer art and the Redis version"),
    row("module", -2, flag::NONE, super::command::container)
        .doc("server", "4.0.0", "Depends on subcommand.", "A container for module commands")
        .subcommands(&[
            row("help", 2, flag::LOADING | flag::STALE, super::command::help)
                .doc(
                    "server",
                    "5.0.0",
                    "O(1)",
                    "Show helpful text about the different subcommands",
                ),
            row("list", 2, flag::ADMIN | flag::NOSCRIPT, list)
                .tips(&["nondeterministic_output_order"])
                .doc(
                    "server",
                    "4.0.0",
                    "O(N) where N is the number of loaded modules.",
                    "List all modules loaded by the server",
                ),
        ]),
    row("role", 1, flag::NOSCRIPT | flag::LOADING | flag::STALE | flag::FAST, role)
        .categories(category::ADMIN | category::DANGEROUS)
        .doc(
            "server",
            "2.8.12",
            "O(1)",
            "Return the role of the instance in the context of replication",
        ),
    row("shutdown", -1, flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE | flag::NO_MULTI | flag::ALLOW_BUSY, shutdown)
        .doc(
            "server",
            "1.0.0",
            "O(N) when saving, where N is the total number of keys in all databases when saving data, otherwise O(1)",
            "Synchronously save the dataset to disk and then shut down the server",
        ),
    row("time", 1, flag::LOADING | flag::STALE | flag::FAST, time)
        .tips(&["nondeterministic_output"])
        .doc("server", "2.6.0", "O(1)", "Return the current server time"),
    row("wait", 3, flag::NOSCRIPT, wait)
        .categories(category::CONNECTION)
        .tips(&["request_policy:all_shards", "response_policy:agg_min"])
        .doc(
            "generic",
            "3.0.0",
            "O(1)",
            "Wait for the synchronous replication of all the write commands sent in the context of the current connection",
        ),
];

/// There are no functions: to remove them all is easy.
fn flush(call: &mut Call<'_, '_>) -> Outcome {
    let is_known = |word: &[u8]| is_word(word, "sync") || is_word(word, "async");
    if call.args.len() > 3 || !call.args.get(2).is_none_or(is_known) {
        return Err(Failure::text("ERR FUNCTION FLUSH only supports SYNC|ASYNC option"));
    }
    call.reply.ok();
    Ok(())
}

/// There are no functions and no modules.
fn list(call: &mut Call<'_, '_>) -> Outcome {
    call.reply.array(0);
    Ok(())
}

fn stats(call: &mut Call<'_, '_>) -> Outcome {
    call.reply.map(2);
    call.reply.bulk("running_script");
    call.reply.null();
    call.reply.bulk("engines");
    call.reply.map(1);
    call.reply.bulk("LUA");
    call.reply.map(2);
    call.reply.bulk("libraries_count");
    call.reply.integer(0);
    call.reply.bulk("functions_count");
    call.reply.integer(0);
    Ok(())
}

fn info(_: &mut Call<'_, '_>) -> Outcome {
    Err(Failure::text("ERR This instance has cluster support disabled"))
}

fn lolwut(call: &mut Call<'_, '_>) -> Outcome {
    call.reply.verbatim(concat!("memory-cache-server ", env!("CARGO_PKG_VERSION"), "\n"));
    Ok(())
}

fn role(call: &mut Call<'_, '_>) -> Outcome {
    call.reply.array(3);
    call.reply.bulk("master");
    call.reply.integer(0);
    call.reply.array(0);
    Ok(())
}

/// Nothing is saved, so that all ways to end are the same.
fn shutdown(call: &mut Call<'_, '_>) -> Outcome {
    let words = ["nosave", "save", "now", "force"];
    for argument in call.args.iter().skip(1) {
        if is_word(argument, "abort") && call.args.len() == 2 {
            return Err(Failure::text("ERR No shutdown in progress."));
        }
        if !words.iter().any(|word| is_word(argument, word)) {
            return Err(Failure::SYNTAX);
        }
    }
    call.session.next = Next::Close;
    call.session.shared.end.notify_one();
    Ok(())
}

fn time(call: &mut Call<'_, '_>) -> Outcome {
    let now = since_1970();
    call.reply.array(2);
    call.reply.bulk(now.as_secs().to_string());
    call.reply.bulk(now.subsec_micros().to_string());
    Ok(())
}

/// There are no replicas, and none is waited for.
fn wait(call: &mut Call<'_, '_>) -> Outcome {
    integer(call.args.at(1))?;
    if integer(call.args.at(2))? < 0 {
        return Err(Failure::text("ERR timeout is negative"));
    }
    call.reply.integer(0);
    Ok(())
}
