//! Commands that took longer than `latency-monitor-threshold`: what LATENCY LATEST and HISTORY show.

use crate::sync::lock;
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Mutex,
};

/// The most samples of an event that are kept, as in Redis.
const SAMPLES: usize = 160;

/// What happened to be slow, by its name.
#[derive(Debug, Default)]
pub(crate) struct LatencyEvents(Mutex<BTreeMap<&'static str, Event>>);

/// The samples of an event: second since 1970, and milliseconds.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Event {
    pub(crate) samples: VecDeque<(i64, i64)>,
    /// The longest ever.
    pub(crate) longest: i64,
}

impl LatencyEvents {
    /// Keeps a time; of those in the same second the longest.
    pub(crate) fn add(&self, name: &'static str, second: i64, millis: i64) {
        let mut events = lock(&self.0);
        let event = events.entry(name).or_default();
        event.longest = event.longest.max(millis);
        if let Some((last, longest)) = event.samples.back_mut()
            && *last == second
        {
            *longest = millis.max(*longest);
            return;
        }
        event.samples.push_back((second, millis));
        if event.samples.len() > SAMPLES {
            event.samples.pop_front();
        }
    }

    /// All events, by name.
    pub(crate) fn all(&self) -> Vec<(&'static str, Event)> {
        lock(&self.0).iter().map(|(name, event)| (*name, event.clone())).collect()
    }

    /// Forgets an event, or all; how many there were.
    pub(crate) fn forget(&self, only: Option<&[u8]>) -> usize {
        let mut events = lock(&self.0);
        let before = events.len();
        let is_kept =
            |name: &str| only.is_some_and(|only| !only.eq_ignore_ascii_case(name.as_bytes()));
        events.retain(|name, _| is_kept(name));
        before - events.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_each_second_the_longest_time_is_kept_and_of_all_the_last() {
        let events = LatencyEvents::default();
        for (second, millis) in [(1, 5), (1, 9), (1, 2), (2, 1)] {
            events.add("command", second, millis);
        }
        let expected = Event { samples: [(1, 9), (2, 1)].into(), longest: 9 };
        assert_eq!(events.all(), [("command", expected)]);
        (0..200).for_each(|second| events.add("fast-command", second, 1));
        assert_eq!(events.all()[1].1.samples.len(), SAMPLES);
        assert_eq!((events.forget(Some(b"none")), events.forget(Some(b"COMMAND"))), (0, 1));
        assert_eq!(events.forget(None), 1);
    }
}
