//! The tail and the peaks, in `tail.db`.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use model::{BatchId, Millis, Peak, SiteId};
use rusqlite::{Connection, Params, Row, params};

use super::columns::Column;
use super::database::Database;
use crate::Result;
use crate::history::{History, PAGE_BYTES_MAX, TailBatch, TailCursor, TailPage};

/// Batches that one transaction removes, so that appends get their turn in between.
const FORGET_BATCHES_MAX: usize = 128;

pub struct Tail(pub Arc<Database>);

#[async_trait]
impl History for Tail {
    async fn append(&self, batches: Vec<TailBatch>) -> Result<()> {
        self.0.write(move |db| append(db, &batches)).await
    }

    async fn tail_since(&self, since: Millis, after: Option<TailCursor>, limit: usize) -> Result<TailPage> {
        self.0.read(move |db| tail_since(db, since, after, limit)).await
    }

    async fn tail_of(&self, site: SiteId, after: Option<TailCursor>, limit: usize) -> Result<TailPage> {
        self.0.read(move |db| tail_of(db, site, after, limit)).await
    }

    async fn raise_peaks(&self, peaks: &[Peak]) -> Result<()> {
        let peaks = peaks.to_vec();
        self.0.write(move |db| raise_peaks(db, &peaks)).await
    }

    async fn peaks_since(&self, since: Millis) -> Result<Vec<Peak>> {
        self.0.read(move |db| peaks_since(db, since)).await
    }

    async fn forget(&self, site: SiteId) -> Result<()> {
        self.0.write(move |db| begin_forgetting(db, site)).await?;
        while self.0.write(move |db| forget_some(db, site)).await? == FORGET_BATCHES_MAX {}
        Ok(())
    }
}

/// Finishes what an earlier process was killed while forgetting, and forgets the history of `removed` sites where
/// it was killed before it began.
pub fn finish_forgetting(db: &Connection, removed: &[SiteId]) -> Result<()> {
    removed.iter().try_for_each(|site| begin_forgetting(db, *site))?;
    let sites = db
        .prepare(
            "SELECT site FROM forgotten WHERE EXISTS (SELECT 1 FROM tail WHERE tail.site = forgotten.site)",
        )?
        .query_map([], |row| SiteId::read(row, 0))?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    for site in sites {
        while forget_some(db, site)? == FORGET_BATCHES_MAX {}
    }
    Ok(())
}

fn append(db: &Connection, batches: &[TailBatch]) -> Result<()> {
    let mut insert = db.prepare_cached(
        "INSERT INTO tail (id, site, received, hits, body)
         SELECT ?1, ?2, ?3, ?4, ?5 WHERE NOT EXISTS (SELECT 1 FROM forgotten WHERE site = ?2)
         ON CONFLICT (id, site) DO NOTHING",
    )?;
    for batch in batches {
        insert.execute(params![
            batch.id.0.to_be_bytes(),
            batch.site.column(),
            batch.received.0,
            batch.hits,
            &batch.body[..]
        ])?;
    }
    Ok(())
}

/// Walks the tail by cursor, from the first batch received at `since`: the index finds that place, and
/// `+received` keeps it from sorting all that came after.
fn tail_since(db: &Connection, since: Millis, after: Option<TailCursor>, limit: usize) -> Result<TailPage> {
    let behind = match after {
        Some(cursor) => cursor.0 as i64,
        None => {
            let first: Option<i64> = db
                .prepare_cached("SELECT MIN(cursor) FROM tail WHERE received >= ?1")?
                .query_row([since.0], |row| row.get(0))?;
            let Some(first) = first else {
                return Ok(TailPage::default());
            };
            first - 1
        }
    };
    page(
        db,
        "SELECT cursor, id, site, received, hits, body FROM tail
         WHERE cursor > ?1 AND +received >= ?2 ORDER BY cursor",
        [behind, since.0],
        limit,
    )
}

fn tail_of(db: &Connection, site: SiteId, after: Option<TailCursor>, limit: usize) -> Result<TailPage> {
    let behind = after.map_or(0, |cursor| cursor.0 as i64);
    page(
        db,
        "SELECT cursor, id, site, received, hits, body FROM tail
         WHERE cursor > ?1 AND site = ?2 ORDER BY cursor",
        [behind, site.column()],
        limit,
    )
}

/// Takes one step further than the page, to know whether there is more; a body is only read when taken.
fn page(db: &Connection, sql: &str, from: impl Params, limit: usize) -> Result<TailPage> {
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query(from)?;
    let mut page = TailPage::default();
    let mut bytes = 0;
    let mut last = TailCursor(0);
    while let Some(row) = rows.next()? {
        if page.batches.len() >= limit.max(1) || bytes >= PAGE_BYTES_MAX {
            page.next = Some(last);
            break;
        }
        let batch = batch(row)?;
        bytes += batch.body.len();
        last = TailCursor(row.get::<_, i64>(0)? as u64);
        page.batches.push(batch);
    }
    Ok(page)
}

fn batch(row: &Row<'_>) -> rusqlite::Result<TailBatch> {
    Ok(TailBatch {
        id: BatchId(u128::from_be_bytes(row.get(1)?)),
        site: SiteId::read(row, 2)?,
        received: Millis(row.get(3)?),
        hits: row.get(4)?,
        body: Bytes::copy_from_slice(row.get_ref(5)?.as_blob()?),
    })
}

fn raise_peaks(db: &Connection, peaks: &[Peak]) -> Result<()> {
    let mut raise = db.prepare_cached(
        "INSERT INTO peaks (hour, site, count)
         SELECT ?1, ?2, ?3 WHERE NOT EXISTS (SELECT 1 FROM forgotten WHERE site = ?2)
         ON CONFLICT (hour, site) DO UPDATE SET count = excluded.count WHERE excluded.count > count",
    )?;
    for peak in peaks {
        raise.execute(params![peak.hour.0, peak.site.column(), peak.count])?;
    }
    Ok(())
}

fn peaks_since(db: &Connection, since: Millis) -> Result<Vec<Peak>> {
    let mut select =
        db.prepare_cached("SELECT site, hour, count FROM peaks WHERE hour >= ?1 ORDER BY hour, site")?;
    let peaks = select.query_map([since.0], |row| {
        Ok(Peak { site: SiteId::read(row, 0)?, hour: Millis(row.get(1)?), count: row.get(2)? })
    })?;
    Ok(peaks.collect::<rusqlite::Result<_>>()?)
}

fn begin_forgetting(db: &Connection, site: SiteId) -> Result<()> {
    db.execute("INSERT INTO forgotten (site) VALUES (?1) ON CONFLICT DO NOTHING", [site.column()])?;
    db.execute("DELETE FROM peaks WHERE site = ?1", [site.column()])?;
    Ok(())
}

fn forget_some(db: &Connection, site: SiteId) -> Result<usize> {
    let mut delete = db.prepare_cached(
        "DELETE FROM tail WHERE cursor IN (SELECT cursor FROM tail WHERE site = ?1 LIMIT ?2)",
    )?;
    Ok(delete.execute(params![site.column(), FORGET_BATCHES_MAX])?)
}
