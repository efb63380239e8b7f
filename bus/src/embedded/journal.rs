//! The end of the journal that grows: appends a group of messages with one write and one sync.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use anyhow::Context;

use super::record;
use super::segment::Segment;
use crate::{Message, Position};

/// Bytes of the encoding buffer that are kept between groups.
const BUFFER_BYTES_KEPT: usize = 1 << 20;

pub struct Journal {
    folder: PathBuf,
    shards: u16,
    /// A segment that has reached this takes no more.
    segment_bytes: u64,
    active: Option<Active>,
    /// Given to the next message; never given twice, not even after a failure.
    next_position: u64,
    buffer: Vec<u8>,
}

struct Active {
    /// As in `Segment`.
    first: u64,
    file: File,
    bytes: u64,
}

/// What an append did.
pub struct Appended {
    /// Where the group's first message stands; the others follow by one.
    pub first: Position,
    /// A segment that was begun for the group, and took it.
    pub begun: Option<Segment>,
    /// Bytes that the group took.
    pub bytes: u64,
}

impl Journal {
    /// Goes on in `newest`, where there is one, and gives positions from `next_position` on.
    pub fn resume(
        folder: PathBuf,
        shards: u16,
        segment_bytes: u64,
        newest: Option<&Segment>,
        next_position: u64,
    ) -> anyhow::Result<Journal> {
        let active = newest.map(|segment| -> std::io::Result<Active> {
            let file = File::options().write(true).open(&segment.path)?;
            Ok(Active { first: segment.first, file, bytes: segment.bytes })
        });
        let active = active.transpose()?;
        Ok(Journal { folder, shards, segment_bytes, active, next_position, buffer: Vec::new() })
    }

    /// Durable when it returns. After an error nothing of the group is in the journal, or at most, where the disk
    /// does not even cut, whole records of it; the next group goes to a new segment.
    pub fn append<'m>(
        &mut self,
        group: impl Iterator<Item = (u16, &'m Message)>,
    ) -> anyhow::Result<Appended> {
        let first = Position(self.next_position);
        self.buffer.clear();
        for (shard, message) in group {
            record::append(&mut self.buffer, shard, Position(self.next_position), message);
            self.next_position += 1;
        }
        let begun = self.make_room(first)?;
        let active = self.active.as_mut().context("a segment was just made sure of")?;
        if let Err(error) = write(&active.file, &self.buffer, active.bytes) {
            self.retire();
            remove_unused(begun);
            return Err(error).context("cannot write the journal");
        }
        let bytes = self.buffer.len() as u64;
        active.bytes += bytes;
        self.buffer.shrink_to(BUFFER_BYTES_KEPT);
        Ok(Appended { first, begun, bytes })
    }

    /// Lets go of the active segment: the next group begins another one.
    pub fn leave_segment(&mut self) {
        self.active = None;
    }

    /// The first position of the segment that grows.
    pub fn growing(&self) -> Option<u64> {
        self.active.as_ref().map(|active| active.first)
    }

    fn make_room(&mut self, first: Position) -> anyhow::Result<Option<Segment>> {
        if self.active.as_ref().is_some_and(|active| active.bytes < self.segment_bytes) {
            return Ok(None);
        }
        let (segment, file) = Segment::create(&self.folder, first.0, self.shards)?;
        self.active = Some(Active { first: segment.first, file, bytes: segment.bytes });
        Ok(Some(segment))
    }

    /// Cuts what was half written, and never writes there again: after a failed sync nobody knows what the disk has.
    fn retire(&mut self) {
        let Some(Active { file, bytes, .. }) = self.active.take() else {
            return;
        };
        if let Err(error) = file.set_len(bytes).and_then(|()| file.sync_data()) {
            tracing::error!(%error, "cannot cut what was half written; its checksum tells it on the next start");
        }
    }
}

fn write(file: &File, bytes: &[u8], at: u64) -> std::io::Result<()> {
    file.write_all_at(bytes, at)?;
    file.sync_data()
}

fn remove_unused(begun: Option<Segment>) {
    if let Some(segment) = begun {
        drop(std::fs::remove_file(segment.path));
    }
}
