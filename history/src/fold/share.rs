//! A very busy day stands in several segments, each of some visitors: a share of all there can be, by their ids.

use hashbrown::HashMap;
use model::VisitorId;
use serde::{Deserialize, Serialize};

use super::Folded;
use crate::EnrichedHit;
use crate::segment::Head;
use crate::table::Table;

/// Hits of one segment; a share of visitors with more is split. Only one visitor alone may have more.
pub const SEGMENT_HITS_MAX: usize = 250_000;

/// The visitors whose visits of its day a segment holds: from the first id to the last, both within.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Share {
    pub from: u64,
    pub to: u64,
}

impl Default for Share {
    fn default() -> Share {
        Share::ALL
    }
}

impl Share {
    pub const ALL: Share = Share { from: 0, to: u64::MAX };

    pub fn has(&self, visitor: VisitorId) -> bool {
        (self.from..=self.to).contains(&visitor.0)
    }

    pub fn is_all(&self) -> bool {
        *self == Share::ALL
    }
}

/// One share of a day that a fold changed.
#[derive(Debug)]
pub struct Changed {
    /// The segment of this share goes, where the day has one.
    pub share: Share,
    /// What takes its place; none where no visit is left.
    pub parts: Vec<(Share, Table)>,
}

impl Folded {
    /// The shares of the day that changed. `held`: the shares of all its segments, which have nobody in common; what none of them has is
    /// a share too. The table must have all visits of shares that changed: those of segments that hits' visitors are in.
    pub fn shares(&self, held: &[Share], hits_max: usize) -> Vec<Changed> {
        let mut changed = Vec::new();
        for share in covering(held) {
            if self.visitors.iter().any(|visitor| share.has(*visitor)) {
                let table = self.table.select(|visit| share.has(visit.visitor));
                changed.push(Changed { share, parts: split(table, share, hits_max) });
            }
        }
        changed
    }
}

/// All visitors, in shares that are held and those between them.
fn covering(held: &[Share]) -> Vec<Share> {
    let mut held = held.to_vec();
    held.sort_unstable();
    let mut shares = Vec::with_capacity(held.len() + 1);
    let mut next = Some(0);
    for share in held {
        if let Some(from) = next.filter(|from| *from < share.from) {
            shares.push(Share { from, to: share.from - 1 });
        }
        next = share.to.checked_add(1);
        shares.push(share);
    }
    shares.extend(next.map(|from| Share { from, to: u64::MAX }));
    shares
}

/// As few parts as leave each room to grow: half of `hits_max` at most, but for one visitor with more.
fn split(table: Table, share: Share, hits_max: usize) -> Vec<(Share, Table)> {
    if table.visits.is_empty() {
        return Vec::new();
    }
    if table.hits.len() <= hits_max {
        return vec![(share, table)];
    }
    let mut hits: HashMap<u64, usize> = HashMap::new();
    for visit in &table.visits {
        *hits.entry(visit.visitor.0).or_default() += visit.hits.len();
    }
    let mut hits: Vec<(u64, usize)> = hits.into_iter().collect();
    hits.sort_unstable();
    let part_max = (hits_max / 2).max(1);
    let mut shares: Vec<Share> = Vec::new();
    let mut in_part = 0;
    for (visitor, count) in hits {
        match shares.last_mut() {
            Some(last) if in_part + count <= part_max => last.to = visitor,
            Some(last) => {
                last.to = visitor - 1;
                shares.push(Share { from: visitor, to: share.to });
                in_part = 0;
            }
            None => shares.push(share),
        }
        in_part += count;
    }
    if let Some(last) = shares.last_mut() {
        last.to = share.to;
    }
    shares.into_iter().map(|share| (share, table.select(|visit| share.has(visit.visitor)))).collect()
}

/// Of the segments that folding these hits needs, whether the visits of one may change. Of one where they may not, hits of others may
/// come again: its hits' ids count.
pub fn may_change(heads: &[Head], needed: &[usize], hits: &[EnrichedHit]) -> Vec<bool> {
    let mut times: Vec<(i64, VisitorId)> = hits.iter().map(|hit| (hit.at.0, hit.visitor)).collect();
    times.sort_unstable();
    let near = |index: usize| {
        let head = &heads[index];
        let around = needed.iter().map(|other| &heads[*other]);
        let around =
            around.filter(|other| other.day_start <= head.day_end && head.day_start <= other.day_end);
        let reach = around.map(|other| other.reach());
        reach.fold(head.reach(), |(from, to), (begin, end)| (from.min(begin), to.max(end)))
    };
    let is_needed = |index: usize| {
        let (from, to) = near(index);
        let first = times.partition_point(|(at, _)| *at < from);
        let times = times[first..].iter().take_while(|(at, _)| *at <= to);
        times.into_iter().any(|(_, visitor)| heads[index].visitors.has(*visitor))
    };
    needed.iter().map(|index| is_needed(*index)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::{HIT_TEXTS, Hit, Kind, VISIT_TEXTS, Visit};

    fn share(from: u64, to: u64) -> Share {
        Share { from, to }
    }

    /// So many hits of each visitor, one visit each.
    fn table(hits: &[(u64, u32)]) -> Table {
        let mut table = Table::default();
        let none = table.words.number("");
        for &(visitor, count) in hits {
            let start = table.hits.len() as u32;
            let hit = |id| Hit {
                at: 0,
                kind: Kind::Pageview,
                id,
                texts: [none; HIT_TEXTS],
                engaged_ms: 0,
                engaged_before_ms: 0,
                scroll: 0,
                alive_ms: 0,
            };
            table.hits.extend((0..count).map(|number| hit(visitor << 32 | u64::from(number))));
            let hits = start..start + count;
            let visitor = VisitorId(visitor);
            table.visits.push(Visit { visitor, bot: false, first: 0, texts: [none; VISIT_TEXTS], hits });
        }
        table
    }

    #[test]
    fn shares_between_others_are_shares() {
        let check = |held: &[Share], expected: &[Share]| assert_eq!(covering(held), expected);
        check(&[], &[Share::ALL]);
        check(&[Share::ALL], &[Share::ALL]);
        check(&[share(5, u64::MAX), share(0, 3)], &[share(0, 3), share(4, 4), share(5, u64::MAX)]);
        check(&[share(2, 3)], &[share(0, 1), share(2, 3), share(4, u64::MAX)]);
    }

    #[test]
    fn past_the_maximum_a_share_is_split_between_visitors() {
        let check = |hits: &[(u64, u32)], expected: &[(Share, usize)]| {
            let parts = split(table(hits), share(0, 99), 10);
            let told: Vec<(Share, usize)> =
                parts.iter().map(|(share, table)| (*share, table.hits.len())).collect();
            assert_eq!(told, expected, "{hits:?}");
        };
        check(&[], &[]);
        check(&[(3, 10)], &[(share(0, 99), 10)]);
        check(&[(3, 4), (7, 6)], &[(share(0, 99), 10)]);
        check(&[(3, 4), (7, 7)], &[(share(0, 6), 4), (share(7, 99), 7)]);
        check(&[(3, 11)], &[(share(0, 99), 11)]);
        check(&[(0, 11), (99, 1)], &[(share(0, 98), 11), (share(99, 99), 1)]);
        check(&[(1, 2), (2, 3), (3, 3), (4, 3)], &[(share(0, 2), 5), (share(3, 3), 3), (share(4, 99), 3)]);
    }
}
