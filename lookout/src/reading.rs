//! Hits of a site's tail, as they are counted: what was appended since it was read last, people's only.

use std::collections::BTreeSet;

use alert::{Counts, Seen, SeenKind};
use anyhow::Context;
use history::{EnrichedHit, EnrichedKind};
use model::alert::{Alert, Condition};
use model::{Millis, SiteId, limits};
use store::history::TailCursor;

use crate::Deps;

/// Batches of one page, and pages of one look: the rest is read at the next one.
const PAGE_BATCHES: usize = 256;
const PAGES_MAX: usize = 64;

pub struct Reading {
    pub counts: Counts,
    read_to: Option<TailCursor>,
}

/// The names of events that alerts ask for.
pub fn events(alerts: &[Alert]) -> Vec<String> {
    let named = alerts.iter().filter_map(|alert| match &alert.when {
        Condition::Events { name, .. } => Some(name.clone()),
        _ => None,
    });
    named.collect::<BTreeSet<_>>().into_iter().collect()
}

impl Reading {
    /// From the beginning of the tail, which keeps at least the hour that is counted. When the last hit before that was, the site's history says.
    pub async fn begin(
        deps: &Deps,
        site: SiteId,
        events: Vec<String>,
        now: Millis,
    ) -> anyhow::Result<Reading> {
        let hour = std::time::Duration::from_secs(u64::from(limits::ALERT_MINUTES_MAX) * 60);
        let last = last_sign(deps, site, now).await?;
        let mut reading = Reading { counts: Counts::new(now.minus(hour), last, events), read_to: None };
        reading.read(deps, site, now).await?;
        Ok(reading)
    }

    /// What came since.
    pub async fn read(&mut self, deps: &Deps, site: SiteId, now: Millis) -> anyhow::Result<()> {
        for _ in 0..PAGES_MAX {
            let page = deps.store.history.tail_of(site, self.read_to, PAGE_BATCHES).await?;
            if !page.batches.is_empty() {
                let seen = tokio::task::spawn_blocking(move || {
                    let mut seen = Vec::new();
                    for batch in &page.batches {
                        let tail = history::tail::decode(&batch.body).context("a batch of the tail")?;
                        seen.extend(tail.hits.iter().filter(|hit| hit.bot.is_none()).map(seen_of));
                    }
                    anyhow::Ok(seen)
                });
                for seen in seen.await?? {
                    self.counts.see(&seen, now);
                }
            }
            self.read_to = page.last.or(self.read_to);
            if page.next.is_none() {
                break;
            }
        }
        Ok(())
    }
}

fn seen_of(hit: &EnrichedHit) -> Seen {
    Seen {
        at: hit.at,
        visitor: hit.visitor,
        page: hit.page.path.clone(),
        source: hit.source.name.clone(),
        country: hit.place.country.as_str().into(),
        kind: match &hit.kind {
            EnrichedKind::Pageview { .. } => SeenKind::Pageview,
            EnrichedKind::Event { name, .. } => SeenKind::Event(name.clone()),
            EnrichedKind::Identify { .. } => SeenKind::Identity,
            EnrichedKind::Heartbeat { .. } | EnrichedKind::Leave { .. } => SeenKind::Sign,
        },
    }
}

/// The last sign of life that the site's history has of anybody. None: it has none.
async fn last_sign(deps: &Deps, site: SiteId, now: Millis) -> anyhow::Result<Option<Millis>> {
    let site = deps.store.sites.site(site).await?;
    let day = now.minus(std::time::Duration::from_secs(86_400));
    let range = deps.archive.ask(&site, (day.0, now.0), |asked| Ok(asked.range)).await?;
    Ok(range.map(|(_, last)| Millis(last.min(now.0))))
}
