//! Commits that live did not take yet. Those that were sent may be applied, with only the answer lost: they are sent again as
//! they are, by their origins. Newer ones wait behind them, folded together so that they grow with visitors and not with time.

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use live::{Change, Commit, FEED_HITS_MAX};
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

    /// What to send now: the same until it is `taken`.
    pub fn next(&mut self) -> Option<Vec<Commit>> {
        if self.sent.is_empty() {
            self.sent = std::mem::take(&mut self.waiting);
        }
        (!self.sent.is_empty()).then(|| self.sent.clone())
    }

    /// Live answered.
    pub fn taken(&mut self) {
        self.sent.clear();
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

    #[test]
    fn what_was_sent_stays_as_it_was_until_it_is_taken() {
        let mut unsaid = Unsaid::default();
        let numbers = |sent: Option<Vec<Commit>>| {
            let sent = sent.unwrap_or_default();
            sent.iter().map(|commit| (commit.origin.number, commit.pageviews.clone())).collect::<Vec<_>>()
        };
        let view = |at| vec![commit(at, &[], &[(7, 1)])];
        unsaid.add(view(1));
        assert_eq!(numbers(unsaid.next()), [(1, vec![(Minute(7), 1)])]);
        unsaid.add(view(2));
        unsaid.add(view(3));
        assert_eq!(numbers(unsaid.next()), [(1, vec![(Minute(7), 1)])]);
        unsaid.taken();
        assert_eq!(numbers(unsaid.next()), [(3, vec![(Minute(7), 2)])]);
        unsaid.forget(SiteId::of(1));
        assert!(unsaid.is_empty() && unsaid.next().is_none());
    }
}
