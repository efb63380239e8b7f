//! All sites with alerts: which those are, and one look at each.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::iter;
use futures_util::{FutureExt, StreamExt};
use live::{SITES_TOPIC, Subscription};
use metrics::{gauge, histogram};
use model::{SiteId, limits};
use store::alerts::AlertBook;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, sleep};

use crate::post::Post;
use crate::{AT_ONCE_MAX, Deps, READ_EVERY};

pub struct Round {
    deps: Deps,
    posts: BTreeMap<SiteId, Post>,
    /// None: the alerts were never read, or some changed.
    read: Option<Instant>,
    /// None: changes are not told just now.
    changes: Option<Subscription>,
    was_read: bool,
}

impl Round {
    pub fn new(deps: Deps) -> Round {
        Round { deps, posts: BTreeMap::new(), read: None, changes: None, was_read: true }
    }

    /// Judges every alert once.
    pub async fn go(&mut self) {
        let began = Instant::now();
        if self.read.is_none_or(|read| read.elapsed() >= READ_EVERY) {
            self.read_alerts().await;
        }
        let sites: Vec<SiteId> = self.posts.keys().copied().collect();
        let present = self.present(&sites).await;
        let now = self.deps.clock.now();
        let deps = &self.deps;
        let looks = self.posts.values_mut().zip(present);
        // On the heap, since each may end in a call of a cluster's store.
        let looks: Vec<BoxFuture<'_, bool>> =
            looks.map(|(post, present)| post.look(deps, present, now).boxed()).collect();
        let stale: Vec<bool> = iter(looks).buffer_unordered(AT_ONCE_MAX).collect().await;
        // One that finds that its alerts are others by now has them read again.
        let is_stale = stale.contains(&true);
        if is_stale {
            self.read = None;
        }
        gauge!("watchfire_alerted_sites").set(self.posts.len() as f64);
        histogram!("watchfire_alert_round_seconds").record(began.elapsed());
    }

    /// Until the next round; meanwhile it is heard whether alerts changed.
    pub async fn rest(&mut self, rest: Duration) {
        let rest = sleep(rest);
        tokio::pin!(rest);
        loop {
            let Some(Subscription(changes)) = &mut self.changes else {
                return rest.await;
            };
            tokio::select! {
                () = &mut rest => return,
                heard = changes.recv() => {
                    self.read = None;
                    if matches!(heard, Err(RecvError::Closed)) {
                        self.changes = None;
                    }
                }
            }
        }
    }

    /// Of each site in its order; None where that is not known just now.
    async fn present(&mut self, sites: &[SiteId]) -> Vec<Option<u32>> {
        if sites.is_empty() {
            return Vec::new();
        }
        match self.deps.live.present(sites).await {
            Ok(present) => present.into_iter().map(Some).collect(),
            Err(error) => {
                tracing::debug!(%error, "alerts on visitors wait");
                vec![None; sites.len()]
            }
        }
    }

    async fn read_alerts(&mut self) {
        if self.changes.is_none() {
            self.changes = self.deps.live.subscribe(SITES_TOPIC).await.ok();
        }
        let books = match self.books().await {
            Ok(books) => books,
            Err(error) => {
                if self.was_read {
                    tracing::warn!(%error, "alerts cannot be read; those that are known are looked after");
                }
                self.was_read = false;
                return;
            }
        };
        (self.read, self.was_read) = (Some(Instant::now()), true);
        self.posts.retain(|site, _| books.contains_key(site));
        for (site, book) in books {
            self.posts.entry(site).or_insert_with(|| Post::new(site)).set(book);
        }
    }

    /// Those with an alert that is on, `ALERTED_SITES_MAX` at most.
    async fn books(&self) -> store::Result<BTreeMap<SiteId, AlertBook>> {
        let (mut books, mut after) = (BTreeMap::new(), None);
        loop {
            let page = self.deps.store.alerts.alerted(after).await?;
            after = page.last().map(|(site, _)| *site);
            books.extend(page.into_iter().filter(|(_, book)| book.alerts.iter().any(|alert| alert.on)));
            if after.is_none() || books.len() >= limits::ALERTED_SITES_MAX {
                break;
            }
        }
        if books.len() >= limits::ALERTED_SITES_MAX {
            tracing::warn!(max = limits::ALERTED_SITES_MAX, "the alerts of more sites are not looked after");
            while books.len() > limits::ALERTED_SITES_MAX {
                books.pop_last();
            }
        }
        Ok(books)
    }
}
