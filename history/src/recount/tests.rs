//! The recount against tables of small histories.

use std::sync::Arc;

use model::{Agent, BotReason, Device, Place, Source};

use super::*;
use crate::Page;

const MINUTE: i64 = 60_000;

/// A hit of visitor 1 at a minute of the day; ids count up from 1 in the order written.
fn hits(written: &[(i64, EnrichedKind)]) -> Vec<EnrichedHit> {
    let numbered = written.iter().zip(1..);
    numbered.map(|((at, kind), id)| hit(id, 1, *at, None, kind.clone())).collect()
}

fn hit(id: u128, visitor: u64, at: i64, bot: Option<BotReason>, kind: EnrichedKind) -> EnrichedHit {
    let none: Arc<str> = Arc::from("");
    EnrichedHit {
        id: HitId(id),
        at: Millis(at),
        received: Millis(at),
        visitor: VisitorId(visitor),
        page: Arc::new(Page { hostname: none.clone(), path: Arc::from("/"), query: none.clone() }),
        source: Arc::new(Source::direct()),
        agent: Arc::new(Agent {
            browser: none.clone(),
            browser_version: none.clone(),
            os: none.clone(),
            os_version: none.clone(),
            device: Device::Other,
        }),
        place: Arc::new(Place::default()),
        language: none,
        screen: None,
        bot,
        kind,
    }
}

fn view() -> EnrichedKind {
    EnrichedKind::Pageview { title: Arc::from(""), due_ms: None }
}

fn event() -> EnrichedKind {
    EnrichedKind::Event { name: Arc::from("e"), props: vec![], pageview: None }
}

fn beat(pageview: u128, engaged_ms: u32) -> EnrichedKind {
    EnrichedKind::Heartbeat { pageview: HitId(pageview), engaged_ms, scroll: 0, active: true, due_ms: 15_000 }
}

fn totals(hits: &[EnrichedHit]) -> Totals {
    let mut recount = Recount::default();
    recount.add(hits);
    recount.totals()
}

fn check(what: &str, written: &[(i64, EnrichedKind)], visits: u64, bounces: u64, engaged_ms: u64) {
    let mut hits = hits(written);
    for order in ["as written", "backwards"] {
        let counts = totals(&hits).all;
        let counted = (counts.visitors, counts.visits, counts.bounces, counts.engaged_ms);
        assert_eq!(counted, (1, visits, bounces, engaged_ms), "{what}, {order}");
        hits.reverse();
    }
}

#[test]
fn visits_and_bounces_are_counted_by_the_definitions() {
    check("one pageview", &[(0, view())], 1, 1, 0);
    check("30 minutes silent", &[(0, view()), (30 * MINUTE, view())], 1, 0, 0);
    check("30 minutes and a millisecond", &[(0, view()), (30 * MINUTE + 1, view())], 2, 2, 0);
    check(
        "a heartbeat is activity",
        &[(0, view()), (20 * MINUTE, beat(1, 5)), (40 * MINUTE, view())],
        1,
        0,
        5,
    );
    check("an event is no bounce", &[(0, view()), (5, event())], 1, 0, 0);
    check("engaged just under 10 s", &[(0, view()), (15_000, beat(1, 9_999))], 1, 1, 9_999);
    check("engaged 10 s", &[(0, view()), (15_000, beat(1, 10_000))], 1, 0, 10_000);
    check("totals are not added", &[(0, view()), (1, beat(1, 4_000)), (2, beat(1, 6_000))], 1, 1, 6_000);
    check("two pages add", &[(0, view()), (1, view()), (2, beat(1, 4)), (3, beat(2, 6))], 1, 0, 10);
    check(
        "a visit goes on from totals",
        &[(0, view()), (1, beat(1, 4_000)), (31 * MINUTE, beat(1, 5_000))],
        2,
        1,
        5_000,
    );
}

#[test]
fn a_hit_counts_once_however_often_it_is_there() {
    let hits = hits(&[(0, view()), (MINUTE, view())]);
    let mut recount = Recount::default();
    (0..5).for_each(|_| recount.add(&hits));
    let Totals { all, duplicates, .. } = recount.totals();
    assert_eq!((all.hits, all.pageviews, all.visits, duplicates), (2, 2, 1, 8));
    assert_eq!(all.pageviews_by_minute, BTreeMap::from([(Minute(0), 1), (Minute(1), 1)]));
}

#[test]
fn bots_are_in_all_and_not_in_human() {
    let person = hit(1, 1, 0, None, view());
    let bot = hit(2, 2, 0, Some(BotReason::NamesItself), view());
    let Totals { all, human, .. } = totals(&[person, bot]);
    assert_eq!((all.visitors, all.visits, all.pageviews), (2, 2, 2));
    assert_eq!((human.visitors, human.visits, human.pageviews), (1, 1, 1));
}
