//! A segment's bytes, read from the store piece by piece.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use history::segment::{BadSegment, Blob, Head};
use model::{SegmentId, SiteId};
use store::History;
use store::history::SegmentEntry;
use tokio::runtime::Handle;

/// Reads block: only for threads that may.
pub struct StoreBlob {
    pub history: Arc<dyn History>,
    pub runtime: Handle,
    pub site: SiteId,
    pub id: SegmentId,
    pub bytes: u64,
}

impl Blob for StoreBlob {
    fn len(&self) -> u64 {
        self.bytes
    }

    fn read(&self, start: u64, length: usize) -> io::Result<Bytes> {
        let read = self.history.read_segment(self.site, self.id, start, length);
        self.runtime.block_on(read).map_err(io::Error::other)
    }
}

/// What a segment on the shelf says of itself.
pub fn head(entry: &SegmentEntry) -> Result<Head, BadSegment> {
    let text = std::str::from_utf8(&entry.head).map_err(|_| BadSegment::NoSegment("its head is no text"))?;
    Head::from_json(text)
}
