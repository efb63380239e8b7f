//! The hub's way to Live, which tests can cut.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::anyhow;
use async_trait::async_trait;
use bytes::Bytes;
use live::{Applied, Commit, Live, LiveError, Loaded, MemoryLive, Subscription, Watch};
use model::{Peak, SiteId, Visitor, VisitorKey};

use crate::house::SITE;

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

    async fn visitor(&self, site: SiteId, key: VisitorKey) -> Result<Option<Arc<Visitor>>, LiveError> {
        self.whole()?.visitor(site, key).await
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
