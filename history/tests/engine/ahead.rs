//! A report says what it is going to read of a segment before it reads it.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use fastrand::Rng;
use history::query::{Dimension, Filter, Metric, Query};
use history::report::{Control, Funnel, Library, Part, answer, funnel};
use history::segment::{Blob, write};
use history::table::{HitText, VisitText};
use history::zone::Zone;
use parking_lot::Mutex;

use crate::world::World;

/// A segment that hears what is expected, and what is read.
struct Heard {
    bytes: Bytes,
    expected: Mutex<Vec<Range<u64>>>,
    read: Mutex<Vec<Range<u64>>>,
}

impl Blob for Heard {
    fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read(&self, start: u64, length: usize) -> std::io::Result<Bytes> {
        self.read.lock().push(start..start + length as u64);
        Blob::read(&self.bytes, start, length)
    }

    fn expect(&self, ranges: &[Range<u64>]) {
        self.expected.lock().extend_from_slice(ranges);
    }
}

/// One that was opened, and nothing more.
fn opened() -> (Arc<Heard>, Vec<Arc<Part>>) {
    let world = World::random(&mut Rng::with_seed(7));
    let mut fold = history::fold::Fold::new(world.zone.clone());
    fold.add_hits(&world.hits);
    let fullest = fold.finish().into_iter().max_by_key(|folded| folded.table.hits.len()).unwrap();
    let (_, bytes) = write(&fullest.table, &fullest.day).unwrap();
    let (expected, read) = Default::default();
    let heard = Arc::new(Heard { bytes: bytes.into(), expected, read });
    let part = Library::new(usize::MAX).open(heard.clone()).unwrap();
    heard.read.lock().clear();
    (heard, vec![Arc::new(part)])
}

fn is_all_expected(heard: &Heard, what: &str) {
    let (expected, read) = (heard.expected.lock(), heard.read.lock());
    assert!(!read.is_empty(), "{what} reads something");
    for read in &*read {
        assert!(expected.contains(read), "{what} reads {read:?}, and expects {expected:?}");
    }
}

#[test]
fn what_reports_read_was_expected() {
    let is = |by: Dimension, value: &str| Filter::Is { by, values: vec![value.into()] };
    let all = Query::totals(i64::MIN / 4, i64::MAX / 4);
    let country = is(Dimension::Visit(VisitText::Country), "FR");
    let queries = [
        ("totals", all.clone()),
        ("bounces", Query { metrics: vec![Metric::BounceRate, Metric::VisitDuration], ..all.clone() }),
        ("scroll", Query { metrics: vec![Metric::ScrollDepth, Metric::EngagedTime], ..all.clone() }),
        (
            "sources of a country",
            Query {
                by: vec![Dimension::Visit(VisitText::Source)],
                filter: Some(Filter::And(vec![country.clone(), is(Dimension::Hit(HitText::Path), "/")])),
                ..all.clone()
            },
        ),
        ("pages", Query { by: vec![Dimension::Hit(HitText::Path)], ..all.clone() }),
        ("entry pages", Query { by: vec![Dimension::EntryPage], ..all.clone() }),
        ("hours", Query { by: vec![Dimension::Hour], ..all.clone() }),
        (
            "a property",
            Query { by: vec![Dimension::Prop("plan".into())], metrics: vec![Metric::Events], ..all.clone() },
        ),
        (
            "a goal",
            Query {
                goal: Some(is(Dimension::Event, "order")),
                metrics: vec![Metric::Converted, Metric::Conversions],
                ..all
            },
        ),
    ];
    for (what, query) in queries {
        let (heard, parts) = opened();
        answer(&parts, &Zone::utc(), &query, &Control::plain()).unwrap();
        is_all_expected(&heard, what);
    }
    let (heard, parts) = opened();
    let steps = vec![is(Dimension::Hit(HitText::Path), "/"), is(Dimension::Event, "order")];
    let asked =
        Funnel { from: i64::MIN / 4, to: i64::MAX / 4, steps, window_ms: 1_000, bots: Default::default() };
    funnel(&parts, &Zone::utc(), &asked, &Control::plain()).unwrap();
    is_all_expected(&heard, "a funnel");
}

#[test]
fn what_is_decoded_is_not_expected_again() {
    let (heard, parts) = opened();
    let all = Query::totals(i64::MIN / 4, i64::MAX / 4);
    answer(&parts, &Zone::utc(), &all, &Control::plain()).unwrap();
    heard.expected.lock().clear();
    answer(&parts, &Zone::utc(), &all, &Control::plain()).unwrap();
    assert!(heard.expected.lock().is_empty());
}
