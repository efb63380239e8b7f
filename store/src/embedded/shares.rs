//! Share links of a site.

use model::{Millis, SavedId, ShareId, SiteId, limits};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::columns::Column;
use crate::accounts::{SecretHash, Share};
use crate::{Result, StoreError};

const COLUMNS: &str = "id, site, name, created, segment";

fn read(row: &Row<'_>) -> rusqlite::Result<Share> {
    Ok(Share {
        id: ShareId::read(row, 0)?,
        site: SiteId::read(row, 1)?,
        name: row.get(2)?,
        created: Millis(row.get(3)?),
        segment: row.get::<_, Option<i64>>(4)?.map(|id| SavedId::of(id as u64)),
    })
}

pub fn share(db: &Connection, share: &Share, secret: SecretHash) -> Result<()> {
    let site = share.site.column();
    let count: usize =
        db.query_row("SELECT COUNT(*) FROM shares WHERE site = ?1", [site], |row| row.get(0))?;
    if count >= limits::SHARES_MAX {
        return Err(StoreError::Limit { what: "share links of a site", max: limits::SHARES_MAX });
    }
    db.execute(
        "INSERT INTO shares (id, secret, site, name, created, segment) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            share.id.column(),
            secret.0,
            site,
            share.name,
            share.created.0,
            share.segment.map(Column::column)
        ],
    )?;
    Ok(())
}

pub fn shared(db: &Connection, secret: SecretHash) -> Result<Share> {
    db.prepare_cached(&format!("SELECT {COLUMNS} FROM shares WHERE secret = ?1"))?
        .query_row([secret.0], read)
        .optional()?
        .ok_or(StoreError::NotFound("share link"))
}

pub fn shares(db: &Connection, site: SiteId) -> Result<Vec<Share>> {
    let mut select = db
        .prepare_cached(&format!("SELECT {COLUMNS} FROM shares WHERE site = ?1 ORDER BY created DESC, id"))?;
    let shares = select.query_map([site.column()], read)?;
    Ok(shares.collect::<rusqlite::Result<_>>()?)
}

pub fn unshare(db: &Connection, site: SiteId, id: ShareId) -> Result<()> {
    let ended = db.execute("DELETE FROM shares WHERE id = ?1 AND site = ?2", [id.column(), site.column()])?;
    if ended == 0 { Err(StoreError::NotFound("share link")) } else { Ok(()) }
}
