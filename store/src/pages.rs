//! Pages of sites that are looked at, whether they are there, and what was seen of them.

use async_trait::async_trait;
use model::{PageId, SiteId, WatchedPage, limits};

use crate::{Result, StoreError};

/// Bytes of what was seen of one page on one day.
pub const PAGE_DAY_BYTES_MAX: usize = 128 * 1024;
/// Days of pages of one call.
pub const PAGE_DAYS_AT_ONCE_MAX: usize = 2 * limits::WATCHED_PAGES_MAX;
/// Days since 1970-01-01 that there can be: to the year 2200.
pub const PAGE_DAY_MAX: u32 = 84_006;

/// The watched pages of all sites. Encodes and decodes nothing: what a body means is its readers'.
#[async_trait]
pub trait Pages: Send + Sync {
    /// Sites with any page, by id.
    async fn watched(&self) -> Result<Vec<SiteId>>;

    /// A site's pages, the first that was added first.
    async fn pages(&self, site: SiteId) -> Result<Vec<WatchedPage>>;

    /// NotFound for an unknown site; Conflict where the site has a page of that address, or anybody one of that id; Limit past `WATCHED_PAGES_MAX`
    /// and `WATCHED_URL_BYTES_MAX`.
    async fn add_page(&self, site: SiteId, page: WatchedPage) -> Result<()>;

    /// With all that was seen of it. NotFound where it is not this site's.
    async fn remove_page(&self, site: SiteId, page: PageId) -> Result<()>;

    /// What was seen of a page from day `from` to `to`, which counts, by day; the first `limit` of them.
    async fn seen(&self, site: SiteId, page: PageId, days: (u32, u32), limit: usize) -> Result<Vec<PageDay>>;

    /// Puts each in the place of what was read as that version, which goes up by one, durably; all of a call or none. NotFound where a page
    /// is not this site's; Conflict where another wrote meanwhile; Limit past `PAGE_DAYS_AT_ONCE_MAX`, and past
    /// `PAGE_DAY_BYTES_MAX` or `PAGE_DAY_MAX` of one.
    async fn put_seen(&self, site: SiteId, days: Vec<PageDay>) -> Result<()>;

    /// Removes what was seen of the site's pages before `day`.
    async fn remove_seen_before(&self, site: SiteId, day: u32) -> Result<()>;
}

/// What was seen of a page on one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageDay {
    pub page: PageId,
    /// Of UTC, as days since 1970-01-01.
    pub day: u32,
    /// How often it was written; 0: it is new.
    pub version: u64,
    pub body: String,
}

pub(crate) const NO_PAGE: StoreError = StoreError::NotFound("page");
pub(crate) const KNOWN: StoreError = StoreError::Conflict("this page is looked at already");
pub(crate) const OUTRUN: StoreError = StoreError::Conflict("another process has seen the page since");
pub(crate) const TOO_MANY: StoreError =
    StoreError::Limit { what: "pages of a site that are looked at", max: limits::WATCHED_PAGES_MAX };

pub(crate) fn refuse_long(page: &WatchedPage) -> Result<()> {
    bounded(page.url.len(), "bytes in the address of a page", limits::WATCHED_URL_BYTES_MAX)
}

pub(crate) fn refuse_oversized(days: &[PageDay]) -> Result<()> {
    bounded(days.len(), "days of pages at once", PAGE_DAYS_AT_ONCE_MAX)?;
    for day in days {
        bounded(day.body.len(), "bytes of a page's day", PAGE_DAY_BYTES_MAX)?;
        bounded(day.day as usize, "days since 1970 of a page's day", PAGE_DAY_MAX as usize)?;
    }
    Ok(())
}

fn bounded(is: usize, what: &'static str, max: usize) -> Result<()> {
    if is > max { Err(StoreError::Limit { what, max }) } else { Ok(()) }
}
