//! Counters: INCR and its kin.

use super::{
    Call, CommandSpec,
    spec::{access, category, flag, key, row},
    words::{Outcome, integer},
};

/// The rows.
pub(super) const ROWS: &[CommandSpec] = &[
    row("decr", 2, flag::WRITE | flag::DENYOOM | flag::FAST, decr)
        .categories(category::STRING)
        .keys(&[key(1, access::RW_ACCESS_UPDATE)])
        .doc("string", "1.0.0", "O(1)", "Decrement the integer value of a key by one"),
    row("decrby", 3, flag::WRITE | flag::DENYOOM | flag::FAST, decrby)
        .categories(category::STRING)
        .keys(&[key(1, access::RW_ACCESS_UPDATE)])
        .doc("string", "1.0.0", "O(1)", "Decrement the integer value of a key by the given number"),
    row("incr", 2, flag::WRITE | flag::DENYOOM | flag::FAST, incr)
        .categories(category::STRING)
        .keys(&[key(1, access::RW_ACCESS_UPDATE)])
        .doc("string", "1.0.0", "O(1)", "Increment the integer value of a key by one"),
    row("incrby", 3, flag::WRITE | flag::DENYOOM | flag::FAST, incrby)
        .categories(category::STRING)
        .keys(&[key(1, access::RW_ACCESS_UPDATE)])
        .doc("string", "1.0.0", "O(1)", "Increment the integer value of a key by the given amount"),
    row("incrbyfloat", 3, flag::WRITE | flag::DENYOOM | flag::FAST, incrbyfloat)
        .categories(category::STRING)
        .keys(&[key(1, access::RW_ACCESS_UPDATE)])
        .doc("string", "2.6.0", "O(1)", "Increment the float value of a key by the given amount"),
];

fn decr(call: &mut Call<'_, '_>) -> Outcome {
    let number = call.session.pool.decr(call.args.at(1))?;
    call.reply.integer(number);
    Ok(())
}

fn decrby(call: &mut Call<'_, '_>) -> Outcome {
    let number = call.session.pool.decrby(call.args.at(1), integer(call.args.at(2))?)?;
    call.reply.integer(number);
    Ok(())
}

fn incr(call: &mut Call<'_, '_>) -> Outcome {
    let number = call.session.pool.incr(call.args.at(1))?;
    call.reply.integer(number);
    Ok(())
}

fn incrby(call: &mut Call<'_, '_>) -> Outcome {
    let number = call.session.pool.incrby(call.args.at(1), integer(call.args.at(2))?)?;
    call.reply.integer(number);
    Ok(())
}

fn incrbyfloat(call: &mut Call<'_, '_>) -> Outcome {
    let number = call.session.pool.incrbyfloat_text(call.args.at(1), call.args.at(2))?;
    call.reply.bulk(number);
    Ok(())
}
