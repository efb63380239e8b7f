//! One site: its last hour, what is usual there, and how its alerts stand.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use alert::quiet::quiet_until;
use alert::{Judged, Turned, Usual, Watch, judge};
use history::zone::Zone;
use metrics::counter;
use model::alert::{Alert, Condition, Incident};
use model::{AlertId, IncidentId, Millis, Site, SiteId};
use outbox::alerts::{began, ended};
use store::alerts::AlertBook;
use tokio::task::JoinHandle;

use crate::Deps;
use crate::learning::learn;
use crate::pages::Pages;
use crate::reading::{Reading, events};

/// How often it is learned anew what is usual, and how soon again where that came to nothing.
const LEARN_EVERY: Duration = Duration::from_secs(3_600);
const LEARN_AGAIN: Duration = Duration::from_secs(300);

pub struct Post {
    site: SiteId,
    book: AlertBook,
    watches: HashMap<AlertId, Held>,
    /// None: it begins with the tail again.
    reading: Option<Reading>,
    pages: Pages,
    usual: Option<Arc<Usual>>,
    learned: Option<Millis>,
    learning: Option<JoinHandle<anyhow::Result<Option<Usual>>>>,
    was_read: bool,
}

/// How an alert stands, as it was when it was read.
struct Held {
    when: Condition,
    watch: Watch,
}

impl Drop for Post {
    fn drop(&mut self) {
        if let Some(learning) = self.learning.take() {
            learning.abort();
        }
    }
}

impl Post {
    pub fn new(site: SiteId) -> Post {
        Post {
            site,
            book: AlertBook::default(),
            watches: HashMap::new(),
            reading: None,
            pages: Pages::default(),
            usual: None,
            learned: None,
            learning: None,
            was_read: true,
        }
    }

    /// The alerts as they are now. One that is about something else, or that another process told of, begins afresh.
    pub fn set(&mut self, book: AlertBook) {
        let wanted = events(&book.alerts);
        if self.reading.as_ref().is_some_and(|reading| reading.counts.events() != wanted) {
            self.reading = None;
        }
        let before = std::mem::take(&mut self.watches);
        for alert in book.alerts.iter().filter(|alert| alert.on) {
            let is_firing = book.firing(alert.id).is_some();
            let known = before
                .get(&alert.id)
                .filter(|held| held.when == alert.when && held.watch.is_firing() == is_firing);
            let watch = known.map_or_else(|| Watch::resumed(is_firing), |held| held.watch);
            self.watches.insert(alert.id, Held { when: alert.when.clone(), watch });
        }
        self.book = book;
    }

    /// Judges each alert and keeps what turned. Whether its alerts are others by now.
    pub async fn look(&mut self, deps: &Deps, present: Option<u32>, now: Millis) -> bool {
        match self.judge_all(deps, present, now).await {
            Ok(is_stale) => {
                self.was_read = true;
                is_stale
            }
            Err(error) => {
                if self.was_read {
                    tracing::warn!(site = %self.site, "the site's alerts wait: {error:#}");
                }
                self.was_read = false;
                false
            }
        }
    }

    async fn judge_all(&mut self, deps: &Deps, present: Option<u32>, now: Millis) -> anyhow::Result<bool> {
        match &mut self.reading {
            Some(reading) => reading.read(deps, self.site, now).await?,
            none => *none = Some(Reading::begin(deps, self.site, events(&self.book.alerts), now).await?),
        }
        self.learn(deps, now).await;
        let pages = self.pages.read(deps, self.site, &self.book.alerts, now).await;
        let Some(Reading { counts, .. }) = &self.reading else {
            return Ok(false);
        };
        let (usual, pages) = (self.usual.as_deref(), pages.as_deref());
        let mut turned = Vec::new();
        for alert in &self.book.alerts {
            if let Some(held) = self.watches.get_mut(&alert.id) {
                let asked_since = alert.asked_since;
                let reading = alert::Reading { now, asked_since, present, counts, usual, pages };
                let judged = judge(&alert.when, &reading);
                if let Some(turn) = held.watch.step(&alert.when, judged.verdict, now) {
                    turned.push((alert.clone(), turn, judged));
                }
            }
        }
        let mut is_stale = false;
        for (alert, turn, judged) in turned {
            is_stale |= !self.keep(deps, &alert, turn, judged, now).await?;
        }
        Ok(is_stale)
    }

    /// Keeps that it turned, with the jobs that tell of it. False: the alert is another one by now, or another process was faster.
    async fn keep(
        &mut self,
        deps: &Deps,
        alert: &Alert,
        turn: Turned,
        judged: Judged,
        now: Millis,
    ) -> anyhow::Result<bool> {
        let site = deps.store.sites.site(self.site).await?;
        let alerts = &deps.store.alerts;
        let told = told_at(alert, &site, now);
        let is_kept = match turn {
            Turned::Began => {
                let incident = incident(alert, judged, now, told);
                let jobs = began(self.site, alert, &incident);
                let is_kept = alerts.begin_incident(self.site, incident.clone(), jobs).await?;
                if is_kept {
                    self.book.incidents.insert(0, incident);
                }
                is_kept
            }
            Turned::Ended => match self.book.firing(alert.id).cloned() {
                None => false,
                Some(open) => {
                    let jobs = ended(self.site, alert, &open, now, told);
                    let is_kept = alerts.end_incident(self.site, open.id, now, jobs).await?;
                    self.book.incidents.retain(|incident| incident.id != open.id);
                    is_kept
                }
            },
        };
        if is_kept && let Some(held) = self.watches.get_mut(&alert.id) {
            held.watch.turn(turn);
            let name = if turn == Turned::Began { "began" } else { "ended" };
            counter!("watchfire_alerts_total", "turn" => name).increment(1);
            tracing::info!(site = %self.site, alert = %alert.id, name, "an alert turned");
        }
        Ok(is_kept)
    }

    /// What is usual, now and then, where an alert asks for it; it is waited for by nobody.
    async fn learn(&mut self, deps: &Deps, now: Millis) {
        let is_asked = |alert: &Alert| alert.on && matches!(alert.when, Condition::Change { .. });
        if !self.book.alerts.iter().any(is_asked) {
            (self.usual, self.learned) = (None, None);
            return;
        }
        if self.learning.as_ref().is_some_and(JoinHandle::is_finished)
            && let Some(learning) = self.learning.take()
        {
            match learning.await.map_err(anyhow::Error::from).flatten() {
                Ok(usual) => (self.usual, self.learned) = (usual.map(Arc::new), Some(now)),
                Err(error) => {
                    tracing::warn!(site = %self.site, "what is usual cannot be learned: {error:#}");
                    self.learned = Some(now.minus(LEARN_EVERY - LEARN_AGAIN));
                }
            }
        }
        let is_due = self.learned.is_none_or(|learned| now.since(learned) >= LEARN_EVERY);
        if is_due && self.learning.is_none() {
            let (archive, store, site) = (deps.archive.clone(), deps.store.clone(), self.site);
            self.learning = Some(tokio::spawn(async move {
                let site = store.sites.site(site).await?;
                learn(&archive, &site, now).await
            }));
        }
    }
}

fn incident(alert: &Alert, judged: Judged, now: Millis, told: Millis) -> Incident {
    Incident {
        id: IncidentId::of(fastrand::u64(..)),
        alert: alert.id,
        name: alert.name.clone(),
        when: alert.when.clone(),
        began: now,
        value: judged.value,
        minutes: judged.minutes,
        expected: judged.expected,
        causes: judged.causes,
        pages: judged.pages,
        told,
        over: None,
    }
}

/// When people are told of what turns now.
fn told_at(alert: &Alert, site: &Site, now: Millis) -> Millis {
    let zone = Zone::named(&site.time_zone).unwrap_or_else(|_| Zone::utc());
    let until = alert.quiet.and_then(|quiet| quiet_until(&quiet, zone.time_zone(), now));
    until.unwrap_or(now)
}
