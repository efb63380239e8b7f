//! Gathers arrivals into messages: one publish for all that wait, one notification for all who await it.
//!
//! A message gathers for a moment, and for as long as the one before is being published, so the busier the door, the
//! larger the batches. One publish a shard is under way at a time, which keeps a visitor's hits in order.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bus::{Bus, Message, PublishError};
use bytes::Bytes;
use futures_util::future::join_all;
use model::{Arrival, BatchId, hit, limits};
use observe::trace::{self, Stage};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// A message waits this long for company, at most `limits::BATCH_GATHER_MAX`: one turn of the timer is
/// enough to share a sync, and a lone hit waits no longer than it must. Under load it makes messages that are worth
/// their own steps, in the journal, in the processor and in history.
const GATHER: Duration = Duration::from_millis(1);
/// A publish that has not returned after so long has failed, for all that anybody can wait for.
const PUBLISH_TIMEOUT: Duration = Duration::from_secs(10);
/// What one arrival takes in a message, at most: encoded, nothing of a request's body grows, and the rest is
/// an agent, a language and a place.
const ARRIVAL_BYTES_MAX: usize = 2 * limits::HITS_BODY_BYTES_MAX;
const _: () = assert!(GATHER.as_millis() <= limits::BATCH_GATHER_MAX.as_millis());
const _: () = assert!(limits::HITS_A_REQUEST_MAX <= limits::BATCH_HITS_MAX);
const _: () = assert!(ARRIVAL_BYTES_MAX <= limits::BATCH_BYTES_MAX / 2);

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

/// The outcome of the message that an arrival became part of.
pub(crate) struct Promise(Arc<Outcome>);

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
    id: BatchId,
    /// When its first arrival came.
    began: Instant,
    body: Vec<u8>,
    hits: usize,
    outcome: Arc<Outcome>,
}

/// What became of a batch, for all who await it.
#[derive(Default)]
struct Outcome {
    decided: OnceLock<Result<BatchId, NotTaken>>,
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

    /// Puts an arrival on its way. It goes, whether or not somebody awaits the promise.
    pub(crate) fn put(&self, shard: u16, arrival: &Arrival<'_>) -> Result<Promise, NotTaken> {
        let shard = &self.shards[usize::from(shard)];
        let mut waiting = shard.waiting.lock();
        if waiting.ended {
            return Err(NotTaken::Unavailable);
        }
        let batch = waiting.batch_for(arrival);
        let before = batch.body.len();
        hit::append_arrival(&mut batch.body, arrival);
        let bytes = batch.body.len() - before;
        if self.waiting_bytes.fetch_add(bytes, Ordering::Relaxed) + bytes > self.waiting_bytes_max {
            self.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
            waiting.take_back(before);
            return Err(NotTaken::Full { retry_after: Duration::from_secs(1) });
        }
        batch.hits += arrival.hits.len();
        let promise = Promise(batch.outcome.clone());
        drop(waiting);
        shard.stirred.notify_one();
        Ok(promise)
    }

    /// Publishes until the shutdown, then what is left; what comes later is not taken.
    pub(crate) async fn publish_all(&self, bus: &dyn Bus, shutdown: CancellationToken) {
        let _end = End(self);
        let shards = self.shards.iter().enumerate();
        join_all(shards.map(|(number, shard)| self.publish_shard(number as u16, shard, bus, &shutdown)))
            .await;
    }

    async fn publish_shard(&self, number: u16, shard: &Shard, bus: &dyn Bus, shutdown: &CancellationToken) {
        loop {
            if shard.waiting.lock().is_empty() {
                if shutdown.is_cancelled() && shard.end() {
                    return;
                }
                tokio::select! {
                    () = shard.stirred.notified() => {}
                    () = shutdown.cancelled() => {}
                }
                continue;
            }
            if shard.waiting.lock().closed.is_empty() {
                tokio::time::sleep(GATHER).await;
            }
            let next = shard.waiting.lock().next();
            if let Some(batch) = next {
                self.publish(number, batch, bus).await;
            }
        }
    }

    async fn publish(&self, shard: u16, mut batch: Batch, bus: &dyn Bus) {
        let began = Instant::now();
        let (bytes, hits) = (batch.body.len() - Batch::EMPTY_BYTES, batch.hits);
        let message = Message { id: batch.id, body: Bytes::from(std::mem::take(&mut batch.body)) };
        let published = tokio::time::timeout(PUBLISH_TIMEOUT, bus.publish(shard, message)).await;
        metrics::histogram!("watchfire_collector_publish_seconds").record(began.elapsed().as_secs_f64());
        metrics::histogram!("watchfire_collector_batch_hits").record(hits as f64);
        self.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
        let outcome = match published {
            Ok(Ok(())) => Ok(batch.id),
            Ok(Err(PublishError::Full { retry_after, .. })) => Err(NotTaken::Full { retry_after }),
            Ok(Err(error @ (PublishError::TooLarge(_) | PublishError::Unavailable(_)))) => {
                tracing::error!(error = format!("{error:#}"), hits, "hits not published");
                Err(NotTaken::Unavailable)
            }
            Err(_) => {
                tracing::error!(seconds = PUBLISH_TIMEOUT.as_secs(), hits, "the bus did not answer");
                Err(NotTaken::Unavailable)
            }
        };
        trace::tell(Stage::Publish, batch.id, began, hits, outcome.is_err());
        batch.outcome.decide(outcome);
        trace::tell(Stage::Hits, batch.id, batch.began, hits, outcome.is_err());
    }
}

impl Promise {
    /// Returns once the arrival is durable on the bus, in that batch. Dropping the wait does not take the hits back.
    pub(crate) async fn kept(self) -> Result<BatchId, NotTaken> {
        loop {
            let told = self.0.told.notified();
            if let Some(outcome) = self.0.decided.get() {
                return *outcome;
            }
            told.await;
        }
    }
}

impl Shard {
    /// Takes nothing more, unless something still waits.
    fn end(&self) -> bool {
        let mut waiting = self.waiting.lock();
        waiting.ended = waiting.is_empty();
        waiting.ended
    }
}

impl Waiting {
    /// The open batch, another where this arrival would be too much for it.
    fn batch_for(&mut self, arrival: &Arrival<'_>) -> &mut Batch {
        let full = self.open.take_if(|open| !open.has_room_for(arrival));
        self.closed.extend(full);
        self.open.get_or_insert_with(Batch::begin)
    }

    /// Undoes the last append to the open batch.
    fn take_back(&mut self, before: usize) {
        self.open.take_if(|open| {
            open.body.truncate(before);
            open.hits == 0
        });
    }

    fn is_empty(&self) -> bool {
        self.open.is_none() && self.closed.is_empty()
    }

    fn next(&mut self) -> Option<Batch> {
        self.closed.pop_front().or_else(|| self.open.take())
    }
}

impl Batch {
    /// Bytes of a message without arrivals: its version.
    const EMPTY_BYTES: usize = 1;

    fn begin() -> Batch {
        let mut body = Vec::with_capacity(16 * 1024);
        hit::begin_message(&mut body);
        Batch { id: fresh_id(), began: Instant::now(), body, hits: 0, outcome: Arc::default() }
    }

    fn has_room_for(&self, arrival: &Arrival<'_>) -> bool {
        self.hits + arrival.hits.len() <= limits::BATCH_HITS_MAX
            && self.body.len() + ARRIVAL_BYTES_MAX <= limits::BATCH_BYTES_MAX
    }
}

/// A batch that ends unpublished, whatever ended it, keeps nobody waiting.
impl Drop for Batch {
    fn drop(&mut self) {
        self.outcome.decide(Err(NotTaken::Unavailable));
    }
}

impl Outcome {
    /// The first decision stands.
    fn decide(&self, outcome: Result<BatchId, NotTaken>) {
        if self.decided.set(outcome).is_ok() {
            self.told.notify_waiters();
        }
    }
}

/// The publishing has ended, in good order or not: nothing more is taken and nobody is kept waiting.
struct End<'a>(&'a Gather);

impl Drop for End<'_> {
    fn drop(&mut self) {
        for shard in &self.0.shards {
            let mut waiting = shard.waiting.lock();
            waiting.ended = true;
            waiting.closed.clear();
            waiting.open = None;
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

#[cfg(test)]
mod tests;
