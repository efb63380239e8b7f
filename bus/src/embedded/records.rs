//! Reads the records of one segment file in order, and finds its way past damaged ones.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::record::{self, HEAD_BYTES, MARK, Record};

/// Bytes read from the file at a time.
const CHUNK_BYTES: usize = 256 * 1024;

/// The records from an offset on.
pub struct Records {
    file: File,
    at: u64,
    end: u64,
    /// Position of the record before; the next one must be higher.
    after: u64,
    chunk: Vec<u8>,
    chunk_at: u64,
}

/// What stands next in a segment.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    Record(Record),
    /// Bytes that are no whole record. `torn`: none follows up to the end.
    Damage {
        at: u64,
        bytes: u64,
        torn: bool,
    },
}

impl Records {
    /// Reads from byte `from` up to byte `end`.
    pub fn open(path: &Path, from: u64, end: u64) -> io::Result<Records> {
        Ok(Records { file: File::open(path)?, at: from, end, after: 0, chunk: Vec::new(), chunk_at: 0 })
    }

    /// Lets it read on to where the file has grown to.
    pub fn extend(&mut self, end: u64) {
        self.end = self.end.max(end);
    }

    /// Where it stands.
    pub fn at(&self) -> u64 {
        self.at
    }

    /// None at the end.
    pub fn next(&mut self) -> io::Result<Option<Found>> {
        if self.at >= self.end {
            return Ok(None);
        }
        if let Some(record) = self.record_at(self.at)? {
            self.at += record.bytes();
            self.after = record.position.0;
            return Ok(Some(Found::Record(record)));
        }
        let at = self.at;
        self.at = self.next_good(at + 1)?;
        Ok(Some(Found::Damage { at, bytes: self.at - at, torn: self.at == self.end }))
    }

    fn record_at(&mut self, at: u64) -> io::Result<Option<Record>> {
        let Some(length) = record::length(self.window(at, HEAD_BYTES)?) else {
            return Ok(None);
        };
        let after = self.after;
        let record = record::read(self.window(at, length)?);
        Ok(record.filter(|record| record.position.0 > after))
    }

    /// Where the next whole record begins; the end where there is none.
    fn next_good(&mut self, mut at: u64) -> io::Result<u64> {
        loop {
            let window = self.window(at, HEAD_BYTES)?;
            if window.len() < HEAD_BYTES {
                return Ok(self.end);
            }
            let window = self.window(at, CHUNK_BYTES)?;
            let Some(marked) = window.windows(MARK.len()).position(|bytes| bytes == MARK) else {
                at += (window.len() - (MARK.len() - 1)) as u64;
                continue;
            };
            at += marked as u64;
            if self.record_at(at)?.is_some() {
                return Ok(at);
            }
            at += 1;
        }
    }

    /// The `bytes` from offset `at`; fewer at the end.
    fn window(&mut self, at: u64, bytes: usize) -> io::Result<&[u8]> {
        let bytes = bytes.min(self.end.saturating_sub(at) as usize);
        let held = self.chunk_at..self.chunk_at + self.chunk.len() as u64;
        if !(held.start <= at && at + bytes as u64 <= held.end) {
            self.read_chunk(at, bytes)?;
        }
        let start = (at - self.chunk_at) as usize;
        Ok(&self.chunk[start..(start + bytes).min(self.chunk.len())])
    }

    fn read_chunk(&mut self, at: u64, bytes: usize) -> io::Result<()> {
        let wanted = bytes.max(CHUNK_BYTES).min((self.end - at) as usize);
        self.chunk.resize(wanted, 0);
        self.chunk_at = at;
        let mut filled = 0;
        while filled < wanted {
            match self.file.read_at(&mut self.chunk[filled..], at + filled as u64) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.chunk.clear();
                    return Err(error);
                }
            }
        }
        self.chunk.truncate(filled);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use model::BatchId;

    use super::*;
    use crate::{Message, Position};

    const BODY: usize = 100_000;

    /// Five records of a little over 100,000 bytes, so that chunks end within them.
    fn five() -> Vec<u8> {
        let mut bytes = Vec::new();
        for position in 1..=5 {
            let body = Bytes::from(vec![position as u8; BODY]);
            record::append(&mut bytes, 0, Position(position), &Message { id: BatchId(0), body });
        }
        bytes
    }

    fn found(bytes: &[u8]) -> Vec<Result<u64, (u64, u64, bool)>> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        let mut records = Records::open(file.path(), 0, bytes.len() as u64).unwrap();
        let mut found = Vec::new();
        while let Some(next) = records.next().unwrap() {
            found.push(match next {
                Found::Record(record) => Ok(record.position.0),
                Found::Damage { at, bytes, torn } => Err((at, bytes, torn)),
            });
        }
        found
    }

    #[test]
    fn whole_records_come_in_order() {
        assert_eq!(found(&five()), [Ok(1), Ok(2), Ok(3), Ok(4), Ok(5)]);
        assert_eq!(found(&[]), []);
    }

    #[test]
    fn a_torn_end_is_told() {
        let whole = (HEAD_BYTES + BODY) as u64;
        let torn = &five()[..whole as usize * 2 + 50];
        assert_eq!(found(torn), [Ok(1), Ok(2), Err((whole * 2, 50, true))]);
        assert_eq!(found(&torn[..whole as usize * 2 + 3])[2], Err((whole * 2, 3, true)));
    }

    #[test]
    fn what_stands_behind_a_damaged_record_is_found_again() {
        let whole = (HEAD_BYTES + BODY) as u64;
        for within in [0, 9, 13, 30, 5_000] {
            let mut bytes = five();
            bytes[whole as usize + within] ^= 0x10;
            assert_eq!(
                found(&bytes),
                [Ok(1), Err((whole, whole, false)), Ok(3), Ok(4), Ok(5)],
                "byte {within}"
            );
        }
    }

    #[test]
    fn records_that_step_back_are_damage() {
        let mut bytes = five();
        bytes.extend_from_slice(&five()[..HEAD_BYTES + BODY]);
        assert!(matches!(found(&bytes)[5], Err((_, _, true))));
    }

    #[test]
    fn zeros_behind_the_records_are_damage() {
        let mut bytes = five();
        let length = bytes.len() as u64;
        bytes.resize(bytes.len() + 300_000, 0);
        assert_eq!(found(&bytes)[5], Err((length, 300_000, true)));
    }
}
