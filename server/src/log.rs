//! Where events go: `logfile`, or standard error, down to `loglevel`.

use std::{fs::OpenOptions, io, sync::Mutex};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::{
    filter::dynamic_filter_fn,
    fmt::{layer, writer::BoxMakeWriter},
    layer::SubscriberExt,
    registry,
};

/// Writes events down from now on, those of the level that `level` says at their time.
pub(crate) fn begin(
    logfile: &str,
    level: impl Fn() -> LevelFilter + Send + Sync + 'static,
) -> io::Result<()> {
    let writer = if logfile.is_empty() {
        BoxMakeWriter::new(io::stderr)
    } else {
        let file = OpenOptions::new().create(true).append(true).open(logfile);
        let named = |error| io::Error::other(format!("logfile {logfile}: {error}"));
        BoxMakeWriter::new(Mutex::new(file.map_err(named)?))
    };
    let lines = layer().with_ansi(false).with_target(false).with_writer(writer);
    let filter = dynamic_filter_fn(move |event, _| *event.level() <= level());
    let subscriber = registry().with(lines).with(filter);
    tracing::subscriber::set_global_default(subscriber).map_err(io::Error::other)
}
