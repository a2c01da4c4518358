//! Any sequence of commands on hashes, lists and sets gets from the pool the answers of a plain
//! keyspace.

#![no_main]

#[path = "../../tests/support/mod.rs"]
mod support;

use libfuzzer_sys::fuzz_target;
use memory_cache_pool::MemoryCachePool;
use support::collections::{Command, Model, on_pool};

fuzz_target!(|commands: Vec<Command>| {
    let pool = MemoryCachePool::default();
    let mut model = Model::default();
    for command in &commands {
        assert_eq!(on_pool(&pool, command), model.run(command), "{command:?}");
    }
    model.check(&pool);
});
