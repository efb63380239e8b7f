//! One shard: what was handed out, what is acknowledged, and what waits in memory. Does no I/O.

use std::collections::{BTreeSet, VecDeque};

use super::record::{self, Record};
use crate::{Delivery, Position};

/// All positions are of the journal; a shard has only some of them.
#[derive(Default)]
pub struct Shard {
    /// Some consumer holds it.
    pub taken: bool,
    /// Everything up to here is acknowledged or set aside.
    floor: u64,
    /// Everything up to here was handed out to the present consumer, or needs not be.
    cursor: u64,
    /// The highest that was ever handed out.
    seen: u64,
    /// The highest that is durable.
    last: u64,
    /// Set aside above the floor.
    set_aside: BTreeSet<u64>,
    /// Handed out and not acknowledged: position and bytes.
    in_flight: VecDeque<(u64, u64)>,
    /// Waits in memory: a run of messages that follows the cursor without a gap.
    ready: VecDeque<Record>,
    ready_bytes: u64,
    /// More than what is ready waits on disk, behind it.
    spilled: bool,
    messages: u64,
    bytes: u64,
}

/// What a consumer's next step is.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    Deliver,
    /// Read the journal for messages after this position.
    ReadAfter(u64),
    Wait,
}

impl Shard {
    /// A shard acknowledged up to `floor` in an earlier life.
    pub fn since(floor: u64) -> Shard {
        Shard { floor, cursor: floor, last: floor, ..Shard::default() }
    }

    /// Takes in a message found in the journal on opening. False: it is acknowledged.
    pub fn recall(&mut self, position: Position, bytes: u64, is_set_aside: bool) -> bool {
        if position.0 <= self.floor {
            return false;
        }
        self.last = position.0;
        self.spilled = true;
        if is_set_aside {
            self.set_aside.insert(position.0);
            return false;
        }
        self.messages += 1;
        self.bytes += bytes;
        true
    }

    /// Takes in a message that became durable; keeps it in memory where there is `room` and no gap.
    pub fn arrive(&mut self, record: Record, room: u64) {
        let bytes = record.bytes();
        self.last = record.position.0;
        self.messages += 1;
        self.bytes += bytes;
        if self.spilled || bytes > room {
            self.spilled = true;
            return;
        }
        self.ready_bytes += bytes;
        self.ready.push_back(record);
    }

    pub fn next(&self) -> Next {
        match (self.ready.is_empty(), self.spilled) {
            (false, _) => Next::Deliver,
            (true, true) => Next::ReadAfter(self.cursor),
            (true, false) => Next::Wait,
        }
    }

    /// Hands out what waits in memory.
    pub fn deliver(&mut self, max: usize) -> Vec<Delivery> {
        let count = self.ready.len().min(max);
        let records: Vec<Record> = self.ready.drain(..count).collect();
        self.ready_bytes -= records.iter().map(Record::bytes).sum::<u64>();
        records.into_iter().map(|record| self.hand_out(record)).collect()
    }

    /// Hands out what was read from the journal, which was read up to position `reached`. Where that is all there
    /// is, later messages are kept in memory again.
    pub fn deliver_read(&mut self, records: Vec<Record>, reached: u64) -> Vec<Delivery> {
        let wanted = records.into_iter().filter(|record| record.position.0 > self.cursor);
        let wanted: Vec<Record> =
            wanted.filter(|record| !self.set_aside.contains(&record.position.0)).collect();
        let deliveries = wanted.into_iter().map(|record| self.hand_out(record)).collect();
        self.cursor = self.cursor.max(reached);
        self.spilled = self.cursor < self.last;
        self.settle();
        deliveries
    }

    /// Acknowledges everything handed out up to `position`. False: it was not handed out.
    pub fn ack(&mut self, position: Position) -> bool {
        if position.0 > self.cursor {
            return false;
        }
        while let Some(&(oldest, bytes)) = self.in_flight.front()
            && oldest <= position.0
        {
            self.in_flight.pop_front();
            self.acknowledge(bytes);
        }
        self.settle();
        true
    }

    /// Whether this message was handed out and is not acknowledged.
    pub fn is_in_flight(&self, position: Position) -> bool {
        self.find_in_flight(position).is_some()
    }

    /// Acknowledges one message alone.
    pub fn set_aside(&mut self, position: Position) {
        let Some(index) = self.find_in_flight(position) else {
            return;
        };
        if let Some((_, bytes)) = self.in_flight.remove(index) {
            self.acknowledge(bytes);
        }
        self.set_aside.insert(position.0);
        self.settle();
    }

    /// The consumer is gone: what it did not acknowledge waits again.
    pub fn give_back(&mut self) {
        self.taken = false;
        if self.in_flight.is_empty() {
            return;
        }
        self.in_flight.clear();
        self.ready.clear();
        self.ready_bytes = 0;
        self.cursor = self.floor;
        self.spilled = true;
    }

    /// Everything up to here needs never be delivered again.
    pub fn floor(&self) -> u64 {
        self.floor
    }

    pub fn last(&self) -> u64 {
        self.last
    }

    pub fn messages(&self) -> u64 {
        self.messages
    }

    /// Bytes in the journal of what is not acknowledged.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    pub fn ready_bytes(&self) -> u64 {
        self.ready_bytes
    }

    fn hand_out(&mut self, record: Record) -> Delivery {
        let Record { position, message, .. } = record;
        self.in_flight.push_back((position.0, record::bytes_of(&message)));
        self.cursor = position.0;
        let redelivered = position.0 <= self.seen;
        self.seen = self.seen.max(position.0);
        Delivery { position, message, redelivered }
    }

    fn acknowledge(&mut self, bytes: u64) {
        self.messages = self.messages.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(bytes);
    }

    /// Raises the floor to below the oldest message that is out.
    fn settle(&mut self) {
        self.floor = self.in_flight.front().map_or(self.cursor, |&(oldest, _)| oldest - 1);
        if self.floor == self.last {
            // What a damaged disk lost of the shard waits no longer.
            (self.messages, self.bytes) = (0, 0);
        }
        self.set_aside = self.set_aside.split_off(&(self.floor + 1));
    }

    fn find_in_flight(&self, position: Position) -> Option<usize> {
        self.in_flight.binary_search_by_key(&position.0, |&(position, _)| position).ok()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use model::BatchId;

    use super::*;
    use crate::Message;

    const ROOM: u64 = 1 << 20;

    fn record(position: u64) -> Record {
        let message = Message { id: BatchId(position.into()), body: Bytes::from_static(b"hits") };
        Record { shard: 0, position: Position(position), message }
    }

    fn with(positions: &[u64]) -> Shard {
        let mut shard = Shard::default();
        positions.iter().for_each(|&position| shard.arrive(record(position), ROOM));
        shard
    }

    fn positions(deliveries: &[Delivery]) -> Vec<u64> {
        deliveries.iter().map(|delivery| delivery.position.0).collect()
    }

    #[test]
    fn a_floor_stands_below_the_oldest_message_that_is_out() {
        let mut shard = with(&[3, 5, 9]);
        shard.deliver(10);
        assert!(shard.ack(Position(3)));
        assert_eq!(shard.floor(), 4);
        shard.set_aside(Position(9));
        assert_eq!((shard.floor(), shard.messages()), (4, 1));
        shard.set_aside(Position(5));
        assert_eq!((shard.floor(), shard.messages(), shard.bytes()), (9, 0, 0));
    }

    #[test]
    fn without_room_the_rest_is_read_from_the_journal_until_all_was_read() {
        let mut shard = with(&[1]);
        shard.arrive(record(2), 0);
        shard.arrive(record(3), ROOM);
        assert_eq!(positions(&shard.deliver(10)), [1]);
        assert_eq!(shard.next(), Next::ReadAfter(1));
        assert_eq!(positions(&shard.deliver_read(vec![record(2)], 2)), [2]);
        assert_eq!(shard.next(), Next::ReadAfter(2));
        assert_eq!(positions(&shard.deliver_read(vec![record(3)], 3)), [3]);
        assert_eq!(shard.next(), Next::Wait);
        shard.arrive(record(4), ROOM);
        assert_eq!(shard.next(), Next::Deliver);
        assert_eq!((shard.messages(), shard.ready_bytes()), (4, record(4).bytes()));
    }

    #[test]
    fn what_was_given_back_comes_again_without_what_was_set_aside() {
        let mut shard = with(&[1, 2, 3]);
        shard.deliver(2);
        shard.set_aside(Position(2));
        shard.give_back();
        assert_eq!(shard.next(), Next::ReadAfter(0));
        let again = shard.deliver_read(vec![record(1), record(2), record(3)], 3);
        assert_eq!(positions(&again), [1, 3]);
        assert_eq!(again.iter().map(|delivery| delivery.redelivered).collect::<Vec<_>>(), [true, false]);
        assert_eq!(shard.messages(), 2);
    }

    #[test]
    fn what_the_disk_lost_is_not_waited_for() {
        let mut shard = Shard::since(4);
        assert!(!shard.recall(Position(4), 10, false));
        assert!(shard.recall(Position(6), 10, false));
        assert!(shard.recall(Position(8), 10, false));
        shard.deliver_read(vec![record(8)], 8);
        assert!(shard.ack(Position(8)));
        assert_eq!((shard.messages(), shard.bytes(), shard.floor()), (0, 0, 8));
    }

    #[test]
    fn what_was_not_handed_out_cannot_be_acknowledged() {
        let mut shard = with(&[1, 2]);
        shard.deliver(1);
        assert!(!shard.ack(Position(2)));
        assert!(shard.ack(Position(1)));
        assert!(shard.ack(Position(1)), "again");
        assert!(!shard.is_in_flight(Position(1)));
    }
}
