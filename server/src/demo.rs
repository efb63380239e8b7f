//! `watchfire demo`: believable visitors through the real door, from a printed seed.
//! Never writes to the store of a server it did not start.

mod own_server;
mod people;
mod shop;
mod visit;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::Args;
use fastrand::Rng;
use model::{Clock, SiteId, SystemClock};
use serde::Serialize;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::sender::Sender;
use crate::settings::Settings;
use crate::{logs, serve};
use people::People;
use visit::{DemoHit, Visit};

/// Requests under way at once.
const REQUESTS_MAX: usize = 64;
/// Visitors present at once, at most.
const VISITORS_MAX: u32 = 100_000;
/// The crowd is there after this long.
const FILL: Duration = Duration::from_secs(20);
/// How long the mean visit lasts, as the figures in `visit` make it.
const MEAN_STAY_SECONDS: f64 = 110.0;

const EXAMPLES: &str = "\
Examples:
  watchfire demo                            a server in ./data-demo with 300 visitors at once
  watchfire demo --visitors 5000 --seed 7   the same crowd each time
  watchfire demo --url http://localhost:8080 --site WF-8K2MZQ4T --token $TOKEN
                                            send to a server that runs already; the token must
                                            be one that may state senders";

#[derive(Args, Debug, Clone)]
#[command(after_help = EXAMPLES)]
pub struct DemoOptions {
    /// Server to send to, as http://HOST:PORT; without it one is started
    #[arg(long, requires = "site", requires = "token")]
    pub url: Option<String>,

    /// Site that receives the visitors
    #[arg(long)]
    pub site: Option<SiteId>,

    /// API token that may state senders
    #[arg(long, env = "WATCHFIRE_TOKEN", hide_env_values = true)]
    pub token: Option<String>,

    /// Hostname of the shop's pages; the site must list it
    #[arg(long, default_value = "shop.example")]
    pub hostname: String,

    /// Visitors present at once, about
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..=VISITORS_MAX as i64))]
    pub visitors: u32,

    /// The same seed makes the same visitors
    #[arg(long)]
    pub seed: Option<u64>,

    /// Stop after so many seconds
    #[arg(long)]
    pub seconds: Option<u64>,

    /// Data folder of the server that is started
    #[arg(long, default_value = "./data-demo")]
    pub data: PathBuf,

    /// Address and port of the server that is started
    #[arg(long, default_value = "0.0.0.0:8080")]
    pub listen: std::net::SocketAddr,
}

/// Runs until the given seconds are over, or a signal comes.
pub async fn run(options: DemoOptions) -> anyhow::Result<()> {
    let stop = CancellationToken::new();
    let on_signal = stop.clone();
    tokio::spawn(async move {
        serve::signal().await;
        on_signal.cancel();
    });
    if let (Some(url), Some(site), Some(token)) = (&options.url, options.site, &options.token) {
        logs::init("info", "text")?;
        let sender = Sender::new(url, Some(token.clone()))?;
        return drive(&options, sender, site, stop).await;
    }
    with_own_server(options, stop).await
}

async fn with_own_server(options: DemoOptions, stop: CancellationToken) -> anyhow::Result<()> {
    logs::init("warn,watchfire=info", "text")?;
    let settings = Settings::with_data(&options.data, options.listen);
    let server = serve::Server::start(&settings, Arc::new(SystemClock)).await?;
    let shop = own_server::prepare(&server.backends.store, &options.hostname).await;
    let shop = shop.with_context(|| format!("cannot prepare the shop in {}", options.data.display()))?;
    let url = format!("http://localhost:{}", server.address.port());
    println!("\n  The demo shop is at   {url}/sites/{}", shop.site);
    println!("  Sign in with          {}   password  {}\n", shop.email, shop.password);
    let sender = Sender::new(&format!("http://127.0.0.1:{}", server.address.port()), Some(shop.token))?;
    let driven = drive(&options, sender, shop.site, stop).await;
    server.stop().await?;
    driven
}

/// A visit and when it acts next, ordered by time.
struct Due {
    at: Instant,
    visit: Box<Visit>,
}

impl PartialEq for Due {
    fn eq(&self, other: &Due) -> bool {
        self.at == other.at
    }
}
impl Eq for Due {}
impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Due) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Due {
    fn cmp(&self, other: &Due) -> std::cmp::Ordering {
        self.at.cmp(&other.at)
    }
}

#[derive(Serialize)]
struct Request {
    site: SiteId,
    sent: i64,
    browser: model::BrowserId,
    screen: &'static str,
    hits: Vec<DemoHit>,
}

async fn drive(
    options: &DemoOptions,
    sender: Sender,
    site: SiteId,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let seed = options.seed.unwrap_or_else(|| fastrand::u64(..));
    println!("seed {seed}: about {} visitors at once; stop with Ctrl-C", options.visitors);
    let mut rng = Rng::with_seed(seed);
    let people = People::new(&mut rng);
    let began = Instant::now();
    let until = options.seconds.map(|seconds| began + Duration::from_secs(seconds));
    let mut crowd: BinaryHeap<Reverse<Due>> = BinaryHeap::new();
    let mut next_arrival = began;
    let permits = Arc::new(Semaphore::new(REQUESTS_MAX));
    let requests = TaskTracker::new();
    let mut failed = 0u32;
    let (failures, mut failures_seen) = tokio::sync::mpsc::channel::<anyhow::Error>(REQUESTS_MAX);
    loop {
        let next = crowd.peek().map_or(next_arrival, |Reverse(due)| due.at.min(next_arrival));
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep_until(next.into()) => {}
        }
        if until.is_some_and(|until| Instant::now() >= until) {
            break;
        }
        while let Ok(error) = failures_seen.try_recv() {
            failed += 1;
            if failed > 3 {
                bail!("the server does not take the visitors: {error:#}");
            }
            tracing::warn!("a request failed: {error:#}");
        }
        let visit = if next == next_arrival {
            next_arrival += until_next_arrival(&mut rng, options.visitors, began.elapsed());
            Box::new(Visit::arrive(&mut rng, &people, &options.hostname))
        } else {
            let Some(Reverse(due)) = crowd.pop() else { continue };
            due.visit
        };
        let mut visit = visit;
        let (hits, again) = visit.act(&mut rng, SystemClock.now());
        let request =
            Request { site, sent: SystemClock.now().0, browser: visit.browser, screen: visit.screen, hits };
        if let Some(wait) = again {
            crowd.push(Reverse(Due { at: next + wait, visit }));
        }
        if request.hits.is_empty() {
            continue;
        }
        let permit = permits.clone().acquire_owned().await?;
        let (sender, failures) = (sender.clone(), failures.clone());
        requests.spawn(async move {
            let _permit = permit;
            let problem = match sender.hits(&request).await {
                Ok(receipt) => match receipt.refused.first() {
                    Some(refused) => anyhow::anyhow!("refused: {} ({})", refused.message, refused.code),
                    None => return,
                },
                Err(error) => error,
            };
            let _ = failures.try_send(problem);
        });
    }
    requests.close();
    let _ = tokio::time::timeout(Duration::from_secs(5), requests.wait()).await;
    Ok(())
}

/// Arrivals are random (exponential waits) at the rate that keeps the crowd at its size; faster at first.
fn until_next_arrival(rng: &mut Rng, visitors: u32, elapsed: Duration) -> Duration {
    let steady = f64::from(visitors) / MEAN_STAY_SECONDS;
    let filling = 0.8 * f64::from(visitors) / FILL.as_secs_f64();
    let a_second = if elapsed < FILL { filling.max(steady) } else { steady };
    Duration::from_secs_f64(-(1.0 - rng.f64()).ln() / a_second)
}

#[cfg(test)]
mod tests {
    use model::Millis;

    use super::*;

    #[test]
    fn the_mean_visit_lasts_as_long_as_the_crowds_size_is_reckoned_by() {
        const VISITS: u32 = 20_000;
        let rng = &mut Rng::with_seed(20_261_121);
        let people = People::new(rng);
        let mut together = Duration::ZERO;
        for _ in 0..VISITS {
            let mut visit = Visit::arrive(rng, &people, "shop.example");
            while let (_, Some(wait)) = visit.act(rng, Millis(0)) {
                together += wait;
            }
        }
        let mean = together.as_secs_f64() / f64::from(VISITS);
        assert!((mean / MEAN_STAY_SECONDS - 1.0).abs() < 0.05, "{mean:.1} s");
    }
}
