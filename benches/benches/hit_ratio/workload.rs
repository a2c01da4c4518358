//! What is replayed: real traces where they are there, a seeded mix otherwise.

use memory_cache_pool_benches::keys::{Random, zipf};
use std::{
    env, fs,
    io::{self, Read},
    path::PathBuf,
};

/// Requests for keys, which are numbered from 0.
#[derive(Debug)]
pub(crate) struct Workload {
    pub(crate) name: String,
    pub(crate) requests: Vec<u32>,
    /// Capacities to be replayed at, and what has to be reached there, if anything.
    pub(crate) columns: Vec<Column>,
}

/// A capacity, and hit ratios in percent that have to be reached at it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    pub(crate) keys: usize,
    pub(crate) bars: Option<Bars>,
}

/// Hit ratios in percent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bars {
    pub(crate) lru: f64,
    pub(crate) lfu: f64,
    /// What `lfu` aims at.
    pub(crate) lfu_target: f64,
}

impl Workload {
    /// How many different keys there are.
    pub(crate) fn unique(&self) -> usize {
        self.requests.iter().max().map_or(0, |largest| *largest as usize + 1)
    }

    /// The hash of each key, the same in every run.
    pub(crate) fn hashes(&self) -> Vec<u64> {
        let mut random = Random::new(0x5EED);
        (0..self.unique()).map(|_| random.draw()).collect()
    }
}

/// Traces that take minutes, which are replayed on request only.
pub(crate) const LARGE: [&str; 3] = ["arc-p3", "arc-p6", "c2k-orm-night"];

/// Where traces and bars are: beside the repository, or where `TRACES` says.
fn directory() -> PathBuf {
    let beside = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/traces"));
    env::var_os("TRACES").map_or(beside, PathBuf::from)
}

/// What to say when a seeded mix is replayed.
pub(crate) fn why_synthetic(is_quick: bool, named: Option<&String>) -> String {
    let why = match named {
        _ if is_quick => "a quick run".into(),
        Some(name) if directory().join("bars.tsv").exists() => format!("no trace is called {name}"),
        _ => format!("no traces in {}; TRACES says where else", directory().display()),
    };
    format!("a synthetic mix is replayed: {why}")
}

/// The traces for which there are bars and which `wanted` accepts; none when there are no traces.
pub(crate) fn traces(wanted: impl Fn(&str) -> bool) -> io::Result<Vec<Workload>> {
    let Ok(bars) = fs::read_to_string(directory().join("bars.tsv")) else { return Ok(Vec::new()) };
    let mut workloads: Vec<Workload> = Vec::new();
    for line in bars.lines().skip(1) {
        let fields: Vec<&str> = line.split('\t').collect();
        let (Some(name), Some(column)) = (fields.get(1), column(&fields)) else {
            return Err(io::Error::new(io::ErrorKind::InvalidData, format!("no bars: {line}")));
        };
        if !wanted(name) {
            continue;
        }
        match workloads.last_mut() {
            Some(last) if last.name == *name => last.columns.push(column),
            _ => {
                let requests = read_trace(name)?;
                workloads.push(Workload { name: (*name).into(), requests, columns: vec![column] });
            }
        }
    }
    Ok(workloads)
}

/// A capacity with its bars: the last three fields of a line.
fn column(fields: &[&str]) -> Option<Column> {
    let keys = fields.get(2)?.parse().ok()?;
    let [.., lru, lfu, lfu_target] = fields else { return None };
    let bar = |text: &str| text.parse().ok();
    let bars = Bars { lru: bar(lru)?, lfu: bar(lfu)?, lfu_target: bar(lfu_target)? };
    Some(Column { keys, bars: Some(bars) })
}

/// Bytes in front of the keys of a trace.
const HEADER: usize = 24;

fn read_trace(name: &str) -> io::Result<Vec<u32>> {
    let file = fs::File::open(directory().join(format!("{name}.ktr.zst")))?;
    let mut bytes = Vec::new();
    zstd::Decoder::new(file)?.read_to_end(&mut bytes)?;
    let keys = bytes.get(HEADER..).unwrap_or_default();
    Ok(keys.as_chunks().0.iter().map(|key| u32::from_le_bytes(*key)).collect())
}

/// Popular keys, interrupted by scans of new ones, and then a loop that does not fit.
pub(crate) fn synthetic(length: usize) -> Workload {
    let popular = 2_000_u32;
    let mut new = popular;
    let mut requests = Vec::with_capacity(length);
    for (number, key) in zipf(u64::from(popular), length / 2, 11).into_iter().enumerate() {
        requests.push(u32::try_from(key).unwrap_or(0));
        if number % 1_000 == 0 {
            requests.extend(new..new + 200);
            new += 200;
        }
    }
    let in_loop = 700;
    requests
        .extend((0..length / 4).map(|number| new + u32::try_from(number % in_loop).unwrap_or(0)));
    let columns = [100, 500].map(|keys| Column { keys, bars: None });
    Workload { name: "zipf, scans, loop".into(), requests, columns: columns.into() }
}
