//! A cache server that speaks Redis's protocol.
//!
//! `memory-cache-server [redis.conf] [--port 6379] [--unixsocket PATH] [--NAME VALUE…]`, with
//! redis.conf's names. It says on standard error what it did not understand, on standard output
//! when it is ready, and ends with 0 after SIGTERM, SIGINT or SHUTDOWN.

mod log;
mod supervisor;

use memory_cache_server::{Server, ServerOptions};
use std::{
    error::Error,
    io::{self, Write, stdout},
    process::ExitCode,
};
use tokio::{
    runtime::{Builder, Runtime},
    signal::unix::{SignalKind, signal},
};

const USAGE: &str = "\
Usage: memory-cache-server [redis.conf] [--NAME VALUE…]

The names are redis.conf's: port, bind, unixsocket, unixsocketperm, requirepass, maxclients,
maxmemory, databases, timeout, tcp-keepalive, protected-mode, io-threads, loglevel, logfile,
supervised, tls-port, …; and metrics-port, for Prometheus.
  --help       this text
  --version    the version
";

/// Files that are open besides connections: listeners, log, and what is read now and then.
const SPARE: u64 = 32;

fn main() -> ExitCode {
    match start() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("memory-cache-server: {error}");
            ExitCode::FAILURE
        }
    }
}

fn start() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1).peekable();
    let mut options = ServerOptions::new();
    match arguments.peek().map(String::as_str) {
        Some("--help" | "-h") => return Ok(stdout().write_all(USAGE.as_bytes())?),
        Some("--version" | "-v") => {
            return Ok(writeln!(stdout(), "memory-cache-server {}", env!("CARGO_PKG_VERSION"))?);
        }
        Some(path) if !path.starts_with("--") => {
            let text = std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
            options = options.read_conf(&text).map_err(|error| format!("{path}: {error}"))?;
            arguments.next();
        }
        _ => {}
    }
    let options = options.read_arguments(arguments)?;
    let most: u64 = options.get("maxclients").and_then(|text| text.parse().ok()).unwrap_or(0);
    // Fewer than asked for is not nothing: who comes then waits until somebody goes.
    let _allowed: io::Result<u64> = rlimit::increase_nofile_limit(most.saturating_add(SPARE));
    let threads = options.get("io-threads").and_then(|text| text.parse().ok()).unwrap_or(1);
    runtime(threads)?.block_on(run(options))
}

/// Serves on so many threads.
///
/// One thread has no other to wake, and needs less time of the processor for a request than two that
/// pass connections to each other do.
fn runtime(threads: usize) -> io::Result<Runtime> {
    let mut builder = if threads == 1 {
        Builder::new_current_thread()
    } else {
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(threads);
        builder
    };
    builder.enable_all().build()
}

async fn run(options: ServerOptions) -> Result<(), Box<dyn Error>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let pool = options.build_pool()?;
    let option = |name| options.get(name).unwrap_or_default();
    let (logfile, supervised) = (option("logfile"), option("supervised"));
    let server = Server::bind(pool, options).await?;
    log::begin(&logfile, server.log_level())?;
    let mut places: Vec<_> = server.tcp_addresses().iter().map(ToString::to_string).collect();
    places.push(server.unix_path());
    places.retain(|place| !place.is_empty());
    let (pid, places) = (std::process::id(), places.join(", "));
    tracing::info!(pid, places, "ready to accept connections");
    writeln!(stdout(), "Ready to accept connections: pid {pid}, {places}")?;
    supervisor::tell(&supervised, "READY=1\n")?;
    server
        .run(async {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            // It ends, whether anybody wants to know or not.
            let _told: io::Result<()> = supervisor::tell(&supervised, "STOPPING=1\n");
        })
        .await;
    tracing::info!("ended");
    Ok(())
}
