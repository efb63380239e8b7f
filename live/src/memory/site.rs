//! One site in memory: states, counters and series that change together under the site's lock.

use std::collections::BTreeMap;
use std::sync::Arc;

use hashbrown::HashMap;
use model::limits::LIVE_MINUTES;
use model::{Minute, Peak, Visitor, VisitorKey};
use tokio::sync::broadcast::{Sender, channel};

use super::{WATCH_COMMITS_MAX, overflow};
use crate::series::{Hours, Minutes};
use crate::{Applied, Change, Commit, Counters, Mark, Origin, Snapshot, Watch};

#[derive(Default)]
pub struct Site {
    version: u64,
    counters: Counters,
    visitors: HashMap<VisitorKey, Held>,
    /// Shards that committed to this site.
    shards: HashMap<u16, Told>,
    minutes: Minutes,
    hours: Hours,
    /// None while nobody watches.
    watchers: Option<Sender<Arc<Applied>>>,
}

/// What a shard told last.
#[derive(Default)]
struct Told {
    origin: Origin,
    is_first: bool,
    mark: Option<Mark>,
    /// Its pageviews of the last minutes.
    pageviews: BTreeMap<Minute, u32>,
}

/// A state and the shard that decides about it: the one that last said this visitor came.
struct Held {
    shard: u16,
    visitor: Arc<Visitor>,
}

impl Site {
    pub fn apply(&mut self, mut commit: Commit) -> Applied {
        let present_before = self.counters.present;
        let (shard, origin) = (commit.shard, commit.origin);
        let told = self.shards.get(&shard);
        if let Some(told) = told.filter(|told| origin.repeats(told.origin)) {
            let is_first = told.is_first && told.origin == origin;
            (commit.changes, commit.pageviews) = (vec![], vec![]);
            return self.applied(commit, 0, is_first);
        }
        let is_first = told.is_none_or(|told| told.origin.term != origin.term);
        if is_first && told.is_some() {
            self.clear(shard);
        }
        commit.changes.retain_mut(|change| self.change(shard, change));
        // Shards that rebuild at once tell of different times: who is here now was not here then.
        let is_past = self.minutes.are_past(commit.at);
        self.minutes.advance(commit.at, present_before);
        self.minutes.raise(commit.at, self.counters.present);
        self.view(&commit, is_first);
        let together = if is_past { 0 } else { self.counters.present.max(present_before) };
        self.version += 1;
        let applied = self.applied(commit, together, is_first);
        self.tell(&applied);
        applied
    }

    fn applied(&mut self, commit: Commit, together: u32, is_first: bool) -> Applied {
        let (hour, count) = self.hours.raise(commit.at, together);
        Applied {
            site: commit.site,
            version: self.version,
            present: self.counters.present,
            peak: Peak { site: commit.site, hour, count },
            is_first,
            commit: Arc::new(commit),
        }
    }

    pub fn visitor(&self, key: VisitorKey) -> Option<Arc<Visitor>> {
        self.visitors.get(&key).map(|held| held.visitor.clone())
    }

    fn view(&mut self, commit: &Commit, is_first: bool) {
        let told = self.shards.entry(commit.shard).or_default();
        (told.origin, told.is_first, told.mark) = (commit.origin, is_first, commit.mark);
        for &(minute, count) in &commit.pageviews {
            self.minutes.view(minute, count);
            *told.pageviews.entry(minute).or_insert(0) += count;
        }
        told.pageviews = told.pageviews.split_off(&Minute(commit.at.minute().0 - LIVE_MINUTES as i64));
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

    /// The states and the mark of a shard, whose commits are of this term from now on.
    pub fn load(&mut self, shard: u16, term: u64) -> (Vec<Arc<Visitor>>, Option<Mark>) {
        let Some(told) = self.shards.get_mut(&shard) else {
            return (vec![], None);
        };
        (told.origin, told.is_first) = (Origin { term, number: 0 }, false);
        let held = self.visitors.values().filter(|held| held.shard == shard);
        (held.map(|held| held.visitor.clone()).collect(), told.mark)
    }

    /// Nothing that a shard said counts any more; who watches must watch again.
    pub fn clear(&mut self, shard: u16) {
        let Some(told) = self.shards.remove(&shard) else {
            return;
        };
        told.pageviews.into_iter().for_each(|(minute, count)| self.minutes.unview(minute, count));
        let gone: Vec<_> = self.visitors.extract_if(|_, held| held.shard == shard).collect();
        gone.iter().for_each(|(_, held)| self.counters.take(&held.visitor));
        if let Some(watchers) = self.watchers.take() {
            overflow(&watchers, WATCH_COMMITS_MAX, &Arc::new(Applied::nothing()));
        }
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
