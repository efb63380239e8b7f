//! `watchfire import`: what was counted before Watchfire, into a site's history.

mod batches;
mod files;
mod goatcounter;
mod logs;
mod ordinals;
mod plausible;
pub mod rooms;
mod told;

use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use clap::{Args, ValueEnum};
use collector::geo::Places;
use collector::ignored::Ignored;
use history::zone::Zone;
use history::{EnrichedHit, Recount};
use model::{Clock, Site, SiteId, SystemClock};
use store::{DayTotals, Store, StoreError};

use crate::access_log::Format as LogFormat;
use crate::backends::StoreOptions;
use crate::export::{row, totals};
use crate::tail;
use batches::Batches;
use files::{BytesRead, Found, Lines};
use logs::{LogFile, Read, Rules};
use told::Told;

/// Lines at the begin of a file within which its format must show.
const FORMAT_LINES_MAX: usize = 100;
/// Hits that are recounted for the summary; of more only the number is told.
const RECOUNTED_MAX: u64 = 2_000_000;

/// What to do where the store cannot be opened, as a server holds it.
const REFUSED: &str = "an import writes to the store itself: with an embedded one stop the server first";

pub const ABOUT: &str = "\
Import access logs, GoatCounter's or Plausible's export, or Watchfire's own JSON lines into a site's history. They go straight to the store: with an embedded one stop the server first.

  watchfire import --site WF-8K2MZQ4T access.log access.log.*.gz
  watchfire import --site WF-8K2MZQ4T --store file:/run/secrets/store --format caddy access.json.zst
  watchfire import --site WF-8K2MZQ4T goatcounter-export.csv.gz
  watchfire import --site WF-8K2MZQ4T imported_*.csv

A request counts as a pageview where it is a GET that was answered 200 or 304 and asks for no static file. Bots are judged as \
everywhere. Addresses are hashed in memory with a salt of the site's imports, which is destroyed 30 days after the last one.

Plausible's days hold only totals (unzip its export first): reports count such a day by them where no hit of it is kept, and say so; imported_visitors_*.csv must be among \
the files. Its last day was still going on: where hits of it are there too, they count alone.

The same lines import once, however often: run it again after a crash, or when the log has grown.";

#[derive(Args, Debug)]
pub struct ImportOptions {
    /// Files to import, .gz and .zst too
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// Site that they become the history of
    #[arg(long)]
    pub site: SiteId,

    /// How the files are written
    #[arg(long, value_enum, default_value_t = Format::Auto)]
    pub format: Format,

    /// Hostname of the pages where a line does not say it; without it, the first one that the site lists
    #[arg(long)]
    pub hostname: Option<String>,

    /// MaxMind-format file for places; without it countries come from the built-in table
    #[arg(long, env = "WATCHFIRE_GEOIP", value_name = "FILE")]
    pub geoip: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Told from each file's first lines
    Auto,
    /// Access log, combined format
    Combined,
    /// Access log, common format: no referrer, no agent, so nearly everything counts as a bot's
    Common,
    /// Access log, a JSON object a line, keys named as nginx' variables
    NginxJson,
    /// Access log of Caddy
    Caddy,
    /// GoatCounter's CSV export
    Goatcounter,
    /// A table of Plausible's CSV export
    Plausible,
    /// The JSON lines of `watchfire export`
    Watchfire,
}

/// What a file turned out to be.
enum Kind {
    Log(LogFormat),
    GoatCounter,
    Plausible,
    Own,
}

/// What was read and what became of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    pub lines: u64,
    /// In no known form, longer than a line may be, or of a moment that lies ahead.
    pub unreadable: u64,
    /// Requests that showed no page.
    pub no_page: u64,
    /// As the site wishes.
    pub ignored: u64,
    /// Of a hostname that the site does not list.
    pub elsewhere: u64,
    pub hits: u64,
    /// Days of which only totals are known, of each table.
    pub days: u64,
}

pub async fn run(options: ImportOptions, store: StoreOptions) -> anyhow::Result<()> {
    crate::logs::init("warn", "text")?;
    for file in &options.files {
        ensure!(file.exists(), "there is no file {}", file.display());
    }
    let store = store.open(REFUSED).await?;
    let imported = import(&store, &options).await;
    store.close().await;
    let (outcome, recount) = imported?;
    let mut out = std::io::stdout().lock();
    let Outcome { lines, unreadable, no_page, ignored, elsewhere, hits, days } = outcome;
    if days > 0 {
        writeln!(out, "Daily totals: {days} days, counted a table")?;
    }
    writeln!(
        out,
        "{lines} lines: {hits} hits, {no_page} that showed no page, {ignored} ignored as the site wishes, \
         {elsewhere} of other hostnames, {unreadable} unreadable\n"
    )?;
    match recount {
        _ if hits == 0 && days > 0 => {}
        Some(recount) => tail::print(&mut out, options.site, &recount.totals())?,
        None => writeln!(out, "More than {RECOUNTED_MAX} hits: ask for a report of the site.")?,
    }
    writeln!(out, "\nWhat was imported before counts once.")?;
    Ok(())
}

/// Imports all files, one after the other. The exact recount of what they hold, where that is not too much.
pub async fn import(store: &Store, options: &ImportOptions) -> anyhow::Result<(Outcome, Option<Recount>)> {
    let site = match store.sites.site(options.site).await {
        Err(StoreError::NotFound(_)) => bail!("there is no site {} in this store", options.site),
        found => found.context("cannot read the site")?,
    };
    let now = SystemClock.now();
    let rules = Rules {
        hostname: hostname(&site, options)?,
        salt: logs::salt(store.salts.as_ref(), site.id, now).await?,
        places: Places::open(options.geoip.as_deref())?,
        ignored: Ignored::of(&site),
        site,
        now,
    };
    let read = BytesRead::default();
    let sizes = options.files.iter().map(|file| std::fs::metadata(file).map(|file| file.len()));
    let mut import = Import {
        rules: &rules,
        told: Told::new(sizes.sum::<std::io::Result<u64>>()?, read.clone()),
        read,
        totals: store.totals.as_ref(),
        batches: Batches::new(store.history.as_ref(), options.site),
        outcome: Outcome::default(),
        recount: Some(Recount::default()),
    };
    for file in &options.files {
        let imported = import.file(file, options.format).await;
        import.told.end();
        imported.with_context(|| format!("cannot import {}", file.display()))?;
    }
    Ok((import.outcome, import.recount))
}

/// Pages need a hostname; a wildcard is none.
fn hostname(site: &Site, options: &ImportOptions) -> anyhow::Result<String> {
    if let Some(hostname) = &options.hostname {
        return Ok(hostname.to_ascii_lowercase());
    }
    let plain = site.hostnames.iter().find(|name| !name.contains('*'));
    plain.cloned().context("the site lists no plain hostname: say with --hostname which one the pages are on")
}

struct Import<'s> {
    rules: &'s Rules,
    told: Told,
    read: BytesRead,
    totals: &'s dyn DayTotals,
    batches: Batches<'s>,
    outcome: Outcome,
    recount: Option<Recount>,
}

impl Import<'_> {
    async fn file(&mut self, path: &Path, format: Format) -> anyhow::Result<()> {
        let kind = match format {
            Format::Auto => kind_of(path)?,
            Format::Combined => Kind::Log(LogFormat::Combined),
            Format::Common => Kind::Log(LogFormat::Common),
            Format::NginxJson => Kind::Log(LogFormat::NginxJson),
            Format::Caddy => Kind::Log(LogFormat::Caddy),
            Format::Goatcounter => Kind::GoatCounter,
            Format::Plausible => Kind::Plausible,
            Format::Watchfire => Kind::Own,
        };
        let reader = files::open(path, &self.read)?;
        match kind {
            Kind::Log(format) => self.log(format, Lines::new(reader)).await?,
            Kind::GoatCounter => self.goatcounter(goatcounter::Export::open(self.rules, reader)?).await?,
            Kind::Plausible => self.plausible(reader).await?,
            Kind::Own => self.own(Lines::new(reader)).await?,
        }
        self.batches.end().await
    }

    async fn log(&mut self, format: LogFormat, mut lines: Lines<impl BufRead>) -> anyhow::Result<()> {
        let mut file = LogFile::new(self.rules);
        while let Some(found) = lines.next()? {
            self.outcome.lines += 1;
            let line = match found {
                Found::Line(line) => format.read(&line),
                Found::TooLong => None,
            };
            match line.map(|line| file.read(line)) {
                None | Some(Read::Misdated) => self.outcome.unreadable += 1,
                Some(Read::NoPage) => self.outcome.no_page += 1,
                Some(Read::Ignored) => self.outcome.ignored += 1,
                Some(Read::Elsewhere) => self.outcome.elsewhere += 1,
                Some(Read::Hit(hit)) => self.add(*hit).await?,
            }
            self.told.tell(self.outcome.lines, self.outcome.hits);
        }
        Ok(())
    }

    async fn goatcounter<R: std::io::Read>(
        &mut self,
        mut export: goatcounter::Export<'_, R>,
    ) -> anyhow::Result<()> {
        while let Some(row) = export.next()? {
            self.outcome.lines += 1;
            match row {
                Some(hit) => self.add(hit).await?,
                None => self.outcome.unreadable += 1,
            }
            self.told.tell(self.outcome.lines, self.outcome.hits);
        }
        Ok(())
    }

    async fn plausible(&mut self, reader: impl BufRead) -> anyhow::Result<()> {
        let zone = Zone::named(&self.rules.site.time_zone)?;
        let mut export = plausible::Export::open(reader, zone.at(self.rules.now).date())?;
        while let Some(line) = export.next()? {
            self.outcome.lines += 1;
            self.outcome.unreadable += u64::from(matches!(line, plausible::Line::Unreadable));
            self.told.tell(self.outcome.lines, self.outcome.hits);
        }
        self.outcome.days += export.put(self.totals, self.rules.site.id).await?;
        Ok(())
    }

    async fn own(&mut self, mut lines: Lines<impl BufRead>) -> anyhow::Result<()> {
        while let Some(found) = lines.next()? {
            self.outcome.lines += 1;
            if let Found::Line(line) = &found
                && let Some(total) = totals::totals_of(line)
            {
                self.totals.put(self.rules.site.id, vec![total]).await?;
                self.outcome.days += 1;
                continue;
            }
            let hits = match found {
                Found::Line(line) => row::hits_of(&line),
                Found::TooLong => None,
            };
            let now = self.rules.now;
            match hits.filter(|hits| hits.iter().all(|hit| hit.at.0 >= 0 && hit.at <= now)) {
                None => self.outcome.unreadable += 1,
                Some(hits) => {
                    for hit in hits {
                        self.add(hit).await?;
                    }
                }
            }
            self.told.tell(self.outcome.lines, self.outcome.hits);
        }
        Ok(())
    }

    async fn add(&mut self, hit: EnrichedHit) -> anyhow::Result<()> {
        self.count(&hit);
        self.batches.add(hit).await
    }

    fn count(&mut self, hit: &EnrichedHit) {
        self.outcome.hits += 1;
        if self.outcome.hits > RECOUNTED_MAX {
            self.recount = None;
        }
        if let Some(recount) = &mut self.recount {
            recount.add([hit]);
        }
    }
}

/// The format of the first line that is of any.
fn kind_of(path: &Path) -> anyhow::Result<Kind> {
    let mut lines = Lines::new(files::open(path, &BytesRead::default())?);
    for _ in 0..FORMAT_LINES_MAX {
        match lines.next()? {
            Some(Found::Line(line)) if goatcounter::begins(&line) => return Ok(Kind::GoatCounter),
            Some(Found::Line(line)) if plausible::begins(&line) => return Ok(Kind::Plausible),
            Some(Found::Line(line)) if totals::totals_of(&line).is_some() => return Ok(Kind::Own),
            Some(Found::Line(line)) if row::hits_of(&line).is_some() => return Ok(Kind::Own),
            Some(Found::Line(line)) => match LogFormat::of(&line) {
                Some(format) => return Ok(Kind::Log(format)),
                None => continue,
            },
            Some(Found::TooLong) => continue,
            None => break,
        }
    }
    bail!("none of its first {FORMAT_LINES_MAX} lines is of a known format: name it with --format")
}
