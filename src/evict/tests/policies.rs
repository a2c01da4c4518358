//! Whom each policy gives up, and whom it spares.

use super::{
    super::{Place, Refusal, host::Cause},
    world::{ALL, How, PLAIN, VOLATILE, View, World},
};
use crate::pool::policy::EvictionPolicy;
use std::collections::BTreeMap;

#[test]
fn lru_evicts_the_key_that_was_used_least_lately() {
    let world = World::new(EvictionPolicy::AllKeysLru, Some(4), None);
    for key in 0..4 {
        world.set(key).unwrap();
    }
    assert!(world.get(0));

    world.set(10).unwrap();
    world.set(11).unwrap();

    assert_eq!(world.keys(), [0, 3, 10, 11]);
}

#[test]
fn volatile_policies_spare_keys_without_a_deadline() {
    for policy in VOLATILE {
        let world = World::new(policy, Some(50), None);
        for key in 0..50 {
            let deadline = if key % 10 == 0 { 5_000 + key } else { 0 };
            world.set_as(key, How { deadline, ..PLAIN }).unwrap();
        }

        let taken = (100..110).take_while(|key| world.set(*key).is_ok()).count();

        assert_eq!(taken, 5, "{policy}: there were five to go");
        assert_eq!(world.set(200), Err(Refusal::Full), "{policy}");
        assert_eq!(world.evictor.keys.count(), 50);
        let spared = world.keys().iter().filter(|key| **key < 50 && **key % 10 != 0).count();
        assert_eq!(spared, 45, "{policy}");
    }
}

#[test]
fn volatile_ttl_evicts_the_nearest_deadline() {
    let world = World::new(EvictionPolicy::VolatileTtl, Some(4), None);
    for (key, deadline) in [(0, 9_000), (1, 3_000), (2, 7_000), (3, 5_000)] {
        world.set_as(key, How { deadline, ..PLAIN }).unwrap();
    }

    world.set(10).unwrap();
    world.set(11).unwrap();

    assert_eq!(world.keys(), [0, 2, 10, 11]);
}

#[test]
fn random_evicts_any_key() {
    let world = World::new(EvictionPolicy::AllKeysRandom, Some(40), None);
    for key in 0..if cfg!(miri) { 200 } else { 4_000 } {
        world.set(key).unwrap();
    }

    let removed = world.removed.borrow();
    let mut ages: BTreeMap<bool, usize> = BTreeMap::new();
    for (evicted, (key, _)) in (40_u64..).zip(removed.iter()) {
        *ages.entry(evicted - key > 40).or_default() += 1;
    }

    // With 40 keys a random victim is older than 40 inserts in 36 % of the cases.
    let old = ages[&true] * 100 / removed.len();
    assert!((25..50).contains(&old), "{old} %");
}

#[test]
fn what_has_expired_goes_before_what_has_not() {
    for policy in ALL.into_iter().chain(VOLATILE) {
        let world = World::new(policy, Some(4), None);
        for key in 0..4 {
            let deadline = if key == 2 { 2_000 } else { 9_000 };
            world.set_as(key, How { deadline, ..PLAIN }).unwrap();
        }
        for _ in 0..5 {
            world.get(2);
        }
        world.now.set(2_001);

        world.set(10).unwrap();

        assert_eq!(*world.removed.borrow(), [(2, Cause::Expired)], "{policy}");
    }
}

#[test]
fn noeviction_refuses_a_key_too_many_and_evicts_nothing() {
    let world = World::new(EvictionPolicy::NoEviction, Some(3), None);
    for key in 0..3 {
        world.set(key).unwrap();
    }

    assert_eq!(world.set(3), Err(Refusal::Full));
    assert_eq!(world.set(2), Ok(()), "an overwrite needs no place");
    assert_eq!(world.keys(), [0, 1, 2]);

    world.delete(1);
    let place = world.evictor.take_place(&View { world: &world, mine: None }).unwrap();
    assert_eq!((place, world.set(3)), (Place::Taken, Err(Refusal::Full)));
    world.evictor.leave_place(&View { world: &world, mine: None }, place);
    assert_eq!(world.set(3), Ok(()));
}

#[test]
fn a_policy_may_change_while_the_pool_is_in_use() {
    let world = World::new(EvictionPolicy::NoEviction, Some(50), None);
    for key in 0..50 {
        world.set_as(key, How { deadline: 9_000, ..PLAIN }).unwrap();
    }
    assert_eq!(world.set(100), Err(Refusal::Full));

    for (number, policy) in (0..).zip(ALL.into_iter().chain(VOLATILE)) {
        world.evictor.set_policy(policy);
        assert_eq!(world.evictor.policy(), policy);
        for key in 0..7 {
            let how = How { deadline: 9_000, ..PLAIN };
            world.set_as(1_000 + number * 10 + key, how).unwrap();
            assert_eq!(world.live().len(), 50);
        }
    }
    assert_eq!(world.live().len(), 50);
}
