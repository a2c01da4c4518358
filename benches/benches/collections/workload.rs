//! What is done: how a keyspace is filled, and what a thread does to it then.

use crate::{Scale, space::Session};
use std::hint::black_box;

/// What fills a keyspace.
type Fill = Box<dyn Fn(&mut dyn Session)>;

/// What one thread does: its number, and the number of operations.
type Act = Box<dyn Fn(&mut dyn Session, usize, usize) + Sync>;

/// What a workload does, for each contender.
pub(crate) struct Workload {
    pub(crate) name: String,
    pub(crate) fill: Fill,
    pub(crate) act: Act,
    /// One operation is as long as so many others.
    pub(crate) weight: usize,
}

/// A text of sixteen bytes with a number in it.
pub(crate) fn field(number: usize) -> [u8; 16] {
    let mut text = *b"field:0000000000";
    let (mut rest, mut at) = (number, text.len());
    while rest > 0 {
        at -= 1;
        text[at] += u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
    }
    text
}

/// A number below a bound that looks random.
pub(crate) fn mixed(step: usize, thread: usize, bound: usize) -> usize {
    let mixed = (step + thread * 7_919).wrapping_mul(0x9E37_79B9_7F4A_7C15_usize);
    (mixed >> 20) % bound
}

/// Hashes of so many fields, under so many keys.
fn hashes(fields: usize, keys: usize, all: &mut Vec<Workload>) {
    let fill = move |space: &mut dyn Session| {
        for key in 0..keys {
            (0..fields).for_each(|n| space.hset(&field(key), &field(n), b"0123456789abcdef"));
        }
    };
    all.push(Workload {
        name: format!("HGET, {fields} fields"),
        fill: Box::new(fill),
        act: Box::new(move |space, thread, ops| {
            for step in 0..ops {
                let at = mixed(step, thread, keys * fields);
                black_box(space.hget(&field(at % keys), &field(at / keys)));
            }
        }),
        weight: 1,
    });
    all.push(Workload {
        name: format!("HSET, {fields} fields"),
        fill: Box::new(fill),
        act: Box::new(move |space, thread, ops| {
            for step in 0..ops {
                let at = mixed(step, thread, keys * fields);
                space.hset(&field(at % keys), &field(at / keys), b"fedcba9876543210");
            }
        }),
        weight: 1,
    });
}

/// Sets of so many members, under so many keys.
fn sets(members: usize, keys: usize, all: &mut Vec<Workload>) {
    let fill = move |space: &mut dyn Session| {
        for key in 0..keys {
            (0..members).for_each(|n| space.sadd(&field(key), &field(2 * n)));
        }
    };
    all.push(Workload {
        name: format!("SISMEMBER, {members} members"),
        fill: Box::new(fill),
        act: Box::new(move |space, thread, ops| {
            for step in 0..ops {
                let at = mixed(step, thread, 2 * keys * members);
                black_box(space.sismember(&field(at % keys), &field(at / keys)));
            }
        }),
        weight: 1,
    });
    all.push(Workload {
        name: format!("SADD or SREM, {members} members"),
        fill: Box::new(fill),
        act: Box::new(move |space, thread, ops| {
            for step in 0..ops / 2 {
                let at = mixed(step, thread, keys * members);
                let member = field(2 * (at / keys) + 1);
                space.sadd(&field(at % keys), &member);
                space.srem(&field(at % keys), &member);
            }
        }),
        weight: 1,
    });
}

/// A list of so many elements.
fn queue(len: usize) -> Workload {
    Workload {
        name: format!("LPUSH or RPOP, {len} elements"),
        fill: Box::new(move |space| (0..len).for_each(|n| space.lpush(b"list", &field(n)))),
        act: Box::new(|space, _, ops| {
            for step in 0..ops / 2 {
                space.lpush(b"list", &field(step));
                black_box(space.rpop(b"list"));
            }
        }),
        weight: 1,
    }
}

/// Edits inside of a list of so many elements.
fn inside(len: usize, all: &mut Vec<Workload>) {
    let fill =
        move |space: &mut dyn Session| (0..len).for_each(|n| space.lpush(b"list", &field(n)));
    all.push(Workload {
        name: format!("LSET, {len} elements"),
        fill: Box::new(fill),
        act: Box::new(move |space, thread, ops| {
            for step in 0..ops {
                space.lset(b"list", mixed(step, thread, len), &field(step));
            }
        }),
        weight: 1,
    });
    all.push(Workload {
        name: format!("LINSERT in the middle, {len} elements"),
        fill: Box::new(fill),
        act: Box::new(move |space, _, ops| {
            for step in 0..ops {
                space.linsert(b"list", &field(len / 2), &field(len + step));
            }
        }),
        weight: 1_000,
    });
}

/// All of them.
pub(crate) fn all(scale: Scale) -> Vec<Workload> {
    let mut all = Vec::new();
    let sizes = [(8, 1_000), (128, 50), (10_000, 1), (1_000_000, 1)];
    for (size, keys) in sizes {
        hashes(size.min(scale.most), keys, &mut all);
    }
    for (size, keys) in sizes {
        sets(size.min(scale.most), keys, &mut all);
    }
    all.extend([10, 1_000, 1_000_000].map(|len| queue(len.min(scale.most))));
    inside(100_000.min(scale.most), &mut all);
    all
}
