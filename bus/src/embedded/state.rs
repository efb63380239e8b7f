//! What the bus knows in memory, under one lock: what waits for the disk, its shards and segments.

use std::collections::VecDeque;
use std::time::Instant;

use tokio::sync::oneshot;

use super::journal::Appended;
use super::record::{self, Record};
use super::segment::Segment;
use super::shard::Shard;
use crate::{Depth, Message, Position};

/// Bytes of messages, over all shards, that wait in memory for their consumers; the rest is read back from disk.
pub const READY_BYTES_MAX: u64 = 16 << 20;
/// Bytes written as one group, or one message.
const GROUP_BYTES_MAX: u64 = 8 << 20;

#[derive(Default)]
pub struct State {
    /// Publishes that wait for the disk, in their order.
    pub waiting: VecDeque<Waiting>,
    pub waiting_bytes: u64,
    pub shards: Vec<Shard>,
    /// Floors of shards that there were once, beyond the present ones.
    pub floors_beyond: Vec<u64>,
    /// In order; the last one may be growing.
    pub segments: Vec<Segment>,
    /// When acknowledgements are to be written; None: all are.
    pub acks_due: Option<Instant>,
    /// Takes nothing more.
    pub closing: bool,
}

/// One publish that waits.
pub struct Waiting {
    pub shard: u16,
    pub message: Message,
    pub answer: oneshot::Sender<anyhow::Result<()>>,
}

impl State {
    /// Takes what is to be written next, in order.
    pub fn take_group(&mut self) -> Vec<Waiting> {
        let (mut count, mut bytes) = (0, 0);
        for waiting in &self.waiting {
            bytes += record::bytes_of(&waiting.message);
            if bytes > GROUP_BYTES_MAX && count > 0 {
                break;
            }
            count += 1;
        }
        self.waiting.drain(..count).collect()
    }

    /// Takes in a group that is durable now.
    pub fn commit(&mut self, group: &[Waiting], appended: Appended) {
        self.segments.extend(appended.begun);
        let segment = self.segments.last_mut().expect("a group was appended to a segment");
        segment.bytes += appended.bytes;
        for (position, waiting) in (appended.first.0..).zip(group) {
            segment.note(waiting.shard, position);
        }
        let mut room = READY_BYTES_MAX.saturating_sub(self.shards.iter().map(Shard::ready_bytes).sum());
        for (position, waiting) in (appended.first.0..).zip(group) {
            let shard = &mut self.shards[usize::from(waiting.shard)];
            let ready_before = shard.ready_bytes();
            let message = waiting.message.clone();
            shard.arrive(Record { shard: waiting.shard, position: Position(position), message }, room);
            room -= shard.ready_bytes() - ready_before;
        }
    }

    /// The group waits for the disk no longer.
    pub fn release(&mut self, group: &[Waiting]) {
        self.waiting_bytes -= group.iter().map(|waiting| record::bytes_of(&waiting.message)).sum::<u64>();
    }

    /// Segments that hold messages of a shard after a position, as far as they are durable.
    pub fn segments_after(&self, shard: u16, after: u64) -> Vec<Segment> {
        let holds = |segment: &&Segment| segment.last[usize::from(shard)] > after;
        self.segments.iter().filter(holds).cloned().collect()
    }

    /// How far each shard is acknowledged.
    pub fn floors(&self) -> Vec<u64> {
        self.shards.iter().map(Shard::floor).chain(self.floors_beyond.iter().copied()).collect()
    }

    pub fn depth(&self, bytes_max: u64) -> Depth {
        let messages = self.shards.iter().map(Shard::messages).sum();
        Depth { messages, bytes: self.unacknowledged_bytes(), bytes_max }
    }

    pub fn unacknowledged_bytes(&self) -> u64 {
        self.shards.iter().map(Shard::bytes).sum()
    }

    pub fn disk_bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }
}
