//! The bus inside one process: a journal on disk. All publishes that wait are written and synced together.
//!
//! In the folder: `lock` (one process at a time), `<position>.journal` segments, `acknowledged-0` and `-1` written in
//! turn, `dead-letters/`. A position counts over all shards and is never given twice.

mod acks;
mod backlog;
mod consumer;
mod copying;
mod dead_letters;
mod journal;
mod opening;
mod record;
mod records;
mod segment;
mod shard;
mod state;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, anyhow};
use async_trait::async_trait;
use model::limits;
use parking_lot::{Condvar, Mutex};
use tokio::sync::{Notify, oneshot, watch};

use crate::{Bus, ConsumeError, Consumer, DeadLetter, Decide, Depth, Fate, Message, PublishError};
use consumer::EmbeddedConsumer;
use dead_letters::DeadLetters;
use record::HEAD_BYTES;
use state::{State, Waiting};

/// Bytes that each message counts beside its body, in depth and bounds.
pub const MESSAGE_OVERHEAD_BYTES: u64 = HEAD_BYTES as u64;
/// Bytes of publishes that may wait for the disk; more are answered `Full`.
pub const WAITING_BYTES_MAX: u64 = 64 << 20;
/// When a publisher that was told `Full` should come again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// At least 1. May be changed between runs once everything beyond the new number is acknowledged.
    pub shards: u16,
    /// Bytes of messages, overhead included, that may be unacknowledged. The files take at most twice that and a
    /// segment: an acknowledged message stays on disk until its whole segment is.
    pub bytes_max: u64,
    /// A segment that has reached this many bytes takes no more.
    pub segment_bytes: u64,
    /// Dead letters kept, and their bytes; past either the oldest go.
    pub dead_letters_max: usize,
    pub dead_letters_bytes_max: u64,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            shards: 1,
            bytes_max: 1 << 30,
            segment_bytes: 64 << 20,
            dead_letters_max: 1_000,
            dead_letters_bytes_max: 64 << 20,
        }
    }
}

/// An open folder. Dropping it without `close` ends it too, waiting for the disk.
pub struct EmbeddedBus {
    shared: Arc<Shared>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

/// What nobody has processed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Left {
    /// Messages published and not acknowledged.
    pub waiting: u64,
    pub dead_letters: usize,
}

/// What bus, consumers and the writer's thread share.
struct Shared {
    options: Options,
    state: Mutex<State>,
    /// Tells the writer's thread that something waits for it.
    work: Condvar,
    /// Tells a shard's consumer that something came, or that the bus ended.
    arrivals: Vec<Notify>,
    /// True once the writer's thread is done.
    ended: watch::Sender<bool>,
    letters: Mutex<DeadLetters>,
}

impl EmbeddedBus {
    /// Opens a folder, which is made where there is none, and reads what an earlier process left in it. Fails where
    /// another process has it, or where it holds messages for more shards than `options.shards`.
    pub fn open(folder: &Path, options: Options) -> anyhow::Result<EmbeddedBus> {
        describe_metrics();
        let opened = opening::open(folder, &options)?;
        let shared = Arc::new(Shared {
            arrivals: (0..options.shards).map(|_| Notify::new()).collect(),
            options,
            state: Mutex::new(opened.state),
            work: Condvar::new(),
            ended: watch::Sender::new(false),
            letters: Mutex::new(opened.letters),
        });
        let writer = writer::start(Arc::clone(&shared), opened.journal, opened.acks, opened.lock)?;
        Ok(EmbeddedBus { shared, writer: Mutex::new(Some(writer)) })
    }

    /// Copies a folder, which a process may be writing, into `to`: all that was published before the call and is not
    /// acknowledged when it returns, and all dead letters. A folder that is not there is an empty copy.
    pub fn copy(folder: &Path, to: &Path) -> anyhow::Result<()> {
        copying::copy(folder, to)
    }

    /// What is left in a folder that no process has, over at most `shards` shards, without taking or changing any of
    /// it. Nothing, where there is no such folder. Fails as `open` does.
    pub fn left(folder: &Path, shards: u16) -> anyhow::Result<Left> {
        if !folder.is_dir() {
            return Ok(Left::default());
        }
        let opened = opening::open(folder, &Options { shards, ..Options::default() })?;
        let waiting = opened.state.depth(0).messages;
        Ok(Left { waiting, dead_letters: opened.letters.count() })
    }

    /// Whether a message of this shard is not acknowledged.
    pub(crate) fn holds(&self, shard: u16) -> bool {
        let state = self.shared.state.lock();
        state.shards.get(usize::from(shard)).is_some_and(|shard| shard.messages() > 0)
    }

    pub(crate) fn unacknowledged_bytes(&self) -> u64 {
        self.shared.state.lock().unacknowledged_bytes()
    }

    fn end(&self) {
        self.shared.state.lock().closing = true;
        self.shared.work.notify_one();
    }

    fn join_writer(&self) {
        let Some(writer) = self.writer.lock().take() else {
            return;
        };
        if writer.join().is_err() {
            tracing::error!("the thread that writes the journal panicked");
        }
    }
}

#[async_trait]
impl Bus for EmbeddedBus {
    fn shards(&self) -> u16 {
        self.shared.options.shards
    }

    async fn publish(&self, shard: u16, message: Message) -> Result<(), PublishError> {
        if message.body.len() > limits::BATCH_BYTES_MAX {
            return Err(PublishError::TooLarge(message.body.len()));
        }
        if shard >= self.shared.options.shards {
            return Err(PublishError::Unavailable(anyhow!("there is no shard {shard}")));
        }
        let (answer, answered) = oneshot::channel();
        let wakes = self.shared.enqueue(Waiting { shard, message, answer })?;
        if wakes {
            self.shared.work.notify_one();
        }
        let outcome = answered.await.context("the journal's thread has ended");
        outcome.and_then(|written| written).map_err(PublishError::Unavailable)
    }

    async fn consume(&self, shard: u16) -> Result<Box<dyn Consumer>, ConsumeError> {
        let mut state = self.shared.state.lock();
        if state.closing {
            return Err(ConsumeError::Unavailable(anyhow!("the bus is closed")));
        }
        let Some(held) = state.shards.get_mut(usize::from(shard)) else {
            return Err(ConsumeError::NoSuchShard(shard));
        };
        if std::mem::replace(&mut held.taken, true) {
            return Err(ConsumeError::Taken(shard));
        }
        Ok(Box::new(EmbeddedConsumer::of(Arc::clone(&self.shared), shard)))
    }

    async fn depth(&self) -> Depth {
        self.shared.state.lock().depth(self.shared.options.bytes_max)
    }

    async fn dead_letters(&self, limit: usize) -> anyhow::Result<Vec<DeadLetter>> {
        let shared = Arc::clone(&self.shared);
        let read = tokio::task::spawn_blocking(move || shared.letters.lock().read(limit)).await?;
        Ok(read.into_iter().map(|(_, letter)| letter).collect())
    }

    async fn sort_dead_letters(&self, limit: usize, decide: &mut Decide<'_>) -> anyhow::Result<usize> {
        let shared = Arc::clone(&self.shared);
        let letters = tokio::task::spawn_blocking(move || shared.letters.lock().read(limit)).await?;
        let mut sorted = 0;
        for (position, letter) in letters {
            match decide(&letter) {
                Fate::Keep => continue,
                Fate::Drop => {}
                Fate::Requeue => self.publish(letter.shard, letter.message).await?,
            }
            let shared = Arc::clone(&self.shared);
            tokio::task::spawn_blocking(move || shared.letters.lock().remove(position)).await??;
            sorted += 1;
        }
        Ok(sorted)
    }

    async fn close(&self) {
        self.end();
        let mut ended = self.shared.ended.subscribe();
        ended.wait_for(|&ended| ended).await.expect("the sender is in `shared`");
        self.join_writer();
    }
}

impl Drop for EmbeddedBus {
    fn drop(&mut self) {
        self.end();
        self.join_writer();
    }
}

impl Shared {
    /// True: the writer's thread sleeps and must be woken.
    fn enqueue(&self, waiting: Waiting) -> Result<bool, PublishError> {
        let Options { bytes_max, segment_bytes, .. } = self.options;
        let mut state = self.state.lock();
        if state.closing {
            return Err(PublishError::Unavailable(anyhow!("the bus is closed")));
        }
        let bytes = record::bytes_of(&waiting.message);
        let disk_bytes_max = bytes_max.saturating_mul(2).saturating_add(segment_bytes);
        let fits = state.waiting_bytes + bytes <= WAITING_BYTES_MAX
            && state.unacknowledged_bytes() + state.waiting_bytes + bytes <= bytes_max
            && state.disk_bytes() + state.waiting_bytes + bytes <= disk_bytes_max;
        if !fits {
            metrics::counter!("watchfire_bus_full_total").increment(1);
            return Err(PublishError::Full { bytes_max, retry_after: RETRY_AFTER });
        }
        state.waiting_bytes += bytes;
        state.waiting.push_back(waiting);
        Ok(state.waiting.len() == 1)
    }
}

fn describe_metrics() {
    use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
    describe_gauge!("watchfire_bus_depth_bytes", Unit::Bytes, "Published and not acknowledged");
    describe_gauge!("watchfire_bus_depth_messages", "Messages published and not acknowledged");
    describe_gauge!("watchfire_bus_disk_bytes", Unit::Bytes, "Size of the journal's files");
    describe_histogram!(
        "watchfire_bus_commit_seconds",
        Unit::Seconds,
        "One write and sync of all that waited"
    );
    describe_counter!("watchfire_bus_messages_total", "Messages written to the journal");
    describe_counter!("watchfire_bus_failures_total", "Writes to the journal that failed");
    describe_counter!(
        "watchfire_bus_damaged_bytes_total",
        Unit::Bytes,
        "Journal bytes that could not be read"
    );
    describe_counter!("watchfire_bus_full_total", "Messages that were not taken, the journal being full");
    describe_counter!("watchfire_bus_dead_letters_total", "Messages set aside with a reason");
    crate::begin_at_zero();
}
