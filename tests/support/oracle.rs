//! The pool's commands on a plain map: what every reply is compared with.

use super::{
    command::{Change, Command, Expire, Getex, INCREMENTS, Key, Options, PATTERNS},
    reply::{Bytes, Reply, text},
};
use memory_cache_pool::{Error, ExpireCondition, Update};
use std::{collections::BTreeMap, time::Duration};

/// A key's value and times, in milliseconds.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Entry {
    value: Vec<u8>,
    deadline: Option<u64>,
    written: u64,
}

/// A keyspace on a plain map.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct Oracle {
    entries: BTreeMap<Vec<u8>, Entry>,
    now: u64,
    default_ttl: Option<u64>,
}

/// A time given to a command, as Unix milliseconds.
fn absolute(time: i64, expire: Expire, now: u64) -> Result<i64, Error> {
    let unit = if expire.in_seconds { 1000 } else { 1 };
    let base = if expire.from_now { i128::from(now) } else { 0 };
    i64::try_from(i128::from(time) * unit + base).map_err(|_| Error::InvalidExpire)
}

/// The canonical form of an integer, or none.
fn integer(value: &[u8]) -> Result<i64, Error> {
    let number: Option<i64> = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
    number.filter(|number| number.to_string().as_bytes() == value).ok_or(Error::NotAnInteger)
}

/// A short decimal number in ten-thousandths; none for what this oracle leaves to the pool.
fn ten_thousandths(value: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(value).ok()?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = whole.strip_prefix('-').unwrap_or(whole);
    let is_short = |digits: &str, most| {
        (1..=most).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    if !is_short(digits, 9) || !is_short(fraction, 4) {
        return None;
    }
    let magnitude: i64 = format!("{digits}{fraction:0<4}").parse().ok()?;
    // Sixteenths are exact in binary too; for the rest the last digit is a matter of rounding.
    let number = if whole.starts_with('-') { -magnitude } else { magnitude };
    (number % 625 == 0).then_some(number)
}

/// Prints ten-thousandths as Redis prints a float.
fn print_ten_thousandths(number: i64) -> Vec<u8> {
    let sign = if number < 0 { "-" } else { "" };
    let (whole, fraction) = (number.abs() / 10_000, number.abs() % 10_000);
    let text = format!("{sign}{whole}.{fraction:04}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned().into_bytes()
}

impl Oracle {
    /// An empty keyspace at a time.
    pub(crate) fn new(now: u64, default_ttl: Option<u64>) -> Self {
        Self { entries: BTreeMap::new(), now, default_ttl }
    }

    /// What the clock shows.
    pub(crate) fn now(&self) -> u64 {
        self.now
    }

    /// The keys that exist.
    pub(crate) fn keys(&self) -> Vec<Vec<u8>> {
        self.entries.keys().cloned().collect()
    }

    /// Takes the value over that the pool says a key has.
    pub(crate) fn adopt(&mut self, key: Key, value: Vec<u8>) {
        let deadline = self.deadline_of(key);
        self.put(key, value, deadline);
    }

    /// Whether INCRBYFLOAT on the key is beyond this oracle's simple numbers.
    pub(crate) fn leaves_float_to_the_pool(&self, key: Key) -> bool {
        self.value(key).is_some_and(|value| ten_thousandths(value).is_none())
    }

    fn value(&self, key: Key) -> Option<&[u8]> {
        self.entries.get(key.bytes()).map(|entry| entry.value.as_slice())
    }

    fn copy(&self, key: Key) -> Option<Bytes> {
        text(self.value(key).map(<[u8]>::to_vec))
    }

    fn default_deadline(&self) -> Option<u64> {
        self.default_ttl.map(|ttl| self.now + ttl)
    }

    /// The deadline that a write keeps: the key's own, or for a new key the default.
    fn deadline_of(&self, key: Key) -> Option<u64> {
        match self.entries.get(key.bytes()) {
            Some(entry) => entry.deadline,
            None => self.default_deadline(),
        }
    }

    fn put(&mut self, key: Key, value: Vec<u8>, deadline: Option<u64>) {
        let entry = Entry { value, deadline, written: self.now };
        self.entries.insert(key.bytes().to_vec(), entry);
    }

    /// Gives a key a deadline that may have passed.
    fn put_until(&mut self, key: Key, value: Vec<u8>, deadline: i64) {
        match u64::try_from(deadline) {
            Ok(deadline) if deadline > self.now => self.put(key, value, Some(deadline)),
            _ => drop(self.entries.remove(key.bytes())),
        }
    }

    /// The deadline of SET and GETEX, whose times have to be positive.
    fn positive(&self, expire: Expire) -> Result<i64, Error> {
        let time = expire.time(self.now);
        if time <= 0 { Err(Error::InvalidExpire) } else { absolute(time, expire, self.now) }
    }

    fn set(&mut self, key: Key, value: &[u8], options: Options) -> Result<Reply, Error> {
        if options.nx && options.xx || options.expire.is_some() && options.keep_ttl {
            return Err(Error::Syntax);
        }
        let deadline = options.expire.map(|expire| self.positive(expire)).transpose()?;
        let exists = self.value(key).is_some();
        let previous = if options.get { self.copy(key) } else { None };
        if options.nx && exists || options.xx && !exists {
            return Ok(Reply::Set(false, previous));
        }
        match deadline {
            Some(deadline) => self.put_until(key, value.to_vec(), deadline),
            None if options.keep_ttl => self.put(key, value.to_vec(), self.deadline_of(key)),
            None => self.put(key, value.to_vec(), self.default_deadline()),
        }
        Ok(Reply::Set(true, previous))
    }

    fn getex(&mut self, key: Key, expiry: Getex) -> Result<Reply, Error> {
        let value = self.copy(key);
        if value.is_none() {
            return Ok(Reply::Value(None));
        }
        let deadline = match expiry {
            Getex::Keep => return Ok(Reply::Value(value)),
            Getex::Persist => None,
            Getex::Expire(expire) => Some(self.positive(expire)?),
        };
        self.redate(key, deadline);
        Ok(Reply::Value(value))
    }

    fn redate(&mut self, key: Key, deadline: Option<i64>) {
        let now = self.now;
        let deadline = deadline.map(|deadline| u64::try_from(deadline).unwrap_or(0));
        if deadline.is_some_and(|deadline| deadline <= now) {
            self.entries.remove(key.bytes());
        } else if let Some(entry) = self.entries.get_mut(key.bytes()) {
            entry.deadline = deadline;
        }
    }

    fn expire(&mut self, key: Key, expire: Expire) -> Result<bool, Error> {
        let new = absolute(expire.time(self.now), expire, self.now)?;
        let Some(entry) = self.entries.get(key.bytes()) else { return Ok(false) };
        let old = entry.deadline.map(|deadline| i64::try_from(deadline).unwrap_or(i64::MAX));
        let is_permitted = match expire.condition() {
            ExpireCondition::Always => true,
            ExpireCondition::Nx => old.is_none(),
            ExpireCondition::Xx => old.is_some(),
            ExpireCondition::Gt => old.is_some_and(|old| new > old),
            ExpireCondition::Lt => old.is_none_or(|old| new < old),
            ExpireCondition::XxLt => old.is_some_and(|old| new < old),
        };
        if is_permitted {
            self.redate(key, Some(new));
        }
        Ok(is_permitted)
    }

    fn add(&mut self, key: Key, delta: i64) -> Result<Reply, Error> {
        let sum = integer(self.value(key).unwrap_or(b"0"))?;
        let sum = sum.checked_add(delta).ok_or(Error::Overflow)?;
        self.put(key, sum.to_string().into_bytes(), self.deadline_of(key));
        Ok(Reply::Number(sum))
    }

    fn update(&mut self, key: Key, change: &Change) -> Reply {
        match change.of(self.value(key)) {
            Update::Keep => {}
            Update::Remove => drop(self.entries.remove(key.bytes())),
            Update::Set(value) => self.put(key, value, self.deadline_of(key)),
        }
        Reply::Value(self.copy(key))
    }

    fn setrange(&mut self, key: Key, offset: usize, value: &[u8]) -> usize {
        let mut after = self.value(key).unwrap_or_default().to_vec();
        if !value.is_empty() {
            after.resize(after.len().max(offset + value.len()), 0);
            after[offset..offset + value.len()].copy_from_slice(value);
            self.put(key, after.clone(), self.deadline_of(key));
        }
        after.len()
    }

    fn getrange(&self, key: Key, start: i64, end: i64) -> Vec<u8> {
        let value = self.value(key).unwrap_or_default();
        if start < 0 && end < 0 && start > end {
            return Vec::new();
        }
        let len = i128::try_from(value.len()).unwrap_or(0);
        let place = |at: i64| if at < 0 { (i128::from(at) + len).max(0) } else { i128::from(at) };
        let within = |index: &usize| (place(start)..=place(end)).contains(&(*index as i128));
        (0..value.len()).filter(within).map(|index| value[index]).collect()
    }

    /// Milliseconds left: -2 without the key, -1 without a deadline.
    fn left(&self, key: Key, from: u64) -> i64 {
        match self.entries.get(key.bytes()).map(|entry| entry.deadline) {
            None => -2,
            Some(None) => -1,
            Some(Some(deadline)) => i64::try_from(deadline - from).unwrap_or(i64::MAX),
        }
    }

    /// Does what the command does and says what the pool has to answer.
    pub(crate) fn apply(&mut self, command: &Command) -> Result<Reply, Error> {
        use Command::*;
        let plain = Options { expire: None, keep_ttl: false, nx: false, xx: false, get: false };
        let expiring = |in_seconds, time| Options {
            expire: Some(self::Expire { in_seconds, from_now: true, condition: 0, time }),
            ..plain
        };
        let done = |reply: Result<Reply, Error>| reply.map(|_| Reply::Done);
        match command {
            Set(key, value) => done(self.set(*key, &value.0, plain)),
            SetOptions(key, value, options) => self.set(*key, &value.0, *options),
            Setnx(key, value) => {
                let was_absent = self.value(*key).is_none();
                self.set(*key, &value.0, Options { nx: true, ..plain })?;
                Ok(Reply::Truth(was_absent))
            }
            Setex(key, time, value) => done(self.set(*key, &value.0, expiring(true, *time))),
            Psetex(key, time, value) => done(self.set(*key, &value.0, expiring(false, *time))),
            Getset(key, value) => {
                let before = self.copy(*key);
                self.set(*key, &value.0, plain)?;
                Ok(Reply::Value(before))
            }
            Getex(key, expiry) => self.getex(*key, *expiry),
            Append(key, value) => {
                let after = [self.value(*key).unwrap_or_default(), &value.0].concat();
                let len = after.len();
                self.put(*key, after, self.deadline_of(*key));
                Ok(Reply::Length(len))
            }
            Setrange(key, offset, value) => {
                Ok(Reply::Length(self.setrange(*key, usize::from(*offset), &value.0)))
            }
            Incrby(key, delta) => self.add(*key, delta.0),
            Incr(key) => self.add(*key, 1),
            Decr(key) => self.add(*key, -1),
            Decrby(key, delta) => {
                self.add(*key, delta.0.checked_neg().ok_or(Error::DecrementOverflow)?)
            }
            Incrbyfloat(key, which) => {
                let increment = INCREMENTS[usize::from(*which) % INCREMENTS.len()].1;
                let before = ten_thousandths(self.value(*key).unwrap_or(b"0"));
                let sum = before.ok_or(Error::NotAFloat)? + increment;
                self.put(*key, print_ten_thousandths(sum), self.deadline_of(*key));
                Ok(Reply::Value(self.copy(*key)))
            }
            Update(key, change) => Ok(self.update(*key, change)),
            Expire(key, expire) => Ok(Reply::Truth(self.expire(*key, *expire)?)),
            _ => Ok(self.apply_simple(command)),
        }
    }

    /// The commands that cannot fail.
    fn apply_simple(&mut self, command: &Command) -> Reply {
        use Command::*;
        let rounded = |millis: i64| {
            if millis < 0 { millis } else { millis / 1000 + i64::from(millis % 1000 >= 500) }
        };
        match command {
            Get(key) => Reply::Value(self.copy(*key)),
            Getdel(key) => {
                Reply::Value(text(self.entries.remove(key.bytes()).map(|entry| entry.value)))
            }
            Mget(keys) => Reply::Values(keys.iter().map(|key| self.copy(*key)).collect()),
            Mset(pairs) => {
                for (key, value) in pairs {
                    self.put(*key, value.0.clone(), self.default_deadline());
                }
                Reply::Done
            }
            Strlen(key) => Reply::Length(self.value(*key).map_or(0, <[u8]>::len)),
            Getrange(key, start, end) => {
                Reply::Value(text(Some(self.getrange(*key, start.0, end.0))))
            }
            Delete(key) => Reply::Truth(self.entries.remove(key.bytes()).is_some()),
            DeleteMany(keys) => {
                let mut is_there = |key: &&Key| self.entries.remove(key.bytes()).is_some();
                Reply::Length(keys.iter().filter(|key| is_there(key)).count())
            }
            Exists(key) | Touch(key) | TypeOf(key) => Reply::Truth(self.value(*key).is_some()),
            Keys(which) => {
                let pattern = PATTERNS[usize::from(*which) % PATTERNS.len()];
                let keys = self.keys().into_iter().filter(|key| is_match(pattern, key));
                Reply::Values(keys.map(Some).map(text).collect())
            }
            Flushall => {
                self.entries.clear();
                Reply::Done
            }
            Persist(key) => {
                let deadline = self.entries.get_mut(key.bytes()).map(|entry| &mut entry.deadline);
                Reply::Truth(deadline.is_some_and(|deadline| deadline.take().is_some()))
            }
            Ttl(key) => Reply::Number(rounded(self.left(*key, self.now))),
            Pttl(key) => Reply::Number(self.left(*key, self.now)),
            Expiretime(key) => Reply::Number(rounded(self.left(*key, 0))),
            Pexpiretime(key) => Reply::Number(self.left(*key, 0)),
            Age(key) => Reply::Age(self.age(*key)),
            GetFresh(key, millis) => {
                let most = Duration::from_millis(u64::from(*millis));
                let is_fresh = self.age(*key).is_some_and(|age| age <= most);
                Reply::Value(if is_fresh { self.copy(*key) } else { None })
            }
            Advance(millis) => {
                self.now += u64::from(*millis);
                let now = self.now;
                self.entries.retain(|_, entry| entry.deadline.is_none_or(|at| now <= at));
                Reply::Done
            }
            _ => Reply::Done,
        }
    }

    fn age(&self, key: Key) -> Option<Duration> {
        let entry = self.entries.get(key.bytes())?;
        Some(Duration::from_millis(self.now - entry.written))
    }
}

/// The patterns that the tests ask for, by hand.
fn is_match(pattern: &str, key: &[u8]) -> bool {
    match pattern {
        "*" => true,
        "a*" => key.starts_with(b"a"),
        "?" => key.len() == 1,
        "order:[12]" => key == b"order:1" || key == b"order:2",
        "order:[^1]" => key.len() == 7 && key.starts_with(b"order:") && key[6] != b'1',
        "[a-b]*" => key.starts_with(b"a") || key.starts_with(b"b"),
        "" => key.is_empty(),
        _ => key == b"a",
    }
}
