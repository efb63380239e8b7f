//! The seams of a flow under test: a bus in memory that counts what it delivers, and a store in a folder that
//! can be told to fail.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use bus::{Bus, ConsumeError, Consumer, DeadLetter, Delivery, Depth, Message, Position, PublishError};
use bytes::Bytes;
use model::{Millis, Peak, SegmentId, SiteId};
use parking_lot::Mutex;
use store::history::{NewFold, Shelf, TailBatch, TailCursor, TailPage};
use store::{History, StoreError};
use tokio::sync::Notify;

/// A bus of `shards` queues. What was not acknowledged is delivered again to the next consumer.
#[derive(Default)]
pub struct Queues {
    pub queues: Vec<Arc<Queue>>,
}

#[derive(Default)]
pub struct Queue {
    waiting: Mutex<VecDeque<(Position, Message)>>,
    published: AtomicU32,
    wake: Notify,
    /// The number of the consumer that it is given to. 0: nobody's.
    holder: AtomicU32,
    consumers: AtomicU32,
    pub dead: Mutex<Vec<DeadLetter>>,
}

impl Queue {
    /// Takes it from its consumer, which is not told.
    pub fn take_away(&self) {
        self.holder.store(0, Ordering::SeqCst);
    }
}

impl Queues {
    pub fn new(shards: u16) -> Queues {
        Queues { queues: (0..shards).map(|_| Arc::default()).collect() }
    }
}

#[async_trait]
impl Bus for Queues {
    fn shards(&self) -> u16 {
        self.queues.len() as u16
    }

    async fn publish(&self, shard: u16, message: Message) -> Result<(), PublishError> {
        let queue = &self.queues[usize::from(shard)];
        let position = Position(queue.published.fetch_add(1, Ordering::SeqCst).into());
        queue.waiting.lock().push_back((position, message));
        queue.wake.notify_one();
        Ok(())
    }

    async fn consume(&self, shard: u16) -> Result<Box<dyn Consumer>, ConsumeError> {
        let queue = self.queues[usize::from(shard)].clone();
        let number = queue.consumers.fetch_add(1, Ordering::SeqCst) + 1;
        if queue.holder.compare_exchange(0, number, Ordering::SeqCst, Ordering::SeqCst).is_err() {
            return Err(ConsumeError::Taken(shard));
        }
        Ok(Box::new(Reader { shard, queue, number, after: None }))
    }

    async fn depth(&self) -> Depth {
        let messages = self.queues.iter().map(|queue| queue.waiting.lock().len() as u64).sum();
        Depth { messages, ..Depth::default() }
    }

    async fn dead_letters(&self, _: usize) -> anyhow::Result<Vec<DeadLetter>> {
        Ok(self.queues.iter().flat_map(|queue| queue.dead.lock().clone()).collect())
    }

    /// Nobody asks it to.
    async fn sort_dead_letters(&self, _: usize, _: &mut bus::Decide<'_>) -> anyhow::Result<usize> {
        Ok(0)
    }

    async fn close(&self) {}
}

struct Reader {
    shard: u16,
    queue: Arc<Queue>,
    number: u32,
    after: Option<Position>,
}

impl Drop for Reader {
    fn drop(&mut self) {
        let _ = self.queue.holder.compare_exchange(self.number, 0, Ordering::SeqCst, Ordering::SeqCst);
    }
}

#[async_trait]
impl Consumer for Reader {
    async fn next(&mut self, max: usize) -> anyhow::Result<Vec<Delivery>> {
        loop {
            let deliveries: Vec<_> = {
                let waiting = self.queue.waiting.lock();
                let new = waiting.iter().filter(|(position, _)| Some(*position) > self.after).take(max);
                new.map(|(position, message)| (*position, message.clone())).collect()
            };
            if let Some((last, _)) = deliveries.last() {
                self.after = Some(*last);
                let delivery = |(position, message)| Delivery { position, message, redelivered: false };
                return Ok(deliveries.into_iter().map(delivery).collect());
            }
            self.queue.wake.notified().await;
        }
    }

    async fn ack(&mut self, position: Position) -> anyhow::Result<()> {
        self.queue.waiting.lock().retain(|(other, _)| *other > position);
        Ok(())
    }

    async fn reject(&mut self, position: Position, reason: &str) -> anyhow::Result<()> {
        let mut waiting = self.queue.waiting.lock();
        let index = waiting.iter().position(|(other, _)| *other == position).expect("a delivered message");
        let (_, message) = waiting.remove(index).expect("it is there");
        self.queue.dead.lock().push(DeadLetter { shard: self.shard, message, reason: reason.into() });
        Ok(())
    }
}

/// A history that fails so many times before or after it appends.
pub struct Failing {
    pub history: Arc<dyn History>,
    pub failures_before: AtomicU32,
    pub failures_after: AtomicU32,
}

fn fails(times: &AtomicU32) -> Result<(), StoreError> {
    let take = |left: u32| left.checked_sub(1);
    match times.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take) {
        Ok(_) => Err(StoreError::Unavailable(anyhow::anyhow!("told to fail"))),
        Err(_) => Ok(()),
    }
}

#[async_trait]
impl History for Failing {
    async fn append(&self, batches: Vec<TailBatch>) -> store::Result<()> {
        fails(&self.failures_before)?;
        self.history.append(batches).await?;
        fails(&self.failures_after)
    }

    async fn tail_since(
        &self,
        since: Millis,
        after: Option<TailCursor>,
        limit: usize,
    ) -> store::Result<TailPage> {
        self.history.tail_since(since, after, limit).await
    }

    async fn tail_of(
        &self,
        site: SiteId,
        after: Option<TailCursor>,
        limit: usize,
    ) -> store::Result<TailPage> {
        self.history.tail_of(site, after, limit).await
    }

    async fn raise_peaks(&self, peaks: &[Peak]) -> store::Result<()> {
        self.history.raise_peaks(peaks).await
    }

    async fn peaks_since(&self, since: Millis) -> store::Result<Vec<Peak>> {
        self.history.peaks_since(since).await
    }

    async fn forget(&self, site: SiteId) -> store::Result<()> {
        self.history.forget(site).await
    }

    async fn sites_to_fold(
        &self,
        before: Millis,
        old: Millis,
        after: Option<SiteId>,
        limit: usize,
    ) -> store::Result<Vec<SiteId>> {
        self.history.sites_to_fold(before, old, after, limit).await
    }

    async fn shelf(&self, site: SiteId) -> store::Result<Shelf> {
        self.history.shelf(site).await
    }

    async fn read_segment(
        &self,
        site: SiteId,
        id: SegmentId,
        start: u64,
        length: usize,
    ) -> store::Result<Bytes> {
        self.history.read_segment(site, id, start, length).await
    }

    async fn put_fold(&self, site: SiteId, fold: NewFold) -> store::Result<u64> {
        self.history.put_fold(site, fold).await
    }

    async fn sweep(&self) -> store::Result<()> {
        self.history.sweep().await
    }
}
