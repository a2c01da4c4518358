//! The policies, taken apart: whom they spare, and by what order they choose.

use crate::pool::policy::EvictionPolicy;

/// By what a policy chooses among those that may go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Order {
    /// Who was used least lately.
    Lately,
    /// Who was used least often.
    Often,
    /// Any.
    Random,
    /// Whose deadline is nearest.
    Deadline,
}

/// A policy that evicts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Rule {
    pub(super) order: Order,
    /// Whether records without a deadline are spared.
    pub(super) is_volatile: bool,
}

impl Rule {
    const fn all(order: Order) -> Self {
        Self { order, is_volatile: false }
    }

    const fn volatile(order: Order) -> Self {
        Self { order, is_volatile: true }
    }

    /// Whether new records are tried before they may stay.
    pub(super) fn tries(self) -> bool {
        self == Self::all(Order::Often)
    }
}

/// The policies that evict; their place in this list is how a policy is kept in an atomic.
const RULES: [(EvictionPolicy, Rule); 7] = [
    (EvictionPolicy::AllKeysLru, Rule::all(Order::Lately)),
    (EvictionPolicy::AllKeysLfu, Rule::all(Order::Often)),
    (EvictionPolicy::AllKeysRandom, Rule::all(Order::Random)),
    (EvictionPolicy::VolatileLru, Rule::volatile(Order::Lately)),
    (EvictionPolicy::VolatileLfu, Rule::volatile(Order::Often)),
    (EvictionPolicy::VolatileRandom, Rule::volatile(Order::Random)),
    (EvictionPolicy::VolatileTtl, Rule::volatile(Order::Deadline)),
];

/// The place of a policy in the list; `noeviction` has the one behind the last.
pub(super) fn place_of(policy: EvictionPolicy) -> usize {
    RULES.iter().position(|(named, _)| *named == policy).unwrap_or(RULES.len())
}

/// The rule at a place in the list.
#[inline]
pub(super) fn rule_at(place: usize) -> Option<Rule> {
    RULES.get(place).map(|(_, rule)| *rule)
}

/// The policy at a place in the list.
pub(super) fn policy_at(place: usize) -> EvictionPolicy {
    RULES.get(place).map_or(EvictionPolicy::NoEviction, |(policy, _)| *policy)
}
