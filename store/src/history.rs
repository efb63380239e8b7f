//! What was: the append-only tail of enriched hits, and the peaks of presence.

use async_trait::async_trait;
use bytes::Bytes;
use model::{BatchId, Millis, Peak, SiteId};

use crate::Result;

/// Bytes of bodies after which a page of the tail ends.
pub const PAGE_BYTES_MAX: usize = 8 * 1024 * 1024;

/// The history of all sites. Encodes and decodes nothing: a batch's body is `history::tail`'s.
#[async_trait]
pub trait History: Send + Sync {
    /// Appends all of `batches` or none, durably (survives `kill -9` and power loss) before it returns.
    /// A batch whose (id, site) is already there changes nothing, also within one call.
    async fn append(&self, batches: Vec<TailBatch>) -> Result<()>;

    /// Batches received at `since` or later, over all sites, in the order they were appended, from
    /// behind `after`. A page holds at most `limit` batches and ends with the one that brings its
    /// bodies to `PAGE_BYTES_MAX`; where there is a batch, it holds at least one.
    async fn tail_since(&self, since: Millis, after: Option<TailCursor>, limit: usize) -> Result<TailPage>;

    /// Batches of one site in the order they were appended, from behind `after`; pages as `tail_since`.
    async fn tail_of(&self, site: SiteId, after: Option<TailCursor>, limit: usize) -> Result<TailPage>;

    /// Raises the most visitors present at once on a site in an hour; a smaller count changes nothing.
    async fn raise_peaks(&self, peaks: &[Peak]) -> Result<()>;

    /// Peaks of hours that began at `since` or later, by hour.
    async fn peaks_since(&self, since: Millis) -> Result<Vec<Peak>>;

    /// Everything about a site is gone, for good: what is appended or raised for it later (a message that
    /// was still on its way) changes nothing. Killed on the way, it is finished when the store is opened.
    async fn forget(&self, site: SiteId) -> Result<()>;
}

/// One site's share of one bus message.
#[derive(Clone, Debug, PartialEq)]
pub struct TailBatch {
    pub id: BatchId,
    pub site: SiteId,
    /// The newest arrival in it.
    pub received: Millis,
    pub hits: u32,
    pub body: Bytes,
}

/// A place in the tail; only as good as the store that gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TailCursor(pub u64);

/// A page of the tail. Read on until `next` is None; the number of batches says nothing.
#[derive(Clone, Debug, Default)]
pub struct TailPage {
    pub batches: Vec<TailBatch>,
    /// The `after` of the next page. None: nothing stands behind this page for now.
    pub next: Option<TailCursor>,
}
