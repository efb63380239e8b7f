//! Alerts and what came of them, a row a site.

use async_trait::async_trait;
use model::alert::{Alert, Incident};
use model::outbox::NewJob;
use model::{AccountId, AlertId, IncidentId, Millis, SiteId};
use rusqlite::{Connection, OptionalExtension, params};

use super::{Chat, json, outbox, value};
use crate::Result;
use crate::alerts::{AlertBook, Alerts, SITES_A_PAGE, Ways};
use crate::embedded::columns::{Column, read_json};
use crate::outbox::refuse_oversized;

#[async_trait]
impl Alerts for Chat {
    async fn alerts(&self, site: SiteId) -> Result<AlertBook> {
        self.0.read(move |db| book(db, site)).await
    }

    async fn alerted(&self, after: Option<SiteId>) -> Result<Vec<(SiteId, AlertBook)>> {
        self.0.read(move |db| alerted(db, after)).await
    }

    async fn put_alert(&self, site: SiteId, alert: Alert, at: Millis) -> Result<()> {
        self.0.write(move |db| change(db, site, |book| book.put(alert, at))).await
    }

    async fn tell_by(&self, site: SiteId, alert: AlertId, who: AccountId, ways: Ways) -> Result<()> {
        self.0.write(move |db| change(db, site, |book| book.tell_by(alert, who, ways))).await
    }

    async fn remove_alert(&self, site: SiteId, alert: AlertId, at: Millis) -> Result<()> {
        self.0.write(move |db| change(db, site, |book| book.remove(alert, at))).await
    }

    async fn begin_incident(&self, site: SiteId, incident: Incident, jobs: Vec<NewJob>) -> Result<bool> {
        refuse_oversized(&jobs)?;
        self.0.write(move |db| tell(db, site, |book| book.begin(incident), jobs)).await
    }

    async fn end_incident(
        &self,
        site: SiteId,
        id: IncidentId,
        at: Millis,
        jobs: Vec<NewJob>,
    ) -> Result<bool> {
        refuse_oversized(&jobs)?;
        self.0.write(move |db| tell(db, site, |book| book.end(id, at), jobs)).await
    }
}

fn book(db: &Connection, site: SiteId) -> Result<AlertBook> {
    let mut select = db.prepare_cached("SELECT value FROM alerts WHERE site = ?1")?;
    Ok(select.query_row([site.column()], value).optional()?.unwrap_or_default())
}

fn alerted(db: &Connection, after: Option<SiteId>) -> Result<Vec<(SiteId, AlertBook)>> {
    let mut select =
        db.prepare_cached("SELECT site, value FROM alerts WHERE site > ?1 ORDER BY site LIMIT ?2")?;
    let after = after.map_or(i64::MIN, Column::column);
    let found = select
        .query_map(params![after, SITES_A_PAGE], |row| Ok((SiteId::read(row, 0)?, read_json(row, 1)?)))?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

/// A site whose last alert went keeps what came of its alerts.
fn put(db: &Connection, site: SiteId, book: &AlertBook) -> Result<()> {
    db.prepare_cached("INSERT OR REPLACE INTO alerts (site, value) VALUES (?1, ?2)")?
        .execute(params![site.column(), json(book)])?;
    Ok(())
}

fn change(db: &Connection, site: SiteId, change: impl FnOnce(&mut AlertBook) -> Result<()>) -> Result<()> {
    let mut book = book(db, site)?;
    change(&mut book)?;
    put(db, site, &book)
}

/// The jobs are added where something changed.
fn tell(
    db: &Connection,
    site: SiteId,
    change: impl FnOnce(&mut AlertBook) -> bool,
    jobs: Vec<NewJob>,
) -> Result<bool> {
    let mut book = book(db, site)?;
    if !change(&mut book) {
        return Ok(false);
    }
    put(db, site, &book)?;
    outbox::add(db, jobs)?;
    Ok(true)
}
