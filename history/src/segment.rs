//! A segment: the folded history of one site and day as one Parquet file. Two tables, a row group each:
//! visits, and hits that refer to them.
//! Written and read whole or by column; `docs/segments.md` states the schema.

mod integers;
mod pages;
mod read;
mod schema;
mod write;

use std::ops::Range;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::fold::Share;
use crate::zone::Day;
pub use pages::Coded;
pub use read::{Columns, Reader, Stored};
pub use write::{write, write_share};

/// The version this program writes. It reads this and every earlier one.
pub const VERSION: u32 = 2;

/// The key under which the file's own description stands in Parquet's metadata, as JSON.
const HEAD_KEY: &str = "watchfire";

/// Bytes at a segment's end that hold its description.
const END_BYTES: u64 = 32 * 1024;
/// The key of the visits that go on after their day's end, as JSON: lists of [`Over`].
const OVER_KEY: &str = "watchfire_over";

/// Visits that go on after their day's end, at most, that a segment names; one with more names none.
const OVER_MAX: usize = 1_024;

/// A visit that goes on after its day's end: its number, the row of its first hit, of its first hit after that end, and the one past
/// its last. With these a report by days need not look when each hit was.
pub type Over = [u32; 4];

/// What a segment says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    pub version: u32,
    /// The site's day that its visits began on, `2026-11-21`.
    pub day: String,
    /// That day's begin and end, milliseconds since 1970 UTC.
    pub day_start: i64,
    pub day_end: i64,
    /// First and last sign of life of its visits.
    pub first: i64,
    pub last: i64,
    pub visits: u32,
    pub hits: u32,
    /// How many of the visits, from the first row on, are not bots'.
    pub humans: u32,
    /// Whose visits it holds; all, but of a very busy day.
    #[serde(default, skip_serializing_if = "Share::is_all")]
    pub visitors: Share,
}

impl Head {
    /// As it stands in the file; a store may keep it beside.
    pub fn to_json(&self) -> String {
        // Texts, numbers and lists of them: nothing that JSON cannot say.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// What [`Head::to_json`] wrote. A later version's is refused by its number.
    pub fn from_json(text: &str) -> Result<Head, BadSegment> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let no_head = |_| BadSegment::NoSegment("it does not say that it is one");
        let Versioned { version } = serde_json::from_str(text).map_err(no_head)?;
        if version > VERSION {
            return Err(BadSegment::Version(version));
        }
        serde_json::from_str(text).map_err(no_head)
    }

    /// The day that its visits began on.
    pub fn day(&self) -> Day {
        Day { name: self.day.clone(), start: self.day_start, end: self.day_end }
    }
}

/// Where a segment's bytes are: a file, a document, memory.
#[allow(clippy::len_without_is_empty)] // An empty one is no segment, and nobody asks.
pub trait Blob: Send + Sync {
    fn len(&self) -> u64;

    /// Exactly `length` bytes from `start` on.
    fn read(&self, start: u64, length: usize) -> std::io::Result<Bytes>;

    /// These are read soon: whoever can fetch them meanwhile may. Returns at once.
    fn expect(&self, _ranges: &[Range<u64>]) {}
}

/// Where a segment's own description stands, as a rule: read first.
pub fn end_of(bytes: u64) -> Range<u64> {
    bytes.saturating_sub(END_BYTES)..bytes
}

impl Blob for Bytes {
    fn len(&self) -> u64 {
        Bytes::len(self) as u64
    }

    fn read(&self, start: u64, length: usize) -> std::io::Result<Bytes> {
        let end = usize::try_from(start).ok().and_then(|start| start.checked_add(length));
        match end {
            Some(end) if end <= Bytes::len(self) => Ok(self.slice(end - length..end)),
            _ => Err(std::io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

/// Bytes that are no segment, or one that this program cannot read.
#[derive(Debug, thiserror::Error)]
pub enum BadSegment {
    #[error("segment version {0} is newer than this program's ({VERSION})")]
    Version(u32),
    #[error("the file is no segment: {0}")]
    NoSegment(&'static str),
    #[error("the segment does not decode: {0}")]
    Parquet(#[from] parquet::errors::ParquetError),
}

impl BadSegment {
    const OTHER_LENGTH: BadSegment = BadSegment::NoSegment("a column of other length");
}

#[cfg(test)]
mod tests;
