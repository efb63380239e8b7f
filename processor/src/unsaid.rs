//! Commits that live did not take yet, folded together so that they grow with visitors and not with time.

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use live::{Change, Commit, FEED_HITS_MAX};
use model::VisitorKey;

/// Adds a commit behind those of the same site: as if both had happened at once, at the later time.
pub fn fold(unsaid: &mut Vec<Commit>, newer: Vec<Commit>) {
    if unsaid.is_empty() {
        *unsaid = newer;
        return;
    }
    for commit in newer {
        match unsaid.iter_mut().find(|older| older.site == commit.site) {
            Some(older) => join(older, commit),
            None => unsaid.push(commit),
        }
    }
}

fn join(older: &mut Commit, newer: Commit) {
    older.at = newer.at;
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

    use model::{Millis, Minute, SiteId, Visitor};

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
}
