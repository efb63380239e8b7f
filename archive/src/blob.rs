//! A segment's bytes, read from the store piece by piece.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use history::segment::{BadSegment, Blob, Head};
use model::{SegmentId, SiteId};
use store::History;
use store::history::SegmentEntry;
use tokio::runtime::Handle;

/// Where the segments of one site are read from.
#[derive(Clone)]
pub struct Segments {
    history: Arc<dyn History>,
    site: SiteId,
    runtime: Handle,
}

impl Segments {
    /// Panics outside a runtime: what is read later blocks on the one of the caller.
    pub fn new(history: &Arc<dyn History>, site: SiteId) -> Segments {
        Segments { history: history.clone(), site, runtime: Handle::current() }
    }

    /// One segment of `bytes` bytes. Nothing is read yet; reads block, so they are for threads that may.
    pub fn blob(&self, id: SegmentId, bytes: u64) -> Arc<dyn Blob> {
        Arc::new(StoreBlob { segments: self.clone(), id, bytes })
    }
}

struct StoreBlob {
    segments: Segments,
    id: SegmentId,
    bytes: u64,
}

impl Blob for StoreBlob {
    fn len(&self) -> u64 {
        self.bytes
    }

    fn read(&self, start: u64, length: usize) -> io::Result<Bytes> {
        let Segments { history, site, runtime } = &self.segments;
        runtime.block_on(history.read_segment(*site, self.id, start, length)).map_err(io::Error::other)
    }

    fn expect(&self, ranges: &[Range<u64>]) {
        let Segments { history, site, runtime } = &self.segments;
        runtime.block_on(history.expect_segment(*site, self.id, ranges.to_vec()));
    }
}

/// What a segment on the shelf says of itself.
pub fn head(entry: &SegmentEntry) -> Result<Head, BadSegment> {
    let text = std::str::from_utf8(&entry.head).map_err(|_| BadSegment::NoSegment("its head is no text"))?;
    Head::from_json(text)
}
