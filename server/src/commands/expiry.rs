//! Deadlines: EXPIRE and its kin, TTL and its kin.

use super::{
    Call, CommandSpec, Failure,
    spec::{access, category, flag, key, row},
    words::{Outcome, integer, is_word},
};
use memory_cache_pool::{Error, ExpireCondition, MemoryCachePool};

/// The rows.
pub(super) const ROWS: &[CommandSpec] = &[
    row("expire", -3, flag::WRITE | flag::FAST, expire)
        .categories(category::KEYSPACE)
        .keys(&[key(1, access::RW_UPDATE)])
        .doc("generic", "1.0.0", "O(1)", "Set a key's time to live in seconds"),
    row("expireat", -3, flag::WRITE | flag::FAST, expireat)
        .categories(category::KEYSPACE)
        .keys(&[key(1, access::RW_UPDATE)])
        .doc("generic", "1.2.0", "O(1)", "Set the expiration for a key as a UNIX timestamp"),
    row("expiretime", 2, flag::READONLY | flag::FAST, expiretime)
        .categories(category::KEYSPACE)
        .keys(&[key(1, access::RO_ACCESS)])
        .doc("generic", "7.0.0", "O(1)", "Get the expiration Unix timestamp for a key"),
    row("persist", 2, flag::WRITE | flag::FAST, persist)
        .categories(category::KEYSPACE)
        .keys(&[key(1, access::RW_UPDATE)])
        .doc("generic", "2.2.0", "O(1)", "Remove the expiration from a key"),
    row("pexpire", -3, flag::WRITE | flag::FAST, pexpire)
        .categories(category::KEYSPACE)
        .keys(&[key(1, access::RW_UPDATE)])
        .doc("generic", "2.6.0", "O(1)", "Set a key's time to live in milliseconds"),
    row("pexpireat", -3, flag::WRITE | flag::FAST, pexpireat)
        .categories(category::KEYSPACE)
        .keys(&[key(1, access::RW_UPDATE)])
        .doc(
            "generic",
            "2.6.0",
            "O(1)",
            "Set the expiration for a key as a UNIX timestamp specified in milliseconds",
        ),
    row("pexpiretime", 2, flag::READONLY | flag::FAST, pexpiretime)
        .categories(category::KEYSPACE)
        .keys(&[key(1, access::RO_ACCESS)])
        .doc(
            "generic",
            "7.0.0",
            "O(1)",
            "Get the expiration Unix timestamp for a key in milliseconds",
        ),
    row("pttl", 2, flag::READONLY | flag::FAST, pttl)
        .categories(category::KEYSPACE)
        .keys(&[key(1, access::RO_ACCESS)])
        .tips(&["nondeterministic_output"])
        .doc("generic", "2.6.0", "O(1)", "Get the time to live for a key in milliseconds"),
    row("ttl", 2, flag::READONLY | flag::FAST, ttl)
        .categories(category::KEYSPACE)
        .keys(&[key(1, access::RO_ACCESS)])
        .tips(&["nondeterministic_output"])
        .doc("generic", "1.0.0", "O(1)", "Get the time to live for a key in seconds"),
];

/// A method of the pool's that sets a deadline under a condition.
type SetDeadline = fn(&MemoryCachePool, &[u8], i64, ExpireCondition) -> Result<bool, Error>;

fn set_deadline(call: &mut Call<'_, '_>, set: SetDeadline) -> Outcome {
    let condition = condition(call)?;
    let time = integer(call.args.at(2))?;
    let was_set = set(&call.session.pool, call.args.at(1), time, condition)?;
    call.reply.flag(was_set);
    Ok(())
}

/// The condition that the words after the time describe.
fn condition(call: &Call<'_, '_>) -> Result<ExpireCondition, Failure> {
    let (mut nx, mut xx, mut gt, mut lt) = (false, false, false, false);
    for word in call.args.iter().skip(3) {
        let given = [("nx", &mut nx), ("xx", &mut xx), ("gt", &mut gt), ("lt", &mut lt)];
        let named = given.into_iter().find(|(name, _)| is_word(word, name));
        let Some((_, given)) = named else {
            let word = String::from_utf8_lossy(word);
            return Err(Failure::made(format!("ERR Unsupported option {word}")));
        };
        *given = true;
    }
    if nx && (xx || gt || lt) {
        let text = "ERR NX and XX, GT or LT options at the same time are not compatible";
        return Err(Failure::text(text));
    }
    if gt && lt {
        let text = "ERR GT and LT options at the same time are not compatible";
        return Err(Failure::text(text));
    }
    Ok(match (nx, xx, gt, lt) {
        (true, ..) => ExpireCondition::Nx,
        (_, _, true, _) => ExpireCondition::Gt,
        (_, true, _, true) => ExpireCondition::XxLt,
        (_, true, ..) => ExpireCondition::Xx,
        (.., true) => ExpireCondition::Lt,
        _ => ExpireCondition::Always,
    })
}

fn expire(call: &mut Call<'_, '_>) -> Outcome {
    set_deadline(call, |pool, key, time, condition| pool.expire_if(key, time, condition))
}

fn pexpire(call: &mut Call<'_, '_>) -> Outcome {
    set_deadline(call, |pool, key, time, condition| pool.pexpire_if(key, time, condition))
}

fn expireat(call: &mut Call<'_, '_>) -> Outcome {
    set_deadline(call, |pool, key, time, condition| pool.expireat_if(key, time, condition))
}

fn pexpireat(call: &mut Call<'_, '_>) -> Outcome {
    set_deadline(call, |pool, key, time, condition| pool.pexpireat_if(key, time, condition))
}

fn persist(call: &mut Call<'_, '_>) -> Outcome {
    let was_removed = call.session.pool.persist(call.args.at(1))?;
    call.reply.flag(was_removed);
    Ok(())
}

fn ttl(call: &mut Call<'_, '_>) -> Outcome {
    call.reply.integer(call.session.pool.ttl(call.args.at(1)));
    Ok(())
}

fn pttl(call: &mut Call<'_, '_>) -> Outcome {
    call.reply.integer(call.session.pool.pttl(call.args.at(1)));
    Ok(())
}

fn expiretime(call: &mut Call<'_, '_>) -> Outcome {
    call.reply.integer(call.session.pool.expiretime(call.args.at(1)));
    Ok(())
}

fn pexpiretime(call: &mut Call<'_, '_>) -> Outcome {
    call.reply.integer(call.session.pool.pexpiretime(call.args.at(1)));
    Ok(())
}
