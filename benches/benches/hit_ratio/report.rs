//! Tables on the screen, and the same figures in files.

use crate::{
    cache::{CONTENDERS, Contender, LFU, LRU, Limit},
    exact,
    plot::{self, Curve},
    replay::{Outcome, mixed_bytes, one, percent, replay},
    workload::{Column, Workload},
};
use std::{
    error::Error,
    fmt::Write as _,
    fs,
    io::{self, Write as _},
    path::PathBuf,
};

/// Threads of the replays on several.
const THREADS: usize = 4;
/// Replays of each column, alone and on several threads.
const REPLAYS: usize = 5;

/// A line of what is told.
pub(crate) fn line(text: &str) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{text}")
}

/// The directory that files go to.
fn directory() -> io::Result<PathBuf> {
    let directory = PathBuf::from(concat!(env!("CARGO_TARGET_TMPDIR"), "/../hit_ratio"));
    fs::create_dir_all(&directory)?;
    Ok(directory)
}

fn heading(title: &str, columns: &[&str]) -> io::Result<()> {
    line(&format!("\n{title}"))?;
    let names: String = columns.iter().fold(String::new(), |mut names, name| {
        let _ = write!(names, " {name:>15}");
        names
    });
    line(&format!("{:<18} {:>8}{names}", "workload", "capacity"))
}

/// Hit ratios with what was held at the end, if that is worth telling.
fn cell(outcome: Outcome) -> String {
    if (99.5..100.5).contains(&outcome.held) {
        format!(" {:>8.2}       ", outcome.hit_ratio)
    } else {
        format!(" {:>8.2} ({:>3.0}%)", outcome.hit_ratio, outcome.held)
    }
}

/// Hit ratios with what was held at the end, and what was allocated.
fn cell_of_bytes(outcome: Outcome) -> String {
    let Outcome { hit_ratio, held, allocated } = outcome;
    format!(" {hit_ratio:>5.2} {held:>4.0} {allocated:>4.0}")
}

/// How the pool's policies compare with what they have to reach.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Verdict {
    columns: u32,
    lfu_sum: f64,
    pub(crate) failed: u32,
    below_target: u32,
}

impl Verdict {
    fn judge(&mut self, column: Column, lru: Outcome, lfu: Outcome) -> &'static str {
        self.columns += 1;
        self.lfu_sum += lfu.hit_ratio;
        let Some(bars) = column.bars else { return "" };
        if lru.hit_ratio < bars.lru || lfu.hit_ratio < bars.lfu || lfu.held.max(lru.held) > 100.0 {
            self.failed += 1;
            return "  FAILED";
        }
        if lfu.hit_ratio < bars.lfu_target {
            self.below_target += 1;
            return "  below its target";
        }
        ""
    }

    fn tell(self) -> io::Result<()> {
        let mean = self.lfu_sum / f64::from(self.columns.max(1));
        let Self { columns, failed, below_target, .. } = self;
        line(&format!(
            "lfu: mean {mean:.2} over {columns} columns; {failed} failed, {below_target} below target"
        ))
    }
}

/// Every contender at every capacity that there are bars for, on one thread, by keys.
pub(crate) fn by_keys(workloads: &[Workload]) -> Result<Verdict, Box<dyn Error>> {
    let names: Vec<_> =
        ["[optimum]", "[exact lru]"].into_iter().chain(CONTENDERS.map(|c| c.name)).collect();
    heading("hit ratio in % (in brackets: what was held at the end, of what may be)", &names)?;
    let mut csv = fs::File::create(directory()?.join("by_keys.csv"))?;
    writeln!(csv, "workload,capacity,{}", names.join(","))?;
    let mut verdict = Verdict::default();
    for workload in workloads {
        for column in &workload.columns {
            let total = workload.requests.len() as u64;
            let optimum = percent(exact::belady(&workload.requests, column.keys), total);
            let lru = percent(exact::lru(&workload.requests, column.keys), total);
            let limit = Limit::of_keys(column.keys);
            let outcomes = CONTENDERS.map(|contender| replay(workload, contender, limit, 1, one));
            let judged = verdict.judge(*column, outcomes[LRU], outcomes[LFU]);
            let cells: String = outcomes.map(cell).concat();
            let Workload { name, .. } = workload;
            let keys = column.keys;
            line(&format!(
                "{name:<18} {keys:>8} {optimum:>8.2}        {lru:>8.2}       {cells}{judged}"
            ))?;
            let ratios = outcomes.map(|outcome| format!("{:.3}", outcome.hit_ratio)).join(",");
            writeln!(csv, "{name},{keys},{optimum:.3},{lru:.3},{ratios}")?;
        }
    }
    verdict.tell()?;
    Ok(verdict)
}

/// What several threads lose against one.
///
/// A loop that is little longer than the cache turns on chance, also on one thread: each column is
/// replayed several times, and beside the means stands how far apart the replays of one thread are.
pub(crate) fn by_threads(workloads: &[Workload]) -> Result<(), Box<dyn Error>> {
    let columns = ["1 thread", "least to most", "4 threads", "lost"];
    heading("lfu on threads that take slices in turn, means of replays", &columns)?;
    let (mut most, mut sum, mut columns) = (f64::MIN, 0.0, 0);
    for workload in workloads {
        for column in &workload.columns {
            let limit = Limit::of_keys(column.keys);
            let run = |threads| {
                let ratio = |_| replay(workload, CONTENDERS[LFU], limit, threads, one).hit_ratio;
                let mut ratios: [f64; REPLAYS] = std::array::from_fn(ratio);
                ratios.sort_by(f64::total_cmp);
                let mean = ratios.iter().sum::<f64>() / REPLAYS as f64;
                (mean, ratios[REPLAYS - 1] - ratios[0])
            };
            let ((alone, spread), (together, _)) = (run(1), run(THREADS));
            let lost = alone - together;
            most = most.max(lost);
            sum += lost;
            columns += 1;
            let (name, keys) = (&workload.name, column.keys);
            line(&format!(
                "{name:<18} {keys:>8} {alone:>15.2} {spread:>15.2} {together:>15.2} {lost:>15.2}"
            ))?;
        }
    }
    let mean = sum / f64::from(columns.max(1));
    line(&format!("lost: {mean:.2} points on average, {most:.2} at most"))?;
    Ok(())
}

/// As [`by_keys`], with records of many sizes and limits on their sum.
///
/// The peers count what they are told of each record, which is what the pool's take, and not what they
/// take themselves. The pool counts all that it uses: what is retired, what is kept ready, what sizes
/// are rounded up by; and it keeps a sixteenth in reserve. So it holds less at the end. What each had
/// allocated then, table and all, is told beside it.
pub(crate) fn by_bytes(workloads: &[Workload]) -> Result<(), Box<dyn Error>> {
    heading(
        "values of 32 to 8,064 bytes, limits in bytes for so many of mean size: hit ratio, records held \
         and bytes allocated at the end, in %",
        &CONTENDERS.map(|contender| contender.name),
    )?;
    let mut outcomes = Vec::new();
    for workload in workloads {
        let hashes = workload.hashes();
        let sum: u64 = hashes.iter().map(|hash| u64::from(mixed_bytes(*hash))).sum();
        for column in &workload.columns {
            let bytes = sum / hashes.len().max(1) as u64 * column.keys as u64;
            let limit = Limit::of_bytes(bytes, column.keys);
            let run = |contender: Contender| replay(workload, contender, limit, 1, mixed_bytes);
            let row = CONTENDERS.map(run);
            line(&format!(
                "{:<18} {:>8}{}",
                workload.name,
                column.keys,
                row.map(cell_of_bytes).concat()
            ))?;
            outcomes.push(row);
        }
    }
    let means: String =
        (0..CONTENDERS.len()).map(|place| cell_of_bytes(mean(&outcomes, place))).collect();
    line(&format!("{:<18} {:>8}{means}", "mean", ""))?;
    Ok(())
}

/// The mean of one contender's outcomes.
fn mean(rows: &[[Outcome; CONTENDERS.len()]], place: usize) -> Outcome {
    let count = u32::try_from(rows.len().max(1)).map_or(f64::INFINITY, f64::from);
    let of = |figure: fn(&Outcome) -> f64| {
        rows.iter().map(|row| figure(&row[place])).sum::<f64>() / count
    };
    Outcome {
        hit_ratio: of(|outcome| outcome.hit_ratio),
        held: of(|outcome| outcome.held),
        allocated: of(|outcome| outcome.allocated),
    }
}

/// Capacities of a curve, as parts of the different keys.
const CURVE: [f64; 8] = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8];

/// Curves of every contender over capacities, as SVG and CSV.
pub(crate) fn curves(workloads: &[Workload]) -> Result<(), Box<dyn Error>> {
    let directory = directory()?;
    for workload in workloads {
        let capacities = CURVE.map(|part| part_of(workload.unique(), part));
        let curve = |name, hit_ratio: &dyn Fn(usize) -> f64| Curve {
            name,
            points: capacities
                .iter()
                .map(|keys| (f64::from(*keys), hit_ratio(*keys as usize)))
                .collect(),
        };
        let total = workload.requests.len() as u64;
        let requests = &workload.requests;
        let mut curves = vec![
            curve("optimum", &|keys| percent(exact::belady(requests, keys), total)),
            curve("exact lru", &|keys| percent(exact::lru(requests, keys), total)),
        ];
        curves.extend(CONTENDERS.map(|contender| {
            let run = |keys| replay(workload, contender, Limit::of_keys(keys), 1, one).hit_ratio;
            curve(contender.name, &run)
        }));
        let file = directory.join(format!("{}.svg", workload.name.replace([',', ' '], "_")));
        plot::draw(&file, &workload.name, &curves)?;
        write_csv(&file.with_extension("csv"), &curves)?;
    }
    line(&format!("\ncurves and tables: {}", directory.canonicalize()?.display()))?;
    Ok(())
}

/// A part of a number of keys, at least 16.
fn part_of(unique: usize, part: f64) -> u32 {
    let unique = f64::from(u32::try_from(unique).unwrap_or(u32::MAX));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below 2^32")]
    let keys = (unique * part) as u32;
    keys.max(16)
}

fn write_csv(file: &std::path::Path, curves: &[Curve]) -> io::Result<()> {
    let mut csv = fs::File::create(file)?;
    let names: Vec<_> = curves.iter().map(|curve| curve.name).collect();
    writeln!(csv, "capacity,{}", names.join(","))?;
    for number in 0..CURVE.len() {
        let points = curves.iter().filter_map(|curve| curve.points.get(number));
        let ratios: Vec<_> = points.clone().map(|(_, ratio)| format!("{ratio:.3}")).collect();
        let keys = points.map(|(keys, _)| *keys).next().unwrap_or_default();
        writeln!(csv, "{keys},{}", ratios.join(","))?;
    }
    Ok(())
}
