//! The dead letters' queue: read without taking, sent again, or dropped. Every letter is got each time, and all are
//! given back at once: RabbitMQ puts what comes back behind what came back before, so a few would change the order.

use bytes::Bytes;
use lapin::options::{BasicAckOptions, BasicGetOptions};
use lapin::{BasicProperties, Channel};
use tokio::time::timeout;

use super::{ANSWER_TIME_MAX, AmqpBus, Shared, envelope};
use crate::DeadLetter;

/// What becomes of a dead letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Keep,
    /// Back to the end of its shard, without its reason.
    Requeue,
    Drop,
}

/// One letter got from the queue, and not yet acknowledged.
struct Got {
    tag: u64,
    letter: DeadLetter,
}

impl AmqpBus {
    /// Asks `decide` about each dead letter, oldest first, at most `limit`, and returns how many were requeued or
    /// dropped. A letter is sent again before it leaves the dead letters: killed in between, it is in both.
    pub async fn sort_dead_letters(
        &self,
        limit: usize,
        mut decide: impl FnMut(&DeadLetter) -> Fate,
    ) -> anyhow::Result<usize> {
        let shared = &self.shared;
        let channel = shared.reading.link().await?.channel().await?;
        let (mut seen, mut sorted) = (0, 0);
        while let Some(got) = shared.get(&channel).await? {
            seen += 1;
            let fate = if seen <= limit { decide(&got.letter) } else { Fate::Keep };
            match fate {
                Fate::Keep => continue,
                Fate::Drop => {}
                Fate::Requeue => shared.requeue(got.letter).await?,
            }
            channel.basic_ack(got.tag, BasicAckOptions::default()).await?;
            sorted += 1;
        }
        give_back(&channel).await?;
        Ok(sorted)
    }
}

impl Shared {
    pub(super) async fn read_dead_letters(&self, limit: usize) -> anyhow::Result<Vec<DeadLetter>> {
        let channel = self.reading.link().await?.channel().await?;
        let mut letters = Vec::new();
        while let Some(got) = self.get(&channel).await? {
            if letters.len() < limit {
                letters.push(got.letter);
            }
        }
        give_back(&channel).await?;
        Ok(letters)
    }

    /// Durable when it returns.
    pub(super) async fn set_aside(
        &self,
        shard: u16,
        properties: BasicProperties,
        body: Bytes,
        reason: &str,
    ) -> anyhow::Result<()> {
        self.send(envelope::dead(&self.topology, shard, properties, body, reason)).await?;
        metrics::counter!("watchfire_bus_dead_letters_total").increment(1);
        Ok(())
    }

    async fn get(&self, channel: &Channel) -> anyhow::Result<Option<Got>> {
        let queue = self.topology.dead_letters().into();
        let got = timeout(ANSWER_TIME_MAX, channel.basic_get(queue, BasicGetOptions::default())).await??;
        Ok(got.map(|message| {
            let delivery = message.delivery;
            let body = Bytes::from(delivery.data);
            let letter = envelope::read_dead(&self.topology, &delivery.properties, body);
            Got { tag: delivery.delivery_tag, letter }
        }))
    }

    async fn requeue(&self, letter: DeadLetter) -> anyhow::Result<()> {
        anyhow::ensure!(letter.shard < self.options.shards, "there is no shard {}", letter.shard);
        Ok(self.send(envelope::hits(&self.topology, letter.shard, letter.message)).await?)
    }
}

/// What was got and not acknowledged goes back to where it lay.
async fn give_back(channel: &Channel) -> anyhow::Result<()> {
    Ok(timeout(ANSWER_TIME_MAX, channel.close(200, "read".into())).await??)
}
