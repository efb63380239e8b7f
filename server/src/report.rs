//! `watchfire report`: a question to a site's history, printed as a table, CSV or JSON.

mod filter;
mod printed;

use std::io::Write;

use anyhow::{Context, bail};
use archive::{Archive, Limits};
use clap::{Args, ValueEnum};
use model::{Clock, SiteId, SystemClock};
use serde_json::{Value, json};
use web::reports::{Moment, Question, Table, Told, ask};

use crate::backends;
use crate::sender::Sender;

pub const ABOUT: &str = "\
Ask a site's history.

  watchfire report --site WF-8K2MZQ4T --token $TOKEN
  watchfire report --site WF-8K2MZQ4T --token $TOKEN --range 7d --by page --metrics visitors,bounce-rate
  watchfire report --site WF-8K2MZQ4T --token $TOKEN --from 2026-11-01 --to 2026-11-21 --bucket day --format csv
  watchfire report --site WF-8K2MZQ4T --token $TOKEN --by source --filter 'page starts /blog' --filter 'country is FR'
  watchfire report --site WF-8K2MZQ4T --store embedded:./data --range all

Asks the running server, with a token that may read; or with --store the store itself (a folder only while no server runs on it, \
MongoDB at any time).

Metrics: visitors, visits, pageviews, events, views-a-visit, bounce-rate, visit-duration, engaged-time, scroll-depth, revenue; with \
--goal also converted, conversions, conversion-rate, goal-revenue. Dimensions: page, entry-page, exit-page, title, hostname, \
channel, source, referrer, utm_source (and the other four), country, region, city, browser, os, device, screen, language, event, \
prop:NAME, hour, weekday, new-or-returning. A filter is DIMENSION [not] is|contains|starts|matches VALUE, or JSON.";

#[derive(Args, Debug)]
pub struct ReportOptions {
    /// The site
    #[arg(long)]
    site: SiteId,

    /// today, yesterday, 7d, 28d, 30d, 90d, this-month, last-month, this-year, 12mo, all
    #[arg(long, value_name = "PRESET", default_value = "28d", conflicts_with_all = ["from", "to"])]
    range: String,

    /// First day, as 2026-11-01, in the site's time zone
    #[arg(long, value_name = "DAY", requires = "to")]
    from: Option<String>,

    /// Last day, which counts
    #[arg(long, value_name = "DAY", requires = "from")]
    to: Option<String>,

    /// Break down by one dimension or two
    #[arg(long, value_name = "DIMENSION", value_delimiter = ',')]
    by: Vec<String>,

    /// Which numbers; the first orders the rows
    #[arg(long, value_name = "METRIC", value_delimiter = ',', default_value = "visitors,visits,pageviews")]
    metrics: Vec<String>,

    /// A line each minute, hour, day, week, month, quarter or year
    #[arg(long, value_name = "UNIT")]
    bucket: Option<String>,

    /// Beside an earlier range: previous, weekdays, year
    #[arg(long, value_name = "RANGE")]
    compare: Option<String>,

    /// What counts, as 'page is /a'; several: all of them
    #[arg(long, value_name = "FILTER")]
    filter: Vec<String>,

    /// What is a conversion, written as a filter
    #[arg(long, value_name = "FILTER")]
    goal: Option<String>,

    /// Bots' hits: without, with, only
    #[arg(long, value_name = "WHICH", default_value = "without")]
    bots: String,

    /// Rows at most
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,

    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,

    /// Server, as http://HOST:PORT
    #[arg(long, default_value = "http://localhost:8080")]
    url: String,

    /// API token that may read
    #[arg(long, env = "WATCHFIRE_TOKEN", hide_env_values = true)]
    token: Option<String>,

    /// Open this store in place of asking a server: embedded:FOLDER, mongodb://…, or file:PATH of a file that holds it
    #[arg(long, value_name = "URI")]
    store: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Table,
    Csv,
    Json,
}

pub async fn run(options: ReportOptions) -> anyhow::Result<()> {
    let question = question(&options)?;
    let told = match &options.store {
        Some(store) => of_store(store, options.site, question).await?,
        None => of_server(&options, &question).await?,
    };
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    match options.format {
        Format::Json => writeln!(out, "{}", serde_json::to_string_pretty(&told)?)?,
        Format::Csv => out.write_all(Table::of(&told.answer).csv().as_bytes())?,
        Format::Table => printed::print(&mut out, &told)?,
    }
    Ok(out.flush()?)
}

/// As the API has it.
fn question(options: &ReportOptions) -> anyhow::Result<Value> {
    let range = match (&options.from, &options.to) {
        (Some(from), Some(to)) => json!({"from": from, "to": to}),
        _ => json!(options.range),
    };
    let filters: Vec<Value> =
        options.filter.iter().map(|text| filter::read(text)).collect::<anyhow::Result<_>>()?;
    let filter = (!filters.is_empty()).then(|| json!({"and": filters}));
    Ok(json!({
        "kind": "breakdown",
        "range": range,
        "by": options.by,
        "metrics": options.metrics,
        "bucket": options.bucket,
        "compare": options.compare,
        "filter": filter,
        "goal": options.goal.as_deref().map(filter::read).transpose()?,
        "bots": options.bots,
        "limit": options.limit,
    }))
}

async fn of_server(options: &ReportOptions, question: &Value) -> anyhow::Result<Told> {
    if options.token.is_none() {
        bail!("give --token (Account → API tokens), or --store to open the store itself");
    }
    let sender = Sender::new(&options.url, options.token.clone())?;
    let answer = sender.ask(&format!("/api/watchfire/sites/{}/reports", options.site), question).await?;
    serde_json::from_value(answer).context("the server's answer is of another version")
}

async fn of_store(uri: &str, site: SiteId, question: Value) -> anyhow::Result<Told> {
    let store = backends::store_alone(uri).await?;
    let told = async {
        let site = store.sites.site(site).await.with_context(|| format!("--site {site}"))?;
        let question = Question::read(question).map_err(|refusal| anyhow::anyhow!(refusal.message))?;
        let archive = Archive::new(&store, Limits::default());
        let now = SystemClock.now();
        let moment = Moment { now, within: None };
        let answers = ask(&archive, store.totals.as_ref(), &site, vec![Ok(question)], moment).await;
        let answer = answers.and_then(|mut answers| answers.remove(0));
        let answer = answer.map_err(|refusal| anyhow::anyhow!(refusal.message))?;
        anyhow::Ok(Told { at: now.0, time_zone: site.time_zone, answer })
    };
    let told = told.await;
    store.close().await;
    told
}
