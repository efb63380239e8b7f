//! The processor: takes hits from the bus, enriches them, appends them to history, and decides who is present.
//! Never answers a request, and never acknowledges what history does not have.

mod compaction;
pub mod consume;
pub mod options;
mod pages;
mod patience;
mod peaks;
pub mod pipeline;
pub mod presence;
mod recent;
mod recover;
mod referrers;
mod remembered;
mod seen;
mod sharing;
mod sources;
pub mod steps;
mod strings;
pub mod tally;
mod unsaid;
mod visits;
pub mod work;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use bus::Bus;
use live::Live;
use model::Clock;
use parking_lot::Mutex;
use store::{DayTotals, History, Pages, Saved, Sites};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use compaction::Compaction;
use consume::Shard;
pub use options::Options;
use pipeline::Known;
use sharing::Sharing;

/// How far back peaks are shown.
const PEAKS_SHOWN: Duration = Duration::from_secs(7 * 86_400);

/// The seams, and the time.
#[derive(Clone)]
pub struct Deps {
    pub bus: Arc<dyn Bus>,
    pub history: Arc<dyn History>,
    /// What was corrected of it.
    pub saved: Arc<dyn Saved>,
    /// To learn whether a site is still there, and where its days begin.
    pub sites: Arc<dyn Sites>,
    /// To let days go that a site no longer keeps.
    pub totals: Arc<dyn DayTotals>,
    pub pages: Arc<dyn Pages>,
    pub live: Arc<dyn Live>,
    pub clock: Arc<dyn Clock>,
}

/// Takes up every shard that is free and this process's to hold (see `sharing`). When this returns, live shows who is present. The work ends after `shutdown`, having
/// processed what waits on the bus for at most `Options::drain_max`.
pub async fn start(
    options: Options,
    deps: Deps,
    shutdown: CancellationToken,
) -> anyhow::Result<JoinHandle<anyhow::Result<()>>> {
    describe_metrics();
    let peaks =
        deps.history.peaks_since(deps.clock.now().minus(PEAKS_SHOWN)).await.context("reading peaks")?;
    deps.live.restore_peaks(&peaks).await?;
    let known = Arc::new(Mutex::new(Known::default()));
    let (sharing, share) = Sharing::new(deps.live.clone(), deps.bus.shards());
    let (stop, over) = (shutdown.child_token(), CancellationToken::new());
    let (mut shards, mut ready) = (JoinSet::new(), Vec::new());
    for number in 0..deps.bus.shards() {
        let (tell, told) = oneshot::channel();
        ready.push(told);
        let (options, deps, known) = (options.clone(), deps.clone(), known.clone());
        let (shutdown, over, share) = (stop.clone(), over.clone(), share.clone());
        let shard = Shard { number, options, deps, known, share, shutdown, over };
        shards.spawn(shard.run(tell));
    }
    let compaction = Compaction {
        stores: archive::Stores { history: deps.history, saved: deps.saved },
        sites: deps.sites,
        totals: deps.totals,
        pages: deps.pages,
        clock: deps.clock,
        options: options.clone(),
        shards: deps.bus.shards().max(1),
        share,
    };
    let folding = stop.clone();
    shards.spawn(async move {
        compaction.run(folding).await;
        Ok(())
    });
    let announcing = stop.clone();
    shards.spawn(async move {
        sharing.run(announcing).await;
        Ok(())
    });
    for told in ready {
        // An error means that the shard ended: joining the work tells why.
        let _ = told.await;
    }
    Ok(tokio::spawn(join(shards, stop, over, options.drain_max)))
}

/// As `start`, until the end.
pub async fn run(options: Options, deps: Deps, shutdown: CancellationToken) -> anyhow::Result<()> {
    start(options, deps, shutdown).await?.await.context("the processor panicked")?
}

/// Waits for every shard; where one fails the others are ended too.
async fn join(
    mut shards: JoinSet<anyhow::Result<()>>,
    stop: CancellationToken,
    over: CancellationToken,
    drain_max: Duration,
) -> anyhow::Result<()> {
    let end_of_drain = async {
        stop.cancelled().await;
        tokio::time::sleep(drain_max).await;
        over.cancel();
        std::future::pending::<Infallible>().await
    };
    let all_ended = async {
        let mut first_problem = Ok(());
        while let Some(ended) = shards.join_next().await {
            let ended = ended.context("a shard panicked").and_then(|ended| ended);
            if ended.is_err() {
                stop.cancel();
                first_problem = first_problem.and(ended);
            }
        }
        first_problem
    };
    tokio::select! {
        ended = all_ended => ended,
        never = end_of_drain => match never {},
    }
}

fn describe_metrics() {
    use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
    describe_counter!("watchfire_processed_hits_total", "Hits worked on, by kind");
    describe_counter!("watchfire_drops_total", "Hits dropped, by reason");
    describe_gauge!("watchfire_present_visitors", "Visitors present now, by shard");
    describe_counter!(
        "watchfire_presence_full_total",
        "Arrivals that only history counts: too many are present"
    );
    describe_gauge!("watchfire_processor_shards", "Shards that this process works on");
    describe_histogram!(
        "watchfire_processor_delay_seconds",
        Unit::Seconds,
        "From a hit's receipt to its commit"
    );
    describe_histogram!(
        "watchfire_processor_flush_seconds",
        Unit::Seconds,
        "Appending to history and committing to live"
    );
    describe_histogram!(
        "watchfire_processor_takeover_seconds",
        Unit::Seconds,
        "From a shard being given to its presence being loaded"
    );
    describe_histogram!(
        "watchfire_processor_fold_seconds",
        Unit::Seconds,
        "One fold of a site's tail into segments"
    );
    describe_counter!("watchfire_processor_folds_failed_total", "Folds that failed; they are tried again");
}
