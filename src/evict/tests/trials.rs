//! What `lfu` does with its trials, its ghosts and its hand.

use super::{
    super::host::Cause,
    world::{PLAIN, World},
};
use crate::pool::policy::EvictionPolicy;

#[test]
fn lfu_keeps_what_is_used_through_a_scan() {
    let world = World::new(EvictionPolicy::AllKeysLfu, Some(100), None);
    for _ in 0..20 {
        for key in 0..80 {
            if !world.get(key) {
                world.set(key).unwrap();
            }
        }
    }

    for key in 1_000..if cfg!(miri) { 1_150 } else { 20_000 } {
        world.set(key).unwrap();
        world.get(key % 80);
    }

    let kept = world.keys().iter().filter(|key| **key < 80).count();
    assert!(kept >= 78, "{kept} of 80 are left");
}

#[test]
fn a_key_that_comes_back_from_a_failed_trial_is_not_tried_again() {
    let world = World::new(EvictionPolicy::AllKeysLfu, Some(100), None);
    for key in 0..120 {
        world.set(key).unwrap();
    }
    let evicted = (0..120).find(|key| world.find(*key).is_none()).unwrap();
    let failed = world.removed.borrow().clone();
    assert!(failed.contains(&(evicted, Cause::Evicted)));
    let is_in_trial = |key| world.node(world.find(key).unwrap()).usage.is_in_trial();
    assert!(is_in_trial(119));

    world.set(evicted).unwrap();

    assert!(!is_in_trial(evicted));
}

#[test]
fn a_key_that_is_used_now_and_then_during_its_trial_stays() {
    let world = World::new(EvictionPolicy::AllKeysLfu, Some(100), None);
    (0..110).for_each(|key| world.set(key).unwrap());
    world.set(500).unwrap();

    // As others are used too, a trial lasts for some ticks.
    for (key, old) in (1_000..1_100).zip((0..90).cycle()) {
        world.set(key).unwrap();
        for old in old..old + 5 {
            world.get(old);
        }
        if key < 1_010 {
            world.get(500);
        }
    }

    let node = world.node(world.find(500).unwrap());
    assert!(!node.usage.is_in_trial());
    assert!(world.find(1_000).is_none());
}

#[test]
fn a_key_that_is_read_all_the_time_stays_though_everything_else_is_new() {
    let world = World::new(EvictionPolicy::AllKeysLfu, Some(1_000), None);
    (0..1_100).for_each(|key| world.set(key).unwrap());
    let hot = 10_000..10_020;

    for key in hot.clone().chain(20_000..if cfg!(miri) { 20_060 } else { 30_000 }) {
        world.set(key).unwrap();
        for key in hot.clone() {
            world.get(key);
        }
    }

    let left = hot.filter(|key| world.find(*key).is_some()).count();
    assert_eq!(left, 20);
}

#[test]
fn the_hand_takes_uses_back() {
    let world = World::new(EvictionPolicy::AllKeysLfu, Some(30), None);
    for _ in 0..40 {
        for key in 0..28 {
            if !world.get(key) {
                world.set(key).unwrap();
            }
        }
    }
    let uses = |world: &World| world.live().iter().map(|node| node.usage.uses()).sum::<u32>();
    let before = uses(&world);
    assert!(before >= 28 * 3);

    // The trial of 100 ends at once, and so the hand has to move.
    for key in [100, 101, 100, 101, 100, 101] {
        world.set(key).unwrap();
        world.delete(100);
    }
    (200..220).for_each(|key| world.set(key).unwrap());

    assert!(uses(&world) < before, "{} of {before} are left", uses(&world));
}

#[test]
fn a_victim_that_is_overwritten_in_time_stays_and_is_judged_again() {
    let world = World::new(EvictionPolicy::AllKeysLfu, Some(30), None);
    for key in 0..32 {
        world.set(key).unwrap();
    }
    world.before_cas.set(Some(|world, seen| {
        let key = world.node(seen).key;
        world.overwrite(key, seen, PLAIN).unwrap();
    }));

    world.set(100).unwrap();

    assert_eq!(world.live().len(), 30);
    let tried = world.live().iter().filter(|node| node.usage.is_in_trial()).count();
    assert_eq!(world.evictor.trials.newest().unwrap().rest().len(), tried);
}

#[test]
fn what_is_not_used_any_more_goes_even_if_trials_fail_all_the_time() {
    let world = World::new(EvictionPolicy::AllKeysLfu, Some(30), None);
    for key in 0..33 {
        world.set(key).unwrap();
    }
    // Those in trial are lost from the ring, which an unlucky thread can bring about.
    let trial = world.evictor.trials.newest().unwrap();
    while trial.pop(0).is_some() {}

    for key in 100..if cfg!(miri) { 180 } else { 10_000 } {
        world.set(key).unwrap();
    }

    assert!(world.keys()[0] >= 100, "{:?}", world.keys());
}
