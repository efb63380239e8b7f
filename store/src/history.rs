//! What was: the append-only tail of enriched hits, the segments that it is folded into, and the peaks of presence.

use std::ops::Range;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use model::{BatchId, Millis, Peak, SegmentId, SiteId};

use crate::{Result, StoreError};

/// Bytes of bodies after which a page of the tail ends.
pub const PAGE_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Segments of one site.
pub const SEGMENTS_MAX: usize = 20_000;
/// Bytes of one segment.
pub const SEGMENT_BYTES_MAX: usize = 512 * 1024 * 1024;
/// Bytes of what a segment says of itself.
pub const HEAD_BYTES_MAX: usize = 64 * 1024;
/// How long a segment can be read after a fold took its place.
pub const SEGMENT_GRACE: Duration = Duration::from_secs(120);

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

    /// Sites with a batch in the tail that was received before `before` and that no fold took in, or that a fold took
    /// in and that was received before `old`, by id, from behind `after`, at most `limit`.
    async fn sites_to_fold(
        &self,
        before: Millis,
        old: Millis,
        after: Option<SiteId>,
        limit: usize,
    ) -> Result<Vec<SiteId>>;

    /// The segments of a site by (day_start, id), and how far its last fold went. A site that was never folded has none.
    async fn shelf(&self, site: SiteId) -> Result<Shelf>;

    /// Exactly `length` bytes of a segment from `start` on; Unavailable past its end. NotFound where a fold took its
    /// place more than `SEGMENT_GRACE` ago, or the site was forgotten: ask for the shelf again.
    async fn read_segment(&self, site: SiteId, id: SegmentId, start: u64, length: usize) -> Result<Bytes>;

    /// These bytes of a segment are read soon: a backend may fetch them meanwhile. Returns before it has, and never fails.
    async fn expect_segment(&self, _site: SiteId, _id: SegmentId, _ranges: Vec<Range<u64>>) {}

    /// Puts a fold in, durably, all of it or none: its segments are on the shelf, those of `gone` are not. Then the
    /// batches of the site that it names as old leave the tail; what a process was killed before, a later fold does.
    /// Returns the number of the fold, one more than `after`. Conflict, and nothing changed, where `after` is no longer
    /// the last fold, a segment's id is taken, or the site was forgotten. Limit past `SEGMENTS_MAX` on the shelf, and past
    /// `SEGMENT_BYTES_MAX` or `HEAD_BYTES_MAX` of a segment. Unavailable: it may be in; the shelf says.
    async fn put_fold(&self, site: SiteId, fold: NewFold) -> Result<u64>;

    /// Removes for good what folds took from the shelf more than `SEGMENT_GRACE` ago, and what folds left behind that never
    /// ended. `put_fold` begins with it, and so does the opening of the store.
    async fn sweep(&self) -> Result<()>;

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
    /// Of the last batch of the page: from behind it whoever knows this page reads what came later. None on an empty page.
    pub last: Option<TailCursor>,
}

/// What folds made of a site's tail.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shelf {
    /// The number of the last fold; 0 before the first.
    pub fold: u64,
    /// The last batch that folds took in. Batches up to here are in segments; they stay in the tail for a while
    /// (whoever rebuilds presence reads them), and a report reads on from behind it. None: none was taken in.
    pub folded_to: Option<TailCursor>,
    pub segments: Vec<SegmentEntry>,
}

/// A segment on the shelf.
#[derive(Clone, Debug, PartialEq)]
pub struct SegmentEntry {
    pub id: SegmentId,
    pub day_start: Millis,
    pub bytes: u64,
    /// `history::segment`'s, at most `HEAD_BYTES_MAX`.
    pub head: Bytes,
}

/// What a fold changes.
#[derive(Clone, Debug, Default)]
pub struct NewFold {
    /// The fold that it built upon: `Shelf::fold`.
    pub after: u64,
    /// Never lower than `Shelf::folded_to`; None keeps that.
    pub folded_to: Option<TailCursor>,
    /// Batches up to `folded_to` (the new one) that were received before this leave the tail. A redelivery may append
    /// one of them again; folding then knows its hits by their ids.
    pub old: Millis,
    pub segments: Vec<NewSegment>,
    pub gone: Vec<SegmentId>,
}

impl NewFold {
    /// The maxima that hold for each segment by itself.
    pub(crate) fn refuse_oversized(&self) -> Result<()> {
        for segment in &self.segments {
            if segment.body.len() > SEGMENT_BYTES_MAX {
                return Err(StoreError::Limit { what: "bytes in a segment", max: SEGMENT_BYTES_MAX });
            }
            if segment.head.len() > HEAD_BYTES_MAX {
                return Err(StoreError::Limit { what: "bytes in a segment's head", max: HEAD_BYTES_MAX });
            }
        }
        Ok(())
    }
}

/// What stands on the shelf of a new segment.
impl From<&NewSegment> for SegmentEntry {
    fn from(new: &NewSegment) -> SegmentEntry {
        let (id, day_start, head) = (new.id, new.day_start, new.head.clone());
        SegmentEntry { id, day_start, bytes: new.body.len() as u64, head }
    }
}

#[derive(Clone, Debug)]
pub struct NewSegment {
    /// Drawn anew by whoever folds.
    pub id: SegmentId,
    pub day_start: Millis,
    pub head: Bytes,
    pub body: Bytes,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_takes_bytes_up_to_the_maximum() {
        let fold = |bytes| {
            let body = Bytes::from(vec![0; bytes]);
            let segment = NewSegment { id: SegmentId(1), day_start: Millis(0), head: Bytes::new(), body };
            NewFold { segments: vec![segment], ..NewFold::default() }
        };
        assert!(fold(SEGMENT_BYTES_MAX).refuse_oversized().is_ok());
        let refused = fold(SEGMENT_BYTES_MAX + 1).refuse_oversized().unwrap_err();
        assert_eq!(refused.to_string(), "at most 536870912 bytes in a segment");
    }
}
