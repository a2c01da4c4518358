//! This server and redis-server under the same load in one run; and what the load is to the host.
//!
//! `cargo bench -p memory-cache-server --bench load [-- --seconds 3]` prints two tables. Each server is
//! a process of its own with one thread for connections; the clients are one thread of another
//! process, so that two processors are enough. Where redis-server is not installed, its rows are
//! missing. Without `--bench` everything runs once, for a moment.

mod clients;
mod owner;
mod servers;

use clients::{Load, Place};
use servers::{Kind, Running};
use std::{error::Error, io::Write, time::Duration};

/// Transports, requests at a time, connections.
const CASES: [(bool, usize, usize); 8] = [
    (true, 1, 1),
    (true, 16, 1),
    (true, 1, 50),
    (true, 16, 50),
    (false, 1, 1),
    (false, 16, 1),
    (false, 1, 50),
    (false, 16, 50),
];

/// Rounds of which the median is shown.
const ROUNDS: usize = 3;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["--serve", socket, port] => return servers::serve(socket, port),
        ["--load", socket, millis] => return owner::load(socket, millis.parse()?),
        _ => {}
    }
    let is_bench = words.contains(&"--bench");
    let seconds = words.iter().skip_while(|word| **word != "--seconds").nth(1);
    let seconds: f64 =
        seconds.map_or(Ok(if is_bench { 1.0 } else { 0.02 }), |text| text.parse())?;
    let length = Duration::from_secs_f64(seconds);
    compare(length, if is_bench { ROUNDS } else { 1 })?;
    owner::compare(length)
}

/// What a round has shown.
#[derive(Clone, Copy)]
struct Figures {
    per_second: f64,
    /// Microseconds: p50, p99, p99.9.
    times: [f64; 3],
    /// Microseconds of processor time a command.
    processor: f64,
}

fn compare(length: Duration, rounds: usize) -> Result<(), Box<dyn Error>> {
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "| commands | over | pipeline | clients | server | per second | p50 µs | p99 µs | p99.9 µs | CPU µs |"
    )?;
    writeln!(out, "|---|---|---|---|---|---|---|---|---|---|")?;
    let mut servers = vec![Running::start(Kind::Ours)?];
    servers.extend(Running::start(Kind::Redis).ok());
    for server in &servers {
        clients::fill(&server.socket)?;
    }
    for command in ["GET", "SET"] {
        for (is_unix, pipeline, connections) in CASES {
            let mut found = vec![Vec::new(); servers.len()];
            // One after the other in each round, so that what the machine does meanwhile is shared.
            for _ in 0..rounds {
                for (server, figures) in servers.iter().zip(&mut found) {
                    let place =
                        if is_unix { Place::Unix(&server.socket) } else { Place::Tcp(server.port) };
                    let load = Load { command, pipeline, connections, length };
                    figures.push(round(server, &load, &place)?);
                }
            }
            for (server, mut figures) in servers.iter().zip(found) {
                figures.sort_by(|one, other| one.per_second.total_cmp(&other.per_second));
                let Figures { per_second, times: [half, most, nearly_all], processor } =
                    figures[figures.len() / 2];
                let over = if is_unix { "unix" } else { "tcp" };
                let name = server.kind.name();
                writeln!(
                    out,
                    "| {command} | {over} | {pipeline} | {connections} | {name} | {per_second:.0} \
                     | {half:.0} | {most:.0} | {nearly_all:.0} | {processor:.2} |"
                )?;
            }
        }
    }
    Ok(())
}

fn round(server: &Running, load: &Load<'_>, place: &Place<'_>) -> Result<Figures, Box<dyn Error>> {
    let before = server.processor_seconds()?;
    let mut done = load.run(place)?;
    let processor = server.processor_seconds()? - before;
    let commands = done.commands as f64;
    Ok(Figures {
        per_second: commands / done.took.as_secs_f64(),
        times: [500, 990, 999].map(|part| clients::percentile(&mut done.nanos, part) / 1e3),
        processor: processor * 1e6 / commands,
    })
}
