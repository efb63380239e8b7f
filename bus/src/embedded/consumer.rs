//! The consumer of one shard: from memory while it keeps up, from disk while it is behind.

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, bail, ensure};
use async_trait::async_trait;

use super::Shared;
use super::backlog::{Backlog, Chunk};
use super::record::Record;
use super::segment::Segment;
use super::shard::{Next, Shard};
use super::state::State;
use super::writer::ACKS_GATHER;
use crate::{Consumer, Delivery, Position};

pub struct EmbeddedConsumer {
    shared: Arc<Shared>,
    shard: u16,
    /// None while the disk is being read, and after a read that was given up.
    backlog: Option<Backlog>,
}

/// What to do next, decided under the lock.
enum Step {
    Deliver(Vec<Delivery>),
    Read { segments: Vec<Segment>, after: u64, last: u64 },
    Wait,
}

impl EmbeddedConsumer {
    pub fn of(shared: Arc<Shared>, shard: u16) -> EmbeddedConsumer {
        EmbeddedConsumer { shared, shard, backlog: None }
    }

    fn step(&self, max: usize) -> anyhow::Result<Step> {
        self.with_shard(|state, shard| match state.shards[shard].next() {
            Next::Deliver => Step::Deliver(state.shards[shard].deliver(max)),
            Next::Wait => Step::Wait,
            Next::ReadAfter(after) => {
                let segments = state.segments_after(self.shard, after);
                Step::Read { segments, after, last: state.shards[shard].last() }
            }
        })
    }

    async fn read(
        &mut self,
        segments: Vec<Segment>,
        after: u64,
        last: u64,
        max: usize,
    ) -> anyhow::Result<Chunk> {
        let mut backlog = self.backlog.take().unwrap_or_else(|| Backlog::of(self.shard));
        let read = tokio::task::spawn_blocking(move || {
            let chunk = backlog.read(&segments, after, last, max);
            (backlog, chunk)
        });
        let (backlog, chunk) = read.await?;
        self.backlog = Some(backlog);
        chunk.context("cannot read the journal")
    }

    /// Fails once the bus is closed: nothing could be acknowledged durably.
    fn with_shard<T>(&self, work: impl FnOnce(&mut State, usize) -> T) -> anyhow::Result<T> {
        let mut state = self.shared.state.lock();
        ensure!(!*self.shared.ended.borrow(), "the bus is closed");
        Ok(work(&mut state, usize::from(self.shard)))
    }

    /// Changes what is acknowledged, and has it written before long.
    fn acknowledge(&self, change: impl FnOnce(&mut Shard) -> bool) -> anyhow::Result<bool> {
        let (changed, wakes) = self.with_shard(|state, shard| {
            let changed = change(&mut state.shards[shard]);
            let wakes = changed && state.acks_due.is_none();
            if wakes {
                state.acks_due = Some(Instant::now() + ACKS_GATHER);
            }
            (changed, wakes)
        })?;
        if wakes {
            self.shared.work.notify_one();
        }
        Ok(changed)
    }

    async fn find(&mut self, position: Position) -> anyhow::Result<Record> {
        let segments = self.with_shard(|state, shard| {
            let is_out = state.shards[shard].is_in_flight(position);
            is_out.then(|| state.segments_after(self.shard, position.0 - 1))
        })?;
        let Some(segments) = segments else {
            bail!("message {} was not delivered, or is acknowledged", position.0);
        };
        let chunk = self.read(segments, position.0 - 1, position.0, 1).await?;
        let found = chunk.records.into_iter().find(|record| record.position == position);
        found.with_context(|| format!("message {} cannot be read back", position.0))
    }
}

#[async_trait]
impl Consumer for EmbeddedConsumer {
    async fn next(&mut self, max: usize) -> anyhow::Result<Vec<Delivery>> {
        let max = max.max(1);
        loop {
            match self.step(max)? {
                Step::Deliver(deliveries) => return Ok(deliveries),
                Step::Wait => self.shared.arrivals[usize::from(self.shard)].notified().await,
                Step::Read { segments, after, last } => {
                    let Chunk { records, reached } = self.read(segments, after, last, max).await?;
                    let deliver =
                        |state: &mut State, shard: usize| state.shards[shard].deliver_read(records, reached);
                    let deliveries = self.with_shard(deliver)?;
                    if !deliveries.is_empty() {
                        return Ok(deliveries);
                    }
                }
            }
        }
    }

    async fn ack(&mut self, position: Position) -> anyhow::Result<()> {
        let delivered = self.acknowledge(|shard| shard.ack(position))?;
        ensure!(delivered, "message {} was not delivered", position.0);
        Ok(())
    }

    async fn reject(&mut self, position: Position, reason: &str) -> anyhow::Result<()> {
        let record = self.find(position).await?;
        let (shared, reason) = (Arc::clone(&self.shared), reason.to_owned());
        tokio::task::spawn_blocking(move || shared.letters.lock().add(&record, &reason)).await??;
        metrics::counter!("watchfire_bus_dead_letters_total").increment(1);
        let set_aside = |shard: &mut Shard| {
            shard.set_aside(position);
            true
        };
        self.acknowledge(set_aside).map(drop)
    }
}

impl Drop for EmbeddedConsumer {
    fn drop(&mut self) {
        self.shared.state.lock().shards[usize::from(self.shard)].give_back();
    }
}
