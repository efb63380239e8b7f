//! `watchfire tail`: what the tail holds, recounted exactly, each hit once.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use model::SiteId;
use store::History;

/// Batches read at once.
const PAGE: usize = 500;

#[derive(Args, Debug)]
pub struct TailOptions {
    /// Folder that holds everything
    #[arg(long, env = "WATCHFIRE_DATA", value_name = "FOLDER", default_value = "./data")]
    pub data: PathBuf,

    /// The site to count
    #[arg(long)]
    pub site: SiteId,

    /// Print JSON
    #[arg(long)]
    pub json: bool,

    /// Print the id of every hit instead, one a line, each once
    #[arg(long, conflicts_with = "json")]
    pub ids: bool,
}
