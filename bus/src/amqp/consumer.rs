//! The consumer of one shard: a channel of its own on the reading connection, with the queue's only consumer.
//!
//! The queue has a single active consumer, so that two never get messages at once, whatever breaks. But RabbitMQ
//! lets others stand by without telling them. So who wants to join looks whether the queue has a consumer, and then
//! takes the shard's lock: an exclusive queue, which RabbitMQ keeps for one connection, and as long as that lives.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow, bail, ensure};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{FutureExt, StreamExt};
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicQosOptions, QueueDeclareOptions, QueueDeleteOptions,
};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, ErrorKind};
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep, timeout};

use super::holds::{Hold, Taking};
use super::link::Link;
use super::{ANSWER_TIME_MAX, Shared, envelope};
use crate::{ConsumeError, Consumer, Delivery, Message, Position};

/// A consumer that has just gone may still be on the queue for a moment: it is waited for so long.
const TAKEN_AFTER: Duration = Duration::from_millis(400);
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(40);

struct AmqpConsumer {
    shared: Arc<Shared>,
    shard: u16,
    /// None once it is dropped.
    line: Option<Line>,
    /// The highest position handed out.
    handed: u64,
    /// Handed out and not acknowledged, in order.
    out: VecDeque<(u64, Message)>,
    /// Delivered, but no message of ours: to be set aside.
    foreign: VecDeque<Foreign>,
    /// Why the stream ended, told by the next call.
    ended: Option<anyhow::Error>,
}

/// The way to the broker.
struct Line {
    link: Arc<Link>,
    channel: Channel,
    /// None until it has joined.
    deliveries: Option<lapin::Consumer>,
    /// The shard's lock may be this connection's.
    is_locked: bool,
    hold: Hold,
}

#[derive(Clone)]
struct Foreign {
    tag: u64,
    properties: BasicProperties,
    body: Bytes,
    reason: String,
}

pub async fn consume(shared: &Arc<Shared>, shard: u16) -> Result<Box<dyn Consumer>, ConsumeError> {
    let hold = match shared.holds.take(shard).await {
        Taking::Held(hold) => hold,
        Taking::Taken => return Err(ConsumeError::Taken(shard)),
        Taking::NoSuchShard => return Err(ConsumeError::NoSuchShard(shard)),
    };
    // On a task of its own: whoever stops waiting half way leaves no lock behind.
    let joined = tokio::spawn(join(Arc::clone(shared), shard, hold)).await;
    joined.unwrap_or_else(|error| Err(ConsumeError::Unavailable(error.into())))
}

async fn join(shared: Arc<Shared>, shard: u16, hold: Hold) -> Result<Box<dyn Consumer>, ConsumeError> {
    let link = shared.reading.link().await.map_err(ConsumeError::Unavailable)?;
    let channel = timeout(ANSWER_TIME_MAX, link.channel()).await;
    let channel = match channel {
        Ok(channel) => channel.map_err(|error| ConsumeError::Unavailable(error.into()))?,
        Err(_) => return Err(ConsumeError::Unavailable(anyhow!("RabbitMQ did not answer in time"))),
    };
    let mut line = Line { link, channel, deliveries: None, is_locked: false, hold };
    let joined = timeout(ANSWER_TIME_MAX, join_alone(&shared, shard, &mut line)).await;
    let joined = joined.unwrap_or_else(|_| Err(anyhow!("RabbitMQ did not answer in time")));
    match joined {
        Ok(true) => Ok(Box::new(AmqpConsumer {
            shared,
            shard,
            line: Some(line),
            handed: 0,
            out: VecDeque::new(),
            foreign: VecDeque::new(),
            ended: None,
        })),
        Ok(false) => {
            leave(&shared, shard, &line).await;
            Err(ConsumeError::Taken(shard))
        }
        Err(error) => {
            leave(&shared, shard, &line).await;
            Err(ConsumeError::Unavailable(error))
        }
    }
}

/// False: another consumer is there, and stays.
async fn join_alone(shared: &Shared, shard: u16, line: &mut Line) -> anyhow::Result<bool> {
    let end = Instant::now() + TAKEN_AFTER;
    loop {
        if try_to_join(shared, shard, line).await? {
            return Ok(true);
        }
        if Instant::now() >= end {
            return Ok(false);
        }
        // Drawn, so that two who saw each other do not step back in step.
        sleep(LOOK_AGAIN_AFTER.mul_f64(0.5 + fastrand::f64())).await;
    }
}

async fn try_to_join(shared: &Shared, shard: u16, line: &mut Line) -> anyhow::Result<bool> {
    let queue = shared.topology.hits(shard);
    // First without the lock: RabbitMQ logs each attempt at one that is held.
    if consumers(&line.channel, &queue).await? > 0 {
        return Ok(false);
    }
    // Also where the answer is never heard.
    line.is_locked = true;
    line.is_locked = shared.lock(&line.link, shard).await?;
    if !line.is_locked {
        return Ok(false);
    }
    if consumers(&line.channel, &queue).await? > 0 {
        shared.unlock(&line.link, shard).await?;
        line.is_locked = false;
        return Ok(false);
    }
    line.channel.basic_qos(shared.options.prefetch, BasicQosOptions::default()).await?;
    let (tag, options) = (format!("shard-{shard}"), BasicConsumeOptions::default());
    let deliveries =
        line.channel.basic_consume(queue.as_str().into(), tag.into(), options, FieldTable::default());
    line.deliveries = Some(deliveries.await?);
    Ok(true)
}

impl Shared {
    /// False: another connection has it.
    async fn lock(&self, link: &Link, shard: u16) -> anyhow::Result<bool> {
        let channel = link.channel().await?;
        let exclusive = QueueDeclareOptions { exclusive: true, ..Default::default() };
        let name = self.topology.lock(shard).into();
        match channel.queue_declare(name, exclusive, FieldTable::default()).await {
            Ok(_) => Ok(true),
            Err(error) if is_locked(&error) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    async fn unlock(&self, link: &Link, shard: u16) -> lapin::Result<()> {
        let channel = link.channel().await?;
        let name = self.topology.lock(shard).into();
        match channel.queue_delete(name, QueueDeleteOptions::default()).await {
            Ok(_) => channel.close(200, "unlocked".into()).await,
            // It was never ours.
            Err(error) if is_locked(&error) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// RESOURCE_LOCKED, as AMQP 0-9-1 numbers it.
fn is_locked(error: &lapin::Error) -> bool {
    matches!(error.kind(), ErrorKind::ProtocolError(said) if said.get_id() == 405)
}

async fn consumers(channel: &Channel, queue: &str) -> lapin::Result<u32> {
    let passive = QueueDeclareOptions { passive: true, ..Default::default() };
    let queue = channel.queue_declare(queue.into(), passive, FieldTable::default()).await?;
    Ok(queue.consumer_count())
}

/// Closes the channel, then gives the lock back. Not by cancelling the consumer first, as dropping it would: RabbitMQ would make
/// the next consumer active before it takes back what this one has, and older messages would come after newer.
///
/// A lock that cannot be given back would keep the shard from everybody as long as the connection lives: then that is cut.
async fn leave(shared: &Shared, shard: u16, line: &Line) {
    line.hold.leave();
    let goodbye = async {
        // RabbitMQ may have ended it already.
        drop(line.channel.close(200, "left".into()).await);
        if line.is_locked { shared.unlock(&line.link, shard).await } else { Ok(()) }
    };
    match timeout(ANSWER_TIME_MAX, goodbye).await {
        Ok(Ok(())) => return,
        Ok(Err(error)) if !line.link.is_up() => {
            tracing::debug!(%error, "a consumer's connection was gone before its goodbye");
        }
        Ok(Err(error)) => {
            tracing::warn!(%error, shard, "a shard's lock is not given back, the connection is cut")
        }
        Err(_) => {
            tracing::warn!(shard, "RabbitMQ did not answer a consumer's goodbye, the connection is cut")
        }
    }
    line.link.cut();
}

impl AmqpConsumer {
    fn line(&mut self) -> anyhow::Result<&mut Line> {
        ensure!(!self.shared.reading.is_closed(), "the bus is closed");
        self.line.as_mut().context("the consumer is gone")
    }

    /// Waits for one delivery. An error: there will be none.
    async fn arrival(&mut self) -> anyhow::Result<lapin::message::Delivery> {
        let shared = Arc::clone(&self.shared);
        let deliveries = self.line()?.deliveries.as_mut().context("the consumer is gone")?;
        tokio::select! {
            biased;
            () = shared.reading.closing() => bail!("the bus is closed"),
            arrival = deliveries.next() => match arrival {
                Some(delivery) => Ok(delivery?),
                None => bail!("RabbitMQ ended the consumer"),
            },
        }
    }

    /// What has arrived already.
    fn arrived(&mut self) -> Option<lapin::message::Delivery> {
        let deliveries = self.line.as_mut()?.deliveries.as_mut()?;
        match deliveries.next().now_or_never()? {
            Some(Ok(delivery)) => Some(delivery),
            Some(Err(error)) => {
                self.ended = Some(error.into());
                None
            }
            None => {
                self.ended = Some(anyhow!("RabbitMQ ended the consumer"));
                None
            }
        }
    }

    fn hand_out(&mut self, arrived: lapin::message::Delivery, deliveries: &mut Vec<Delivery>) {
        let lapin::message::Delivery { delivery_tag: tag, redelivered, properties, data, .. } = arrived;
        let body = Bytes::from(data);
        match envelope::read(&properties, body.clone()) {
            Ok(message) => {
                self.handed = tag;
                self.shared.depth.weigh(message.body.len());
                self.shared.depth.hand_out(1);
                self.out.push_back((tag, message.clone()));
                deliveries.push(Delivery { position: Position(tag), message, redelivered });
            }
            Err(reason) => self.foreign.push_back(Foreign { tag, properties, body, reason }),
        }
    }

    async fn set_foreign_aside(&mut self) -> anyhow::Result<()> {
        while let Some(Foreign { tag, properties, body, reason }) = self.foreign.front().cloned() {
            tracing::error!(shard = self.shard, %reason, "a message that is none of ours is set aside");
            self.shared.set_aside(self.shard, properties, body, &reason).await?;
            self.acknowledge(tag, false).await?;
            self.foreign.pop_front();
        }
        Ok(())
    }

    async fn acknowledge(&mut self, tag: u64, multiple: bool) -> anyhow::Result<()> {
        let channel = self.line()?.channel.clone();
        let acknowledged = channel.basic_ack(tag, BasicAckOptions { multiple });
        Ok(timeout(ANSWER_TIME_MAX, acknowledged).await.context("RabbitMQ takes no acknowledgement")??)
    }
}

#[async_trait]
impl Consumer for AmqpConsumer {
    async fn next(&mut self, max: usize) -> anyhow::Result<Vec<Delivery>> {
        let mut deliveries = Vec::new();
        while deliveries.is_empty() {
            self.set_foreign_aside().await?;
            if let Some(ended) = self.ended.take() {
                return Err(ended);
            }
            let first = self.arrival().await?;
            self.hand_out(first, &mut deliveries);
            while deliveries.len() < max
                && let Some(more) = self.arrived()
            {
                self.hand_out(more, &mut deliveries);
            }
        }
        Ok(deliveries)
    }

    async fn ack(&mut self, position: Position) -> anyhow::Result<()> {
        self.line()?;
        ensure!(position.0 <= self.handed, "message {} was not delivered", position.0);
        let count = self.out.partition_point(|&(tag, _)| tag <= position.0);
        // RabbitMQ takes the tag of an acknowledged message for a mistake and ends the channel.
        let Some(&(last, _)) = count.checked_sub(1).and_then(|last| self.out.get(last)) else {
            return Ok(());
        };
        self.set_foreign_aside().await?;
        self.acknowledge(last, true).await?;
        self.out.drain(..count);
        self.shared.depth.settle(count);
        Ok(())
    }

    async fn reject(&mut self, position: Position, reason: &str) -> anyhow::Result<()> {
        self.line()?;
        let found = self.out.binary_search_by_key(&position.0, |&(tag, _)| tag);
        let Some((tag, message)) = found.ok().and_then(|index| self.out.get(index)).cloned() else {
            bail!("message {} was not delivered, or is acknowledged", position.0);
        };
        let properties = envelope::properties(message.id);
        self.shared.set_aside(self.shard, properties, message.body, reason).await?;
        self.acknowledge(tag, false).await?;
        self.out.retain(|&(out, _)| out != tag);
        self.shared.depth.settle(1);
        Ok(())
    }
}

impl Drop for AmqpConsumer {
    fn drop(&mut self) {
        let Some(line) = self.line.take() else {
            return;
        };
        // Whoever asks from now on waits for the goodbye.
        line.hold.leave();
        let (shared, shard, out) = (Arc::clone(&self.shared), self.shard, self.out.len());
        let Ok(runtime) = Handle::try_current() else {
            return line.link.cut();
        };
        runtime.spawn(async move {
            leave(&shared, shard, &line).await;
            shared.depth.settle(out);
            drop(line);
        });
    }
}
