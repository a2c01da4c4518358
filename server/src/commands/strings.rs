//! Strings: SET and its kin, GET and its kin, ranges.

use super::{
    Call, CommandSpec, Failure,
    spec::{access, category, flag, key, keys, row},
    words::{Outcome, integer, is_word},
};
use memory_cache_pool::{Error, Expiry, SetOptions, ValueType};

/// The rows.
pub(super) const ROWS: &[CommandSpec] = &[
    row("append", 3, flag::WRITE | flag::DENYOOM | flag::FAST, append)
        .categories(category::STRING)
        .keys(&[key(1, access::RW_INSERT)])
        .doc(
            "string",
            "2.0.0",
            "O(1). The amortized time complexity is O(1) assuming the appended value is small and the already present value is of any size, since the dynamic string library used by Redis will double the free space available on every reallocation.",
            "Append a value to a key",
        ),
    row("get", 2, flag::READONLY | flag::FAST, get)
        .categories(category::STRING)
        .keys(&[key(1, access::RO_ACCESS)])
        .doc("string", "1.0.0", "O(1)", "Get the value of a key"),
    row("getdel", 2, flag::WRITE | flag::FAST, getdel)
        .categories(category::STRING)
        .keys(&[key(1, access::RW_ACCESS_DELETE)])
        .doc("string", "6.2.0", "O(1)", "Get the value of a key and delete the key"),
    row("getex", -2, flag::WRITE | flag::FAST, getex)
        .categories(category::STRING)
        .keys(&[key(1, access::RW_ACCESS_UPDATE)])
        .doc("string", "6.2.0", "O(1)", "Get the value of a key and optionally set its expiration"),
    row("getrange", 4, flag::READONLY, getrange)
        .categories(category::STRING)
        .keys(&[key(1, access::RO_ACCESS)])
        .doc(
            "string",
            "2.4.0",
            "O(N) where N is the length of the returned string. The complexity is ultimately determined by the returned length, but because creating a substring from an existing string is very cheap, it can be considered O(1) for small strings.",
            "Get a substring of the string stored at a key",
        ),
    row("getset", 3, flag::WRITE | flag::DENYOOM | flag::FAST, getset)
        .categories(category::STRING)
        .keys(&[key(1, access::RW_ACCESS_UPDATE)])
        .doc("string", "1.0.0", "O(1)", "Set the string value of a key and return its old value"),
    row("mget", -2, flag::READONLY | flag::FAST, mget)
        .categories(category::STRING)
        .keys(&[keys(1, -1, 1, access::RO_ACCESS)])
        .tips(&["request_policy:multi_shard"])
        .doc(
            "string",
            "1.0.0",
            "O(N) where N is the number of keys to retrieve.",
            "Get the values of all the given keys",
        ),
    row("mset", -3, flag::WRITE | flag::DENYOOM, mset)
        .categories(category::STRING)
        .keys(&[keys(1, -1, 2, access::OW_UPDATE)])
        .tips(&["request_policy:multi_shard", "response_policy:all_succeeded"])
        .doc(
            "string",
            "1.0.1",
            "O(N) where N is the number of keys to set.",
            "Set multiple keys to multiple values",
        ),
    row("msetnx", -3, flag::WRITE | flag::DENYOOM, msetnx)
        .categories(category::STRING)
        .keys(&[keys(1, -1, 2, access::OW_INSERT)])
        .tips(&["request_policy:multi_shard", "response_policy:agg_min"])
        .doc(
            "string",
            "1.0.1",
            "O(N) where N is the number of keys to set.",
            "Set multiple keys to multiple values, only if none of the keys exist",
        ),
    row("psetex", 4, flag::WRITE | flag::DENYOOM, psetex)
        .categories(category::STRING)
        .keys(&[key(1, access::OW_UPDATE)])
        .doc("string", "2.6.0", "O(1)", "Set the value and expiration in milliseconds of a key"),
    row("set", -3, flag::WRITE | flag::DENYOOM, set)
        .categories(category::STRING)
        .keys(&[key(1, access::RW_ACCESS_UPDATE_VARIABLE_FLAGS)])
        .doc("string", "1.0.0", "O(1)", "Set the string value of a key"),
    row("setex", 4, flag::WRITE | flag::DENYOOM, setex)
        .categories(category::STRING)
        .keys(&[key(1, access::OW_UPDATE)])
        .doc("string", "2.0.0", "O(1)", "Set the value and expiration of a key"),
    row("setnx", 3, flag::WRITE | flag::DENYOOM | flag::FAST, setnx)
        .categories(category::STRING)
        .keys(&[key(1, access::OW_INSERT)])
        .doc("string", "1.0.0", "O(1)", "Set the value of a key, only if the key does not exist"),
    row("setrange", 4, flag::WRITE | flag::DENYOOM, setrange)
        .categories(category::STRING)
        .keys(&[key(1, access::RW_UPDATE)])
        .doc(
            "string",
            "2.2.0",
            "O(1), not counting the time taken to copy the new string in place. Usually, this string is very small so the amortized complexity is O(1). Otherwise, complexity is O(M) with M being the length of the value argument.",
            "Overwrite part of a string at key starting at the specified offset",
        ),
    row("strlen", 2, flag::READONLY | flag::FAST, strlen)
        .categories(category::STRING)
        .keys(&[key(1, access::RO)])
        .doc("string", "2.2.0", "O(1)", "Get the length of the value stored in a key"),
    row("substr", 4, flag::READONLY, substr)
        .categories(category::STRING)
        .keys(&[key(1, access::RO_ACCESS)])
        .doc(
            "string",
            "1.0.0",
            "O(N) where N is the length of the returned string. The complexity is ultimately determined by the returned length, but because creating a substring from an existing string is very cheap, it can be considered O(1) for small strings.",
            "Get a substring of the string stored at a key",
        ),
];

fn append(call: &mut Call<'_, '_>) -> Outcome {
    let len = call.session.pool.append(call.args.at(1), call.args.at(2))?;
    call.reply.count(len);
    Ok(())
}

fn get(call: &mut Call<'_, '_>) -> Outcome {
    let Call { session, reply, args, .. } = call;
    if session.pool.get_with(args.at(1), |value| reply.bulk(value))?.is_none() {
        reply.null();
    }
    Ok(())
}

fn getdel(call: &mut Call<'_, '_>) -> Outcome {
    let value = call.session.pool.getdel(call.args.at(1))?;
    call.reply.optional(value);
    Ok(())
}

fn getex(call: &mut Call<'_, '_>) -> Outcome {
    let (pool, key) = (&call.session.pool, call.args.at(1));
    let mut given: Option<(&[u8], Option<&[u8]>)> = None;
    let mut at = 2;
    while let Some(word) = call.args.get(at) {
        let time = if is_word(word, "persist") {
            None
        } else if is_expiry(word) {
            at += 1;
            Some(call.args.get(at).ok_or(Failure::SYNTAX)?)
        } else {
            return Err(Failure::SYNTAX);
        };
        if given.replace((word, time)).is_some() {
            return Err(Failure::SYNTAX);
        }
        at += 1;
    }
    // A missing key and a wrong type come before a wrong time.
    let value = match pool.type_of(key) {
        None => None,
        Some(ValueType::String) => {
            let expiry = match given {
                None => Expiry::Keep,
                Some((_, None)) => Expiry::Persist,
                Some((word, time)) => expiry_of(word, time)?.ok_or(Failure::SYNTAX)?,
            };
            pool.getex(key, expiry)?
        }
        Some(_) => return Err(Failure::Pool(Error::WrongType)),
    };
    call.reply.optional(value);
    Ok(())
}

/// Whether a word begins a deadline.
fn is_expiry(word: &[u8]) -> bool {
    ["ex", "px", "exat", "pxat"].iter().any(|name| is_word(word, name))
}

/// The deadline that two words describe; none when the first is no word for one.
fn expiry_of(word: &[u8], time: Option<&[u8]>) -> Result<Option<Expiry>, Failure> {
    let make: fn(i64) -> Expiry = if is_word(word, "ex") {
        Expiry::InSeconds
    } else if is_word(word, "px") {
        Expiry::InMillis
    } else if is_word(word, "exat") {
        Expiry::AtSeconds
    } else if is_word(word, "pxat") {
        Expiry::AtMillis
    } else {
        return Ok(None);
    };
    Ok(Some(make(integer(time.ok_or(Failure::SYNTAX)?)?)))
}

fn getrange(call: &mut Call<'_, '_>) -> Outcome {
    let (start, end) = (integer(call.args.at(2))?, integer(call.args.at(3))?);
    let part = call.session.pool.getrange(call.args.at(1), start, end)?;
    call.reply.bulk(part);
    Ok(())
}

fn substr(call: &mut Call<'_, '_>) -> Outcome {
    getrange(call)
}

fn getset(call: &mut Call<'_, '_>) -> Outcome {
    let previous = call.session.pool.getset(call.args.at(1), call.args.at(2))?;
    call.reply.optional(previous);
    Ok(())
}

fn mget(call: &mut Call<'_, '_>) -> Outcome {
    let keys: Vec<&[u8]> = call.args.iter().skip(1).collect();
    let Call { session, reply, .. } = call;
    reply.array(keys.len());
    session.pool.get_many_with(&keys, |_, value| reply.optional(value));
    Ok(())
}

/// A key and its value.
type Pair<'a> = (&'a [u8], &'a [u8]);

/// Keys and values in turn.
fn pairs<'a>(call: &Call<'a, '_>) -> Result<Vec<Pair<'a>>, Failure> {
    if call.args.len().is_multiple_of(2) {
        return Err(Failure::Arity);
    }
    let args = call.args;
    Ok((1..args.len()).step_by(2).map(|at| (args.at(at), args.at(at + 1))).collect())
}

fn mset(call: &mut Call<'_, '_>) -> Outcome {
    let pairs = pairs(call)?;
    call.session.pool.mset(&pairs)?;
    call.reply.ok();
    Ok(())
}

fn msetnx(call: &mut Call<'_, '_>) -> Outcome {
    let pairs = pairs(call)?;
    let pool = &call.session.pool;
    let is_free = pairs.iter().all(|(key, _)| !pool.exists(key));
    if is_free {
        pool.mset(&pairs)?;
    }
    call.reply.flag(is_free);
    Ok(())
}

fn psetex(call: &mut Call<'_, '_>) -> Outcome {
    call.session.pool.psetex(call.args.at(1), integer(call.args.at(2))?, call.args.at(3))?;
    call.reply.ok();
    Ok(())
}

fn setex(call: &mut Call<'_, '_>) -> Outcome {
    call.session.pool.setex(call.args.at(1), integer(call.args.at(2))?, call.args.at(3))?;
    call.reply.ok();
    Ok(())
}

fn set(call: &mut Call<'_, '_>) -> Outcome {
    let (key, value) = (call.args.at(1), call.args.at(2));
    if call.args.len() == 3 {
        call.session.pool.set(key, value)?;
        call.reply.ok();
        return Ok(());
    }
    let (options, wants_previous) = set_options(call)?;
    let set = call.session.pool.set_options(key, value, options)?;
    match (wants_previous, set.was_set) {
        (true, _) => call.reply.optional(set.previous),
        (false, true) => call.reply.ok(),
        (false, false) => call.reply.null(),
    }
    Ok(())
}

/// The options of SET, and whether GET is among them. Each may be repeated, but only one deadline
/// may be given.
fn set_options(call: &Call<'_, '_>) -> Result<(SetOptions, bool), Failure> {
    let mut options = SetOptions::new();
    let (mut wants_previous, mut keeps, mut expires) = (false, false, false);
    let mut time = None;
    let mut at = 3;
    while let Some(word) = call.args.get(at) {
        at += 1;
        if is_word(word, "nx") {
            options = options.nx();
        } else if is_word(word, "xx") {
            options = options.xx();
        } else if is_word(word, "get") {
            options = options.get();
            wants_previous = true;
        } else if is_word(word, "keepttl") {
            keeps = true;
        } else if is_expiry(word) {
            if expires {
                return Err(Failure::SYNTAX);
            }
            expires = true;
            time = Some((word, call.args.get(at).ok_or(Failure::SYNTAX)?));
            at += 1;
        } else {
            return Err(Failure::SYNTAX);
        }
    }
    if keeps && expires {
        return Err(Failure::SYNTAX);
    }
    if keeps {
        options = options.keep_ttl();
    }
    // Contradictions come before numbers: a syntax error hides a wrong number.
    if let Some((word, time)) = time {
        options = match expiry_of(word, Some(time))? {
            Some(Expiry::InSeconds(seconds)) => options.ex(seconds),
            Some(Expiry::InMillis(millis)) => options.px(millis),
            Some(Expiry::AtSeconds(seconds)) => options.exat(seconds),
            Some(Expiry::AtMillis(millis)) => options.pxat(millis),
            _ => options,
        };
    }
    Ok((options, wants_previous))
}

fn setnx(call: &mut Call<'_, '_>) -> Outcome {
    let was_set = call.session.pool.setnx(call.args.at(1), call.args.at(2))?;
    call.reply.flag(was_set);
    Ok(())
}

fn setrange(call: &mut Call<'_, '_>) -> Outcome {
    let offset = integer(call.args.at(2))?;
    let offset =
        usize::try_from(offset).map_err(|_| Failure::text("ERR offset is out of range"))?;
    let len = call.session.pool.setrange(call.args.at(1), offset, call.args.at(3))?;
    call.reply.count(len);
    Ok(())
}

fn strlen(call: &mut Call<'_, '_>) -> Outcome {
    let len = call.session.pool.strlen(call.args.at(1))?;
    call.reply.count(len);
    Ok(())
}
