//! `watchfire export`: a site's history as files: Parquet as segments are, CSV, or JSON lines. `docs/export.md` says what is in them.

pub mod rooms;
pub mod row;
pub mod totals;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use bytes::Bytes;
use clap::{Args, ValueEnum};
use history::segment::{Head, Reader};
use jiff::civil::Date;
use model::{Millis, Site, SiteId};
use store::history::SegmentEntry;
use store::totals::{TOTALS_DAY_MAX, TotalsTable};
use store::{History, Store, StoreError};
use web::reports::number_of;

use crate::backends::StoreOptions;

/// How often a fold may come in between, one after the other, before the export gives up.
const ATTEMPTS: usize = 100;

/// What to do where the store cannot be opened, as a server holds it.
const REFUSED: &str = "with an embedded store stop the server first, or export a restored backup";

pub const ABOUT: &str = "\
Export a site's history: every hit, with what its visit says. With an embedded store stop the server first, or restore a backup \
and export that.

  watchfire export --site WF-8K2MZQ4T --format jsonl --out hits.jsonl
  watchfire export --site WF-8K2MZQ4T --format csv --from 2026-11-01 --to 2026-11-30 > november.csv
  watchfire export --site WF-8K2MZQ4T --format parquet --out history/

Days are the site's own; a visit stands with all its hits under the day it began. `watchfire import` reads the JSON lines back.";

#[derive(Args, Debug)]
pub struct ExportOptions {
    #[arg(long)]
    pub site: SiteId,

    /// First day, as 2026-11-01; without it, from the beginning
    #[arg(long, value_name = "DAY")]
    pub from: Option<Date>,

    /// Last day; without it, up to now
    #[arg(long, value_name = "DAY")]
    pub to: Option<Date>,

    #[arg(long, value_enum)]
    pub format: Format,

    /// File to write, which is not there yet; without it, stdout. Of Parquet the folder of a file a day
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A file a day (more of a very busy one), as `docs/segments.md` says
    Parquet,
    /// A line a hit; cells that a spreadsheet would take for formulas begin with an apostrophe
    Csv,
    /// A JSON object a line, a line a hit
    Jsonl,
}

pub async fn run(options: ExportOptions, store: StoreOptions) -> anyhow::Result<()> {
    crate::logs::init("warn", "text")?;
    let store = store.open(REFUSED).await?;
    let exported = export(&store, &options).await;
    store.close().await;
    let (days, rows) = exported?;
    eprintln!("{days} days, {rows} rows");
    Ok(())
}

/// Days and rows written.
pub async fn export(store: &Store, options: &ExportOptions) -> anyhow::Result<(u64, u64)> {
    let site = match store.sites.site(options.site).await {
        Err(StoreError::NotFound(_)) => bail!("there is no site {} in this store", options.site),
        found => found.context("cannot read the site")?,
    };
    fold_all(&store.into(), &site).await?;
    let mut out = Out::open(options)?;
    let (mut days, mut rows, mut behind) = (0, 0, None);
    while let Some(segments) = next_day(store.history.as_ref(), &site, &mut behind, options).await? {
        rows += out.day(segments)?;
        days += 1;
    }
    days += totals_lines(store, &site, options, &mut out).await?;
    out.finish()?;
    Ok((days, rows))
}

/// Days of which only totals are known have no rows: JSON lines take them as lines of their own. How many days those are.
async fn totals_lines(
    store: &Store,
    site: &Site,
    options: &ExportOptions,
    out: &mut Out,
) -> anyhow::Result<u64> {
    let number = |day: Option<Date>| day.and_then(number_of);
    let range = (number(options.from).unwrap_or(0), number(options.to).unwrap_or(TOTALS_DAY_MAX));
    let (mut days, mut left) = (0, 0);
    for table in TotalsTable::EVERY {
        let is_days = table == TotalsTable::All;
        let write = |line: String| match (&mut *out, options.format) {
            (Out::Lines { writer, .. }, Format::Jsonl) => {
                days += u64::from(is_days);
                Ok(writeln!(writer, "{line}")?)
            }
            _ => {
                left += u64::from(is_days);
                Ok(())
            }
        };
        totals::lines(store.totals.as_ref(), site.id, range, table, write).await?;
    }
    if left > 0 {
        eprintln!("{left} days of which only totals are known are not in it: they are in JSON lines");
    }
    Ok(days)
}

/// What waits in the tail becomes segments, as compaction does it; nothing leaves the tail for it.
async fn fold_all(stores: &archive::Stores, site: &Site) -> anyhow::Result<()> {
    for _ in 0..ATTEMPTS {
        let done = archive::fold(stores, site, Millis(0), Duration::ZERO).await?;
        if !done.is_more && !done.is_superseded {
            return Ok(());
        }
    }
    bail!("hits come in faster than they are folded: export once it is quieter")
}

/// The segments of the first day in the range behind a moment: one, but of a very busy day.
async fn next_day(
    history: &dyn History,
    site: &Site,
    behind: &mut Option<Millis>,
    options: &ExportOptions,
) -> anyhow::Result<Option<Vec<(Head, Bytes)>>> {
    for _ in 0..ATTEMPTS {
        let shelf = history.shelf(site.id).await?;
        let day = first_behind(&shelf.segments, *behind, options)?;
        let Some((first, _)) = day.first() else { return Ok(None) };
        let day_start = first.day_start;
        if let Some(segments) = bodies(history, site, day).await? {
            *behind = Some(day_start);
            return Ok(Some(segments));
        }
    }
    bail!("what the site keeps changed {ATTEMPTS} times while one day was read")
}

/// None where a fold took the place of one of them; the shelf names the new ones.
async fn bodies(
    history: &dyn History,
    site: &Site,
    day: Vec<(&SegmentEntry, Head)>,
) -> anyhow::Result<Option<Vec<(Head, Bytes)>>> {
    let mut segments = Vec::with_capacity(day.len());
    for (entry, head) in day {
        match history.read_segment(site.id, entry.id, 0, usize::try_from(entry.bytes)?).await {
            Ok(body) => segments.push((head, body)),
            Err(StoreError::NotFound(_)) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Some(segments))
}

/// Segments come in the order of their days; those of one day in the order of their visitors.
fn first_behind<'s>(
    segments: &'s [SegmentEntry],
    behind: Option<Millis>,
    options: &ExportOptions,
) -> anyhow::Result<Vec<(&'s SegmentEntry, Head)>> {
    let mut found: Vec<(&SegmentEntry, Head)> = Vec::new();
    for entry in segments.iter().filter(|entry| behind.is_none_or(|behind| entry.day_start > behind)) {
        if found.first().is_some_and(|(first, _)| first.day_start != entry.day_start) {
            break;
        }
        let head = Head::from_json(std::str::from_utf8(&entry.head).context("a segment's head is no text")?)?;
        let day: Date = head.day.parse().context("a segment names no day")?;
        if options.from.is_none_or(|from| day >= from) && options.to.is_none_or(|to| day <= to) {
            found.push((entry, head));
        }
    }
    found.sort_by_key(|(_, head)| head.visitors);
    Ok(found)
}

/// Where an export goes. A file has its name once it is whole.
enum Out {
    Folder(PathBuf),
    Lines { writer: Box<dyn Write + Send>, is_csv: bool, names: Option<(PathBuf, PathBuf)> },
}

impl Out {
    fn open(options: &ExportOptions) -> anyhow::Result<Out> {
        if options.format == Format::Parquet {
            let folder = options.out.clone().context("--out: name the folder of the Parquet files")?;
            std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
            return Ok(Out::Folder(folder));
        }
        let (mut writer, names): (Box<dyn Write + Send>, _) = match &options.out {
            None => (Box::new(BufWriter::new(std::io::stdout())), None),
            Some(path) => {
                ensure!(!path.exists(), "{} is there already", path.display());
                let unfinished = unfinished(path);
                let file = File::create(&unfinished)
                    .with_context(|| format!("cannot write {}", unfinished.display()))?;
                (Box::new(BufWriter::new(file)), Some((unfinished, path.clone())))
            }
        };
        let is_csv = options.format == Format::Csv;
        if is_csv {
            line(&mut writer, &row::columns())?;
        }
        Ok(Out::Lines { writer, is_csv, names })
    }

    /// How many rows it has.
    fn day(&mut self, segments: Vec<(Head, Bytes)>) -> anyhow::Result<u64> {
        let (mut rows, mut visits) = (0, 0);
        let is_whole = segments.len() == 1;
        for ((head, body), number) in segments.into_iter().zip(1..) {
            rows += u64::from(head.hits);
            match self {
                Out::Folder(folder) => {
                    let part = if is_whole { String::new() } else { format!("-{number}") };
                    let path = folder.join(format!("{}{part}.parquet", head.day));
                    let unfinished = unfinished(&path);
                    std::fs::write(&unfinished, &body)
                        .and_then(|()| std::fs::rename(&unfinished, &path))
                        .with_context(|| format!("cannot write {}", path.display()))?;
                }
                Out::Lines { writer, is_csv, .. } => {
                    let table = Reader::open(Arc::new(body))?.table()?;
                    for mut row in row::rows(&head.day, &table) {
                        row.visit_number += visits;
                        match is_csv {
                            true => line(writer, &row.cells())?,
                            false => writeln!(writer, "{}", row.json())?,
                        }
                    }
                    visits += table.visits.len();
                }
            }
        }
        Ok(rows)
    }

    fn finish(self) -> anyhow::Result<()> {
        let Out::Lines { mut writer, names, .. } = self else {
            return Ok(());
        };
        writer.flush().context("cannot write")?;
        drop(writer);
        if let Some((unfinished, path)) = names {
            std::fs::rename(&unfinished, &path).with_context(|| format!("cannot name {}", path.display()))?;
        }
        Ok(())
    }
}

fn unfinished(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{name}.unfinished"))
}

/// A line of CSV as RFC 4180 has it.
fn line(writer: &mut impl Write, cells: &[impl AsRef<str>]) -> std::io::Result<()> {
    for (index, cell) in cells.iter().enumerate() {
        let cell = harmless(cell.as_ref());
        let comma = if index == 0 { "" } else { "," };
        match cell.contains([',', '"', '\n', '\r']) {
            true => write!(writer, "{comma}\"{}\"", cell.replace('"', "\"\""))?,
            false => write!(writer, "{comma}{cell}")?,
        }
    }
    writer.write_all(b"\r\n")
}

/// What a spreadsheet would run as a formula begins with an apostrophe, which spreadsheets take as "this is text".
fn harmless(cell: &str) -> std::borrow::Cow<'_, str> {
    let first = cell.trim_start_matches(['\'', ' ']).chars().next();
    match first {
        Some('=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠') => {
            format!("'{cell}").into()
        }
        _ => cell.into(),
    }
}

#[cfg(test)]
mod tests;
