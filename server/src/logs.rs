//! Logging: text for people, JSON for machines, to standard error.

use std::io::{IsTerminal, stderr};

use anyhow::Context;
use tracing_subscriber::EnvFilter;

/// What this library calls an error is a lost connection, of which the bus tells itself. A filter that names it wins.
const QUIET: &str = "lapin=off,";

/// Sets up logging for the whole process. `format`: `text` or `json`.
pub fn init(filter: &str, format: &str) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(format!("{QUIET}{filter}"))
        .with_context(|| format!("`{filter}` is no log filter"))?;
    let colours = stderr().is_terminal();
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr).with_ansi(colours);
    let set = match format {
        "json" => logs.json().try_init(),
        _ => logs.with_target(false).try_init(),
    };
    set.map_err(|error| anyhow::anyhow!("logging cannot be set up: {error}"))
}
