//! What is on its way in a world: every message that a collector published and no processor has acknowledged yet,
//! whichever bus carries it and however many processes there are.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use bus::{
    Bus, ConsumeError, Consumer, DeadLetter, Decide, Delivery, Depth, Message, Position, PublishError,
};
use model::BatchId;

/// Kept by every process of a world. Cheap to clone.
#[derive(Clone, Default)]
pub struct Ledger(Arc<Mutex<HashSet<BatchId>>>);

impl Ledger {
    /// Everything that was published is acknowledged: it is in history, and live was told.
    pub fn is_settled(&self) -> bool {
        self.open().is_empty()
    }

    /// `bus`, with this ledger kept.
    pub fn over(&self, bus: Arc<dyn Bus>) -> Arc<dyn Bus> {
        Arc::new(Counted { bus, ledger: self.clone() })
    }

    fn open(&self) -> MutexGuard<'_, HashSet<BatchId>> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

struct Counted {
    bus: Arc<dyn Bus>,
    ledger: Ledger,
}

#[async_trait]
impl Bus for Counted {
    fn shards(&self) -> u16 {
        self.bus.shards()
    }

    async fn publish(&self, shard: u16, message: Message) -> Result<(), PublishError> {
        // Before it is: it may be acknowledged before this is told.
        let id = message.id;
        self.ledger.open().insert(id);
        let published = self.bus.publish(shard, message).await;
        if published.is_err() {
            self.ledger.open().remove(&id);
        }
        published
    }

    async fn consume(&self, shard: u16) -> Result<Box<dyn Consumer>, ConsumeError> {
        let consumer = self.bus.consume(shard).await?;
        Ok(Box::new(CountedConsumer { consumer, ledger: self.ledger.clone(), out: VecDeque::new() }))
    }

    async fn depth(&self) -> Depth {
        self.bus.depth().await
    }

    async fn dead_letters(&self, limit: usize) -> anyhow::Result<Vec<DeadLetter>> {
        self.bus.dead_letters(limit).await
    }

    async fn sort_dead_letters(&self, limit: usize, decide: &mut Decide<'_>) -> anyhow::Result<usize> {
        self.bus.sort_dead_letters(limit, decide).await
    }

    async fn close(&self) {
        self.bus.close().await;
    }
}

struct CountedConsumer {
    consumer: Box<dyn Consumer>,
    ledger: Ledger,
    /// Delivered and not acknowledged, in order.
    out: VecDeque<(Position, BatchId)>,
}

#[async_trait]
impl Consumer for CountedConsumer {
    async fn next(&mut self, max: usize) -> anyhow::Result<Vec<Delivery>> {
        let deliveries = self.consumer.next(max).await?;
        self.out.extend(deliveries.iter().map(|delivery| (delivery.position, delivery.message.id)));
        Ok(deliveries)
    }

    async fn ack(&mut self, position: Position) -> anyhow::Result<()> {
        self.consumer.ack(position).await?;
        let count = self.out.partition_point(|&(out, _)| out <= position);
        let mut open = self.ledger.open();
        for (_, id) in self.out.drain(..count) {
            open.remove(&id);
        }
        Ok(())
    }

    async fn reject(&mut self, position: Position, reason: &str) -> anyhow::Result<()> {
        self.consumer.reject(position, reason).await?;
        if let Some(place) = self.out.iter().position(|&(out, _)| out == position)
            && let Some((_, id)) = self.out.remove(place)
        {
            self.ledger.open().remove(&id);
        }
        Ok(())
    }
}
