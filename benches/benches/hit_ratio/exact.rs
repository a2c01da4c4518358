//! Yardsticks: exact LRU, and Belady's optimum, which knows the future.

use std::collections::{BTreeMap, BTreeSet};

/// Hits of exact LRU with room for so many keys.
pub(crate) fn lru(requests: &[u32], keys: usize) -> u64 {
    let mut last_use = vec![None; unique(requests)];
    let mut by_age = BTreeMap::new();
    let mut hits = 0;
    for (now, &key) in requests.iter().enumerate() {
        match last_use[key as usize].replace(now) {
            Some(before) => {
                by_age.remove(&before);
                hits += 1;
            }
            None if by_age.len() == keys => {
                if let Some((_, victim)) = by_age.pop_first() {
                    last_use[victim as usize] = None;
                }
            }
            None => {}
        }
        by_age.insert(now, key);
    }
    hits
}

/// Hits of Belady's optimum with room for so many keys: the key that is needed last goes, and that
/// may be the one that has just come.
pub(crate) fn belady(requests: &[u32], keys: usize) -> u64 {
    let mut next_use = vec![usize::MAX; requests.len()];
    let mut seen = vec![usize::MAX; unique(requests)];
    for (now, &key) in requests.iter().enumerate().rev() {
        next_use[now] = seen[key as usize];
        seen[key as usize] = now;
    }
    let mut needed = BTreeSet::new();
    let mut hits = 0;
    for (now, next) in next_use.into_iter().enumerate() {
        hits += u64::from(needed.remove(&now));
        // A key that is never needed again is gone at once.
        if next != usize::MAX {
            needed.insert(next);
            if needed.len() > keys {
                needed.pop_last();
            }
        }
    }
    hits
}

/// One more than the largest key.
fn unique(requests: &[u32]) -> usize {
    requests.iter().max().map_or(0, |largest| *largest as usize + 1)
}

/// Checks the yardsticks against what can be worked out by hand.
pub(crate) fn check() {
    let requests = [0, 1, 2, 0, 1, 3, 0, 1];
    assert_eq!(lru(&requests, 3), 4, "exact LRU");
    assert_eq!(lru(&requests, 2), 0, "exact LRU");
    assert_eq!(belady(&requests, 2), 4, "Belady");
    assert_eq!(belady(&requests, 1), 2, "Belady");
}
