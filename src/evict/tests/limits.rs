//! Limits on keys and bytes, whatever the policy.

use super::{
    super::Refusal,
    world::{ALL, How, PLAIN, World},
};
use crate::pool::policy::EvictionPolicy;

#[test]
fn there_are_never_more_keys_than_there_may_be() {
    for policy in ALL {
        for most in if cfg!(miri) { &[1, 20][..] } else { &[1, 2, 3, 10, 100] } {
            let most = *most;
            let world = World::new(policy, Some(most), None);
            for round in 0..if cfg!(miri) { 40 } else { 3_000 } {
                let key = u64::from(world.draw()) % 300;
                if !world.get(key) {
                    world.set(key).unwrap();
                    assert!(world.get(key), "{policy}: what was set is there");
                }
                let live = world.live().len();
                assert!(live <= most, "{policy}: {live} of {most} in round {round}");
                assert_eq!(world.evictor.keys.count(), live);
            }
            assert_eq!(world.live().len(), most, "{policy}: full");
        }
    }
}

#[test]
fn bytes_are_kept_within_their_limit_whatever_the_sizes() {
    for policy in ALL {
        let world = World::new(policy, None, Some(20_000));
        for _ in 0..if cfg!(miri) { 40 } else { 5_000 } {
            let key = u64::from(world.draw()) % 400;
            let bytes = 16 << (world.draw() % 8);
            match world.draw() % 4 {
                0 => world.delete(key),
                1 => assert!(world.set_as(key, How { bytes, ..PLAIN }).is_ok()),
                _ if world.get(key) => {}
                _ => world.set_as(key, How { bytes, ..PLAIN }).unwrap(),
            }
            let held: usize = world.live().iter().map(|node| node.bytes).sum();
            assert!(held <= 20_000, "{policy}: {held} bytes");
            let counted = world.evictor.keys.count() as i64 + world.local.keys();
            assert_eq!(counted, world.live().len() as i64);
        }
    }
}

#[test]
fn a_value_larger_than_the_limit_is_refused_and_nothing_is_evicted_for_it() {
    let world = World::new(EvictionPolicy::AllKeysLfu, None, Some(1_066));
    for key in 0..10 {
        world.set(key).unwrap();
    }

    assert_eq!(world.set_as(99, How { bytes: 1_001, ..PLAIN }), Err(Refusal::TooLarge));
    assert_eq!(world.keys().len(), 10);

    world.set_as(99, How { bytes: 1_000, ..PLAIN }).unwrap();
    assert_eq!(world.keys(), [99]);
}

#[test]
fn a_limit_that_is_lowered_is_met_in_slices() {
    let world = World::new(EvictionPolicy::AllKeysLfu, Some(100), Some(100_000));
    for key in 0..100 {
        world.set(key).unwrap();
    }

    world.evictor.set_max_keys(Some(90));
    let sizes: Vec<_> = (100..112)
        .map(|key| {
            world.set(key).unwrap();
            world.live().len()
        })
        .collect();
    assert_eq!(sizes, [99, 98, 97, 96, 95, 94, 93, 92, 91, 90, 90, 90]);

    world.evictor.set_max_memory(Some(8_533));
    let sizes: Vec<_> = (200..212)
        .map(|key| {
            world.set(key).unwrap();
            world.live().len()
        })
        .collect();
    assert_eq!(sizes, [89, 88, 87, 86, 85, 84, 83, 82, 81, 80, 80, 80]);

    world.evictor.set_max_keys(None);
    world.evictor.set_max_memory(None);
    (300..400).for_each(|key| world.set(key).unwrap());
    assert_eq!(world.live().len(), 180);
}

#[test]
fn nothing_is_evicted_for_garbage_that_a_stalled_reader_holds() {
    let world = World::new(EvictionPolicy::AllKeysLru, None, Some(10_700));
    for key in 0..100 {
        world.set(key).unwrap();
    }
    world.retired.set(2_676);

    assert_eq!(world.set(100), Err(Refusal::Stalled));
    assert_eq!(world.live().len(), 100);
}

#[test]
fn without_a_limit_keys_are_counted_in_batches_that_are_a_small_part_of_them() {
    let world = World::new(EvictionPolicy::AllKeysLfu, None, None);
    let count = || world.evictor.keys.count();
    for key in 0..127 {
        world.set(key).unwrap();
        assert_eq!(count(), world.live().len());
    }
    for key in 127..if cfg!(miri) { 140 } else { 3_000 } {
        world.set(key).unwrap();
        let live = world.live().len();
        assert!(live - count() <= live / 128, "{} of {live}", count());
    }

    let live = world.live().len();
    world.evictor.set_max_keys(Some(live));
    world.set(1_000_000).unwrap();
    assert_eq!((count(), world.live().len()), (live, live));
}
