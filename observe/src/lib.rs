//! How the services are: each process reads its own metrics every few seconds, keeps the last hour of a few telling
//! numbers, and tells them to whoever draws the picture of all; and it pushes all metrics to Graphite or StatsD where
//! an operator runs those. And how a batch's way is told as a trace (`trace`). Nothing here is durable, and nothing of the pipeline waits for it.

pub mod board;
mod exposition;
mod hour;
pub mod process;
pub mod push;
mod teller;
pub mod trace;
pub mod vitals;

pub use board::{Board, Picture, Seen};
pub use exposition::Scrape;
pub use process::{Process, measure};
pub use teller::{Teller, tell};

use std::time::Duration;

/// How often a process reads its own metrics and tells them.
pub const TOLD_EVERY: Duration = Duration::from_secs(5);

/// The topic that processes tell each other on how they are.
pub const VITALS_TOPIC: &str = "vitals";
