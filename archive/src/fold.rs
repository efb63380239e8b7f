//! Compaction: what waits in a site's tail goes into the segments of its days.
//!
//! One fold reads the shelf, the tail from behind where the last fold ended, and the segments that these hits may change; folds
//! them, and puts the result in their place, all of it or nothing. Where another process folded meanwhile nothing changes. A crash
//! at any step leaves the shelf as it was; what was written is swept by the store.

use std::sync::Arc;
use std::time::Duration;

use hashbrown::HashSet;
use history::EnrichedHit;
use history::amend::Correction;
use history::fold::{Fold, SEGMENT_HITS_MAX, Share, may_change, needs};
use history::report::Library;
use history::report::judged::judged;
use history::segment::{Head, Reader, write_share};
use history::table::{Table, short_id};
use history::zone::{Day, Zone};
use model::{Millis, SegmentId, Site};
use store::history::{NewFold, NewSegment, SegmentEntry, Shelf, TailCursor};
use store::{History, StoreError};

use crate::blob::{Segments, head};
use crate::correct::in_force;
use crate::limits::PAGE_BATCHES;
use crate::{ArchiveError, Result, Stores};

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

/// Folds what waits in the tail of a site. Batches received more than `kept` ago leave the tail with it, and days that the
/// site no longer keeps leave its history.
pub async fn fold(stores: &Stores, site: &Site, now: Millis, kept: Duration) -> Result<Done> {
    fold_in_shares(stores, site, now, kept, SEGMENT_HITS_MAX).await
}

/// As `fold`, with another maximum of hits a segment.
pub async fn fold_in_shares(
    stores: &Stores,
    site: &Site,
    now: Millis,
    kept: Duration,
    hits_max: usize,
) -> Result<Done> {
    let history = &stores.history;
    let shelf = history.shelf(site.id).await?;
    // Read after the shelf: where they changed since, another fold came in between.
    let corrections = in_force(stores, site.id).await?;
    let mut waiting = waiting(history, site, shelf.folded_to).await?;
    let zone = Zone::named(&site.time_zone)?;
    let kept_from = kept_from(site, &zone, now);
    waiting.hits.retain(|hit| hit.at.0 >= kept_from);
    let mut done = Done { hits: waiting.hits.len(), is_more: waiting.is_more, ..Done::default() };
    let work = Work { segments: Segments::new(history, site.id), zone, kept_from, hits_max, corrections };
    let folded_to = waiting.last;
    let mut fold = tokio::task::spawn_blocking(move || work.fold(&shelf, &waiting.hits)).await??;
    (fold.folded_to, fold.old) = (folded_to, now.minus(kept));
    done.segments = fold.segments.len();
    match history.put_fold(site.id, fold).await {
        Ok(_) => Ok(done),
        Err(StoreError::Conflict(_)) => Ok(Done { is_superseded: true, ..done }),
        Err(error) => Err(error.into()),
    }
}

/// Whether days stand on the shelf that the site no longer keeps.
pub async fn is_overdue(history: &Arc<dyn History>, site: &Site, now: Millis) -> Result<bool> {
    if site.keep_days.is_none() {
        return Ok(false);
    }
    let kept_from = kept_from(site, &Zone::named(&site.time_zone)?, now);
    let shelf = history.shelf(site.id).await?;
    Ok(shelf.segments.first().map(head).transpose()?.is_some_and(|head| head.day_end <= kept_from))
}

/// The first day that the site keeps, as days since 1970-01-01 of its calendar; None where it keeps all.
pub fn first_day_kept(site: &Site, now: Millis) -> Result<Option<u32>> {
    if site.keep_days.is_none() {
        return Ok(None);
    }
    let zone = Zone::named(&site.time_zone)?;
    let first = zone.at(Millis(kept_from(site, &zone, now))).date();
    let days = (first - jiff::civil::date(1970, 1, 1)).get_days();
    Ok(u32::try_from(days).ok())
}

/// The begin of the first day that the site keeps, milliseconds since 1970 UTC.
fn kept_from(site: &Site, zone: &Zone, now: Millis) -> i64 {
    const DAY: Duration = Duration::from_secs(86_400);
    site.keep_days.map_or(i64::MIN, |days| zone.day_of(now.minus(DAY * days)).start)
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
    segments: Segments,
    zone: Zone,
    kept_from: i64,
    corrections: Vec<Correction>,
    hits_max: usize,
}

impl Work {
    /// Blocks.
    fn fold(&self, shelf: &Shelf, hits: &[EnrichedHit]) -> Result<NewFold> {
        let heads: Vec<Head> = shelf.segments.iter().map(head).collect::<std::result::Result<_, _>>()?;
        let mut fold = Fold::new(self.zone.clone());
        let needed = needs(&heads, hits);
        for (&index, may_change) in needed.iter().zip(may_change(&heads, &needed, hits)) {
            match may_change {
                true => fold.add_table(&heads[index].day(), &self.table(&shelf.segments[index])?),
                false => fold.add_seen(self.ids_among(&shelf.segments[index], hits)?),
            }
        }
        fold.add_hits(hits);
        let mut new = NewFold { after: shelf.fold, ..NewFold::default() };
        let ended = shelf.segments.iter().zip(&heads).filter(|(_, head)| head.day_end <= self.kept_from);
        new.gone.extend(ended.map(|(entry, _)| entry.id));
        for mut folded in fold.finish().into_iter().filter(|folded| folded.changed) {
            if folded.day.end <= self.kept_from {
                continue;
            }
            folded.table = judged(&folded.day, folded.table, &self.corrections, &self.zone)?;
            let of_day = || {
                let of_day = shelf.segments.iter().zip(&heads);
                of_day.filter(|(entry, _)| entry.day_start.0 == folded.day.start)
            };
            let held: Vec<Share> = of_day().map(|(_, head)| head.visitors).collect();
            for changed in folded.shares(&held, self.hits_max) {
                let gone = of_day().filter(|(_, head)| head.visitors == changed.share);
                new.gone.extend(gone.map(|(entry, _)| entry.id));
                for (share, table) in &changed.parts {
                    new.segments.push(segment(table, &folded.day, *share)?);
                }
            }
        }
        Ok(new)
    }

    /// Of a segment whose visits do not change: only whether these hits are in it already.
    fn ids_among(&self, entry: &SegmentEntry, hits: &[EnrichedHit]) -> Result<HashSet<u64>> {
        let ids = hits.iter().filter(|hit| hit.kind.counts_once()).map(|hit| short_id(hit.id)).collect();
        let part = Library::new(usize::MAX).open(self.segments.blob(entry.id, entry.bytes))?;
        Ok(part.ids_among(&ids)?)
    }

    fn table(&self, entry: &SegmentEntry) -> Result<Table> {
        Ok(Reader::open(self.segments.blob(entry.id, entry.bytes))?.table()?)
    }
}

/// A day's table, or a share of it, as a segment with an id of its own.
pub fn segment(table: &Table, day: &Day, share: Share) -> Result<NewSegment> {
    let (head, body) = write_share(table, day, share)?;
    let mut id = [0; 16];
    getrandom::fill(&mut id).map_err(|error| StoreError::Unavailable(error.into()))?;
    Ok(NewSegment {
        id: SegmentId(u128::from_be_bytes(id)),
        day_start: Millis(day.start),
        head: head.to_json().into(),
        body: body.into(),
    })
}
