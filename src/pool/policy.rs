//! What happens when the pool is full.

use super::config::ConfigError;
use std::{fmt, str::FromStr};

/// What makes room when a limit is reached, by Redis's names; `lru` and `lfu` are short for the
/// `allkeys` ones. Keys that have expired go first, whatever the policy. Where no key has a deadline,
/// the `volatile` ones are as `noeviction`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[non_exhaustive]
pub enum EvictionPolicy {
    /// Nothing does: writes that need room fail, reads and deletes work.
    NoEviction,
    /// The keys used least lately go first.
    AllKeysLru,
    /// The keys used least often go first: a new key is tried before it takes the place of one that
    /// has been used. Where it is memory that is short, a large value has to be used more often than a
    /// small one to stay.
    #[default]
    AllKeysLfu,
    /// Any key may go.
    AllKeysRandom,
    /// Of the keys with a deadline, those used least lately go first.
    VolatileLru,
    /// Of the keys with a deadline, those used least often go first.
    VolatileLfu,
    /// Any key with a deadline may go.
    VolatileRandom,
    /// The keys whose deadline is nearest go first.
    VolatileTtl,
}

/// The policies by name; the short names come last, so that the full ones are written.
const NAMES: [(&str, EvictionPolicy); 10] = [
    ("noeviction", EvictionPolicy::NoEviction),
    ("allkeys-lru", EvictionPolicy::AllKeysLru),
    ("allkeys-lfu", EvictionPolicy::AllKeysLfu),
    ("allkeys-random", EvictionPolicy::AllKeysRandom),
    ("volatile-lru", EvictionPolicy::VolatileLru),
    ("volatile-lfu", EvictionPolicy::VolatileLfu),
    ("volatile-random", EvictionPolicy::VolatileRandom),
    ("volatile-ttl", EvictionPolicy::VolatileTtl),
    ("lru", EvictionPolicy::AllKeysLru),
    ("lfu", EvictionPolicy::AllKeysLfu),
];

impl FromStr for EvictionPolicy {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let named = NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
        named.map(|(_, policy)| *policy).ok_or_else(|| ConfigError::unreadable("policy", text))
    }
}

impl fmt::Display for EvictionPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = NAMES.iter().find(|(_, policy)| policy == self);
        f.write_str(named.map_or("", |(name, _)| name))
    }
}

#[cfg(all(test, not(pool_loom)))]
mod tests {
    use super::*;

    #[test]
    fn every_policy_reads_the_name_that_it_writes() {
        for (name, policy) in NAMES {
            assert_eq!(name.parse(), Ok(policy));
            assert_eq!(policy.to_string().parse(), Ok(policy));
        }
        assert_eq!("LRU".parse(), Ok(EvictionPolicy::AllKeysLru));
        assert!("mru".parse::<EvictionPolicy>().is_err());
    }
}
