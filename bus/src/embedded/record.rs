//! One message as bytes in the journal, with a checksum that tells whole ones from torn ones.
//!
//! `mark 4 | crc32 of all that follows 4 | body length 4 | shard 2 | position 8 | batch id 16 | body`, little-endian.

use bytes::Bytes;
use model::{BatchId, limits};

use crate::{Message, Position};

/// Bytes of a record beside its body.
pub const HEAD_BYTES: usize = 38;
/// Where a record begins. No UTF-8 text has these bytes, so that text inside a body is never taken for one.
pub const MARK: [u8; 4] = [0xFF, b'W', b'F', 0xFE];
/// The checksum covers what stands from here on.
const COVERED_FROM: usize = 8;

/// A message where it stands in the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub shard: u16,
    pub position: Position,
    pub message: Message,
}

impl Record {
    /// Bytes that it takes in the journal.
    pub fn bytes(&self) -> u64 {
        bytes_of(&self.message)
    }
}

/// Bytes that a message takes in the journal.
pub fn bytes_of(message: &Message) -> u64 {
    (HEAD_BYTES + message.body.len()) as u64
}

/// Appends one record. The body is at most `limits::BATCH_BYTES_MAX`.
pub fn append(out: &mut Vec<u8>, shard: u16, position: Position, message: &Message) {
    let start = out.len();
    out.extend_from_slice(&MARK);
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&(message.body.len() as u32).to_le_bytes());
    out.extend_from_slice(&shard.to_le_bytes());
    out.extend_from_slice(&position.0.to_le_bytes());
    out.extend_from_slice(&message.id.0.to_le_bytes());
    out.extend_from_slice(&message.body);
    let checksum = crc32fast::hash(&out[start + COVERED_FROM..]);
    out[start + 4..start + COVERED_FROM].copy_from_slice(&checksum.to_le_bytes());
}

/// Bytes of the record that begins with `head`, by its own word. None: no record begins so.
pub fn length(head: &[u8]) -> Option<usize> {
    if head.len() < HEAD_BYTES || head[..4] != MARK {
        return None;
    }
    let body = u32::from_le_bytes(array(head, 8)) as usize;
    (body <= limits::BATCH_BYTES_MAX).then_some(HEAD_BYTES + body)
}

/// Reads one record that is exactly `bytes`. None: torn or damaged.
pub fn read(bytes: &[u8]) -> Option<Record> {
    if length(bytes)? != bytes.len() {
        return None;
    }
    let checksum = u32::from_le_bytes(array(bytes, 4));
    if crc32fast::hash(&bytes[COVERED_FROM..]) != checksum {
        return None;
    }
    Some(Record {
        shard: u16::from_le_bytes(array(bytes, 12)),
        position: Position(u64::from_le_bytes(array(bytes, 14))),
        message: Message {
            id: BatchId(u128::from_le_bytes(array(bytes, 22))),
            body: Bytes::copy_from_slice(&bytes[HEAD_BYTES..]),
        },
    })
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes[at..at + N].try_into().expect("the caller checked the length of the head")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(body: &'static [u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        append(&mut bytes, 3, Position(7), &Message { id: BatchId(9), body: Bytes::from_static(body) });
        bytes
    }

    #[test]
    fn a_record_reads_back_what_was_written() {
        let bytes = written(b"body");
        let record = read(&bytes).unwrap();
        assert_eq!((record.shard, record.position, record.message.id), (3, Position(7), BatchId(9)));
        assert_eq!(&record.message.body[..], b"body");
        assert_eq!(record.bytes(), bytes.len() as u64);
    }

    #[test]
    fn any_flipped_bit_is_told() {
        let bytes = written(b"body");
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(read(&flipped), None, "bit {bit}");
        }
    }

    #[test]
    fn any_missing_byte_is_told() {
        let bytes = written(b"");
        for length in 0..bytes.len() {
            assert_eq!(read(&bytes[..length]), None, "{length} bytes");
        }
    }

    #[test]
    fn no_text_contains_the_mark() {
        assert!(std::str::from_utf8(&MARK[..1]).is_err());
    }
}
