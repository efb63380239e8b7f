//! What presence will tell at the next commit, gathered a site: changes, pageviews a minute, the feed.

use std::collections::VecDeque;
use std::sync::Arc;

use hashbrown::HashMap;
use history::{EnrichedHit, EnrichedKind};
use live::{Change, Commit, FEED_HITS_MAX, FeedHit, FeedKind, Mark};
use model::limits::LIVE_MINUTES;
use model::{Millis, Minute, SiteId, Visitor, VisitorKey};

use super::slots::{SiteIndex, Slot};

/// Outcomes of every site that the shard has seen.
pub struct Outcomes {
    shard: u16,
    index: HashMap<SiteId, SiteIndex>,
    sites: Vec<Outcome>,
    /// Sites with something to tell.
    touched: Vec<SiteIndex>,
}

/// What a site's next commit will tell.
struct Outcome {
    id: SiteId,
    is_touched: bool,
    changes: Vec<Change>,
    /// At most a few minutes are new between two commits.
    pageviews: Vec<(Minute, u32)>,
    feed: VecDeque<FeedHit>,
    /// Present as of the changes gathered, bots left out.
    present: usize,
    /// Of the newest batch that is gathered or was told.
    mark: Option<Mark>,
}

impl Outcomes {
    pub fn new(shard: u16) -> Outcomes {
        Outcomes { shard, index: HashMap::new(), sites: Vec::new(), touched: Vec::new() }
    }

    pub fn site(&mut self, id: SiteId) -> SiteIndex {
        *self.index.entry(id).or_insert_with(|| {
            self.sites.push(Outcome::new(id));
            (self.sites.len() - 1) as SiteIndex
        })
    }

    pub fn sites(&self) -> Vec<SiteId> {
        self.sites.iter().map(|outcome| outcome.id).collect()
    }

    pub fn present(&self) -> usize {
        self.sites.iter().map(|outcome| outcome.present).sum()
    }

    pub fn id_of(&self, site: SiteIndex) -> SiteId {
        self.sites[site as usize].id
    }

    /// Counts a pageview in its own minute and shows the hit in the feed; bots in neither.
    pub fn note(&mut self, site: SiteIndex, key: VisitorKey, hit: &EnrichedHit) {
        if hit.bot.is_some() {
            return;
        }
        let kind = match &hit.kind {
            EnrichedKind::Pageview { .. } => FeedKind::Pageview,
            EnrichedKind::Event { name, .. } => FeedKind::Event(name.clone()),
            EnrichedKind::Identify { identity, .. } => FeedKind::Identify(identity.clone()),
            EnrichedKind::Heartbeat { .. } | EnrichedKind::Leave { .. } => return,
        };
        let outcome = self.touch(site);
        if matches!(kind, FeedKind::Pageview) {
            outcome.view(hit.at.minute());
        }
        outcome.show(feed_hit(key, hit, kind, &hit.page.path));
    }

    /// Shows that a page left, as the one who had it open.
    pub fn note_leave(&mut self, site: SiteIndex, holder: &Slot, hit: &EnrichedHit, path: &Arc<str>) {
        if holder.visitor.bot.is_none() && hit.bot.is_none() {
            self.touch(site).show(feed_hit(holder.key(), hit, FeedKind::Leave, path));
        }
    }

    /// One visitor came, changed or went.
    pub fn change(
        &mut self,
        site: SiteIndex,
        key: VisitorKey,
        before: Option<Arc<Visitor>>,
        after: Option<Arc<Visitor>>,
    ) {
        if before.is_some() || after.is_some() {
            let outcome = self.touch(site);
            outcome.present += after.as_deref().map_or(0, weight);
            outcome.present -= before.as_deref().map_or(0, weight);
            outcome.changes.push(Change { key, before, after });
        }
    }

    /// A visitor was present before this machine was.
    pub fn restored(&mut self, site: SiteIndex, visitor: &Visitor) {
        self.sites[site as usize].present += weight(visitor);
    }

    /// The batch is gathered: what it changed is told with the site's next commit, or told already.
    pub fn mark(&mut self, site: SiteIndex, mark: Mark) {
        self.sites[site as usize].mark = Some(mark);
    }

    pub fn take_commits(&mut self, now: Millis) -> Vec<Commit> {
        let touched = std::mem::take(&mut self.touched);
        touched.into_iter().map(|site| self.sites[site as usize].take_commit(self.shard, now)).collect()
    }

    pub fn forget(&mut self, site: SiteIndex) {
        let outcome = &mut self.sites[site as usize];
        *outcome = Outcome::new(outcome.id);
        self.touched.retain(|other| *other != site);
    }

    fn touch(&mut self, site: SiteIndex) -> &mut Outcome {
        let outcome = &mut self.sites[site as usize];
        if !std::mem::replace(&mut outcome.is_touched, true) {
            self.touched.push(site);
        }
        outcome
    }
}

impl Outcome {
    fn new(id: SiteId) -> Outcome {
        Outcome {
            id,
            is_touched: false,
            changes: Vec::new(),
            pageviews: Vec::new(),
            feed: VecDeque::new(),
            present: 0,
            mark: None,
        }
    }

    fn view(&mut self, minute: Minute) {
        match self.pageviews.iter_mut().rev().find(|(known, _)| *known == minute) {
            Some((_, count)) => *count += 1,
            None => self.pageviews.push((minute, 1)),
        }
    }

    fn show(&mut self, hit: FeedHit) {
        if self.feed.len() >= FEED_HITS_MAX {
            self.feed.pop_front();
        }
        self.feed.push_back(hit);
    }

    fn take_commit(&mut self, shard: u16, now: Millis) -> Commit {
        self.is_touched = false;
        let oldest = Minute(now.minute().0 - LIVE_MINUTES as i64 + 1);
        self.pageviews.retain(|(minute, _)| *minute >= oldest);
        let mut feed: Vec<_> = std::mem::take(&mut self.feed).into();
        feed.sort_by_key(|hit| hit.at);
        Commit {
            site: self.id,
            shard,
            origin: live::Origin::default(),
            mark: self.mark,
            at: now,
            changes: std::mem::take(&mut self.changes),
            pageviews: std::mem::take(&mut self.pageviews),
            feed,
        }
    }
}

/// What a visitor adds to the number of present ones.
fn weight(visitor: &Visitor) -> usize {
    usize::from(visitor.bot.is_none())
}

fn feed_hit(key: VisitorKey, hit: &EnrichedHit, kind: FeedKind, path: &Arc<str>) -> FeedHit {
    FeedHit {
        at: hit.at,
        key,
        kind,
        path: path.clone(),
        country: Arc::from(hit.place.country.as_str()),
        source: hit.source.name.clone(),
        channel: hit.source.channel,
    }
}
