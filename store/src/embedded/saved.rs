//! What is saved of a site, one row each.

use async_trait::async_trait;
use model::{Millis, SavedId, SiteId, limits};
use rusqlite::types::FromSqlError;
use rusqlite::{Connection, Row, params};

use super::columns::Column;
use super::registry::Registry;
use crate::saved::{Saved, SavedItem, SavedKind, TOO_MANY};
use crate::{Result, StoreError};

#[async_trait]
impl Saved for Registry {
    async fn all(&self, site: SiteId) -> Result<Vec<SavedItem>> {
        self.0.read(move |db| all(db, site)).await
    }

    async fn add(&self, site: SiteId, item: SavedItem) -> Result<()> {
        item.refuse_oversized()?;
        self.0.write(move |db| add(db, site, &item)).await
    }

    async fn change(&self, site: SiteId, item: SavedItem) -> Result<()> {
        item.refuse_oversized()?;
        self.0.write(move |db| change(db, site, &item)).await
    }

    async fn remove(&self, site: SiteId, id: SavedId) -> Result<()> {
        self.0.write(move |db| remove(db, site, id)).await
    }
}

fn all(db: &Connection, site: SiteId) -> Result<Vec<SavedItem>> {
    let mut select =
        db.prepare_cached("SELECT id, kind, name, body, at, created FROM saved WHERE site = ?1")?;
    let found = select.query_map([site.column()], read)?;
    let mut items = found.collect::<rusqlite::Result<Vec<_>>>()?;
    items.sort_by_cached_key(SavedItem::order);
    Ok(items)
}

fn read(row: &Row<'_>) -> rusqlite::Result<SavedItem> {
    let kind = row.get(1)?;
    Ok(SavedItem {
        id: SavedId::read(row, 0)?,
        kind: SavedKind::of_number(kind).ok_or(FromSqlError::OutOfRange(kind))?,
        name: row.get(2)?,
        body: row.get(3)?,
        at: row.get::<_, Option<i64>>(4)?.map(Millis),
        created: Millis(row.get(5)?),
    })
}

fn add(db: &Connection, site: SiteId, item: &SavedItem) -> Result<()> {
    let kind = item.kind.number();
    let count: usize = db
        .prepare_cached("SELECT COUNT(*) FROM saved WHERE site = ?1 AND kind = ?2")?
        .query_row([site.column(), kind], |row| row.get(0))?;
    if count >= limits::SAVED_MAX {
        return Err(TOO_MANY);
    }
    db.prepare_cached(
        "INSERT INTO saved (id, site, kind, name, body, at, created) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute(params![
        item.id.column(),
        site.column(),
        kind,
        item.name,
        item.body,
        item.at.map(|at| at.0),
        item.created.0
    ])?;
    Ok(())
}

fn change(db: &Connection, site: SiteId, item: &SavedItem) -> Result<()> {
    let changed = db
        .prepare_cached(
            "UPDATE saved SET name = ?4, body = ?5, at = ?6 WHERE id = ?1 AND site = ?2 AND kind = ?3",
        )?
        .execute(params![
            item.id.column(),
            site.column(),
            item.kind.number(),
            item.name,
            item.body,
            item.at.map(|at| at.0)
        ])?;
    found(changed)
}

fn remove(db: &Connection, site: SiteId, id: SavedId) -> Result<()> {
    found(db.execute("DELETE FROM saved WHERE id = ?1 AND site = ?2", [id.column(), site.column()])?)
}

fn found(rows: usize) -> Result<()> {
    if rows == 0 { Err(StoreError::NotFound("saved item")) } else { Ok(()) }
}
