//! CONFIG: redis.conf's names while the server runs.

use super::{
    Call, CommandSpec, Failure,
    spec::{flag, row},
    words::{Outcome, is_word},
};

/// The rows.
pub(super) const ROWS: &[CommandSpec] = &[row("config", -2, flag::NONE, super::command::container)
    .doc(
        "server",
        "2.0.0",
        "Depends on subcommand.",
        "A container for server configuration commands",
    )
    .subcommands(&[
        row("get", -3, flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE, get).doc(
            "server",
            "2.0.0",
            "O(N) when N is the number of configuration parameters provided",
            "Get the values of configuration parameters",
        ),
        row("help", 2, flag::LOADING | flag::STALE, super::command::help).doc(
            "server",
            "5.0.0",
            "O(1)",
            "Show helpful text about the different subcommands",
        ),
        row("resetstat", 2, flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE, resetstat)
            .doc("server", "2.0.0", "O(1)", "Reset the stats returned by INFO"),
        row("rewrite", 2, flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE, rewrite).doc(
            "server",
            "2.8.0",
            "O(1)",
            "Rewrite the configuration file with the in memory configuration",
        ),
        row("set", -4, flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE, set)
            .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
            .doc(
                "server",
                "2.0.0",
                "O(N) when N is the number of configuration parameters provided",
                "Set configuration parameters to the given values",
            ),
    ])];

fn get(call: &mut Call<'_, '_>) -> Outcome {
    let patterns: Vec<&[u8]> = call.args.iter().skip(2).collect();
    let found = call.session.shared.settings.matching(&patterns);
    call.reply.map(found.len());
    for (name, value) in found {
        call.reply.bulk(name);
        call.reply.bulk(value);
    }
    Ok(())
}

fn set(call: &mut Call<'_, '_>) -> Outcome {
    if !call.args.len().is_multiple_of(2) {
        return Err(Failure::Arity);
    }
    let words: Vec<_> = call.args.iter().skip(2).map(String::from_utf8_lossy).collect();
    let pairs: Vec<(&str, &str)> = words
        .chunks_exact(2)
        .filter_map(|pair| Some((pair.first()?.as_ref(), pair.get(1)?.as_ref())))
        .collect();
    let shared = &call.session.shared;
    shared.settings.set(&pairs).map_err(Failure::made)?;
    let is_limit = |name: &str| {
        is_word(name.as_bytes(), "maxmemory") || is_word(name.as_bytes(), "maxmemory-policy")
    };
    if pairs.iter().any(|(name, _)| is_limit(name)) {
        shared.databases.set_limit(shared.settings.memory_limit());
    }
    if let Some((_, password)) =
        pairs.iter().find(|(name, _)| is_word(name.as_bytes(), "requirepass"))
    {
        shared.acl.require_password(password);
    }
    call.reply.ok();
    Ok(())
}

fn resetstat(call: &mut Call<'_, '_>) -> Outcome {
    let shared = &call.session.shared;
    shared.tallies.reset();
    shared.databases.used().iter().for_each(|(_, pool)| pool.reset_stats());
    call.reply.ok();
    Ok(())
}

fn rewrite(_: &mut Call<'_, '_>) -> Outcome {
    Err(Failure::text("ERR The server is running without a config file"))
}
