//! The sites, in memory, as the collector needs them for each hit.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use model::{Millis, Site, SiteId};
use parking_lot::Mutex;
use store::{Sites, StoreError};

use crate::ignored::Ignored;
use crate::options::UNKNOWN_SITES_MAX;

/// A site, ready to be asked.
pub(crate) struct Entry {
    pub(crate) site: Site,
    pub(crate) ignored: Ignored,
}

type Entries = HashMap<SiteId, Arc<Entry>>;

pub(crate) struct Directory {
    sites: Arc<dyn Sites>,
    entries: ArcSwap<Entries>,
    unknown: Mutex<Unknown>,
    lookups_a_second_max: u32,
}

/// Ids that the store did not know, so that a flood of them asks it no more.
struct Unknown {
    ids: HashSet<SiteId>,
    /// When the second began in which so many were looked up.
    second: Millis,
    lookups: u32,
}

impl Directory {
    pub(crate) async fn load(sites: Arc<dyn Sites>, lookups_a_second_max: u32) -> anyhow::Result<Directory> {
        let unknown = Unknown { ids: HashSet::new(), second: Millis(0), lookups: 0 };
        let directory = Directory {
            sites,
            entries: ArcSwap::default(),
            unknown: Mutex::new(unknown),
            lookups_a_second_max,
        };
        directory.refresh_all().await?;
        Ok(directory)
    }

    /// The site, from memory; one that memory does not hold is looked up, within the rate of look-ups.
    pub(crate) async fn site(&self, id: SiteId, now: Millis) -> Result<Option<Arc<Entry>>, StoreError> {
        if let Some(entry) = self.entries.load().get(&id) {
            return Ok(Some(entry.clone()));
        }
        if !self.may_look_up(id, now) {
            return Ok(None);
        }
        self.refresh(id).await?;
        let found = self.entries.load().get(&id).cloned();
        if found.is_none() {
            self.unknown.lock().remember(id);
        }
        Ok(found)
    }

    /// Reads one site again: it was added, changed or deleted.
    pub(crate) async fn refresh(&self, id: SiteId) -> Result<(), StoreError> {
        let entry = match self.sites.site(id).await {
            Ok(site) => Some(entry(site)),
            Err(StoreError::NotFound(_)) => None,
            Err(error) => return Err(error),
        };
        if entry.is_some() {
            self.unknown.lock().ids.remove(&id);
        }
        if entry.is_none() && !self.entries.load().contains_key(&id) {
            return Ok(());
        }
        self.entries.rcu(|known| {
            let mut entries = Entries::clone(known);
            match &entry {
                Some(entry) => entries.insert(id, entry.clone()),
                None => entries.remove(&id),
            };
            entries
        });
        Ok(())
    }

    /// Reads all sites again.
    pub(crate) async fn refresh_all(&self) -> Result<(), StoreError> {
        let sites = self.sites.all().await?;
        let entries = sites.into_iter().map(|site| (site.id, entry(site))).collect();
        self.entries.store(Arc::new(entries));
        self.unknown.lock().ids.clear();
        Ok(())
    }

    fn may_look_up(&self, id: SiteId, now: Millis) -> bool {
        let mut unknown = self.unknown.lock();
        if unknown.ids.contains(&id) {
            return false;
        }
        // A clock that was set back begins a new second, too.
        if now < unknown.second || now.since(unknown.second) >= Duration::from_secs(1) {
            (unknown.second, unknown.lookups) = (now, 0);
        }
        unknown.lookups = unknown.lookups.saturating_add(1);
        unknown.lookups <= self.lookups_a_second_max
    }
}

impl Unknown {
    fn remember(&mut self, id: SiteId) {
        if self.ids.len() >= UNKNOWN_SITES_MAX {
            self.ids.clear();
        }
        self.ids.insert(id);
    }
}

fn entry(site: Site) -> Arc<Entry> {
    Arc::new(Entry { ignored: Ignored::of(&site), site })
}
