//! Commits that live did not take yet. Those that were sent may be applied, with only the answer lost: they are sent again as
//! they are, by their origins. Newer ones of the same sites wait behind them, folded together so that they grow with visitors
//! and not with time; those of other sites do not wait.

use hashbrown::hash_map::Entry;
use hashbrown::{HashMap, HashSet};
use live::{Applied, Change, Commit, FEED_HITS_MAX, Live, LiveError};
use model::{SiteId, VisitorKey};

#[derive(Default)]
pub struct Unsaid {
    sent: Vec<Commit>,
    waiting: Vec<Commit>,
}

impl Unsaid {
    pub fn is_empty(&self) -> bool {
        self.sent.is_empty() && self.waiting.is_empty()
    }

    pub fn add(&mut self, newer: Vec<Commit>) {
        fold(&mut self.waiting, newer);
    }

    /// Sends what is due: what was applied, and why not all was.
    pub async fn send(&mut self, live: &dyn Live) -> (Vec<Applied>, Result<(), LiveError>) {
        let (applied, told) = match live.commit(self.next()).await {
            Ok(applied) => (applied, Ok(())),
            Err(LiveError::Partly { applied, error }) => (applied, Err(LiveError::Unavailable(error))),
            Err(error) => (vec![], Err(error)),
        };
        self.taken(applied.iter().map(|applied| applied.site));
        (applied, told)
    }

    /// What to send now: of each site the same until it is `taken`.
    fn next(&mut self) -> Vec<Commit> {
        let sent: HashSet<_> = self.sent.iter().map(|commit| commit.site).collect();
        let due = self.waiting.extract_if(.., |commit| !sent.contains(&commit.site));
        self.sent.extend(due);
        self.sent.clone()
    }

    fn taken(&mut self, sites: impl Iterator<Item = SiteId>) {
        let taken: HashSet<_> = sites.collect();
        self.sent.retain(|commit| !taken.contains(&commit.site));
    }

    pub fn forget(&mut self, site: SiteId) {
        self.sent.retain(|commit| commit.site != site);
        self.waiting.retain(|commit| commit.site != site);
    }
}

/// Adds a commit behind those of the same site: as if both had happened at once, at the later time.
fn fold(unsaid: &mut Vec<Commit>, newer: Vec<Commit>) {
    if unsaid.is_empty() {
        *unsaid = newer;
        return;
    }
    let mut places: HashMap<SiteId, usize> =
        unsaid.iter().enumerate().map(|(index, commit)| (commit.site, index)).collect();
    for commit in newer {
        match places.entry(commit.site) {
            Entry::Occupied(older) => join(&mut unsaid[*older.get()], commit),
            Entry::Vacant(new) => {
                new.insert(unsaid.len());
                unsaid.push(commit);
            }
        }
    }
}

fn join(older: &mut Commit, newer: Commit) {
    (older.at, older.origin, older.mark) = (newer.at, newer.origin, newer.mark);
    let place = |(index, change): (usize, &Change)| (change.key, index);
    let mut places: HashMap<VisitorKey, usize> = older.changes.iter().enumerate().map(place).collect();
    for change in newer.changes {
        match places.entry(change.key) {
            Entry::Occupied(known) => older.changes[*known.get()].after = change.after,
            Entry::Vacant(new) => {
                new.insert(older.changes.len());
                older.changes.push(change);
            }
        }
    }
    for (minute, count) in newer.pageviews {
        match older.pageviews.iter_mut().find(|(known, _)| *known == minute) {
            Some((_, known)) => *known += count,
            None => older.pageviews.push((minute, count)),
        }
    }
    older.feed.extend(newer.feed);
    let surplus = older.feed.len().saturating_sub(FEED_HITS_MAX);
    older.feed.drain(..surplus);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use live::{Mark, Origin};
    use model::{BatchId, Millis, Minute, Visitor};

    use super::*;
    use crate::presence::fixtures;

    fn commit(at: i64, changes: &[(u64, Option<u32>, Option<u32>)], pageviews: &[(i64, u32)]) -> Commit {
        let state = |id, engaged_ms: Option<u32>| {
            let visitor = fixtures::visitor(fixtures::key(id, 0));
            engaged_ms.map(|engaged_ms| Arc::new(Visitor { engaged_ms, ..visitor }))
        };
        let change = |&(id, before, after): &(u64, Option<u32>, Option<u32>)| Change {
            key: fixtures::key(id, 0),
            before: state(id, before),
            after: state(id, after),
        };
        Commit {
            site: SiteId::of(1),
            shard: 0,
            origin: Origin { term: 1, number: at as u64 },
            mark: Some(Mark { batch: BatchId(at as u128), received: Millis(at) }),
            at: Millis(at),
            changes: changes.iter().map(change).collect(),
            pageviews: pageviews.iter().map(|&(minute, count)| (Minute(minute), count)).collect(),
            feed: vec![],
        }
    }

    #[test]
    fn two_commits_become_what_both_did() {
        let mut unsaid = vec![commit(1, &[(1, None, Some(1)), (2, None, Some(1))], &[(7, 1)])];
        fold(
            &mut unsaid,
            vec![commit(
                2,
                &[(1, Some(1), None), (2, Some(1), Some(2)), (3, None, Some(1))],
                &[(7, 2), (8, 1)],
            )],
        );
        let expected =
            commit(2, &[(1, None, None), (2, None, Some(2)), (3, None, Some(1))], &[(7, 3), (8, 1)]);
        assert_eq!(format!("{unsaid:?}"), format!("{:?}", [expected]));
    }

    const OTHER: SiteId = SiteId::of(2);

    /// Site, number and pageviews of each that is sent.
    fn sent(unsaid: &mut Unsaid) -> Vec<(SiteId, u64, u32)> {
        let views = |commit: &Commit| commit.pageviews.iter().map(|(_, count)| count).sum();
        unsaid.next().iter().map(|commit| (commit.site, commit.origin.number, views(commit))).collect()
    }

    fn view(site: SiteId, at: i64) -> Commit {
        Commit { site, ..commit(at, &[], &[(7, 1)]) }
    }

    #[test]
    fn what_was_sent_stays_as_it_was_until_it_is_taken() {
        let (mut unsaid, site) = (Unsaid::default(), SiteId::of(1));
        unsaid.add(vec![view(site, 1)]);
        assert_eq!(sent(&mut unsaid), [(site, 1, 1)]);
        unsaid.add(vec![view(site, 2)]);
        unsaid.add(vec![view(site, 3)]);
        assert_eq!(sent(&mut unsaid), [(site, 1, 1)]);
        unsaid.taken([site].into_iter());
        assert_eq!(sent(&mut unsaid), [(site, 3, 2)]);
        unsaid.forget(site);
        assert!(unsaid.is_empty() && unsaid.next().is_empty());
    }

    #[test]
    fn a_site_that_is_not_taken_holds_no_other_up() {
        let (mut unsaid, site) = (Unsaid::default(), SiteId::of(1));
        unsaid.add(vec![view(site, 1), view(OTHER, 1)]);
        assert_eq!(sent(&mut unsaid), [(site, 1, 1), (OTHER, 1, 1)]);
        unsaid.taken([OTHER].into_iter());
        unsaid.add(vec![view(OTHER, 2), view(site, 2)]);
        assert_eq!(sent(&mut unsaid), [(site, 1, 1), (OTHER, 2, 1)]);
        unsaid.add(vec![view(site, 3), view(OTHER, 3)]);
        unsaid.taken([OTHER].into_iter());
        assert_eq!(sent(&mut unsaid), [(site, 1, 1), (OTHER, 3, 1)]);
        unsaid.taken([site, OTHER].into_iter());
        assert_eq!(sent(&mut unsaid), [(site, 3, 2)]);
        let mark = unsaid.next()[0].mark.map(|mark| mark.batch);
        assert_eq!(mark, Some(BatchId(3)), "as far as the newest of them");
        unsaid.taken([site].into_iter());
        assert!(unsaid.is_empty());
    }
}
