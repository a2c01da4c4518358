//! Lists.

use super::{
    Call, CommandSpec, Failure,
    spec::{access, category, counted_keys, flag, key, row},
    words::{NUMBER_OF_KEYS, Outcome, counted, integer, is_word},
};
use crate::protocol::{Arguments, parse_integer};
use memory_cache_pool::{InsertPosition, ListEnd, PushOptions};

/// The rows.
pub(super) const ROWS: &[CommandSpec] = &[
    row("lindex", 3, flag::READONLY, lindex)
        .categories(category::LIST)
        .keys(&[key(1, access::RO_ACCESS)])
        .doc(
            "list",
            "1.0.0",
            "O(N) where N is the number of elements to traverse to get to the element at index. This makes asking for the first or the last element of the list O(1).",
            "Get an element from a list by its index",
        ),
    row("linsert", 5, flag::WRITE | flag::DENYOOM, linsert)
        .categories(category::LIST)
        .keys(&[key(1, access::RW_INSERT)])
        .doc(
            "list",
            "2.2.0",
            "O(N) where N is the number of elements to traverse before seeing the value pivot. This means that inserting somewhere on the left end on the list (head) can be considered O(1) and inserting somewhere on the right end (tail) is O(N).",
            "Insert an element before or after another element in a list",
        ),
    row("llen", 2, flag::READONLY | flag::FAST, llen)
        .categories(category::LIST)
        .keys(&[key(1, access::RO)])
        .doc("list", "1.0.0", "O(1)", "Get the length of a list"),
    row("lmove", 5, flag::WRITE | flag::DENYOOM, lmove)
        .categories(category::LIST)
        .keys(&[key(1, access::RW_ACCESS_DELETE), key(2, access::RW_INSERT)])
        .doc(
            "list",
            "6.2.0",
            "O(1)",
            "Pop an element from a list, push it to another list and return it",
        ),
    row("lmpop", -4, flag::WRITE | flag::MOVABLEKEYS, lmpop)
        .categories(category::LIST)
        .keys(&[counted_keys(1, access::RW_ACCESS_DELETE)])
        .doc(
            "list",
            "7.0.0",
            "O(N+M) where N is the number of provided keys and M is the number of elements returned.",
            "Pop elements from a list",
        ),
    row("lpop", -2, flag::WRITE | flag::FAST, lpop)
        .categories(category::LIST)
        .keys(&[key(1, access::RW_ACCESS_DELETE)])
        .doc(
            "list",
            "1.0.0",
            "O(N) where N is the number of elements returned",
            "Remove and get the first elements in a list",
        ),
    row("lpos", -3, flag::READONLY, lpos)
        .categories(category::LIST)
        .keys(&[key(1, access::RO_ACCESS)])
        .doc(
            "list",
            "6.0.6",
            "O(N) where N is the number of elements in the list, for the average case. When searching for elements near the head or the tail of the list, or when the MAXLEN option is provided, the command may run in constant time.",
            "Return the index of matching elements on a list",
        ),
    row("lpush", -3, flag::WRITE | flag::DENYOOM | flag::FAST, lpush)
        .categories(category::LIST)
        .keys(&[key(1, access::RW_INSERT)])
        .doc(
            "list",
            "1.0.0",
            "O(1) for each element added, so O(N) to add N elements when the command is called with multiple arguments.",
            "Prepend one or multiple elements to a list",
        ),
    row("lpushx", -3, flag::WRITE | flag::DENYOOM | flag::FAST, lpushx)
        .categories(category::LIST)
        .keys(&[key(1, access::RW_INSERT)])
        .doc(
            "list",
            "2.2.0",
            "O(1) for each element added, so O(N) to add N elements when the command is called with multiple arguments.",
            "Prepend an element to a list, only if the list exists",
        ),
    row("lrange", 4, flag::READONLY, lrange)
        .categories(category::LIST)
        .keys(&[key(1, access::RO_ACCESS)])
        .doc(
            "list",
            "1.0.0",
            "O(S+N) where S is the distance of start offset from HEAD for small lists, from nearest end (HEAD or TAIL) for large lists; and N is the number of elements in the specified range.",
            "Get a range of elements from a list",
        ),
    row("lrem", 4, flag::WRITE, lrem)
        .categories(category::LIST)
        .keys(&[key(1, access::RW_DELETE)])
        .doc(
            "list",
            "1.0.0",
            "O(N+M) where N is the length of the list and M is the number of elements removed.",
            "Remove elements from a list",
        ),
    row("lset", 4, flag::WRITE | flag::DENYOOM, lset)
        .categories(category::LIST)
        .keys(&[key(1, access::RW_UPDATE)])
        .doc(
            "list",
            "1.0.0",
            "O(N) where N is the length of the list. Setting either the first or the last element of the list is O(1).",
            "Set the value of an element in a list by its index",
        ),
    row("ltrim", 4, flag::WRITE, ltrim)
        .categories(category::LIST)
        .keys(&[key(1, access::RW_DELETE)])
        .doc(
            "list",
            "1.0.0",
            "O(N) where N is the number of elements to be removed by the operation.",
            "Trim a list to the specified range",
        ),
    row("rpop", -2, flag::WRITE | flag::FAST, rpop)
        .categories(category::LIST)
        .keys(&[key(1, access::RW_ACCESS_DELETE)])
        .doc(
            "list",
            "1.0.0",
            "O(N) where N is the number of elements returned",
            "Remove and get the last elements in a list",
        ),
    row("rpoplpush", 3, flag::WRITE | flag::DENYOOM, rpoplpush)
        .categories(category::LIST)
        .keys(&[key(1, access::RW_ACCESS_DELETE), key(2, access::RW_INSERT)])
        .doc(
            "list",
            "1.2.0",
            "O(1)",
            "Remove the last element in a list, prepend it to another list and return it",
        ),
    row("rpush", -3, flag::WRITE | flag::DENYOOM | flag::FAST, rpush)
        .categories(category::LIST)
        .keys(&[key(1, access::RW_INSERT)])
        .doc(
            "list",
            "1.0.0",
            "O(1) for each element added, so O(N) to add N elements when the command is called with multiple arguments.",
            "Append one or multiple elements to a list",
        ),
    row("rpushx", -3, flag::WRITE | flag::DENYOOM | flag::FAST, rpushx)
        .categories(category::LIST)
        .keys(&[key(1, access::RW_INSERT)])
        .doc(
            "list",
            "2.2.0",
            "O(1) for each element added, so O(N) to add N elements when the command is called with multiple arguments.",
            "Append an element to a list, only if the list exists",
        ),
];

fn push(call: &mut Call<'_, '_>, options: PushOptions) -> Outcome {
    let elements: Vec<&[u8]> = call.args.iter().skip(2).collect();
    let len = call.session.pool.push_options(call.args.at(1), &elements, options)?;
    call.reply.count(len);
    call.brought(call.args.at(1));
    Ok(())
}

fn lpush(call: &mut Call<'_, '_>) -> Outcome {
    push(call, PushOptions::at(ListEnd::Left))
}

fn rpush(call: &mut Call<'_, '_>) -> Outcome {
    push(call, PushOptions::at(ListEnd::Right))
}

fn lpushx(call: &mut Call<'_, '_>) -> Outcome {
    push(call, PushOptions::at(ListEnd::Left).only_existing())
}

fn rpushx(call: &mut Call<'_, '_>) -> Outcome {
    push(call, PushOptions::at(ListEnd::Right).only_existing())
}

fn pop(call: &mut Call<'_, '_>, end: ListEnd) -> Outcome {
    let (pool, key) = (&call.session.pool, call.args.at(1));
    let Some(count) = call.args.get(2) else {
        let element = match end {
            ListEnd::Left => pool.lpop(key)?,
            ListEnd::Right => pool.rpop(key)?,
        };
        call.reply.optional(element);
        return Ok(());
    };
    if call.args.len() > 3 {
        return Err(Failure::Arity);
    }
    let most = counted(count)?;
    let elements = match end {
        ListEnd::Left => pool.lpop_count(key, most)?,
        ListEnd::Right => pool.rpop_count(key, most)?,
    };
    match elements {
        Some(elements) => call.reply.bulks(elements.iter()),
        None => call.reply.null_array(),
    }
    Ok(())
}

fn lpop(call: &mut Call<'_, '_>) -> Outcome {
    pop(call, ListEnd::Left)
}

fn rpop(call: &mut Call<'_, '_>) -> Outcome {
    pop(call, ListEnd::Right)
}

fn llen(call: &mut Call<'_, '_>) -> Outcome {
    let len = call.session.pool.llen(call.args.at(1))?;
    call.reply.count(len);
    Ok(())
}

fn lrange(call: &mut Call<'_, '_>) -> Outcome {
    let (start, stop) = (integer(call.args.at(2))?, integer(call.args.at(3))?);
    let elements = call.session.pool.lrange(call.args.at(1), start, stop)?;
    call.reply.bulks(elements.iter());
    Ok(())
}

fn lindex(call: &mut Call<'_, '_>) -> Outcome {
    let (pool, key) = (&call.session.pool, call.args.at(1));
    // A missing key and a wrong type come before a wrong index.
    if pool.llen(key)? == 0 {
        call.reply.null();
        return Ok(());
    }
    let element = pool.lindex(key, integer(call.args.at(2))?)?;
    call.reply.optional(element);
    Ok(())
}

fn lset(call: &mut Call<'_, '_>) -> Outcome {
    let (pool, key) = (&call.session.pool, call.args.at(1));
    if pool.llen(key)? == 0 {
        return Err(Failure::Pool(memory_cache_pool::Error::NoSuchKey));
    }
    pool.lset(key, integer(call.args.at(2))?, call.args.at(3))?;
    call.reply.ok();
    Ok(())
}

fn linsert(call: &mut Call<'_, '_>) -> Outcome {
    let args = call.args;
    let position = if is_word(args.at(2), "before") {
        InsertPosition::Before
    } else if is_word(args.at(2), "after") {
        InsertPosition::After
    } else {
        return Err(Failure::SYNTAX);
    };
    let len = call.session.pool.linsert(args.at(1), position, args.at(3), args.at(4))?;
    call.reply.integer(len);
    Ok(())
}

fn lrem(call: &mut Call<'_, '_>) -> Outcome {
    let most = integer(call.args.at(2))?;
    let count = call.session.pool.lrem(call.args.at(1), most, call.args.at(3))?;
    call.reply.count(count);
    Ok(())
}

fn ltrim(call: &mut Call<'_, '_>) -> Outcome {
    let (start, stop) = (integer(call.args.at(2))?, integer(call.args.at(3))?);
    call.session.pool.ltrim(call.args.at(1), start, stop)?;
    call.reply.ok();
    Ok(())
}

fn lpos(call: &mut Call<'_, '_>) -> Outcome {
    let (mut rank, mut count, mut most_compared) = (1, None, 0);
    let mut at = 3;
    while let Some(word) = call.args.get(at) {
        let value = call.args.get(at + 1).ok_or(Failure::SYNTAX)?;
        if is_word(word, "rank") {
            // The least integer has no negation; Redis takes the last match for it.
            rank = integer(value)?;
            rank = if rank == i64::MIN { -1 } else { rank };
            if rank == 0 {
                return Err(Failure::Pool(memory_cache_pool::Error::ZeroRank));
            }
        } else if is_word(word, "count") {
            let text = Failure::text("ERR COUNT can't be negative");
            count = Some(not_negative(value).ok_or(text)?);
        } else if is_word(word, "maxlen") {
            let text = Failure::text("ERR MAXLEN can't be negative");
            most_compared = not_negative(value).ok_or(text)?;
        } else {
            return Err(Failure::SYNTAX);
        }
        at += 2;
    }
    let (key, element) = (call.args.at(1), call.args.at(2));
    let most = count.unwrap_or(1);
    let found = call.session.pool.lpos_many(key, element, rank, most, most_compared)?;
    if count.is_some() {
        call.reply.array(found.len());
        found.iter().for_each(|index| call.reply.count(*index));
    } else {
        match found.first() {
            Some(index) => call.reply.count(*index),
            None => call.reply.null(),
        }
    }
    Ok(())
}

fn not_negative(text: &[u8]) -> Option<usize> {
    parse_integer(text).and_then(|number| usize::try_from(number).ok())
}

pub(super) fn end_of(word: &[u8]) -> Result<ListEnd, Failure> {
    if is_word(word, "left") {
        Ok(ListEnd::Left)
    } else if is_word(word, "right") {
        Ok(ListEnd::Right)
    } else {
        Err(Failure::SYNTAX)
    }
}

fn lmove(call: &mut Call<'_, '_>) -> Outcome {
    let (from, to) = (end_of(call.args.at(3))?, end_of(call.args.at(4))?);
    let element = call.session.pool.lmove(call.args.at(1), call.args.at(2), from, to)?;
    call.reply.optional(element);
    call.brought(call.args.at(2));
    Ok(())
}

fn rpoplpush(call: &mut Call<'_, '_>) -> Outcome {
    let element = call.session.pool.rpoplpush(call.args.at(1), call.args.at(2))?;
    call.reply.optional(element);
    call.brought(call.args.at(2));
    Ok(())
}

/// What LMPOP asks for.
#[derive(Debug)]
pub(super) struct Popping<'a> {
    pub(super) keys: Vec<&'a [u8]>,
    pub(super) end: ListEnd,
    pub(super) most: usize,
}

impl<'a> Popping<'a> {
    /// Reads `numkeys key… LEFT|RIGHT [COUNT count]` after one other argument.
    pub(super) fn parse(args: Arguments<'a>) -> Result<Self, Failure> {
        let number = not_negative(args.at(1)).filter(|number| *number > 0).ok_or(NUMBER_OF_KEYS)?;
        let place = number.checked_add(2).filter(|place| *place < args.len());
        let place = place.ok_or(Failure::SYNTAX)?;
        let end = end_of(args.at(place))?;
        let mut most = None;
        let mut at = place + 1;
        while let Some(word) = args.get(at) {
            let value = args.get(at + 1).ok_or(Failure::SYNTAX)?;
            if !is_word(word, "count") || most.is_some() {
                return Err(Failure::SYNTAX);
            }
            let text = Failure::text("ERR count should be greater than 0");
            most = Some(not_negative(value).filter(|most| *most > 0).ok_or(text)?);
            at += 2;
        }
        let keys = args.iter().skip(2).take(number).collect();
        Ok(Self { keys, end, most: most.unwrap_or(1) })
    }
}

fn lmpop(call: &mut Call<'_, '_>) -> Outcome {
    let Popping { keys, end, most } = Popping::parse(call.args)?;
    match call.session.pool.lmpop(&keys, end, most)? {
        None => call.reply.null_array(),
        Some(popped) => {
            call.reply.array(2);
            call.reply.bulk(keys.get(popped.index).copied().unwrap_or_default());
            call.reply.bulks(popped.elements.iter());
        }
    }
    Ok(())
}
