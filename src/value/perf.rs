//! Temporary measurements.
#![allow(warnings, clippy::all, clippy::pedantic)]
use super::{
    collection::{Attempt, Verdict}, hash::{HashEdit, HashValue}, list::{ListEdit, ListImage, ListRoot, ListValue},
    packed::run::Side, tree::{edit::Edit, fields::FieldTree, graveyard::Graveyard, store::{Detached, NodeStore}}, writer::Writer,
};
use crate::reclaim::{Domain, Guard, Retired, magazine::block_bytes};
use std::{cell::RefCell, mem::MaybeUninit, ptr::NonNull, sync::Arc, sync::atomic::{AtomicPtr, Ordering}, time::Instant};

thread_local! { static GRAVES: RefCell<Vec<Detached>> = RefCell::new(Vec::new()); }
unsafe impl NodeStore for Guard<'_> {
    #[inline] fn take(&self, bytes: usize) -> NonNull<u8> { self.take_block(bytes) }
    #[inline] unsafe fn put(&self, block: NonNull<u8>, bytes: usize) { unsafe { self.put_block(block, bytes) } }
    #[inline] unsafe fn retire(&self, block: NonNull<u8>, bytes: usize) { unsafe { Guard::retire(self, Retired::Block { block, bytes: bytes as u32 }) } }
    unsafe fn retire_tree(&self, tree: Detached) { GRAVES.with(|g| g.borrow_mut().push(tree)); }
}

#[repr(C, align(16))]
struct Head { kind: u64, len: u64, spare: [u64; 2] }
const FIXED: usize = 32;

struct Slot(AtomicPtr<u8>);
impl Slot {
    fn size(r: *mut u8) -> usize { let h = unsafe { &*r.cast::<Head>() }; block_bytes(32 + if h.kind == 1 { 0 } else if h.kind == 2 { 144 } else { FIXED } + h.len as usize) }
    fn hash<'g>(&self, _g: &'g Guard<'_>) -> HashValue<'g> {
        let r = self.0.load(Ordering::Acquire);
        if r.is_null() { return HashValue::EMPTY }
        let h = unsafe { &*r.cast::<Head>() };
        match h.kind {
            1 => HashValue::packed(unsafe { std::slice::from_raw_parts(r.add(32), h.len as usize) }),
            _ => unsafe { HashValue::tree(&*r.add(32).cast::<FieldTree>()) },
        }
    }
    fn list<'g>(&self, _g: &'g Guard<'_>) -> ListValue<'g> {
        let r = self.0.load(Ordering::Acquire);
        if r.is_null() { return ListValue::EMPTY }
        let h = unsafe { &*r.cast::<Head>() };
        unsafe { ListValue::new(*r.add(32).cast::<ListRoot>(), std::slice::from_raw_parts(r.add(64), h.len as usize)) }
    }
    fn publish<T: Copy>(&self, g: &Guard<'_>, kind: u64, fixed: Option<T>, len: usize, write: impl FnOnce(&mut Writer<'_>)) -> bool {
        let old = self.0.load(Ordering::Acquire);
        let off = 32 + if kind == 1 { 0 } else if kind == 2 { 144 } else { FIXED };
        let block = g.take_block(block_bytes(off + len)).as_ptr();
        unsafe {
            block.cast::<Head>().write(Head { kind, len: len as u64, spare: [0; 2] });
            if let Some(f) = fixed { block.add(32).cast::<T>().write(f); }
            let mut w = Writer::new(std::slice::from_raw_parts_mut(block.add(off).cast::<MaybeUninit<u8>>(), len));
            write(&mut w);
            w.finish();
            self.0.compare_exchange(old, block, Ordering::AcqRel, Ordering::Acquire).unwrap();
            if !old.is_null() { Guard::retire(g, Retired::Block { block: NonNull::new_unchecked(old), bytes: Self::size(old) as u32 }); }
        }
        true
    }
    fn hset(&self, d: &Arc<Domain>, hasher: &foldhash::fast::RandomState, f: &[u8], v: &[u8]) {
        let g = d.pin();
        let mut e = HashEdit::new(hasher);
        e.set(f, v).unwrap();
        let e = e.settle();
        let mut at = Attempt::new(&g);
        let made = e.apply(self.hash(&g), &mut at).unwrap();
        match made {
            Verdict::Packed => self.publish(&g, 1, None::<u64>, at.packing().encoded_len(), |w| at.packing().write(w)),
            Verdict::Tree => self.publish(&g, 2, at.tree().copied(), 0, |_| {}),
            _ => unreachable!(),
        };
        unsafe { at.commit() }
    }
    fn hget(&self, d: &Arc<Domain>, hasher: &foldhash::fast::RandomState, f: &[u8]) -> usize {
        let g = d.pin();
        self.hash(&g).get(f, hasher).map_or(0, |e| match e { super::element::Element::Text(t) => t.len(), _ => 1 })
    }
    fn ledit<'a>(&'a self, g: &'a Guard<'a>, f: impl FnOnce(&mut ListEdit<'a, '_, '_, Guard<'a>>)) {
        let mut edit = Edit::new(g);
        let mut e = ListEdit::new(self.list(g), &mut edit);
        f(&mut e);
        let ends = e.finish();
        self.publish(g, 3, Some(ends.root), ends.encoded_len(), |w| ends.write(w));
        unsafe { edit.commit() }
    }
}

fn cpu() -> f64 { let mut t: libc::timespec = unsafe { std::mem::zeroed() }; unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut t) }; t.tv_sec as f64 * 1e9 + t.tv_nsec as f64 }
fn time(n: usize, mut f: impl FnMut(usize)) -> f64 {
    let mut best = f64::MAX;
    for _ in 0..8 { let t = cpu(); for i in 0..n { f(i); } best = best.min((cpu() - t) / n as f64); }
    best
}
#[test]
fn baseline() {
    let d = Domain::new();
    let slot = Slot(AtomicPtr::new(std::ptr::null_mut()));
    let pin = time(1_000_000, |_| { std::hint::black_box(&d.pin()); });
    let publish = time(500_000, |_| { let g = d.pin(); slot.publish(&g, 1, None::<u64>, 250, |w| { w.skip(250); }); });
    let publish600 = time(500_000, |_| { let g = d.pin(); slot.publish(&g, 1, None::<u64>, 600, |w| { w.bytes(&[1u8;600]); }); });
    let hasher = foldhash::fast::RandomState::default();
    println!("hash base pin {pin:.1} publish {publish:.1} publish600 {publish600:.1}");
    for n in [8usize, 128, 10_000, 1_000_000] {
        let fields: Vec<_> = (0..n).map(|i| format!("field:{i:010}").into_bytes()).collect();
        let m = std::sync::Mutex::new(std::collections::HashMap::<Vec<u8>, Vec<u8>, _>::with_hasher(hasher.clone()));
        for f in &fields { m.lock().unwrap().insert(f.clone(), b"value:0123456789".to_vec()); }
        let order: Vec<usize> = { let mut x = X(88172645463325252); (0..1 << 16).map(|_| x.next() as usize % n).collect() };
        let get = time(300_000, |i| { std::hint::black_box(m.lock().unwrap().get(&fields[order[i & 65535]]).map(|v| v.len())); });
        let set = time(300_000, |i| { let f = &fields[order[i & 65535]]; match m.lock().unwrap().get_mut(f) { Some(v) => { *v = b"value:9876543210".to_vec(); } None => {} } });
        println!("hash mutex {n} HGET {get:.1} HSET {set:.1}");
    }
    for n in [10usize, 1_000, 1_000_000] {
        let q = std::sync::Mutex::new(std::collections::VecDeque::<Vec<u8>>::new());
        for _ in 0..n { q.lock().unwrap().push_back(b"element:01234567".to_vec()); }
        let pair = time(300_000, |_| { q.lock().unwrap().push_front(b"element:01234567".to_vec()); q.lock().unwrap().pop_back(); }) / 2.0;
        println!("list mutex {n} pair/2 {pair:.1}");
    }
}
struct X(u64);
impl X { fn next(&mut self) -> u64 { self.0 ^= self.0 << 13; self.0 ^= self.0 >> 7; self.0 ^= self.0 << 17; self.0 } }

#[test]
fn hashes() {
    let hasher = foldhash::fast::RandomState::default();
    for n in [1, 8, 16, 32, 64, 128, 512, 10_000, 100_000, 1_000_000] {
        let d = Domain::new();
        let slot = Slot(AtomicPtr::new(std::ptr::null_mut()));
        let fields: Vec<_> = (0..n).map(|i| format!("field:{i:010}")).collect();
        let t0 = Instant::now();
        for f in &fields { slot.hset(&d, &hasher, f.as_bytes(), b"value:0123456789"); }
        let fill = t0.elapsed().as_nanos() as f64 / n as f64;
        let order: Vec<usize> = { let mut x = X(88172645463325252); (0..1 << 16).map(|_| x.next() as usize % n).collect() };
        let reps = if n > 50_000 { 100_000 } else { 200_000 };
        let get = time(reps, |i| { std::hint::black_box(slot.hget(&d, &hasher, fields[order[i & 65535]].as_bytes())); });
        let miss = time(reps, |i| { std::hint::black_box(slot.hget(&d, &hasher, b"no such field")); });
        let set = time(reps, |i| { slot.hset(&d, &hasher, fields[order[i & 65535]].as_bytes(), b"value:9876543210") });
        let bytes = { let g = d.pin(); slot.hash(&g).collection().bytes() };
        let all = time((2_000_000 / n).max(1), |_| { let g = d.pin(); std::hint::black_box(slot.hash(&g).iter().map(|(f, v)| f.text_len() + v.text_len()).sum::<usize>()); }) / n as f64;
        println!("hash {n:8}  fill {fill:6.0}  HGET {get:6.1}  miss {miss:5.1}  HSET {set:6.1}   HGETALL/field {all:5.1}  bytes/field {:.1}", bytes as f64 / n as f64);
    }
}
#[test]
fn lists() {
    for n in [10usize, 40, 60, 100, 1_000, 100_000, 1_000_000] {
        let d = Domain::new();
        let slot = Slot(AtomicPtr::new(std::ptr::null_mut()));
        let v = b"element:01234567";
        let t0 = Instant::now();
        for _ in 0..n { let g = d.pin(); slot.ledit(&g, |e| e.push(Side::Right, v).unwrap()); }
        let fill = t0.elapsed().as_nanos() as f64 / n as f64;
        let reps = 200_000;
        let pair = time(reps, |_| {
            { let g = d.pin(); slot.ledit(&g, |e| e.push(Side::Left, v).unwrap()); }
            { let g = d.pin(); let len = slot.list(&g).len(); std::hint::black_box(slot.list(&g).at(len - 1)); slot.ledit(&g, |e| e.trim(0, len - 1)); }
        }) / 2.0;
        let burst = 100.min(reps);
        let same = time(reps, |_| {
            { let g = d.pin(); slot.ledit(&g, |e| e.push(Side::Left, v).unwrap()); }
            { let g = d.pin(); let len = slot.list(&g).len(); std::hint::black_box(slot.list(&g).at(0)); slot.ledit(&g, |e| e.trim(1, len)); }
        }) / 2.0;
        let push = { let t = Instant::now(); for _ in 0..100_000 { let g = d.pin(); slot.ledit(&g, |e| e.push(Side::Left, v).unwrap()); } t.elapsed().as_nanos() as f64 / 100_000.0 };
        let pop = { let t = Instant::now(); for _ in 0..100_000 { let g = d.pin(); let len = slot.list(&g).len(); std::hint::black_box(slot.list(&g).at(0)); slot.ledit(&g, |e| e.trim(1, len)); } t.elapsed().as_nanos() as f64 / 100_000.0 };
        let mut x = X(88172645463325252);
        let index = time(reps, |_| { let g = d.pin(); let l = slot.list(&g); std::hint::black_box(l.at(x.next() % l.len())); });
        let r10 = time(reps, |_| { let g = d.pin(); std::hint::black_box(slot.list(&g).iter().take(10).count()); });
        let r100 = time(20_000, |_| { let g = d.pin(); let l = slot.list(&g); let s = x.next() % l.len(); std::hint::black_box(l.iter_from(s, Side::Left).take(100).count()); });
        let lset = time(50_000, |_| { let g = d.pin(); let i = x.next() % slot.list(&g).len(); slot.ledit(&g, |e| { e.set(i, v).unwrap(); }); });
        let lins = if n >= 1000 { time(20_000, |_| { { let g = d.pin(); let i = x.next() % slot.list(&g).len(); slot.ledit(&g, |e| { e.insert(i, v).unwrap(); }); } }) } else { 0.0 };
        println!("list {n:8}  fill {fill:5.0} pair/2 {pair:5.1} same end/2 {same:5.1} LPUSH {push:5.0} LPOP {pop:5.0} LINDEX {index:5.0} LRANGE10 {r10:5.0} LRANGE100 {r100:5.0} LSET {lset:5.0} LINSERT {lins:5.0}");
    }
}
#[test]
fn one_hset8() {
    let hasher = foldhash::fast::RandomState::default();
    let n = std::env::var("N").map_or(8, |n| n.parse().unwrap());
    let d = Domain::new();
    let slot = Slot(AtomicPtr::new(std::ptr::null_mut()));
    let fields: Vec<_> = (0..n).map(|i| format!("field:{i:010}")).collect();
    for f in &fields { slot.hset(&d, &hasher, f.as_bytes(), b"value:0123456789"); }
    let set = time(reps(1_000_000), |i| { slot.hset(&d, &hasher, fields[i % n].as_bytes(), b"value:9876543210") });
    println!("hash one {set:.1}");
}
#[test]
fn one_hget8() {
    let hasher = foldhash::fast::RandomState::default();
    let n = std::env::var("N").map_or(8, |n| n.parse().unwrap());
    let d = Domain::new();
    let slot = Slot(AtomicPtr::new(std::ptr::null_mut()));
    let fields: Vec<_> = (0..n).map(|i| format!("field:{i:010}")).collect();
    for f in &fields { slot.hset(&d, &hasher, f.as_bytes(), b"value:0123456789"); }
    let set = time(reps(3_000_000), |i| { std::hint::black_box(slot.hget(&d, &hasher, fields[i % n].as_bytes())); });
    println!("hash one {set:.1}");
}
#[test]
fn one_pair() {
    let n = std::env::var("N").map_or(10, |n| n.parse().unwrap());
    let d = Domain::new();
    let slot = Slot(AtomicPtr::new(std::ptr::null_mut()));
    let v = b"element:01234567";
    for _ in 0..n { let g = d.pin(); slot.ledit(&g, |e| e.push(Side::Right, v).unwrap()); }
    let pair = time(reps(500_000), |_| {
        { let g = d.pin(); slot.ledit(&g, |e| e.push(Side::Left, v).unwrap()); }
        { let g = d.pin(); let len = slot.list(&g).len(); std::hint::black_box(slot.list(&g).at(len - 1)); slot.ledit(&g, |e| e.trim(0, len - 1)); }
    }) / 2.0;
    println!("list one pair/2 {pair:.1}");
}
fn reps(n: usize) -> usize { std::env::var("REPS").map_or(n, |n| n.parse().unwrap()) }
#[test]
fn one_publish() {
    let d = Domain::new();
    let slot = Slot(AtomicPtr::new(std::ptr::null_mut()));
    let v = [1u8; 233];
    let p = time(reps(500_000), |_| { let g = d.pin(); slot.publish(&g, 1, None::<u64>, 233, |w| { w.bytes(&v); }); });
    println!("hash one {p:.1}");
}

fn hist(name: &str, n: usize, mut f: impl FnMut(usize)) {
    let mut v: Vec<u64> = (0..n).map(|i| { let t = Instant::now(); f(i); t.elapsed().as_nanos() as u64 }).collect();
    v.sort_unstable();
    println!("hist {name}: p50 {} p99 {} p99.9 {} max {}", v[n/2], v[n*99/100], v[n*999/1000], v[n-1]);
}
#[test]
fn tails() {
    let hasher = foldhash::fast::RandomState::default();
    let n = 1_000_000;
    let d = Domain::new();
    let slot = Slot(AtomicPtr::new(std::ptr::null_mut()));
    let fields: Vec<_> = (0..n).map(|i| format!("field:{i:010}")).collect();
    for f in &fields { slot.hset(&d, &hasher, f.as_bytes(), b"value:0123456789"); }
    let mut x = X(88172645463325252);
    hist("HSET existing 1M", 300_000, |_| slot.hset(&d, &hasher, fields[x.next() as usize % n].as_bytes(), b"value:9876543210"));
    let more: Vec<_> = (0..300_000).map(|i| format!("more:{i:010}")).collect();
    hist("HSET new at 1M", 300_000, |i| slot.hset(&d, &hasher, more[i].as_bytes(), b"value:9876543210"));
    let at = time(100_000, |_| { let g = d.pin(); let h = slot.hash(&g); std::hint::black_box(h.at(x.next() % h.len())); });
    println!("hist random field at 1M {at:.0} ns");
    let slot = Slot(AtomicPtr::new(std::ptr::null_mut()));
    for f in fields.iter().take(10_000) { slot.hset(&d, &hasher, f.as_bytes(), b"value:0123456789"); }
    let at = time(100_000, |_| { let g = d.pin(); let h = slot.hash(&g); std::hint::black_box(h.at(x.next() % h.len())); });
    println!("hist random field at 10k {at:.0} ns");
    let v = b"element:01234567";
    let slot = Slot(AtomicPtr::new(std::ptr::null_mut()));
    for _ in 0..n { let g = d.pin(); slot.ledit(&g, |e| e.push(Side::Right, v).unwrap()); }
    hist("LPUSH 1M", 300_000, |_| { let g = d.pin(); slot.ledit(&g, |e| e.push(Side::Left, v).unwrap()); });
    hist("RPOP 1M", 300_000, |_| { let g = d.pin(); let len = slot.list(&g).len(); slot.ledit(&g, |e| e.trim(0, len - 1)); });
    hist("LSET 1M", 200_000, |_| { let g = d.pin(); let i = x.next() % slot.list(&g).len(); slot.ledit(&g, |e| { e.set(i, v).unwrap(); }); });
    hist("LINSERT 1M", 200_000, |_| { let g = d.pin(); let i = x.next() % slot.list(&g).len(); slot.ledit(&g, |e| { e.insert(i, v).unwrap(); }); });
    hist("LREM one at 1M", 100_000, |_| { let g = d.pin(); let i = x.next() % slot.list(&g).len(); slot.ledit(&g, |e| e.remove(&[i])); });
    hist("LTRIM a third at 1M", 5, |_| { let g = d.pin(); let len = slot.list(&g).len(); slot.ledit(&g, |e| e.trim(len / 6, len - len / 6)); });
}
