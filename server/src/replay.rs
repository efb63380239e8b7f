//! `watchfire replay`: a real access log through the real door, with its own addresses and agents.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::Args;
use flate2::read::MultiGzDecoder;
use model::{Clock, HitId, Millis, SiteId, SystemClock, limits};
use serde::Serialize;

use crate::access_log::Line;
use crate::sender::Sender;

/// Lines that fall due within this are sent together.
const GATHER: Duration = Duration::from_millis(50);
/// How often progress is told.
const PROGRESS_EVERY: Duration = Duration::from_secs(2);

const EXAMPLES: &str = "\
Only the owner of the installation can mint the token: Account → API tokens, with “read” and “state senders”.

Examples:
  watchfire replay access.log.gz --site WF-8K2MZQ4T --token $TOKEN --speed 600
  watchfire replay access.log --site WF-8K2MZQ4T --token $TOKEN --speed 0 --keep-times";

/// Sends an access log as hits.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct ReplayOptions {
    /// Access log in combined format; gzip is recognised
    pub file: PathBuf,

    /// Site that receives the hits
    #[arg(long)]
    pub site: SiteId,

    /// Server, as http://HOST:PORT
    #[arg(long, default_value = "http://localhost:8080")]
    pub url: String,

    /// API token that may read and state senders
    #[arg(long, env = "WATCHFIRE_TOKEN", hide_env_values = true)]
    pub token: String,

    /// Hostname of the pages; without it, the first one that the site lists
    #[arg(long)]
    pub hostname: Option<String>,

    /// Times as fast as it happened; 0: as fast as the server takes it
    #[arg(long, default_value_t = 1.0)]
    pub speed: f64,

    /// Keep the log's own times (history) instead of letting it happen now (live view)
    #[arg(long)]
    pub keep_times: bool,
}

#[derive(Serialize)]
struct Request<'a> {
    site: SiteId,
    sent: i64,
    hits: &'a [PageHit],
}

#[derive(Serialize, Debug, Clone)]
struct PageHit {
    id: HitId,
    kind: &'static str,
    at: i64,
    url: String,
    referrer: String,
    address: String,
    agent: String,
}

/// What was read and what became of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    pub lines: u64,
    pub unreadable: u64,
    pub pageviews: u64,
    pub accepted: u64,
    pub ignored: u64,
    pub refused: u64,
}

pub async fn run(options: ReplayOptions) -> anyhow::Result<()> {
    let outcome = replay(&options).await?;
    println!(
        "{} lines, {} unreadable; {} pageviews: {} accepted, {} ignored, {} refused",
        outcome.lines,
        outcome.unreadable,
        outcome.pageviews,
        outcome.accepted,
        outcome.ignored,
        outcome.refused
    );
    Ok(())
}

/// Replays the whole log; returns when the server has taken or refused every pageview.
pub async fn replay(options: &ReplayOptions) -> anyhow::Result<Outcome> {
    if !(options.speed >= 0.0 && options.speed.is_finite()) {
        bail!("--speed is a number of 0 or more");
    }
    let sender = Sender::new(&options.url, Some(options.token.clone()))?;
    let hostname = match &options.hostname {
        Some(hostname) => hostname.clone(),
        None => site_hostname(&sender, options.site).await?,
    };
    let mut pace = Pace::new(options.speed);
    let mut due: Vec<PageHit> = Vec::new();
    let mut outcome = Outcome::default();
    let mut told = Instant::now();
    for line in open(&options.file)?.split(b'\n') {
        let line = line.with_context(|| format!("cannot read {}", options.file.display()))?;
        outcome.lines += 1;
        let text = String::from_utf8_lossy(&line);
        let Some(line) = Line::parse(text.trim_end_matches('\r')) else {
            outcome.unreadable += 1;
            continue;
        };
        if !line.is_pageview() {
            continue;
        }
        outcome.pageviews += 1;
        let wait = pace.wait_for(line.at);
        if due.len() == limits::HITS_A_REQUEST_MAX || (wait > GATHER && !due.is_empty()) {
            send(&sender, options, &mut due, &mut outcome).await?;
        }
        tokio::time::sleep(pace.wait_for(line.at)).await;
        due.push(hit(line, &hostname, options.keep_times));
        if told.elapsed() > PROGRESS_EVERY {
            eprintln!("{} lines, {} pageviews accepted", outcome.lines, outcome.accepted);
            told = Instant::now();
        }
    }
    send(&sender, options, &mut due, &mut outcome).await?;
    Ok(outcome)
}

async fn send(
    sender: &Sender,
    options: &ReplayOptions,
    due: &mut Vec<PageHit>,
    outcome: &mut Outcome,
) -> anyhow::Result<()> {
    let mut left = due.as_slice();
    while !left.is_empty() {
        let (now, later) = left.split_at(fitting(left));
        let request = Request { site: options.site, sent: SystemClock.now().0, hits: now };
        let receipt = sender.hits(&request).await?;
        for refused in &receipt.refused {
            let url = now.get(refused.index).map_or("", |hit| hit.url.as_str());
            eprintln!("refused ({}): {} {url}", refused.code, refused.message);
        }
        outcome.accepted += receipt.accepted;
        outcome.ignored += receipt.ignored;
        outcome.refused += receipt.refused.len() as u64;
        left = later;
    }
    due.clear();
    Ok(())
}

/// How many of the hits fit one request; at least one.
fn fitting(hits: &[PageHit]) -> usize {
    let mut bytes = 100;
    let fits = hits.iter().take_while(|hit| {
        bytes += 2 * (hit.url.len() + hit.referrer.len() + hit.agent.len()) + 200;
        bytes <= limits::HITS_BODY_BYTES_MAX
    });
    fits.count().max(1)
}

fn hit(line: Line, hostname: &str, keep_times: bool) -> PageHit {
    let at = if keep_times { line.at } else { SystemClock.now() };
    let path = if line.target.starts_with('/') { line.target } else { format!("/{}", line.target) };
    PageHit {
        id: HitId((u128::from(fastrand::u64(..)) << 64) | u128::from(fastrand::u64(..))),
        kind: "pageview",
        at: at.0,
        url: format!("http://{hostname}{path}"),
        referrer: line.referrer,
        address: line.address,
        agent: line.agent,
    }
}

async fn site_hostname(sender: &Sender, site: SiteId) -> anyhow::Result<String> {
    let found = sender.get(&format!("/api/watchfire/sites/{site}")).await;
    let found = found.context("cannot ask the server for the site's hostnames; give --hostname")?;
    let listed = found["hostnames"].as_array().into_iter().flatten().filter_map(|name| name.as_str());
    let plain = listed.into_iter().find(|name| !name.contains('*'));
    Ok(plain.unwrap_or("replay.invalid").to_owned())
}

fn open(file: &PathBuf) -> anyhow::Result<Box<dyn BufRead + Send>> {
    let mut reader =
        BufReader::new(File::open(file).with_context(|| format!("cannot open {}", file.display()))?);
    let is_gzip = reader.fill_buf()?.starts_with(&[0x1f, 0x8b]);
    let plain: Box<dyn Read + Send> =
        if is_gzip { Box::new(MultiGzDecoder::new(reader)) } else { Box::new(reader) };
    Ok(Box::new(BufReader::new(plain)))
}

/// When a moment of the log falls due, on a clock that runs `speed` times as fast.
struct Pace {
    speed: f64,
    began: Instant,
    first: Option<Millis>,
}

impl Pace {
    fn new(speed: f64) -> Pace {
        Pace { speed, began: Instant::now(), first: None }
    }

    fn wait_for(&mut self, at: Millis) -> Duration {
        if self.speed == 0.0 {
            return Duration::ZERO;
        }
        let first = *self.first.get_or_insert(at);
        let due = at.since(first).div_f64(self.speed);
        due.saturating_sub(self.began.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_never_outgrows_the_body_limit() {
        let big = PageHit {
            id: HitId(1),
            kind: "pageview",
            at: 0,
            url: "\\".repeat(2_000),
            referrer: "\\".repeat(2_000),
            address: String::new(),
            agent: "\\".repeat(500),
        };
        let hits = vec![big; 100];
        let count = fitting(&hits);
        let body = Request { site: SiteId::of(1), sent: 0, hits: &hits[..count] };
        let bytes = serde_json::to_vec(&body).unwrap().len();
        assert!(count > 1 && bytes <= limits::HITS_BODY_BYTES_MAX, "{count} hits, {bytes} bytes");
    }

    #[test]
    fn pace_divides_the_logs_time_by_the_speed() {
        let mut pace = Pace::new(600.0);
        assert_eq!(pace.wait_for(Millis(0)), Duration::ZERO);
        let wait = pace.wait_for(Millis(600_000));
        assert!(wait <= Duration::from_secs(1) && wait > Duration::from_millis(900), "{wait:?}");
        assert_eq!(Pace::new(0.0).wait_for(Millis(600_000)), Duration::ZERO);
    }
}
