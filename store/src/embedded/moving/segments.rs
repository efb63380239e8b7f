//! Segments and folds on their way: a file grows part by part, and counts once it has a row.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use model::{BatchId, Millis, SegmentId, SiteId};
use rusqlite::{Connection, OptionalExtension, Row as Found, params};

use super::EmbeddedMoving;
use crate::Result;
use crate::embedded::columns::Column;
use crate::embedded::segments::insert;
use crate::embedded::shelves::{name, unreadable};
use crate::embedded::tail::blocking;
use crate::history::SegmentEntry;
use crate::moving::parts::Shelved;
use crate::moving::{FoldRow, Key, Row, SegmentPart};

#[async_trait]
impl Shelved for EmbeddedMoving {
    async fn segment_from(&self, site: i64, id: u128) -> Result<Option<(SiteId, SegmentEntry)>> {
        self.tail.read(move |db| segment_from(db, site, id)).await
    }
}

fn segment_from(db: &Connection, site: i64, id: u128) -> Result<Option<(SiteId, SegmentEntry)>> {
    let read = |row: &Found<'_>| {
        let entry = SegmentEntry {
            id: SegmentId(u128::from_be_bytes(row.get(1)?)),
            day_start: Millis(row.get(2)?),
            bytes: row.get::<_, i64>(3)? as u64,
            head: Bytes::copy_from_slice(row.get_ref(4)?.as_blob()?),
        };
        Ok((SiteId::read(row, 0)?, entry))
    };
    let found = db
        .prepare_cached(
            "SELECT site, id, day_start, bytes, head FROM segments
             WHERE (site, id) >= (?1, ?2) AND gone IS NULL ORDER BY site, id LIMIT 1",
        )?
        .query_row(params![site, id.to_be_bytes()], read)
        .optional()?;
    Ok(found)
}

/// Segments come in the order of their keys, so the last there is came last.
pub fn last(db: &Connection) -> Result<Option<Key>> {
    let last = db
        .prepare_cached(
            "SELECT site, id FROM segments WHERE gone IS NULL ORDER BY site DESC, id DESC LIMIT 1",
        )?
        .query_row([], |row| Ok(Key::Part(row.get(0)?, u128::from_be_bytes(row.get(1)?), u64::MAX)))
        .optional()?;
    Ok(last)
}

/// In the order in which they come. A segment that is there already is left as it is.
pub async fn import(moving: &EmbeddedMoving, rows: Vec<Row>) -> Result<()> {
    for row in rows {
        let Row::Part(part) = row else {
            continue;
        };
        let (site, id) = (part.site, part.entry.id);
        let is_there = move |db: &Connection| {
            let mut known = db.prepare_cached("SELECT 1 FROM segments WHERE site = ?1 AND id = ?2")?;
            Ok(known.exists(params![site.column(), id.0.to_be_bytes()])?)
        };
        if moving.tail.read(is_there).await? {
            continue;
        }
        let shelves = Arc::clone(&moving.shelves);
        let part: SegmentPart = blocking(move || {
            let name = name(part.entry.day_start, part.entry.id);
            shelves.write_part(part.site, &name, part.start, &part.body).map_err(unreadable)?;
            Ok(part)
        })
        .await?;
        if part.is_last() {
            moving.tail.write(move |db| insert(db, part.site, &[part.entry])).await?;
        }
    }
    Ok(())
}

pub fn folds(db: &Connection, after: i64, limit: usize) -> Result<Vec<Row>> {
    let mut select = db.prepare_cached(
        "SELECT site, number, (SELECT id FROM tail WHERE tail.site = folds.site AND cursor <= folded_to
                               ORDER BY cursor DESC LIMIT 1)
         FROM folds WHERE site > ?1 ORDER BY site LIMIT ?2",
    )?;
    let rows = select.query_map(params![after, limit], |row| {
        let last: Option<[u8; 16]> = row.get(2)?;
        let last = last.map(|id| BatchId(u128::from_be_bytes(id)));
        Ok(Row::Fold(FoldRow { site: row.get(0)?, number: row.get(1)?, last }))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

pub fn import_folds(db: &Connection, rows: &[Row]) -> Result<()> {
    let mut insert = db.prepare_cached(
        "INSERT INTO folds (site, number, folded_to)
         VALUES (?1, ?2, coalesce((SELECT cursor FROM tail WHERE site = ?1 AND id = ?3), 0))
         ON CONFLICT (site) DO NOTHING",
    )?;
    for row in rows {
        if let Row::Fold(row) = row {
            insert.execute(params![row.site, row.number, row.last.map(|id| id.0.to_be_bytes())])?;
        }
    }
    Ok(())
}
