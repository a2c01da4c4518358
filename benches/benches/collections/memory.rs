//! Bytes of many hashes of eight fields, of eight bytes each, with values of sixteen.

use crate::{Scale, redis, space::Pool};
use memory_cache_pool_benches::{
    allocation,
    expiring::{Expiring, Session},
};

/// Prints the table.
pub(crate) fn show(scale: Scale) {
    println!(
        "| bytes per hash, {} of them | pool, as it counts | pool, as it allocates | redis: used_memory |",
        scale.hashes
    );
    println!("|---|--:|--:|--:|");
    for key_len in [8, 16, 24] {
        let pool = Pool::default();
        allocation::count(true);
        let before = allocation::bytes();
        for number in 0..scale.hashes {
            let _ = pool.0.hset_many(key(number, key_len), &pairs(number));
        }
        let allocated = allocation::bytes() - before;
        allocation::count(false);
        let counted = i64::try_from(pool.0.get_stats().memory_usage).unwrap_or(0);
        let used = redis().and_then(|server| {
            let mut connection = server.0.session().ok()?;
            let before = connection.bytes();
            for number in 0..scale.hashes {
                let (key, pairs) = (key(number, key_len), pairs(number));
                let mut parts: Vec<&[u8]> = vec![b"HSET", key.as_bytes()];
                parts.extend(pairs.iter().flat_map(|(f, v)| [f.as_bytes(), v.as_bytes()]));
                connection.push(&parts);
                if number % 256 == 255 {
                    connection.exchange().ok()?;
                }
            }
            connection.exchange().ok()?;
            Some(connection.bytes() - before)
        });
        let each = |bytes: i64| bytes / i64::try_from(scale.hashes).unwrap_or(1);
        let used = used.map_or("-".to_owned(), |bytes| each(bytes).to_string());
        let (counted, allocated) = (each(counted), each(allocated));
        println!("| keys of {key_len} bytes | {counted} | {allocated} | {used} |");
    }
}

fn key(number: usize, len: usize) -> String {
    format!("{number:0len$}:").chars().rev().take(len).collect()
}

fn pairs(number: usize) -> [(String, String); 8] {
    std::array::from_fn(|field| {
        (format!("field:{field:02}"), format!("value:{number:07}:{field:02}"))
    })
}
