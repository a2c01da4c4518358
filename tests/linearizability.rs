//! Histories of several threads on one key are linearizable: Wing and Gong's search (1993) with
//! Lowe's memoization (2017), on each key by itself, which is enough since the commands are on one
//! key each (Herlihy and Wing's locality). What the listener is told of removals is a part of each
//! command's answer.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod support;

use arbitrary::{Arbitrary, Unstructured};
use memory_cache_pool::{
    CacheConfig, Error, ManualClock, MemoryCachePool, RemovalCause, RemovedValue,
};
use std::{
    cell::RefCell,
    collections::HashSet,
    sync::{
        Arc, Barrier,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    thread,
};
use support::{
    command::{Change, Command, Key, Number, Text, run},
    oracle::Oracle,
    reply::{Bytes, Reply},
};

const NOW: u64 = 1_700_000_000_000;

/// A value that was told to be gone, and why.
type Told = (Vec<u8>, RemovalCause);

thread_local! {
    /// What this thread's listener was told since it was last taken.
    static TOLD: RefCell<Vec<Told>> = const { RefCell::new(Vec::new()) };
}

/// A command with the order numbers of its call and its return.
#[derive(Clone, Debug)]
struct Event {
    command: Command,
    answer: Result<Reply, Error>,
    told: Vec<Told>,
    called: u64,
    returned: u64,
}

/// What the listener has to be told when a command finds this keyspace and gets this answer.
fn removals(before: &Oracle, command: &Command, answer: &Result<Reply, Error>) -> Vec<Told> {
    let (key, cause) = match command {
        Command::Delete(key) | Command::Getdel(key) => (*key, RemovalCause::Deleted),
        Command::Set(key, _)
        | Command::Getset(key, _)
        | Command::Append(key, _)
        | Command::Update(key, _) => (*key, RemovalCause::Replaced),
        _ => return Vec::new(),
    };
    match before.clone().apply(&Command::Get(key)) {
        Ok(Reply::Value(Some(Bytes(value)))) if answer.is_ok() => vec![(value, cause)],
        _ => Vec::new(),
    }
}

/// Whether some order of the events, each between its call and its return, explains all answers.
fn is_linearizable(history: &[Event]) -> bool {
    assert!(history.len() <= 64, "a set of events is a word");
    let all = if history.len() == 64 { u64::MAX } else { (1 << history.len()) - 1 };
    let mut seen = HashSet::new();
    let mut open = vec![(0_u64, Oracle::new(NOW, None))];
    while let Some((done, state)) = open.pop() {
        if done == all {
            return true;
        }
        let pending = || history.iter().enumerate().filter(|(index, _)| done >> index & 1 == 0);
        let first_return = pending().map(|(_, event)| event.returned).min().unwrap_or(0);
        for (index, event) in pending().filter(|(_, event)| event.called < first_return) {
            let mut next = state.clone();
            let step = (done | 1 << index, next.apply(&event.command));
            let told = removals(&state, &event.command, &event.answer);
            if step.1 == event.answer && told == event.told && seen.insert((step.0, next.clone())) {
                open.push((step.0, next));
            }
        }
    }
    false
}

/// A random command on one key.
fn draw(state: &mut u64, key: Key) -> Command {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    let bytes = state.wrapping_mul(0x2545_F491_4F6C_DD1D).to_be_bytes();
    let number = || i64::from(bytes[1] % 100);
    let value = || Text(number().to_string().into_bytes());
    match bytes[0] % 14 {
        0 | 1 => Command::Set(key, value()),
        2 | 3 => Command::Get(key),
        4 => Command::Delete(key),
        5 | 6 => Command::Incrby(key, Number(number())),
        7 => Command::Incr(key),
        8 => Command::Setnx(key, value()),
        9 => Command::Getset(key, value()),
        10 => Command::Getdel(key),
        11 => Command::Append(key, Text(vec![b'0' + bytes[2] % 10])),
        12 => Command::Persist(key),
        _ => Command::Update(key, Change::Append(b'7')),
    }
}

/// Writes or removes some keys that no history is about, so that the table grows in the first half
/// of the steps and shrinks in the second, under the keys that histories are about.
fn resize(pool: &MemoryCachePool, thread: u64, step: usize, commands: usize, burst: usize) {
    let middle = commands / 2;
    let wave = if step < middle { step } else { commands - 1 - step };
    for number in wave * burst..(wave + 1) * burst {
        let key = format!("beside:{thread}:{number}");
        if step < middle {
            pool.set(key, "x").unwrap();
        } else {
            pool.delete(key);
        }
    }
}

/// Runs random commands on a few keys from several threads at once, and returns what each did.
/// Before each command a thread writes or removes `burst` other keys.
fn record(
    pool: &MemoryCachePool,
    threads: u64,
    commands: usize,
    burst: usize,
    seed: u64,
) -> Vec<(Key, Event)> {
    let order = AtomicU64::new(0);
    let barrier = Barrier::new(usize::try_from(threads).unwrap());
    let work = |thread: u64| {
        let mut state = seed.wrapping_add(thread.wrapping_mul(0x9E37_79B9_7F4A_7C15)) | 1;
        barrier.wait();
        (0..commands)
            .map(|step| {
                let which = [u8::try_from((step as u64 + thread) % 2).unwrap()];
                let key = Key::arbitrary(&mut Unstructured::new(&which)).unwrap();
                let command = draw(&mut state, key);
                resize(pool, thread, step, commands, burst);
                TOLD.take();
                let called = order.fetch_add(1, SeqCst);
                let answer = run(pool, &command, NOW);
                let returned = order.fetch_add(1, SeqCst);
                (key, Event { command, answer, told: TOLD.take(), called, returned })
            })
            .collect::<Vec<_>>()
    };
    thread::scope(|scope| {
        let threads: Vec<_> =
            (0..threads).map(|thread| scope.spawn(move || work(thread))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    })
}

/// The events of each key.
fn by_key(history: Vec<(Key, Event)>) -> Vec<Vec<Event>> {
    let mut keys: Vec<(Key, Vec<Event>)> = Vec::new();
    for (key, event) in history {
        match keys.iter_mut().find(|(known, _)| *known == key) {
            Some((_, events)) => events.push(event),
            None => keys.push((key, vec![event])),
        }
    }
    keys.into_iter().map(|(_, events)| events).collect()
}

fn crowded_pool() -> MemoryCachePool {
    let clock = Arc::new(ManualClock::new(NOW));
    let config = CacheConfig::new().capacity(1).clock(clock).on_removal(|removal| {
        if let RemovedValue::String(value) = removal.value {
            TOLD.with_borrow_mut(|told| told.push((value, removal.cause)));
        }
    });
    MemoryCachePool::new(config).unwrap()
}

/// Records histories of rounds and shows that each is linearizable, and that commands overlapped.
fn show_linearizable(rounds: u64, threads: u64, burst: usize) {
    let mut concurrent = 0;
    for round in 0..rounds {
        let history = record(&crowded_pool(), threads, 12, burst, 0xC0FF_EE00 + round);
        for events in by_key(history) {
            concurrent += events
                .iter()
                .filter(|a| events.iter().any(|b| a.called < b.called && b.called < a.returned))
                .count();
            assert!(is_linearizable(&events), "no order explains {events:#?}");
        }
    }
    assert!(concurrent > 0, "no two commands ever overlapped: nothing was tested");
}

#[test]
fn concurrent_histories_of_each_key_are_linearizable() {
    let (rounds, threads) = if cfg!(miri) { (5, 3) } else { (1_500, 4) };

    show_linearizable(rounds, threads, 0);
}

/// Not under Miri, where too few rounds for two commands to overlap take too long.
#[cfg(not(miri))]
#[test]
fn histories_are_linearizable_while_the_table_grows_and_shrinks() {
    let rounds = if cfg!(pool_tsan) { 100 } else { 1_000 };
    // Few keys at a time move a small table often; many keep a large one moving for longer.
    for burst in 1..5 {
        show_linearizable(rounds / burst as u64, 4, burst * burst * 2);
    }
}

fn event(command: Command, answer: Reply, called: u64, returned: u64) -> Event {
    Event { command, answer: Ok(answer), told: Vec::new(), called, returned }
}

/// A set that was told to have replaced a value, or none.
fn set(to: &str, replaced: Option<&str>, called: u64, returned: u64) -> Event {
    let told = replaced.map(|value| (value.as_bytes().to_vec(), RemovalCause::Replaced));
    let set = event(Command::Set(key(), text(to)), Reply::Done, called, returned);
    Event { told: told.into_iter().collect(), ..set }
}

fn key() -> Key {
    Key::arbitrary(&mut Unstructured::new(&[0])).unwrap()
}

fn text(value: &str) -> Text {
    Text(value.as_bytes().to_vec())
}

fn value(value: &str) -> Reply {
    Reply::Value(Some(Bytes(value.as_bytes().to_vec())))
}

#[test]
fn overlapping_commands_may_take_effect_in_either_order() {
    for (seen, first, second) in [("1", Some("2"), None), ("2", None, Some("1"))] {
        let get = event(Command::Get(key()), value(seen), 4, 5);

        assert!(is_linearizable(&[set("1", first, 0, 3), set("2", second, 1, 2), get]));
    }
}

#[test]
fn a_stale_read_is_rejected() {
    let history = [
        set("1", None, 0, 1),
        set("2", Some("1"), 2, 3),
        event(Command::Get(key()), value("1"), 4, 5),
    ];

    assert!(!is_linearizable(&history));
}

#[test]
fn a_stale_read_put_into_a_recorded_history_is_rejected() {
    let pool = crowded_pool();
    let mut history = by_key(record(&pool, 3, 8, 0, 7)).swap_remove(0);
    let end = history.iter().map(|event| event.returned).max().unwrap();
    for (step, to) in (0..).zip(["before", "after"]) {
        TOLD.take();
        let command = Command::Set(key(), text(to));
        run(&pool, &command, NOW).unwrap();
        let set = event(command, Reply::Done, end + 2 * step + 1, end + 2 * step + 2);
        history.push(Event { told: TOLD.take(), ..set });
    }
    assert!(is_linearizable(&history));

    history.push(event(Command::Get(key()), value("before"), end + 5, end + 6));

    assert!(!is_linearizable(&history));
}

#[test]
fn a_removal_that_is_told_twice_or_not_or_for_another_cause_is_rejected() {
    let first = set("1", None, 0, 1);
    let told = |told: &[Told]| {
        let delete = event(Command::Delete(key()), Reply::Truth(true), 2, 3);
        is_linearizable(&[first.clone(), Event { told: told.to_vec(), ..delete }])
    };
    let removal = (b"1".to_vec(), RemovalCause::Deleted);

    assert!(told(std::slice::from_ref(&removal)));
    assert!(!told(&[]));
    assert!(!told(&[removal.clone(), removal]));
    assert!(!told(&[(b"1".to_vec(), RemovalCause::Expired)]));
    assert!(!told(&[(b"2".to_vec(), RemovalCause::Deleted)]));
}

#[test]
fn a_lost_update_is_rejected() {
    let history = [
        event(Command::Incr(key()), Reply::Number(1), 0, 3),
        event(Command::Incr(key()), Reply::Number(1), 1, 2),
    ];

    assert!(!is_linearizable(&history));
}
