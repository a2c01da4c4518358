//! Redis's commands, as words, on a pool: replies and errors word for word.

use super::resp::Resp;
use memory_cache_pool::{
    Error, InsertPosition, ListEnd, MemoryCachePool, PushOptions, ScanOptions, ValueType,
};

/// What a command answers, or why it is refused.
type Answer = Result<Resp, String>;

const NOT_AN_INTEGER: &str = "ERR value is not an integer or out of range";
const NOT_POSITIVE: &str = "ERR value is out of range, must be positive";
const SYNTAX: &str = "ERR syntax error";

/// Runs one command; `None` when it is not among those that are known here.
pub(crate) fn run(pool: &MemoryCachePool, words: &[Vec<u8>]) -> Option<Resp> {
    let name = String::from_utf8_lossy(&words[0]).to_lowercase();
    let args: Vec<&[u8]> = words[1..].iter().map(Vec::as_slice).collect();
    let answer = hashes(pool, &name, &args)
        .or_else(|| lists(pool, &name, &args))
        .or_else(|| lists_with_options(pool, &name, &args))
        .or_else(|| sets(pool, &name, &args))
        .or_else(|| set_algebra(pool, &name, &args))
        .or_else(|| keys(pool, &name, &args))?;
    Some(answer.unwrap_or_else(Resp::Error))
}

/// An error as Redis words it.
fn said(error: Error) -> String {
    match error {
        Error::WrongType => "WRONGTYPE Operation against a key holding the wrong kind of value",
        Error::NotAnInteger => NOT_AN_INTEGER,
        Error::HashValueNotAnInteger => "ERR hash value is not an integer",
        Error::HashValueNotAFloat => "ERR hash value is not a float",
        Error::NotAFloat => "ERR value is not a valid float",
        Error::NanOrInfinity => "ERR value is NaN or Infinity",
        Error::Overflow => "ERR increment or decrement would overflow",
        Error::NoSuchKey => "ERR no such key",
        Error::IndexOutOfRange => "ERR index out of range",
        Error::SameKey => "ERR source and destination objects are the same",
        Error::ZeroRank => {
            "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or \
             use negative to start from the end of the list"
        }
        Error::Syntax => SYNTAX,
        other => return other.to_string(),
    }
    .to_owned()
}

fn number(word: &[u8]) -> Result<i64, String> {
    let text = std::str::from_utf8(word).map_err(|_| NOT_AN_INTEGER)?;
    let number = text.parse::<i64>().map_err(|_| NOT_AN_INTEGER)?;
    if number.to_string() == text { Ok(number) } else { Err(NOT_AN_INTEGER.to_owned()) }
}

fn positive(word: &[u8]) -> Result<usize, String> {
    let number = number(word).map_err(|_| NOT_POSITIVE)?;
    usize::try_from(number).map_err(|_| NOT_POSITIVE.to_owned())
}

fn not_negative(word: &[u8], otherwise: &str) -> Result<usize, String> {
    let number = number(word).ok().and_then(|number| usize::try_from(number).ok());
    number.ok_or_else(|| otherwise.to_owned())
}

fn truth(is_so: Result<bool, Error>) -> Answer {
    is_so.map(|is_so| Resp::Number(i64::from(is_so))).map_err(said)
}

fn size(size: Result<usize, Error>) -> Answer {
    size.map(Resp::size).map_err(said)
}

fn bulk(value: Result<Option<Vec<u8>>, Error>) -> Answer {
    value.map(Resp::bulk).map_err(said)
}

fn bulks(values: Result<Vec<Vec<u8>>, Error>) -> Answer {
    values.map(Resp::bulks).map_err(said)
}

fn is(word: &[u8], name: &str) -> bool {
    word.eq_ignore_ascii_case(name.as_bytes())
}

fn hashes(pool: &MemoryCachePool, name: &str, args: &[&[u8]]) -> Option<Answer> {
    let pairs = |args: &[&[u8]]| -> Vec<(Vec<u8>, Vec<u8>)> {
        args.chunks(2).map(|pair| (pair[0].to_vec(), pair[1].to_vec())).collect()
    };
    let flat = |pairs: Vec<(Vec<u8>, Vec<u8>)>| {
        Resp::bulks(pairs.into_iter().flat_map(|(field, value)| [field, value]))
    };
    Some(match (name, args) {
        ("hset", [key, rest @ ..]) => size(pool.hset_many(key, &pairs(rest))),
        ("hmset", [key, rest @ ..]) => {
            pool.hset_many(key, &pairs(rest)).map(|_| Resp::ok()).map_err(said)
        }
        ("hsetnx", [key, field, value]) => truth(pool.hsetnx(key, field, value)),
        ("hget", [key, field]) => bulk(pool.hget(key, field)),
        ("hmget", [key, fields @ ..]) => pool
            .hmget(key, fields)
            .map(|values| Resp::Array(values.into_iter().map(Resp::bulk).collect()))
            .map_err(said),
        ("hgetall", [key]) => pool.hgetall(key).map(flat).map_err(said),
        ("hkeys", [key]) => bulks(pool.hkeys(key)),
        ("hvals", [key]) => bulks(pool.hvals(key)),
        ("hdel", [key, fields @ ..]) => size(pool.hdel_many(key, fields)),
        ("hexists", [key, field]) => truth(pool.hexists(key, field)),
        ("hlen", [key]) => size(pool.hlen(key)),
        ("hstrlen", [key, field]) => size(pool.hstrlen(key, field)),
        ("hincrby", [key, field, delta]) => number(delta)
            .and_then(|delta| pool.hincrby(key, field, delta).map(Resp::Number).map_err(said)),
        ("hincrbyfloat", [key, field, delta]) => {
            bulk(pool.hincrbyfloat_text(key, field, delta).map(Some))
        }
        ("hrandfield", [key]) => bulk(pool.hrandfield(key)),
        ("hrandfield", [key, most]) => {
            number(most).and_then(|most| bulks(pool.hrandfield_count(key, most)))
        }
        ("hrandfield", [key, most, _]) => number(most)
            .and_then(|most| pool.hrandfield_with_values(key, most).map(flat).map_err(said)),
        ("hscan", [key, cursor]) => {
            let cursor = number(cursor).unwrap_or(0).unsigned_abs();
            let page = pool.hscan(key, cursor, &ScanOptions::new());
            page.map(|page| {
                let cursor = Resp::Bulk(page.cursor.to_string().into_bytes());
                Resp::Array(vec![cursor, flat(page.fields)])
            })
            .map_err(said)
        }
        _ => return None,
    })
}

fn lists(pool: &MemoryCachePool, name: &str, args: &[&[u8]]) -> Option<Answer> {
    Some(match (name, args) {
        ("lpush", [key, elements @ ..]) => size(pool.lpush_many(key, elements)),
        ("rpush", [key, elements @ ..]) => size(pool.rpush_many(key, elements)),
        ("lpushx" | "rpushx", [key, elements @ ..]) => {
            let end = if name == "lpushx" { ListEnd::Left } else { ListEnd::Right };
            size(pool.push_options(key, elements, PushOptions::at(end).only_existing()))
        }
        ("lpop", [key]) => bulk(pool.lpop(key)),
        ("rpop", [key]) => bulk(pool.rpop(key)),
        ("lpop" | "rpop", [key, most]) => positive(most).and_then(|most| {
            let popped = if name == "lpop" {
                pool.lpop_count(key, most)
            } else {
                pool.rpop_count(key, most)
            };
            popped.map(|popped| popped.map_or(Resp::NilArray, Resp::bulks)).map_err(said)
        }),
        ("llen", [key]) => size(pool.llen(key)),
        ("lrange", [key, start, stop]) => number(start)
            .and_then(|start| number(stop).and_then(|stop| bulks(pool.lrange(key, start, stop)))),
        ("lindex", [key, index]) => {
            // Redis looks at the key before it looks at the index.
            match pool.llen(key) {
                Ok(0) => Ok(Resp::Nil),
                Ok(_) => number(index).and_then(|index| bulk(pool.lindex(key, index))),
                Err(error) => Err(said(error)),
            }
        }
        ("lset", [key, index, element]) => match pool.llen(key) {
            Ok(0) => Err(said(Error::NoSuchKey)),
            Ok(_) => number(index).and_then(|index| {
                pool.lset(key, index, element).map(|()| Resp::ok()).map_err(said)
            }),
            Err(error) => Err(said(error)),
        },
        ("linsert", [key, place, pivot, element]) => {
            let place = match place {
                word if is(word, "before") => InsertPosition::Before,
                word if is(word, "after") => InsertPosition::After,
                _ => return Some(Err(SYNTAX.to_owned())),
            };
            pool.linsert(key, place, pivot, element).map(Resp::Number).map_err(said)
        }
        ("lrem", [key, most, element]) => {
            number(most).and_then(|most| size(pool.lrem(key, most, element)))
        }
        ("ltrim", [key, start, stop]) => number(start).and_then(|start| {
            let stop = number(stop)?;
            pool.ltrim(key, start, stop).map(|()| Resp::ok()).map_err(said)
        }),
        _ => return None,
    })
}

fn end(word: &[u8]) -> Result<ListEnd, String> {
    match word {
        word if is(word, "left") => Ok(ListEnd::Left),
        word if is(word, "right") => Ok(ListEnd::Right),
        _ => Err(SYNTAX.to_owned()),
    }
}

fn lists_with_options(pool: &MemoryCachePool, name: &str, args: &[&[u8]]) -> Option<Answer> {
    Some(match (name, args) {
        ("lpos", [key, element, options @ ..]) => lpos(pool, key, element, options),
        ("lmove", [source, destination, from, to]) => end(from).and_then(|from| {
            let to = end(to)?;
            bulk(pool.lmove(source, destination, from, to))
        }),
        ("rpoplpush", [source, destination]) => bulk(pool.rpoplpush(source, destination)),
        ("lmpop", [many, rest @ ..]) => lmpop(pool, many, rest),
        _ => return None,
    })
}

fn lpos(pool: &MemoryCachePool, key: &[u8], element: &[u8], options: &[&[u8]]) -> Answer {
    let (mut rank, mut most, mut max_len) = (1, None, 0);
    for option in options.chunks(2) {
        let [word, value] = option else { return Err(SYNTAX.to_owned()) };
        match word {
            word if is(word, "rank") => {
                rank = number(value)?;
                if rank == 0 {
                    return Err(said(Error::ZeroRank));
                }
            }
            word if is(word, "count") => {
                most = Some(not_negative(value, "ERR COUNT can't be negative")?);
            }
            word if is(word, "maxlen") => {
                max_len = not_negative(value, "ERR MAXLEN can't be negative")?;
            }
            _ => return Err(SYNTAX.to_owned()),
        }
    }
    let found = pool.lpos_many(key, element, rank, most.unwrap_or(1), max_len).map_err(said)?;
    Ok(match most {
        Some(_) => Resp::Array(found.into_iter().map(Resp::size).collect()),
        None => found.first().map_or(Resp::Nil, |&index| Resp::size(index)),
    })
}

fn lmpop(pool: &MemoryCachePool, many: &[u8], rest: &[&[u8]]) -> Answer {
    let many = number(many).ok().and_then(|many| usize::try_from(many).ok());
    let many = many.filter(|&many| many > 0).ok_or("ERR numkeys should be greater than 0")?;
    let (keys, options) = rest.split_at_checked(many).ok_or(SYNTAX)?;
    let (side, most) = match options {
        [side] => (end(side)?, 1),
        [side, word, most] if is(word, "count") => {
            let side = end(side)?;
            let most = number(most).ok().and_then(|most| usize::try_from(most).ok());
            let most = most.filter(|&most| most > 0);
            (side, most.ok_or("ERR count should be greater than 0")?)
        }
        _ => return Err(SYNTAX.to_owned()),
    };
    Ok(match pool.lmpop(keys, side, most).map_err(said)? {
        None => Resp::NilArray,
        Some(popped) => {
            Resp::Array(vec![Resp::Bulk(keys[popped.index].to_vec()), Resp::bulks(popped.elements)])
        }
    })
}

fn sets(pool: &MemoryCachePool, name: &str, args: &[&[u8]]) -> Option<Answer> {
    Some(match (name, args) {
        ("sadd", [key, members @ ..]) => size(pool.sadd_many(key, members)),
        ("srem", [key, members @ ..]) => size(pool.srem_many(key, members)),
        ("sismember", [key, member]) => truth(pool.sismember(key, member)),
        ("smismember", [key, members @ ..]) => pool
            .smismember(key, members)
            .map(|are| Resp::Array(are.into_iter().map(|is| Resp::size(is.into())).collect()))
            .map_err(said),
        ("smembers", [key]) => bulks(pool.smembers(key)),
        ("scard", [key]) => size(pool.scard(key)),
        ("spop", [key]) => bulk(pool.spop(key)),
        ("spop", [key, most]) => positive(most).and_then(|most| bulks(pool.spop_count(key, most))),
        ("srandmember", [key]) => bulk(pool.srandmember(key)),
        ("srandmember", [key, most]) => {
            number(most).and_then(|most| bulks(pool.srandmember_count(key, most)))
        }
        ("smove", [source, destination, member]) => truth(pool.smove(source, destination, member)),
        ("sscan", [key, cursor]) => {
            let cursor = number(cursor).unwrap_or(0).unsigned_abs();
            let page = pool.sscan(key, cursor, &ScanOptions::new());
            page.map(|page| {
                let cursor = Resp::Bulk(page.cursor.to_string().into_bytes());
                Resp::Array(vec![cursor, Resp::bulks(page.members)])
            })
            .map_err(said)
        }
        _ => return None,
    })
}

fn set_algebra(pool: &MemoryCachePool, name: &str, args: &[&[u8]]) -> Option<Answer> {
    Some(match (name, args) {
        ("sinter", keys) => bulks(pool.sinter(keys)),
        ("sunion", keys) => bulks(pool.sunion(keys)),
        ("sdiff", keys) => bulks(pool.sdiff(keys)),
        ("sinterstore", [to, keys @ ..]) => size(pool.sinterstore(to, keys)),
        ("sunionstore", [to, keys @ ..]) => size(pool.sunionstore(to, keys)),
        ("sdiffstore", [to, keys @ ..]) => size(pool.sdiffstore(to, keys)),
        ("sintercard", [many, rest @ ..]) => sintercard(pool, many, rest),
        _ => return None,
    })
}

fn sintercard(pool: &MemoryCachePool, many: &[u8], rest: &[&[u8]]) -> Answer {
    let many = number(many).ok().and_then(|many| usize::try_from(many).ok());
    let many = many.filter(|&many| many > 0).ok_or("ERR numkeys should be greater than 0")?;
    let (keys, options) = rest
        .split_at_checked(many)
        .ok_or("ERR Number of keys can't be greater than number of args")?;
    let limit = match options {
        [] => 0,
        [word, limit] if is(word, "limit") => {
            let limit = number(limit).ok().and_then(|limit| usize::try_from(limit).ok());
            limit.ok_or("ERR LIMIT can't be negative")?
        }
        _ => return Err(SYNTAX.to_owned()),
    };
    size(pool.sintercard(keys, limit))
}

fn keys(pool: &MemoryCachePool, name: &str, args: &[&[u8]]) -> Option<Answer> {
    Some(match (name, args) {
        ("set", [key, value]) => pool.set(key, value).map(|()| Resp::ok()).map_err(said),
        ("get", [key]) => bulk(pool.get(key)),
        ("append", [key, value]) => size(pool.append(key, value)),
        ("incr", [key]) => pool.incr(key).map(Resp::Number).map_err(said),
        ("del" | "unlink", keys) => Ok(Resp::size(pool.delete_many(keys))),
        ("exists", keys) => Ok(Resp::size(pool.exists_many(keys))),
        ("type", [key]) => {
            let name =
                pool.type_of(key).map_or("none".to_owned(), |kind: ValueType| kind.to_string());
            Ok(Resp::Simple(name))
        }
        ("rename", [from, to]) => pool.rename(from, to).map(|()| Resp::ok()).map_err(said),
        ("renamenx", [from, to]) => truth(pool.renamenx(from, to)),
        ("copy", [from, to]) => truth(pool.copy(from, to, false)),
        ("copy", [from, to, word]) if is(word, "replace") => truth(pool.copy(from, to, true)),
        ("pexpire", [key, millis]) => {
            number(millis).and_then(|millis| truth(pool.pexpire(key, millis)))
        }
        ("persist", [key]) => truth(pool.persist(key)),
        ("dbsize", []) => Ok(Resp::size(pool.dbsize())),
        ("flushall", []) => {
            pool.flushall();
            Ok(Resp::ok())
        }
        ("object", [word, key]) if is(word, "encoding") => {
            Ok(Resp::bulk(pool.object_encoding(key).map(|name| name.as_bytes().to_vec())))
        }
        _ => return None,
    })
}
