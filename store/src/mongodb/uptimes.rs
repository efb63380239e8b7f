//! How the services were, in the collection `service_days`: `{_id: day (i64), v, version: i64, body}`.

use async_trait::async_trait;
use mongodb::bson::{Document, doc};
use serde::Serialize;

use super::registry::Registry;
use super::schema::V;
use super::step::Step;
use super::transaction::{read, write};
use crate::uptimes::{OUTRUN, ServiceDay, Uptimes, refuse_oversized};
use crate::{Result, StoreError};

pub const SERVICE_DAYS: &str = "service_days";

#[derive(Serialize)]
struct Row<'a> {
    _id: i64,
    v: i32,
    version: i64,
    body: &'a str,
}

#[async_trait]
impl Uptimes for Registry {
    async fn service_days(&self, days: (u32, u32), limit: usize) -> Result<Vec<ServiceDay>> {
        read!(self, |step| between(step, days, limit))
    }

    async fn put_service_days(&self, days: Vec<ServiceDay>) -> Result<()> {
        refuse_oversized(&days)?;
        write!(self, |step| put_all(step, &days))
    }

    async fn remove_service_days_before(&self, day: u32) -> Result<()> {
        let before = doc! { "_id": { "$lt": i64::from(day) } };
        read!(self, |step| async { step.remove(SERVICE_DAYS, before).await.map(drop) })
    }
}

async fn between(step: &mut Step, (from, to): (u32, u32), limit: usize) -> Result<Vec<ServiceDay>> {
    let days = doc! { "_id": { "$gte": i64::from(from), "$lte": i64::from(to) } };
    let found = step.some(SERVICE_DAYS, days, doc! { "_id": 1 }, limit).await?;
    found.iter().map(|row| day(row).map_err(StoreError::Unavailable)).collect()
}

fn day(row: &Document) -> anyhow::Result<ServiceDay> {
    Ok(ServiceDay {
        day: u32::try_from(row.get_i64("_id")?)?,
        version: u64::try_from(row.get_i64("version")?)?,
        body: row.get_str("body")?.to_owned(),
    })
}

async fn put_all(step: &mut Step, days: &[ServiceDay]) -> Result<()> {
    for day in days {
        put(step, day).await?;
    }
    Ok(())
}

async fn put(step: &mut Step, day: &ServiceDay) -> Result<()> {
    let _id = i64::from(day.day);
    if day.version == 0 {
        if step.exists(SERVICE_DAYS, doc! { "_id": _id }).await? {
            return Err(OUTRUN);
        }
        return step.insert(SERVICE_DAYS, &Row { _id, v: V, version: 1, body: &day.body }).await;
    }
    let read = doc! { "_id": _id, "version": day.version as i64 };
    let change = doc! { "$set": { "v": V, "body": &day.body }, "$inc": { "version": 1_i64 } };
    if step.change(SERVICE_DAYS, read, change).await? { Ok(()) } else { Err(OUTRUN) }
}
