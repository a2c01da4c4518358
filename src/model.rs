//! How a model is run: every actor in a thread of its own, the number of interleavings counted,
//! the outcomes collected, and a known wrong way shown to fail.

use crate::sync::{Mutant, set_mutant};
use std::{
    collections::BTreeSet,
    fmt::Debug,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

/// Preemptions that a model explores, unless it says otherwise.
const PREEMPTIONS: usize = 3;

/// How many preemptions more than that, and than each model's own number, are explored: from the
/// environment, a number.
const MORE_PREEMPTIONS: &str = "MORE_PREEMPTIONS";

/// Explores a model; returns how many interleavings there were and which outcomes were seen.
fn explore<O>(
    preemptions: usize,
    body: impl Fn() -> O + Sync + Send + 'static,
) -> (usize, BTreeSet<O>)
where
    O: Ord + Send + 'static,
{
    let count = Arc::new(AtomicUsize::new(0));
    let outcomes = Arc::new(Mutex::new(BTreeSet::new()));
    let mut builder = loom::model::Builder::new();
    let more = std::env::var(MORE_PREEMPTIONS).map_or(0, |more| more.parse().unwrap());
    builder.preemption_bound = Some(preemptions + more);
    builder.max_branches = 20_000;
    let (counted, collected) = (Arc::clone(&count), Arc::clone(&outcomes));
    builder.check(move || {
        counted.fetch_add(1, Relaxed);
        let outcome = body();
        crate::sync::lock(&collected).insert(outcome);
    });
    let outcomes = std::mem::take(&mut *crate::sync::lock(&outcomes));
    (count.load(Relaxed), outcomes)
}

/// Shows that a model holds in every interleaving, that there were at least `floor` of them (a
/// model whose actors never meet explores next to nothing), and that just these outcomes occur.
pub(crate) fn holds<O, const N: usize>(
    floor: usize,
    legal: [O; N],
    body: impl Fn() -> O + Sync + Send + 'static,
) where
    O: Ord + Debug + Send + 'static,
{
    holds_within(PREEMPTIONS, floor, legal, body);
}

/// As [`holds`], within another number of preemptions: for models with more steps.
pub(crate) fn holds_within<O, const N: usize>(
    preemptions: usize,
    floor: usize,
    legal: [O; N],
    body: impl Fn() -> O + Sync + Send + 'static,
) where
    O: Ord + Debug + Send + 'static,
{
    set_mutant(Mutant::None);
    let (interleavings, outcomes) = explore(preemptions, body);
    println!("{interleavings} interleavings, outcomes {outcomes:?}");
    assert!(interleavings >= floor, "only {interleavings} interleavings");
    assert_eq!(outcomes, BTreeSet::from(legal), "outcomes seen, outcomes expected");
}

/// Shows that a model fails, for the reason it gives, when one step is done the wrong way.
pub(crate) fn breaks<O>(mutant: Mutant, reason: &str, body: impl Fn() -> O + Sync + Send + 'static)
where
    O: Ord + Debug + Send + 'static,
{
    breaks_within(PREEMPTIONS, mutant, reason, body);
}

/// As [`breaks`], within another number of preemptions.
pub(crate) fn breaks_within<O>(
    preemptions: usize,
    mutant: Mutant,
    reason: &str,
    body: impl Fn() -> O + Sync + Send + 'static,
) where
    O: Ord + Debug + Send + 'static,
{
    set_mutant(mutant);
    let result = catch_unwind(AssertUnwindSafe(|| explore(preemptions, body)));
    set_mutant(Mutant::None);
    let Err(panic) = result else {
        panic!("the model holds with {mutant:?}");
    };
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or_default();
    assert!(text.contains(reason), "failed with {text:?}, not because {reason:?}");
}
