//! MEMORY: what the keys take.

use super::{
    Call, CommandSpec, Failure,
    spec::{access, flag, key, row},
    words::{Outcome, integer, is_word},
};

/// The rows.
pub(super) const ROWS: &[CommandSpec] = &[row("memory", -2, flag::NONE, super::command::container)
    .doc("server", "4.0.0", "Depends on subcommand.", "A container for memory diagnostics commands")
    .subcommands(&[
        row("doctor", 2, flag::NONE, doctor)
            .tips(&[
                "nondeterministic_output",
                "request_policy:all_shards",
                "response_policy:special",
            ])
            .doc("server", "4.0.0", "O(1)", "Outputs memory problems report"),
        row("help", 2, flag::LOADING | flag::STALE, super::command::help).doc(
            "server",
            "4.0.0",
            "O(1)",
            "Show helpful text about the different subcommands",
        ),
        row("malloc-stats", 2, flag::NONE, malloc_stats)
            .tips(&[
                "nondeterministic_output",
                "request_policy:all_shards",
                "response_policy:special",
            ])
            .doc(
                "server",
                "4.0.0",
                "Depends on how much memory is allocated, could be slow",
                "Show allocator internal stats",
            ),
        row("purge", 2, flag::NONE, purge)
            .tips(&["request_policy:all_shards", "response_policy:all_succeeded"])
            .doc(
                "server",
                "4.0.0",
                "Depends on how much memory is allocated, could be slow",
                "Ask the allocator to release memory",
            ),
        row("stats", 2, flag::NONE, stats)
            .tips(&[
                "nondeterministic_output",
                "request_policy:all_shards",
                "response_policy:special",
            ])
            .doc("server", "4.0.0", "O(1)", "Show memory usage details"),
        row("usage", -3, flag::READONLY, usage).keys(&[key(2, access::RO)]).doc(
            "server",
            "4.0.0",
            "O(N) where N is the number of samples.",
            "Estimate the memory usage of a key",
        ),
    ])];

fn doctor(call: &mut Call<'_, '_>) -> Outcome {
    call.reply.verbatim("Every byte is accounted for: see MEMORY STATS.");
    Ok(())
}

fn malloc_stats(call: &mut Call<'_, '_>) -> Outcome {
    call.reply.verbatim("Stats not supported for the current allocator");
    Ok(())
}

/// The pool gives back what it can by itself.
fn purge(call: &mut Call<'_, '_>) -> Outcome {
    call.reply.ok();
    Ok(())
}

fn stats(call: &mut Call<'_, '_>) -> Outcome {
    let shared = &call.session.shared;
    let used = shared.used_memory();
    let all = shared.databases.stats();
    let sum = |of: fn(&memory_cache_pool::CacheStats) -> usize| all.iter().map(of).sum::<usize>();
    let (records, keys) = (sum(|one| one.record_bytes), sum(|one| one.key_count));
    let rows = [
        ("peak.allocated", shared.peak_memory.get()),
        ("total.allocated", used),
        ("clients.normal", shared.clients.count() as u64),
        ("overhead.total", used.saturating_sub(records as u64)),
        ("keys.count", keys as u64),
        ("keys.bytes-per-key", (records / keys.max(1)) as u64),
        ("dataset.bytes", records as u64),
        ("retired.bytes", sum(|one| one.retired_bytes) as u64),
        ("table.bytes", sum(|one| one.table_bytes) as u64),
    ];
    call.reply.map(rows.len());
    for (name, number) in rows {
        call.reply.bulk(name);
        call.reply.integer(i64::try_from(number).unwrap_or(i64::MAX));
    }
    Ok(())
}

fn usage(call: &mut Call<'_, '_>) -> Outcome {
    let mut at = 3;
    while let Some(word) = call.args.get(at) {
        let samples = call.args.get(at + 1).filter(|_| is_word(word, "samples"));
        if integer(samples.ok_or(Failure::SYNTAX)?)? < 0 {
            return Err(Failure::SYNTAX);
        }
        at += 2;
    }
    match call.session.pool.key_info(call.args.at(2)) {
        Some(info) => call.reply.count(info.memory_estimate),
        None => call.reply.null(),
    }
    Ok(())
}
