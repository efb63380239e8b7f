//! An archive over a real store, against the same hits folded all at once, while folds, redeliveries and rivals come in between.

#![allow(clippy::unwrap_used)]

mod corrections;
mod people;
#[allow(dead_code)] // It is the engine's test that uses all of it.
#[path = "../../../history/tests/engine/world.rs"]
mod world;

use std::sync::Arc;
use std::time::Duration;

use archive::{Archive, ArchiveError, Erased, Limits, Stores, Whom, fold, fold_in_shares};
use fastrand::Rng;
use history::fold::{Fold, SEGMENT_HITS_MAX};
use history::query::{Metric, Query, Unit};
use history::report::{self, Answer, Control, Library, Sums};
use history::segment::Reader;
use history::zone::Zone;
use history::{EnrichedHit, tail};
use model::{BatchId, HitId, Millis, Site, SiteId};
use store::history::TailBatch;
use store::{Embedded, Store};
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
    /// Hits of a segment.
    hits_max: usize,
}

impl Ground {
    fn new(time_zone: &str) -> Ground {
        let folder = tempfile::tempdir().unwrap();
        let store = Embedded::open(folder.path()).unwrap();
        let site = Site { time_zone: time_zone.into(), ..Site::new(SiteId::of(7), "a", &["*"], Millis(0)) };
        let archive = Archive::new(&store, Limits::default());
        Ground { _folder: folder, store, site, archive, hits_max: SEGMENT_HITS_MAX }
    }

    fn stores(&self) -> Stores {
        Stores::from(&self.store)
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
        fold_in_shares(&self.stores(), &self.site, LATER, Duration::ZERO, self.hits_max).await.unwrap()
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
        let hits_max = [2, 10, SEGMENT_HITS_MAX][rng.usize(..3)];
        let ground = Ground { hits_max, ..Ground::new(&zone) };
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
    let ground = Ground { hits_max: 5, ..Ground::new(world.zone.time_zone().iana_name().unwrap_or("UTC")) };
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
async fn a_late_hit_rewrites_the_one_segment_of_a_busy_day_that_its_visitor_is_in() {
    let mut rng = Rng::with_seed(12);
    let pattern = World::random(&mut rng).hits.into_iter().find(|hit| hit.kind.counts_once()).unwrap();
    let ground = Ground { hits_max: 20, ..Ground::new("UTC") };
    let hit = |id: u128, visitor: u64, at: i64| EnrichedHit {
        id: HitId(id),
        visitor: model::VisitorId(visitor.wrapping_mul(0x9E37_79B9_7F4A_7C15)),
        at: Millis(100 * 86_400_000 + at),
        bot: None,
        ..pattern.clone()
    };
    let mut seen: Vec<EnrichedHit> = (0..120).map(|n| hit(n, n as u64 % 40, n as i64 * 500_000)).collect();
    for hits in seen.chunks(30) {
        ground.append(&mut rng, hits).await;
        ground.fold().await;
    }
    let segments = async || {
        let shelf = ground.store.history.shelf(ground.site.id).await.unwrap();
        let hits = |entry: &store::history::SegmentEntry| {
            let head = history::segment::Head::from_json(std::str::from_utf8(&entry.head).unwrap()).unwrap();
            (entry.id, head.hits)
        };
        shelf.segments.iter().map(hits).collect::<Vec<_>>()
    };
    let before = segments().await;
    assert!(before.len() >= 6 && before.iter().all(|(_, hits)| *hits <= 20), "{before:?}");
    ground.check(&seen, "a day in several segments").await;
    let late = [hit(1_000, 7, 40_000_000), hit(3, 8, 41_000_000)];
    ground.append(&mut rng, &late).await;
    ground.fold().await;
    let after = segments().await;
    let same = after.iter().filter(|segment| before.contains(segment)).count();
    assert_eq!((same, after.len()), (before.len() - 1, before.len()), "one segment is another");
    assert_eq!(
        after.iter().map(|(_, hits)| hits).sum::<u32>(),
        121,
        "an id counts once, whoever it comes from"
    );
    seen.push(late[0].clone());
    ground.check(&seen, "with the late hit").await;
}
