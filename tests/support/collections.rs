//! Commands on hashes, lists and sets, as data, and a plain keyspace to compare with.

use arbitrary::{Arbitrary, Result as Drawn, Unstructured};
use memory_cache_pool::{Error, InsertPosition, ListEnd, MemoryCachePool};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Bytes of a field, a member, or an element.
type Text = Vec<u8>;

/// One of a few keys.
#[derive(Arbitrary, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Key(u8);

impl Key {
    fn bytes(self) -> [u8; 1] {
        [b'a' + self.0 % 4]
    }

    fn same(self) -> Self {
        Self(self.0 % 4)
    }
}

/// A text: one of a few, a number, or a long one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Word(pub(crate) Text);

impl<'a> Arbitrary<'a> for Word {
    fn arbitrary(u: &mut Unstructured<'a>) -> Drawn<Self> {
        Ok(Self(match u.int_in_range(0..=15_u8)? {
            0 => vec![b'x'; usize::from(u16::arbitrary(u)? % 1_500)],
            1..=4 => i64::from(i16::arbitrary(u)?).to_string().into_bytes(),
            5 => i64::arbitrary(u)?.to_string().into_bytes(),
            _ => format!("word {}", u8::arbitrary(u)?).into_bytes(),
        }))
    }
}

/// Words of a command: a few, or a run of many.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Words(pub(crate) Vec<Text>);

impl<'a> Arbitrary<'a> for Words {
    fn arbitrary(u: &mut Unstructured<'a>) -> Drawn<Self> {
        if u.int_in_range(0..=9_u8)? == 0 {
            let (start, many) = (u8::arbitrary(u)?, u8::arbitrary(u)?);
            let run = (0..u16::from(many)).map(|step| step + u16::from(start));
            return Ok(Self(run.map(|n| format!("word {n}").into_bytes()).collect()));
        }
        let many = u.int_in_range(1..=3_u8)?;
        (0..many).map(|_| Ok(Word::arbitrary(u)?.0)).collect::<Drawn<_>>().map(Self)
    }
}

/// A command.
#[derive(Arbitrary, Clone, PartialEq, Eq, Debug)]
pub(crate) enum Command {
    HSet(Key, Words, Word),
    HDel(Key, Words),
    HIncrBy(Key, Word, i8),
    Push(Key, Words, bool),
    Pop(Key, u8, bool),
    Set(Key, i8, Word),
    Insert(Key, bool, Word, Word),
    Remove(Key, i8, Word),
    Trim(Key, i8, i8),
    Move(Key, Key, bool, bool),
    SAdd(Key, Words),
    SRem(Key, Words),
    SMove(Key, Key, Word),
    InterStore(Key, Key, Key),
    UnionStore(Key, Key, Key),
    DiffStore(Key, Key, Key),
    Delete(Key),
    Copy(Key, Key, bool),
    Rename(Key, Key),
    Redate(Key),
}

/// What a command answers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Reply {
    Done,
    Truth(bool),
    Number(i64),
    Size(usize),
    Text(Option<Text>),
    Texts(Option<Vec<Text>>),
}

/// A value of the plain keyspace.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Plain {
    Hash(BTreeMap<Text, Text>),
    List(VecDeque<Text>),
    Set(BTreeSet<Text>),
}

/// The plain keyspace.
#[derive(Default, Debug)]
pub(crate) struct Model(BTreeMap<Key, Plain>);

fn end(is_left: bool) -> ListEnd {
    if is_left { ListEnd::Left } else { ListEnd::Right }
}

/// The bounds of a trim: mostly such that much is left.
fn bounds(start: i8, stop: i8) -> (i64, i64) {
    let (start, stop) = (i64::from(start), i64::from(stop));
    if start % 9 == 0 { (start, stop) } else { (start.rem_euclid(4), -1 - stop.rem_euclid(4)) }
}

/// Runs a command on a pool.
pub(crate) fn on_pool(pool: &MemoryCachePool, command: &Command) -> Result<Reply, Error> {
    Ok(match command {
        Command::HSet(key, fields, value) => {
            let pairs: Vec<_> = fields.0.iter().map(|field| (field, &value.0)).collect();
            if pairs.is_empty() {
                return Ok(Reply::Size(0));
            }
            Reply::Size(pool.hset_many(key.bytes(), &pairs)?)
        }
        Command::HDel(key, fields) => Reply::Size(pool.hdel_many(key.bytes(), &fields.0)?),
        Command::HIncrBy(key, field, by) => {
            Reply::Number(pool.hincrby(key.bytes(), &field.0, i64::from(*by))?)
        }
        Command::Push(key, words, true) => Reply::Size(pool.lpush_many(key.bytes(), &words.0)?),
        Command::Push(key, words, false) => Reply::Size(pool.rpush_many(key.bytes(), &words.0)?),
        Command::Pop(key, most, true) => {
            Reply::Texts(pool.lpop_count(key.bytes(), usize::from(*most / 8))?)
        }
        Command::Pop(key, most, false) => {
            Reply::Texts(pool.rpop_count(key.bytes(), usize::from(*most / 8))?)
        }
        Command::Set(key, index, word) => {
            pool.lset(key.bytes(), i64::from(*index), &word.0)?;
            Reply::Done
        }
        Command::Insert(key, is_before, pivot, word) => {
            let place = if *is_before { InsertPosition::Before } else { InsertPosition::After };
            Reply::Number(pool.linsert(key.bytes(), place, &pivot.0, &word.0)?)
        }
        Command::Remove(key, most, word) => {
            Reply::Size(pool.lrem(key.bytes(), i64::from(*most), &word.0)?)
        }
        Command::Trim(key, start, stop) => {
            let (start, stop) = bounds(*start, *stop);
            pool.ltrim(key.bytes(), start, stop)?;
            Reply::Done
        }
        Command::Move(from, to, takes_left, puts_left) => {
            let (from, to) = (from.bytes(), to.bytes());
            Reply::Text(pool.lmove(from, to, end(*takes_left), end(*puts_left))?)
        }
        Command::SAdd(key, words) => Reply::Size(pool.sadd_many(key.bytes(), &words.0)?),
        Command::SRem(key, words) => Reply::Size(pool.srem_many(key.bytes(), &words.0)?),
        Command::SMove(from, to, word) => {
            Reply::Truth(pool.smove(from.bytes(), to.bytes(), &word.0)?)
        }
        Command::InterStore(to, one, other) => {
            Reply::Size(pool.sinterstore(to.bytes(), &[one.bytes(), other.bytes()])?)
        }
        Command::UnionStore(to, one, other) => {
            Reply::Size(pool.sunionstore(to.bytes(), &[one.bytes(), other.bytes()])?)
        }
        Command::DiffStore(to, one, other) => {
            Reply::Size(pool.sdiffstore(to.bytes(), &[one.bytes(), other.bytes()])?)
        }
        Command::Delete(key) => Reply::Truth(pool.delete(key.bytes())),
        Command::Copy(from, to, replaces) => {
            Reply::Truth(pool.copy(from.bytes(), to.bytes(), *replaces)?)
        }
        Command::Rename(from, to) => {
            pool.rename(from.bytes(), to.bytes())?;
            Reply::Done
        }
        Command::Redate(key) => Reply::Truth(pool.pexpire(key.bytes(), 1_000_000)?),
    })
}

impl Model {
    /// Runs a command.
    pub(crate) fn run(&mut self, command: &Command) -> Result<Reply, Error> {
        let reply = match command {
            Command::HSet(..) | Command::HDel(..) | Command::HIncrBy(..) => self.hash(command),
            Command::Push(..)
            | Command::Pop(..)
            | Command::Set(..)
            | Command::Insert(..)
            | Command::Remove(..)
            | Command::Trim(..) => self.list(command),
            Command::SAdd(..) | Command::SRem(..) => self.set(command),
            _ => self.several(command),
        };
        self.0.retain(|_, value| match value {
            Plain::Hash(hash) => !hash.is_empty(),
            Plain::List(list) => !list.is_empty(),
            Plain::Set(set) => !set.is_empty(),
        });
        reply
    }

    fn hash_at(&mut self, key: Key) -> Result<&mut BTreeMap<Text, Text>, Error> {
        match self.0.entry(key.same()).or_insert_with(|| Plain::Hash(BTreeMap::new())) {
            Plain::Hash(hash) => Ok(hash),
            _ => Err(Error::WrongType),
        }
    }

    fn list_at(&mut self, key: Key) -> Result<&mut VecDeque<Text>, Error> {
        match self.0.entry(key.same()).or_insert_with(|| Plain::List(VecDeque::new())) {
            Plain::List(list) => Ok(list),
            _ => Err(Error::WrongType),
        }
    }

    fn set_at(&mut self, key: Key) -> Result<&mut BTreeSet<Text>, Error> {
        match self.0.entry(key.same()).or_insert_with(|| Plain::Set(BTreeSet::new())) {
            Plain::Set(set) => Ok(set),
            _ => Err(Error::WrongType),
        }
    }

    fn hash(&mut self, command: &Command) -> Result<Reply, Error> {
        Ok(match command {
            Command::HSet(_, fields, _) if fields.0.is_empty() => Reply::Size(0),
            Command::HSet(key, fields, value) => {
                let hash = self.hash_at(*key)?;
                let before = hash.len();
                hash.extend(fields.0.iter().map(|field| (field.clone(), value.0.clone())));
                Reply::Size(hash.len() - before)
            }
            Command::HDel(key, fields) => {
                let hash = self.hash_at(*key)?;
                Reply::Size(fields.0.iter().filter(|field| hash.remove(*field).is_some()).count())
            }
            Command::HIncrBy(key, field, by) => {
                let hash = self.hash_at(*key)?;
                let number = match hash.get(&field.0) {
                    None => 0,
                    Some(text) => integer(text).ok_or(Error::HashValueNotAnInteger)?,
                };
                let sum = number.checked_add(i64::from(*by)).ok_or(Error::Overflow)?;
                hash.insert(field.0.clone(), sum.to_string().into_bytes());
                Reply::Number(sum)
            }
            _ => unreachable!("no command on a hash"),
        })
    }

    fn list(&mut self, command: &Command) -> Result<Reply, Error> {
        Ok(match command {
            Command::Push(key, words, is_left) => {
                let list = self.list_at(*key)?;
                for word in &words.0 {
                    put(list, word.clone(), *is_left);
                }
                Reply::Size(list.len())
            }
            Command::Pop(key, most, is_left) => {
                let list = self.list_at(*key)?;
                if list.is_empty() {
                    return Ok(Reply::Texts(None));
                }
                Reply::Texts(Some((0..*most / 8).map_while(|_| take(list, *is_left)).collect()))
            }
            Command::Set(key, index, word) => {
                let list = self.list_at(*key)?;
                if list.is_empty() {
                    return Err(Error::NoSuchKey);
                }
                let at = position(i64::from(*index), list.len());
                let at = usize::try_from(at).ok().and_then(|at| list.get_mut(at));
                *at.ok_or(Error::IndexOutOfRange)? = word.0.clone();
                Reply::Done
            }
            Command::Insert(key, is_before, pivot, word) => {
                let list = self.list_at(*key)?;
                let Some(at) = list.iter().position(|other| *other == pivot.0) else {
                    return Ok(Reply::Number(if list.is_empty() { 0 } else { -1 }));
                };
                list.insert(at + usize::from(!is_before), word.0.clone());
                Reply::Number(i64::try_from(list.len()).unwrap_or(i64::MAX))
            }
            Command::Remove(key, most, word) => {
                let list = self.list_at(*key)?;
                let before = list.len();
                let mut left = if *most == 0 { usize::MAX } else { most.unsigned_abs().into() };
                let mut stays = |other: &Text| {
                    let goes = *other == word.0 && left > 0;
                    left -= usize::from(goes);
                    !goes
                };
                if *most < 0 {
                    let kept: Vec<_> = list.drain(..).rev().filter(&mut stays).collect();
                    list.extend(kept.into_iter().rev());
                } else {
                    list.retain(stays);
                }
                Reply::Size(before - list.len())
            }
            Command::Trim(key, start, stop) => {
                let list = self.list_at(*key)?;
                let (start, stop) = bounds(*start, *stop);
                let start = position(start, list.len()).max(0);
                let stop = position(stop, list.len());
                let all = list.drain(..).zip(0..);
                let kept: VecDeque<_> = all
                    .filter(|(_, at)| (start..=stop).contains(at))
                    .map(|(word, _)| word)
                    .collect();
                *list = kept;
                Reply::Done
            }
            _ => unreachable!("no command on a list"),
        })
    }

    fn set(&mut self, command: &Command) -> Result<Reply, Error> {
        Ok(match command {
            Command::SAdd(key, words) => {
                let set = self.set_at(*key)?;
                Reply::Size(words.0.iter().filter(|word| set.insert((*word).clone())).count())
            }
            Command::SRem(key, words) => {
                let set = self.set_at(*key)?;
                Reply::Size(words.0.iter().filter(|word| set.remove(*word)).count())
            }
            _ => unreachable!("no command on a set"),
        })
    }

    fn several(&mut self, command: &Command) -> Result<Reply, Error> {
        Ok(match command {
            Command::Move(from, to, takes_left, puts_left) => {
                if self.list_at(*from)?.is_empty() {
                    return Ok(Reply::Text(None));
                }
                self.list_at(*to)?;
                let Some(word) = take(self.list_at(*from)?, *takes_left) else {
                    return Ok(Reply::Text(None));
                };
                put(self.list_at(*to)?, word.clone(), *puts_left);
                Reply::Text(Some(word))
            }
            Command::SMove(from, to, word) => {
                if !self.0.contains_key(&from.same()) {
                    return Ok(Reply::Truth(false));
                }
                self.set_at(*from)?;
                self.set_at(*to)?;
                let is_there = self.set_at(*from)?.remove(&word.0);
                if is_there {
                    self.set_at(*to)?.insert(word.0.clone());
                }
                Reply::Truth(is_there)
            }
            Command::InterStore(to, one, other) => {
                let (one, other) = (self.set_at(*one)?.clone(), self.set_at(*other)?.clone());
                self.store(*to, &one & &other)
            }
            Command::UnionStore(to, one, other) => {
                let (one, other) = (self.set_at(*one)?.clone(), self.set_at(*other)?.clone());
                self.store(*to, &one | &other)
            }
            Command::DiffStore(to, one, other) => {
                let (one, other) = (self.set_at(*one)?.clone(), self.set_at(*other)?.clone());
                self.store(*to, &one - &other)
            }
            Command::Delete(key) => Reply::Truth(self.0.remove(&key.same()).is_some()),
            Command::Copy(from, to, replaces) => {
                if from.same() == to.same() {
                    return Err(Error::SameKey);
                }
                let Some(value) = self.0.get(&from.same()).cloned() else {
                    return Ok(Reply::Truth(false));
                };
                if !replaces && self.0.contains_key(&to.same()) {
                    return Ok(Reply::Truth(false));
                }
                self.0.insert(to.same(), value);
                Reply::Truth(true)
            }
            Command::Rename(from, to) => {
                let value = self.0.remove(&from.same()).ok_or(Error::NoSuchKey)?;
                self.0.insert(to.same(), value);
                Reply::Done
            }
            Command::Redate(key) => Reply::Truth(self.0.contains_key(&key.same())),
            _ => unreachable!("a command on one key"),
        })
    }

    fn store(&mut self, to: Key, result: BTreeSet<Text>) -> Reply {
        let len = result.len();
        self.0.insert(to.same(), Plain::Set(result));
        Reply::Size(len)
    }

    /// Compares everything with what a pool holds.
    pub(crate) fn check(&self, pool: &MemoryCachePool) {
        assert_eq!(pool.dbsize(), self.0.len());
        for (key, value) in &self.0 {
            let key = key.bytes();
            match value {
                Plain::Hash(hash) => {
                    let all = pool.hgetall(key).expect("a hash");
                    assert_eq!(all.len(), hash.len());
                    assert_eq!(&all.into_iter().collect::<BTreeMap<_, _>>(), hash);
                    for (field, value) in hash.iter().take(20) {
                        assert_eq!(pool.hget(key, field).as_ref(), Ok(&Some(value.clone())));
                    }
                }
                Plain::List(list) => {
                    assert_eq!(&VecDeque::from(pool.lrange(key, 0, -1).expect("a list")), list);
                    let middle = i64::try_from(list.len() / 2).unwrap_or(0);
                    let element = pool.lindex(key, middle).expect("a list");
                    assert_eq!(element.as_ref(), list.get(list.len() / 2));
                }
                Plain::Set(set) => {
                    let all = pool.smembers(key).expect("a set");
                    assert_eq!(all.len(), set.len());
                    assert_eq!(&all.into_iter().collect::<BTreeSet<_>>(), set);
                }
            }
        }
        let used: usize = pool.debug_keys().map(|info| info.memory_estimate).sum();
        assert_eq!(pool.get_stats().record_bytes, used);
    }
}

/// The number that a text is the canonical form of.
fn integer(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?;
    text.parse::<i64>().ok().filter(|number| number.to_string() == text)
}

/// An index that may count from the end.
fn position(index: i64, len: usize) -> i64 {
    if index < 0 { index + i64::try_from(len).unwrap_or(i64::MAX) } else { index }
}

fn put(list: &mut VecDeque<Text>, word: Text, is_left: bool) {
    if is_left { list.push_front(word) } else { list.push_back(word) }
}

fn take(list: &mut VecDeque<Text>, is_left: bool) -> Option<Text> {
    if is_left { list.pop_front() } else { list.pop_back() }
}
