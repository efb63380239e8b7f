//! An archive over a real store, against the same hits folded all at once, while folds, redeliveries and rivals come in between.

#[allow(dead_code)] // It is the engine's test that uses all of it.
#[path = "../../history/tests/engine/world.rs"]
mod world;

use std::sync::Arc;
use std::time::Duration;

use archive::{Archive, ArchiveError, Corrected, CorrectionState, Erased, Limits, Stores, Whom, fold};
use fastrand::Rng;
use history::amend::{Correction, Verdict};
use history::fold::Fold;
use history::query::{Bots, Filter, Metric, Query, Sort, Unit};
use history::report::judged::judged;
use history::report::people::{self, Asked, Found, People, Whose, profile};
use history::report::{self, Answer, Control, Library, Sums};
use history::segment::Reader;
use history::zone::Zone;
use history::{EnrichedHit, tail};
use model::{AccountId, BatchId, HitId, Millis, SavedId, Site, SiteId};
use store::accounts::{NewAccount, SecretHash};
use store::history::TailBatch;
use store::saved::SavedItem;
use store::{Embedded, Store, StoreError};
use world::World;

const LATER: Millis = Millis(i64::MAX / 4);

fn everything() -> Query {
    Query {
        metrics: vec![
            Metric::Visitors,
            Metric::Visits,
            Metric::Pageviews,
            Metric::Events,
            Metric::BounceRate,
            Metric::VisitDuration,
            Metric::EngagedTime,
            Metric::ScrollDepth,
            Metric::Revenue,
        ],
        bucket: Some(Unit::Month),
        ..Query::totals(0, 4_102_444_800_000)
    }
}

struct Ground {
    _folder: tempfile::TempDir,
    store: Store,
    site: Site,
    archive: Arc<Archive>,
}

impl Ground {
    fn new(time_zone: &str) -> Ground {
        let folder = tempfile::tempdir().unwrap();
        let store = Embedded::open(folder.path()).unwrap();
        let site = Site { time_zone: time_zone.into(), ..Site::new(SiteId::of(7), "a", &["*"], Millis(0)) };
        let archive = Archive::new(&store, Limits::default());
        Ground { _folder: folder, store, site, archive }
    }

    async fn append(&self, rng: &mut Rng, hits: &[EnrichedHit]) {
        let received = hits.iter().map(|hit| hit.received).max().unwrap_or(Millis(0));
        let body = tail::encode(0, hits).into();
        let batch = TailBatch {
            id: BatchId(rng.u128(..)),
            site: self.site.id,
            received,
            hits: hits.len() as u32,
            body,
        };
        // A message that comes again changes nothing.
        self.store.history.append(vec![batch.clone()]).await.unwrap();
        self.store.history.append(vec![batch]).await.unwrap();
    }

    async fn fold(&self) -> archive::Done {
        fold(&self.stores(), &self.site, LATER, Duration::ZERO).await.unwrap()
    }

    async fn all(&self) -> Answer {
        self.archive.answer(&self.site, everything()).await.unwrap()
    }

    /// The same hits, each folded once and all at once, in memory.
    fn judge(&self, seen: &[EnrichedHit]) -> Sums {
        let zone = Zone::named(&self.site.time_zone).unwrap();
        let mut fold = Fold::new(zone.clone());
        fold.add_hits(seen);
        let library = Library::new(usize::MAX);
        let part = |folded: history::fold::Folded| Arc::new(library.hold(&folded.day, folded.table));
        let parts: Vec<_> = fold.finish().into_iter().map(part).collect();
        report::answer(&parts, &zone, &everything(), &Control::plain()).unwrap().total
    }

    /// Somebody asks, and is gone before the answer: at one of the points where a report waits.
    async fn give_up(&self, rng: &mut Rng) {
        let mut asking = std::pin::pin!(self.archive.answer(&self.site, everything()));
        let mut patience = rng.u8(1..12);
        std::future::poll_fn(|context| {
            patience -= 1;
            if patience == 0 { std::task::Poll::Ready(()) } else { asking.as_mut().poll(context).map(drop) }
        })
        .await;
    }

    async fn check(&self, seen: &[EnrichedHit], what: &str) {
        assert_eq!(self.all().await.total, self.judge(seen), "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_was_folded_when_every_number_is_the_same() {
    let first: u64 =
        std::env::var("SEED").ok().map_or_else(|| fastrand::u64(..), |seed| seed.parse().unwrap());
    for seed in first..first + 12 {
        let mut rng = Rng::with_seed(seed);
        let world = World::random(&mut rng);
        let zone = world.zone.time_zone().iana_name().unwrap_or("UTC").to_owned();
        let ground = Ground::new(&zone);
        let mut hits = world.hits.clone();
        let again: Vec<EnrichedHit> = hits.iter().filter(|_| rng.u8(..6) == 0).cloned().collect();
        hits.extend(again);
        rng.shuffle(&mut hits);
        let mut seen = Vec::new();
        for hits in hits.chunks(rng.usize(1..=40)) {
            ground.append(&mut rng, hits).await;
            seen.extend_from_slice(hits);
            match rng.u8(..6) {
                0 => drop(ground.fold().await),
                1 => {
                    // Two at once: one of them changes nothing.
                    let (one, other) = tokio::join!(ground.fold(), ground.fold());
                    assert!(!(one.is_superseded && other.is_superseded), "seed {seed}");
                }
                2 => ground.check(&seen, &format!("seed {seed}")).await,
                3 => ground.give_up(&mut rng).await,
                _ => {}
            }
        }
        ground.check(&seen, &format!("seed {seed}, before the last fold")).await;
        ground.fold().await;
        ground.check(&seen, &format!("seed {seed}, at the end")).await;
        let left = ground.store.history.tail_of(ground.site.id, None, 10).await.unwrap();
        assert!(left.batches.is_empty(), "seed {seed}: the tail holds what was folded");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_gives_up_takes_nothing_along() {
    let mut rng = Rng::with_seed(3);
    let ground = Ground::new("UTC");
    let mut seen = Vec::new();
    for number in 0..150 {
        let hits = [EnrichedHit { id: HitId(number), ..world::pageview(&format!("/{number}")) }];
        ground.append(&mut rng, &hits).await;
        seen.extend(hits);
        ground.give_up(&mut rng).await;
        ground.check(&seen, &format!("after hit {number}")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fold_of_nothing_changes_nothing() {
    let ground = Ground::new("UTC");
    assert_eq!(
        ground.all().await,
        Answer {
            buckets: ground.all().await.buckets,
            series: ground.all().await.series,
            ..Answer::default()
        }
    );
    let done = ground.fold().await;
    assert_eq!((done.hits, done.segments, done.is_more), (0, 0, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_cannot_be_read_stays_in_the_tail() {
    let ground = Ground::new("UTC");
    let mut rng = Rng::with_seed(1);
    let strange = TailBatch {
        id: BatchId(1),
        site: ground.site.id,
        received: Millis(1),
        hits: 1,
        body: vec![99, 0, 0].into(),
    };
    ground.store.history.append(vec![strange]).await.unwrap();
    ground.append(&mut rng, &[world::pageview("/")]).await;
    let refused = fold(&ground.stores(), &ground.site, LATER, Duration::ZERO).await.unwrap_err();
    assert!(matches!(refused, ArchiveError::Tail(_)), "{refused}");
    assert_eq!(ground.store.history.tail_of(ground.site.id, None, 10).await.unwrap().batches.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_ends_at_its_limits() {
    let ground = Ground::new("UTC");
    let mut rng = Rng::with_seed(2);
    ground.append(&mut rng, &[world::pageview("/")]).await;
    let ask = async |limits: Limits| {
        let archive = Archive::new(&ground.store, limits);
        archive.answer(&ground.site, Query::totals(0, 4_102_444_800_000)).await
    };
    let none = Limits { report_time: Duration::ZERO, ..Limits::default() };
    assert!(matches!(ask(none).await, Err(ArchiveError::TooLong { .. })));
    let full = Limits { waiting: 0, ..Limits::default() };
    assert!(matches!(ask(full).await, Err(ArchiveError::Busy { waiting: 0 })));
    assert_eq!(ask(Limits { waiting: 1, ..Limits::default() }).await.unwrap().total.pageviews, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn days_that_a_site_no_longer_keeps_are_gone_and_late_hits_of_them_do_not_come_back() {
    const DAY: i64 = 86_400_000;
    let mut ground = Ground::new("UTC");
    let mut rng = Rng::with_seed(3);
    let on_day = |day: i64| {
        let mut hit = world::pageview("/");
        (hit.at, hit.received) = (Millis(day * DAY + 5), Millis(day * DAY + 5));
        hit.id = model::HitId(day as u128);
        hit
    };
    ground.append(&mut rng, &[on_day(100), on_day(101), on_day(102)]).await;
    let now = Millis(130 * DAY);
    let fold_now = async |ground: &Ground| {
        fold(&ground.stores(), &ground.site, now, Duration::ZERO).await.unwrap();
    };
    fold_now(&ground).await;
    assert_eq!(ground.all().await.total.pageviews, 3);
    ground.site.keep_days = Some(29);
    assert!(archive::is_overdue(&ground.store.history, &ground.site, now).await.unwrap());
    fold_now(&ground).await;
    assert_eq!(ground.all().await.total.pageviews, 2, "the days 101 and 102 are kept");
    assert!(!archive::is_overdue(&ground.store.history, &ground.site, now).await.unwrap());
    let mut late = on_day(99);
    late.id = model::HitId(1);
    ground.append(&mut rng, &[late]).await;
    fold_now(&ground).await;
    assert_eq!(ground.all().await.total.pageviews, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_visitor_is_in_no_segment_and_no_batch_and_the_others_are_as_they_were() {
    let mut rng = Rng::with_seed(11);
    let world = World::random(&mut rng);
    let ground = Ground::new(world.zone.time_zone().iana_name().unwrap_or("UTC"));
    let (first, rest) = world.hits.split_at(world.hits.len() / 2);
    ground.append(&mut rng, first).await;
    ground.fold().await;
    ground.append(&mut rng, rest).await;
    let visitor = world.hits[0].visitor;
    let others: Vec<EnrichedHit> = world.hits.iter().filter(|hit| hit.visitor != visitor).cloned().collect();
    let history = &ground.store.history;
    let erased =
        archive::erase(&ground.stores(), &ground.site, &Whom::Visitor(visitor), LATER).await.unwrap();
    assert!(erased.visits > 0 && erased.hits > 0, "{erased:?}");
    ground.check(&others, "after the visitor went").await;
    assert!(history.tail_of(ground.site.id, None, 1).await.unwrap().batches.is_empty());
    for entry in history.shelf(ground.site.id).await.unwrap().segments {
        let length = entry.bytes as usize;
        let body = history.read_segment(ground.site.id, entry.id, 0, length).await.unwrap();
        let table = Reader::open(Arc::new(body)).unwrap().table().unwrap();
        assert!(table.visits.iter().all(|visit| visit.visitor != visitor));
    }
    let again = archive::erase(&ground.stores(), &ground.site, &Whom::Visitor(visitor), LATER).await.unwrap();
    assert_eq!(again, Erased::default(), "there is nothing left to erase");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_person_is_gone_with_every_visit_that_belonged_to_them_and_nobody_else_is() {
    for seed in 1..=8 {
        let mut rng = Rng::with_seed(seed);
        let mut world = World::random(&mut rng);
        world.hits.iter_mut().for_each(|hit| hit.bot = None);
        let ground = Ground::new(world.zone.time_zone().iana_name().unwrap_or("UTC"));
        let (first, rest) = world.hits.split_at(world.hits.len() / 2);
        ground.append(&mut rng, first).await;
        ground.fold().await;
        ground.append(&mut rng, rest).await;
        let history = &ground.store.history;
        for identity in world::IDENTITIES {
            let before = ground.people().await;
            let whom = Whom::Person(identity.to_owned());
            let erased = archive::erase(&ground.stores(), &ground.site, &whom, LATER).await.unwrap();
            let theirs = before.people.iter().find(|person| *person.identity == *identity);
            let visits = theirs.map_or(0, |person| person.summary.visits as usize);
            assert_eq!((erased.visits, erased.hits > 0), (visits, visits > 0), "seed {seed}: {identity}");
            assert!(ground.people().await.people.iter().all(|person| *person.identity != *identity));
            assert_eq!(ground.profile(identity).await, None, "seed {seed}");
            let again = archive::erase(&ground.stores(), &ground.site, &whom, LATER).await.unwrap();
            assert_eq!(again, Erased::default(), "seed {seed}: there is nothing left to erase");
            let is_elsewhere = world::EVENTS.contains(&identity);
            for entry in history.shelf(ground.site.id).await.unwrap().segments {
                let length = entry.bytes as usize;
                let body = history.read_segment(ground.site.id, entry.id, 0, length).await.unwrap();
                let table = Reader::open(Arc::new(body)).unwrap().table().unwrap();
                let is_named = table.words.texts().iter().any(|text| **text == *identity);
                assert!(is_elsewhere || !is_named, "seed {seed}: {identity}");
            }
        }
        // Who was never named is as before.
        let named: Vec<_> = world.hits.iter().filter(|hit| hit.kind.name() == "identify").collect();
        let is_other = |hit: &&EnrichedHit| named.iter().all(|named| named.visitor != hit.visitor);
        let others: Vec<EnrichedHit> = world.hits.iter().filter(is_other).cloned().collect();
        ground.check(&others, "after everybody named went").await;
    }
}

impl Ground {
    fn stores(&self) -> Stores {
        Stores::from(&self.store)
    }

    async fn people(&self) -> Found {
        let asked = People { search: String::new(), bots: Bots::With, offset: 0, limit: 100 };
        let ask = move |on: &archive::Asked<'_>| people::people(on.parts, &asked, on.control);
        self.archive.ask(&self.site, (i64::MIN, i64::MAX), ask).await.unwrap()
    }

    async fn profile(&self, identity: &str) -> Option<people::Profile> {
        let asked =
            Asked { whose: Whose::Person(identity.to_owned()), bots: Bots::With, offset: 0, limit: 9 };
        let ask = move |on: &archive::Asked<'_>| profile(on.parts, &asked, on.control);
        self.archive.ask(&self.site, (i64::MIN, i64::MAX), ask).await.unwrap()
    }
}

/// A few reports of all numbers: of humans, of bots and of all.
fn reports() -> Vec<Query> {
    let mut queries = Vec::new();
    for bots in [Bots::Without, Bots::Only, Bots::With] {
        for by in
            [&[][..], &["page"], &["source", "country"], &["new-or-returning"], &["bot"], &["exit-page"]]
        {
            let by = by.iter().map(|by| by.parse().unwrap()).collect();
            let sort = Sort { by: Metric::Pageviews, ascending: false };
            queries.push(Query { bots, by, sort, limit: 1_000, ..everything() });
        }
    }
    queries
}

impl Ground {
    async fn numbers(&self) -> Vec<Answer> {
        let mut answers = Vec::new();
        for query in reports() {
            answers.push(self.archive.answer(&self.site, query).await.unwrap());
        }
        answers
    }

    /// The same of these hits, folded all at once, by these corrections.
    fn expected(&self, seen: &[EnrichedHit], corrections: &[Correction]) -> Vec<Answer> {
        let zone = Zone::named(&self.site.time_zone).unwrap();
        let mut fold = Fold::new(zone.clone());
        fold.add_hits(seen);
        let library = Library::new(usize::MAX);
        let part = |folded: history::fold::Folded| {
            let table = judged(&folded.day, folded.table, corrections, &zone).unwrap();
            Arc::new(library.hold(&folded.day, table))
        };
        let parts: Vec<_> = fold.finish().into_iter().map(part).collect();
        let answer = |query: &Query| report::answer(&parts, &zone, query, &Control::plain()).unwrap();
        reports().iter().map(answer).collect()
    }

    async fn correct(&self, number: u64, correction: Correction) -> archive::Result<Corrected> {
        let about = (SavedId::of(number), format!("correction {number}"), "Olive".to_owned());
        archive::correct(&self.stores(), &self.site, about, correction, Millis(number as i64)).await
    }

    /// What is saved of a site needs the site.
    async fn found(&self) {
        let (secret, owner) = (SecretHash::of("set-up"), AccountId::of(1));
        let email = "ada@a.example".into();
        let account = NewAccount { id: owner, name: "Ada".into(), email, password_phc: "x".into() };
        self.store.accounts.offer_set_up(secret).await.unwrap();
        self.store.accounts.set_up(secret, account, Millis(0)).await.unwrap();
        self.store.sites.add(self.site.clone(), owner).await.unwrap();
    }
}

fn random_correction(rng: &mut Rng) -> Correction {
    let filters = [
        ("page", "/a"),
        ("page", "/"),
        ("source", "Google"),
        ("source", "direct"),
        ("country", "FR"),
        ("event", "buy"),
        ("bot", "names-itself"),
        ("bot", ""),
    ];
    let (by, value) = filters[rng.usize(..filters.len())];
    let filter = Filter::Is { by: by.parse().unwrap(), values: vec![value.to_owned()] };
    let verdict = if rng.bool() { Verdict::Bot } else { Verdict::Human };
    Correction { from: 0, to: 4_102_444_800_000, filter, verdict }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correction_taken_back_leaves_every_number_as_it_was_whatever_was_folded_meanwhile() {
    for seed in 1..=6 {
        let mut rng = Rng::with_seed(seed);
        let world = World::random(&mut rng);
        let ground = Ground::new(world.zone.time_zone().iana_name().unwrap_or("UTC"));
        ground.found().await;
        let third = world.hits.len() / 3;
        let (first, rest) = world.hits.split_at(third);
        let (second, last) = rest.split_at(third);
        ground.append(&mut rng, first).await;
        ground.fold().await;
        ground.append(&mut rng, second).await;
        assert_eq!(ground.numbers().await, ground.expected(&world.hits[..third * 2], &[]), "seed {seed}");

        let mut in_force = Vec::new();
        for number in 1..=3 {
            let correction = random_correction(&mut rng);
            let made = ground.correct(number, correction.clone()).await.unwrap();
            assert_eq!((made.state, &*made.by), (CorrectionState::InForce, "Olive"));
            in_force.push((SavedId::of(number), correction));
            let list: Vec<Correction> = in_force.iter().map(|(_, one)| one.clone()).collect();
            let seen = &world.hits[..third * 2];
            assert_eq!(ground.numbers().await, ground.expected(seen, &list), "seed {seed}: {list:?}");
        }
        let list = |in_force: &[(SavedId, Correction)]| -> Vec<Correction> {
            in_force.iter().map(|(_, one)| one.clone()).collect()
        };
        // In the tail, and then folded: what comes later follows too.
        ground.append(&mut rng, last).await;
        assert_eq!(ground.numbers().await, ground.expected(&world.hits, &list(&in_force)), "seed {seed}");
        ground.fold().await;
        assert_eq!(ground.numbers().await, ground.expected(&world.hits, &list(&in_force)), "seed {seed}");
        while !in_force.is_empty() {
            let (id, _) = in_force.remove(rng.usize(..in_force.len()));
            archive::take_back(&ground.stores(), &ground.site, id).await.unwrap();
            assert_eq!(ground.numbers().await, ground.expected(&world.hits, &list(&in_force)), "seed {seed}");
        }
        assert_eq!(archive::corrections(&ground.stores(), ground.site.id).await.unwrap(), []);
        assert_eq!(ground.numbers().await, ground.expected(&world.hits, &[]), "seed {seed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correction_that_was_cut_off_is_gone_on_with() {
    let mut rng = Rng::with_seed(3);
    let world = World::random(&mut rng);
    let ground = Ground::new("UTC");
    ground.found().await;
    ground.append(&mut rng, &world.hits).await;
    ground.fold().await;
    let filter = Filter::Is { by: "page".parse().unwrap(), values: vec!["/".into()] };
    let correction = Correction { from: 0, to: i64::MAX, filter, verdict: Verdict::Bot };
    ground.correct(1, correction.clone()).await.unwrap();
    let with = ground.expected(&world.hits, std::slice::from_ref(&correction));
    let without = ground.expected(&world.hits, &[]);
    assert_ne!(with, without);

    // As if it had been killed right after it said what it is about to do.
    let (saved, stores) = (&ground.store.saved, ground.stores());
    let [item] = &saved.all(ground.site.id).await.unwrap()[..] else { panic!("one is saved") };
    let said = |state: &str| SavedItem { body: item.body.replace("in-force", state), ..item.clone() };
    saved.change(ground.site.id, said("taken-back")).await.unwrap();
    archive::settle(&stores, &ground.site, Millis(2)).await.unwrap();
    assert_eq!((ground.numbers().await, saved.all(ground.site.id).await.unwrap()), (without, vec![]));
    saved.add(ground.site.id, said("begun")).await.unwrap();
    archive::settle(&stores, &ground.site, Millis(2)).await.unwrap();
    let begun = archive::corrections(&stores, ground.site.id).await.unwrap();
    assert_eq!(begun[0].state, CorrectionState::Begun, "whoever made it may still be at it");
    archive::settle(&stores, &ground.site, Millis(600_002)).await.unwrap();
    let done = archive::corrections(&stores, ground.site.id).await.unwrap();
    assert_eq!(done[0].state, CorrectionState::InForce);
    assert_eq!(ground.numbers().await, with);
    let nowhere = archive::take_back(&stores, &ground.site, SavedId::of(9)).await;
    assert!(matches!(nowhere, Err(ArchiveError::Store(StoreError::NotFound(_)))));
    let bad = Correction { filter: Filter::Visitor(Box::new(correction.filter.clone())), ..correction };
    assert!(matches!(ground.correct(2, bad).await, Err(ArchiveError::Report(_))));
}
