//! LATENCY: how long commands took; no events are sampled.

use super::{
    Call, CommandSpec, catalog,
    spec::{flag, row},
    words::Outcome,
};

/// The rows.
pub(super) const ROWS: &[CommandSpec] =
    &[row("latency", -2, flag::NONE, super::command::container)
        .doc(
            "server",
            "2.8.13",
            "Depends on subcommand.",
            "A container for latency diagnostics commands",
        )
        .subcommands(&[
            row("doctor", 2, flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE, doctor)
                .tips(&[
                    "nondeterministic_output",
                    "request_policy:all_nodes",
                    "response_policy:special",
                ])
                .doc(
                    "server",
                    "2.8.13",
                    "O(1)",
                    "Return a human readable latency analysis report.",
                ),
            row("help", 2, flag::LOADING | flag::STALE, super::command::help).doc(
                "server",
                "2.8.13",
                "O(1)",
                "Show helpful text about the different subcommands.",
            ),
            row(
                "histogram",
                -2,
                flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE,
                histogram,
            )
            .tips(&[
                "nondeterministic_output",
                "request_policy:all_nodes",
                "response_policy:special",
            ])
            .doc(
                "server",
                "7.0.0",
                "O(N) where N is the number of commands with latency information being retrieved.",
                "Return the cumulative distribution of latencies of a subset of commands or all.",
            ),
            row("history", 3, flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE, history)
                .tips(&[
                    "nondeterministic_output",
                    "request_policy:all_nodes",
                    "response_policy:special",
                ])
                .doc("server", "2.8.13", "O(1)", "Return timestamp-latency samples for the event."),
            row("latest", 2, flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE, latest)
                .tips(&[
                    "nondeterministic_output",
                    "request_policy:all_nodes",
                    "response_policy:special",
                ])
                .doc(
                    "server",
                    "2.8.13",
                    "O(1)",
                    "Return the latest latency samples for all events.",
                ),
            row("reset", -2, flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE, reset)
                .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
                .doc("server", "2.8.13", "O(1)", "Reset latency data for one or more events."),
        ])];

fn doctor(call: &mut Call<'_, '_>) -> Outcome {
    call.reply.verbatim("No latency events are sampled; LATENCY HISTOGRAM and SLOWLOG tell more.");
    Ok(())
}

/// One bucket a command, that of its mean, since times are added up and not kept.
fn histogram(call: &mut Call<'_, '_>) -> Outcome {
    let is_wanted = |name: &str| {
        call.args.len() == 2
            || call.args.iter().skip(2).any(|word| word.eq_ignore_ascii_case(name.as_bytes()))
    };
    let tallies = &call.session.shared.tallies;
    let rows: Vec<_> = catalog()
        .all
        .iter()
        .zip(&tallies.commands)
        .map(|(command, tally)| (command, tally.calls.get(), tally.nanos.get()))
        .filter(|(command, calls, _)| *calls > 0 && is_wanted(&command.name))
        .collect();
    call.reply.map(rows.len());
    for (command, calls, nanos) in rows {
        let micros = (nanos / calls / 1000).max(1).next_power_of_two();
        let calls = i64::try_from(calls).unwrap_or(i64::MAX);
        call.reply.bulk(&command.name);
        call.reply.map(2);
        call.reply.bulk("calls");
        call.reply.integer(calls);
        call.reply.bulk("histogram_usec");
        call.reply.map(1);
        call.reply.integer(i64::try_from(micros).unwrap_or(i64::MAX));
        call.reply.integer(calls);
    }
    Ok(())
}

fn history(call: &mut Call<'_, '_>) -> Outcome {
    call.reply.array(0);
    Ok(())
}

fn latest(call: &mut Call<'_, '_>) -> Outcome {
    call.reply.array(0);
    Ok(())
}

fn reset(call: &mut Call<'_, '_>) -> Outcome {
    call.reply.integer(0);
    Ok(())
}
