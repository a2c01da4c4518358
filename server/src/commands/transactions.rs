//! Transactions, which the server does not have yet.
//!
//! Clients send MULTI, the commands and EXEC at once, before they hear that MULTI is refused. The
//! commands are refused too then: what was to be done as one is not done in pieces, between which
//! others come. EXEC, DISCARD and RESET end that. If none of them has come with it, the connection
//! ends after the replies: the rest of the commands may be on the way still, and a client that has
//! heard that there are no transactions begins anew.

use super::{
    Call, Command, CommandSpec, Failure,
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

/// What commands after a MULTI that was refused are told.
pub(crate) const NOT_IN_TRANSACTION: &str =
    "ERR not carried out, as the MULTI before it was refused";

/// Whether a command is carried out after a MULTI that was refused.
#[cold]
pub(crate) fn ends_transaction(command: &Command) -> bool {
    ["exec", "discard", "reset", "quit"].contains(&command.spec.name)
}

fn discard(call: &mut Call<'_, '_>) -> Outcome {
    if !std::mem::take(&mut call.session.is_in_refused_transaction) {
        return Err(Failure::text("ERR DISCARD without MULTI"));
    }
    call.reply.ok();
    Ok(())
}

fn exec(call: &mut Call<'_, '_>) -> Outcome {
    let was_refused = std::mem::take(&mut call.session.is_in_refused_transaction);
    Err(Failure::text(if was_refused {
        "EXECABORT Transaction discarded because of previous errors."
    } else {
        "ERR EXEC without MULTI"
    }))
}

fn multi(call: &mut Call<'_, '_>) -> Outcome {
    call.session.is_in_refused_transaction = true;
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
