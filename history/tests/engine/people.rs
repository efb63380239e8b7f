//! People, their lists and trails, against a recount over the visits.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use history::EnrichedKind;
use history::fold::Fold;
use history::query::{BadQuery, Bots};
use history::report::people::{
    Asked, PEOPLE_MAX, PROPERTIES_MAX, People, SEARCH_BYTES_MAX, Summary, TRAIL_HITS_MAX, TRAIL_VISITS_MAX,
    Theirs, TrailVisit, Whose, people, profile, visits_of,
};
use history::report::{Control, Library, PROPERTIES_TOLD_MAX, Part, ReportError};
use history::table::{Kind, VisitText};
use history::zone::Zone;
use model::{HitId, Millis, VisitorId};

use crate::seeds;
use crate::shelf::Shelf;
use crate::slow::{Mark, Recount, Visit, is_view, wanted};
use crate::world::{IDENTITIES, World, pageview};

/// Every identity with the visits that belong to it.
fn slow(recount: &Recount, bots: Bots) -> BTreeMap<String, Vec<&Visit>> {
    let mut people: BTreeMap<String, Vec<&Visit>> = BTreeMap::new();
    for visit in recount.visits.iter().filter(|visit| wanted(bots, visit.bot)) {
        let theirs = |other: &&Visit| (other.visitor, other.bot) == (visit.visitor, visit.bot);
        let others: Vec<&Visit> = recount.visits.iter().filter(theirs).collect();
        let mut whom: BTreeSet<String> = named(visit).into_iter().collect();
        if whom.is_empty() {
            let before =
                others.iter().filter(|other| other.first < visit.first).flat_map(|other| named(other));
            let after =
                others.iter().filter(|other| other.first > visit.first).flat_map(|other| named(other));
            whom.extend(before.last().or(after.into_iter().next()));
        }
        whom.into_iter().for_each(|identity| people.entry(identity).or_default().push(visit));
    }
    people
}

fn named(visit: &Visit) -> Vec<String> {
    let identity = |mark: &Mark| match &mark.hit.kind {
        EnrichedKind::Identify { identity, .. } => Some(identity.to_string()),
        _ => None,
    };
    visit.marks.iter().filter_map(identity).collect()
}

fn properties(recount: &Recount, bots: Bots, identity: &str) -> BTreeMap<String, String> {
    let visits = recount.visits.iter().filter(|visit| wanted(bots, visit.bot));
    let mut said: Vec<_> = visits.flat_map(|visit| &visit.marks).map(|mark| &mark.hit).collect();
    said.sort_by_key(|hit| hit.at);
    let mut latest = BTreeMap::new();
    for hit in said {
        if let EnrichedKind::Identify { identity: said, props } = &hit.kind
            && **said == *identity
        {
            latest.extend(props.iter().map(|(key, value)| (key.to_string(), value.to_string())));
        }
    }
    latest
}

fn assert_summary(summary: &Summary, visits: &[&Visit], about: &str) {
    let first = visits.iter().min_by_key(|visit| visit.first).unwrap();
    let latest = visits.iter().map(|visit| visit.last).max().unwrap();
    assert_eq!((summary.first, summary.last), (first.first, latest), "{about}");
    assert_eq!(&**summary.origin.text(VisitText::Country), first.origin.place.country, "{about}");
    assert_eq!(summary.origin.text(VisitText::Source), &first.origin.source.name, "{about}");
    let marks: Vec<&Mark> = visits.iter().flat_map(|visit| &visit.marks).collect();
    let views = marks.iter().filter(|mark| is_view(&mark.hit)).count();
    let events = marks.iter().filter(|mark| matches!(mark.hit.kind, EnrichedKind::Event { .. })).count();
    let engaged: u64 = marks.iter().map(|mark| mark.engaged_ms).sum();
    let sums = (summary.visits, summary.pageviews, summary.events, summary.engaged_ms);
    assert_eq!(sums, (visits.len() as u64, views as u64, events as u64, engaged), "{about}");
}

fn assert_trail(trail: &[TrailVisit], visits: &[&Visit], about: &str) {
    let mut visits = visits.to_vec();
    visits.sort_by_key(|visit| std::cmp::Reverse(visit.first));
    assert_eq!(trail.len(), visits.len(), "{about}");
    for (told, visit) in trail.iter().zip(visits) {
        assert_eq!((told.visitor, told.is_bot), (visit.visitor, visit.bot), "{about}");
        assert_eq!((told.first, told.last, told.hits_left), (visit.first, visit.last, 0), "{about}");
        assert_eq!(told.texts.text(VisitText::Language), &visit.origin.language, "{about}");
        let marks: Vec<&Mark> = visit.marks.iter().filter(|mark| mark.hit.kind.counts_once()).collect();
        assert_eq!(told.hits.len(), marks.len(), "{about}");
        for (hit, mark) in told.hits.iter().zip(marks) {
            let page = &mark.hit.page;
            assert_eq!((hit.at, &hit.path, &hit.query), (mark.hit.at.0, &page.path, &page.query), "{about}");
            assert_eq!((u64::from(hit.engaged_ms), hit.scroll), (mark.engaged_ms, mark.scroll), "{about}");
            let (kind, name) = match &mark.hit.kind {
                EnrichedKind::Pageview { .. } => (Kind::Pageview, ""),
                EnrichedKind::Event { name, .. } => (Kind::Event, &**name),
                EnrichedKind::Identify { identity, .. } => (Kind::Identify, &**identity),
                _ => unreachable!("it counts once"),
            };
            assert_eq!((hit.kind, &*hit.name), (kind, name), "{about}");
        }
    }
}

const ALL: People = People { search: String::new(), bots: Bots::Without, offset: 0, limit: 100 };

#[test]
fn everybody_has_the_visits_that_a_recount_gives_them() {
    for seed in seeds() {
        let mut rng = fastrand::Rng::with_seed(seed);
        let world = World::random(&mut rng);
        let shelf = Shelf::folded_in_parts(&world, &mut rng);
        let recount = Recount::new(&world);
        for bots in [Bots::Without, Bots::With, Bots::Only] {
            let slow = slow(&recount, bots);
            let mut order: Vec<(i64, &String)> = slow
                .iter()
                .map(|(name, visits)| (-visits.iter().map(|visit| visit.last).max().unwrap(), name))
                .collect();
            order.sort();
            for parts in [&shelf.parts, &shelf.overlaid] {
                let about = format!("seed {seed}, {bots:?}");
                let found = people(parts, &People { bots, ..ALL }, &Control::plain()).unwrap();
                assert_eq!(found.count, slow.len(), "{about}");
                let names: Vec<&str> = found.people.iter().map(|person| &*person.identity).collect();
                assert_eq!(names, order.iter().map(|(_, name)| name.as_str()).collect::<Vec<_>>(), "{about}");
                for person in &found.people {
                    let about = format!("{about}, {}", person.identity);
                    let visits = &slow[&*person.identity];
                    assert_summary(&person.summary, visits, &about);
                    let known = properties(&recount, bots, &person.identity);
                    assert_eq!(person.properties.0, known, "{about}");
                    let whose = Whose::Person(person.identity.to_string());
                    let asked = Asked { whose, bots, offset: 0, limit: TRAIL_VISITS_MAX };
                    let told = profile(parts, &asked, &Control::plain()).unwrap().unwrap();
                    assert_eq!((&told.summary, &told.properties), (&person.summary, &person.properties));
                    assert_trail(&told.visits, visits, &about);
                    let visitors: BTreeSet<VisitorId> = visits.iter().map(|visit| visit.visitor).collect();
                    assert_eq!(told.visitors, visitors.into_iter().collect::<Vec<_>>(), "{about}");
                    let second = profile(parts, &Asked { offset: 1, limit: 1, ..asked }, &Control::plain());
                    let second = second.unwrap().unwrap().visits;
                    assert_eq!(second, told.visits.iter().skip(1).take(1).cloned().collect::<Vec<_>>());
                }
            }
        }
    }
}

#[test]
fn a_visitor_has_all_their_visits_and_a_person_is_erased_by_theirs() {
    for seed in seeds() {
        let mut rng = fastrand::Rng::with_seed(seed);
        let world = World::random(&mut rng);
        let shelf = Shelf::folded_in_parts(&world, &mut rng);
        let recount = Recount::new(&world);
        let visitor = world.hits[rng.usize(..world.hits.len())].visitor;
        let visits: Vec<&Visit> = recount.visits.iter().filter(|visit| visit.visitor == visitor).collect();
        let slow = slow(&recount, Bots::With);
        let known = slow.iter().filter(|(_, of)| of.iter().any(|visit| visit.visitor == visitor));
        let known: Vec<&str> = known.map(|(identity, _)| identity.as_str()).collect();
        for parts in [&shelf.parts, &shelf.overlaid] {
            let about = format!("seed {seed}");
            let asked = Asked { whose: Whose::Visitor(visitor), bots: Bots::With, offset: 0, limit: 100 };
            let told = profile(parts, &asked, &Control::plain()).unwrap().unwrap();
            assert_summary(&told.summary, &visits, &about);
            assert_trail(&told.visits, &visits, &about);
            assert_eq!(told.identities.iter().map(|name| &**name).collect::<Vec<_>>(), known, "{about}");
            for identity in IDENTITIES {
                let mut found = visits_of(parts, identity, &Control::plain()).unwrap();
                found.sort_unstable();
                let theirs = slow.get(identity).into_iter().flatten().map(|visit| Theirs {
                    visitor: visit.visitor,
                    first: visit.first,
                    last: visit.last,
                    names: named(visit).iter().any(|name| name == identity),
                });
                let mut theirs: Vec<Theirs> = theirs.collect();
                theirs.sort_unstable();
                assert_eq!(found, theirs, "{about}, {identity}");
            }
        }
    }
}

#[test]
fn a_search_finds_by_identity_and_by_property_and_pages_hold_together() {
    for seed in seeds() {
        let mut rng = fastrand::Rng::with_seed(seed);
        let world = World::random(&mut rng);
        let shelf = Shelf::folded_in_parts(&world, &mut rng);
        let ask = |search: &str, offset, limit| {
            let search = search.to_owned();
            people(&shelf.parts, &People { search, offset, limit, ..ALL }, &Control::plain()).unwrap()
        };
        let all = ask("", 0, 100);
        for search in ["ADA", "grace", "plan:small", "KÖLN", "plan", "nobody"] {
            let sought = search.to_lowercase();
            let has = |text: &str| text.to_lowercase().contains(&sought);
            let named = all.people.iter().filter(|person| {
                let said = person.properties.0.iter().any(|(key, value)| has(&format!("{key}:{value}")));
                said || has(&person.identity)
            });
            let named: Vec<_> = named.cloned().collect();
            let found = ask(search, 0, 100);
            assert_eq!((found.count, &found.people), (named.len(), &named), "seed {seed}: {search}");
        }
        let paged: Vec<_> = (0..=all.count).flat_map(|page| ask("", page, 1).people).collect();
        assert_eq!(paged, all.people, "seed {seed}");
    }
}

/// A shelf of these hits, folded at once.
fn parts(hits: Vec<history::EnrichedHit>) -> Vec<Arc<Part>> {
    let mut fold = Fold::new(Zone::utc());
    fold.add_hits(&hits);
    let library = Library::new(usize::MAX);
    fold.finish().into_iter().map(|folded| Arc::new(library.hold(&folded.day, folded.table))).collect()
}

fn hit(id: u128, visitor: u64, minute: i64, kind: EnrichedKind) -> history::EnrichedHit {
    let at = Millis(1_772_620_200_000 + minute * 60_000);
    history::EnrichedHit {
        id: HitId(id),
        visitor: VisitorId(visitor),
        at,
        received: at,
        kind,
        ..pageview("/")
    }
}

fn view(id: u128, visitor: u64, minute: i64) -> history::EnrichedHit {
    hit(id, visitor, minute, EnrichedKind::Pageview { title: "".into(), due_ms: None })
}

fn named_as(id: u128, visitor: u64, minute: i64, identity: &str, props: usize) -> history::EnrichedHit {
    let props = (0..props).map(|key| (format!("key-{id}-{key:03}").into(), "x".into())).collect();
    hit(id, visitor, minute, EnrichedKind::Identify { identity: identity.into(), props })
}

#[test]
fn a_browser_that_two_share_has_visits_of_each() {
    let parts = parts(vec![
        view(1, 1, 0),
        named_as(2, 1, 60, "ada", 0),
        view(3, 1, 120),
        named_as(4, 1, 180, "bob", 0),
        view(5, 1, 240),
        named_as(6, 2, 300, "ada", 0),
        view(7, 3, 360),
    ]);
    let visits = |identity: &str| {
        let mut visits = visits_of(&parts, identity, &Control::plain()).unwrap();
        visits.sort_unstable();
        let minute = |theirs: Theirs| (theirs.visitor.0, (theirs.first - 1_772_620_200_000) / 60_000);
        visits.into_iter().map(minute).collect::<Vec<_>>()
    };
    assert_eq!(visits("ada"), [(1, 0), (1, 60), (1, 120), (2, 300)]);
    assert_eq!(visits("bob"), [(1, 180), (1, 240)]);
    assert_eq!(visits("eve"), []);
}

#[test]
fn the_properties_of_events_are_named_with_how_many_have_them() {
    for seed in seeds() {
        let mut rng = fastrand::Rng::with_seed(seed);
        let world = World::random(&mut rng);
        let shelf = Shelf::folded_in_parts(&world, &mut rng);
        let recount = Recount::new(&world);
        let (a, b) = (rng.i64(world.from..world.to), rng.i64(world.from..world.to));
        let range = (a.min(b), a.max(b));
        for bots in [Bots::Without, Bots::With, Bots::Only] {
            let mut named: BTreeMap<String, u64> = BTreeMap::new();
            for visit in recount.visits.iter().filter(|visit| wanted(bots, visit.bot)) {
                for mark in &visit.marks {
                    let EnrichedKind::Event { props, .. } = &mark.hit.kind else { continue };
                    if (range.0..range.1).contains(&mark.hit.at.0) {
                        props.iter().for_each(|(name, _)| *named.entry(name.to_string()).or_default() += 1);
                    }
                }
            }
            let mut named: Vec<(String, u64)> = named.into_iter().collect();
            named.sort_by_key(|(name, count)| (std::cmp::Reverse(*count), name.clone()));
            for parts in [&shelf.parts, &shelf.overlaid] {
                assert_eq!(
                    history::report::properties(parts, range, bots, &Control::plain()).unwrap(),
                    named,
                    "seed {seed}"
                );
            }
        }
    }
    let event = |id: u128, from: usize| {
        let props = (from..from + 20).map(|key| (format!("key-{key:03}").into(), "x".into())).collect();
        hit(id, 1, 0, EnrichedKind::Event { name: "e".into(), props, pageview: None })
    };
    let full: Vec<_> = (0..10).map(|id| event(id, id as usize * 20)).collect();
    let told = |hits| {
        history::report::properties(&parts(hits), (0, i64::MAX), Bots::Without, &Control::plain()).unwrap()
    };
    assert_eq!(told(full.clone()).len(), PROPERTIES_TOLD_MAX);
    let past = told([full, vec![event(11, 190)]].concat());
    assert_eq!((past.len(), &past[0]), (PROPERTIES_TOLD_MAX, &("key-190".to_owned(), 2)));
}

#[test]
fn every_maximum_holds_and_says_itself() {
    let mut hits: Vec<_> = (0..TRAIL_HITS_MAX as u128).map(|id| view(id + 10, 1, 0)).collect();
    hits.extend((0..5).map(|said| named_as(said + 1, 1, said as i64, "ada", 20)));
    let full = parts(hits.clone());
    let asked = Asked { whose: Whose::Person("ada".into()), bots: Bots::Without, offset: 0, limit: 1 };
    let told = profile(&full, &asked, &Control::plain()).unwrap().unwrap();
    assert_eq!((told.visits[0].hits.len(), told.visits[0].hits_left), (TRAIL_HITS_MAX, 5));
    assert_eq!(told.properties.0.len(), PROPERTIES_MAX);
    hits.push(named_as(6, 1, 6, "ada", 1));
    let past = profile(&parts(hits), &asked, &Control::plain()).unwrap().unwrap();
    assert_eq!(past.properties.0.len(), PROPERTIES_MAX);
    assert!(past.properties.0.contains_key("key-6-000"), "what was said last stays");

    let refused = |result: Result<(), ReportError>| match result {
        Err(ReportError::Query(BadQuery::Limit { what, max })) => (what, max),
        other => panic!("{other:?}"),
    };
    let list = |limit, offset, search: usize| {
        let asked = People { limit, offset, search: "x".repeat(search), bots: Bots::Without };
        people(&full, &asked, &Control::plain()).map(drop)
    };
    list(PEOPLE_MAX, 4_000_000, SEARCH_BYTES_MAX).unwrap();
    assert_eq!(refused(list(PEOPLE_MAX + 1, 0, 0)).1, PEOPLE_MAX);
    assert_eq!(refused(list(1, 4_000_001, 0)).1, 4_000_000);
    assert_eq!(refused(list(1, 0, SEARCH_BYTES_MAX + 1)).1, SEARCH_BYTES_MAX);
    let trail = |limit| {
        let asked = Asked { limit, ..asked.clone() };
        profile(&full, &asked, &Control::plain()).map(drop)
    };
    trail(TRAIL_VISITS_MAX).unwrap();
    assert_eq!(refused(trail(TRAIL_VISITS_MAX + 1)).1, TRAIL_VISITS_MAX);
    let tight = Control { memory_max: 100, ..Control::plain() };
    assert!(matches!(people(&full, &ALL, &tight), Err(ReportError::Memory { .. })));
}
