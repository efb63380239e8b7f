//! Segments and folds on their way: chunks come part by part, and count once their segment is here.

use async_trait::async_trait;
use model::{BatchId, Clock, SiteId, SystemClock};
use mongodb::bson::{Document, doc};

use super::MongoMoving;
use crate::Result;
use crate::history::SegmentEntry;
use crate::mongodb::columns::binary;
use crate::mongodb::schema::V;
use crate::mongodb::segments::{self, FOLDS, Named};
use crate::mongodb::step::Step;
use crate::mongodb::tail::TAIL;
use crate::mongodb::transaction::read;
use crate::mongodb::{chunks, tail};
use crate::moving::parts::Shelved;
use crate::moving::{FoldRow, Key, Row, SegmentPart};

#[async_trait]
impl Shelved for MongoMoving {
    async fn segment_from(&self, site: i64, id: u128) -> Result<Option<(SiteId, SegmentEntry)>> {
        read!(self, |step| segments::segment_from(step, site, id))
    }
}

pub async fn last(step: &mut Step) -> Result<Option<Key>> {
    let last = segments::last(step).await?;
    Ok(last.map(|Named { site, id }| Key::Part(site.value() as i64, id.0, u64::MAX)))
}

/// In the order in which they come. A segment that is here already is left as it is.
pub async fn import(moving: &MongoMoving, rows: Vec<Row>) -> Result<()> {
    for row in rows {
        if let Row::Part(part) = row {
            read!(moving, |step| import_part(step, &part))?;
        }
    }
    Ok(())
}

async fn import_part(step: &mut Step, part: &SegmentPart) -> Result<()> {
    let named = Named { site: part.site, id: part.entry.id };
    let now = SystemClock.now();
    if !segments::expect(step, part.site, &part.entry, now).await? {
        return Ok(());
    }
    chunks::put(step, named, part.start, &part.body).await?;
    if part.is_last() { segments::arrived(step, named, now).await } else { Ok(()) }
}

pub async fn folds(step: &mut Step, after: i64, limit: usize) -> Result<Vec<Row>> {
    // Those of forgotten sites stay with number 0.
    let behind = doc! { "_id": { "$gt": after }, "number": { "$gt": 0_i64 } };
    let mut rows = Vec::new();
    for fold in step.some(FOLDS, behind, doc! { "_id": 1 }, limit).await? {
        let (site, number) = (whole(&fold, "_id")?, whole(&fold, "number")?);
        let taken_in = doc! { "site": site, "_id": { "$lte": whole(&fold, "folded_to")? } };
        let last = step.some(TAIL, taken_in, doc! { "_id": -1 }, 1).await?;
        let last = last.first().map(tail::id_of).transpose()?;
        rows.push(Row::Fold(FoldRow { site, number, last }));
    }
    Ok(rows)
}

fn whole(fold: &Document, field: &str) -> Result<i64> {
    fold.get_i64(field).map_err(|error| crate::StoreError::Unavailable(error.into()))
}

pub async fn import_folds(step: &mut Step, rows: &[Row]) -> Result<()> {
    for row in rows {
        let Row::Fold(row) = row else {
            continue;
        };
        let folded_to = match row.last {
            Some(last) => cursor(step, row.site, last).await?,
            None => 0,
        };
        let first = doc! { "v": V, "number": row.number, "folded_to": folded_to };
        step.put(FOLDS, doc! { "_id": row.site }, doc! { "$setOnInsert": first }).await?;
    }
    Ok(())
}

async fn cursor(step: &mut Step, site: i64, id: BatchId) -> Result<i64> {
    let named = doc! { "site": site, "id": binary(&id.0.to_be_bytes()) };
    let found = step.some(TAIL, named, doc! {}, 1).await?;
    found.first().map_or(Ok(0), |batch| whole(batch, "_id"))
}
