//! Gathers arrivals into messages: one publish for all that wait, one notification for all who await it.
//!
//! While a message is being published the next one gathers, so the busier the door, the larger the batches. One publish a
//! shard is under way at a time, which keeps a visitor's hits in order.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bus::{Bus, Message, PublishError};
use bytes::Bytes;
use futures_util::future::join_all;
use model::{Arrival, BatchId, hit, limits};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// A message waits this long for company, at most `limits::BATCH_GATHER_MAX`: one turn of the timer is
/// enough to share a sync, and a lone hit waits no longer than it must.
const GATHER: Duration = Duration::from_millis(1);
const _: () = assert!(GATHER.as_millis() <= limits::BATCH_GATHER_MAX.as_millis());

/// Why hits were not taken. Nothing of them was promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotTaken {
    /// The bus, or what waits before it, is at its maximum.
    Full { retry_after: Duration },
    /// The bus cannot be written, or the server is stopping.
    Unavailable,
}

pub(crate) struct Gather {
    shards: Vec<Shard>,
    waiting_bytes: AtomicUsize,
    waiting_bytes_max: usize,
}

#[derive(Default)]
struct Shard {
    waiting: Mutex<Waiting>,
    /// Something gathers, or the gathering has ended.
    stirred: Notify,
}

#[derive(Default)]
struct Waiting {
    /// At their maximum, oldest first.
    closed: VecDeque<Batch>,
    open: Option<Batch>,
    ended: bool,
}

struct Batch {
    body: Vec<u8>,
    hits: usize,
    outcome: Arc<Outcome>,
}

/// What became of a batch, for all who await it.
#[derive(Default)]
struct Outcome {
    decided: OnceLock<Result<(), NotTaken>>,
    told: Notify,
}

impl Gather {
    pub(crate) fn new(shards: u16, waiting_bytes_max: usize) -> Gather {
        Gather {
            shards: (0..shards.max(1)).map(|_| Shard::default()).collect(),
            waiting_bytes: AtomicUsize::new(0),
            waiting_bytes_max,
        }
    }

    pub(crate) fn shards(&self) -> u16 {
        self.shards.len() as u16
    }

    /// Returns once the arrival is durable on the bus. Dropping the wait does not take the hits back.
    pub(crate) async fn add(&self, shard: u16, arrival: &Arrival) -> Result<(), NotTaken> {
        let outcome = self.put(shard, arrival)?;
        outcome.wait().await
    }

    fn put(&self, shard: u16, arrival: &Arrival) -> Result<Arc<Outcome>, NotTaken> {
        let shard = &self.shards[usize::from(shard)];
        let mut waiting = shard.waiting.lock();
        if waiting.ended {
            return Err(NotTaken::Unavailable);
        }
        if self.waiting_bytes.load(Ordering::Relaxed) >= self.waiting_bytes_max {
            return Err(NotTaken::Full { retry_after: Duration::from_secs(1) });
        }
        let batch = waiting.open.get_or_insert_with(Batch::begin);
        let before = batch.body.len();
        hit::append_arrival(&mut batch.body, arrival);
        batch.hits += arrival.hits.len();
        let outcome = batch.outcome.clone();
        self.waiting_bytes.fetch_add(batch.body.len() - before, Ordering::Relaxed);
        // An arrival is at most a request's body or so, so a batch that is closed past this stays within its bytes.
        if batch.hits >= limits::BATCH_HITS_MAX || batch.body.len() >= limits::BATCH_BYTES_MAX / 2 {
            let full = waiting.open.take();
            waiting.closed.extend(full);
        }
        drop(waiting);
        shard.stirred.notify_one();
        Ok(outcome)
    }

    /// Publishes until the shutdown, then what is left; what comes later is not taken.
    pub(crate) async fn publish_all(&self, bus: &dyn Bus, shutdown: CancellationToken) {
        let shards = self.shards.iter().enumerate();
        join_all(shards.map(|(number, shard)| self.publish_shard(number as u16, shard, bus, &shutdown))).await;
    }

    async fn publish_shard(&self, number: u16, shard: &Shard, bus: &dyn Bus, shutdown: &CancellationToken) {
        loop {
            let next = shard.waiting.lock().take();
            if let Some(batch) = next {
                self.publish(number, batch, bus).await;
                continue;
            }
            if shutdown.is_cancelled() && shard.end() {
                return;
            }
            tokio::select! {
                () = shard.stirred.notified() => {}
                () = shutdown.cancelled() => continue,
            }
            if shard.waiting.lock().closed.is_empty() {
                tokio::time::sleep(GATHER).await;
            }
        }
    }

    async fn publish(&self, shard: u16, batch: Batch, bus: &dyn Bus) {
        let began = Instant::now();
        let (bytes, hits) = (batch.body.len(), batch.hits);
        let message = Message { id: fresh_id(), body: Bytes::from(batch.body) };
        let published = bus.publish(shard, message).await;
        metrics::histogram!("watchfire_collector_publish_seconds").record(began.elapsed().as_secs_f64());
        metrics::histogram!("watchfire_collector_batch_hits").record(hits as f64);
        self.waiting_bytes.fetch_sub(bytes - Batch::EMPTY_BYTES, Ordering::Relaxed);
        batch.outcome.decide(published.map_err(|error| match error {
            PublishError::Full { retry_after, .. } => NotTaken::Full { retry_after },
            error @ (PublishError::TooLarge(_) | PublishError::Unavailable(_)) => {
                tracing::error!(error = format!("{error:#}"), hits, "hits not published");
                NotTaken::Unavailable
            }
        }));
    }
}

impl Shard {
    /// Takes nothing more, unless something still waits.
    fn end(&self) -> bool {
        let mut waiting = self.waiting.lock();
        waiting.ended = waiting.open.is_none() && waiting.closed.is_empty();
        waiting.ended
    }
}

impl Waiting {
    fn take(&mut self) -> Option<Batch> {
        self.closed.pop_front().or_else(|| self.open.take())
    }
}

impl Batch {
    /// Bytes of a message without arrivals: its version.
    const EMPTY_BYTES: usize = 1;

    fn begin() -> Batch {
        let mut body = Vec::with_capacity(16 * 1024);
        hit::begin_message(&mut body);
        Batch { body, hits: 0, outcome: Arc::default() }
    }
}

impl Outcome {
    fn decide(&self, outcome: Result<(), NotTaken>) {
        let _ = self.decided.set(outcome);
        self.told.notify_waiters();
    }

    async fn wait(&self) -> Result<(), NotTaken> {
        loop {
            let told = self.told.notified();
            if let Some(outcome) = self.decided.get() {
                return *outcome;
            }
            told.await;
        }
    }
}

/// The high half grows with time, so that a store that keeps ids in order appends at its end.
fn fresh_id() -> BatchId {
    let mut random = [0; 16];
    getrandom::fill(&mut random).expect("the system gives random numbers");
    let random = u128::from_le_bytes(random);
    let since_1970 = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
    let millis = since_1970.as_millis() & ((1 << 48) - 1);
    BatchId(millis << 80 | random >> 48)
}
