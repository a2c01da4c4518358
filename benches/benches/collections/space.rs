//! The contenders that live in this process.

use dashmap::DashMap;
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use memory_cache_pool::{InsertPosition, MemoryCachePool};
use std::{
    collections::{HashSet, VecDeque},
    hash::BuildHasher,
    sync::{Mutex, PoisonError},
};

type Bytes = Vec<u8>;

/// A contender.
pub(crate) trait Space: Sync {
    /// What it is called.
    fn name(&self) -> &'static str;

    /// What one thread uses it through.
    fn session(&self) -> Box<dyn Session + '_>;
}

/// What is measured of each contender.
pub(crate) trait Session {
    fn hset(&mut self, key: &[u8], field: &[u8], value: &[u8]);
    fn hget(&mut self, key: &[u8], field: &[u8]) -> usize;
    /// The number of fields, after a copy of all of them.
    fn hgetall(&mut self, key: &[u8]) -> usize;
    fn lpush(&mut self, key: &[u8], element: &[u8]);
    fn rpop(&mut self, key: &[u8]) -> bool;
    fn linsert(&mut self, key: &[u8], pivot: &[u8], element: &[u8]);
    fn lset(&mut self, key: &[u8], index: usize, element: &[u8]);
    fn sadd(&mut self, key: &[u8], member: &[u8]);
    fn srem(&mut self, key: &[u8], member: &[u8]);
    fn sismember(&mut self, key: &[u8], member: &[u8]) -> bool;
    fn delete(&mut self, key: &[u8]);

    /// Whether what follows only fills, so that replies need not be waited for one by one.
    fn fills(&mut self, _is_filling: bool) {}
}

#[derive(Default)]
pub(crate) struct Pool(pub(crate) MemoryCachePool);

impl Space for Pool {
    fn name(&self) -> &'static str {
        "pool"
    }

    fn session(&self) -> Box<dyn Session + '_> {
        Box::new(self)
    }
}

impl Session for &Pool {
    fn hset(&mut self, key: &[u8], field: &[u8], value: &[u8]) {
        let _ = self.0.hset(key, field, value);
    }

    fn hget(&mut self, key: &[u8], field: &[u8]) -> usize {
        self.0.hget_with(key, field, <[u8]>::len).ok().flatten().unwrap_or(0)
    }

    fn hgetall(&mut self, key: &[u8]) -> usize {
        self.0.hgetall(key).map_or(0, |all| all.len())
    }

    fn lpush(&mut self, key: &[u8], element: &[u8]) {
        let _ = self.0.lpush(key, element);
    }

    fn rpop(&mut self, key: &[u8]) -> bool {
        self.0.rpop(key).is_ok_and(|element| element.is_some())
    }

    fn linsert(&mut self, key: &[u8], pivot: &[u8], element: &[u8]) {
        let _ = self.0.linsert(key, InsertPosition::Before, pivot, element);
    }

    fn lset(&mut self, key: &[u8], index: usize, element: &[u8]) {
        let _ = self.0.lset(key, i64::try_from(index).unwrap_or(0), element);
    }

    fn sadd(&mut self, key: &[u8], member: &[u8]) {
        let _ = self.0.sadd(key, member);
    }

    fn srem(&mut self, key: &[u8], member: &[u8]) {
        let _ = self.0.srem(key, member);
    }

    fn sismember(&mut self, key: &[u8], member: &[u8]) -> bool {
        self.0.sismember(key, member).unwrap_or(false)
    }

    fn delete(&mut self, key: &[u8]) {
        self.0.delete(key);
    }
}

/// A value of the maps behind locks.
pub(crate) enum Value {
    Hash(HashMap<Bytes, Bytes, RandomState>),
    List(VecDeque<Bytes>),
    Set(HashSet<Bytes, RandomState>),
}

/// A map in which a value is used under its lock.
trait Locked: Sync {
    fn with<R>(&self, key: &[u8], new: fn() -> Value, act: impl FnOnce(&mut Value) -> R) -> R;
    fn look<R>(&self, key: &[u8], look: impl FnOnce(&Value) -> R) -> Option<R>;
    fn remove(&self, key: &[u8]);

    fn with_list<R: Default>(&self, key: &[u8], act: impl FnOnce(&mut VecDeque<Bytes>) -> R) -> R {
        self.with(
            key,
            || Value::List(VecDeque::new()),
            |found| match found {
                Value::List(list) => act(list),
                _ => R::default(),
            },
        )
    }

    fn with_set(&self, key: &[u8], act: impl FnOnce(&mut HashSet<Bytes, RandomState>)) {
        self.with(
            key,
            || Value::Set(HashSet::default()),
            |found| {
                if let Value::Set(set) = found {
                    act(set);
                }
            },
        );
    }
}

impl<L: Locked> Session for &L {
    fn hset(&mut self, key: &[u8], field: &[u8], value: &[u8]) {
        self.with(
            key,
            || Value::Hash(HashMap::default()),
            |found| {
                let Value::Hash(hash) = found else { return };
                match hash.get_mut(field) {
                    Some(place) => {
                        place.clear();
                        place.extend_from_slice(value);
                    }
                    None => drop(hash.insert(field.to_vec(), value.to_vec())),
                }
            },
        );
    }

    fn hget(&mut self, key: &[u8], field: &[u8]) -> usize {
        let found = self.look(key, |found| match found {
            Value::Hash(hash) => hash.get(field).map_or(0, Vec::len),
            _ => 0,
        });
        found.unwrap_or(0)
    }

    fn hgetall(&mut self, key: &[u8]) -> usize {
        let all = self.look(key, |found| match found {
            Value::Hash(hash) => hash.iter().map(|(f, v)| (f.clone(), v.clone())).collect(),
            _ => Vec::new(),
        });
        all.map_or(0, |all| all.len())
    }

    fn lpush(&mut self, key: &[u8], element: &[u8]) {
        self.with_list(key, |list| list.push_front(element.to_vec()));
    }

    fn rpop(&mut self, key: &[u8]) -> bool {
        self.with_list(key, |list| list.pop_back().is_some())
    }

    fn linsert(&mut self, key: &[u8], pivot: &[u8], element: &[u8]) {
        self.with_list(key, |list| {
            if let Some(at) = list.iter().position(|other| other == pivot) {
                list.insert(at, element.to_vec());
            }
        });
    }

    fn lset(&mut self, key: &[u8], index: usize, element: &[u8]) {
        self.with_list(key, |list| {
            if let Some(place) = list.get_mut(index) {
                place.clear();
                place.extend_from_slice(element);
            }
        });
    }

    fn sadd(&mut self, key: &[u8], member: &[u8]) {
        self.with_set(key, |set| {
            if !set.contains(member) {
                set.insert(member.to_vec());
            }
        });
    }

    fn srem(&mut self, key: &[u8], member: &[u8]) {
        self.with_set(key, |set| drop(set.take(member)));
    }

    fn sismember(&mut self, key: &[u8], member: &[u8]) -> bool {
        let found = self.look(key, |found| match found {
            Value::Set(set) => set.contains(member),
            _ => false,
        });
        found.unwrap_or(false)
    }

    fn delete(&mut self, key: &[u8]) {
        self.remove(key);
    }
}

#[derive(Default)]
pub(crate) struct Dash(DashMap<Bytes, Value, RandomState>);

impl Space for Dash {
    fn name(&self) -> &'static str {
        "dashmap"
    }

    fn session(&self) -> Box<dyn Session + '_> {
        Box::new(self)
    }
}

impl Locked for Dash {
    fn with<R>(&self, key: &[u8], new: fn() -> Value, act: impl FnOnce(&mut Value) -> R) -> R {
        match self.0.get_mut(key) {
            Some(mut found) => act(&mut found),
            None => act(&mut self.0.entry(key.to_vec()).or_insert_with(new)),
        }
    }

    fn look<R>(&self, key: &[u8], look: impl FnOnce(&Value) -> R) -> Option<R> {
        self.0.get(key).map(|found| look(&found))
    }

    fn remove(&self, key: &[u8]) {
        self.0.remove(key);
    }
}

/// One of the maps that share the keys.
type Shard = Mutex<HashMap<Bytes, Value, RandomState>>;

pub(crate) struct Mutexes {
    hasher: RandomState,
    shards: Vec<Shard>,
}

impl Default for Mutexes {
    fn default() -> Self {
        Self { hasher: RandomState::default(), shards: (0..64).map(|_| Shard::default()).collect() }
    }
}

impl Mutexes {
    fn shard(&self, key: &[u8]) -> &Shard {
        &self.shards[usize::try_from(self.hasher.hash_one(key) >> 58).unwrap_or(0)]
    }
}

impl Space for Mutexes {
    fn name(&self) -> &'static str {
        "mutexes"
    }

    fn session(&self) -> Box<dyn Session + '_> {
        Box::new(self)
    }
}

impl Locked for Mutexes {
    fn with<R>(&self, key: &[u8], new: fn() -> Value, act: impl FnOnce(&mut Value) -> R) -> R {
        let mut shard = self.shard(key).lock().unwrap_or_else(PoisonError::into_inner);
        match shard.get_mut(key) {
            Some(found) => act(found),
            None => act(shard.entry(key.to_vec()).or_insert_with(new)),
        }
    }

    fn look<R>(&self, key: &[u8], look: impl FnOnce(&Value) -> R) -> Option<R> {
        let shard = self.shard(key).lock().unwrap_or_else(PoisonError::into_inner);
        shard.get(key).map(look)
    }

    fn remove(&self, key: &[u8]) {
        let gone = {
            let mut shard = self.shard(key).lock().unwrap_or_else(PoisonError::into_inner);
            shard.remove(key)
        };
        drop(gone);
    }
}
