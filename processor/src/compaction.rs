//! Compaction by the clock: whose tail is folded into segments, by which processor, and how often. A site without new hits
//! costs nothing. A fold that fails is tried again with the next round; hits wait in the tail, where reports find them.

use std::sync::Arc;
use std::time::Duration;

use archive::Stores;
use hashbrown::HashMap;
use model::{Clock, Site, SiteId};
use store::{DayTotals, Pages, Sites, StoreError};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::options::Options;
use crate::sharing::Share;

/// How often it is looked which sites no longer keep their oldest days, and what folds and corrections left behind.
const RETIRE_EVERY: Duration = Duration::from_secs(3_600);
/// Sites that one question to the store returns.
const PAGE_SITES: usize = 256;

/// How long a site is left to whoever folded it meanwhile: an erasure or a correction takes several folds, and would never come to its
/// end beside somebody who begins again and again.
const SUPERSEDED_REST: Duration = Duration::from_secs(2);

enum Folded {
    Whole,
    Superseded,
}

pub struct Compaction {
    pub stores: Stores,
    pub sites: Arc<dyn Sites>,
    pub totals: Arc<dyn DayTotals>,
    pub pages: Arc<dyn Pages>,
    pub clock: Arc<dyn Clock>,
    pub options: Options,
    /// How many there are; at least one.
    pub shards: u16,
    pub share: watch::Receiver<Share>,
}

impl Compaction {
    /// Until the shutdown. A fold under way is given up; it changes all or nothing.
    pub async fn run(self, shutdown: CancellationToken) {
        let mut resting = HashMap::new();
        let mut checked = None;
        let rounds = async {
            loop {
                tokio::time::sleep(self.options.fold_every).await;
                if let Err(error) = self.round(&mut resting).await {
                    tracing::warn!(%error, "which tails are to be folded cannot be read: tried again soon");
                }
                if let Err(error) = self.retire(&mut checked).await {
                    tracing::warn!(%error, "what sites no longer keep was not removed: tried again soon");
                }
                resting.retain(|_, until| *until > Instant::now());
            }
        };
        shutdown.run_until_cancelled(rounds).await;
    }

    async fn round(&self, resting: &mut HashMap<SiteId, Instant>) -> store::Result<()> {
        let mut after = None;
        loop {
            let now = self.clock.now();
            let (before, old) = (now.minus(self.options.fold_after), now.minus(self.options.tail_kept));
            let sites = self.stores.history.sites_to_fold(before, old, after, PAGE_SITES).await?;
            for site in &sites {
                if self.is_ours(*site) && !resting.contains_key(site) {
                    let rest = self.fold(*site).await;
                    resting.insert(*site, Instant::now() + rest);
                }
            }
            after = sites.last().copied();
            if sites.len() < PAGE_SITES {
                return Ok(());
            }
        }
    }

    /// A site belongs to whoever holds the shard of its number, so that one processor folds it; two that both think so do no harm.
    fn is_ours(&self, site: SiteId) -> bool {
        self.share.borrow().holds((site.value() % u64::from(self.shards)) as u16)
    }

    /// Now and then, of every site, also of those without new hits; and sweeps what folds left behind.
    async fn retire(&self, checked: &mut Option<Instant>) -> archive::Result<()> {
        if checked.is_some_and(|at| at.elapsed() < RETIRE_EVERY) {
            return Ok(());
        }
        for site in self.sites.all().await?.iter().filter(|site| self.is_ours(site.id)) {
            if let Err(error) = self.retire_site(site).await {
                tracing::warn!(site = %site.id, %error, "what a site no longer keeps was not removed: tried again in an hour");
            }
        }
        self.stores.history.sweep().await?;
        *checked = Some(Instant::now());
        Ok(())
    }

    /// Removes the oldest days where they are no longer to be kept, and ends a correction that was cut off.
    async fn retire_site(&self, site: &Site) -> archive::Result<()> {
        let now = self.clock.now();
        if let Some(day) = archive::first_day_kept(site, now)? {
            self.totals.remove_before(site.id, day).await?;
            // Theirs are days of UTC: one of a zone ahead of it begins on the day before.
            self.pages.remove_seen_before(site.id, day.saturating_sub(1)).await?;
        }
        if archive::is_overdue(&self.stores.history, site, now).await? {
            self.fold(site.id).await;
        }
        archive::settle(&self.stores, site, now).await
    }

    /// How long the site rests then.
    async fn fold(&self, site: SiteId) -> Duration {
        let begun = Instant::now();
        match self.fold_all(site).await {
            Ok(Folded::Whole) => {
                metrics::histogram!("watchfire_processor_fold_seconds").record(begun.elapsed())
            }
            Ok(Folded::Superseded) => return SUPERSEDED_REST,
            Err(error) => {
                metrics::counter!("watchfire_processor_folds_failed_total").increment(1);
                tracing::warn!(%site, %error, "a tail was not folded: tried again soon");
            }
        }
        begun.elapsed() * self.options.fold_rest
    }

    async fn fold_all(&self, site: SiteId) -> archive::Result<Folded> {
        let site = match self.sites.site(site).await {
            Ok(site) => site,
            // It was removed; its history is on its way out.
            Err(StoreError::NotFound(_)) => return Ok(Folded::Whole),
            Err(error) => return Err(error.into()),
        };
        loop {
            let done = archive::fold(&self.stores, &site, self.clock.now(), self.options.tail_kept).await?;
            tracing::debug!(site = %site.id, hits = done.hits, segments = done.segments, "folded");
            if done.is_superseded {
                return Ok(Folded::Superseded);
            }
            if !done.is_more {
                archive::settle(&self.stores, &site, self.clock.now()).await?;
                return Ok(Folded::Whole);
            }
        }
    }
}
