//! Any pattern on any key ends soon, and answers as Redis's definition does.

#![no_main]

use libfuzzer_sys::fuzz_target;
use memory_cache_pool::{CacheConfig, MemoryCachePool};

/// Redis's `stringmatchlen`, as written there: it backtracks, so patterns are kept short.
fn is_match(mut pattern: &[u8], mut text: &[u8]) -> bool {
    while let Some(&first) = pattern.first() {
        match first {
            b'*' => {
                while pattern.get(1) == Some(&b'*') {
                    pattern = &pattern[1..];
                }
                return pattern.len() == 1
                    || (0..=text.len()).any(|skip| is_match(&pattern[1..], &text[skip..]));
            }
            b'?' => {
                if text.is_empty() {
                    return false;
                }
                text = &text[1..];
            }
            b'[' => {
                let Some(&byte) = text.first() else { return false };
                let (rest, is_in) = class(&pattern[1..], byte);
                if !is_in {
                    return false;
                }
                pattern = rest;
                text = &text[1..];
                continue;
            }
            _ => {
                if first == b'\\' && pattern.len() >= 2 {
                    pattern = &pattern[1..];
                }
                if text.first() != Some(&pattern[0]) {
                    return false;
                }
                text = &text[1..];
            }
        }
        pattern = &pattern[1..];
    }
    text.is_empty()
}

/// The rest of the pattern behind a class, and whether the byte is in it.
fn class(mut pattern: &[u8], byte: u8) -> (&[u8], bool) {
    let is_negated = pattern.first() == Some(&b'^');
    if is_negated {
        pattern = &pattern[1..];
    }
    let mut is_in = false;
    loop {
        match pattern {
            [] => return (pattern, is_in != is_negated),
            [b'\\', escaped, rest @ ..] => {
                is_in |= *escaped == byte;
                pattern = rest;
            }
            [b']', rest @ ..] => return (rest, is_in != is_negated),
            [from, b'-', to, rest @ ..] => {
                // As C's signed `char`.
                let [from, to, byte] = [*from, *to, byte].map(u8::cast_signed);
                is_in |= (from.min(to)..=from.max(to)).contains(&byte);
                pattern = rest;
            }
            [one, rest @ ..] => {
                is_in |= *one == byte;
                pattern = rest;
            }
        }
    }
}

fuzz_target!(|case: (Vec<u8>, Vec<u8>)| {
    let (pattern, key) = case;
    if key.len() > 60_000 {
        return;
    }
    let pool = MemoryCachePool::new(CacheConfig::new().capacity(1)).expect("it is valid");
    pool.set(&key, "").expect("the key is short enough");
    let found = pool.keys(&pattern).len() == 1;
    let stars = pattern.iter().filter(|byte| **byte == b'*').count();
    if stars <= 4 && key.len() <= 100 {
        // Redis does not look into a pattern for an empty key, but for the shortcut of KEYS.
        let by_shortcut = pattern.is_empty() || pattern == b"*";
        let expected = if key.is_empty() { by_shortcut } else { is_match(&pattern, &key) };
        assert_eq!(found, expected);
    }
});
