//! The shelf of each site and its folds, in `tail.db`.

use bytes::Bytes;
use model::{Millis, SegmentId, SiteId};
use rusqlite::{Connection, OptionalExtension, params};

use super::columns::Column;
use super::shelves::{Shelves, name, unreadable};
use crate::history::{NewFold, SEGMENT_GRACE, SEGMENTS_MAX, SegmentEntry, Shelf, TailCursor};
use crate::{Result, StoreError};

/// Segments that one step of sweeping removes.
const SWEEP_MAX: usize = 128;
/// Batches that one transaction removes, so that appends get their turn in between.
pub const REMOVE_BATCHES_MAX: usize = 128;
/// Of a forgotten site's segments: they have no grace.
const LONG_GONE: i64 = i64::MIN;

/// Where a segment's bytes are.
pub struct Place {
    pub name: String,
    pub bytes: u64,
}

/// A file of which the grace is over.
pub struct Over {
    row: i64,
    pub site: SiteId,
    pub name: String,
}

struct LastFold {
    number: u64,
    folded_to: i64,
}

pub fn shelf(db: &Connection, site: SiteId) -> Result<Shelf> {
    let snapshot = db.unchecked_transaction()?;
    let last = last_fold(&snapshot, site)?;
    let mut select = snapshot.prepare_cached(
        "SELECT id, day_start, bytes, head FROM segments WHERE site = ?1 AND gone IS NULL ORDER BY day_start, id",
    )?;
    let segments = select.query_map([site.column()], |row| {
        Ok(SegmentEntry {
            id: SegmentId(u128::from_be_bytes(row.get(0)?)),
            day_start: Millis(row.get(1)?),
            bytes: row.get::<_, i64>(2)? as u64,
            head: Bytes::copy_from_slice(row.get_ref(3)?.as_blob()?),
        })
    })?;
    let folded_to = (last.folded_to > 0).then_some(TailCursor(last.folded_to as u64));
    Ok(Shelf { fold: last.number, folded_to, segments: segments.collect::<rusqlite::Result<_>>()? })
}

fn last_fold(db: &Connection, site: SiteId) -> Result<LastFold> {
    let last = db
        .prepare_cached("SELECT number, folded_to FROM folds WHERE site = ?1")?
        .query_row([site.column()], |row| {
            Ok(LastFold { number: row.get::<_, i64>(0)? as u64, folded_to: row.get(1)? })
        })
        .optional()?;
    Ok(last.unwrap_or(LastFold { number: 0, folded_to: 0 }))
}

/// NotFound past the grace.
pub fn place(db: &Connection, site: SiteId, id: SegmentId, now: Millis) -> Result<Place> {
    db.prepare_cached(
        "SELECT day_start, bytes FROM segments
         WHERE site = ?1 AND id = ?2 AND (gone IS NULL OR gone >= ?3)",
    )?
    .query_row(params![site.column(), id.0.to_be_bytes(), grace_of(now).0], |row| {
        Ok(Place { name: name(Millis(row.get(0)?), id), bytes: row.get::<_, i64>(1)? as u64 })
    })
    .optional()?
    .ok_or(StoreError::NotFound("segment"))
}

/// What went from the shelf before this is over.
pub fn grace_of(now: Millis) -> Millis {
    now.minus(SEGMENT_GRACE)
}

/// `fold` without its bodies: `entries` stand for them.
pub fn put(
    db: &Connection,
    site: SiteId,
    fold: &NewFold,
    entries: &[SegmentEntry],
    now: Millis,
) -> Result<u64> {
    let is_forgotten =
        db.prepare_cached("SELECT 1 FROM forgotten WHERE site = ?1")?.exists([site.column()])?;
    if is_forgotten {
        return Err(StoreError::Conflict("the site was forgotten"));
    }
    let last = last_fold(db, site)?;
    if last.number != fold.after {
        return Err(StoreError::Conflict("another fold was put in meanwhile"));
    }
    let mut go = db.prepare_cached(
        "UPDATE segments SET gone = ?3, head = x'' WHERE site = ?1 AND id = ?2 AND gone IS NULL",
    )?;
    for id in &fold.gone {
        go.execute(params![site.column(), id.0.to_be_bytes(), now.0])?;
    }
    insert(db, site, entries)?;
    let number = fold.after + 1;
    let folded_to = fold.folded_to.map_or(0, |cursor| cursor.0 as i64).max(last.folded_to);
    db.prepare_cached("INSERT OR REPLACE INTO folds (site, number, folded_to) VALUES (?1, ?2, ?3)")?
        .execute(params![site.column(), number as i64, folded_to])?;
    Ok(number)
}

pub fn insert(db: &Connection, site: SiteId, entries: &[SegmentEntry]) -> Result<()> {
    let on_shelf: usize = db
        .prepare_cached("SELECT COUNT(*) FROM segments WHERE site = ?1 AND gone IS NULL")?
        .query_row([site.column()], |row| row.get(0))?;
    if on_shelf + entries.len() > SEGMENTS_MAX {
        return Err(StoreError::Limit { what: "segments of a site", max: SEGMENTS_MAX });
    }
    let mut insert = db.prepare_cached(
        "INSERT INTO segments (site, id, day_start, bytes, head) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    for entry in entries {
        insert.execute(params![
            site.column(),
            entry.id.0.to_be_bytes(),
            entry.day_start.0,
            entry.bytes as i64,
            &entry.head[..]
        ])?;
    }
    Ok(())
}

/// Some of the batches that folds took in and that were received before `old`; how many.
pub fn remove_folded(db: &Connection, site: SiteId, old: Millis) -> Result<usize> {
    let folded_to = last_fold(db, site)?.folded_to;
    let mut delete = db.prepare_cached(
        "DELETE FROM tail WHERE cursor IN
         (SELECT cursor FROM tail WHERE site = ?1 AND received < ?2 AND cursor <= ?3 LIMIT ?4)",
    )?;
    Ok(delete.execute(params![site.column(), old.0, folded_to, REMOVE_BATCHES_MAX])?)
}

/// One site after the other: two steps into an index say whether it has something to fold.
pub fn sites_to_fold(
    db: &Connection,
    before: Millis,
    old: Millis,
    after: Option<SiteId>,
    limit: usize,
) -> Result<Vec<SiteId>> {
    let mut next = db.prepare_cached("SELECT MIN(site) FROM tail WHERE site > ?1")?;
    let mut has_new = db.prepare_cached(
        "SELECT 1 FROM tail INDEXED BY tail_site_received WHERE site = ?1 AND received < ?2 AND cursor > ?3 LIMIT 1",
    )?;
    let mut has_old = db.prepare_cached(
        "SELECT 1 FROM tail INDEXED BY tail_site_received WHERE site = ?1 AND received < ?2 AND cursor <= ?3 LIMIT 1",
    )?;
    let mut sites = Vec::new();
    let mut behind = after.map_or(-1, Column::column);
    while sites.len() < limit {
        let Some(site) = next.query_row([behind], |row| row.get::<_, Option<i64>>(0))? else {
            break;
        };
        behind = site;
        let id = SiteId::of(site as u64);
        let folded_to = last_fold(db, id)?.folded_to;
        if has_new.exists([site, before.0, folded_to])? || has_old.exists([site, old.0, folded_to])? {
            sites.push(id);
        }
    }
    Ok(sites)
}

/// The shelf of a forgotten site is empty, and its segments wait for no grace.
pub fn forget(db: &Connection, site: SiteId) -> Result<()> {
    db.execute("DELETE FROM folds WHERE site = ?1", [site.column()])?;
    db.execute("UPDATE segments SET gone = ?2, head = x'' WHERE site = ?1", [site.column(), LONG_GONE])?;
    Ok(())
}

/// Some of those that went from the shelf before this.
pub fn gone_before(db: &Connection, before: Millis) -> Result<Vec<Over>> {
    let mut select = db.prepare_cached(
        "SELECT rowid, site, day_start, id FROM segments WHERE gone IS NOT NULL AND gone < ?1 LIMIT ?2",
    )?;
    let over = select.query_map(params![before.0, SWEEP_MAX], |row| {
        let id = SegmentId(u128::from_be_bytes(row.get(3)?));
        Ok(Over { row: row.get(0)?, site: SiteId::read(row, 1)?, name: name(Millis(row.get(2)?), id) })
    })?;
    Ok(over.collect::<rusqlite::Result<_>>()?)
}

/// After their files were.
pub fn drop_rows(db: &Connection, over: &[Over]) -> Result<()> {
    let mut delete = db.prepare_cached("DELETE FROM segments WHERE rowid = ?1")?;
    over.iter().try_for_each(|over| delete.execute([over.row]).map(drop))?;
    Ok(())
}

/// The names of those that the table does not know.
pub fn without_row(db: &Connection, site: SiteId, entries: Vec<SegmentEntry>) -> Result<Vec<String>> {
    let mut known = db.prepare_cached("SELECT 1 FROM segments WHERE site = ?1 AND id = ?2")?;
    let mut names = Vec::new();
    for entry in entries {
        if !known.exists(params![site.column(), entry.id.0.to_be_bytes()])? {
            names.push(name(entry.day_start, entry.id));
        }
    }
    Ok(names)
}

/// Before anybody reads: nobody holds on to what is gone, and files without a row are of folds that never ended.
pub fn sweep_at_open(db: &Connection, shelves: &Shelves) -> Result<()> {
    loop {
        let over = gone_before(db, Millis(i64::MAX))?;
        if over.is_empty() {
            break;
        }
        for over in &over {
            shelves.remove(over.site, &over.name).map_err(unreadable)?;
        }
        drop_rows(db, &over)?;
    }
    shelves.sweep(|site| {
        let mut select = db.prepare_cached("SELECT day_start, id FROM segments WHERE site = ?1")?;
        let names = select.query_map([site.column()], |row| {
            Ok(name(Millis(row.get(0)?), SegmentId(u128::from_be_bytes(row.get(1)?))))
        })?;
        Ok(names.collect::<rusqlite::Result<_>>()?)
    })
}
