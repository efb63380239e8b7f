//! Compaction: what waits in a site's tail goes into the segments of its days.
//!
//! One fold reads the shelf, the tail from behind where the last fold ended, and the segments that these hits may change; folds
//! them, and puts the result in their place, all of it or nothing. Where another process folded meanwhile nothing changes. A crash
//! at any step leaves the shelf as it was; what was written is swept by the store.

use std::sync::Arc;

use history::EnrichedHit;
use history::fold::{Fold, Folded, needs};
use history::segment::{Head, Reader, write};
use history::zone::Zone;
use model::{Millis, SegmentId, Site};
use store::history::{NewFold, NewSegment, SegmentEntry, Shelf, TailCursor};
use store::{History, StoreError};
use tokio::runtime::Handle;

use crate::blob::{StoreBlob, head};
use crate::limits::PAGE_BATCHES;
use crate::{ArchiveError, Result};

/// Hits that one fold takes in, and one page of the tail more at most.
const FOLD_HITS_MAX: usize = 500_000;

/// What a fold did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Read from the tail; some may have been folded before.
    pub hits: usize,
    /// Segments written.
    pub segments: usize,
    /// More waits in the tail.
    pub is_more: bool,
    /// Another process folded meanwhile: nothing was changed by this one.
    pub is_superseded: bool,
}

/// Folds what waits in the tail of a site. Batches received before `old` leave the tail with it.
pub async fn fold(history: &Arc<dyn History>, site: &Site, old: Millis) -> Result<Done> {
    let shelf = history.shelf(site.id).await?;
    let waiting = waiting(history, site, shelf.folded_to).await?;
    let zone = Zone::named(&site.time_zone)?;
    let mut done = Done { hits: waiting.hits.len(), is_more: waiting.is_more, ..Done::default() };
    let work = Work { history: history.clone(), runtime: Handle::current(), site: site.id, zone };
    let folded_to = waiting.last;
    let mut fold = tokio::task::spawn_blocking(move || work.fold(&shelf, &waiting.hits)).await??;
    (fold.folded_to, fold.old) = (folded_to, old);
    done.segments = fold.segments.len();
    match history.put_fold(site.id, fold).await {
        Ok(_) => Ok(done),
        Err(StoreError::Conflict(_)) => Ok(Done { is_superseded: true, ..done }),
        Err(error) => Err(error.into()),
    }
}

struct Waiting {
    hits: Vec<EnrichedHit>,
    last: Option<TailCursor>,
    is_more: bool,
}

/// What stands in the tail behind `after`. Ends before a page with a batch that this program cannot read, so that it stays in the tail for one that can;
/// an error where that is the first.
async fn waiting(history: &Arc<dyn History>, site: &Site, after: Option<TailCursor>) -> Result<Waiting> {
    let mut waiting = Waiting { hits: Vec::new(), last: after, is_more: true };
    while waiting.is_more && waiting.hits.len() < FOLD_HITS_MAX {
        let page = history.tail_of(site.id, waiting.last, PAGE_BATCHES).await?;
        let decoded = page.batches.iter().map(|batch| history::tail::decode(&batch.body));
        match decoded.collect::<std::result::Result<Vec<_>, _>>() {
            Ok(tails) => waiting.hits.extend(tails.into_iter().flat_map(|tail| tail.hits)),
            Err(error) if waiting.hits.is_empty() => return Err(ArchiveError::Tail(error)),
            Err(error) => {
                tracing::error!(site = %site.id, %error, "a batch of the tail cannot be read: folding stops before it");
                return Ok(waiting);
            }
        }
        waiting.last = page.last.or(waiting.last);
        waiting.is_more = page.next.is_some();
    }
    Ok(waiting)
}

struct Work {
    history: Arc<dyn History>,
    runtime: Handle,
    site: model::SiteId,
    zone: Zone,
}

impl Work {
    /// Blocks.
    fn fold(&self, shelf: &Shelf, hits: &[EnrichedHit]) -> Result<NewFold> {
        let heads: Vec<Head> = shelf.segments.iter().map(head).collect::<std::result::Result<_, _>>()?;
        let mut fold = Fold::new(self.zone.clone());
        for index in needs(&heads, hits) {
            fold.add_table(&heads[index].day(), &self.reader(&shelf.segments[index])?.table()?);
        }
        fold.add_hits(hits);
        let mut new = NewFold { after: shelf.fold, ..NewFold::default() };
        for folded in fold.finish().into_iter().filter(|folded| folded.changed) {
            let same_day = shelf.segments.iter().filter(|entry| entry.day_start.0 == folded.day.start);
            new.gone.extend(same_day.map(|entry| entry.id));
            if !folded.table.visits.is_empty() {
                new.segments.push(segment(&folded)?);
            }
        }
        Ok(new)
    }

    fn reader(&self, entry: &SegmentEntry) -> Result<Reader> {
        let blob = StoreBlob {
            history: self.history.clone(),
            runtime: self.runtime.clone(),
            site: self.site,
            id: entry.id,
            bytes: entry.bytes,
        };
        Ok(Reader::open(Arc::new(blob))?)
    }
}

fn segment(folded: &Folded) -> Result<NewSegment> {
    let (head, body) = write(&folded.table, &folded.day, &[])?;
    let mut id = [0; 16];
    getrandom::fill(&mut id).map_err(|error| StoreError::Unavailable(error.into()))?;
    Ok(NewSegment {
        id: SegmentId(u128::from_be_bytes(id)),
        day_start: Millis(folded.day.start),
        head: head.to_json().into(),
        body: body.into(),
    })
}
