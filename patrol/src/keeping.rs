//! Who looks at which site, and when: a job of the site is due each half minute, and whoever takes it looks. What was seen is written before the job is
//! given back; whoever is killed leaves it to be taken again, and what was written by another meanwhile stays.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use model::chat::Who;
use model::outbox::{JobKind, NewJob};
use model::{BotId, Clock, JobId, Millis, PageId, Site, SiteId, WatchedPage};
use store::outbox::{Most, Outcome, Taken};
use store::{Store, StoreError};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::address::is_own;
use crate::days::{Days, day_of};
use crate::seen::Sight;
use crate::{Eye, LOOK_EVERY};

/// How often it is looked for sites whose turn came.
const TURN_EVERY: Duration = Duration::from_secs(2);
/// How long a site is nobody else's; a round of looks that takes longer than the second is given up. Together with the time between rounds
/// it is less than `GAP_MAX`: who is killed leaves no time of which nothing is known.
const LEASE: Duration = Duration::from_secs(45);
const ROUND_MAX: Duration = Duration::from_secs(30);
/// Sites that one process looks at at once.
const SITES_AT_ONCE_MAX: usize = 64;
/// How long is waited where the store is away.
const PAUSE: Duration = Duration::from_secs(5);

/// What looking stands on.
#[derive(Clone)]
pub struct Patrol {
    pub store: Store,
    pub eye: Eye,
    pub clock: Arc<dyn Clock>,
}

/// From now on the site is looked at, by whichever process. Nothing where it is already.
pub async fn look_at(store: &Store, site: SiteId, now: Millis) -> Result<(), StoreError> {
    let owner = Who::Bot(BotId::of(site.value()));
    let new =
        NewJob { id: job_of(site), kind: JobKind::Look, owner, body: Vec::new(), created: now, due: now };
    store.outbox.add(vec![new]).await
}

/// Looks at sites in turn with all other processes, until told to end.
pub async fn keep(patrol: Patrol, shutdown: CancellationToken) {
    metrics::describe_counter!("watchfire_looks_total", "Looks at pages of sites, by outcome");
    if shutdown.run_until_cancelled(patrol.begin()).await.is_none() {
        return;
    }
    let mut rounds = JoinSet::new();
    loop {
        if let Err(error) = patrol.take_turns(&mut rounds, &shutdown).await {
            tracing::warn!("sites are not looked at: {error:#}");
            let _told = shutdown.run_until_cancelled(sleep(PAUSE)).await;
        }
        if shutdown.run_until_cancelled(sleep(TURN_EVERY)).await.is_none() {
            break;
        }
        while let Some(ended) = rounds.try_join_next() {
            told(ended);
        }
    }
    while let Some(ended) = rounds.join_next().await {
        told(ended);
    }
}

fn told(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a round of looks panicked");
    }
}

impl Patrol {
    /// Sites of a store that was moved or restored have no job yet, it may be.
    async fn begin(&self) {
        while let Err(error) = self.look_at_all().await {
            tracing::warn!("sites are not looked at: {error:#}");
            sleep(PAUSE).await;
        }
    }

    async fn look_at_all(&self) -> Result<(), StoreError> {
        for site in self.store.pages.watched().await? {
            look_at(&self.store, site, self.clock.now()).await?;
        }
        Ok(())
    }

    async fn take_turns(
        &self,
        rounds: &mut JoinSet<()>,
        shutdown: &CancellationToken,
    ) -> Result<(), StoreError> {
        let jobs = SITES_AT_ONCE_MAX.saturating_sub(rounds.len());
        if jobs == 0 {
            return Ok(());
        }
        let now = self.clock.now();
        let most = Most { jobs, an_owner: 1, but: Vec::new() };
        for taken in self.store.outbox.take(JobKind::Look, now, now.plus(LEASE), most).await? {
            rounds.spawn(self.clone().turn(taken, now, shutdown.clone()));
        }
        Ok(())
    }

    /// One round of a site, and when its next one is. Told to end, the site is somebody else's at once.
    async fn turn(self, taken: Taken, now: Millis, shutdown: CancellationToken) {
        let Some(site) = site_of(&taken) else { return };
        let round = timeout(ROUND_MAX, self.round(site));
        let next = match shutdown.run_until_cancelled(round).await {
            None => Outcome::Later { due: now, said: String::new() },
            Some(Ok(Ok(Watched::Gone))) => Outcome::Gone,
            Some(Ok(Ok(Watched::Still))) => Outcome::Later { due: next_turn(site, now), said: String::new() },
            Some(Ok(Err(error))) => {
                tracing::warn!(%site, "pages were not looked at: {error:#}");
                Outcome::Later { due: next_turn(site, now), said: String::new() }
            }
            Some(Err(_)) => {
                tracing::warn!(%site, "looking at pages took too long");
                Outcome::Later { due: next_turn(site, now), said: String::new() }
            }
        };
        let settled = self.store.outbox.settle(taken.job.id, taken.lease, self.clock.now(), next).await;
        if let Err(error) = settled {
            tracing::warn!(%site, "a site's turn is not given back; it comes by itself: {error:#}");
        }
    }

    async fn round(&self, site: SiteId) -> anyhow::Result<Watched> {
        let site = match self.store.sites.site(site).await {
            Err(StoreError::NotFound(_)) => return Ok(Watched::Gone),
            site => site?,
        };
        let pages = self.store.pages.pages(site.id).await?;
        let looks = join_all(pages.iter().map(|page| self.look(&site, page))).await;
        for (page, at, outcome) in looks.into_iter().flatten() {
            self.write(site.id, page, at, outcome).await?;
        }
        Ok(Watched::Still)
    }

    /// None: its host is none of the site's any more.
    async fn look(&self, site: &Site, page: &WatchedPage) -> Option<(PageId, Millis, Sight)> {
        let url = Url::parse(&page.url).ok().filter(|url| is_own(site, url))?;
        let at = self.clock.now();
        let outcome = self.eye.look(&url, |url| is_own(site, url)).await;
        let told = outcome.map_or_else(|_| "down", |_| "up");
        metrics::counter!("watchfire_looks_total", "outcome" => told).increment(1);
        Some((page.id, at, outcome))
    }

    async fn write(&self, site: SiteId, page: PageId, at: Millis, outcome: Sight) -> anyhow::Result<()> {
        let today = day_of(at);
        let rows = self.store.pages.seen(site, page, (today.saturating_sub(1), today), 2).await?;
        let mut days = Days::read(&rows)?;
        days.look(at, outcome);
        match self.store.pages.put_seen(site, days.written(page)?).await {
            // The page went, or another process looks at the site: what it saw stands.
            Err(StoreError::NotFound(_) | StoreError::Conflict(_)) => Ok(()),
            put => Ok(put?),
        }
    }
}

enum Watched {
    Still,
    Gone,
}

/// Each site has a moment of its own in the half minute, so that they spread over it.
fn next_turn(site: SiteId, now: Millis) -> Millis {
    let every = LOOK_EVERY.as_millis() as i64;
    let own = (site.value() % every.unsigned_abs()) as i64;
    Millis((now.0 - own).div_euclid(every) * every + own + every)
}

fn site_of(taken: &Taken) -> Option<SiteId> {
    match taken.job.owner {
        Who::Bot(id) => Some(SiteId::of(id.value())),
        _ => None,
    }
}

fn job_of(site: SiteId) -> JobId {
    outbox::job_id(&["look", &site.to_string()])
}

#[cfg(test)]
mod tests;
