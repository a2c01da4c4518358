//! The command line.

use std::path::{Path, PathBuf};

/// What `--help` prints.
pub(crate) const USAGE: &str = "\
usage: trading [--data DIR] [--generated] [--json]

  --data DIR   replay the CSV files of this directory
  --generated  replay generated data, even if there are files
  --json       print one JSON object instead of tables
  --help       print this";

/// Where the market data comes from.
pub(crate) enum Source {
    /// CSV files.
    Directory(PathBuf),
    /// The generator.
    Generated,
}

/// The arguments, understood.
pub(crate) struct Arguments {
    pub(crate) source: Source,
    pub(crate) json: bool,
    pub(crate) help: bool,
}

impl Arguments {
    /// Reads the arguments.
    pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut parsed = Self { source: default_source(), json: false, help: false };
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--data" => {
                    let directory = arguments.next().ok_or("--data needs a directory")?;
                    parsed.source = Source::Directory(directory.into());
                }
                "--generated" => parsed.source = Source::Generated,
                "--json" => parsed.json = true,
                "--help" | "-h" => parsed.help = true,
                _ => return Err(format!("unknown argument {argument:?}; try --help")),
            }
        }
        Ok(parsed)
    }
}

/// Recorded data beside the checkout, if there is any.
fn default_source() -> Source {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/market");
    if directory.join("crypto_quotes.csv").is_file() {
        Source::Directory(directory)
    } else {
        Source::Generated
    }
}
