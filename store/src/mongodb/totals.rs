//! Days of which only totals are known, in the collection `day_totals`: `{v, site, slot: i64, body}`. A slot is a table and a day.

use async_trait::async_trait;
use model::SiteId;
use mongodb::bson::{Document, doc};

use super::columns::Column;
use super::registry::Registry;
use super::schema::V;
use super::sites;
use super::step::Step;
use super::transaction::{read, write};
use crate::totals::{DayTotal, DayTotals, TotalsTable, refuse_oversized};
use crate::{Result, StoreError};

pub const DAY_TOTALS: &str = "day_totals";

#[async_trait]
impl DayTotals for Registry {
    async fn put(&self, site: SiteId, totals: Vec<DayTotal>) -> Result<()> {
        refuse_oversized(&totals)?;
        write!(self, |step| put(step, site, &totals))
    }

    async fn between(
        &self,
        site: SiteId,
        table: TotalsTable,
        (from, to): (u32, u32),
        limit: usize,
    ) -> Result<Vec<DayTotal>> {
        let slots = (table.slot(from), table.slot(to));
        read!(self, |step| between(step, site, slots, limit))
    }

    async fn remove_before(&self, site: SiteId, day: u32) -> Result<()> {
        read!(self, |step| remove_before(step, site, day))
    }
}

/// Takes the site's turn: who removes the site at the same moment comes before, and there is none, or after, and removes these too.
async fn put(step: &mut Step, site: SiteId, totals: &[DayTotal]) -> Result<()> {
    sites::take_turn(step, site).await?;
    for total in totals {
        let one = doc! { "site": site.column(), "slot": total.slot() };
        step.put(DAY_TOTALS, one, doc! { "$set": { "v": V, "body": &total.body } }).await?;
    }
    Ok(())
}

async fn between(
    step: &mut Step,
    site: SiteId,
    (from, to): (i64, i64),
    limit: usize,
) -> Result<Vec<DayTotal>> {
    let slots = doc! { "site": site.column(), "slot": { "$gte": from, "$lte": to } };
    let found = step.some(DAY_TOTALS, slots, doc! { "slot": 1 }, limit).await?;
    found.into_iter().map(total).collect()
}

fn total(row: Document) -> Result<DayTotal> {
    let unreadable = |error| StoreError::Unavailable(anyhow::Error::new(error));
    let slot = row.get_i64("slot").map_err(unreadable)?;
    let body = row.get_str("body").map_err(unreadable)?;
    DayTotal::of_slot(slot, body.to_owned())
}

async fn remove_before(step: &mut Step, site: SiteId, day: u32) -> Result<()> {
    for table in TotalsTable::EVERY {
        let slots = doc! { "$gte": table.slot(0), "$lt": table.slot(day) };
        step.remove(DAY_TOTALS, doc! { "site": site.column(), "slot": slots }).await?;
    }
    Ok(())
}
