//! The bytes of one site's batch in the tail: dictionaries of what repeats, then the hits.
//!
//! Version 1, integers as LEB128 unless said otherwise, signed ones zigzag:
//!
//! ```text
//! version u8 · shard u16 LE
//! strings   n, n × (bytes, UTF-8)
//! pages     n, n × (hostname, path, query)              indexes of strings
//! sources   n, n × (channel u8, 7 strings)
//! agents    n, n × (device u8, 4 strings)
//! places    n, n × (country, region, city)
//! visitors  n, n × u64 LE
//! hits      n, n × (id u128 LE · received, signed, minus that of the hit before · received − at, signed ·
//!           visitor · page · source · agent · place · language · marks u8 · screen? · fields of the kind)
//! ```

mod bytes;
mod decode;
mod dictionary;
mod encode;

pub use decode::{decode, shard_of};
pub use encode::encode;

use crate::EnrichedHit;

/// The first byte of every batch.
const VERSION: u8 = 1;

/// Bits of a hit's marks: the kind in the lowest three, the verdict in the next three, then these.
const MARK_SCREEN: u8 = 1 << 6;
const MARK_FLAG: u8 = 1 << 7;

/// One site's batch, read back.
#[derive(Clone, Debug, PartialEq)]
pub struct Tail {
    /// The shard of the bus that the hits came by.
    pub shard: u16,
    pub hits: Vec<EnrichedHit>,
}

/// Bytes that are no batch of the tail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadTail {
    #[error("the batch ends too early")]
    Short,
    #[error("batch version {0} is not known to this program")]
    Version(u8),
    #[error("the batch does not decode: {0}")]
    Malformed(&'static str),
}

#[cfg(test)]
mod tests;
