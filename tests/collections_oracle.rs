//! Random commands on hashes, lists and sets, on the pool and on a plain keyspace: every reply is
//! the same, and so is what is left.

mod support;

use arbitrary::{Arbitrary, Unstructured};
use memory_cache_pool::MemoryCachePool;
use support::collections::{Command, Model, on_pool};

/// Commands of one sequence.
const COMMANDS: usize = if cfg!(miri) { 60 } else { 15_000 };

/// Draws a command from pseudo-random bytes.
fn draw(state: &mut u64) -> Command {
    let bytes: Vec<u8> = (0..16)
        .flat_map(|_| {
            *state ^= *state << 13;
            *state ^= *state >> 7;
            *state ^= *state << 17;
            state.wrapping_mul(0x2545_F491_4F6C_DD1D).to_be_bytes()
        })
        .collect();
    Command::arbitrary(&mut Unstructured::new(&bytes)).expect("there are bytes enough")
}

#[test]
fn a_pool_answers_as_a_plain_keyspace_does() {
    for seed in [0x9E37_79B9_7F4A_7C15, 0xD1B5_4A32_D192_ED03, 0xA076_1D64_78BD_642F_u64] {
        let mut state = seed;
        let pool = MemoryCachePool::default();
        let mut model = Model::default();
        let (mut large_hashes, mut large_lists) = (0, 0);
        for step in 0..COMMANDS {
            let command = draw(&mut state);

            let (ours, theirs) = (on_pool(&pool, &command), model.run(&command));

            assert_eq!(ours, theirs, "step {step} of seed {seed:#x}: {command:?}");
            if step.is_multiple_of(20) {
                model.check(&pool);
                for key in ["a", "b", "c", "d"] {
                    large_hashes += usize::from(pool.hlen(key).is_ok_and(|len| len > 64));
                    large_lists += usize::from(pool.llen(key).is_ok_and(|len| len > 120));
                }
            }
        }
        model.check(&pool);
        assert!(
            cfg!(miri) || large_hashes > 20 && large_lists > 20,
            "{large_hashes} {large_lists}"
        );
        pool.flushall();
        assert_eq!(pool.get_stats().record_bytes, 0);
    }
}
