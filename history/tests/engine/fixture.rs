//! Segments of every version that was ever written stay readable. Of each a file is kept, with what it answers.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use history::fold::Fold;
use history::query::{Metric, Query};
use history::report::{Control, Library, Part, answer};
use history::segment::{Reader, VERSION, write};
use history::zone::Zone;
use serde_json::json;

use crate::ask;
use crate::world::World;

fn path(version: u32, ending: &str) -> PathBuf {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    fixtures.join(format!("version-{version}.{ending}"))
}

/// Writes a segment as the program of today does, and what it answers: once for each version, under its name.
#[test]
#[ignore = "overwrites the fixture; it must stay as the program of its version wrote it"]
fn write_the_fixture() {
    let days = (1..40).flat_map(|seed| {
        let world = World::random(&mut fastrand::Rng::with_seed(seed));
        let mut fold = Fold::new(world.zone.clone());
        fold.add_hits(&world.hits);
        fold.finish()
    });
    let fullest = days.max_by_key(|folded| folded.table.hits.len()).unwrap();
    let (_, bytes) = write(&fullest.table, &fullest.day).unwrap();
    std::fs::write(path(VERSION, "parquet"), &bytes).unwrap();
    let part = Library::new(usize::MAX).open(Arc::new(Bytes::from(bytes))).unwrap();
    std::fs::write(path(VERSION, "json"), serde_json::to_string_pretty(&numbers(&Arc::new(part))).unwrap())
        .unwrap();
}

/// Its day, its sums, and the visitors and pageviews of each page and each country.
fn numbers(part: &Arc<Part>) -> serde_json::Value {
    let mut query = Query::totals(i64::MIN / 2, i64::MAX / 2);
    query.metrics.extend([Metric::Events, Metric::EngagedTime, Metric::BounceRate, Metric::VisitDuration]);
    query.metrics.extend([Metric::ScrollDepth, Metric::Revenue]);
    let ask =
        |query: &Query| answer(std::slice::from_ref(part), &Zone::utc(), query, &Control::plain()).unwrap();
    let total = ask(&query).total;
    let rows = |by: &str| {
        let query = Query { by: vec![by.parse().unwrap()], ..query.clone() };
        let rows = ask(&query).rows.into_iter();
        rows.map(|row| json!([row.key[0], row.sums.visitors, row.sums.pageviews])).collect::<Vec<_>>()
    };
    let [pages, countries] = ["page", "country"].map(rows);
    json!({
        "day": part.head().day, "visits": part.head().visits, "hits": part.head().hits,
        "visitors": total.visitors, "visits without bots": total.visits, "pageviews": total.pageviews,
        "events": total.events, "bounces": total.bounces, "duration_ms": total.duration_ms,
        "engaged_ms": total.engaged_ms, "scroll": total.scroll, "revenue": total.revenue,
        "pages": pages, "countries": countries,
    })
}

#[test]
fn a_segment_of_each_version_answers_what_it_did() {
    (1..=VERSION).for_each(answers_what_it_did);
}

fn answers_what_it_did(version: u32) {
    let bytes = Bytes::from(std::fs::read(path(version, "parquet")).unwrap());
    let library = Library::new(usize::MAX);
    let part = Arc::new(library.open(Arc::new(bytes.clone())).unwrap());
    assert_eq!(part.head().version, version);
    let kept: serde_json::Value =
        serde_json::from_slice(&std::fs::read(path(version, "json")).unwrap()).unwrap();
    assert_eq!(numbers(&part), kept);

    // And every other number is what the same rows, written by the program of today, answer.
    let reader = Reader::open(Arc::new(bytes)).unwrap();
    let (_, today) = write(&reader.table().unwrap(), &part.head().day()).unwrap();
    let today = Arc::new(library.open(Arc::new(Bytes::from(today))).unwrap());
    let rng = &mut fastrand::Rng::with_seed(1);
    let (zone, hits) = (Zone::named("Europe/Paris").unwrap(), Vec::new());
    let world = World { zone, hits, from: part.head().first, to: part.head().last };
    for _ in 0..200 {
        let query = ask::random(&world, rng);
        let ask = |part: &Arc<Part>| {
            answer(std::slice::from_ref(part), &world.zone, &query, &Control::plain()).unwrap()
        };
        assert_eq!(ask(&part), ask(&today), "{query:?}");
    }
}
