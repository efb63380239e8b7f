//! Reads a shard's messages back from the journal, for a consumer that is behind what memory keeps.

use std::path::PathBuf;

use super::record::Record;
use super::records::{Found, Records};
use super::segment::{HEADER_BYTES, Segment};

/// Bytes of messages read for one delivery; at least one message comes, whatever its size.
const READ_BYTES_MAX: u64 = 1 << 20;

/// Remembers where it stands between calls. Every shard's messages stand in one journal, so a shard that is far
/// behind reads past the others'.
pub struct Backlog {
    shard: u16,
    open: Option<(PathBuf, Records)>,
    /// The shard's messages up to here were read.
    reached: u64,
}

/// What was read.
pub struct Chunk {
    pub records: Vec<Record>,
    /// Every message of the shard up to here was read.
    pub reached: u64,
}

impl Backlog {
    pub fn of(shard: u16) -> Backlog {
        Backlog { shard, open: None, reached: 0 }
    }

    /// At most `max` of the shard's messages after `after`. `segments`: those with such messages, in order; `last`:
    /// the shard's last position in them.
    pub fn read(
        &mut self,
        segments: &[Segment],
        after: u64,
        last: u64,
        max: usize,
    ) -> std::io::Result<Chunk> {
        if after < self.reached {
            self.open = None;
        }
        let chunk = self.read_on(segments, after, last, max)?;
        self.reached = chunk.reached;
        Ok(chunk)
    }

    fn read_on(&mut self, segments: &[Segment], after: u64, last: u64, max: usize) -> std::io::Result<Chunk> {
        let shard = self.shard;
        let mut records = Vec::new();
        let mut bytes = 0;
        for segment in segments {
            let reader = self.reader(segment)?;
            while let Some(found) = reader.next()? {
                let record = match found {
                    Found::Record(record) => record,
                    Found::Damage { at, bytes, .. } => {
                        segment.tell_damage(at, bytes);
                        continue;
                    }
                };
                if record.shard != shard || record.position.0 <= after {
                    continue;
                }
                bytes += record.bytes();
                let reached = record.position.0;
                records.push(record);
                if records.len() >= max || bytes >= READ_BYTES_MAX {
                    return Ok(Chunk { records, reached });
                }
            }
        }
        Ok(Chunk { records, reached: last })
    }

    fn reader(&mut self, segment: &Segment) -> std::io::Result<&mut Records> {
        let is_open = self.open.as_ref().is_some_and(|(path, _)| *path == segment.path);
        if !is_open {
            let records = Records::open(&segment.path, HEADER_BYTES, segment.bytes)?;
            self.open = Some((segment.path.clone(), records));
        }
        let (_, records) = self.open.as_mut().expect("it was just opened");
        records.extend(segment.bytes);
        Ok(records)
    }
}
