//! Pages that are looked at, in the collection `watched_pages`: `{_id, v, site, url, created: i64}`; what was seen of them, in `page_days`:
//! `{v, site, page, day: i64, version: i64, body}`.

use async_trait::async_trait;
use model::{Millis, PageId, SiteId, WatchedPage, limits};
use mongodb::bson::{Document, doc};
use serde::{Deserialize, Serialize};

use super::columns::Column;
use super::registry::Registry;
use super::schema::V;
use super::sites;
use super::step::Step;
use super::transaction::{read, write};
use crate::pages::{KNOWN, NO_PAGE, OUTRUN, PageDay, Pages, TOO_MANY, refuse_long, refuse_oversized};
use crate::{Result, StoreError};

pub const WATCHED_PAGES: &str = "watched_pages";
pub const PAGE_DAYS: &str = "page_days";

#[derive(Serialize, Deserialize)]
struct Row {
    _id: i64,
    v: i32,
    site: i64,
    url: String,
    created: i64,
}

#[derive(Serialize, Deserialize)]
struct DayRow {
    v: i32,
    site: i64,
    page: i64,
    day: i64,
    version: i64,
    body: String,
}

#[async_trait]
impl Pages for Registry {
    async fn watched(&self) -> Result<Vec<SiteId>> {
        read!(self, |step| watched(step))
    }

    async fn pages(&self, site: SiteId) -> Result<Vec<WatchedPage>> {
        read!(self, |step| pages(step, site))
    }

    async fn add_page(&self, site: SiteId, page: WatchedPage) -> Result<()> {
        refuse_long(&page)?;
        write!(self, |step| add(step, site, &page))
    }

    async fn remove_page(&self, site: SiteId, page: PageId) -> Result<()> {
        write!(self, |step| remove(step, site, page))
    }

    async fn seen(&self, site: SiteId, page: PageId, days: (u32, u32), limit: usize) -> Result<Vec<PageDay>> {
        read!(self, |step| seen(step, site, page, days, limit))
    }

    async fn put_seen(&self, site: SiteId, days: Vec<PageDay>) -> Result<()> {
        refuse_oversized(&days)?;
        write!(self, |step| put_all(step, site, &days))
    }

    async fn remove_seen_before(&self, site: SiteId, day: u32) -> Result<()> {
        let before = doc! { "site": site.column(), "day": { "$lt": i64::from(day) } };
        read!(self, |step| async { step.remove(PAGE_DAYS, before).await.map(drop) })
    }
}

async fn watched(step: &mut Step) -> Result<Vec<SiteId>> {
    let rows: Vec<Row> = step.all(WATCHED_PAGES, doc! {}, doc! { "site": 1 }).await?;
    let mut sites: Vec<SiteId> = rows.iter().map(|row| SiteId::of(row.site as u64)).collect();
    sites.sort_unstable();
    sites.dedup();
    Ok(sites)
}

async fn pages(step: &mut Step, site: SiteId) -> Result<Vec<WatchedPage>> {
    let sort = doc! { "created": 1, "_id": 1 };
    let rows: Vec<Row> = step.all(WATCHED_PAGES, doc! { "site": site.column() }, sort).await?;
    let page =
        |row: Row| WatchedPage { id: PageId::of(row._id as u64), url: row.url, created: Millis(row.created) };
    Ok(rows.into_iter().map(page).collect())
}

async fn add(step: &mut Step, site: SiteId, page: &WatchedPage) -> Result<()> {
    sites::take_turn(step, site).await?;
    let known = pages(step, site).await?;
    if known.iter().any(|known| known.url == page.url) {
        return Err(KNOWN);
    }
    if known.len() >= limits::WATCHED_PAGES_MAX {
        return Err(TOO_MANY);
    }
    let row = Row {
        _id: page.id.column(),
        v: V,
        site: site.column(),
        url: page.url.clone(),
        created: page.created.0,
    };
    step.insert(WATCHED_PAGES, &row).await
}

/// Takes the site's turn: who writes what was seen at the same moment comes before, and it goes, or after, and finds no page.
async fn remove(step: &mut Step, site: SiteId, page: PageId) -> Result<()> {
    // A site that is gone has no page either.
    if !step.take_turn(sites::SITES, doc! { "_id": site.column() }).await? {
        return Err(NO_PAGE);
    }
    if step.remove(WATCHED_PAGES, doc! { "_id": page.column(), "site": site.column() }).await? == 0 {
        return Err(NO_PAGE);
    }
    step.remove(PAGE_DAYS, of_page(site, page)).await.map(drop)
}

async fn seen(
    step: &mut Step,
    site: SiteId,
    page: PageId,
    (from, to): (u32, u32),
    limit: usize,
) -> Result<Vec<PageDay>> {
    let mut days = of_page(site, page);
    days.insert("day", doc! { "$gte": i64::from(from), "$lte": i64::from(to) });
    let found = step.some(PAGE_DAYS, days, doc! { "day": 1 }, limit).await?;
    found.iter().map(|row| day(row).map_err(StoreError::Unavailable)).collect()
}

fn day(row: &Document) -> anyhow::Result<PageDay> {
    Ok(PageDay {
        page: PageId::of(row.get_i64("page")? as u64),
        day: u32::try_from(row.get_i64("day")?)?,
        version: u64::try_from(row.get_i64("version")?)?,
        body: row.get_str("body")?.to_owned(),
    })
}

async fn put_all(step: &mut Step, site: SiteId, days: &[PageDay]) -> Result<()> {
    if days.is_empty() {
        return Ok(());
    }
    if !step.take_turn(sites::SITES, doc! { "_id": site.column() }).await? {
        return Err(NO_PAGE);
    }
    let known = pages(step, site).await?;
    for day in days {
        if !known.iter().any(|page| page.id == day.page) {
            return Err(NO_PAGE);
        }
        put(step, site, day).await?;
    }
    Ok(())
}

async fn put(step: &mut Step, site: SiteId, day: &PageDay) -> Result<()> {
    let mut one = of_page(site, day.page);
    one.insert("day", i64::from(day.day));
    if day.version == 0 {
        if step.exists(PAGE_DAYS, one).await? {
            return Err(OUTRUN);
        }
        let (site, page, day_of) = (site.column(), day.page.column(), i64::from(day.day));
        let row = DayRow { v: V, site, page, day: day_of, version: 1, body: day.body.clone() };
        return step.insert(PAGE_DAYS, &row).await;
    }
    one.insert("version", day.version as i64);
    let change = doc! { "$set": { "v": V, "body": &day.body }, "$inc": { "version": 1_i64 } };
    if step.change(PAGE_DAYS, one, change).await? { Ok(()) } else { Err(OUTRUN) }
}

fn of_page(site: SiteId, page: PageId) -> Document {
    doc! { "site": site.column(), "page": page.column() }
}
