//! INFO: the sections and names that monitors read.

use super::{
    Call, CommandSpec, catalog,
    connection::REDIS_VERSION,
    spec::{category, flag, row},
    words::Outcome,
};
use crate::{shared::Shared, slow_log::since_1970, sync::Number};
use memory_cache_pool::CacheStats;
use std::fmt::Write;

/// The rows.
pub(super) const ROWS: &[CommandSpec] = &[row("info", -1, flag::LOADING | flag::STALE, info)
    .categories(category::DANGEROUS)
    .tips(&["nondeterministic_output", "request_policy:all_shards", "response_policy:special"])
    .doc("server", "1.0.0", "O(1)", "Get information and statistics about the server")];

/// A section's name, and what makes its lines.
type Section = (&'static str, fn(&Shared) -> String);

/// Sections in Redis's order; the last two only when they are asked for.
const SECTIONS: &[Section] = &[
    ("Server", server),
    ("Clients", clients),
    ("Memory", memory),
    ("Persistence", persistence),
    ("Stats", stats),
    ("Replication", replication),
    ("CPU", cpu),
    ("Modules", |_| String::new()),
    ("Errorstats", errors),
    ("Cluster", |_| "cluster_enabled:0\r\n".to_owned()),
    ("Keyspace", keyspace),
    ("Commandstats", commands),
    ("Latencystats", latencies),
];

/// How many of the sections are shown when nobody asks for one.
const BY_DEFAULT: usize = 11;

fn info(call: &mut Call<'_, '_>) -> Outcome {
    let words: Vec<String> = call
        .args
        .iter()
        .skip(1)
        .map(|word| String::from_utf8_lossy(word).to_ascii_lowercase())
        .collect();
    let asks = |name: &str| words.iter().any(|word| word == name);
    let all = asks("all") || asks("everything");
    let default = words.is_empty() || asks("default");
    call.session.settle();
    let text = sections(&call.session.shared, |number, name| {
        all || default && number < BY_DEFAULT || asks(&name.to_ascii_lowercase())
    });
    call.reply.verbatim(&text);
    Ok(())
}

/// All sections.
pub(crate) fn everything(shared: &Shared) -> String {
    sections(shared, |_, _| true)
}

fn sections(shared: &Shared, is_wanted: impl Fn(usize, &str) -> bool) -> String {
    let mut text = String::new();
    for (number, (name, fields)) in SECTIONS.iter().enumerate() {
        if is_wanted(number, name) {
            let gap = if text.is_empty() { "" } else { "\r\n" };
            text = text + gap + "# " + name + "\r\n" + &fields(shared);
        }
    }
    text
}

/// Lines of a name and a value.
fn lines<const N: usize>(fields: [(&str, String); N]) -> String {
    fields.iter().fold(String::new(), |text, (name, value)| text + name + ":" + value + "\r\n")
}

fn server(shared: &Shared) -> String {
    let uptime = shared.began.elapsed().as_secs();
    lines([
        ("redis_version", REDIS_VERSION.to_owned()),
        ("memory_cache_server_version", env!("CARGO_PKG_VERSION").to_owned()),
        ("redis_git_sha1", "00000000".to_owned()),
        ("redis_git_dirty", "0".to_owned()),
        ("redis_mode", "standalone".to_owned()),
        ("os", std::env::consts::OS.to_owned()),
        ("arch_bits", usize::BITS.to_string()),
        ("multiplexing_api", "epoll".to_owned()),
        ("process_id", std::process::id().to_string()),
        ("run_id", format!("{:040x}", std::process::id())),
        ("tcp_port", shared.port.get().to_string()),
        ("server_time_usec", since_1970().as_micros().to_string()),
        ("uptime_in_seconds", uptime.to_string()),
        ("uptime_in_days", (uptime / 86_400).to_string()),
        ("hz", shared.settings.get("hz")),
        ("configured_hz", shared.settings.get("hz")),
        ("lru_clock", (since_1970().as_secs() % (1 << 24)).to_string()),
        ("executable", executable()),
        ("config_file", String::new()),
        ("io_threads_active", "0".to_owned()),
    ])
}

fn executable() -> String {
    std::env::current_exe().map_or_else(|_| String::new(), |path| path.display().to_string())
}

fn clients(shared: &Shared) -> String {
    lines([
        ("connected_clients", shared.clients.count().to_string()),
        ("cluster_connections", "0".to_owned()),
        ("maxclients", shared.settings.most_clients.get().to_string()),
        ("blocked_clients", shared.waiting.count().to_string()),
        ("tracking_clients", "0".to_owned()),
        ("clients_in_timeout_table", "0".to_owned()),
    ])
}

/// A sum over all databases.
fn sum(all: &[CacheStats], of: fn(&CacheStats) -> u64) -> u64 {
    all.iter().map(of).sum()
}

fn memory(shared: &Shared) -> String {
    let used = shared.used_memory();
    let peak = shared.peak_memory.get();
    let all = shared.databases.stats();
    // It is the process's, and so the same for each.
    let resident = all.first().and_then(|stats| stats.resident_bytes);
    let resident = resident.map_or(used, |bytes| bytes as u64);
    let system = system_memory();
    let dataset = sum(&all, |stats| stats.record_bytes as u64);
    lines([
        ("used_memory", used.to_string()),
        ("used_memory_human", human(used)),
        ("used_memory_rss", resident.to_string()),
        ("used_memory_rss_human", human(resident)),
        ("used_memory_peak", peak.to_string()),
        ("used_memory_peak_human", human(peak)),
        ("used_memory_peak_perc", percent(used, peak)),
        ("used_memory_startup", "0".to_owned()),
        ("used_memory_overhead", used.saturating_sub(dataset).to_string()),
        ("used_memory_dataset", dataset.to_string()),
        ("used_memory_dataset_perc", percent(dataset, used)),
        ("used_memory_retired", sum(&all, |stats| stats.retired_bytes as u64).to_string()),
        ("used_memory_table", sum(&all, |stats| stats.table_bytes as u64).to_string()),
        ("used_memory_lua", "0".to_owned()),
        ("used_memory_lua_human", human(0)),
        ("used_memory_scripts", "0".to_owned()),
        ("number_of_cached_scripts", "0".to_owned()),
        ("number_of_functions", "0".to_owned()),
        ("number_of_libraries", "0".to_owned()),
        ("allocator_allocated", used.to_string()),
        ("allocator_active", used.to_string()),
        ("allocator_resident", resident.to_string()),
        ("total_system_memory", system.to_string()),
        ("total_system_memory_human", human(system)),
        ("maxmemory", shared.settings.get("maxmemory")),
        ("maxmemory_human", human(shared.settings.number("maxmemory"))),
        ("maxmemory_policy", shared.settings.get("maxmemory-policy")),
        ("mem_fragmentation_ratio", ratio(resident * 100 / used.max(1))),
        ("mem_fragmentation_bytes", resident.saturating_sub(used).to_string()),
        ("mem_not_counted_for_evict", "0".to_owned()),
        ("mem_clients_normal", "0".to_owned()),
        ("mem_clients_slaves", "0".to_owned()),
        ("mem_aof_buffer", "0".to_owned()),
        ("mem_replication_backlog", "0".to_owned()),
        ("mem_allocator", "system".to_owned()),
        ("active_defrag_running", "0".to_owned()),
        ("lazyfree_pending_objects", "0".to_owned()),
        ("lazyfreed_objects", "0".to_owned()),
    ])
}

/// The bytes of memory that the system has; 0 where it does not tell.
fn system_memory() -> u64 {
    let told = || {
        let text = std::fs::read_to_string("/proc/meminfo").ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
        line.split_ascii_whitespace().next()?.parse::<u64>().ok()
    };
    told().unwrap_or(0) << 10
}

fn ratio(hundredths: u64) -> String {
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

fn percent(part: u64, whole: u64) -> String {
    ratio(part.saturating_mul(10_000) / whole.max(1)) + "%"
}

/// Bytes as Redis writes them for people: `1.50M`.
fn human(bytes: u64) -> String {
    let unit = [(1_u64 << 30, "G"), (1 << 20, "M"), (1 << 10, "K")];
    match unit.iter().find(|(size, _)| bytes >= *size) {
        None => format!("{bytes}B"),
        Some((size, name)) => {
            format!("{}.{:02}{name}", bytes / size, bytes % size * 100 / size)
        }
    }
}

/// Nothing is saved.
fn persistence(_: &Shared) -> String {
    const NOTHING: [&str; 14] = [
        "current_cow_size",
        "current_fork_perc",
        "rdb_saves",
        "rdb_last_cow_size",
        "rdb_last_load_keys_expired",
        "rdb_last_load_keys_loaded",
        "aof_rewrite_scheduled",
        "aof_rewrites",
        "aof_last_cow_size",
        "module_fork_in_progress",
        "module_fork_last_cow_size",
        "current_save_keys_processed",
        "current_save_keys_total",
        "current_cow_peak",
    ];
    let nothing: String = NOTHING.iter().map(|name| format!("{name}:0\r\n")).collect();
    nothing
        + &lines([
            ("rdb_last_bgsave_time_sec", "-1".to_owned()),
            ("rdb_current_bgsave_time_sec", "-1".to_owned()),
            ("aof_last_rewrite_time_sec", "-1".to_owned()),
            ("aof_current_rewrite_time_sec", "-1".to_owned()),
            ("loading", "0".to_owned()),
            ("async_loading", "0".to_owned()),
            ("rdb_changes_since_last_save", "0".to_owned()),
            ("rdb_bgsave_in_progress", "0".to_owned()),
            ("rdb_last_save_time", "0".to_owned()),
            ("rdb_last_bgsave_status", "ok".to_owned()),
            ("aof_enabled", "0".to_owned()),
            ("aof_rewrite_in_progress", "0".to_owned()),
            ("aof_last_bgrewrite_status", "ok".to_owned()),
            ("aof_last_write_status", "ok".to_owned()),
        ])
}

fn stats(shared: &Shared) -> String {
    let tallies = &shared.tallies;
    let rates = &shared.rates;
    let all = shared.databases.stats();
    // Kilobytes per second.
    let kbps = |rate: &Number| ratio(rate.get() * 100 / 1024);
    lines([
        ("total_connections_received", tallies.connections.get().to_string()),
        ("total_commands_processed", tallies.total_commands.get().to_string()),
        ("instantaneous_ops_per_sec", rates.commands.get().to_string()),
        ("total_net_input_bytes", tallies.bytes_in.get().to_string()),
        ("total_net_output_bytes", tallies.bytes_out.get().to_string()),
        ("instantaneous_input_kbps", kbps(&rates.bytes_in)),
        ("instantaneous_output_kbps", kbps(&rates.bytes_out)),
        ("sync_full", "0".to_owned()),
        ("sync_partial_ok", "0".to_owned()),
        ("sync_partial_err", "0".to_owned()),
        ("latest_fork_usec", "0".to_owned()),
        ("total_forks", "0".to_owned()),
        ("rejected_connections", tallies.rejected_connections.get().to_string()),
        ("expired_keys", sum(&all, |stats| stats.expirations).to_string()),
        ("evicted_keys", sum(&all, |stats| stats.evictions).to_string()),
        ("evicted_clients", "0".to_owned()),
        ("client_output_buffer_limit_disconnections", tallies.cut_off.get().to_string()),
        ("keyspace_hits", sum(&all, |stats| stats.hits).to_string()),
        ("keyspace_misses", sum(&all, |stats| stats.misses).to_string()),
        ("pubsub_channels", "0".to_owned()),
        ("pubsub_patterns", "0".to_owned()),
        ("pubsubshard_channels", "0".to_owned()),
        ("migrate_cached_sockets", "0".to_owned()),
        ("slave_expires_tracked_keys", "0".to_owned()),
        ("active_defrag_hits", "0".to_owned()),
        ("active_defrag_misses", "0".to_owned()),
        ("active_defrag_key_hits", "0".to_owned()),
        ("active_defrag_key_misses", "0".to_owned()),
        ("tracking_total_keys", "0".to_owned()),
        ("total_error_replies", tallies.error_replies.get().to_string()),
    ])
}

fn replication(_: &Shared) -> String {
    lines([
        ("role", "master".to_owned()),
        ("connected_slaves", "0".to_owned()),
        ("master_failover_state", "no-failover".to_owned()),
        ("master_replid", format!("{:040x}", std::process::id())),
        ("master_repl_offset", "0".to_owned()),
        ("second_repl_offset", "-1".to_owned()),
        ("repl_backlog_active", "0".to_owned()),
        ("repl_backlog_size", "0".to_owned()),
        ("repl_backlog_first_byte_offset", "0".to_owned()),
        ("repl_backlog_histlen", "0".to_owned()),
    ])
}

/// Seconds of processor time, in hundredths, from the system's own account of this process.
fn cpu(_: &Shared) -> String {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let mut fields = stat.rsplit(')').next().unwrap_or_default().split_ascii_whitespace().skip(11);
    let mut ticks = || fields.next().and_then(|field| field.parse::<u64>().ok()).unwrap_or(0);
    let seconds = |ticks: u64| format!("{}.{:02}0000", ticks / 100, ticks % 100);
    let (user, system) = (ticks(), ticks());
    let (user_children, system_children) = (ticks(), ticks());
    lines([
        ("used_cpu_sys", seconds(system)),
        ("used_cpu_user", seconds(user)),
        ("used_cpu_sys_children", seconds(system_children)),
        ("used_cpu_user_children", seconds(user_children)),
    ])
}

fn errors(shared: &Shared) -> String {
    let mut text = String::new();
    for (code, count) in shared.tallies.errors() {
        // Writing to a string cannot fail.
        let _written = write!(text, "errorstat_{code}:count={count}\r\n");
    }
    text
}

fn keyspace(shared: &Shared) -> String {
    let mut text = String::new();
    for (number, pool) in shared.databases.used() {
        let keys = pool.dbsize();
        if keys > 0 {
            // One entry for each key with a deadline, and for some that had one.
            let expires = pool.get_stats().wheel_entries.min(keys);
            let _written = write!(text, "db{number}:keys={keys},expires={expires},avg_ttl=0\r\n");
        }
    }
    text
}

fn commands(shared: &Shared) -> String {
    let mut text = String::new();
    for (command, tally) in catalog().all.iter().zip(&shared.tallies.commands) {
        let (calls, micros) = (tally.calls.get(), tally.nanos.get() / 1000);
        let (rejected, failed) = (tally.rejected.get(), tally.failed.get());
        if calls + rejected > 0 {
            let each = micros * 100 / calls.max(1);
            let _written = write!(
                text,
                "cmdstat_{}:calls={calls},usec={micros},usec_per_call={}.{:02},\
                 rejected_calls={rejected},failed_calls={failed}\r\n",
                command.name,
                each / 100,
                each % 100,
            );
        }
    }
    text
}

fn latencies(shared: &Shared) -> String {
    let mut text = String::new();
    for (command, tally) in catalog().all.iter().zip(&shared.tallies.commands) {
        if tally.calls.get() > 0 {
            let [half, most, nearly_all] = [500, 990, 999].map(|part| tally.times.percentile(part));
            let _written = write!(
                text,
                "latency_percentiles_usec_{}:p50={half}.000,p99={most}.000,p99.9={nearly_all}.000\r\n",
                command.name,
            );
        }
    }
    text
}
