//! Logging: text for people, JSON for machines, to standard error.

use std::io::{IsTerminal, stderr};

use anyhow::Context;
use observe::trace::TARGET;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt};

use crate::traces::Spans;

/// What this library calls an error is a lost connection, of which the bus tells itself. A filter that names it wins.
const QUIET: &str = "lapin=off,";

/// Sets up logging for the whole process. `format`: `text` or `json`.
pub fn init(filter: &str, format: &str) -> anyhow::Result<()> {
    init_with(filter, format, None)
}

/// As `init`, with who hears spans.
pub fn init_with(filter: &str, format: &str, spans: Option<Spans>) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(format!("{QUIET}{filter}"))
        .with_context(|| format!("`{filter}` is no log filter"))?;
    let colours = stderr().is_terminal();
    let logs = fmt::layer().with_writer(stderr).with_ansi(colours);
    let logs = match format {
        "json" => logs.json().with_filter(filter).boxed(),
        _ => logs.with_target(false).with_filter(filter).boxed(),
    };
    let spans = spans.map(|spans| spans.with_filter(filter_fn(|event| event.target() == TARGET)));
    let set = tracing_subscriber::registry().with(logs).with(spans).try_init();
    set.map_err(|error| anyhow::anyhow!("logging cannot be set up: {error}"))
}
