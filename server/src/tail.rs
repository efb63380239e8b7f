//! `watchfire tail`: what the tail holds, recounted exactly, each hit once.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use history::{Counts, Recount, Totals};
use model::SiteId;
use store::History;

/// Batches read at once.
const PAGE_BATCHES: usize = 500;

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

pub async fn run(options: TailOptions) -> anyhow::Result<()> {
    anyhow::ensure!(options.data.is_dir(), "there is no data folder {}", options.data.display());
    let store = store::embedded::Embedded::open(&options.data)
        .with_context(|| format!("cannot read {}", options.data.display()))?;
    let counted = recount(store.history.as_ref(), options.site).await;
    store.close().await;
    let counted = counted?;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    if options.ids {
        for id in counted.ids() {
            writeln!(out, "{id}")?;
        }
    } else if options.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&counted.totals())?)?;
    } else {
        print(&mut out, options.site, &counted.totals())?;
    }
    Ok(out.flush()?)
}

/// The totals of one site's tail.
pub async fn totals(history: &dyn History, site: SiteId) -> anyhow::Result<Totals> {
    Ok(recount(history, site).await?.totals())
}

/// Every distinct hit of a site.
pub async fn recount(history: &dyn History, site: SiteId) -> anyhow::Result<Recount> {
    let mut recount = Recount::default();
    let mut after = None;
    loop {
        let page = history.tail_of(site, after, PAGE_BATCHES).await?;
        for batch in &page.batches {
            let tail = history::tail::decode(&batch.body)
                .with_context(|| format!("batch {} of the tail cannot be read", batch.id))?;
            recount.add(&tail.hits);
        }
        after = page.next;
        if after.is_none() {
            return Ok(recount);
        }
    }
}

/// A line a number: of all hits, and of people's.
pub fn print(out: &mut impl Write, site: SiteId, totals: &Totals) -> std::io::Result<()> {
    writeln!(out, "{site}            all      human")?;
    let mut row = |name: &str, of: fn(&Counts) -> u64| {
        writeln!(out, "{name:<12} {:>10} {:>10}", of(&totals.all), of(&totals.human))
    };
    row("hits", |counts| counts.hits)?;
    row("pageviews", |counts| counts.pageviews)?;
    row("visitors", |counts| counts.visitors)?;
    row("visits", |counts| counts.visits)?;
    row("bounces", |counts| counts.bounces)?;
    row("events", |counts| counts.events)?;
    writeln!(out, "\n{} deliveries of a hit that was there already", totals.duplicates)
}
