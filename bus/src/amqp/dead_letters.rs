//! The dead letters' queue: read without taking, sent again, or dropped. Every letter is got each time, and all are
//! given back at once: RabbitMQ puts what comes back behind what came back before, so a few would change the order.

use bytes::Bytes;
use lapin::options::{BasicAckOptions, BasicGetOptions};
use lapin::{BasicProperties, Channel};
use tokio::time::timeout;

use super::{ANSWER_TIME_MAX, Shared, envelope};
use crate::{DeadLetter, Decide, Fate};

/// One letter got from the queue, and not yet acknowledged.
struct Got {
    tag: u64,
    letter: DeadLetter,
}

impl Shared {
    /// All are got before the first is sent again: one that comes back at once is not met twice.
    pub(super) async fn sort_dead_letters(
        &self,
        limit: usize,
        decide: &mut Decide<'_>,
    ) -> anyhow::Result<usize> {
        let channel = self.reading.link().await?.channel().await?;
        let mut oldest = Vec::new();
        while let Some(got) = self.get(&channel).await? {
            if oldest.len() < limit {
                oldest.push(got);
            }
        }
        let sorted = self.sort(&channel, oldest, decide).await;
        give_back(&channel).await?;
        sorted
    }

    async fn sort(
        &self,
        channel: &Channel,
        letters: Vec<Got>,
        decide: &mut Decide<'_>,
    ) -> anyhow::Result<usize> {
        let mut sorted = 0;
        for Got { tag, letter } in letters {
            match decide(&letter) {
                Fate::Keep => continue,
                Fate::Drop => {}
                Fate::Requeue => self.requeue(letter).await?,
            }
            channel.basic_ack(tag, BasicAckOptions::default()).await?;
            sorted += 1;
        }
        Ok(sorted)
    }

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
