//! The most visitors present at once on a site in an hour, in the collection `peaks`:
//! `{_id, v, site: i64, hour: i64, count: i64}`.

use anyhow::anyhow;
use model::{Millis, Peak, SiteId};
use mongodb::bson::{Document, doc};
use serde::Deserialize;

use super::forgotten::Forgotten;
use super::schema::V;
use super::step::Step;
use super::turns;
use crate::{Result, StoreError};

pub const PEAKS: &str = "peaks";

/// Peaks that one command raises.
const RAISE_MAX: usize = 1_000;

#[derive(Deserialize)]
struct Row {
    site: i64,
    hour: i64,
    count: i64,
}

/// In a transaction that takes the turn of the peaks, so that no peak of a site stays that is being forgotten.
pub async fn raise(step: &mut Step, forgotten: &Forgotten, peaks: &[Peak]) -> Result<()> {
    let turn = turns::take(step, turns::PEAKS, doc! { "$inc": { "turn": 1_i64 } }).await?;
    let forgotten = forgotten.known(step, turn.forgotten).await?;
    let kept: Vec<_> = peaks.iter().filter(|peak| !forgotten.has(peak.site)).collect();
    for some in kept.chunks(RAISE_MAX) {
        let updates: Vec<Document> = some.iter().map(|peak| raised(peak)).collect();
        let answer = step.command(doc! { "update": PEAKS, "updates": updates, "ordered": true }).await?;
        if answer.contains_key("writeErrors") {
            return Err(StoreError::Unavailable(anyhow!("a peak was not raised: {answer}")));
        }
    }
    Ok(())
}

fn raised(peak: &Peak) -> Document {
    doc! {
        "q": { "site": peak.site.value() as i64, "hour": peak.hour.0 },
        "u": { "$max": { "count": i64::from(peak.count) }, "$setOnInsert": { "v": V } },
        "upsert": true,
    }
}

pub async fn since(step: &mut Step, since: Millis) -> Result<Vec<Peak>> {
    let sort = doc! { "hour": 1, "site": 1 };
    let rows: Vec<Row> = step.all(PEAKS, doc! { "hour": { "$gte": since.0 } }, sort).await?;
    let peak = |row: Row| Peak {
        site: SiteId::of(row.site as u64),
        hour: Millis(row.hour),
        count: u32::try_from(row.count).unwrap_or(u32::MAX),
    };
    Ok(rows.into_iter().map(peak).collect())
}

pub async fn forget(step: &mut Step, site: SiteId) -> Result<()> {
    step.remove(PEAKS, doc! { "site": site.value() as i64 }).await.map(drop)
}
