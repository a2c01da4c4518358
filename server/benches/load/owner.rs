//! What the host's own reads take while others load the server.

use crate::clients::{Load, Place, percentile};
use memory_cache_pool::MemoryCachePool;
use memory_cache_server::{Server, ServerOptions};
use std::{
    error::Error,
    io::Write,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};
use tokio::sync::oneshot;

const CLIENTS: usize = 50;

/// Is the clients, in a process of their own.
pub(crate) fn load(socket: &str, millis: u64) -> Result<(), Box<dyn Error>> {
    let length = Duration::from_millis(millis);
    let load = Load { command: "GET", pipeline: 1, connections: CLIENTS, length };
    load.run(&Place::Unix(Path::new(socket)))?;
    Ok(())
}

/// Prints the times of the host's reads without and with clients at full load.
pub(crate) fn compare(length: Duration) -> Result<(), Box<dyn Error>> {
    let pool = MemoryCachePool::default();
    let socket = std::env::temp_dir().join(format!("load-owner-{}", std::process::id()));
    let path = socket.display().to_string();
    let keys: Vec<String> = (0..10_000).map(|number| format!("key:{number:012}")).collect();
    for key in &keys {
        pool.set(key, [b'x'; 64])?;
    }
    let options = ServerOptions::new().set("unixsocket", &path)?.set("port", "0")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let server = runtime.block_on(Server::bind(pool.clone(), options))?;
    let (end, ended) = oneshot::channel::<()>();
    let serving = std::thread::spawn(move || {
        runtime.block_on(server.run(async { drop(ended.await) }));
    });
    let mut alone = reads(&pool, &keys, length);
    let millis = (length * 2).as_millis().to_string();
    let mut clients =
        Command::new(std::env::current_exe()?).args(["--load", &path, &millis]).spawn()?;
    // Until they have begun.
    let hits = || pool.get_stats().hits;
    let before = hits();
    while hits() < before + 100 && clients.try_wait()?.is_none() {
        std::thread::yield_now();
    }
    let mut loaded = reads(&pool, &keys, length);
    clients.wait()?;
    drop(end);
    serving.join().map_err(|_| "the server failed")?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "\n| the host's GET | p50 ns | p99 ns | p99.9 ns |\n|---|---|---|---|")?;
    let parts = [500, 990, 999];
    for (name, nanos) in [("alone", &mut alone), ("50 clients at full load", &mut loaded)] {
        let [half, most, nearly_all] = parts.map(|part| percentile(nanos, part));
        writeln!(out, "| {name} | {half:.0} | {most:.0} | {nearly_all:.0} |")?;
    }
    let ratio = percentile(&mut loaded, 999) / percentile(&mut alone, 999);
    writeln!(out, "| ratio at p99.9 | | | {ratio:.2} |")?;
    Ok(())
}

/// How long each read takes, one after the other.
fn reads(pool: &MemoryCachePool, keys: &[String], length: Duration) -> Vec<u64> {
    let mut nanos = Vec::with_capacity(1 << 24);
    let begin = Instant::now();
    let mut last = begin;
    for key in keys.iter().cycle() {
        let is_there = pool.pin().get(key).is_ok_and(|value| value.is_some());
        let now = Instant::now();
        nanos.push(u64::from(is_there) * u64::try_from((now - last).as_nanos()).unwrap_or(0));
        last = now;
        if now - begin > length || nanos.len() == nanos.capacity() {
            break;
        }
    }
    nanos
}
