//! The exact recount of a site over its tail: slow, obvious, and therefore the judge of everything faster.
//! Each hit id counts once; visits are read off from (visitor, time), so hits may come in any order.

use std::collections::BTreeMap;

use hashbrown::HashMap;
use model::limits::VISIT_GAP_MAX;
use model::{HitId, Millis, Minute, VisitorId};
use serde::Serialize;

use crate::{EnrichedHit, EnrichedKind};

/// A visit of one pageview and no event is a bounce when it was engaged for less than this.
const BOUNCE_ENGAGED_MS: u64 = 10_000;

/// Every distinct hit of one site, as far as counting needs it.
#[derive(Default)]
pub struct Recount {
    hits: HashMap<HitId, Row>,
    duplicates: u64,
}

/// What the hits come to: all of them, and those not judged bots.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Totals {
    pub all: Counts,
    pub human: Counts,
    /// Hits whose id was there already; in no other number.
    pub duplicates: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Counts {
    pub hits: u64,
    pub pageviews: u64,
    pub heartbeats: u64,
    pub leaves: u64,
    pub events: u64,
    pub identifies: u64,
    pub visitors: u64,
    pub visits: u64,
    /// Visits of one pageview, no event, and under 10 s engaged.
    pub bounces: u64,
    /// Last sign of life minus first, summed over visits.
    pub duration_ms: u64,
    /// Summed over pageviews: of each the largest running total.
    pub engaged_ms: u64,
    pub pageviews_by_minute: BTreeMap<Minute, u64>,
}

struct Row {
    visitor: VisitorId,
    at: Millis,
    is_bot: bool,
    what: What,
}

enum What {
    Pageview,
    Heartbeat { pageview: HitId, engaged_ms: u32 },
    Leave { pageview: HitId, engaged_ms: u32 },
    Event,
    Identify,
}

impl Recount {
    /// Takes hits in; one whose id is known counts as a duplicate and changes nothing else.
    pub fn add<'h>(&mut self, hits: impl IntoIterator<Item = &'h EnrichedHit>) {
        for hit in hits {
            let row = Row {
                visitor: hit.visitor,
                at: hit.at,
                is_bot: hit.bot.is_some(),
                what: What::of(&hit.kind),
            };
            match self.hits.try_insert(hit.id, row) {
                Ok(_) => {}
                Err(_) => self.duplicates += 1,
            }
        }
    }

    /// The ids that were taken in, in no order.
    pub fn ids(&self) -> impl Iterator<Item = HitId> {
        self.hits.keys().copied()
    }

    pub fn totals(&self) -> Totals {
        Totals {
            all: counts(self.hits.iter()),
            human: counts(self.hits.iter().filter(|(_, row)| !row.is_bot)),
            duplicates: self.duplicates,
        }
    }
}

impl What {
    fn of(kind: &EnrichedKind) -> What {
        match *kind {
            EnrichedKind::Pageview { .. } => What::Pageview,
            EnrichedKind::Heartbeat { pageview, engaged_ms, .. } => What::Heartbeat { pageview, engaged_ms },
            EnrichedKind::Leave { pageview, engaged_ms, .. } => What::Leave { pageview, engaged_ms },
            EnrichedKind::Event { .. } => What::Event,
            EnrichedKind::Identify { .. } => What::Identify,
        }
    }
}

fn counts<'r>(rows: impl Iterator<Item = (&'r HitId, &'r Row)>) -> Counts {
    let mut counts = Counts::default();
    let mut by_visitor: HashMap<VisitorId, Vec<&Row>> = HashMap::new();
    for (_, row) in rows {
        counts.take_hit(row);
        by_visitor.entry(row.visitor).or_default().push(row);
    }
    counts.visitors = by_visitor.len() as u64;
    for mut rows in by_visitor.into_values() {
        rows.sort_by_key(|row| row.at);
        let mut engaged = HashMap::new();
        let visits = rows.chunk_by(|before, after| after.at.since(before.at) <= VISIT_GAP_MAX);
        visits.for_each(|visit| counts.take_visit(visit, &mut engaged));
    }
    counts
}

impl Counts {
    fn take_hit(&mut self, row: &Row) {
        self.hits += 1;
        match row.what {
            What::Pageview => {
                self.pageviews += 1;
                *self.pageviews_by_minute.entry(row.at.minute()).or_insert(0) += 1;
            }
            What::Heartbeat { .. } => self.heartbeats += 1,
            What::Leave { .. } => self.leaves += 1,
            What::Event => self.events += 1,
            What::Identify => self.identifies += 1,
        }
    }

    /// `visit`: one visitor's hits in order of time, no gap over `VISIT_GAP_MAX`; never empty.
    /// `engaged`: the running totals of the visitor's pageviews so far, which a later visit goes on from.
    fn take_visit(&mut self, visit: &[&Row], engaged: &mut HashMap<HitId, u32>) {
        let pageviews = visit.iter().filter(|row| matches!(row.what, What::Pageview)).count();
        let events = visit.iter().filter(|row| matches!(row.what, What::Event)).count();
        let engaged_ms = engaged_ms(visit, engaged);
        self.visits += 1;
        self.bounces += u64::from(pageviews == 1 && events == 0 && engaged_ms < BOUNCE_ENGAGED_MS);
        self.engaged_ms += engaged_ms;
        let (first, last) = (visit[0], visit[visit.len() - 1]);
        self.duration_ms += last.at.since(first.at).as_millis() as u64;
    }
}

/// By how much the visit's hits raise the running totals.
fn engaged_ms(visit: &[&Row], totals: &mut HashMap<HitId, u32>) -> u64 {
    let raised = visit.iter().map(|row| match row.what {
        What::Heartbeat { pageview, engaged_ms } | What::Leave { pageview, engaged_ms } => {
            let total = totals.entry(pageview).or_insert(0);
            let by = engaged_ms.saturating_sub(*total);
            *total += by;
            u64::from(by)
        }
        _ => 0,
    });
    raised.sum()
}

#[cfg(test)]
mod tests;
