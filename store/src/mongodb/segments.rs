//! Segments, and the last fold of each site:
//!
//! - `segments`: `{_id, v, site: i64, id: 16 bytes, day_start: i64, bytes: i64, head, state, since: i64}`. A segment is
//!   `coming` while its bytes are sent, `here` on the shelf, and `gone` once a fold took its place; since when, says
//!   the clock of the process that did it.
//! - `chunks`: `{_id, v, site: i64, segment: 16 bytes, n: i32, bytes}`, `CHUNK_BYTES` each but the last.
//! - `folds`: `{_id: site, v, number: i64, folded_to: i64}`; of a forgotten site it stays, for who folds at that moment.
//!
//! No chunk is there without its document in `segments`: that comes first and goes last, and whoever takes one away
//! says first that it is gone, so that a fold that was too slow is refused.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::anyhow;
use model::{Millis, SegmentId, SiteId};
use mongodb::bson::{Binary, Document, deserialize_from_document, doc};
use serde::{Deserialize, Serialize};

use super::columns::binary;
use super::forgotten::FORGOTTEN;
use super::schema::V;
use super::step::Step;
use super::tail::{self, TAIL};
use crate::history::{NewFold, SEGMENT_GRACE, SEGMENTS_MAX, SegmentEntry, Shelf, TailCursor};
use crate::{Result, StoreError};

pub const SEGMENTS: &str = "segments";
pub const FOLDS: &str = "folds";

/// A segment that is still coming after this is of a fold that never ended: longer than a fold may take.
const COMING_MAX: Duration = Duration::from_secs(1_800);
/// Segments that one step of sweeping removes.
const SWEEP_MAX: usize = 64;
/// Sites that are looked at in one call.
const SITES_A_LOOK: usize = 200;
const COMING: &str = "coming";
const HERE: &str = "here";
const GONE: &str = "gone";

#[derive(Serialize, Deserialize)]
struct Row {
    v: i32,
    site: i64,
    id: Binary,
    day_start: i64,
    bytes: i64,
    head: Binary,
    state: String,
    since: i64,
}

#[derive(Default, Deserialize)]
struct Fold {
    _id: i64,
    number: i64,
    folded_to: i64,
}

/// Names one segment, of whichever site.
#[derive(Clone, Copy)]
pub struct Named {
    pub site: SiteId,
    pub id: SegmentId,
}

impl Named {
    fn filter(self) -> Document {
        doc! { "site": self.site.value() as i64, "id": id_of(self.id) }
    }

    fn coming(self) -> Document {
        let mut filter = self.filter();
        filter.insert("state", COMING);
        filter
    }
}

pub fn id_of(id: SegmentId) -> Binary {
    binary(&id.0.to_be_bytes())
}

/// In a transaction, so that shelf and number are of one moment.
pub async fn shelf(step: &mut Step, site: SiteId) -> Result<Shelf> {
    if step.exists(FORGOTTEN, doc! { "_id": site.value() as i64 }).await? {
        return Ok(Shelf::default());
    }
    let fold = last_fold(step, site).await?.unwrap_or_default();
    let sort = doc! { "day_start": 1, "id": 1 };
    let here = doc! { "site": site.value() as i64, "state": HERE };
    let rows: Vec<Row> = step.all(SEGMENTS, here, sort).await?;
    let segments = rows.into_iter().map(entry).collect::<Result<_>>()?;
    let folded_to = (fold.folded_to > 0).then_some(TailCursor(fold.folded_to as u64));
    Ok(Shelf { fold: fold.number as u64, folded_to, segments })
}

fn entry(row: Row) -> Result<SegmentEntry> {
    Ok(SegmentEntry {
        id: id(&row.id)?,
        day_start: Millis(row.day_start),
        bytes: row.bytes as u64,
        head: row.head.bytes.into(),
    })
}

fn id(binary: &Binary) -> Result<SegmentId> {
    let bytes = binary.bytes.as_slice().try_into();
    let id = bytes.map_err(|_| StoreError::Unavailable(anyhow!("a segment has an id that is none")))?;
    Ok(SegmentId(u128::from_be_bytes(id)))
}

async fn last_fold(step: &mut Step, site: SiteId) -> Result<Option<Fold>> {
    step.one(FOLDS, doc! { "_id": site.value() as i64 }).await
}

/// The bytes that a segment has. NotFound past the grace.
pub async fn bytes(step: &mut Step, named: Named, now: Millis) -> Result<u64> {
    let row: Option<Row> = step.one(SEGMENTS, named.filter()).await?;
    let is_readable = |row: &Row| match row.state.as_str() {
        HERE => true,
        GONE => row.since >= now.minus(SEGMENT_GRACE).0,
        _ => false,
    };
    row.filter(is_readable).map(|row| row.bytes as u64).ok_or(StoreError::NotFound("segment"))
}

/// The first on the shelf of that site and id or behind, by (site, id).
pub async fn segment_from(step: &mut Step, site: i64, id: u128) -> Result<Option<(SiteId, SegmentEntry)>> {
    let behind = doc! {
        "state": HERE,
        "$or": [{ "site": site, "id": { "$gte": id_of(SegmentId(id)) } }, { "site": { "$gt": site } }],
    };
    let found = step.some(SEGMENTS, behind, doc! { "site": 1, "id": 1 }, 1).await?;
    let row = found.into_iter().next().map(row).transpose()?;
    row.map(|row| Ok((SiteId::of(row.site as u64), entry(row)?))).transpose()
}

/// The last on the shelf, by (site, id).
pub async fn last(step: &mut Step) -> Result<Option<Named>> {
    let found = step.some(SEGMENTS, doc! { "state": HERE }, doc! { "site": -1, "id": -1 }, 1).await?;
    found.into_iter().next().map(named).transpose()
}

/// Of a move: that the segment is coming, still. False where it is here.
pub async fn expect(step: &mut Step, site: SiteId, entry: &SegmentEntry, now: Millis) -> Result<bool> {
    let named = Named { site, id: entry.id };
    let first = doc! {
        "v": V,
        "day_start": entry.day_start.0,
        "bytes": entry.bytes as i64,
        "head": binary(&entry.head),
        "state": COMING,
        "since": now.0,
    };
    step.put(SEGMENTS, named.filter(), doc! { "$setOnInsert": first }).await?;
    step.change(SEGMENTS, named.coming(), doc! { "$set": { "since": now.0 } }).await
}

/// Of a move: all its chunks are there.
pub async fn arrived(step: &mut Step, named: Named, now: Millis) -> Result<()> {
    step.change(SEGMENTS, named.coming(), to(HERE, now)).await.map(drop)
}

/// Before their chunks. Conflict where an id is taken.
pub async fn announce(step: &mut Step, site: SiteId, entries: &[SegmentEntry], now: Millis) -> Result<()> {
    for entry in entries {
        let row = Row {
            v: V,
            site: site.value() as i64,
            id: id_of(entry.id),
            day_start: entry.day_start.0,
            bytes: entry.bytes as i64,
            head: binary(&entry.head),
            state: COMING.into(),
            since: now.0,
        };
        step.insert(SEGMENTS, &row).await?;
    }
    Ok(())
}

/// Once all chunks are there. Writes the site's fold first: folds of one site, and its forgetting, come one after the
/// other.
pub async fn put(
    step: &mut Step,
    site: SiteId,
    fold: &NewFold,
    coming: &[SegmentId],
    now: Millis,
) -> Result<u64> {
    let site_id = site.value() as i64;
    if step.exists(FORGOTTEN, doc! { "_id": site_id }).await? {
        return Err(StoreError::Conflict("the site was forgotten"));
    }
    let last = last_fold(step, site).await?.unwrap_or_default();
    if last.number as u64 != fold.after {
        return Err(StoreError::Conflict("another fold was put in meanwhile"));
    }
    let number = last.number + 1;
    let folded_to = fold.folded_to.map_or(0, |cursor| cursor.0 as i64).max(last.folded_to);
    let update = doc! { "$set": { "v": V, "number": number, "folded_to": folded_to } };
    step.put(FOLDS, doc! { "_id": site_id }, update).await?;
    let ids = |ids: &[SegmentId]| ids.iter().map(|id| id_of(*id)).collect::<Vec<_>>();
    let gone = doc! { "site": site_id, "id": { "$in": ids(&fold.gone) }, "state": HERE };
    step.change_all(SEGMENTS, gone, to(GONE, now)).await?;
    let come = doc! { "site": site_id, "id": { "$in": ids(coming) }, "state": COMING };
    if step.change_all(SEGMENTS, come, to(HERE, now)).await? != coming.len() {
        return Err(StoreError::Conflict("the fold took too long, and its segments were swept"));
    }
    if step.count(SEGMENTS, doc! { "site": site_id, "state": HERE }).await? > SEGMENTS_MAX {
        return Err(StoreError::Limit { what: "segments of a site", max: SEGMENTS_MAX });
    }
    Ok(number as u64)
}

fn to(state: &str, since: Millis) -> Document {
    doc! { "$set": { "state": state, "since": since.0 } }
}

/// Removes some of the batches that folds took in and that were received before `old`; whether there may be more.
pub async fn remove_folded(step: &mut Step, site: SiteId, old: Millis) -> Result<bool> {
    let folded_to = last_fold(step, site).await?.unwrap_or_default().folded_to;
    let over = doc! {
        "site": site.value() as i64,
        "received": { "$lt": old.0 },
        "_id": { "$lte": folded_to },
    };
    tail::remove_some(step, over, doc! { "site": 1, "received": 1, "_id": 1 }).await
}

/// The next sites of the tail, at most `SITES_A_LOOK`, by id; and those of them that have something to fold.
pub async fn look_for_folds(
    step: &mut Step,
    before: Millis,
    old: Millis,
    after: Option<SiteId>,
) -> Result<(Option<SiteId>, Vec<SiteId>)> {
    let behind = doc! { "site": { "$gt": after.map_or(-1, |site| site.value() as i64) } };
    let sites = sites_of_tail(step, behind, SITES_A_LOOK).await?;
    let Some(last) = sites.last().copied() else {
        return Ok((None, Vec::new()));
    };
    let folds: Vec<Fold> = step.all(FOLDS, doc! { "_id": { "$in": &sites } }, doc! {}).await?;
    let folded_to: HashMap<i64, i64> = folds.into_iter().map(|fold| (fold._id, fold.folded_to)).collect();
    let due = sites.iter().flat_map(|site| {
        let folded_to = folded_to.get(site).copied().unwrap_or(0);
        [
            doc! { "site": *site, "received": { "$lt": before.0 }, "_id": { "$gt": folded_to } },
            doc! { "site": *site, "received": { "$lt": old.0 }, "_id": { "$lte": folded_to } },
        ]
    });
    let due = doc! { "$or": due.collect::<Vec<_>>() };
    let due = sites_of_tail(step, due, SITES_A_LOOK).await?;
    let id = |site: i64| SiteId::of(site as u64);
    Ok((Some(id(last)), due.into_iter().map(id).collect()))
}

/// Sites of batches that match, by id.
async fn sites_of_tail(step: &mut Step, filter: Document, limit: usize) -> Result<Vec<i64>> {
    #[derive(Deserialize)]
    struct Site {
        _id: i64,
    }
    let pipeline = [
        doc! { "$match": filter },
        doc! { "$group": { "_id": "$site" } },
        doc! { "$sort": { "_id": 1 } },
        doc! { "$limit": limit as i64 },
    ];
    let collection = step.collection::<Document>(TAIL);
    let mut found = collection.aggregate(pipeline).with_type::<Site>().await?;
    let mut sites = Vec::new();
    while found.advance().await? {
        sites.push(found.deserialize_current()?._id);
    }
    Ok(sites)
}

/// Those of which the grace is over, at most `SWEEP_MAX`. Folds that never ended become such.
pub async fn over(step: &mut Step, now: Millis) -> Result<Vec<Named>> {
    let late = doc! { "state": COMING, "since": { "$lt": now.minus(COMING_MAX).0 } };
    step.change_all(SEGMENTS, late, to(GONE, Millis(i64::MIN))).await?;
    some(step, doc! { "state": GONE, "since": { "$lt": now.minus(SEGMENT_GRACE).0 } }).await
}

/// Takes the shelf of a site away that is being forgotten, at most `SWEEP_MAX` at a time. What is coming is refused when
/// it has come, and removed by its fold, or swept.
pub async fn forgotten(step: &mut Step, site: SiteId) -> Result<Vec<Named>> {
    let all = doc! { "site": site.value() as i64, "state": { "$ne": COMING } };
    step.change_all(SEGMENTS, all.clone(), to(GONE, Millis(i64::MIN))).await?;
    some(step, all).await
}

async fn some(step: &mut Step, filter: Document) -> Result<Vec<Named>> {
    let rows = step.some(SEGMENTS, filter, doc! {}, SWEEP_MAX).await?;
    rows.into_iter().map(named).collect()
}

fn row(document: Document) -> Result<Row> {
    deserialize_from_document(document).map_err(|error| StoreError::Unavailable(error.into()))
}

fn named(document: Document) -> Result<Named> {
    let row = row(document)?;
    Ok(Named { site: SiteId::of(row.site as u64), id: id(&row.id)? })
}

/// Of a fold that was refused: those that are gone with it.
pub async fn withdraw(step: &mut Step, site: SiteId, coming: &[SegmentId]) -> Result<Vec<Named>> {
    let ids: Vec<_> = coming.iter().map(|id| id_of(*id)).collect();
    let mut filter = doc! { "site": site.value() as i64, "id": { "$in": ids }, "state": COMING };
    step.change_all(SEGMENTS, filter.clone(), to(GONE, Millis(i64::MIN))).await?;
    filter.insert("state", GONE);
    some(step, filter).await
}

/// After its chunks.
pub async fn drop_row(step: &mut Step, named: Named) -> Result<()> {
    let mut filter = named.filter();
    filter.insert("state", GONE);
    step.remove(SEGMENTS, filter).await.map(drop)
}

/// Who folds at this moment comes before, and what it put is removed with the rest, or after, and is refused.
pub async fn begin_forgetting(step: &mut Step, site: SiteId) -> Result<()> {
    let none = doc! { "$set": { "v": V, "number": 0_i64, "folded_to": 0_i64 }, "$inc": { "turn": 1_i64 } };
    step.put(FOLDS, doc! { "_id": site.value() as i64 }, none).await
}
