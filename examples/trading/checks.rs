//! What must be true at the end.

use crate::{
    desk::{Desk, MARKET_TTL, ORDER_TTL, RISK_TTL, SIGNAL_TTL},
    readers::Polled,
};
use memory_cache_pool::{Error, MemoryCachePool};

/// One check and how it came out.
pub(crate) struct Check {
    pub(crate) name: &'static str,
    pub(crate) has_passed: bool,
    /// What was compared.
    pub(crate) detail: String,
}

/// A family of keys: its name, its prefix and its time to live in seconds.
const FAMILIES: [(&str, &str, i64); 4] = [
    ("last prices", "market:", MARKET_TTL),
    ("signals", "signal:", SIGNAL_TTL),
    ("risk figures", "risk:", RISK_TTL),
    ("orders", "order:", ORDER_TTL),
];

/// Compares the pool with the desk's plain copy.
pub(crate) fn all(
    pool: &MemoryCachePool,
    desk: &Desk<'_>,
    polled: &[Polled],
) -> Result<Vec<Check>, Error> {
    let mut checks = Vec::new();
    for (name, prefix, ttl) in FAMILIES {
        checks.push(family(pool, desk, name, prefix, ttl)?);
    }
    let mut wrong_counts = 0;
    for (venue, count) in &desk.counts {
        let counted = pool.get(format!("stats:ticks:{venue}"))?;
        wrong_counts += usize::from(counted != Some(count.to_string().into_bytes()));
    }
    let total: i64 = desk.counts.values().sum();
    checks.push(Check {
        name: "tick counters",
        has_passed: wrong_counts == 0 && total == i64::try_from(desk.ticks()).unwrap_or(-1),
        detail: format!("{total} ticks over {} venues", desk.counts.len()),
    });
    let keys = desk.expected.len() + desk.counts.len();
    checks.push(Check {
        name: "number of keys",
        has_passed: pool.dbsize() == keys,
        detail: format!("{} in the pool, {keys} written", pool.dbsize()),
    });
    let sum = |of: fn(&Polled) -> u64| polled.iter().map(of).sum::<u64>();
    let (read, backwards) = (sum(|polled| polled.read), sum(|polled| polled.backwards));
    let (malformed, refused) = (sum(|polled| polled.malformed), sum(|polled| polled.refused));
    checks.push(Check {
        name: "what readers saw",
        has_passed: read > 0 && backwards == 0 && malformed == 0 && refused == 0,
        detail: format!("{read} values, {malformed} malformed, {backwards} out of order"),
    });
    Ok(checks)
}

/// Compares each value of a family, and looks whether its time to live is within bounds.
fn family(
    pool: &MemoryCachePool,
    desk: &Desk<'_>,
    name: &'static str,
    prefix: &str,
    ttl: i64,
) -> Result<Check, Error> {
    let (mut compared, mut differing, mut mistimed) = (0, 0, 0);
    for (key, value) in desk.expected.iter().filter(|(key, _)| key.starts_with(prefix)) {
        compared += 1;
        differing += usize::from(pool.get(key)?.as_deref() != Some(value.as_bytes()));
        mistimed += usize::from(!(1..=ttl * 1000).contains(&pool.pttl(key)));
    }
    Ok(Check {
        name,
        has_passed: compared > 0 && differing == 0 && mistimed == 0,
        detail: format!("{compared} keys, {differing} differ, {mistimed} with a wrong TTL"),
    })
}
