//! Sets.

use super::{
    Call, CommandSpec, Failure,
    keys::{begin_element_scan, scan_options},
    spec::{access, category, counted_keys, flag, key, keys, row},
    words::{BELOW_RANGE, NUMBER_OF_KEYS, Outcome, counted, integer, is_word},
};
use crate::protocol::parse_integer;
use memory_cache_pool::ValueType;

/// The rows.
pub(super) const ROWS: &[CommandSpec] = &[
    row("sadd", -3, flag::WRITE | flag::DENYOOM | flag::FAST, sadd)
        .categories(category::SET)
        .keys(&[key(1, access::RW_INSERT)])
        .doc(
            "set",
            "1.0.0",
            "O(1) for each element added, so O(N) to add N elements when the command is called with multiple arguments.",
            "Add one or more members to a set",
        ),
    row("scard", 2, flag::READONLY | flag::FAST, scard)
        .categories(category::SET)
        .keys(&[key(1, access::RO)])
        .doc("set", "1.0.0", "O(1)", "Get the number of members in a set"),
    row("sdiff", -2, flag::READONLY, sdiff)
        .categories(category::SET)
        .keys(&[keys(1, -1, 1, access::RO_ACCESS)])
        .tips(&["nondeterministic_output_order"])
        .doc(
            "set",
            "1.0.0",
            "O(N) where N is the total number of elements in all given sets.",
            "Subtract multiple sets",
        ),
    row("sdiffstore", -3, flag::WRITE | flag::DENYOOM, sdiffstore)
        .categories(category::SET)
        .keys(&[key(1, access::OW_UPDATE), keys(2, -1, 1, access::RO_ACCESS)])
        .doc(
            "set",
            "1.0.0",
            "O(N) where N is the total number of elements in all given sets.",
            "Subtract multiple sets and store the resulting set in a key",
        ),
    row("sinter", -2, flag::READONLY, sinter)
        .categories(category::SET)
        .keys(&[keys(1, -1, 1, access::RO_ACCESS)])
        .tips(&["nondeterministic_output_order"])
        .doc(
            "set",
            "1.0.0",
            "O(N*M) worst case where N is the cardinality of the smallest set and M is the number of sets.",
            "Intersect multiple sets",
        ),
    row("sintercard", -3, flag::READONLY | flag::MOVABLEKEYS, sintercard)
        .categories(category::SET)
        .keys(&[counted_keys(1, access::RO_ACCESS)])
        .doc(
            "set",
            "7.0.0",
            "O(N*M) worst case where N is the cardinality of the smallest set and M is the number of sets.",
            "Intersect multiple sets and return the cardinality of the result",
        ),
    row("sinterstore", -3, flag::WRITE | flag::DENYOOM, sinterstore)
        .categories(category::SET)
        .keys(&[key(1, access::RW_UPDATE), keys(2, -1, 1, access::RO_ACCESS)])
        .doc(
            "set",
            "1.0.0",
            "O(N*M) worst case where N is the cardinality of the smallest set and M is the number of sets.",
            "Intersect multiple sets and store the resulting set in a key",
        ),
    row("sismember", 3, flag::READONLY | flag::FAST, sismember)
        .categories(category::SET)
        .keys(&[key(1, access::RO)])
        .doc("set", "1.0.0", "O(1)", "Determine if a given value is a member of a set"),
    row("smembers", 2, flag::READONLY, smembers)
        .categories(category::SET)
        .keys(&[key(1, access::RO_ACCESS)])
        .tips(&["nondeterministic_output_order"])
        .doc(
            "set",
            "1.0.0",
            "O(N) where N is the set cardinality.",
            "Get all the members in a set",
        ),
    row("smismember", -3, flag::READONLY | flag::FAST, smismember)
        .categories(category::SET)
        .keys(&[key(1, access::RO_ACCESS)])
        .doc(
            "set",
            "6.2.0",
            "O(N) where N is the number of elements being checked for membership",
            "Returns the membership associated with the given elements for a set",
        ),
    row("smove", 4, flag::WRITE | flag::FAST, smove)
        .categories(category::SET)
        .keys(&[key(1, access::RW_ACCESS_DELETE), key(2, access::RW_INSERT)])
        .doc("set", "1.0.0", "O(1)", "Move a member from one set to another"),
    row("spop", -2, flag::WRITE | flag::FAST, spop)
        .categories(category::SET)
        .keys(&[key(1, access::RW_ACCESS_DELETE)])
        .tips(&["nondeterministic_output"])
        .doc(
            "set",
            "1.0.0",
            "Without the count argument O(1), otherwise O(N) where N is the value of the passed count.",
            "Remove and return one or multiple random members from a set",
        ),
    row("srandmember", -2, flag::READONLY, srandmember)
        .categories(category::SET)
        .keys(&[key(1, access::RO_ACCESS)])
        .tips(&["nondeterministic_output"])
        .doc(
            "set",
            "1.0.0",
            "Without the count argument O(1), otherwise O(N) where N is the absolute value of the passed count.",
            "Get one or multiple random members from a set",
        ),
    row("srem", -3, flag::WRITE | flag::FAST, srem)
        .categories(category::SET)
        .keys(&[key(1, access::RW_DELETE)])
        .doc(
            "set",
            "1.0.0",
            "O(N) where N is the number of members to be removed.",
            "Remove one or more members from a set",
        ),
    row("sscan", -3, flag::READONLY, sscan)
        .categories(category::SET)
        .keys(&[key(1, access::RO_ACCESS)])
        .tips(&["nondeterministic_output"])
        .doc(
            "set",
            "2.8.0",
            "O(1) for every call. O(N) for a complete iteration, including enough command calls for the cursor to return back to 0. N is the number of elements inside the collection..",
            "Incrementally iterate Set elements",
        ),
    row("sunion", -2, flag::READONLY, sunion)
        .categories(category::SET)
        .keys(&[keys(1, -1, 1, access::RO_ACCESS)])
        .tips(&["nondeterministic_output_order"])
        .doc(
            "set",
            "1.0.0",
            "O(N) where N is the total number of elements in all given sets.",
            "Add multiple sets",
        ),
    row("sunionstore", -3, flag::WRITE | flag::DENYOOM, sunionstore)
        .categories(category::SET)
        .keys(&[key(1, access::OW_UPDATE), keys(2, -1, 1, access::RO_ACCESS)])
        .doc(
            "set",
            "1.0.0",
            "O(N) where N is the total number of elements in all given sets.",
            "Add multiple sets and store the resulting set in a key",
        ),
];

/// The arguments from an index on.
fn rest<'a>(call: &Call<'a, '_>, from: usize) -> Vec<&'a [u8]> {
    call.args.iter().skip(from).collect()
}

fn reply_members(call: &mut Call<'_, '_>, members: &[Vec<u8>]) {
    call.reply.set(members.len());
    members.iter().for_each(|member| call.reply.bulk(member));
}

fn sadd(call: &mut Call<'_, '_>) -> Outcome {
    let count = call.session.pool.sadd_many(call.args.at(1), &rest(call, 2))?;
    call.reply.count(count);
    Ok(())
}

fn srem(call: &mut Call<'_, '_>) -> Outcome {
    let count = call.session.pool.srem_many(call.args.at(1), &rest(call, 2))?;
    call.reply.count(count);
    Ok(())
}

fn scard(call: &mut Call<'_, '_>) -> Outcome {
    let count = call.session.pool.scard(call.args.at(1))?;
    call.reply.count(count);
    Ok(())
}

fn sismember(call: &mut Call<'_, '_>) -> Outcome {
    let is_member = call.session.pool.sismember(call.args.at(1), call.args.at(2))?;
    call.reply.flag(is_member);
    Ok(())
}

fn smismember(call: &mut Call<'_, '_>) -> Outcome {
    let are_members = call.session.pool.smismember(call.args.at(1), &rest(call, 2))?;
    call.reply.array(are_members.len());
    are_members.iter().for_each(|is_member| call.reply.flag(*is_member));
    Ok(())
}

fn smembers(call: &mut Call<'_, '_>) -> Outcome {
    let members = call.session.pool.smembers(call.args.at(1))?;
    reply_members(call, &members);
    Ok(())
}

fn smove(call: &mut Call<'_, '_>) -> Outcome {
    let args = call.args;
    let was_moved = call.session.pool.smove(args.at(1), args.at(2), args.at(3))?;
    call.reply.flag(was_moved);
    Ok(())
}

fn spop(call: &mut Call<'_, '_>) -> Outcome {
    let key = call.args.at(1);
    match call.args.get(2) {
        None => {
            let member = call.session.pool.spop(key)?;
            call.reply.optional(member);
        }
        Some(_) if call.args.len() > 3 => return Err(Failure::SYNTAX),
        Some(count) => {
            let members = call.session.pool.spop_count(key, counted(count)?)?;
            reply_members(call, &members);
        }
    }
    Ok(())
}

fn srandmember(call: &mut Call<'_, '_>) -> Outcome {
    let key = call.args.at(1);
    match call.args.get(2) {
        None => {
            let member = call.session.pool.srandmember(key)?;
            call.reply.optional(member);
        }
        Some(_) if call.args.len() > 3 => return Err(Failure::SYNTAX),
        Some(count) => {
            let count = integer(count)?;
            if count == i64::MIN {
                return Err(BELOW_RANGE);
            }
            let members = call.session.pool.srandmember_count(key, count)?;
            call.reply.bulks(members.iter());
        }
    }
    Ok(())
}

fn sinter(call: &mut Call<'_, '_>) -> Outcome {
    let members = call.session.pool.sinter(&rest(call, 1))?;
    reply_members(call, &members);
    Ok(())
}

fn sunion(call: &mut Call<'_, '_>) -> Outcome {
    let members = call.session.pool.sunion(&rest(call, 1))?;
    reply_members(call, &members);
    Ok(())
}

fn sdiff(call: &mut Call<'_, '_>) -> Outcome {
    let members = call.session.pool.sdiff(&rest(call, 1))?;
    reply_members(call, &members);
    Ok(())
}

fn sinterstore(call: &mut Call<'_, '_>) -> Outcome {
    let count = call.session.pool.sinterstore(call.args.at(1), &rest(call, 2))?;
    call.reply.count(count);
    Ok(())
}

fn sunionstore(call: &mut Call<'_, '_>) -> Outcome {
    let count = call.session.pool.sunionstore(call.args.at(1), &rest(call, 2))?;
    call.reply.count(count);
    Ok(())
}

fn sdiffstore(call: &mut Call<'_, '_>) -> Outcome {
    let count = call.session.pool.sdiffstore(call.args.at(1), &rest(call, 2))?;
    call.reply.count(count);
    Ok(())
}

fn sintercard(call: &mut Call<'_, '_>) -> Outcome {
    let args = call.args;
    let number = parse_integer(args.at(1)).and_then(|number| usize::try_from(number).ok());
    let number = number.filter(|number| *number > 0).ok_or(NUMBER_OF_KEYS)?;
    if number > args.len() - 2 {
        return Err(Failure::text("ERR Number of keys can't be greater than number of args"));
    }
    let mut limit = 0;
    let mut at = number + 2;
    while let Some(word) = args.get(at) {
        let value = args.get(at + 1).filter(|_| is_word(word, "limit")).ok_or(Failure::SYNTAX)?;
        let text = Failure::text("ERR LIMIT can't be negative");
        let value = parse_integer(value).and_then(|limit| usize::try_from(limit).ok());
        limit = value.ok_or(text)?;
        at += 2;
    }
    let keys: Vec<&[u8]> = args.iter().skip(2).take(number).collect();
    let count = call.session.pool.sintercard(&keys, limit)?;
    call.reply.count(count);
    Ok(())
}

fn sscan(call: &mut Call<'_, '_>) -> Outcome {
    let Some(cursor) = begin_element_scan(call, ValueType::Set)? else { return Ok(()) };
    let (options, _) = scan_options(call, 3, false)?;
    let page = call.session.pool.sscan(call.args.at(1), cursor, &options)?;
    call.reply.array(2);
    call.reply.bulk(page.cursor.to_string());
    call.reply.bulks(page.members.iter());
    Ok(())
}
