//! How the services were, one row a day.

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, params};

use super::registry::Registry;
use crate::uptimes::{OUTRUN, ServiceDay, Uptimes, refuse_oversized};
use crate::{Result, StoreError};

#[async_trait]
impl Uptimes for Registry {
    async fn service_days(&self, days: (u32, u32), limit: usize) -> Result<Vec<ServiceDay>> {
        self.0.read(move |db| between(db, days, limit)).await
    }

    async fn put_service_days(&self, days: Vec<ServiceDay>) -> Result<()> {
        refuse_oversized(&days)?;
        self.0.write(move |db| days.iter().try_for_each(|day| put(db, day))).await
    }

    async fn remove_service_days_before(&self, day: u32) -> Result<()> {
        let remove = move |db: &Connection| {
            db.prepare_cached("DELETE FROM service_days WHERE day < ?1")?.execute([day])?;
            Ok(())
        };
        self.0.write(remove).await
    }
}

fn between(db: &Connection, (from, to): (u32, u32), limit: usize) -> Result<Vec<ServiceDay>> {
    let mut select = db.prepare_cached(
        "SELECT day, version, body FROM service_days WHERE day BETWEEN ?1 AND ?2 ORDER BY day LIMIT ?3",
    )?;
    let days = select.query_map(params![from, to, limit], |row| {
        Ok(ServiceDay { day: row.get(0)?, version: row.get::<_, i64>(1)?.unsigned_abs(), body: row.get(2)? })
    })?;
    Ok(days.collect::<rusqlite::Result<_>>()?)
}

fn put(db: &Connection, day: &ServiceDay) -> Result<()> {
    let kept: Option<i64> = db
        .prepare_cached("SELECT version FROM service_days WHERE day = ?1")?
        .query_row([day.day], |row| row.get(0))
        .optional()?;
    if kept.unwrap_or(0).unsigned_abs() != day.version {
        return Err(OUTRUN);
    }
    let next = i64::try_from(day.version + 1).map_err(|error| StoreError::Unavailable(error.into()))?;
    db.prepare_cached("INSERT OR REPLACE INTO service_days (day, version, body) VALUES (?1, ?2, ?3)")?
        .execute(params![day.day, next, day.body])?;
    Ok(())
}
