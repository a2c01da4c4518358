//! Transactions, which the server does not have yet.

use super::{
    Call, CommandSpec, Failure,
    spec::{access, category, flag, keys, row},
    words::Outcome,
};

/// The rows.
pub(super) const ROWS: &[CommandSpec] = &[
    row(
        "discard",
        1,
        flag::NOSCRIPT | flag::LOADING | flag::STALE | flag::FAST | flag::ALLOW_BUSY,
        discard,
    )
    .categories(category::TRANSACTION)
    .doc(
        "transactions",
        "2.0.0",
        "O(N), when N is the number of queued commands",
        "Discard all commands issued after MULTI",
    ),
    row("exec", 1, flag::NOSCRIPT | flag::LOADING | flag::STALE | flag::SKIP_SLOWLOG, exec)
        .categories(category::TRANSACTION)
        .doc(
            "transactions",
            "1.2.0",
            "Depends on commands in the transaction",
            "Execute all commands issued after MULTI",
        ),
    row(
        "multi",
        1,
        flag::NOSCRIPT | flag::LOADING | flag::STALE | flag::FAST | flag::ALLOW_BUSY,
        multi,
    )
    .categories(category::TRANSACTION)
    .doc("transactions", "1.2.0", "O(1)", "Mark the start of a transaction block"),
    row(
        "unwatch",
        1,
        flag::NOSCRIPT | flag::LOADING | flag::STALE | flag::FAST | flag::ALLOW_BUSY,
        unwatch,
    )
    .categories(category::TRANSACTION)
    .doc("transactions", "2.2.0", "O(1)", "Forget about all watched keys"),
    row(
        "watch",
        -2,
        flag::NOSCRIPT | flag::LOADING | flag::STALE | flag::FAST | flag::ALLOW_BUSY,
        watch,
    )
    .categories(category::TRANSACTION)
    .keys(&[keys(1, -1, 1, access::RO)])
    .doc(
        "transactions",
        "2.2.0",
        "O(1) for every key.",
        "Watch the given keys to determine execution of the MULTI/EXEC block",
    ),
];

const NOT_YET: Failure = Failure::text("ERR transactions are not supported by this server");

fn discard(_: &mut Call<'_, '_>) -> Outcome {
    Err(Failure::text("ERR DISCARD without MULTI, which is not supported by this server"))
}

fn exec(_: &mut Call<'_, '_>) -> Outcome {
    Err(Failure::text("ERR EXEC without MULTI, which is not supported by this server"))
}

fn multi(_: &mut Call<'_, '_>) -> Outcome {
    Err(NOT_YET)
}

/// Nothing is watched.
fn unwatch(call: &mut Call<'_, '_>) -> Outcome {
    call.reply.ok();
    Ok(())
}

fn watch(_: &mut Call<'_, '_>) -> Outcome {
    Err(NOT_YET)
}
