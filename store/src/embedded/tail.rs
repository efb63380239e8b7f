//! The tail and the peaks, in `tail.db`; the whole history's door.

use std::ops::Range;
use std::sync::Arc;

use anyhow::anyhow;
use async_trait::async_trait;
use bytes::Bytes;
use model::{BatchId, Clock, Millis, Peak, SegmentId, SiteId, SystemClock};
use rusqlite::{Connection, Params, Row, params};
use tokio::sync::Semaphore;

use super::columns::Column;
use super::database::Database;
use super::segments::{self, Over, REMOVE_BATCHES_MAX};
use super::shelves::{Shelves, name, unreadable};
use crate::history::{
    History, NewFold, PAGE_BYTES_MAX, SegmentEntry, Shelf, TailBatch, TailCursor, TailPage,
};
use crate::{Result, StoreError};

/// Folds that are put in at once; more wait their turn.
const FOLDS_MAX: u32 = 2;

/// The database, and the files of segments beside it.
#[derive(Clone)]
pub struct Tail {
    database: Arc<Database>,
    shelves: Arc<Shelves>,
    turns: Arc<Semaphore>,
}

#[async_trait]
impl History for Tail {
    async fn append(&self, batches: Vec<TailBatch>) -> Result<()> {
        self.database.write(move |db| append(db, &batches)).await
    }

    async fn tail_since(&self, since: Millis, after: Option<TailCursor>, limit: usize) -> Result<TailPage> {
        self.database.read(move |db| tail_since(db, since, after, limit)).await
    }

    async fn tail_of(&self, site: SiteId, after: Option<TailCursor>, limit: usize) -> Result<TailPage> {
        self.database.read(move |db| tail_of(db, site, after, limit)).await
    }

    async fn raise_peaks(&self, peaks: &[Peak]) -> Result<()> {
        let peaks = peaks.to_vec();
        self.database.write(move |db| raise_peaks(db, &peaks)).await
    }

    async fn peaks_since(&self, since: Millis) -> Result<Vec<Peak>> {
        self.database.read(move |db| peaks_since(db, since)).await
    }

    async fn forget(&self, site: SiteId) -> Result<()> {
        self.database.write(move |db| begin_forgetting(db, site)).await?;
        while self.database.write(move |db| forget_some(db, site)).await? == REMOVE_BATCHES_MAX {}
        self.sweep().await
    }

    async fn sites_to_fold(
        &self,
        before: Millis,
        old: Millis,
        after: Option<SiteId>,
        limit: usize,
    ) -> Result<Vec<SiteId>> {
        self.database.read(move |db| segments::sites_to_fold(db, before, old, after, limit)).await
    }

    async fn shelf(&self, site: SiteId) -> Result<Shelf> {
        self.database.read(move |db| segments::shelf(db, site)).await
    }

    async fn read_segment(&self, site: SiteId, id: SegmentId, start: u64, length: usize) -> Result<Bytes> {
        let now = SystemClock.now();
        let place = self.database.read(move |db| segments::place(db, site, id, now)).await?;
        if start.checked_add(length as u64).is_none_or(|end| end > place.bytes) {
            return Err(StoreError::Unavailable(anyhow!("segment {id} has {} bytes only", place.bytes)));
        }
        let shelves = Arc::clone(&self.shelves);
        let read = blocking(move || shelves.read(site, &place.name, start, length).map_err(unreadable)).await;
        match read {
            // Its file may have gone since.
            Err(error) => {
                let now = SystemClock.now();
                self.database.read(move |db| segments::place(db, site, id, now)).await.and(Err(error))
            }
            read => read,
        }
    }

    async fn expect_segment(&self, site: SiteId, id: SegmentId, ranges: Vec<Range<u64>>) {
        let now = SystemClock.now();
        let Ok(place) = self.database.look_up(move |db| segments::place(db, site, id, now)).await else {
            return;
        };
        // Whoever reads will be told what is wrong.
        let _ = self.shelves.expect(site, &place.name, &ranges);
    }

    /// On a task of its own, so that who stops waiting leaves no file behind.
    async fn put_fold(&self, site: SiteId, fold: NewFold) -> Result<u64> {
        fold.refuse_oversized()?;
        let tail = self.clone();
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        let turn = turn.map_err(|_| StoreError::Unavailable(anyhow!("the store is closed")))?;
        let putting = tokio::spawn(async move {
            let put = tail.put(site, fold).await;
            drop(turn);
            put
        });
        putting.await.unwrap_or_else(|error| Err(unfinished(error)))
    }

    async fn sweep(&self) -> Result<()> {
        loop {
            let before = segments::grace_of(SystemClock.now());
            let over = self.database.read(move |db| segments::gone_before(db, before)).await?;
            if over.is_empty() {
                return Ok(());
            }
            let shelves = Arc::clone(&self.shelves);
            let over = blocking(move || remove(&shelves, over)).await?;
            self.database.write(move |db| segments::drop_rows(db, &over)).await?;
        }
    }
}

impl Tail {
    pub fn of(database: Arc<Database>, shelves: Arc<Shelves>) -> Tail {
        Tail { database, shelves, turns: Arc::new(Semaphore::new(FOLDS_MAX as usize)) }
    }

    /// Waits for folds under way; later ones are refused.
    pub async fn close(&self) {
        // An error: it was closed before.
        let _all = self.turns.acquire_many(FOLDS_MAX).await;
        self.turns.close();
    }

    /// Files first, then the row of each, all in one transaction: a file that no row names counts for nothing.
    async fn put(&self, site: SiteId, mut fold: NewFold) -> Result<u64> {
        if let Err(error) = self.sweep().await {
            tracing::warn!(%error, "segments that were replaced stay until the next fold");
        }
        let bodies = std::mem::take(&mut fold.segments);
        let entries: Vec<SegmentEntry> = bodies.iter().map(SegmentEntry::from).collect();
        let shelves = Arc::clone(&self.shelves);
        let writing = blocking(move || {
            bodies.iter().try_for_each(|new| shelves.write(site, &name(new.day_start, new.id), &new.body))
        });
        let ids = entries.clone();
        let old = fold.old;
        let put = match writing.await {
            Ok(()) => {
                self.database
                    .write(move |db| segments::put(db, site, &fold, &entries, SystemClock.now()))
                    .await
            }
            Err(error) => Err(error),
        };
        if let Err(error) = put {
            self.clear(site, ids).await;
            return Err(error);
        }
        while self.database.write(move |db| segments::remove_folded(db, site, old)).await?
            == REMOVE_BATCHES_MAX
        {}
        put
    }

    /// Removes the files of a fold that is not in. Where that fails, they are swept at the next opening.
    async fn clear(&self, site: SiteId, entries: Vec<SegmentEntry>) {
        let stray = self.database.read(move |db| segments::without_row(db, site, entries)).await;
        let shelves = Arc::clone(&self.shelves);
        let cleared = match stray {
            Ok(names) => {
                blocking(move || {
                    names.iter().try_for_each(|name| shelves.remove(site, name)).map_err(unreadable)
                })
                .await
            }
            Err(error) => Err(error),
        };
        if let Err(error) = cleared {
            tracing::warn!(%error, "files of a fold that failed stay until the store is opened again");
        }
    }
}

fn remove(shelves: &Shelves, over: Vec<Over>) -> Result<Vec<Over>> {
    for each in &over {
        shelves.remove(each.site, &each.name).map_err(unreadable)?;
    }
    Ok(over)
}

/// Runs `work` on a thread that may block.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(unfinished(error)))
}

fn unfinished(error: tokio::task::JoinError) -> StoreError {
    StoreError::Unavailable(anyhow::Error::new(error).context("a call did not finish"))
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
        while forget_some(db, site)? == REMOVE_BATCHES_MAX {}
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
    while let Some(row) = rows.next()? {
        if page.batches.len() >= limit.max(1) || bytes >= PAGE_BYTES_MAX {
            page.next = page.last;
            break;
        }
        let batch = batch(row)?;
        bytes += batch.body.len();
        page.last = Some(TailCursor(row.get::<_, i64>(0)? as u64));
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
    segments::forget(db, site)
}

fn forget_some(db: &Connection, site: SiteId) -> Result<usize> {
    let mut delete = db.prepare_cached(
        "DELETE FROM tail WHERE cursor IN (SELECT cursor FROM tail WHERE site = ?1 LIMIT ?2)",
    )?;
    Ok(delete.execute(params![site.column(), REMOVE_BATCHES_MAX])?)
}
