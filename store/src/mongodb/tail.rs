//! The tail, in the collection `tail`: `{_id: cursor, v, site: i64, id: 16 bytes, received: i64, hits, body}`.
//!
//! Reading is a walk along `_id` from behind a cursor, in a snapshot of what a majority has. A snapshot, because on
//! several shards a transaction is not seen everywhere at the same moment otherwise.

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, anyhow};
use async_trait::async_trait;
use bytes::Bytes;
use model::{BatchId, Clock, Millis, Peak, SegmentId, SiteId, SystemClock};
use mongodb::bson::{Document, RawDocument, RawDocumentBuf, doc};
use mongodb::options::{Hint, ReadConcern};
use serde::Deserialize;

use super::appender::Appender;
use super::database::Database;
use super::forgotten::{self, Forgotten};
use super::segments::{self, Named};
use super::step::Step;
use super::transaction::{read, write};
use super::{chunks, peaks};
use crate::history::{
    History, NewFold, PAGE_BYTES_MAX, SegmentEntry, Shelf, TailBatch, TailCursor, TailPage,
};
use crate::{Result, StoreError};

pub const TAIL: &str = "tail";

/// Batches that one command removes.
const REMOVE_BATCHES_MAX: i64 = 1_000;

pub struct Tail(pub Arc<Database>, pub Arc<Appender>, pub Arc<Forgotten>);

#[async_trait]
impl History for Tail {
    async fn append(&self, batches: Vec<TailBatch>) -> Result<()> {
        let appender = Arc::clone(&self.1);
        self.0.gate.call(async move { appender.append(batches).await }).await
    }

    async fn tail_since(&self, since: Millis, after: Option<TailCursor>, limit: usize) -> Result<TailPage> {
        read!(self, |step| tail_since(step, since, after, limit))
    }

    async fn tail_of(&self, site: SiteId, after: Option<TailCursor>, limit: usize) -> Result<TailPage> {
        let behind = doc! { "site": site.value() as i64, "_id": { "$gt": cursor_of(after) } };
        read!(self, |step| page(step, behind, doc! { "site": 1, "_id": 1 }, limit))
    }

    async fn raise_peaks(&self, peaks: &[Peak]) -> Result<()> {
        let peaks = peaks.to_vec();
        let forgotten = Arc::clone(&self.2);
        write!(self, |step| peaks::raise(step, &forgotten, &peaks))
    }

    async fn peaks_since(&self, since: Millis) -> Result<Vec<Peak>> {
        read!(self, |step| peaks::since(step, since))
    }

    async fn forget(&self, site: SiteId) -> Result<()> {
        write!(self, |step| forgotten::begin(step, site))?;
        while read!(self, |step| forget_some(step, site))? {}
        loop {
            let gone = read!(self, |step| segments::forgotten(step, site))?;
            if gone.is_empty() {
                break;
            }
            self.remove(gone).await?;
        }
        write!(self, |step| finish_forgetting(step, site))
    }

    async fn sites_to_fold(
        &self,
        before: Millis,
        old: Millis,
        after: Option<SiteId>,
        limit: usize,
    ) -> Result<Vec<SiteId>> {
        let (mut behind, mut sites) = (after, Vec::new());
        while sites.len() < limit {
            let (last, due) = read!(self, |step| segments::look_for_folds(step, before, old, behind))?;
            let Some(last) = last else {
                break;
            };
            behind = Some(last);
            sites.extend(due);
        }
        sites.truncate(limit);
        Ok(sites)
    }

    async fn shelf(&self, site: SiteId) -> Result<Shelf> {
        write!(self, |step| segments::shelf(step, site))
    }

    async fn read_segment(&self, site: SiteId, id: SegmentId, start: u64, length: usize) -> Result<Bytes> {
        let named = Named { site, id };
        let bytes = self.segment_bytes(named).await?;
        if start.checked_add(length as u64).is_none_or(|end| end > bytes) {
            return Err(StoreError::Unavailable(anyhow!("segment {id} has {bytes} bytes only")));
        }
        match chunks::read(self, named, start, length).await {
            // It may have been swept since.
            Err(error) => self.segment_bytes(named).await.and(Err(error)),
            read => read,
        }
    }

    async fn put_fold(&self, site: SiteId, fold: NewFold) -> Result<u64> {
        fold.refuse_oversized()?;
        if let Err(error) = self.sweep().await {
            tracing::warn!(%error, "segments that were replaced stay until the next fold");
        }
        let old = fold.old;
        let number = self.put(site, fold).await?;
        while read!(self, |step| segments::remove_folded(step, site, old))? {}
        Ok(number)
    }

    async fn sweep(&self) -> Result<()> {
        loop {
            let over = read!(self, |step| segments::over(step, SystemClock.now()))?;
            if over.is_empty() {
                return Ok(());
            }
            self.remove(over).await?;
        }
    }
}

impl Tail {
    /// NotFound past the grace.
    async fn segment_bytes(&self, named: Named) -> Result<u64> {
        read!(self, |step| segments::bytes(step, named, SystemClock.now()))
    }

    /// Where it cannot be known whether it is in, it is left as it is: what did not come is swept.
    async fn put(&self, site: SiteId, mut fold: NewFold) -> Result<u64> {
        let (began, now) = (Instant::now(), SystemClock.now());
        let new = std::mem::take(&mut fold.segments);
        let entries: Vec<SegmentEntry> = new.iter().map(SegmentEntry::from).collect();
        let ids: Vec<SegmentId> = entries.iter().map(|entry| entry.id).collect();
        write!(self, |step| segments::announce(step, site, &entries, now))?;
        for segment in &new {
            chunks::send(self, Named { site, id: segment.id }, segment, began).await?;
        }
        let coming = ids.clone();
        let put = write!(self, |step| segments::put(step, site, &fold, &coming, SystemClock.now()));
        if matches!(put, Err(StoreError::Conflict(_) | StoreError::Limit { .. }))
            && let Err(error) = self.withdraw(site, ids).await
        {
            tracing::warn!(%error, "segments of a fold that was refused stay until they are swept");
        }
        put
    }

    async fn withdraw(&self, site: SiteId, ids: Vec<SegmentId>) -> Result<()> {
        let gone = read!(self, |step| segments::withdraw(step, site, &ids))?;
        self.remove(gone).await
    }

    /// Segments that are said to be gone.
    async fn remove(&self, gone: Vec<Named>) -> Result<()> {
        for named in gone {
            read!(self, |step| chunks::remove(step, named))?;
            read!(self, |step| segments::drop_row(step, named))?;
        }
        Ok(())
    }
}

/// Forgets what an earlier process was killed while forgetting.
pub async fn finish(tail: &Tail) -> Result<()> {
    for site in read!(tail, |step| forgotten::unfinished(step))? {
        tail.forget(site).await?;
    }
    Ok(())
}

fn cursor_of(after: Option<TailCursor>) -> i64 {
    after.map_or(0, |cursor| cursor.0 as i64)
}

/// Walks by cursor from the first batch received at `since`: an index finds that place.
async fn tail_since(
    step: &mut Step,
    since: Millis,
    after: Option<TailCursor>,
    limit: usize,
) -> Result<TailPage> {
    let behind = match after {
        Some(_) => cursor_of(after),
        None => match first_since(step, since).await? {
            Some(first) => first - 1,
            None => return Ok(TailPage::default()),
        },
    };
    let filter = doc! { "_id": { "$gt": behind }, "received": { "$gte": since.0 } };
    page(step, filter, doc! { "_id": 1 }, limit).await
}

/// The lowest cursor of those received at `since` or later, read from the index alone.
async fn first_since(step: &mut Step, since: Millis) -> Result<Option<i64>> {
    #[derive(Deserialize)]
    struct First {
        first: i64,
    }
    let pipeline = [
        doc! { "$match": { "received": { "$gte": since.0 } } },
        doc! { "$group": { "_id": null, "first": { "$min": "$_id" } } },
    ];
    let collection = step.collection::<Document>(TAIL);
    let read = collection.aggregate(pipeline).read_concern(ReadConcern::snapshot());
    let mut found = read.hint(Hint::Keys(doc! { "received": 1, "_id": 1 })).with_type::<First>().await?;
    if !found.advance().await? {
        return Ok(None);
    }
    Ok(Some(found.deserialize_current()?.first))
}

/// Takes one step further than the page, to know whether there is more.
async fn page(step: &mut Step, behind: Document, along: Document, limit: usize) -> Result<TailPage> {
    let limit = limit.max(1);
    let collection = step.collection::<RawDocumentBuf>(TAIL);
    let find = collection
        .find(behind)
        .sort(doc! { "_id": 1 })
        .hint(Hint::Keys(along))
        .limit(i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1))
        .read_concern(ReadConcern::snapshot());
    let mut found = find.await?;
    let mut page = TailPage::default();
    let mut bytes = 0;
    while found.advance().await? {
        if page.batches.len() >= limit || bytes >= PAGE_BYTES_MAX {
            page.next = page.last;
            break;
        }
        let (cursor, batch) = batch(found.current()).map_err(StoreError::Unavailable)?;
        bytes += batch.body.len();
        page.last = Some(cursor);
        page.batches.push(batch);
    }
    Ok(page)
}

/// The id of a batch of the tail.
pub fn id_of(row: &Document) -> Result<BatchId> {
    let id = row.get_binary_generic("id").map_err(|error| StoreError::Unavailable(error.into()))?;
    let id = id.as_slice().try_into();
    id.map(|id| BatchId(u128::from_be_bytes(id)))
        .map_err(|_| StoreError::Unavailable(anyhow!("a batch's id is not 16 bytes")))
}

fn batch(row: &RawDocument) -> anyhow::Result<(TailCursor, TailBatch)> {
    let id = row.get_binary("id")?.bytes;
    let batch = TailBatch {
        id: BatchId(u128::from_be_bytes(id.try_into().context("a batch's id is not 16 bytes")?)),
        site: SiteId::of(row.get_i64("site")? as u64),
        received: Millis(row.get_i64("received")?),
        hits: u32::try_from(row.get_i64("hits")?).map_err(|_| anyhow!("a batch has too many hits"))?,
        body: Bytes::copy_from_slice(row.get_binary("body")?.bytes),
    };
    Ok((TailCursor(row.get_i64("_id")? as u64), batch))
}

async fn forget_some(step: &mut Step, site: SiteId) -> Result<bool> {
    remove_some(step, doc! { "site": site.value() as i64 }, doc! { "site": 1, "_id": 1 }).await
}

/// Removes some of a site's batches, found along an index; whether there may be more.
pub async fn remove_some(step: &mut Step, of_site: Document, along: Document) -> Result<bool> {
    let collection = step.collection::<Document>(TAIL);
    let find = collection.find(of_site.clone()).projection(doc! { "_id": 1 });
    let mut found = find.hint(Hint::Keys(along)).limit(REMOVE_BATCHES_MAX).await?;
    let mut cursors = Vec::new();
    while found.advance().await? {
        let cursor = found.deserialize_current()?.get_i64("_id").context("a cursor is no number");
        cursors.push(cursor.map_err(StoreError::Unavailable)?);
    }
    if cursors.is_empty() {
        return Ok(false);
    }
    let site = of_site.get("site").cloned().unwrap_or_default();
    step.remove(TAIL, doc! { "site": site, "_id": { "$in": cursors } }).await?;
    Ok(true)
}

async fn finish_forgetting(step: &mut Step, site: SiteId) -> Result<()> {
    peaks::forget(step, site).await?;
    forgotten::finish(step, site).await
}
