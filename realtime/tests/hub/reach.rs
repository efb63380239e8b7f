//! Live that cannot be reached for a while: no dashboard shows numbers that stand still.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::anyhow;
use async_trait::async_trait;
use bytes::Bytes;
use live::{Applied, Commit, Live, LiveError, Loaded, MemoryLive, Peak, Subscription, Watch};
use model::SiteId;
use realtime::Options;

use crate::house::*;

/// Live in memory behind a line that can be cut.
#[derive(Default)]
pub struct Line {
    pub live: Arc<MemoryLive>,
    pub is_cut: AtomicBool,
    /// Of several masters the one of this site is away.
    pub is_cut_to_site: AtomicBool,
}

impl Line {
    fn whole(&self) -> Result<&MemoryLive, LiveError> {
        match self.is_cut.load(Ordering::SeqCst) {
            true => Err(LiveError::Unavailable(anyhow!("the line is cut"))),
            false => Ok(&self.live),
        }
    }
}

#[async_trait]
impl Live for Line {
    async fn commit(&self, commits: Vec<Commit>) -> Result<Vec<Applied>, LiveError> {
        self.whole()?.commit(commits).await
    }

    async fn load(&self, shard: u16) -> Result<Loaded, LiveError> {
        self.whole()?.load(shard).await
    }

    async fn recovered(&self, shard: u16, term: u64) -> Result<(), LiveError> {
        self.whole()?.recovered(shard, term).await
    }

    async fn watch(&self, site: SiteId) -> Result<Watch, LiveError> {
        self.whole()?.watch(site).await
    }

    async fn present(&self, sites: &[SiteId]) -> Result<Vec<u32>, LiveError> {
        if self.is_cut_to_site.load(Ordering::SeqCst) && sites.contains(&SITE) {
            return Err(LiveError::Unavailable(anyhow!("the master is away")));
        }
        self.whole()?.present(sites).await
    }

    async fn restore_peaks(&self, peaks: &[Peak]) -> Result<(), LiveError> {
        self.whole()?.restore_peaks(peaks).await
    }

    async fn forget(&self, site: SiteId) -> Result<(), LiveError> {
        self.whole()?.forget(site).await
    }

    async fn publish(&self, topic: &str, message: Bytes) -> Result<(), LiveError> {
        self.whole()?.publish(topic, message).await
    }

    async fn subscribe(&self, topic: &str) -> Result<Subscription, LiveError> {
        self.whole()?.subscribe(topic).await
    }
}

#[tokio::test]
async fn while_live_cannot_be_reached_dashboards_are_let_go_and_none_is_let_in() {
    let house = House::open(Options::default()).await;
    let query = format!("token={OWNER_TOKEN}");
    let mut dashboard = house.connect(&query).await;
    dashboard.subscribe(0, &topic(SITE, "now")).await;
    dashboard.next_named("snapshot").await;
    house.line.is_cut.store(true, Ordering::SeqCst);
    assert_eq!(dashboard.closed().await, Some(1013));
    let asked = || house.try_connect(house.request(&format!("/api/watchfire/live?{query}")));
    assert_eq!(asked().await.err(), Some(503));
    let now = format!("/api/watchfire/live/now?topic={}&{query}", topic(SITE, "now"));
    assert_eq!(house.try_connect(house.request(&now)).await.err(), Some(503));
    house.line.is_cut.store(false, Ordering::SeqCst);
    until("dashboards are let in again", || async { asked().await.is_ok() }).await;
    house.close().await;
}

#[tokio::test]
async fn while_one_site_cannot_be_reached_only_its_dashboards_are_let_go() {
    let house = House::open(Options::default()).await;
    let query = format!("token={OWNER_TOKEN}");
    let [mut ours, mut other] = [house.connect(&query).await, house.connect(&query).await];
    for (dashboard, site) in [(&mut ours, SITE), (&mut other, OTHER_SITE)] {
        dashboard.subscribe(0, &topic(site, "now")).await;
        dashboard.next_named("snapshot").await;
    }
    house.line.is_cut_to_site.store(true, Ordering::SeqCst);
    assert_eq!(ours.closed().await, Some(1013));
    let mut again = house.connect(&query).await;
    again.subscribe(0, &topic(SITE, "now")).await;
    assert_eq!(again.next_named("refused").await["code"], "unavailable");
    other.subscribe(1, &topic(OTHER_SITE, "live")).await;
    other.next_named("snapshot").await;
    house.line.is_cut_to_site.store(false, Ordering::SeqCst);
    until("the site is told of again", || async {
        let mut dashboard = house.connect(&query).await;
        dashboard.send(serde_json::json!({ "subscribe": topic(SITE, "now"), "as": 0 })).await;
        dashboard.next().await.get("subscribed").is_some()
    })
    .await;
    house.close().await;
}
