//! Staying awake for a client that comes back at once.
//!
//! A thread that has nothing to do is put to sleep by the system, and to wake it takes longer than to
//! carry out sixteen GETs. A client that sends its next requests as soon as it has the replies pays
//! for that with every batch. So a connection whose client came back within `busy-poll` microseconds
//! lets its thread look for the next batch as long again before it may sleep.
//!
//! Nobody waits for that: between two looks everybody else has a turn, tasks of the host too. What it
//! costs is time of the processor: at most `busy-poll` after the last batch of a client, but the whole
//! of it while a client comes back that soon again and again. Clients that are further away than that,
//! and clients of whom there are so many that none has its turn so soon, are waited for in sleep.
//!
//! Looking is of use only where the processor has nothing else to do. Whoever finds that it was
//! interrupted between two looks, for at least [`INTERRUPTION`], has taken time that others wait for;
//! no connection looks then for [`REST`], and for longer where it happens again. On one processor,
//! where no client could come back meanwhile, none does at all.

use crate::shared::Shared;
use std::{convert::Infallible, future::pending};
use tokio::task::yield_now;

/// Nanoseconds between two looks that are no accident: less than the system gives to another thread,
/// and more than it needs for itself now and then.
const INTERRUPTION: u64 = 200_000;

/// Nanoseconds for which nobody looks after an interruption: not long, since it may be an accident. If
/// the next follows within as long as two rests after this one, it is none, and the rest is doubled.
const REST: u64 = 100_000_000;

/// The longest rest: looks in vain between two of them, some milliseconds, are of no account then.
const LONGEST_REST: u64 = 10_000_000_000;

/// How soon the client of a connection comes back.
#[derive(Debug, Default)]
pub(crate) struct Linger {
    /// The clock's reading when it was last waited for.
    begun: u64,
    /// The reading at the last look; none while the thread may sleep.
    looked: Option<u64>,
    /// Whether it came soon the last time.
    is_prompt: bool,
}

impl Linger {
    /// The client has its replies, and is waited for.
    pub(crate) fn begin(&mut self, shared: &Shared) {
        self.begun = shared.clock.raw();
    }

    /// It has sent something, or has gone.
    pub(crate) fn end(&mut self, shared: &Shared) {
        let now = shared.clock.raw();
        self.look(shared, now);
        self.looked = None;
        self.is_prompt = self.is_soon(shared, now);
    }

    /// Keeps the thread awake, if that is worth while, as long as it is. Does not end.
    pub(crate) async fn stay_awake(&mut self, shared: &Shared) -> Infallible {
        let mut now = shared.clock.raw();
        while self.is_prompt && self.is_soon(shared, now) && !is_disturbed(shared, now) {
            self.looked = Some(now);
            yield_now().await;
            now = shared.clock.raw();
            self.look(shared, now);
        }
        self.looked = None;
        pending().await
    }

    /// Whether somebody who comes now comes soon.
    fn is_soon(&self, shared: &Shared, now: u64) -> bool {
        let nanos = shared.clock.delta_as_nanos(self.begun, now);
        nanos < shared.settings.busy_poll.get() * 1000
    }

    /// Notes an interruption between the last look and this one.
    fn look(&self, shared: &Shared, now: u64) {
        let since = self.looked.map(|looked| shared.clock.delta_as_nanos(looked, now));
        if since.is_some_and(|nanos| nanos >= INTERRUPTION) {
            let rest = shared.rest.get();
            let calm = shared.clock.delta_as_nanos(shared.interrupted.get(), now);
            shared.rest.set(if calm < 3 * rest { LONGEST_REST.min(2 * rest) } else { REST });
            shared.interrupted.set(now);
        }
    }
}

/// Whether somebody was interrupted not long ago.
fn is_disturbed(shared: &Shared, now: u64) -> bool {
    shared.clock.delta_as_nanos(shared.interrupted.get(), now) < shared.rest.get()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::ServerOptions;
    use memory_cache_pool::MemoryCachePool;
    use quanta::Mock;
    use std::{
        future::Future,
        pin::pin,
        sync::{
            Arc,
            atomic::{AtomicBool, Ordering::Relaxed},
        },
        task::{Context, Wake, Waker},
    };

    /// Notes that another look is asked for.
    #[derive(Default)]
    struct Asked(AtomicBool);

    impl Wake for Asked {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Relaxed);
        }
    }

    struct Scene {
        shared: Shared,
        clock: Arc<Mock>,
        linger: Linger,
    }

    impl Scene {
        fn new() -> Self {
            let mut shared = Shared::new(MemoryCachePool::default(), &ServerOptions::new());
            let (clock, mock) = quanta::Clock::mock();
            shared.clock = clock;
            shared.settings.busy_poll.set(50);
            mock.increment(1_000_u64);
            Self { shared, clock: mock, linger: Linger::default() }
        }

        /// The client comes after so many microseconds, in which there are as many looks as are asked
        /// for, a microsecond apart. Returns their number.
        fn wait(&mut self, micros: u64) -> u64 {
            let asked = Arc::new(Asked::default());
            let waker = Waker::from(Arc::clone(&asked));
            self.linger.begin(&self.shared);
            let mut looks = 0;
            {
                let mut awake = pin!(self.linger.stay_awake(&self.shared));
                for _ in 0..micros {
                    asked.0.store(false, Relaxed);
                    assert!(awake.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
                    self.clock.increment(1_000_u64);
                    if !asked.0.load(Relaxed) {
                        self.clock.increment(1_000 * (micros - looks - 1));
                        break;
                    }
                    looks += 1;
                }
            }
            self.linger.end(&self.shared);
            looks
        }

        /// The thread loses the processor while it waits.
        fn is_interrupted(&mut self, micros: u64) {
            let waker = Waker::noop();
            self.linger.begin(&self.shared);
            {
                let awake = pin!(self.linger.stay_awake(&self.shared));
                assert!(awake.poll(&mut Context::from_waker(waker)).is_pending());
                self.clock.increment(1_000 * micros);
            }
            self.linger.end(&self.shared);
        }
    }

    #[test]
    fn a_thread_stays_awake_for_a_client_that_came_soon_and_no_longer_than_soon() {
        let mut scene = Scene::new();
        assert_eq!(scene.wait(10), 0, "nothing is known of a new client");
        assert_eq!(scene.wait(20), 20);
        assert_eq!(scene.wait(70), 50);
        assert_eq!(scene.wait(10), 0, "it came late the last time");
        assert_eq!(scene.wait(10), 10);
        scene.shared.settings.busy_poll.set(0);
        scene.wait(10);
        assert_eq!(scene.wait(10), 0);
    }

    #[test]
    fn nobody_stays_awake_for_a_while_after_an_interruption() {
        let mut scene = Scene::new();
        scene.wait(10);
        scene.is_interrupted(INTERRUPTION / 1_000 - 1);
        scene.wait(10);
        assert_eq!(scene.wait(10), 10, "so little is none");
        scene.is_interrupted(INTERRUPTION / 1_000);
        scene.wait(10);
        assert_eq!(scene.wait(10), 0);
        scene.clock.increment(REST);
        assert_eq!(scene.wait(10), 10);
    }

    #[test]
    fn the_rest_grows_while_interruptions_follow_it_and_is_short_again_after_a_calm_time() {
        let mut scene = Scene::new();
        let mut rest_after = |calm| {
            scene.clock.increment(calm);
            scene.wait(10);
            scene.is_interrupted(INTERRUPTION / 1_000);
            scene.shared.rest.get()
        };
        assert_eq!(rest_after(REST), REST);
        assert_eq!(rest_after(REST), 2 * REST);
        assert_eq!(rest_after(2 * REST), 4 * REST);
        assert_eq!(rest_after(4 * REST), 8 * REST);
        assert_eq!(rest_after(3 * 8 * REST), REST);
        let longest = (0..10).fold(REST, |rest, _| rest_after(rest));
        assert_eq!(longest, LONGEST_REST);
    }
}
