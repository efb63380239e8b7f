//! The loop of one shard: from the bus through the steps into history, then live, then acknowledged.
//!
//! A flush is appended whole or tried again until it is; only shutdown gives it up, and then the bus still has
//! its messages. So nothing acknowledged is lost, and what presence and `Known` were told has happened.

use std::sync::Arc;

use bus::{ConsumeError, Consumer, Delivery, Position};
use hashbrown::HashMap;
use live::{LiveError, SITES_TOPIC, Subscription};
use metrics::{gauge, histogram};
use model::{BatchId, Millis, SiteId};
use observe::trace::{self, Stage};
use parking_lot::Mutex;
use store::StoreError;
use store::history::TailBatch;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::Deps;
use crate::options::Options;
use crate::patience::Patience;
use crate::peaks::Peaks;
use crate::pipeline::Known;
use crate::recover::recover;
use crate::sharing::Share;
use crate::unsaid::Unsaid;
use crate::work::{Prepared, Work};

/// How long the bus may be silent during the drain before it counts as empty.
const DRAIN_SILENCE: std::time::Duration = std::time::Duration::from_millis(50);

/// What the loop of a shard is given.
pub struct Shard {
    pub number: u16,
    pub options: Options,
    pub deps: Deps,
    pub known: Arc<Mutex<Known>>,
    /// Whether the shard is this process's to hold.
    pub share: watch::Receiver<Share>,
    /// Ends the loop: what waits on the bus is processed first.
    pub shutdown: CancellationToken,
    /// Ends every wait: the drain has taken long enough.
    pub over: CancellationToken,
}

/// Why a loop ended.
enum Ended {
    Drained,
    /// The bus took the shard away, or live knows of another processor that has it.
    Lost(anyhow::Error),
    /// Another processor is to have the shard.
    Released,
}

impl Shard {
    /// Consumes until shutdown. `ready` is told once presence is up to date, or another process has the shard.
    pub async fn run(self, ready: oneshot::Sender<()>) -> anyhow::Result<()> {
        let mut ready = Some(ready);
        while let Some(consumer) = self.take(&mut ready).await {
            let began = Instant::now();
            let Some(sites) = self.hear_of_sites().await else {
                return Ok(());
            };
            let Some(work) = self.recover().await else {
                return Ok(());
            };
            histogram!("watchfire_processor_takeover_seconds").record(began.elapsed());
            ready.take().map(|ready| ready.send(()));
            let present = gauge!("watchfire_present_visitors", "shard" => self.number.to_string());
            present.set(work.presence.present() as f64);
            let mut running = Running::new(&self, consumer, work, sites);
            gauge!("watchfire_processor_shards").increment(1);
            let ended = running.run().await;
            gauge!("watchfire_processor_shards").decrement(1);
            // Whoever has the shard next tells of its visitors.
            present.set(0.0);
            running.save_peaks().await;
            match ended? {
                Ended::Drained => return Ok(()),
                Ended::Lost(error) => {
                    tracing::warn!(shard = self.number, error = format!("{error:#}"), "taking up again")
                }
                Ended::Released => tracing::info!(shard = self.number, "released to another processor"),
            }
        }
        Ok(())
    }

    /// Waits to be the shard's consumer. None: shutdown came first.
    async fn take(&self, ready: &mut Option<oneshot::Sender<()>>) -> Option<Box<dyn Consumer>> {
        let mut patience = Patience::new(&self.options);
        let mut share = self.share.clone();
        loop {
            if !share.borrow_and_update().holds(self.number) {
                ready.take().map(|ready| ready.send(()));
                let told = self.shutdown.run_until_cancelled(share.changed()).await;
                told.and_then(Result::ok)?;
                continue;
            }
            let error = match self.deps.bus.consume(self.number).await {
                Ok(consumer) => return Some(consumer),
                Err(ConsumeError::Taken(_)) => {
                    // Who holds it is dead, gives it up before long, or knows better.
                    ready.take().map(|ready| ready.send(()));
                    let wait = tokio::time::sleep(self.options.taken_wait);
                    self.shutdown.run_until_cancelled(wait).await?;
                    continue;
                }
                Err(error) => error,
            };
            if !patience.wait(self.number, "the shard cannot be consumed", error, &self.shutdown).await {
                return None;
            }
        }
    }

    /// Waits until changes of sites are heard. None: shutdown came first.
    async fn hear_of_sites(&self) -> Option<Subscription> {
        let mut patience = Patience::new(&self.options);
        loop {
            let error = match self.deps.live.subscribe(SITES_TOPIC).await {
                Ok(sites) => return Some(sites),
                Err(error) => error,
            };
            let what = "changes of sites cannot be heard";
            if !patience.wait(self.number, what, error, &self.shutdown).await {
                return None;
            }
        }
    }

    async fn recover(&self) -> Option<Work> {
        let mut patience = Patience::new(&self.options);
        loop {
            let Deps { history, live, clock, .. } = &self.deps;
            match recover(self.number, self.deps.bus.shards(), clock.now(), &self.known, &**history, &**live)
                .await
            {
                Ok(work) => return Some(work),
                Err(error) => {
                    let error = format!("{error:#}");
                    if !patience
                        .wait(self.number, "presence cannot be recovered", error, &self.shutdown)
                        .await
                    {
                        return None;
                    }
                }
            }
        }
    }

    /// Appends all of it, however often that takes. An error: time was up first.
    async fn append(&self, batches: &[TailBatch]) -> anyhow::Result<()> {
        if batches.is_empty() {
            return Ok(());
        }
        let mut patience = Patience::new(&self.options);
        while let Err(error) = self.deps.history.append(batches.to_vec()).await {
            if !patience.wait(self.number, "history did not take the hits", error, &self.over).await {
                anyhow::bail!("history did not take the hits in time; they stay on the bus");
            }
        }
        Ok(())
    }
}

/// The loop while the shard is held.
struct Running<'s> {
    shard: &'s Shard,
    consumer: Box<dyn Consumer>,
    work: Work,
    sites: Subscription,
    unsaid: Unsaid,
    /// Live did not take all of it, the last time.
    is_untold: bool,
    share: watch::Receiver<Share>,
    peaks: Peaks,
    next_flush: Instant,
    next_peaks: Instant,
}

enum Woken {
    Deliveries(anyhow::Result<Vec<Delivery>>),
    Site(Result<bytes::Bytes, RecvError>),
    Tick,
    Shared,
    Shutdown,
}

impl<'s> Running<'s> {
    fn new(shard: &'s Shard, consumer: Box<dyn Consumer>, work: Work, sites: Subscription) -> Running<'s> {
        let (next_flush, next_peaks) = (Instant::now(), Instant::now());
        Running {
            shard,
            consumer,
            work,
            sites,
            unsaid: Unsaid::default(),
            is_untold: false,
            share: shard.share.clone(),
            peaks: Peaks::default(),
            next_flush,
            next_peaks,
        }
    }

    async fn run(&mut self) -> anyhow::Result<Ended> {
        loop {
            match self.woken().await {
                Woken::Deliveries(Ok(deliveries)) => {
                    if let Err(lost) = self.flush(deliveries).await? {
                        return Ok(Ended::Lost(lost));
                    }
                }
                Woken::Deliveries(Err(lost)) => return Ok(Ended::Lost(lost)),
                Woken::Site(message) => self.site_changed(message).await,
                Woken::Tick => {
                    if let Err(lost) = self.commit(self.now()).await {
                        return Ok(Ended::Lost(lost));
                    }
                }
                Woken::Shared if self.share.borrow_and_update().holds(self.shard.number) => {}
                Woken::Shared => {
                    let told = self.commit(self.now()).await;
                    return Ok(told.map_or_else(Ended::Lost, |()| Ended::Released));
                }
                Woken::Shutdown => return self.drain().await,
            }
            if Instant::now() >= self.next_peaks {
                self.save_peaks().await;
            }
        }
    }

    async fn woken(&mut self) -> Woken {
        let Options { messages_a_flush_max, tick_every, .. } = self.shard.options;
        let is_idle = self.work.presence.is_quiet() && self.unsaid.is_empty() && self.peaks.are_saved();
        let (consumer, next_flush) = (&mut self.consumer, self.next_flush);
        let share = &mut self.share;
        let deliveries = async {
            sleep_until(next_flush).await;
            consumer.next(messages_a_flush_max).await
        };
        tokio::select! {
            biased;
            () = self.shard.shutdown.cancelled() => Woken::Shutdown,
            Ok(()) = share.changed() => Woken::Shared,
            message = self.sites.0.recv() => Woken::Site(message),
            deliveries = deliveries => Woken::Deliveries(deliveries),
            () = sleep(tick_every), if !is_idle => Woken::Tick,
        }
    }

    /// Takes messages all the way. The inner error: the bus is lost; the outer: the store did not take them
    /// before time was up.
    async fn flush(&mut self, deliveries: Vec<Delivery>) -> anyhow::Result<anyhow::Result<()>> {
        let Some(last) = deliveries.last().map(|delivery| delivery.position) else {
            return Ok(Ok(()));
        };
        let began = Instant::now();
        self.next_flush = began + self.shard.options.flush_every;
        let (prepared, bad) = self.prepare(&deliveries);
        self.shard.append(&prepared.batches).await?;
        trace_all(Stage::Append, &prepared.batches, began, false);
        let now = self.now();
        self.work.settle(&prepared, now);
        let (began_commit, told) = (Instant::now(), self.commit(now).await);
        trace_all(Stage::Commit, &prepared.batches, began_commit, told.is_err() || self.is_untold);
        if let Err(lost) = told {
            return Ok(Err(lost));
        }
        prepared.tally.tell();
        record_delays(&prepared.batches, self.now());
        let acknowledged = self.acknowledge(last, bad).await;
        histogram!("watchfire_processor_flush_seconds").record(began.elapsed().as_secs_f64());
        Ok(acknowledged)
    }

    fn prepare(&mut self, deliveries: &[Delivery]) -> (Prepared, Vec<(Position, String)>) {
        self.shard.known.lock().advance(self.now());
        let (mut prepared, mut bad) = (Prepared::default(), Vec::new());
        for Delivery { position, message, .. } in deliveries {
            if let Err(reason) = self.work.prepare(message, &mut prepared) {
                tracing::error!(shard = self.shard.number, batch = %message.id, %reason, "message set aside");
                bad.push((*position, reason.to_string()));
            }
        }
        (prepared, bad)
    }

    /// Tells live what changed. A failure loses nothing: it is told again. An error: another processor has the shard.
    async fn commit(&mut self, now: Millis) -> anyhow::Result<()> {
        self.unsaid.add(self.work.take_commits(now));
        while !self.unsaid.is_empty() {
            let (applied, told) = self.unsaid.send(&*self.shard.deps.live).await;
            self.peaks.raise(&applied);
            for first in applied.iter().filter(|applied| applied.is_first) {
                self.work.presence.commit_again(first.site, first.commit.changes.len());
            }
            match told {
                Ok(()) => self.is_untold = false,
                Err(superseded @ LiveError::Superseded) => return Err(superseded.into()),
                Err(error) => {
                    // Once an outage.
                    if !std::mem::replace(&mut self.is_untold, true) {
                        tracing::warn!(shard = self.shard.number, %error, "live did not take every commit");
                    }
                    break;
                }
            }
        }
        let shard = self.shard.number.to_string();
        gauge!("watchfire_present_visitors", "shard" => shard).set(self.work.presence.present() as f64);
        Ok(())
    }

    async fn acknowledge(&mut self, last: Position, bad: Vec<(Position, String)>) -> anyhow::Result<()> {
        for (position, reason) in bad {
            self.consumer.reject(position, &reason).await?;
        }
        self.consumer.ack(last).await
    }

    /// Processes what waits on the bus, until it is silent or `over`.
    async fn drain(&mut self) -> anyhow::Result<Ended> {
        let max = self.shard.options.messages_a_flush_max;
        while !self.shard.over.is_cancelled() {
            match timeout_at(Instant::now() + DRAIN_SILENCE, self.consumer.next(max)).await {
                Err(_silence) => break,
                Ok(Err(lost)) => return Err(lost.context("the bus was lost while draining")),
                Ok(Ok(deliveries)) => match self.flush(deliveries).await? {
                    // What it did not acknowledge comes again, to the other.
                    Err(lost) if is_superseded(&lost) => return Ok(self.left(&lost)),
                    told => told?,
                },
            }
        }
        let told = self.commit(self.now()).await;
        Ok(told.map_or_else(|lost| self.left(&lost), |()| Ended::Drained))
    }

    /// Another processor has the shard: there is nothing left to drain.
    fn left(&self, lost: &anyhow::Error) -> Ended {
        tracing::info!(shard = self.shard.number, error = format!("{lost:#}"), "not this one's any more");
        Ended::Drained
    }

    /// A site was added, changed or deleted; only the last concerns presence.
    async fn site_changed(&mut self, message: Result<bytes::Bytes, RecvError>) {
        let sites = match message {
            Ok(message) => {
                std::str::from_utf8(&message).ok().and_then(|id| id.parse().ok()).into_iter().collect()
            }
            Err(RecvError::Lagged(_)) => self.work.presence.sites(),
            Err(RecvError::Closed) => {
                if let Some(sites) = self.shard.hear_of_sites().await {
                    self.sites = sites;
                }
                return;
            }
        };
        for site in sites {
            if matches!(self.shard.deps.sites.site(site).await, Err(StoreError::NotFound(_))) {
                self.forget(site).await;
            }
        }
    }

    async fn forget(&mut self, site: SiteId) {
        self.shard.known.lock().forget(site);
        self.work.presence.forget(site);
        self.peaks.forget(site);
        self.unsaid.forget(site);
        if let Err(error) = self.shard.deps.live.forget(site).await {
            tracing::warn!(shard = self.shard.number, %error, "live did not forget a deleted site");
        }
    }

    async fn save_peaks(&mut self) {
        self.next_peaks = Instant::now() + self.shard.options.peaks_every;
        let peaks = self.peaks.unsaved();
        if peaks.is_empty() {
            return;
        }
        match self.shard.deps.history.raise_peaks(&peaks).await {
            Ok(()) => self.peaks.saved(&peaks),
            Err(error) => tracing::warn!(shard = self.shard.number, %error, "peaks are not saved yet"),
        }
    }

    fn now(&self) -> Millis {
        self.shard.deps.clock.now()
    }
}

fn is_superseded(lost: &anyhow::Error) -> bool {
    matches!(lost.downcast_ref(), Some(LiveError::Superseded))
}

/// A stage of all these, which is over.
fn trace_all(stage: Stage, batches: &[TailBatch], began: Instant, failed: bool) {
    if trace::is_heard() {
        let mut by_id: HashMap<BatchId, usize> = HashMap::new();
        batches.iter().for_each(|batch| *by_id.entry(batch.id).or_default() += batch.hits as usize);
        by_id.into_iter().for_each(|(id, hits)| trace::tell(stage, id, began.into_std(), hits, failed));
    }
}

/// From the arrival at the door to the commit to live, of the newest hit of each batch.
fn record_delays(batches: &[TailBatch], now: Millis) {
    let delays = histogram!("watchfire_processor_delay_seconds");
    batches.iter().for_each(|batch| delays.record(now.since(batch.received).as_secs_f64()));
}
