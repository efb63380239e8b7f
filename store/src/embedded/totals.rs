//! Days of which only totals are known, one row each.

use async_trait::async_trait;
use model::SiteId;
use rusqlite::{Connection, params};

use super::columns::Column;
use super::registry::Registry;
use crate::totals::{DayTotal, DayTotals, TotalsTable, refuse_oversized};
use crate::{Result, StoreError};

#[async_trait]
impl DayTotals for Registry {
    async fn put(&self, site: SiteId, totals: Vec<DayTotal>) -> Result<()> {
        refuse_oversized(&totals)?;
        self.0.write(move |db| put(db, site, &totals)).await
    }

    async fn between(
        &self,
        site: SiteId,
        table: TotalsTable,
        (from, to): (u32, u32),
        limit: usize,
    ) -> Result<Vec<DayTotal>> {
        self.0.read(move |db| between(db, site, (table.slot(from), table.slot(to)), limit)).await
    }

    async fn remove_before(&self, site: SiteId, day: u32) -> Result<()> {
        self.0.write(move |db| remove_before(db, site, day)).await
    }
}

fn put(db: &Connection, site: SiteId, totals: &[DayTotal]) -> Result<()> {
    if !db.prepare_cached("SELECT 1 FROM sites WHERE id = ?1")?.exists([site.column()])? {
        return Err(StoreError::NotFound("site"));
    }
    let mut put =
        db.prepare_cached("INSERT OR REPLACE INTO day_totals (site, slot, body) VALUES (?1, ?2, ?3)")?;
    for total in totals {
        put.execute(params![site.column(), total.slot(), total.body])?;
    }
    Ok(())
}

fn between(db: &Connection, site: SiteId, (from, to): (i64, i64), limit: usize) -> Result<Vec<DayTotal>> {
    let mut select = db.prepare_cached(
        "SELECT slot, body FROM day_totals WHERE site = ?1 AND slot BETWEEN ?2 AND ?3 ORDER BY slot LIMIT ?4",
    )?;
    let rows =
        select.query_map(params![site.column(), from, to, limit], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.map(|row| row.map_err(StoreError::from).and_then(|(slot, body)| DayTotal::of_slot(slot, body)))
        .collect()
}

fn remove_before(db: &Connection, site: SiteId, day: u32) -> Result<()> {
    let mut remove =
        db.prepare_cached("DELETE FROM day_totals WHERE site = ?1 AND slot >= ?2 AND slot < ?3")?;
    for table in TotalsTable::EVERY {
        remove.execute([site.column(), table.slot(0), table.slot(day)])?;
    }
    Ok(())
}
