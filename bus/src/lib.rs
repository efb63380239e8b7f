//! Seam 1: hits on their way from collectors to processors. The trait's doc comments are its specification.
//! Never looks into a message: what it carries is bytes with an id.

pub mod amqp;
pub mod embedded;
pub mod spool;

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use model::BatchId;

/// Bytes of a dead letter's reason.
pub const REASON_BYTES_MAX: usize = 500;

/// Hits on their way. At least once; in order within a shard; one consumer a shard at a time; bounded.
#[async_trait]
pub trait Bus: Send + Sync {
    /// Shards of this bus, at least 1, the same for every process that opens it. Shards are numbered from 0.
    fn shards(&self) -> u16;

    /// Returns once the message survives `kill -9` of this process and of the broker's. Messages of one
    /// caller that awaits each publish before the next are delivered in that order within a shard.
    /// A body is at most `limits::BATCH_BYTES_MAX`. A publish that failed may still be delivered.
    async fn publish(&self, shard: u16, message: Message) -> Result<(), PublishError>;

    /// Becomes the consumer of a shard, and is its only one when this returns: what is derived from the shard
    /// may be taken over now. Messages that were delivered and never acknowledged, in this
    /// process's life or an earlier one, are delivered again, oldest first, before newer ones.
    /// Where another consumer holds the shard, in any process: `ConsumeError::Taken`, within half a second.
    /// Dropping a consumer frees its shard; so does the death of its process, as soon as the bus notices.
    async fn consume(&self, shard: u16) -> Result<Box<dyn Consumer>, ConsumeError>;

    /// What waits, over all shards; a broker is asked at most twice a second.
    async fn depth(&self) -> Depth;

    /// Messages set aside with their reason, oldest first, at most `limit`.
    async fn dead_letters(&self, limit: usize) -> anyhow::Result<Vec<DeadLetter>>;

    /// Asks `decide` once about each of the oldest dead letters, oldest first, at most `limit`, and does what it
    /// says; the others stay, in their order. Returns how many were requeued or dropped.
    ///
    /// A requeued letter is published to the end of its shard before it leaves the dead letters: killed in between it
    /// is in both, never in neither. What left them is gone when this returns, also after a kill. A letter that is set
    /// aside meanwhile is not asked about. The first letter that cannot be published (the bus is full or away, its
    /// shard is not there) ends it with the error; that letter and those behind it stay.
    async fn sort_dead_letters(&self, limit: usize, decide: &mut Decide<'_>) -> anyhow::Result<usize>;

    /// Flushes and stops taking: later publishes are `Unavailable`. Returns when nothing is under way.
    async fn close(&self);
}

/// The one consumer of a shard. Dropping it gives the shard up; what it did not acknowledge comes again.
#[async_trait]
pub trait Consumer: Send {
    /// Waits for at least one message, returns at most `max`, in order, without waiting for more.
    /// Cancel safe: a dropped call loses nothing. An error means that this consumer is finished.
    /// A backend may hand out no more while very many (its prefetch) are unacknowledged.
    async fn next(&mut self, max: usize) -> anyhow::Result<Vec<Delivery>>;

    /// Acknowledges every message of this shard up to and including `position`. They never come again,
    /// except when the process is killed before the acknowledgement is durable (at least once).
    async fn ack(&mut self, position: Position) -> anyhow::Result<()>;

    /// Sets one delivered message aside among the dead letters with its reason (cut to 500 bytes),
    /// durably, and acknowledges it alone; earlier unacknowledged ones stay unacknowledged.
    async fn reject(&mut self, position: Position, reason: &str) -> anyhow::Result<()>;
}

/// A batch of hits as bytes: see `model::hit::read_message`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub id: BatchId,
    pub body: Bytes,
}

/// Where a message stands in its shard; grows with delivery order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(pub u64);

#[derive(Clone, Debug)]
pub struct Delivery {
    pub position: Position,
    pub message: Message,
    /// Delivered before and not acknowledged, as far as the bus knows: what was only on its way to a consumer
    /// that is gone may say so too.
    pub redelivered: bool,
}

#[derive(Clone, Debug)]
pub struct DeadLetter {
    pub shard: u16,
    pub message: Message,
    pub reason: String,
}

/// What becomes of a dead letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Keep,
    /// Back to the end of its shard, without its reason.
    Requeue,
    Drop,
}

/// Says what becomes of each dead letter.
pub type Decide<'a> = dyn FnMut(&DeadLetter) -> Fate + Send + 'a;

/// Messages and bytes published and not acknowledged. RabbitMQ tells neither what other processes' consumers have,
/// nor bytes: there those messages are left out, and the bytes are estimated from messages seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    pub messages: u64,
    pub bytes: u64,
    /// The bound on bytes, after which a publish answers `Full`. A backend may hold each shard to an even part of
    /// it, and tell so a few messages late.
    pub bytes_max: u64,
}

#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    #[error("the bus holds its maximum of {bytes_max} bytes; try again in {retry_after:?}")]
    Full { bytes_max: u64, retry_after: Duration },
    #[error("the message has {0} bytes, more than the bus carries")]
    TooLarge(usize),
    #[error("the bus cannot be reached or written: {0:#}")]
    Unavailable(anyhow::Error),
}

#[derive(Debug, thiserror::Error)]
pub enum ConsumeError {
    #[error("another consumer holds shard {0}")]
    Taken(u16),
    #[error("there is no shard {0}")]
    NoSuchShard(u16),
    #[error("the bus cannot be reached or read: {0:#}")]
    Unavailable(anyhow::Error),
}

/// A counter that is there before it counts: what comes first is seen to come.
fn begin_at_zero() {
    for name in
        ["watchfire_bus_full_total", "watchfire_bus_failures_total", "watchfire_bus_dead_letters_total"]
    {
        metrics::counter!(name).absolute(0);
    }
}
