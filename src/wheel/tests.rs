//! What the wheel promises: in small, against a sorted map, and under several threads.

use super::{shelf::Shelf, timeline::TOLERANCE_MILLIS};
use crate::{sync::CLAIM, tally::Tally};
use std::{
    collections::BTreeMap,
    sync::{
        Barrier,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread,
};

type World = Shelf<9>;

/// When the tests begin, in Unix milliseconds.
const START: u64 = 1_700_000_000_123;

/// No deadline.
const NEVER: u64 = 0;

/// How late a record may be removed by who advances fully: a granule of the last level that fires
/// late, and the millisecond of the deadline itself.
const LATENESS: u64 = 32;

const DAY: u64 = 24 * 3_600_000;
const YEAR: u64 = 365 * DAY;

/// A number of steps, or a few of them where each costs a thousand times as much.
const fn steps(many: usize, few: usize) -> usize {
    if cfg!(miri) { few } else { many }
}

/// Marsaglia's xorshift.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() >> 32) as usize % end
    }

    /// A duration of any magnitude up to so many bits.
    fn duration(&mut self, bits: u64) -> u64 {
        let magnitude = self.next() % bits;
        self.next() & ((1 << (magnitude + 1)) - 1)
    }
}

#[test]
fn a_record_goes_when_its_deadline_has_passed_and_not_before() {
    let world = World::new(1, 1, START);
    world.set(0, START + 50);

    assert_eq!(world.advance_fully(START + 50), 0);
    assert_eq!(world.deadline_of(0), Some(START + 50));

    assert_eq!(world.advance_fully(START + 51), 1);
    assert_eq!(world.deadline_of(0), None);
    assert_eq!(world.entries(), 0);
}

#[test]
fn a_deadline_of_any_distance_is_met_to_a_granule_of_the_fine_levels() {
    for distance in [1, 255, 256, 8_000, 9_000, 300_000, DAY, 100 * DAY, 50 * YEAR, 9_000 * YEAR] {
        let world = World::new(1, 1, START);
        let deadline = START + distance;
        world.set(0, deadline);

        // A cleanup that comes every so often.
        let mut now = START;
        while now < deadline {
            now = (now + distance / 50 + 1).min(deadline);
            world.advance_fully(now);
            assert_eq!(world.deadline_of(0), Some(deadline), "removed before its deadline");
        }
        world.advance_fully(deadline + LATENESS);

        assert_eq!(world.deadline_of(0), None, "a deadline {distance} ms ahead is not met");
        assert_eq!(world.entries(), 0);
    }
}

#[test]
fn a_record_that_is_set_when_it_has_expired_goes_at_the_next_tick() {
    let world = World::new(1, 1, START);
    world.set(0, 1);

    assert_eq!(world.advance_fully(START + 1), 1);
}

#[test]
fn a_record_without_a_deadline_stays_and_has_no_entry() {
    let world = World::new(1, 1, START);
    world.set(0, NEVER);

    assert_eq!(world.entries(), 0);
    assert_eq!(world.advance_fully(START + 100 * YEAR), 0);
    assert_eq!(world.deadline_of(0), Some(NEVER));
}

#[test]
fn all_records_that_an_entry_may_mean_are_looked_after() {
    let world = World::new(6, 3, START);
    for (key, millis) in [10, 10, 500, 20, NEVER, 9_000].into_iter().enumerate() {
        world.set(key, if millis == NEVER { NEVER } else { START + millis });
    }

    for (now, left) in [(10, 6), (11, 4), (21, 3), (501 + LATENESS, 2), (9_000 + LATENESS, 1)] {
        world.advance_fully(START + now);
        let keys = (0..6).filter(|key| world.deadline_of(*key).is_some()).count();
        assert_eq!(keys, left, "at {now}");
    }
}

#[test]
fn a_key_that_is_overwritten_again_and_again_has_one_entry() {
    let world = World::new(1, 1, START);
    let mut most = 0;
    let mut now = START;

    for step in 0..steps(1_000_000, 300) {
        now = START + step as u64 / 10;
        world.set(0, now + 60_000);
        world.advance(now, World::INLINE);
        most = most.max(world.entries());
    }

    assert_eq!(most, 1);
    assert_eq!(world.advance_fully(now + 60_000 + LATENESS), 1);
    assert_eq!(world.entries(), 0);
}

#[test]
fn set_and_persist_in_turn_leave_one_entry() {
    let world = World::new(1, 1, START);
    for _ in 0..100 {
        world.set(0, START + 5_000);
        world.set(0, NEVER);
    }

    assert_eq!(world.entries(), 1);
    assert_eq!(world.advance_fully(START + DAY), 0);
    assert_eq!(world.entries(), 0);
}

#[test]
fn a_sooner_deadline_is_met_at_its_time() {
    let world = World::new(1, 1, START);
    world.set(0, START + DAY);
    world.set(0, START + 3_000);

    world.advance_fully(START + 3_000 + LATENESS);

    assert_eq!(world.deadline_of(0), None);
}

#[test]
fn keys_that_come_and_go_stay_under_the_cap_and_no_deadline_is_lost() {
    let (keys, rounds) = (50, steps(400, 4));
    let world = World::new(keys, 1, START);
    let most = 2 * keys as u64 + steps(4_096 + 64, 4 + 8) as u64;

    for _ in 0..rounds {
        for key in 0..keys {
            world.delete(key);
            world.set(key, START + DAY);
            assert!(world.entries() <= most, "{} entries", world.entries());
        }
    }
    assert!(world.entries() > 2 * keys as u64, "the cap was not reached");
    assert!(world.wheel.owes_sweep());
    world.advance_fully(START + DAY);
    assert_eq!((0..keys).filter(|key| world.deadline_of(*key).is_some()).count(), keys);

    // Each call sweeps a little; a few rounds suffice when there is room for entries again.
    for millis in 0..4 * keys as u64 {
        world.advance_fully(START + DAY + LATENESS + millis);
    }
    assert!(!world.wheel.owes_sweep());
    assert_eq!((0..keys).filter(|key| world.deadline_of(*key).is_some()).count(), 0);
    assert_eq!(world.entries(), 0);
}

#[test]
fn a_slice_does_no_more_than_its_budget() {
    let keys = steps(5_000, 100);
    let world = World::new(keys, 1, START);
    (0..keys).for_each(|key| world.set(key, START + 40));

    let mut expired = 0;
    let mut slices = 0;
    loop {
        let advanced = world.advance(START + 41, CLAIM);
        assert!(advanced.expired <= CLAIM, "{} at once", advanced.expired);
        expired += advanced.expired;
        slices += 1;
        if !advanced.is_more_due {
            break;
        }
    }

    assert_eq!(expired, keys);
    // Claims do not always fill a batch: chunks end.
    assert!(slices <= keys / CLAIM * 2 + 10, "{slices} slices");
}

#[test]
fn a_long_rest_is_made_up_for_in_a_few_slices() {
    let world = World::new(9, 1, START);
    for (key, millis) in
        [10, 300, 9_000, 300_000, DAY, 5 * DAY, YEAR, 20 * YEAR, 90 * YEAR].into_iter().enumerate()
    {
        world.set(key, START + millis);
    }

    let mut expired = 0;
    let mut slices = 0;
    loop {
        let advanced = world.advance(START + 60 * YEAR, World::INLINE);
        expired += advanced.expired;
        slices += 1;
        if !advanced.is_more_due {
            break;
        }
    }

    assert_eq!(expired, 8);
    assert!(slices <= 10, "{slices} slices");
}

#[test]
fn a_clock_that_is_set_back_does_not_stop_the_wheel() {
    let world = World::new(3, 1, START + YEAR);
    world.set(0, START + YEAR + 1_000);
    world.advance_fully(START + YEAR + 500);

    // The clock is a year back.
    world.set(1, START + 2_000);
    world.advance_fully(START);
    world.set(2, START + 2_000);

    world.advance_fully(START + 2_000);
    assert!((0..3).all(|key| world.deadline_of(key).is_some()), "removed before its deadline");
    world.advance_fully(START + 2_000 + LATENESS);
    assert_eq!(world.deadline_of(1), None);
    assert_eq!(world.deadline_of(2), None);
    assert_eq!(world.deadline_of(0), Some(START + YEAR + 1_000));
    world.advance_fully(START + YEAR + 1_000 + LATENESS);
    assert_eq!(world.deadline_of(0), None);
}

#[test]
fn a_lone_entry_takes_64_bytes_and_a_thousand_nine_each() {
    let world = World::new(1_000, 1, START);
    world.set(0, START + 70);
    assert_eq!(world.domain.total(Tally::WheelBytes), 64);

    (1..1_000).for_each(|key| world.set(key, START + 70));
    let bytes = world.domain.total(Tally::WheelBytes);
    assert!(bytes < 9_000, "{bytes} bytes");

    world.advance_fully(START + 71);
    assert_eq!(world.domain.total(Tally::WheelBytes), 0);
}

/// A shelf beside a sorted map that says what should be on it.
struct Compared {
    world: World,
    plain: BTreeMap<usize, u64>,
    now: u64,
    /// Where the wheel may be by its clock: it is not ahead by more than it takes for a late reading.
    shown: u64,
}

impl Compared {
    const KEYS: usize = 40;

    fn new(keys_per_hash: usize) -> Self {
        let world = World::new(Self::KEYS, keys_per_hash, START);
        Self { world, plain: BTreeMap::new(), now: START, shown: START }
    }

    fn set(&mut self, key: usize, deadline: u64) {
        self.world.set(key, deadline);
        self.plain.insert(key, deadline);
    }

    fn delete(&mut self, key: usize) {
        assert_eq!(self.world.delete(key), self.plain.remove(&key).is_some());
    }

    /// Advances by some slices; nothing goes before its time.
    fn advance(&mut self, budget: usize) -> bool {
        let advanced = self.world.advance(self.now, budget);
        self.shown = self.shown.min(self.now + TOLERANCE_MILLIS).max(self.now);
        let mut expired = 0;
        self.plain.retain(|key, deadline| {
            let is_there = self.world.deadline_of(*key) == Some(*deadline);
            let has_expired = *deadline != NEVER && *deadline < self.now;
            assert!(is_there || has_expired, "{key} is gone before {deadline}, at {}", self.now);
            expired += usize::from(!is_there);
            is_there
        });
        assert_eq!(advanced.expired, expired);
        advanced.is_more_due
    }

    /// Advances fully; nothing is left whose time has come.
    fn advance_fully(&mut self) {
        // A clock that is a little behind is waited for.
        let moves_on = self.now > self.shown;
        while self.advance(World::INLINE) {}
        let overdue = |deadline: u64| deadline != NEVER && deadline + LATENESS <= self.now;
        if moves_on {
            let late = self.plain.iter().find(|(_, deadline)| overdue(**deadline));
            assert_eq!(late, None, "not met by {}", self.now);
        }
        let most = 2 * Self::KEYS as u64 + steps(4_096 + 64, 4 + 8) as u64;
        assert!(self.world.entries() <= most);
    }

    fn random_step(&mut self, random: &mut Random) {
        let key = random.below(Self::KEYS);
        match random.below(100) {
            0..40 => self.set(key, (self.now + random.duration(16)).max(1)),
            40..50 => self.set(key, self.now + random.duration(45)),
            50..58 => self.set(key, NEVER),
            58..66 => self.delete(key),
            66..80 => self.now += random.duration(6),
            80..88 => self.now += random.duration(14),
            88 => self.now += random.duration(41),
            89 => self.now = self.now.saturating_sub(random.duration(11)),
            90 if random.below(4) == 0 => {
                self.now = self.now.saturating_sub(20_000 + random.duration(40));
            }
            90..96 => {
                self.advance(1 + random.below(20));
            }
            _ => self.advance_fully(),
        }
    }
}

#[test]
fn any_schedule_agrees_with_a_sorted_map() {
    for (round, keys_per_hash) in (0..steps(60, 1)).flat_map(|round| [(round, 1), (round, 3)]) {
        let seed = 0x9E37_79B9_7F4A_7C15 ^ (round as u64 + 1) << 20 ^ keys_per_hash as u64;
        let mut random = Random(seed);
        let mut compared = Compared::new(keys_per_hash);

        for _ in 0..steps(3_000, 150) {
            compared.random_step(&mut random);
        }

        // In the end, whatever has a deadline goes, and the wheel is empty.
        compared.now += 20_000 * YEAR;
        for _ in 0..200 {
            compared.advance_fully();
            compared.now += LATENESS;
        }
        assert!(compared.plain.values().all(|deadline| *deadline == NEVER));
        assert_eq!(compared.world.entries(), 0);
        assert_eq!(compared.world.domain.total(Tally::WheelBytes), 0);
    }
}

/// A clock that threads move, and when to end.
struct Hour {
    clock: AtomicU64,
    is_over: AtomicBool,
}

impl Hour {
    fn now(&self) -> u64 {
        self.clock.load(Relaxed)
    }
}

/// Writes, deletes and advances at random; its own keys go only when their deadlines have passed.
fn write_and_advance(world: &World, hour: &Hour, own: std::ops::Range<usize>, shared: usize) {
    let mut random = Random(0x2545_F491_4F6C_DD1D ^ (own.start as u64 + 1) << 32);
    let mut deadlines = BTreeMap::new();
    while !hour.is_over.load(Relaxed) {
        let deadline = match random.below(8) {
            0 => NEVER,
            1 => hour.now() + random.duration(20),
            _ => hour.now() + random.duration(6),
        };
        let key = own.start + random.below(own.len());
        match random.below(8) {
            0..3 => {
                if let Some(before) = deadlines.insert(key, deadline)
                    && world.deadline_of(key).is_none()
                {
                    let now = hour.now();
                    assert!(before != NEVER && before < now, "gone before {before}, at {now}");
                }
                world.set(key, deadline);
            }
            3 => {
                world.delete(key);
                deadlines.remove(&key);
            }
            4 | 5 => world.set(random.below(shared), deadline),
            6 => {
                world.delete(random.below(shared));
            }
            _ => {
                world.advance(hour.now(), World::INLINE);
            }
        }
    }
}

#[test]
fn threads_that_write_and_advance_neither_lose_a_deadline_nor_anticipate_one() {
    let (threads, shared, own) = (3, 20, 20);
    let (millis, pause) = (steps(3_000, 20) as u64, steps(400, 20));
    let keys = shared + threads * own;
    let world = World::new(keys, 1, START);
    let hour = Hour { clock: AtomicU64::new(START), is_over: AtomicBool::new(false) };
    let barrier = Barrier::new(threads + 1);

    thread::scope(|scope| {
        for thread in 0..threads {
            let (world, hour, barrier) = (&world, &hour, &barrier);
            let own = shared + thread * own..shared + (thread + 1) * own;
            scope.spawn(move || {
                barrier.wait();
                write_and_advance(world, hour, own, shared);
            });
        }
        barrier.wait();
        for _ in 0..millis {
            hour.clock.fetch_add(1, Relaxed);
            for key in 0..pause {
                world.set(key % shared, hour.now() + key as u64);
            }
            world.advance(hour.now(), World::INLINE);
        }
        hour.is_over.store(true, Relaxed);
    });

    let now = hour.now();
    world.advance_fully(now + LATENESS);
    while world.wheel.owes_sweep() {
        world.advance_fully(now + LATENESS);
    }
    for key in 0..keys {
        let deadline = world.deadline_of(key).unwrap_or(NEVER);
        assert!(deadline == NEVER || deadline > now, "{deadline} is not met by {now}");
    }
    world.advance_fully(now + 20_000 * YEAR);
    world.advance_fully(now + 20_000 * YEAR + LATENESS);
    assert_eq!(world.entries(), 0);
}

#[test]
fn a_wheel_that_is_dropped_frees_its_entries() {
    let world = World::new(100, 1, START);
    (0..100).for_each(|key| world.set(key, START + 1 + key as u64 % 3 * DAY));

    assert_eq!(world.entries(), 100);
    drop(world);
}
