//! What waits, as far as AMQP tells: RabbitMQ counts what lies in a queue, this process what its consumers have.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use lapin::options::QueueDeclareOptions;
use lapin::types::FieldTable;
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::{ANSWER_TIME_MAX, Shared};
use crate::Depth;

/// RabbitMQ is asked no more often than this.
pub const DEPTH_AGE_MAX: Duration = Duration::from_millis(500);

#[derive(Default)]
pub struct DepthOnBroker {
    /// When RabbitMQ was asked, and what lay in its queues.
    asked: Mutex<Option<(Instant, u64)>>,
    /// Handed out by consumers of this process and not acknowledged.
    out: AtomicU64,
    /// Of messages that this process published or was delivered: AMQP tells no bytes, so they are estimated.
    weighed_messages: AtomicU64,
    weighed_bytes: AtomicU64,
}

impl DepthOnBroker {
    pub fn weigh(&self, bytes: usize) {
        self.weighed_messages.fetch_add(1, Ordering::Relaxed);
        self.weighed_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub fn hand_out(&self, messages: usize) {
        self.out.fetch_add(messages as u64, Ordering::Relaxed);
    }

    pub fn settle(&self, messages: usize) {
        self.out.fetch_sub(messages as u64, Ordering::Relaxed);
    }

    fn bytes_of(&self, messages: u64) -> u64 {
        let weighed = self.weighed_messages.load(Ordering::Relaxed).max(1);
        let each = self.weighed_bytes.load(Ordering::Relaxed).div_ceil(weighed);
        messages.saturating_mul(each)
    }
}

impl Shared {
    /// Where RabbitMQ cannot be asked, what it said last.
    pub(super) async fn depth(&self) -> Depth {
        let messages = self.lying().await + self.depth.out.load(Ordering::Relaxed);
        let depth =
            Depth { messages, bytes: self.depth.bytes_of(messages), bytes_max: self.options.bytes_max };
        metrics::gauge!("watchfire_bus_depth_bytes").set(depth.bytes as f64);
        metrics::gauge!("watchfire_bus_depth_messages").set(depth.messages as f64);
        depth
    }

    async fn lying(&self) -> u64 {
        let mut asked = self.depth.asked.lock().await;
        let before = match *asked {
            Some((at, messages)) if at.elapsed() < DEPTH_AGE_MAX => return messages,
            Some((_, messages)) => messages,
            None => 0,
        };
        let messages = match timeout(ANSWER_TIME_MAX, self.count()).await {
            Ok(Ok(messages)) => messages,
            Ok(Err(error)) => {
                tracing::debug!(error = format!("{error:#}"), "the depth of the bus cannot be asked for");
                before
            }
            Err(_) => before,
        };
        *asked = Some((Instant::now(), messages));
        messages
    }

    async fn count(&self) -> anyhow::Result<u64> {
        let channel = self.reading.link().await?.channel().await?;
        let passive = QueueDeclareOptions { passive: true, ..Default::default() };
        let mut messages = 0;
        for shard in 0..self.options.shards {
            let name = self.topology.hits(shard).into();
            let queue = channel.queue_declare(name, passive, FieldTable::default()).await?;
            messages += u64::from(queue.message_count());
        }
        channel.close(200, "asked".into()).await?;
        Ok(messages)
    }
}
