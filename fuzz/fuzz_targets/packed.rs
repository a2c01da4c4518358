//! Any bytes can be read as a packed hash, set or list: what is no element is not there.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| memory_cache_pool::decode_packed(bytes));
