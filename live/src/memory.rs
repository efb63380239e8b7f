//! Live in memory: the embedded size, one process. A restart begins empty; the processor rebuilds it.
//! Never does I/O, so nothing here fails.

mod site;
mod topics;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use hashbrown::{HashMap, HashSet};
use model::{Peak, SiteId, Visitor};
use parking_lot::{Mutex, RwLock};

use crate::{Applied, Commit, Live, LiveError, Subscription, Watch};
use site::Site;
use topics::Topics;

/// Commits that wait for a slow watcher of a site; past them it lags and must watch again.
pub const WATCH_COMMITS_MAX: usize = 256;
/// Messages that wait for a slow subscriber of a topic; past them it is told of the gap.
pub const TOPIC_MESSAGES_MAX: usize = 256;

/// The backend. A site has a lock of its own: sites never wait for each other.
#[derive(Default)]
pub struct MemoryLive {
    sites: RwLock<HashMap<SiteId, Arc<Mutex<Site>>>>,
    /// Shards that committed in this process's life: of the others nothing is known.
    shards: Mutex<HashSet<u16>>,
    topics: Topics,
}

impl MemoryLive {
    fn site(&self, id: SiteId) -> Arc<Mutex<Site>> {
        if let Some(site) = self.sites.read().get(&id) {
            return site.clone();
        }
        self.sites.write().entry(id).or_default().clone()
    }

    fn known_sites(&self) -> Vec<(SiteId, Arc<Mutex<Site>>)> {
        self.sites.read().iter().map(|(id, site)| (*id, site.clone())).collect()
    }
}

#[async_trait]
impl Live for MemoryLive {
    async fn commit(&self, commits: Vec<Commit>) -> Result<Vec<Applied>, LiveError> {
        self.shards.lock().extend(commits.iter().map(|commit| commit.shard));
        let applied = commits.into_iter().map(|commit| {
            let site = self.site(commit.site);
            let mut site = site.lock();
            site.apply(commit)
        });
        Ok(applied.collect())
    }

    async fn load(&self, shard: u16) -> Result<Option<Vec<(SiteId, Vec<Arc<Visitor>>)>>, LiveError> {
        if !self.shards.lock().contains(&shard) {
            return Ok(None);
        }
        let states = self.known_sites().into_iter().map(|(id, site)| (id, site.lock().of_shard(shard)));
        Ok(Some(states.filter(|(_, visitors)| !visitors.is_empty()).collect()))
    }

    async fn watch(&self, site: SiteId) -> Result<Watch, LiveError> {
        Ok(self.site(site).lock().watch())
    }

    async fn present(&self, sites: &[SiteId]) -> Result<Vec<u32>, LiveError> {
        let known = self.sites.read();
        let present = |id| known.get(id).map_or(0, |site| site.lock().present());
        Ok(sites.iter().map(present).collect())
    }

    async fn restore_peaks(&self, peaks: &[Peak]) -> Result<(), LiveError> {
        peaks.iter().for_each(|peak| self.site(peak.site).lock().restore_peak(*peak));
        Ok(())
    }

    async fn forget(&self, site: SiteId) -> Result<(), LiveError> {
        let forgotten = self.sites.write().remove(&site);
        if let Some(site) = forgotten {
            site.lock().close();
        }
        Ok(())
    }

    async fn publish(&self, topic: &str, message: Bytes) -> Result<(), LiveError> {
        self.topics.publish(topic, message);
        Ok(())
    }

    async fn subscribe(&self, topic: &str) -> Result<Subscription, LiveError> {
        Ok(self.topics.subscribe(topic))
    }
}
