//! Latencies of single operations: tables, CSV, and pictures that show a pause.
//!
//! `cargo bench -p memory-cache-pool-benches --bench latency -- [SCENARIO...] [--quick] [--large]
//! [--contenders NAME,NAME...] [--rounds N] [--out DIRECTORY]`
//!
//! Of several rounds, in which the contenders take turns, the middle one is told, and the longest own
//! time of the calmest. Without `--bench`, which `cargo bench` adds and `cargo test` does not, it is
//! as if `--quick` had been given.

use memory_cache_pool_benches::latency::{
    case::{Case, Run, Scenario, Settings},
    plot, report, roster, rounds,
    scale::Scale,
    scenario::KEEP_MEMORY,
    ticks::Rate,
    timeline::SLOT_NANOS,
    wire,
};
use std::{
    env, fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
    str::FromStr,
    thread,
    time::Duration,
};

const USAGE: &str = "usage: latency [steady|growth|churn|pinned|ttl-storm]... [--quick] [--large] \
                     [--contenders NAME,NAME...] [--rounds N] [--out DIRECTORY]";

/// What the command line asks for.
struct Options {
    scenarios: Vec<Scenario>,
    is_quick: bool,
    is_large: bool,
    contenders: Vec<String>,
    rounds: usize,
    out: Option<PathBuf>,
    /// Given to a process that measures one contender: which part of the scenario.
    part: Option<usize>,
    at_least: Duration,
}

impl Options {
    /// Reads the arguments; `None` when they make no sense.
    fn parse(mut arguments: impl Iterator<Item = String>) -> Option<Self> {
        let mut options = Self {
            scenarios: Vec::new(),
            is_quick: false,
            is_large: false,
            contenders: Vec::new(),
            rounds: 1,
            out: None,
            part: None,
            at_least: Duration::ZERO,
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
                "--rounds" => options.rounds = argument_of(&mut arguments)?,
                "--out" => options.out = Some(arguments.next()?.into()),
                "--part" => options.part = Some(argument_of(&mut arguments)?),
                "--at-least" => {
                    options.at_least = Duration::from_millis(argument_of(&mut arguments)?);
                }
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

    /// Whether a contender is to be measured.
    fn wants(&self, contender: &str) -> bool {
        self.contenders.is_empty() || self.contenders.iter().any(|name| name == contender)
    }
}

/// The number that follows an option.
fn argument_of<N: FromStr>(arguments: &mut impl Iterator<Item = String>) -> Option<N> {
    arguments.next()?.parse().ok()
}

/// In the process of one contender: measures it, and tells what came out.
fn measure_here(options: &Options, part: usize) -> io::Result<()> {
    let (Some(scenario), Some(contender)) = (options.scenarios.first(), options.contenders.first())
    else {
        return Err(io::Error::other(USAGE));
    };
    let settings =
        Settings { rate: Rate::calibrate(), scale: options.scale(), at_least: options.at_least };
    let runs = scenario.measure(&settings, part, contender)?;
    io::stdout().write_all(wire::encode(&runs).as_bytes())
}

/// Measures a contender in a process of its own.
fn measure_apart(
    options: &Options,
    scenario: Scenario,
    part: usize,
    contender: &str,
    at_least: Duration,
) -> io::Result<Vec<Run>> {
    let mut command = Command::new(env::current_exe()?);
    command
        .args(["--bench", scenario.name(), "--part", &part.to_string(), "--contenders", contender])
        .args(["--at-least", &at_least.as_millis().to_string()])
        .args(options.is_quick.then_some("--quick"))
        .args(options.is_large.then_some("--large"))
        .envs(KEEP_MEMORY)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit());
    let output = command.output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    wire::decode(&text, scenario.contenders())
        .filter(|runs| output.status.success() && !runs.is_empty())
        .ok_or_else(|| io::Error::other("left out"))
}

/// Measures all contenders that are wanted in one part, in rounds.
fn measure_part(options: &Options, scenario: Scenario, part: usize, cases: &mut [Case]) {
    let wanted: Vec<_> =
        scenario.contenders().iter().filter(|name| options.wants(name)).copied().collect();
    // By contender, then by round: a run for each case.
    let mut measured: Vec<Vec<Vec<Run>>> = vec![Vec::new(); wanted.len()];
    for _ in 0..options.rounds.max(1) {
        measure_round(options, scenario, part, &wanted, &mut measured);
    }
    for (index, case) in cases.iter_mut().enumerate() {
        for rounds in &measured {
            let runs: Vec<_> = rounds.iter().filter_map(|runs| runs.get(index).cloned()).collect();
            case.runs.extend(rounds::middle(&runs));
        }
    }
}

/// Measures each contender once.
fn measure_round(
    options: &Options,
    scenario: Scenario,
    part: usize,
    wanted: &[&str],
    measured: &mut [Vec<Vec<Run>>],
) {
    let mut longest = Duration::ZERO;
    for (&contender, measured) in wanted.iter().zip(measured) {
        let _ = writeln!(io::stderr(), "{scenario} {part}: {contender}");
        let is_floor = roster::FLOORS.contains(&contender);
        let at_least = if is_floor { longest } else { Duration::ZERO };
        match measure_apart(options, scenario, part, contender, at_least) {
            Ok(runs) => {
                if longest.is_zero() {
                    longest = growth_of(&runs, options.scale());
                }
                measured.push(runs);
            }
            Err(error) => drop(writeln!(io::stderr(), "{scenario} {part}: {contender}: {error}")),
        }
    }
}

/// How long a contender took before the last, timed part of its run.
fn growth_of(runs: &[Run], scale: Scale) -> Duration {
    let slots = runs.first().map_or(0, |run| run.measured.responses.slots().len());
    let all = Duration::from_nanos(SLOT_NANOS * slots as u64);
    all.saturating_sub(scale.length)
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
    let out = options.out();
    fs::create_dir_all(&out)?;
    let mut console = io::stdout().lock();
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let tick = Rate::calibrate().picos_per_tick();
    writeln!(console, "{processors} processors, a tick is {tick} ps")?;
    for &scenario in &options.scenarios {
        let (mut tables, mut csv) = (String::new(), report::latencies_head());
        for (part, mut cases) in scenario.parts().into_iter().enumerate() {
            measure_part(options, scenario, part, &mut cases);
            for case in cases.iter().filter(|case| !case.runs.is_empty()) {
                let table = report::table(case);
                writeln!(console, "\n{table}")?;
                tables.push_str(&table);
                tables.push('\n');
                csv.push_str(&report::latencies_csv(case));
                write_pictures(case, &out)?;
            }
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
    let done = match options.part {
        Some(part) => measure_here(&options, part),
        None => measure(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "latency: {error}");
            ExitCode::FAILURE
        }
    }
}
