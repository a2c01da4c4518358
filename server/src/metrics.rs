//! Figures for Prometheus, on `metrics-port`: `/metrics` in its text format, `/healthz`.
//!
//! Figures have the names that `redis_exporter` gives them, and come from the same text, INFO, so
//! that dashboards made for a Redis show this server. One request a connection, of a few kilobytes and
//! some seconds at most, and from few at a time; there is no password, and the addresses are those of
//! `bind`.

use crate::{
    commands::{catalog, everything},
    shared::Shared,
};
use std::{fmt::Write, io, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
    time::timeout,
};

/// The longest head of a request.
const LONGEST: usize = 8 << 10;

/// How long a request and its answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// How many are answered at a time.
const MOST: usize = 16;

/// A field of INFO, and what Prometheus calls it: a counter when it ends with `_total`.
#[rustfmt::skip]
const FIELDS: &[(&str, &str)] = &[
    ("uptime_in_seconds", "redis_uptime_in_seconds"),
    ("connected_clients", "redis_connected_clients"),
    ("maxclients", "redis_max_clients"),
    ("blocked_clients", "redis_blocked_clients"),
    ("used_memory", "redis_memory_used_bytes"),
    ("used_memory_rss", "redis_memory_used_rss_bytes"),
    ("used_memory_peak", "redis_memory_used_peak_bytes"),
    ("used_memory_overhead", "redis_memory_used_overhead_bytes"),
    ("used_memory_dataset", "redis_memory_used_dataset_bytes"),
    ("used_memory_retired", "redis_memory_used_retired_bytes"),
    ("used_memory_table", "redis_memory_used_table_bytes"),
    ("maxmemory", "redis_memory_max_bytes"),
    ("mem_fragmentation_ratio", "redis_mem_fragmentation_ratio"),
    ("total_connections_received", "redis_connections_received_total"),
    ("total_commands_processed", "redis_commands_processed_total"),
    ("instantaneous_ops_per_sec", "redis_instantaneous_ops_per_sec"),
    ("total_net_input_bytes", "redis_net_input_bytes_total"),
    ("total_net_output_bytes", "redis_net_output_bytes_total"),
    ("rejected_connections", "redis_rejected_connections_total"),
    ("expired_keys", "redis_expired_keys_total"),
    ("evicted_keys", "redis_evicted_keys_total"),
    ("client_output_buffer_limit_disconnections", "redis_client_output_buffer_limit_disconnections_total"),
    ("keyspace_hits", "redis_keyspace_hits_total"),
    ("keyspace_misses", "redis_keyspace_misses_total"),
    ("used_cpu_sys", "redis_cpu_sys_seconds_total"),
    ("used_cpu_user", "redis_cpu_user_seconds_total"),
];

/// Fields of INFO of which each thing has its own: the beginning of the line, the label, and the
/// figures of a line. Microseconds become seconds where the name says so.
type Labelled = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

#[rustfmt::skip]
const LABELLED: &[Labelled] = &[
    ("cmdstat_", "cmd", &[
        ("calls", "redis_commands_total"),
        ("usec", "redis_commands_duration_seconds_total"),
        ("rejected_calls", "redis_commands_rejected_calls_total"),
        ("failed_calls", "redis_commands_failed_calls_total"),
    ]),
    ("errorstat_", "err", &[("count", "redis_errors_total")]),
    ("db", "db", &[("keys", "redis_db_keys"), ("expires", "redis_db_keys_expiring")]),
];

/// Answers one that asks, unless others are being answered already.
pub(crate) fn serve(scrapers: &mut JoinSet<()>, stream: TcpStream, shared: &Arc<Shared>) {
    if scrapers.len() < MOST {
        let shared = Arc::clone(shared);
        scrapers.spawn(async move {
            // Who asks too slowly, or has gone, gets no answer.
            let _answered = timeout(PATIENCE, answer(stream, &shared)).await;
        });
    }
}

async fn answer(mut stream: TcpStream, shared: &Shared) -> io::Result<()> {
    let mut head = Vec::new();
    let is_whole = |head: &[u8]| memchr::memmem::find(head, b"\r\n\r\n").is_some();
    while !is_whole(&head) && head.len() < LONGEST {
        if stream.read_buf(&mut head).await? == 0 {
            return Ok(());
        }
    }
    let (status, body) = if is_whole(&head) {
        let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
        respond(&String::from_utf8_lossy(line), shared)
    } else {
        ("431 Request Header Fields Too Large", String::new())
    };
    let is_head = head.starts_with(b"HEAD ");
    let mut text = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    if !is_head {
        text += &body;
    }
    stream.write_all(text.as_bytes()).await?;
    stream.shutdown().await
}

/// The status and the body that a request's first line asks for.
fn respond(line: &str, shared: &Shared) -> (&'static str, String) {
    let mut words = line.split(' ');
    let (method, target, version) = (words.next(), words.next(), words.next());
    let path = target.unwrap_or_default().split('?').next();
    match (method, path) {
        _ if !version.is_some_and(|version| version.starts_with("HTTP/1.")) => {
            ("400 Bad Request", String::new())
        }
        (Some("GET" | "HEAD"), Some("/metrics")) => ("200 OK", figures(shared)),
        (Some("GET" | "HEAD"), Some("/healthz")) => ("200 OK", "ok\n".to_owned()),
        (Some("GET" | "HEAD"), _) => ("404 Not Found", String::new()),
        _ => ("405 Method Not Allowed", String::new()),
    }
}

/// All figures.
fn figures(shared: &Shared) -> String {
    let info = everything(shared);
    let lines: Vec<_> = info.lines().filter_map(|line| line.split_once(':')).collect();
    let mut text = "# TYPE redis_up gauge\nredis_up 1\n".to_owned();
    for (field, name) in FIELDS {
        if let Some((_, value)) = lines.iter().find(|(found, _)| found == field) {
            begin(&mut text, name);
            push(&mut text, format_args!("{name} {value}\n"));
        }
    }
    for (beginning, label, fields) in LABELLED {
        for (field, name) in *fields {
            begin(&mut text, name);
            for (thing, values) in lines.iter().filter(|(_, values)| values.contains('=')) {
                let value = values.split(',').find_map(|pair| pair.strip_prefix(field));
                let value = value.and_then(|value| value.strip_prefix('='));
                let thing_s = thing.strip_prefix(beginning);
                let (Some(value), Some(short)) = (value, thing_s) else { continue };
                let shown = if *label == "db" { thing } else { short };
                let micros = if *field == "usec" { "e-6" } else { "" };
                push(&mut text, format_args!("{name}{{{label}=\"{shown}\"}} {value}{micros}\n"));
            }
        }
    }
    times(shared, &mut text);
    text
}

/// How long commands took, in microseconds, as histograms.
fn times(shared: &Shared, text: &mut String) {
    const NAME: &str = "redis_commands_latencies_usec";
    push(text, format_args!("# TYPE {NAME} histogram\n"));
    for (command, tally) in catalog().all.iter().zip(&shared.tallies.commands) {
        let buckets = tally.times.cumulative();
        let Some((_, calls)) = buckets.last() else { continue };
        let cmd = &command.name;
        for (most, count) in &buckets {
            push(text, format_args!("{NAME}_bucket{{cmd=\"{cmd}\",le=\"{most}\"}} {count}\n"));
        }
        push(text, format_args!("{NAME}_bucket{{cmd=\"{cmd}\",le=\"+Inf\"}} {calls}\n"));
        let micros = tally.nanos.get() / 1000;
        push(text, format_args!("{NAME}_sum{{cmd=\"{cmd}\"}} {micros}\n"));
        push(text, format_args!("{NAME}_count{{cmd=\"{cmd}\"}} {calls}\n"));
    }
}

/// Says what kind of figure follows.
fn begin(text: &mut String, name: &str) {
    let kind = if name.ends_with("_total") { "counter" } else { "gauge" };
    push(text, format_args!("# TYPE {name} {kind}\n"));
}

fn push(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _written = text.write_fmt(line);
}
