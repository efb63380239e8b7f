//! One site in memory: states, counters and series that change together under the site's lock.

use std::sync::Arc;

use hashbrown::{HashMap, HashSet};
use model::{Peak, Visitor, VisitorKey};
use tokio::sync::broadcast::{Sender, channel};

use super::WATCH_COMMITS_MAX;
use crate::series::{Hours, Minutes};
use crate::{Applied, Change, Commit, Counters, Snapshot, Watch};

#[derive(Default)]
pub struct Site {
    version: u64,
    counters: Counters,
    visitors: HashMap<VisitorKey, Held>,
    /// Shards that committed to this site.
    shards: HashSet<u16>,
    minutes: Minutes,
    hours: Hours,
    /// None while nobody watches.
    watchers: Option<Sender<Arc<Applied>>>,
}

/// A state and the shard that decides about it: the one that last said this visitor came.
struct Held {
    shard: u16,
    visitor: Arc<Visitor>,
}

impl Site {
    pub fn apply(&mut self, mut commit: Commit) -> Applied {
        let present_before = self.counters.present;
        let shard = commit.shard;
        commit.changes.retain_mut(|change| self.change(shard, change));
        // Shards that rebuild at once tell of different times: who is here now was not here then.
        let is_past = self.minutes.are_past(commit.at);
        self.minutes.advance(commit.at, present_before);
        self.minutes.raise(commit.at, self.counters.present);
        commit.pageviews.iter().for_each(|&(minute, count)| self.minutes.view(minute, count));
        let together = if is_past { 0 } else { self.counters.present.max(present_before) };
        let (hour, count) = self.hours.raise(commit.at, together);
        self.version += 1;
        let applied = Applied {
            site: commit.site,
            version: self.version,
            present: self.counters.present,
            peak: Peak { site: commit.site, hour, count },
            is_first: self.shards.insert(shard),
            commit: Arc::new(commit),
        };
        self.tell(&applied);
        applied
    }

    /// Applies one change against the state held here, which replaces what the commit believed was before.
    /// False: it changes nothing, or another shard decides about this visitor by now.
    fn change(&mut self, shard: u16, change: &mut Change) -> bool {
        let held = self.visitors.get(&change.key);
        if held.is_some_and(|held| held.shard != shard && change.before.is_some()) {
            return false;
        }
        change.before = held.map(|held| held.visitor.clone());
        self.counters.apply(change);
        match &change.after {
            Some(after) => {
                self.visitors.insert(change.key, Held { shard, visitor: after.clone() });
            }
            None => {
                self.visitors.remove(&change.key);
            }
        }
        change.before.is_some() || change.after.is_some()
    }

    fn tell(&mut self, applied: &Applied) {
        let Some(watchers) = &self.watchers else {
            return;
        };
        if watchers.send(Arc::new(applied.clone())).is_err() {
            self.watchers = None;
        }
    }

    pub fn watch(&mut self) -> Watch {
        let watchers = self.watchers.get_or_insert_with(|| channel(WATCH_COMMITS_MAX).0);
        Watch { changes: watchers.subscribe(), snapshot: self.snapshot() }
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot {
            version: self.version,
            counters: self.counters.clone(),
            visitors: self.visitors.values().map(|held| held.visitor.clone()).collect(),
            series: self.minutes.series(),
            peak: self.hours.peak(),
        }
    }

    pub fn of_shard(&self, shard: u16) -> Vec<Arc<Visitor>> {
        let held = self.visitors.values().filter(|held| held.shard == shard);
        held.map(|held| held.visitor.clone()).collect()
    }

    pub fn present(&self) -> u32 {
        self.counters.present
    }

    pub fn restore_peak(&mut self, peak: Peak) {
        self.hours.restore(peak.hour, peak.count);
    }

    /// Ends every watch.
    pub fn close(&mut self) {
        self.watchers = None;
    }
}
