//! Live in memory: the embedded size, one process. A restart begins empty; the processor rebuilds it.
//! Never does I/O, so nothing here fails.

mod site;
mod topics;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use hashbrown::HashMap;
use model::{Peak, SiteId, Visitor, VisitorKey};
use parking_lot::{Mutex, RwLock};

use crate::{Applied, Commit, Live, LiveError, Loaded, Subscription, Watch};
use site::Site;
use tokio::sync::broadcast::Sender;
use topics::Topics;

/// Commits that wait for a slow watcher of a site; past them it lags and must watch again.
pub const WATCH_COMMITS_MAX: usize = 256;
/// Messages that wait for a slow subscriber of a topic; past them it is told of the gap.
pub const TOPIC_MESSAGES_MAX: usize = 256;

/// The backend. A site has a lock of its own: sites never wait for each other.
#[derive(Default)]
pub struct MemoryLive {
    sites: RwLock<HashMap<SiteId, Arc<Mutex<Site>>>>,
    /// Read while commits are applied, written while a shard is loaded: a term ends between two commits.
    shards: RwLock<HashMap<u16, Shard>>,
    topics: Topics,
}

/// A shard that was loaded in this process's life.
#[derive(Clone, Copy, Default)]
struct Shard {
    term: u64,
    is_whole: bool,
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
        let shards = self.shards.read();
        let is_old =
            |commit: &Commit| shards.get(&commit.shard).is_some_and(|shard| commit.origin.term < shard.term);
        if commits.iter().any(is_old) {
            return Err(LiveError::Superseded);
        }
        let applied = commits.into_iter().map(|commit| {
            let site = self.site(commit.site);
            let mut site = site.lock();
            site.apply(commit)
        });
        Ok(applied.collect())
    }

    async fn load(&self, number: u16) -> Result<Loaded, LiveError> {
        let mut shards = self.shards.write();
        let shard = shards.entry(number).or_default();
        shard.term += 1;
        let term = shard.term;
        let sites = self.known_sites();
        if !shard.is_whole {
            sites.iter().for_each(|(_, site)| site.lock().clear(number));
            return Ok(Loaded { term, states: None, marks: vec![] });
        }
        let (mut states, mut marks) = (vec![], vec![]);
        for (id, site) in sites {
            let (visitors, mark) = site.lock().load(number, term);
            marks.extend(mark.map(|mark| (id, mark)));
            if !visitors.is_empty() {
                states.push((id, visitors));
            }
        }
        Ok(Loaded { term, states: Some(states), marks })
    }

    async fn recovered(&self, number: u16, term: u64) -> Result<(), LiveError> {
        match self.shards.write().get_mut(&number) {
            Some(shard) if shard.term == term => shard.is_whole = true,
            Some(shard) if shard.term > term => return Err(LiveError::Superseded),
            _ => {}
        }
        Ok(())
    }

    async fn watch(&self, site: SiteId) -> Result<Watch, LiveError> {
        Ok(self.site(site).lock().watch())
    }

    async fn visitor(&self, site: SiteId, key: VisitorKey) -> Result<Option<Arc<Visitor>>, LiveError> {
        let site = self.sites.read().get(&site).cloned();
        Ok(site.and_then(|site| site.lock().visitor(key)))
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

/// A receiver that is behind by more than the channel holds is told `Lagged` before anything else.
pub(crate) fn overflow<M: Clone>(sender: &Sender<M>, held_max: usize, filler: &M) {
    (0..=held_max).for_each(|_| {
        let _ = sender.send(filler.clone());
    });
}

impl Applied {
    pub(crate) fn nothing() -> Applied {
        let (site, at) = (SiteId::of(0), model::Millis(0));
        let origin = crate::Origin::default();
        let (changes, pageviews, feed) = (vec![], vec![], vec![]);
        let commit = Commit { site, shard: 0, origin, mark: None, at, changes, pageviews, feed };
        let peak = model::Peak { site, hour: at, count: 0 };
        Applied { site, version: 0, present: 0, peak, is_first: false, commit: Arc::new(commit) }
    }
}
