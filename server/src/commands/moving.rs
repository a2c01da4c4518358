//! RENAME, COPY, MOVE and SWAPDB.
//!
//! Between two databases, which are two pools, COPY and MOVE carry strings only, and not in one
//! step: in between, a client, or the host, may see neither key or both.

use super::{
    Call, CommandSpec, Failure,
    spec::{access, category, flag, key, row},
    words::{Outcome, is_word},
};
use crate::protocol::parse_integer;
use memory_cache_pool::{MemoryCachePool, SetOptions};

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

/// How to set a key so that it has a deadline; −1 for none.
fn with_deadline(deadline: i64) -> SetOptions {
    if deadline > 0 { SetOptions::new().pxat(deadline) } else { SetOptions::new() }
}

fn rename(call: &mut Call<'_, '_>) -> Outcome {
    call.session.pool.rename(call.args.at(1), call.args.at(2))?;
    call.reply.ok();
    Ok(())
}

fn renamenx(call: &mut Call<'_, '_>) -> Outcome {
    let was_renamed = call.session.pool.renamenx(call.args.at(1), call.args.at(2))?;
    call.reply.flag(was_renamed);
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
        return Ok(());
    }
    let deadline = call.session.pool.pexpiretime(from);
    let was_copied = match call.session.pool.get(from)? {
        None => false,
        Some(value) => {
            let options = with_deadline(deadline);
            let options = if replaces { options } else { options.nx() };
            target.set_options(to, value, options)?.was_set
        }
    };
    call.reply.flag(was_copied);
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
    let deadline = pool.pexpiretime(key);
    let was_moved = !target.exists(key)
        && match pool.getdel(key)? {
            None => false,
            Some(value) => target.set_options(key, value, with_deadline(deadline))?.was_set,
        };
    call.reply.flag(was_moved);
    Ok(())
}

fn swapdb(call: &mut Call<'_, '_>) -> Outcome {
    let first =
        parse_integer(call.args.at(1)).ok_or(Failure::text("ERR invalid first DB index"))?;
    let second =
        parse_integer(call.args.at(2)).ok_or(Failure::text("ERR invalid second DB index"))?;
    let index = |number| usize::try_from(number).unwrap_or(usize::MAX);
    if !call.session.shared.databases.swap(index(first), index(second)) {
        return Err(Failure::text("ERR DB index is out of range"));
    }
    call.reply.ok();
    Ok(())
}
