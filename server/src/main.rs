//! A cache server that speaks Redis's protocol.
//!
//! `memory-cache-server [redis.conf] [--port 6379] [--unixsocket PATH] [--NAME VALUE…]`, with
//! redis.conf's names. It says on standard error what it did not understand, on standard output
//! when it is ready, and ends with 0 after SIGTERM, SIGINT or SHUTDOWN.

use memory_cache_server::{Server, ServerOptions};
use std::{
    error::Error,
    io::{Write, stdout},
    process::ExitCode,
};
use tokio::signal::unix::{SignalKind, signal};

const USAGE: &str = "\
Usage: memory-cache-server [redis.conf] [--NAME VALUE…]

The names are redis.conf's: port, bind, unixsocket, unixsocketperm, requirepass, maxclients,
maxmemory, databases, timeout, tcp-keepalive, protected-mode, …
  --help       this text
  --version    the version
";

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
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(run(options))
}

async fn run(options: ServerOptions) -> Result<(), Box<dyn Error>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let pool = options.build_pool()?;
    let server = Server::bind(pool, options).await?;
    let mut places: Vec<_> = server.tcp_addresses().iter().map(ToString::to_string).collect();
    places.push(server.unix_path());
    places.retain(|place| !place.is_empty());
    let pid = std::process::id();
    writeln!(stdout(), "Ready to accept connections: pid {pid}, {}", places.join(", "))?;
    server
        .run(async {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        })
        .await;
    Ok(())
}
