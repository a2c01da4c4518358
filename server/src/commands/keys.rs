//! Keys as such, and all of them at once.

use super::{
    Call, CommandSpec, Failure,
    spec::{access, category, flag, key, keys as key_range, row},
    words::{Outcome, integer, is_word},
};
use crate::protocol::parse_unsigned;
use memory_cache_pool::{Error, ScanOptions, ValueType};

/// The rows.
pub(super) const ROWS: &[CommandSpec] = &[
    row("dbsize", 1, flag::READONLY | flag::FAST, dbsize)
        .categories(category::KEYSPACE)
        .tips(&["request_policy:all_shards", "response_policy:agg_sum"])
        .doc("server", "1.0.0", "O(1)", "Return the number of keys in the selected database"),
    row("del", -2, flag::WRITE, del)
        .categories(category::KEYSPACE)
        .keys(&[key_range(1, -1, 1, access::RM_DELETE)])
        .tips(&["request_policy:multi_shard", "response_policy:agg_sum"])
        .doc(
            "generic",
            "1.0.0",
            "O(N) where N is the number of keys that will be removed. When a key to remove holds a value other than a string, the individual complexity for this key is O(M) where M is the number of elements in the list, set, sorted set or hash. Removing a single key that holds a string value is O(1).",
            "Delete a key",
        ),
    row("exists", -2, flag::READONLY | flag::FAST, exists)
        .categories(category::KEYSPACE)
        .keys(&[key_range(1, -1, 1, access::RO)])
        .tips(&["request_policy:multi_shard", "response_policy:agg_sum"])
        .doc(
            "generic",
            "1.0.0",
            "O(N) where N is the number of keys to check.",
            "Determine if a key exists",
        ),
    row("flushall", -1, flag::WRITE, flushall)
        .categories(category::KEYSPACE | category::DANGEROUS)
        .tips(&["request_policy:all_shards", "response_policy:all_succeeded"])
        .doc(
            "server",
            "1.0.0",
            "O(N) where N is the total number of keys in all databases",
            "Remove all keys from all databases",
        ),
    row("flushdb", -1, flag::WRITE, flushdb)
        .categories(category::KEYSPACE | category::DANGEROUS)
        .tips(&["request_policy:all_shards", "response_policy:all_succeeded"])
        .doc(
            "server",
            "1.0.0",
            "O(N) where N is the number of keys in the selected database",
            "Remove all keys from the current database",
        ),
    row("keys", 2, flag::READONLY, keys)
        .categories(category::KEYSPACE | category::DANGEROUS)
        .tips(&["request_policy:all_shards", "nondeterministic_output_order"])
        .doc(
            "generic",
            "1.0.0",
            "O(N) with N being the number of keys in the database, under the assumption that the key names in the database and the given pattern have limited length.",
            "Find all keys matching the given pattern",
        ),
    row("randomkey", 1, flag::READONLY, randomkey)
        .categories(category::KEYSPACE)
        .tips(&["request_policy:all_shards", "nondeterministic_output"])
        .doc("generic", "1.0.0", "O(1)", "Return a random key from the keyspace"),
    row("scan", -2, flag::READONLY, scan)
        .categories(category::KEYSPACE)
        .tips(&["nondeterministic_output", "request_policy:special"])
        .doc(
            "generic",
            "2.8.0",
            "O(1) for every call. O(N) for a complete iteration, including enough command calls for the cursor to return back to 0. N is the number of elements inside the collection.",
            "Incrementally iterate the keys space",
        ),
    row("touch", -2, flag::READONLY | flag::FAST, touch)
        .categories(category::KEYSPACE)
        .keys(&[key_range(1, -1, 1, access::RO)])
        .tips(&["request_policy:multi_shard", "response_policy:agg_sum"])
        .doc(
            "generic",
            "3.2.1",
            "O(N) where N is the number of keys that will be touched.",
            "Alters the last access time of a key(s). Returns the number of existing keys specified.",
        ),
    row("type", 2, flag::READONLY | flag::FAST, type_of)
        .categories(category::KEYSPACE)
        .keys(&[key(1, access::RO)])
        .doc("generic", "1.0.0", "O(1)", "Determine the type stored at key"),
    row("unlink", -2, flag::WRITE | flag::FAST, unlink)
        .categories(category::KEYSPACE)
        .keys(&[key_range(1, -1, 1, access::RM_DELETE)])
        .tips(&["request_policy:multi_shard", "response_policy:agg_sum"])
        .doc(
            "generic",
            "4.0.0",
            "O(1) for each key removed regardless of its size. Then the command does O(N) work in a different thread in order to reclaim memory, where N is the number of allocations the deleted objects where composed of.",
            "Delete a key asynchronously in another thread. Otherwise it is just as DEL, but non blocking.",
        ),
];

fn dbsize(call: &mut Call<'_, '_>) -> Outcome {
    call.reply.count(call.session.pool.dbsize());
    Ok(())
}

/// Does something to each key, and tells how often it did.
fn count_keys(call: &mut Call<'_, '_>, mut each: impl FnMut(&Call<'_, '_>, &[u8]) -> bool) {
    let count = call.args.iter().skip(1).filter(|key| each(call, key)).count();
    call.reply.count(count);
}

fn del(call: &mut Call<'_, '_>) -> Outcome {
    count_keys(call, |call, key| call.session.pool.delete(key));
    Ok(())
}

fn unlink(call: &mut Call<'_, '_>) -> Outcome {
    count_keys(call, |call, key| call.session.pool.unlink(key));
    Ok(())
}

fn exists(call: &mut Call<'_, '_>) -> Outcome {
    count_keys(call, |call, key| call.session.pool.exists(key));
    Ok(())
}

fn touch(call: &mut Call<'_, '_>) -> Outcome {
    count_keys(call, |call, key| call.session.pool.touch(key));
    Ok(())
}

/// FLUSHALL and FLUSHDB take ASYNC or SYNC, which are the same here: nothing waits either way.
fn check_flush(call: &Call<'_, '_>) -> Outcome {
    match call.args.get(1) {
        None => Ok(()),
        Some(word) if call.args.len() == 2 && (is_word(word, "async") || is_word(word, "sync")) => {
            Ok(())
        }
        Some(_) => Err(Failure::SYNTAX),
    }
}

fn flushall(call: &mut Call<'_, '_>) -> Outcome {
    check_flush(call)?;
    for (_, pool) in call.session.shared.databases.used() {
        pool.flushall();
    }
    call.reply.ok();
    Ok(())
}

fn flushdb(call: &mut Call<'_, '_>) -> Outcome {
    check_flush(call)?;
    call.session.pool.flushall();
    call.reply.ok();
    Ok(())
}

fn keys(call: &mut Call<'_, '_>) -> Outcome {
    let keys = call.session.pool.keys(call.args.at(1));
    call.reply.bulks(keys.iter());
    Ok(())
}

fn randomkey(call: &mut Call<'_, '_>) -> Outcome {
    let key = call.session.pool.randomkey();
    call.reply.optional(key);
    Ok(())
}

fn type_of(call: &mut Call<'_, '_>) -> Outcome {
    match call.session.pool.type_of(call.args.at(1)) {
        Some(value_type) => call.reply.simple(&value_type.to_string()),
        None => call.reply.simple("none"),
    }
    Ok(())
}

/// The options of SCAN and its kin from an argument on, and whether anything can match them: a type
/// that does not exist matches nothing.
pub(super) fn scan_options(
    call: &Call<'_, '_>,
    from: usize,
    takes_type: bool,
) -> Result<(ScanOptions, bool), Failure> {
    const TYPES: [ValueType; 4] =
        [ValueType::String, ValueType::Hash, ValueType::List, ValueType::Set];
    let mut options = ScanOptions::new();
    let mut is_possible = true;
    let mut at = from;
    while let Some(word) = call.args.get(at) {
        let value = call.args.get(at + 1).ok_or(Failure::SYNTAX)?;
        if is_word(word, "count") {
            let count = usize::try_from(integer(value)?).unwrap_or(0);
            if count == 0 {
                return Err(Failure::SYNTAX);
            }
            options = options.count(count);
        } else if is_word(word, "match") {
            options = options.pattern(value);
        } else if takes_type && is_word(word, "type") {
            match TYPES.into_iter().find(|one| is_word(value, &one.to_string())) {
                Some(value_type) => options = options.value_type(value_type),
                None => is_possible = false,
            }
        } else {
            return Err(Failure::SYNTAX);
        }
        at += 2;
    }
    Ok((options, is_possible))
}

/// Pages of the pool that a call of SCAN may take beyond the first.
const MOST_PAGES: usize = 10;

/// As many keys as Redis shows at once when nobody says how many.
const FEW_KEYS: usize = 10;

const INVALID_CURSOR: Failure = Failure::text("ERR invalid cursor");

/// The cursor of HSCAN or SSCAN; none when there is no such key, which has been replied then: a
/// missing key comes before wrong options.
pub(super) fn begin_element_scan(
    call: &mut Call<'_, '_>,
    value_type: ValueType,
) -> Result<Option<u64>, Failure> {
    let cursor = parse_unsigned(call.args.at(2)).ok_or(INVALID_CURSOR)?;
    match call.session.pool.type_of(call.args.at(1)) {
        None => {
            call.reply.array(2);
            call.reply.bulk("0");
            call.reply.array(0);
            Ok(None)
        }
        Some(found) if found == value_type => Ok(Some(cursor)),
        Some(_) => Err(Failure::Pool(Error::WrongType)),
    }
}

fn scan(call: &mut Call<'_, '_>) -> Outcome {
    let cursor = parse_unsigned(call.args.at(1)).ok_or(INVALID_CURSOR)?;
    let (options, is_possible) = scan_options(call, 2, true)?;
    let pool = &call.session.pool;
    let mut page = pool.scan(cursor, &options)?;
    // A table with few keys is mostly empty: some more pages may come to its end at once.
    for _ in 0..MOST_PAGES {
        if page.cursor == 0 || !page.keys.is_empty() && pool.dbsize() > FEW_KEYS {
            break;
        }
        let mut next = pool.scan(page.cursor, &options)?;
        page.cursor = next.cursor;
        page.keys.append(&mut next.keys);
    }
    let keys = if is_possible { page.keys } else { Vec::new() };
    call.reply.array(2);
    call.reply.bulk(page.cursor.to_string());
    call.reply.bulks(keys.iter());
    Ok(())
}
