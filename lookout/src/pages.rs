//! How a site's watched pages are, as patrol keeps it, where an alert asks.

use alert::{Page, PageState};
use model::alert::{Alert, Condition};
use model::{Millis, SiteId, WatchedPage};
use patrol::{Now, Seen};
use tokio::time::Instant;

use crate::{Deps, PAGES_EVERY};

/// Pages with their last looks, as they were read a few seconds ago at most.
#[derive(Default)]
pub struct Pages {
    read: Option<Instant>,
    seen: Vec<(WatchedPage, Option<Seen>)>,
    is_away: bool,
}

impl Pages {
    /// None: no alert asks, or they were never read. Where they cannot be read, what is known of them grows old.
    pub async fn read(
        &mut self,
        deps: &Deps,
        site: SiteId,
        alerts: &[Alert],
        now: Millis,
    ) -> Option<Vec<Page>> {
        if !alerts.iter().any(asks) {
            *self = Pages::default();
            return None;
        }
        if self.read.is_none_or(|read| read.elapsed() >= PAGES_EVERY) {
            self.read_anew(deps, site, now).await;
        }
        self.read.map(|_| self.seen.iter().map(|(page, last)| page_of(page, *last, now)).collect())
    }

    async fn read_anew(&mut self, deps: &Deps, site: SiteId, now: Millis) {
        match seen(deps, site, now).await {
            Ok(seen) => (self.seen, self.read, self.is_away) = (seen, Some(Instant::now()), false),
            Err(error) => {
                if !self.is_away {
                    tracing::warn!(%site, "alerts about the site's pages wait: {error:#}");
                }
                self.is_away = true;
            }
        }
    }
}

fn asks(alert: &Alert) -> bool {
    alert.on && matches!(alert.when, Condition::Down { .. } | Condition::Slow { .. })
}

async fn seen(deps: &Deps, site: SiteId, now: Millis) -> store::Result<Vec<(WatchedPage, Option<Seen>)>> {
    let pages = &deps.store.pages;
    let mut seen = Vec::new();
    for page in pages.pages(site).await? {
        let last = patrol::last(&**pages, site, page.id, now).await?;
        seen.push((page, last));
    }
    Ok(seen)
}

fn page_of(page: &WatchedPage, last: Option<Seen>, now: Millis) -> Page {
    let is_doubtful = last.is_some_and(|last| last.failed.is_some());
    let (state, took_ms) = match Seen::now(last, now) {
        Now::Unknown => (PageState::Unknown, None),
        Now::Down { reason, .. } => (PageState::Down { why: reason.sentence() }, took(last)),
        Now::Up if is_doubtful => (PageState::Doubtful, took(last)),
        Now::Up => (PageState::There, took(last)),
    };
    Page { id: page.id, url: page.url.clone(), state, took_ms }
}

fn took(last: Option<Seen>) -> Option<u32> {
    last.and_then(|last| last.took_ms)
}
