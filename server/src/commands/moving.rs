//! RENAME, COPY, MOVE and SWAPDB.
//!
//! Between two databases, which are two pools, COPY and MOVE do not carry a key in one step: a client,
//! or the host, may see it in both, or without its deadline; and what is written to it meanwhile may
//! stay behind.

use super::{
    Call, CommandSpec, Failure,
    spec::{access, category, flag, key, row},
    words::{Outcome, is_word},
};
use crate::protocol::parse_integer;
use memory_cache_pool::{Error, MemoryCachePool, SetOptions, ValueType};

/// The rows.
pub(super) const ROWS: &[CommandSpec] = &[
    row("copy", -3, flag::WRITE | flag::DENYOOM, copy)
        .categories(category::KEYSPACE)
        .keys(&[key(1, access::RO_ACCESS), key(2, access::OW_UPDATE)])
        .doc(
            "generic",
            "6.2.0",
            "O(N) worst case for collections, where N is the number of nested items. O(1) for string values.",
            "Copy a key",
        ),
    row("move", 3, flag::WRITE | flag::FAST, move_key)
        .categories(category::KEYSPACE)
        .keys(&[key(1, access::RW_ACCESS_UPDATE)])
        .doc("generic", "1.0.0", "O(1)", "Move a key to another database"),
    row("rename", 3, flag::WRITE, rename)
        .categories(category::KEYSPACE)
        .keys(&[key(1, access::RW_ACCESS_DELETE), key(2, access::OW_UPDATE)])
        .doc("generic", "1.0.0", "O(1)", "Rename a key"),
    row("renamenx", 3, flag::WRITE | flag::FAST, renamenx)
        .categories(category::KEYSPACE)
        .keys(&[key(1, access::RW_ACCESS_DELETE), key(2, access::OW_INSERT)])
        .doc("generic", "1.0.0", "O(1)", "Rename a key, only if the new key does not exist"),
    row("swapdb", 3, flag::WRITE | flag::FAST, swapdb)
        .categories(category::KEYSPACE | category::DANGEROUS)
        .doc(
            "server",
            "4.0.0",
            "O(N) where N is the count of clients watching or blocking on keys from both databases.",
            "Swaps two Redis databases",
        ),
];

const SAME_OBJECT: Failure = Failure::text("ERR source and destination objects are the same");

/// Carries a key from one pool to another, which has no such key; false when there is nothing to
/// carry. All elements come at once, their deadline after them.
fn carry(
    from: &MemoryCachePool,
    key: &[u8],
    to: &MemoryCachePool,
    new_key: &[u8],
) -> Result<bool, Error> {
    let deadline = from.pexpiretime(key);
    match from.type_of(key) {
        None | Some(ValueType::Object) => return Ok(false),
        Some(ValueType::String) => {
            let Some(value) = from.get(key)? else { return Ok(false) };
            let options = SetOptions::new().nx();
            let options = if deadline > 0 { options.pxat(deadline) } else { options };
            return Ok(to.set_options(new_key, value, options)?.was_set);
        }
        Some(ValueType::List) => {
            to.rpush_many(new_key, &from.lrange(key, 0, -1)?)?;
        }
        Some(ValueType::Set) => {
            to.sadd_many(new_key, &from.smembers(key)?)?;
        }
        Some(ValueType::Hash) => {
            to.hset_many(new_key, &from.hgetall(key)?)?;
        }
        Some(_) => return Ok(false),
    }
    if deadline > 0 {
        to.pexpireat(new_key, deadline)?;
    }
    Ok(to.exists(new_key))
}

fn rename(call: &mut Call<'_, '_>) -> Outcome {
    call.session.pool.rename(call.args.at(1), call.args.at(2))?;
    call.brought(call.args.at(2));
    call.reply.ok();
    Ok(())
}

fn renamenx(call: &mut Call<'_, '_>) -> Outcome {
    let was_renamed = call.session.pool.renamenx(call.args.at(1), call.args.at(2))?;
    call.reply.flag(was_renamed);
    call.brought(call.args.at(2));
    Ok(())
}

fn copy(call: &mut Call<'_, '_>) -> Outcome {
    let mut database = call.session.database;
    let mut replaces = false;
    let mut at = 3;
    while let Some(word) = call.args.get(at) {
        if is_word(word, "replace") {
            replaces = true;
        } else if is_word(word, "db") {
            at += 1;
            let number = parse_integer(call.args.get(at).ok_or(Failure::SYNTAX)?)
                .ok_or(Failure::NOT_AN_INTEGER)?;
            database = usize::try_from(number).unwrap_or(usize::MAX);
        } else {
            return Err(Failure::SYNTAX);
        }
        at += 1;
    }
    let target = pool_of(call, database)?;
    let (from, to) = (call.args.at(1), call.args.at(2));
    if database == call.session.database && from == to {
        return Err(SAME_OBJECT);
    }
    if database == call.session.database {
        let was_copied = call.session.pool.copy(from, to, replaces)?;
        call.reply.flag(was_copied);
        call.brought(to);
        return Ok(());
    }
    if replaces && call.session.pool.exists(from) {
        target.delete(to);
    }
    let was_copied = !target.exists(to) && carry(&call.session.pool, from, &target, to)?;
    call.reply.flag(was_copied);
    call.session.shared.waiting.pushed(&call.session.shared.databases, database, to);
    Ok(())
}

fn pool_of(call: &Call<'_, '_>, database: usize) -> Result<MemoryCachePool, Failure> {
    let pool = call.session.shared.databases.open(database);
    pool.map(|(pool, _)| pool).ok_or(Failure::text("ERR DB index is out of range"))
}

fn move_key(call: &mut Call<'_, '_>) -> Outcome {
    let number = parse_integer(call.args.at(2)).ok_or(Failure::NOT_AN_INTEGER)?;
    let database = usize::try_from(number).unwrap_or(usize::MAX);
    let target = pool_of(call, database)?;
    if database == call.session.database {
        return Err(SAME_OBJECT);
    }
    let (pool, key) = (&call.session.pool, call.args.at(1));
    let was_moved = !target.exists(key) && carry(pool, key, &target, key)?;
    if was_moved {
        pool.delete(key);
    }
    call.reply.flag(was_moved);
    call.session.shared.waiting.pushed(&call.session.shared.databases, database, key);
    Ok(())
}

fn swapdb(call: &mut Call<'_, '_>) -> Outcome {
    let first =
        parse_integer(call.args.at(1)).ok_or(Failure::text("ERR invalid first DB index"))?;
    let second =
        parse_integer(call.args.at(2)).ok_or(Failure::text("ERR invalid second DB index"))?;
    let index = |number| usize::try_from(number).unwrap_or(usize::MAX);
    let (first, second) = (index(first), index(second));
    let shared = &call.session.shared;
    if !shared.databases.swap(first, second) {
        return Err(Failure::text("ERR DB index is out of range"));
    }
    shared.waiting.look(&shared.databases, Some(&[first, second]));
    call.reply.ok();
    Ok(())
}
