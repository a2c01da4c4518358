//! Hashes.

use super::{
    Call, CommandSpec, Failure,
    keys::{begin_element_scan, scan_options},
    spec::{access, category, flag, key, row},
    words::{Outcome, integer, is_word},
};
use crate::protocol::Protocol;
use memory_cache_pool::ValueType;

/// The rows.
pub(super) const ROWS: &[CommandSpec] = &[
    row("hdel", -3, flag::WRITE | flag::FAST, hdel)
        .categories(category::HASH)
        .keys(&[key(1, access::RW_DELETE)])
        .doc(
            "hash",
            "2.0.0",
            "O(N) where N is the number of fields to be removed.",
            "Delete one or more hash fields",
        ),
    row("hexists", 3, flag::READONLY | flag::FAST, hexists)
        .categories(category::HASH)
        .keys(&[key(1, access::RO)])
        .doc("hash", "2.0.0", "O(1)", "Determine if a hash field exists"),
    row("hget", 3, flag::READONLY | flag::FAST, hget)
        .categories(category::HASH)
        .keys(&[key(1, access::RO_ACCESS)])
        .doc("hash", "2.0.0", "O(1)", "Get the value of a hash field"),
    row("hgetall", 2, flag::READONLY, hgetall)
        .categories(category::HASH)
        .keys(&[key(1, access::RO_ACCESS)])
        .tips(&["nondeterministic_output_order"])
        .doc(
            "hash",
            "2.0.0",
            "O(N) where N is the size of the hash.",
            "Get all the fields and values in a hash",
        ),
    row("hincrby", 4, flag::WRITE | flag::DENYOOM | flag::FAST, hincrby)
        .categories(category::HASH)
        .keys(&[key(1, access::RW_ACCESS_UPDATE)])
        .doc(
            "hash",
            "2.0.0",
            "O(1)",
            "Increment the integer value of a hash field by the given number",
        ),
    row("hincrbyfloat", 4, flag::WRITE | flag::DENYOOM | flag::FAST, hincrbyfloat)
        .categories(category::HASH)
        .keys(&[key(1, access::RW_ACCESS_UPDATE)])
        .doc(
            "hash",
            "2.6.0",
            "O(1)",
            "Increment the float value of a hash field by the given amount",
        ),
    row("hkeys", 2, flag::READONLY, hkeys)
        .categories(category::HASH)
        .keys(&[key(1, access::RO_ACCESS)])
        .tips(&["nondeterministic_output_order"])
        .doc(
            "hash",
            "2.0.0",
            "O(N) where N is the size of the hash.",
            "Get all the fields in a hash",
        ),
    row("hlen", 2, flag::READONLY | flag::FAST, hlen)
        .categories(category::HASH)
        .keys(&[key(1, access::RO)])
        .doc("hash", "2.0.0", "O(1)", "Get the number of fields in a hash"),
    row("hmget", -3, flag::READONLY | flag::FAST, hmget)
        .categories(category::HASH)
        .keys(&[key(1, access::RO_ACCESS)])
        .doc(
            "hash",
            "2.0.0",
            "O(N) where N is the number of fields being requested.",
            "Get the values of all the given hash fields",
        ),
    row("hmset", -4, flag::WRITE | flag::DENYOOM | flag::FAST, hmset)
        .categories(category::HASH)
        .keys(&[key(1, access::RW_UPDATE)])
        .doc(
            "hash",
            "2.0.0",
            "O(N) where N is the number of fields being set.",
            "Set multiple hash fields to multiple values",
        ),
    row("hrandfield", -2, flag::READONLY, hrandfield)
        .categories(category::HASH)
        .keys(&[key(1, access::RO_ACCESS)])
        .tips(&["nondeterministic_output"])
        .doc(
            "hash",
            "6.2.0",
            "O(N) where N is the number of fields returned",
            "Get one or multiple random fields from a hash",
        ),
    row("hscan", -3, flag::READONLY, hscan)
        .categories(category::HASH)
        .keys(&[key(1, access::RO_ACCESS)])
        .tips(&["nondeterministic_output"])
        .doc(
            "hash",
            "2.8.0",
            "O(1) for every call. O(N) for a complete iteration, including enough command calls for the cursor to return back to 0. N is the number of elements inside the collection..",
            "Incrementally iterate hash fields and associated values",
        ),
    row("hset", -4, flag::WRITE | flag::DENYOOM | flag::FAST, hset)
        .categories(category::HASH)
        .keys(&[key(1, access::RW_UPDATE)])
        .doc(
            "hash",
            "2.0.0",
            "O(1) for each field/value pair added, so O(N) to add N field/value pairs when the command is called with multiple field/value pairs.",
            "Set the string value of a hash field",
        ),
    row("hsetnx", 4, flag::WRITE | flag::DENYOOM | flag::FAST, hsetnx)
        .categories(category::HASH)
        .keys(&[key(1, access::RW_INSERT)])
        .doc(
            "hash",
            "2.0.0",
            "O(1)",
            "Set the value of a hash field, only if the field does not exist",
        ),
    row("hstrlen", 3, flag::READONLY | flag::FAST, hstrlen)
        .categories(category::HASH)
        .keys(&[key(1, access::RO)])
        .doc("hash", "3.2.0", "O(1)", "Get the length of the value of a hash field"),
    row("hvals", 2, flag::READONLY, hvals)
        .categories(category::HASH)
        .keys(&[key(1, access::RO_ACCESS)])
        .tips(&["nondeterministic_output_order"])
        .doc(
            "hash",
            "2.0.0",
            "O(N) where N is the size of the hash.",
            "Get all the values in a hash",
        ),
];

fn hdel(call: &mut Call<'_, '_>) -> Outcome {
    let fields: Vec<&[u8]> = call.args.iter().skip(2).collect();
    let count = call.session.pool.hdel_many(call.args.at(1), &fields)?;
    call.reply.count(count);
    Ok(())
}

fn hexists(call: &mut Call<'_, '_>) -> Outcome {
    let exists = call.session.pool.hexists(call.args.at(1), call.args.at(2))?;
    call.reply.flag(exists);
    Ok(())
}

fn hget(call: &mut Call<'_, '_>) -> Outcome {
    let Call { session, reply, args, .. } = call;
    if session.pool.hget_with(args.at(1), args.at(2), |value| reply.bulk(value))?.is_none() {
        reply.null();
    }
    Ok(())
}

fn hgetall(call: &mut Call<'_, '_>) -> Outcome {
    let pairs = call.session.pool.hgetall(call.args.at(1))?;
    call.reply.map(pairs.len());
    for (field, value) in pairs {
        call.reply.bulk(field);
        call.reply.bulk(value);
    }
    Ok(())
}

fn hincrby(call: &mut Call<'_, '_>) -> Outcome {
    let delta = integer(call.args.at(3))?;
    let sum = call.session.pool.hincrby(call.args.at(1), call.args.at(2), delta)?;
    call.reply.integer(sum);
    Ok(())
}

fn hincrbyfloat(call: &mut Call<'_, '_>) -> Outcome {
    let increment = call.args.at(3);
    let digits = increment.strip_prefix(b"-").or(increment.strip_prefix(b"+"));
    let digits = digits.unwrap_or(increment);
    // Comes before a wrong type.
    if is_word(digits, "inf") || is_word(digits, "infinity") {
        return Err(Failure::text("ERR value is NaN or Infinity"));
    }
    let (key, field) = (call.args.at(1), call.args.at(2));
    let sum = call.session.pool.hincrbyfloat_text(key, field, increment)?;
    call.reply.bulk(sum);
    Ok(())
}

fn hkeys(call: &mut Call<'_, '_>) -> Outcome {
    let fields = call.session.pool.hkeys(call.args.at(1))?;
    call.reply.bulks(fields.iter());
    Ok(())
}

fn hvals(call: &mut Call<'_, '_>) -> Outcome {
    let values = call.session.pool.hvals(call.args.at(1))?;
    call.reply.bulks(values.iter());
    Ok(())
}

fn hlen(call: &mut Call<'_, '_>) -> Outcome {
    let len = call.session.pool.hlen(call.args.at(1))?;
    call.reply.count(len);
    Ok(())
}

fn hstrlen(call: &mut Call<'_, '_>) -> Outcome {
    let len = call.session.pool.hstrlen(call.args.at(1), call.args.at(2))?;
    call.reply.count(len);
    Ok(())
}

fn hmget(call: &mut Call<'_, '_>) -> Outcome {
    let fields: Vec<&[u8]> = call.args.iter().skip(2).collect();
    let values = call.session.pool.hmget(call.args.at(1), &fields)?;
    call.reply.array(values.len());
    values.iter().for_each(|value| call.reply.optional(value.as_ref()));
    Ok(())
}

fn set_fields(call: &Call<'_, '_>) -> Result<usize, Failure> {
    let args = call.args;
    if !args.len().is_multiple_of(2) {
        return Err(Failure::Arity);
    }
    let places = (2..args.len()).step_by(2);
    let pairs: Vec<_> = places.map(|at| (args.at(at), args.at(at + 1))).collect();
    Ok(call.session.pool.hset_many(args.at(1), &pairs)?)
}

fn hset(call: &mut Call<'_, '_>) -> Outcome {
    let count = set_fields(call)?;
    call.reply.count(count);
    Ok(())
}

fn hmset(call: &mut Call<'_, '_>) -> Outcome {
    set_fields(call)?;
    call.reply.ok();
    Ok(())
}

fn hsetnx(call: &mut Call<'_, '_>) -> Outcome {
    let was_set = call.session.pool.hsetnx(call.args.at(1), call.args.at(2), call.args.at(3))?;
    call.reply.flag(was_set);
    Ok(())
}

fn hrandfield(call: &mut Call<'_, '_>) -> Outcome {
    let key = call.args.at(1);
    let Some(count) = call.args.get(2) else {
        let field = call.session.pool.hrandfield(key)?;
        call.reply.optional(field);
        return Ok(());
    };
    let count = integer(count)?;
    if count == i64::MIN {
        return Err(super::words::BELOW_RANGE);
    }
    let Some(word) = call.args.get(3) else {
        let fields = call.session.pool.hrandfield_count(key, count)?;
        call.reply.bulks(fields.iter());
        return Ok(());
    };
    if !is_word(word, "withvalues") || call.args.len() > 4 {
        return Err(Failure::SYNTAX);
    }
    if count.unsigned_abs() > i64::MAX.unsigned_abs() / 2 {
        return Err(Failure::text("ERR value is out of range"));
    }
    let pairs = call.session.pool.hrandfield_with_values(key, count)?;
    // RESP3 has each pair in an array of its own.
    let are_nested = call.session.protocol == Protocol::Resp3;
    call.reply.array(if are_nested { pairs.len() } else { pairs.len() * 2 });
    for (field, value) in pairs {
        if are_nested {
            call.reply.array(2);
        }
        call.reply.bulk(field);
        call.reply.bulk(value);
    }
    Ok(())
}

fn hscan(call: &mut Call<'_, '_>) -> Outcome {
    let Some(cursor) = begin_element_scan(call, ValueType::Hash)? else { return Ok(()) };
    let (options, _) = scan_options(call, 3, false)?;
    let page = call.session.pool.hscan(call.args.at(1), cursor, &options)?;
    call.reply.array(2);
    call.reply.bulk(page.cursor.to_string());
    call.reply.array(page.fields.len() * 2);
    for (field, value) in page.fields {
        call.reply.bulk(field);
        call.reply.bulk(value);
    }
    Ok(())
}
