//! Latencies of single operations: tables, CSV, and pictures that show a pause.
//!
//! `cargo bench -p memory-cache-pool-benches --bench latency -- [SCENARIO...] [--quick] [--large]
//! [--contenders NAME,NAME...] [--out DIRECTORY]`
//!
//! Without `--bench`, which `cargo bench` adds and `cargo test` does not, it is as if `--quick` had
//! been given.

use memory_cache_pool_benches::latency::{
    case::{Case, Scenario, Settings},
    churn, growth, pinned, plot, report,
    scale::Scale,
    steady, storm,
    ticks::Rate,
};
use std::{
    env, fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    thread,
};

const USAGE: &str = "usage: latency [steady|growth|churn|pinned|ttl-storm]... [--quick] [--large] \
                     [--contenders NAME,NAME...] [--out DIRECTORY]";

/// What the command line asks for.
struct Options {
    scenarios: Vec<Scenario>,
    is_quick: bool,
    is_large: bool,
    contenders: Vec<String>,
    out: Option<PathBuf>,
}

impl Options {
    /// Reads the arguments; `None` when they make no sense.
    fn parse(mut arguments: impl Iterator<Item = String>) -> Option<Self> {
        let mut options = Self {
            scenarios: Vec::new(),
            is_quick: false,
            is_large: false,
            contenders: Vec::new(),
            out: None,
        };
        let mut is_bench = false;
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--bench" => is_bench = true,
                "--quick" | "--test" => options.is_quick = true,
                "--large" => options.is_large = true,
                "--contenders" => {
                    options.contenders = arguments.next()?.split(',').map(str::to_owned).collect();
                }
                "--out" => options.out = Some(arguments.next()?.into()),
                name => options.scenarios.push(Scenario::named(name)?),
            }
        }
        options.is_quick |= !is_bench;
        if options.scenarios.is_empty() {
            options.scenarios = Scenario::ALL.to_vec();
        }
        Some(options)
    }

    fn scale(&self) -> Scale {
        let scale = if self.is_quick { Scale::quick() } else { Scale::full() };
        if self.is_large { scale.large() } else { scale }
    }

    /// Where everything is written; a quick run does not take the place of a full one.
    fn out(&self) -> PathBuf {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap_or(Path::new("target"));
        let name = if self.is_quick { "latency-quick" } else { "latency" };
        self.out.clone().unwrap_or_else(|| target.join(name))
    }
}

fn run(scenario: Scenario, settings: &Settings) -> Vec<Case> {
    match scenario {
        Scenario::Steady => steady::run(settings),
        Scenario::Growth => growth::run(settings),
        Scenario::Churn => churn::run(settings),
        Scenario::Pinned => pinned::run(settings),
        Scenario::TtlStorm => storm::run(settings),
    }
}

/// Writes a case's pictures and the data behind them.
fn write_pictures(case: &Case, out: &Path) -> io::Result<()> {
    let file = |kind: &str| out.join(format!("{}-{kind}", case.slug));
    fs::write(file("timeline.csv"), report::timeline_csv(case))?;
    plot::distribution(case, &file("distribution.svg")).map_err(io::Error::other)?;
    plot::pauses(case, &file("pauses.svg")).map_err(io::Error::other)?;
    if let Some(csv) = report::memory_csv(case) {
        fs::write(file("memory.csv"), csv)?;
        let is_storm = case.scenario == Scenario::TtlStorm;
        let zero = if is_storm { "the last deadline" } else { "the start" };
        plot::memory(case, zero, &file("memory.svg")).map_err(io::Error::other)?;
    }
    Ok(())
}

fn measure(options: &Options) -> io::Result<()> {
    let (rate, out) = (Rate::calibrate(), options.out());
    let settings =
        Settings { rate, scale: options.scale(), contenders: options.contenders.clone() };
    fs::create_dir_all(&out)?;
    let mut console = io::stdout().lock();
    let processors = thread::available_parallelism().map_or(1, usize::from);
    writeln!(console, "{processors} processors, a tick is {} ps", rate.picos_per_tick())?;
    for &scenario in &options.scenarios {
        let (mut tables, mut csv) = (String::new(), report::latencies_head());
        for case in run(scenario, &settings) {
            let table = report::table(&case);
            writeln!(console, "\n{table}")?;
            tables.push_str(&table);
            tables.push('\n');
            csv.push_str(&report::latencies_csv(&case));
            write_pictures(&case, &out)?;
        }
        fs::write(out.join(format!("{scenario}.txt")), tables)?;
        fs::write(out.join(format!("{scenario}.csv")), csv)?;
    }
    writeln!(console, "\nwritten to {}", out.display())
}

fn main() -> ExitCode {
    let Some(options) = Options::parse(env::args().skip(1)) else {
        let _ = writeln!(io::stderr(), "{USAGE}");
        return ExitCode::FAILURE;
    };
    match measure(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "latency: {error}");
            ExitCode::FAILURE
        }
    }
}
