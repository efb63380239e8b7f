//! A bus for a collector that goes on taking while the broker cannot be reached: what the broker does not take
//! goes to a journal on disk, and from there to the broker in order once it is back.
//!
//! A shard whose journal holds anything publishes through the journal, so that no message overtakes an earlier one.
//! Killed at any moment nothing is lost; what was on both sides of the kill comes twice, with the same batch id.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context;
use async_trait::async_trait;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::embedded::{self, EmbeddedBus};
use crate::{Bus, ConsumeError, Consumer, DeadLetter, Decide, Delivery, Depth, Message, PublishError};

/// Messages taken from the journal at a time.
const DRAIN_MESSAGES_MAX: usize = 64;
/// Waits between tries to reach the broker with what was spooled: they double.
pub const RETRY_WAIT_MIN: Duration = Duration::from_millis(100);
pub const RETRY_WAIT_MAX: Duration = Duration::from_secs(2);

/// Dropping it without `close` leaves what is spooled in the journal, as `close` does.
pub struct Spooled {
    inner: Arc<dyn Bus>,
    journal: Arc<EmbeddedBus>,
    /// It refused a message since something last left it.
    is_full: Arc<AtomicBool>,
    ending: CancellationToken,
    drains: parking_lot::Mutex<JoinSet<()>>,
}

impl Spooled {
    /// Opens the journal in `folder`, which one process has at a time, and begins to drain what an earlier process
    /// left in it. `bytes_max` bounds what waits in it, over all shards. Within a tokio runtime.
    pub async fn open(inner: Arc<dyn Bus>, folder: &Path, bytes_max: u64) -> anyhow::Result<Spooled> {
        let options = embedded::Options { shards: inner.shards(), bytes_max, ..Default::default() };
        let journal = EmbeddedBus::open(folder, options)
            .with_context(|| format!("cannot open the spool in {}", folder.display()))?;
        metrics::describe_gauge!(
            "watchfire_bus_spooled_bytes",
            "Taken while the broker was away, and still here"
        );
        metrics::describe_counter!("watchfire_bus_spooled_total", "Messages taken while the broker was away");
        let (journal, ending) = (Arc::new(journal), CancellationToken::new());
        let is_full = Arc::new(AtomicBool::new(false));
        let mut drains = JoinSet::new();
        for shard in 0..inner.shards() {
            let consumer = journal.consume(shard).await.context("the spool cannot be drained")?;
            let drain = Drain {
                shard,
                inner: Arc::clone(&inner),
                journal: Arc::clone(&journal),
                is_full: Arc::clone(&is_full),
                ending: ending.clone(),
            };
            drains.spawn(drain.run(consumer));
        }
        Ok(Spooled { inner, journal, is_full, ending, drains: parking_lot::Mutex::new(drains) })
    }

    /// What waits on this disk for the broker.
    pub async fn spooled(&self) -> Depth {
        self.journal.depth().await
    }

    async fn spool(&self, shard: u16, message: Message) -> Result<(), PublishError> {
        let taken = self.journal.publish(shard, message).await;
        let is_full = matches!(taken, Err(PublishError::Full { .. }));
        if is_full && !self.is_full.swap(true, Ordering::Relaxed) {
            tracing::warn!("the spool is full: hits are refused until the broker is back");
        }
        taken?;
        metrics::counter!("watchfire_bus_spooled_total").increment(1);
        measure(&self.journal);
        Ok(())
    }
}

#[async_trait]
impl Bus for Spooled {
    fn shards(&self) -> u16 {
        self.inner.shards()
    }

    /// Returns once the message is on the broker or on this disk. `Full`: the broker's queue or the journal is.
    async fn publish(&self, shard: u16, message: Message) -> Result<(), PublishError> {
        if self.journal.holds(shard) {
            return self.spool(shard, message).await;
        }
        match self.inner.publish(shard, message.clone()).await {
            Err(PublishError::Unavailable(cause)) if shard < self.shards() && !self.ending.is_cancelled() => {
                tracing::warn!(shard, cause = format!("{cause:#}"), "hits go to the spool");
                self.spool(shard, message).await
            }
            published => published,
        }
    }

    async fn consume(&self, shard: u16) -> Result<Box<dyn Consumer>, ConsumeError> {
        self.inner.consume(shard).await
    }

    /// With what is spooled here; `bytes_max` is the broker's, and reached where the spool refuses messages.
    async fn depth(&self) -> Depth {
        let (inner, spooled) = (self.inner.depth().await, self.journal.depth().await);
        let least = if self.is_full.load(Ordering::Relaxed) { inner.bytes_max } else { 0 };
        let bytes = (inner.bytes + spooled.bytes).max(least);
        Depth { messages: inner.messages + spooled.messages, bytes, ..inner }
    }

    async fn dead_letters(&self, limit: usize) -> anyhow::Result<Vec<DeadLetter>> {
        self.inner.dead_letters(limit).await
    }

    /// Never by way of the spool: a letter leaves the broker only for the broker.
    async fn sort_dead_letters(&self, limit: usize, decide: &mut Decide<'_>) -> anyhow::Result<usize> {
        self.inner.sort_dead_letters(limit, decide).await
    }

    /// What is spooled stays on disk for the next process.
    async fn close(&self) {
        self.ending.cancel();
        let mut drains = std::mem::take(&mut *self.drains.lock());
        while drains.join_next().await.is_some() {}
        self.journal.close().await;
        self.inner.close().await;
    }
}

impl Drop for Spooled {
    fn drop(&mut self) {
        self.ending.cancel();
    }
}

/// Carries one shard's spooled messages to the broker, one after another: were several under way at once, one that
/// failed would be overtaken.
struct Drain {
    shard: u16,
    inner: Arc<dyn Bus>,
    journal: Arc<EmbeddedBus>,
    is_full: Arc<AtomicBool>,
    ending: CancellationToken,
}

impl Drain {
    async fn run(self, mut consumer: Box<dyn Consumer>) {
        let ending = self.ending.clone();
        let drained = ending.run_until_cancelled(self.drain(&mut *consumer)).await;
        if let Some(Err(error)) = drained {
            tracing::error!(shard = self.shard, error = format!("{error:#}"), "the spool cannot be read");
        }
    }

    /// Only an unreadable journal ends it.
    async fn drain(&self, consumer: &mut dyn Consumer) -> anyhow::Result<()> {
        loop {
            for delivery in consumer.next(DRAIN_MESSAGES_MAX).await? {
                let position = delivery.position;
                self.carry(delivery).await;
                consumer.ack(position).await?;
                self.is_full.store(false, Ordering::Relaxed);
            }
            measure(&self.journal);
        }
    }

    /// Tries until the broker has it.
    async fn carry(&self, delivery: Delivery) {
        let mut wait = RETRY_WAIT_MIN;
        while let Err(error) = self.inner.publish(self.shard, delivery.message.clone()).await {
            let pause = match &error {
                PublishError::Full { retry_after, .. } => *retry_after,
                PublishError::TooLarge(_) | PublishError::Unavailable(_) => wait,
            };
            tracing::debug!(
                shard = self.shard,
                error = format!("{error:#}"),
                "the spool waits for the broker"
            );
            sleep(pause.mul_f64(0.5 + fastrand::f64() / 2.0)).await;
            wait = (wait * 2).min(RETRY_WAIT_MAX);
        }
    }
}

fn measure(journal: &EmbeddedBus) {
    metrics::gauge!("watchfire_bus_spooled_bytes").set(journal.unacknowledged_bytes() as f64);
}
