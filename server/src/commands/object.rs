//! OBJECT: what is known about a key beyond its value.

use super::{
    Call, CommandSpec, Failure,
    spec::{access, category, flag, key, row},
    words::Outcome,
};
use crate::protocol::parse_integer;

/// The rows.
pub(super) const ROWS: &[CommandSpec] = &[row("object", -2, flag::NONE, super::command::container)
    .doc(
        "generic",
        "2.2.3",
        "Depends on subcommand.",
        "A container for object introspection commands",
    )
    .subcommands(&[
        row("encoding", 3, flag::READONLY, encoding)
            .categories(category::KEYSPACE)
            .keys(&[key(2, access::RO)])
            .tips(&["nondeterministic_output"])
            .doc("generic", "2.2.3", "O(1)", "Inspect the internal encoding of a Redis object"),
        row("freq", 3, flag::READONLY, freq)
            .categories(category::KEYSPACE)
            .keys(&[key(2, access::RO)])
            .tips(&["nondeterministic_output"])
            .doc(
                "generic",
                "4.0.0",
                "O(1)",
                "Get the logarithmic access frequency counter of a Redis object",
            ),
        row("help", 2, flag::LOADING | flag::STALE, super::command::help)
            .categories(category::KEYSPACE)
            .doc("generic", "6.2.0", "O(1)", "Show helpful text about the different subcommands"),
        row("idletime", 3, flag::READONLY, idletime)
            .categories(category::KEYSPACE)
            .keys(&[key(2, access::RO)])
            .tips(&["nondeterministic_output"])
            .doc("generic", "2.2.3", "O(1)", "Get the time since a Redis object was last accessed"),
        row("refcount", 3, flag::READONLY, refcount)
            .categories(category::KEYSPACE)
            .keys(&[key(2, access::RO)])
            .tips(&["nondeterministic_output"])
            .doc(
                "generic",
                "2.2.3",
                "O(1)",
                "Get the number of references to the value of the key",
            ),
    ])];

fn encoding(call: &mut Call<'_, '_>) -> Outcome {
    let name = call.session.pool.object_encoding(call.args.at(2));
    call.reply.optional(name);
    Ok(())
}

fn freq(call: &mut Call<'_, '_>) -> Outcome {
    let Some(count) = call.session.pool.object_freq(call.args.at(2)) else {
        call.reply.null();
        return Ok(());
    };
    if call.session.pool.eviction_policy().to_string().ends_with("lfu") {
        call.reply.integer(count.into());
        return Ok(());
    }
    Err(Failure::text(
        "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note \
         that when switching between policies at runtime LRU and LFU data will take some time to \
         adjust.",
    ))
}

fn idletime(call: &mut Call<'_, '_>) -> Outcome {
    let Some(idle) = call.session.pool.object_idletime(call.args.at(2)) else {
        call.reply.null();
        return Ok(());
    };
    if call.session.pool.eviction_policy().to_string().ends_with("lfu") {
        return Err(Failure::text(
            "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when \
             switching between policies at runtime LRU and LFU data will take some time to adjust.",
        ));
    }
    call.reply.integer(i64::try_from(idle.as_secs()).unwrap_or(i64::MAX));
    Ok(())
}

/// Nothing is shared between keys here, but small numbers are in Redis, and say so.
fn refcount(call: &mut Call<'_, '_>) -> Outcome {
    const SHARED: i64 = i32::MAX as i64;
    let key = call.args.at(2);
    if !call.session.pool.exists(key) {
        call.reply.null();
        return Ok(());
    }
    let is_small = |text: &[u8]| parse_integer(text).is_some_and(|it| (0..10_000).contains(&it));
    let is_shared = call.session.pool.get_with(key, is_small).ok().flatten();
    call.reply.integer(if is_shared == Some(true) { SHARED } else { 1 });
    Ok(())
}
