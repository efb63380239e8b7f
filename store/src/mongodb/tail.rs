//! The tail, in the collection `tail`: `{_id: cursor, v, site: i64, id: 16 bytes, received: i64, hits, body}`.
//!
//! Reading is a walk along `_id` from behind a cursor, in a snapshot of what a majority has. A snapshot, because on
//! several shards a transaction is not seen everywhere at the same moment otherwise.

use std::sync::Arc;

use anyhow::{Context, anyhow};
use async_trait::async_trait;
use bytes::Bytes;
use model::{BatchId, Millis, Peak, SiteId};
use mongodb::bson::{Document, RawDocument, RawDocumentBuf, doc};
use mongodb::options::{Hint, ReadConcern};
use serde::Deserialize;

use super::appender::Appender;
use super::database::Database;
use super::forgotten::{self, Forgotten};
use super::holder::Holder;
use super::peaks;
use super::step::Step;
use super::transaction::{read, write, write_holding};
use crate::history::{History, PAGE_BYTES_MAX, TailBatch, TailCursor, TailPage};
use crate::{Result, StoreError};

pub const TAIL: &str = "tail";

/// Batches that one command removes.
const FORGET_BATCHES_MAX: i64 = 1_000;

/// The holder is that of the peaks' turn: the appender has its own.
pub struct Tail(pub Arc<Database>, pub Arc<Appender>, pub Arc<Forgotten>, pub Arc<Holder>);

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
        write_holding!(self, &self.3, |step| peaks::raise(step, &forgotten, &peaks))
    }

    async fn peaks_since(&self, since: Millis) -> Result<Vec<Peak>> {
        read!(self, |step| peaks::since(step, since))
    }

    async fn forget(&self, site: SiteId) -> Result<()> {
        write!(self, |step| forgotten::begin(step, site))?;
        while read!(self, |step| forget_some(step, site))? {}
        read!(self, |step| finish_forgetting(step, site))
    }

    async fn sites_to_fold(&self, _: Millis, _: Millis, _: Option<SiteId>, _: usize) -> Result<Vec<SiteId>> {
        Err(segmentless())
    }

    async fn shelf(&self, _: SiteId) -> Result<crate::history::Shelf> {
        Err(segmentless())
    }

    async fn read_segment(&self, _: SiteId, _: model::SegmentId, _: u64, _: usize) -> Result<Bytes> {
        Err(segmentless())
    }

    async fn put_fold(&self, _: SiteId, _: crate::history::NewFold) -> Result<u64> {
        Err(segmentless())
    }

    async fn sweep(&self) -> Result<()> {
        Err(segmentless())
    }
}

fn segmentless() -> StoreError {
    StoreError::Unavailable(anyhow!("this backend has no segments yet"))
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

/// Whether there may be more.
async fn forget_some(step: &mut Step, site: SiteId) -> Result<bool> {
    let of_site = doc! { "site": site.value() as i64 };
    let collection = step.collection::<Document>(TAIL);
    let find = collection.find(of_site.clone());
    let mut found =
        find.projection(doc! { "_id": 1 }).sort(doc! { "_id": 1 }).limit(FORGET_BATCHES_MAX).await?;
    let mut last = None;
    while found.advance().await? {
        last = Some(found.deserialize_current()?.get_i64("_id").context("a cursor is no number"));
    }
    let Some(last) = last.transpose().map_err(StoreError::Unavailable)? else {
        return Ok(false);
    };
    let mut some = of_site;
    some.insert("_id", doc! { "$lte": last });
    step.remove(TAIL, some).await?;
    Ok(true)
}

async fn finish_forgetting(step: &mut Step, site: SiteId) -> Result<()> {
    peaks::forget(step, site).await?;
    forgotten::finish(step, site).await
}
