//! LATENCY: how long commands took, and which took too long.

use super::{
    Call, CommandSpec, catalog,
    spec::{flag, row},
    words::{Outcome, is_word},
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
    let events = call.session.shared.events.all();
    let mut text = String::from(
        "Commands above latency-monitor-threshold are noted; see LATENCY HISTOGRAM and SLOWLOG too.\n",
    );
    for (name, event) in events {
        let samples = event.samples.len();
        text += &format!("{name}: {samples} samples, the longest {} ms\n", event.longest);
    }
    call.reply.verbatim(&text);
    Ok(())
}

fn histogram(call: &mut Call<'_, '_>) -> Outcome {
    call.session.settle();
    let is_wanted = |name: &str| {
        let is_named = |word: &[u8]| {
            let name = name.as_bytes();
            let container = name.split(|byte| *byte == b'|').next().unwrap_or(name);
            word.eq_ignore_ascii_case(name) || word.eq_ignore_ascii_case(container)
        };
        call.args.len() == 2 || call.args.iter().skip(2).any(is_named)
    };
    let rows: Vec<_> = catalog()
        .all
        .iter()
        .zip(&call.session.shared.tallies.commands)
        .filter(|(command, tally)| tally.calls.get() > 0 && is_wanted(&command.name))
        .map(|(command, tally)| (&command.name, tally.times.cumulative()))
        .collect();
    let integer = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    call.reply.map(rows.len());
    for (name, times) in rows {
        call.reply.bulk(name);
        call.reply.map(2);
        call.reply.bulk("calls");
        call.reply.integer(integer(times.last().map_or(0, |(_, calls)| *calls)));
        call.reply.bulk("histogram_usec");
        call.reply.map(times.len());
        for (micros, calls) in times {
            call.reply.integer(integer(micros));
            call.reply.integer(integer(calls));
        }
    }
    Ok(())
}

fn history(call: &mut Call<'_, '_>) -> Outcome {
    let events = call.session.shared.events.all();
    let is_it = |name: &str| is_word(call.args.at(2), name);
    let event = events.into_iter().find(|(name, _)| is_it(name));
    let samples = event.map_or_else(Default::default, |(_, event)| event.samples);
    call.reply.array(samples.len());
    for (second, millis) in samples {
        call.reply.array(2);
        call.reply.integer(second);
        call.reply.integer(millis);
    }
    Ok(())
}

fn latest(call: &mut Call<'_, '_>) -> Outcome {
    let events = call.session.shared.events.all();
    call.reply.array(events.len());
    for (name, event) in events {
        let (second, millis) = event.samples.back().copied().unwrap_or_default();
        call.reply.array(4);
        call.reply.bulk(name);
        call.reply.integer(second);
        call.reply.integer(millis);
        call.reply.integer(event.longest);
    }
    Ok(())
}

fn reset(call: &mut Call<'_, '_>) -> Outcome {
    let events = &call.session.shared.events;
    let forgotten = if call.args.len() == 2 {
        events.forget(None)
    } else {
        call.args.iter().skip(2).map(|name| events.forget(Some(name))).sum()
    };
    call.reply.count(forgotten);
    Ok(())
}
