//! Pages that are looked at, and what was seen of them, one row a day.

use async_trait::async_trait;
use model::{Millis, PageId, SiteId, WatchedPage, limits};
use rusqlite::{Connection, OptionalExtension, params};

use super::columns::Column;
use super::registry::Registry;
use crate::pages::{KNOWN, NO_PAGE, OUTRUN, PageDay, Pages, TOO_MANY, refuse_long, refuse_oversized};
use crate::{Result, StoreError};

#[async_trait]
impl Pages for Registry {
    async fn watched(&self) -> Result<Vec<SiteId>> {
        self.0.read(watched).await
    }

    async fn pages(&self, site: SiteId) -> Result<Vec<WatchedPage>> {
        self.0.read(move |db| pages(db, site)).await
    }

    async fn add_page(&self, site: SiteId, page: WatchedPage) -> Result<()> {
        refuse_long(&page)?;
        self.0.write(move |db| add(db, site, &page)).await
    }

    async fn remove_page(&self, site: SiteId, page: PageId) -> Result<()> {
        self.0.write(move |db| remove(db, site, page)).await
    }

    async fn seen(
        &self,
        site: SiteId,
        page: PageId,
        (from, to): (u32, u32),
        limit: usize,
    ) -> Result<Vec<PageDay>> {
        self.0.read(move |db| seen(db, site, page, (from, to), limit)).await
    }

    async fn put_seen(&self, site: SiteId, days: Vec<PageDay>) -> Result<()> {
        refuse_oversized(&days)?;
        self.0.write(move |db| days.iter().try_for_each(|day| put(db, site, day))).await
    }

    async fn remove_seen_before(&self, site: SiteId, day: u32) -> Result<()> {
        let remove = move |db: &Connection| {
            db.prepare_cached("DELETE FROM page_days WHERE site = ?1 AND day < ?2")?
                .execute(params![site.column(), day])?;
            Ok(())
        };
        self.0.write(remove).await
    }
}

fn watched(db: &Connection) -> Result<Vec<SiteId>> {
    let mut select = db.prepare_cached("SELECT DISTINCT site FROM watched_pages ORDER BY site")?;
    let sites = select.query_map([], |row| SiteId::read(row, 0))?;
    Ok(sites.collect::<rusqlite::Result<_>>()?)
}

fn pages(db: &Connection, site: SiteId) -> Result<Vec<WatchedPage>> {
    let mut select =
        db.prepare_cached("SELECT id, url, created FROM watched_pages WHERE site = ?1 ORDER BY created, id")?;
    let pages = select.query_map([site.column()], |row| {
        Ok(WatchedPage { id: PageId::read(row, 0)?, url: row.get(1)?, created: Millis(row.get(2)?) })
    })?;
    Ok(pages.collect::<rusqlite::Result<_>>()?)
}

fn add(db: &Connection, site: SiteId, page: &WatchedPage) -> Result<()> {
    let known = pages(db, site)?;
    if known.iter().any(|known| known.url == page.url) {
        return Err(KNOWN);
    }
    if known.len() >= limits::WATCHED_PAGES_MAX {
        return Err(TOO_MANY);
    }
    db.prepare_cached("INSERT INTO watched_pages (id, site, url, created) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![page.id.column(), site.column(), page.url, page.created.0])?;
    Ok(())
}

fn remove(db: &Connection, site: SiteId, page: PageId) -> Result<()> {
    let one = [page.column(), site.column()];
    match db.execute("DELETE FROM watched_pages WHERE id = ?1 AND site = ?2", one)? {
        0 => Err(NO_PAGE),
        _ => Ok(()),
    }
}

fn seen(
    db: &Connection,
    site: SiteId,
    page: PageId,
    (from, to): (u32, u32),
    limit: usize,
) -> Result<Vec<PageDay>> {
    let mut select = db.prepare_cached(
        "SELECT day, version, body FROM page_days WHERE site = ?1 AND page = ?2 AND day BETWEEN ?3 AND ?4
         ORDER BY day LIMIT ?5",
    )?;
    let days = select.query_map(params![site.column(), page.column(), from, to, limit], |row| {
        Ok(PageDay {
            page,
            day: row.get(0)?,
            version: row.get::<_, i64>(1)?.unsigned_abs(),
            body: row.get(2)?,
        })
    })?;
    Ok(days.collect::<rusqlite::Result<_>>()?)
}

fn put(db: &Connection, site: SiteId, day: &PageDay) -> Result<()> {
    let (site, page) = (site.column(), day.page.column());
    if !db.prepare_cached("SELECT 1 FROM watched_pages WHERE id = ?1 AND site = ?2")?.exists([page, site])? {
        return Err(NO_PAGE);
    }
    let kept: Option<i64> = db
        .prepare_cached("SELECT version FROM page_days WHERE site = ?1 AND page = ?2 AND day = ?3")?
        .query_row(params![site, page, day.day], |row| row.get(0))
        .optional()?;
    if kept.unwrap_or(0).unsigned_abs() != day.version {
        return Err(OUTRUN);
    }
    let put = "INSERT OR REPLACE INTO page_days (site, page, day, version, body) VALUES (?1, ?2, ?3, ?4, ?5)";
    let next = i64::try_from(day.version + 1).map_err(|error| StoreError::Unavailable(error.into()))?;
    db.prepare_cached(put)?.execute(params![site, page, day.day, next, day.body])?;
    Ok(())
}
