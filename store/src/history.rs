//! What was: the append-only tail of enriched hits, and the peaks of presence.

use async_trait::async_trait;
use bytes::Bytes;
use model::{BatchId, Millis, Peak, SiteId};

use crate::Result;

/// The history of all sites. Encodes and decodes nothing: a batch's body is `history::tail`'s.
#[async_trait]
pub trait History: Send + Sync {
    /// Appends all of `batches` or none, durably (survives `kill -9` and power loss) before it returns.
    /// A batch whose (id, site) is already there changes nothing, also within one call.
    async fn append(&self, batches: Vec<TailBatch>) -> Result<()>;

    /// Batches received at `since` or later, over all sites, in the order they were appended, from
    /// behind `after`; at most `limit`. Fewer than `limit` means that these were the last for now.
    async fn tail_since(&self, since: Millis, after: Option<TailCursor>, limit: usize) -> Result<TailPage>;

    /// Batches of one site in the order they were appended, from behind `after`; at most `limit`.
    async fn tail_of(&self, site: SiteId, after: Option<TailCursor>, limit: usize) -> Result<TailPage>;

    /// Raises the most visitors present at once on a site in an hour; a smaller count changes nothing.
    async fn raise_peaks(&self, peaks: &[Peak]) -> Result<()>;

    /// Peaks of hours that began at `since` or later.
    async fn peaks_since(&self, since: Millis) -> Result<Vec<Peak>>;

    /// Everything about a site is gone.
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

#[derive(Clone, Debug, Default)]
pub struct TailPage {
    pub batches: Vec<TailBatch>,
    /// Behind the last batch of this page; None where it is empty.
    pub next: Option<TailCursor>,
}
