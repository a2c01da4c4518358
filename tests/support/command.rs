//! Commands on single keys and on the keyspace, as data: what the tests draw at random.

use super::reply::{Reply, text};
use arbitrary::{Arbitrary, Result as Drawn, Unstructured};
use memory_cache_pool::{Error, ExpireCondition, Expiry, MemoryCachePool, SetOptions, Update};
use std::time::Duration;

/// One of a few keys, so that commands meet each other.
#[derive(Arbitrary, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Key(u8);

impl Key {
    /// The key's bytes.
    pub(crate) fn bytes(self) -> &'static [u8] {
        [&b"a"[..], b"b", b"ab", b"order:1", b"order:2", b""][usize::from(self.0 % 6)]
    }
}

/// Values worth trying: numbers, the extremes of numbers, text, much text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Text(pub(crate) Vec<u8>);

impl<'a> Arbitrary<'a> for Text {
    fn arbitrary(u: &mut Unstructured<'a>) -> Drawn<Self> {
        Ok(Self(match u.int_in_range(0..=9_u8)? {
            0..=3 => i64::from(i8::arbitrary(u)?).to_string().into_bytes(),
            4 => (*u.choose(&[i64::MIN, i64::MAX, i64::MAX >> 1, i64::MIN >> 1])?)
                .to_string()
                .into_bytes(),
            5 => {
                u.choose(&["", "01", "-0", "+1", " 1", "1.5", "10.25", "abc"])?.as_bytes().to_vec()
            }
            6 => vec![b'x'; 4_096 + usize::from(u8::arbitrary(u)?)],
            _ => (0..u.int_in_range(0..=40_u8)?).map(|byte| byte.wrapping_mul(37)).collect(),
        }))
    }
}

/// A time or an increment: small, or at the edge of what fits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Number(pub(crate) i64);

impl<'a> Arbitrary<'a> for Number {
    fn arbitrary(u: &mut Unstructured<'a>) -> Drawn<Self> {
        Ok(Self(match u.int_in_range(0..=7_u8)? {
            0 => *u.choose(&[i64::MIN, i64::MAX, i64::MAX / 1000, i64::MAX / 1000 + 1, 0, -1])?,
            _ => i64::from(i16::arbitrary(u)?) / 64,
        }))
    }
}

/// What EXPIRE is given: unit, origin, condition.
#[derive(Arbitrary, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Expire {
    /// Seconds, not milliseconds.
    pub(crate) in_seconds: bool,
    /// From now, not from 1970.
    pub(crate) from_now: bool,
    /// NX, XX, GT, LT.
    pub(crate) condition: u8,
    /// The time; small absolute times are near the clock's.
    pub(crate) time: Number,
}

impl Expire {
    /// The condition.
    pub(crate) fn condition(self) -> ExpireCondition {
        use ExpireCondition::{Always, Gt, Lt, Nx, Xx, XxLt};
        [Always, Always, Nx, Xx, Gt, Lt, XxLt][usize::from(self.condition % 7)]
    }

    /// The time, moved so that absolute ones lie around `now`.
    pub(crate) fn time(self, now: u64) -> i64 {
        let now = i64::try_from(now).unwrap_or(i64::MAX);
        match (self.from_now, self.in_seconds) {
            (true, _) => self.time.0,
            (false, true) => self.time.0.saturating_add(now / 1000),
            (false, false) => self.time.0.saturating_add(now),
        }
    }

    /// The same, as SET and GETEX take it.
    pub(crate) fn expiry(self, now: u64) -> Expiry {
        let time = self.time(now);
        match (self.from_now, self.in_seconds) {
            (true, true) => Expiry::InSeconds(time),
            (true, false) => Expiry::InMillis(time),
            (false, true) => Expiry::AtSeconds(time),
            (false, false) => Expiry::AtMillis(time),
        }
    }
}

/// The options of SET.
#[derive(Arbitrary, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Options {
    /// EX, PX, EXAT, PXAT.
    pub(crate) expire: Option<Expire>,
    /// KEEPTTL.
    pub(crate) keep_ttl: bool,
    /// NX.
    pub(crate) nx: bool,
    /// XX.
    pub(crate) xx: bool,
    /// GET.
    pub(crate) get: bool,
}

impl Options {
    fn build(self, now: u64) -> SetOptions {
        let mut options = SetOptions::new();
        if let Some(expire) = self.expire {
            options = match expire.expiry(now) {
                Expiry::InSeconds(time) => options.ex(time),
                Expiry::InMillis(time) => options.px(time),
                Expiry::AtSeconds(time) => options.exat(time),
                Expiry::AtMillis(time) => options.pxat(time),
                Expiry::Keep | Expiry::Persist => options,
            };
        }
        let set = |options: SetOptions, on: bool, by: fn(SetOptions) -> SetOptions| {
            if on { by(options) } else { options }
        };
        let options = set(options, self.keep_ttl, SetOptions::keep_ttl);
        let options = set(options, self.nx, SetOptions::nx);
        let options = set(options, self.xx, SetOptions::xx);
        set(options, self.get, SetOptions::get)
    }
}

/// What GETEX does to the time to live.
#[derive(Arbitrary, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Getex {
    /// Nothing.
    Keep,
    /// PERSIST.
    Persist,
    /// EX, PX, EXAT, PXAT.
    Expire(Expire),
}

/// What a closure does in `update`.
#[derive(Arbitrary, Clone, PartialEq, Eq, Debug)]
pub(crate) enum Change {
    /// Nothing.
    Keep,
    /// Removes the key.
    Remove,
    /// Sets it.
    Set(Text),
    /// Appends to it.
    Append(u8),
}

impl Change {
    /// What becomes of a value.
    pub(crate) fn of(&self, old: Option<&[u8]>) -> Update {
        match self {
            Self::Keep => Update::Keep,
            Self::Remove => Update::Remove,
            Self::Set(value) => Update::Set(value.0.clone()),
            Self::Append(byte) => Update::Set([old.unwrap_or_default(), &[*byte]].concat()),
        }
    }
}

/// One command.
#[derive(Arbitrary, Clone, PartialEq, Eq, Debug)]
pub(crate) enum Command {
    Set(Key, Text),
    SetOptions(Key, Text, Options),
    Setnx(Key, Text),
    Setex(Key, Number, Text),
    Psetex(Key, Number, Text),
    Getset(Key, Text),
    Get(Key),
    Getdel(Key),
    Getex(Key, Getex),
    Mget(Vec<Key>),
    Mset(Vec<(Key, Text)>),
    Append(Key, Text),
    Strlen(Key),
    Getrange(Key, Number, Number),
    Setrange(Key, u16, Text),
    Incrby(Key, Number),
    Incr(Key),
    Decr(Key),
    Decrby(Key, Number),
    Incrbyfloat(Key, u8),
    Delete(Key),
    DeleteMany(Vec<Key>),
    Exists(Key),
    Touch(Key),
    TypeOf(Key),
    Keys(u8),
    Randomkey,
    Flushall,
    Expire(Key, Expire),
    Persist(Key),
    Ttl(Key),
    Pttl(Key),
    Expiretime(Key),
    Pexpiretime(Key),
    Update(Key, Change),
    Age(Key),
    GetFresh(Key, u8),
    Advance(u16),
    /// Changes the limit on keys.
    MaxKeys(Option<u8>),
    /// Changes the limit on memory, in KiB above the least.
    MaxMemory(Option<u8>),
}

/// Patterns that KEYS is asked for.
pub(crate) const PATTERNS: [&str; 8] =
    ["*", "a*", "?", "order:[12]", "order:[^1]", "[a-b]*", "", "\\a"];

/// Increments of INCRBYFLOAT, with their value in ten-thousandths.
pub(crate) const INCREMENTS: [(&str, i64); 5] =
    [("1", 10_000), ("0.5", 5_000), ("-0.25", -2_500), ("3.0e2", 3_000_000), ("10.125", 101_250)];

fn run_string(pool: &MemoryCachePool, command: &Command, now: u64) -> Result<Reply, Error> {
    use Command::*;
    Ok(match command {
        Set(key, value) => {
            pool.set(key.bytes(), &value.0)?;
            Reply::Done
        }
        SetOptions(key, value, options) => {
            let reply = pool.set_options(key.bytes(), &value.0, options.build(now))?;
            Reply::Set(reply.was_set, text(reply.previous))
        }
        Setnx(key, value) => Reply::Truth(pool.setnx(key.bytes(), &value.0)?),
        Setex(key, time, value) => {
            pool.setex(key.bytes(), time.0, &value.0)?;
            Reply::Done
        }
        Psetex(key, time, value) => {
            pool.psetex(key.bytes(), time.0, &value.0)?;
            Reply::Done
        }
        Getset(key, value) => Reply::Value(text(pool.getset(key.bytes(), &value.0)?)),
        Get(key) => Reply::Value(text(pool.get(key.bytes())?)),
        Getdel(key) => Reply::Value(text(pool.getdel(key.bytes())?)),
        Getex(key, expiry) => {
            let expiry = match expiry {
                self::Getex::Keep => Expiry::Keep,
                self::Getex::Persist => Expiry::Persist,
                self::Getex::Expire(expire) => expire.expiry(now),
            };
            Reply::Value(text(pool.getex(key.bytes(), expiry)?))
        }
        Mget(keys) => {
            let keys: Vec<_> = keys.iter().map(|key| key.bytes()).collect();
            Reply::Values(pool.mget(&keys).into_iter().map(text).collect())
        }
        Mset(pairs) => {
            let pairs: Vec<_> = pairs.iter().map(|(key, value)| (key.bytes(), &value.0)).collect();
            pool.mset(&pairs)?;
            Reply::Done
        }
        Append(key, value) => Reply::Length(pool.append(key.bytes(), &value.0)?),
        Strlen(key) => Reply::Length(pool.strlen(key.bytes())?),
        Getrange(key, start, end) => {
            Reply::Value(text(Some(pool.getrange(key.bytes(), start.0, end.0)?)))
        }
        Setrange(key, offset, value) => {
            Reply::Length(pool.setrange(key.bytes(), usize::from(*offset), &value.0)?)
        }
        Incrby(key, delta) => Reply::Number(pool.incrby(key.bytes(), delta.0)?),
        Incr(key) => Reply::Number(pool.incr(key.bytes())?),
        Decr(key) => Reply::Number(pool.decr(key.bytes())?),
        Decrby(key, delta) => Reply::Number(pool.decrby(key.bytes(), delta.0)?),
        Incrbyfloat(key, which) => {
            let increment = INCREMENTS[usize::from(*which) % INCREMENTS.len()].0;
            Reply::Value(text(Some(pool.incrbyfloat_text(key.bytes(), increment)?)))
        }
        Update(key, change) => Reply::Value(text(pool.update(key.bytes(), |old| change.of(old))?)),
        GetFresh(key, millis) => {
            let max_age = Duration::from_millis(u64::from(*millis));
            Reply::Value(text(pool.get_fresh(key.bytes(), max_age)?))
        }
        _ => run_key(pool, command, now)?,
    })
}

fn run_key(pool: &MemoryCachePool, command: &Command, now: u64) -> Result<Reply, Error> {
    use Command::*;
    Ok(match command {
        Delete(key) => Reply::Truth(pool.delete(key.bytes())),
        DeleteMany(keys) => {
            let keys: Vec<_> = keys.iter().map(|key| key.bytes()).collect();
            Reply::Length(pool.delete_many(&keys))
        }
        Exists(key) => Reply::Truth(pool.exists(key.bytes())),
        Touch(key) => Reply::Truth(pool.touch(key.bytes())),
        TypeOf(key) => Reply::Truth(pool.type_of(key.bytes()).is_some()),
        Keys(which) => {
            let mut keys = pool.keys(PATTERNS[usize::from(*which) % PATTERNS.len()]);
            keys.sort();
            Reply::Values(keys.into_iter().map(Some).map(text).collect())
        }
        Randomkey => Reply::Value(text(pool.randomkey())),
        Flushall => {
            pool.flushall();
            Reply::Done
        }
        Expire(key, expire) => {
            let (time, condition) = (expire.time(now), expire.condition());
            Reply::Truth(match (expire.from_now, expire.in_seconds) {
                (true, true) => pool.expire_if(key.bytes(), time, condition)?,
                (true, false) => pool.pexpire_if(key.bytes(), time, condition)?,
                (false, true) => pool.expireat_if(key.bytes(), time, condition)?,
                (false, false) => pool.pexpireat_if(key.bytes(), time, condition)?,
            })
        }
        Persist(key) => Reply::Truth(pool.persist(key.bytes())?),
        Ttl(key) => Reply::Number(pool.ttl(key.bytes())),
        Pttl(key) => Reply::Number(pool.pttl(key.bytes())),
        Expiretime(key) => Reply::Number(pool.expiretime(key.bytes())),
        Pexpiretime(key) => Reply::Number(pool.pexpiretime(key.bytes())),
        Age(key) => Reply::Age(pool.age(key.bytes())),
        _ => Reply::Done,
    })
}

/// Runs a command on the pool, whose clock shows `now`; moving the clock is the caller's.
pub(crate) fn run(pool: &MemoryCachePool, command: &Command, now: u64) -> Result<Reply, Error> {
    run_string(pool, command, now)
}
