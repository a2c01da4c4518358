//! What all connections share.

use crate::{
    acl::Acl,
    clients::{Clients, millis},
    databases::Databases,
    latency_events::LatencyEvents,
    memory_limit::MemoryLimit,
    monitors::Monitors,
    options::ServerOptions,
    rates::Rates,
    settings::Settings,
    slow_log::SlowLog,
    sync::{Flag, Number},
    tallies::Tallies,
    waiting::Waiting,
};
use memory_cache_pool::MemoryCachePool;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::Notify;

/// What all connections share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) databases: Databases,
    pub(crate) settings: Settings,
    pub(crate) acl: Acl,
    pub(crate) clients: Clients,
    pub(crate) tallies: Tallies,
    pub(crate) slow_log: SlowLog,
    pub(crate) clock: quanta::Clock,
    pub(crate) began: Instant,
    /// The port that is listened on, for INFO.
    pub(crate) port: Number,
    pub(crate) peak_memory: Number,
    pub(crate) pause: Pause,
    pub(crate) monitors: Monitors,
    pub(crate) rates: Rates,
    pub(crate) events: LatencyEvents,
    /// The clock's reading when a connection last found that it kept its thread awake at the expense of
    /// others, and for how many nanoseconds none does so after that; 0 at first.
    pub(crate) interrupted: Number,
    pub(crate) rest: Number,
    /// Whether keys stay until somebody finds them expired.
    pub(crate) keeps_expired: Flag,
    /// Who waits for lists.
    pub(crate) waiting: Arc<Waiting>,
    /// Somebody asked for the end: SHUTDOWN.
    pub(crate) end: Notify,
}

impl Shared {
    pub(crate) fn new(pool: MemoryCachePool, options: &ServerOptions) -> Self {
        let settings = Settings::new(&options.given);
        let databases = usize::try_from(settings.number("databases")).unwrap_or(1);
        let own = MemoryLimit {
            bytes: pool.max_memory().map(|bytes| bytes.0),
            policy: pool.eviction_policy(),
        };
        let databases = Databases::new(pool, databases, own);
        if options.given.iter().any(|(row, _)| row.name.starts_with("maxmemory")) {
            databases.set_limit(settings.memory_limit());
        } else {
            settings.adopt(own);
        }
        Self {
            databases,
            acl: options.users(&settings.get("requirepass")),
            settings,
            clients: Clients::default(),
            tallies: Tallies::default(),
            slow_log: SlowLog::default(),
            clock: quanta::Clock::new(),
            began: Instant::now(),
            port: Number::default(),
            peak_memory: Number::default(),
            pause: Pause::default(),
            monitors: Monitors::default(),
            rates: Rates::default(),
            events: LatencyEvents::default(),
            interrupted: Number::default(),
            rest: Number::default(),
            keeps_expired: Flag::default(),
            waiting: Arc::default(),
            end: Notify::new(),
        }
    }

    /// The bytes that all databases take.
    pub(crate) fn used_memory(&self) -> u64 {
        let used = self.databases.stats().iter().map(|stats| stats.memory_usage as u64).sum();
        self.peak_memory.raise(used);
        used
    }
}

/// CLIENT PAUSE: until when commands wait, in milliseconds since the server began.
#[derive(Debug, Default)]
pub(crate) struct Pause {
    all_until: Number,
    writes_until: Number,
}

impl Pause {
    /// Lets commands, or those that write, wait so long; a longer pause stays.
    pub(crate) fn begin(&self, uptime: Duration, length: Duration, only_writes: bool) {
        let until = millis(uptime.saturating_add(length));
        self.writes_until.raise(until);
        if !only_writes {
            self.all_until.raise(until);
        }
    }

    /// Ends every pause.
    pub(crate) fn end(&self) {
        self.all_until.set(0);
        self.writes_until.set(0);
    }

    /// Whether there may be a pause.
    #[inline]
    pub(crate) fn may_be_on(&self) -> bool {
        self.writes_until.get() != 0
    }

    /// How long a command has to wait from now on.
    pub(crate) fn left(&self, uptime: Duration, writes: bool) -> Duration {
        let until = if writes { self.writes_until.get() } else { self.all_until.get() };
        Duration::from_millis(until.saturating_sub(millis(uptime)))
    }
}
