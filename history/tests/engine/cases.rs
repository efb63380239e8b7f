//! Cases 9 to 13 of the definitions, as far as history decides them.

use std::sync::Arc;

use bytes::Bytes;
use history::EnrichedHit;
use history::fold::Fold;
use history::query::{Compare, Query, Unit};
use history::report::{Answer, Control, Library, answer};
use history::segment::{Reader, write};
use history::table::Table;
use history::zone::{Day, Zone};
use model::{HitId, Millis, VisitorId};

use crate::world::{self, World};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

fn moment(text: &str) -> i64 {
    text.parse::<jiff::Timestamp>().unwrap().as_millisecond()
}

fn view(id: u128, visitor: u64, at: i64, path: &str) -> EnrichedHit {
    let mut hit = world::pageview(path);
    (hit.id, hit.visitor, hit.at, hit.received) = (HitId(id), VisitorId(visitor), Millis(at), Millis(at));
    hit
}

/// Folds deliveries one after the other, each over what the ones before it left as segments.
fn folded(zone: &Zone, deliveries: &[Vec<EnrichedHit>]) -> Vec<(Day, Table)> {
    let mut days: Vec<(Day, Table)> = Vec::new();
    for hits in deliveries {
        let mut fold = Fold::new(zone.clone());
        for (day, table) in &days {
            let (_, bytes) = write(table, day).unwrap();
            let reader = Reader::open(Arc::new(Bytes::from(bytes))).unwrap();
            fold.add_table(day, &reader.table().unwrap());
        }
        fold.add_hits(hits);
        days = fold.finish().into_iter().map(|folded| (folded.day, folded.table)).collect();
    }
    days
}

fn ask(zone: &Zone, days: &[(Day, Table)], query: &Query) -> Answer {
    let library = Library::new(usize::MAX);
    let parts = days.iter().map(|(day, table)| Arc::new(library.hold(day, table.clone())));
    answer(&parts.collect::<Vec<_>>(), zone, query, &Control::plain()).unwrap()
}

#[test]
fn a_hit_ten_minutes_late_lands_in_its_own_minute_and_visit() {
    let (zone, at) = (Zone::utc(), moment("2026-05-05T10:00:00Z"));
    let early = vec![view(1, 1, at, "/"), view(2, 1, at + 40 * MINUTE, "/a")];
    let days = folded(&zone, &[early, vec![view(3, 1, at + 20 * MINUTE, "/late")]]);
    let query = Query { bucket: Some(Unit::Minute), ..Query::totals(at, at + HOUR) };
    let answer = ask(&zone, &days, &query);
    let minutes: Vec<u64> = answer.series.iter().map(|sums| sums.pageviews).collect();
    let expected: Vec<u64> = (0..60).map(|minute| u64::from([0, 20, 40].contains(&minute))).collect();
    assert_eq!(minutes, expected);
    assert_eq!((answer.total.visits, answer.total.visitors), (1, 1), "it joins what were two visits");
}

#[test]
fn a_hit_three_months_late_lands_in_its_own_day() {
    let (zone, at) = (Zone::utc(), moment("2026-05-05T10:00:00Z"));
    let days = folded(&zone, &[vec![view(1, 1, at, "/")], vec![view(2, 2, at - 90 * DAY, "/")]]);
    let names: Vec<&str> = days.iter().map(|(day, _)| day.name.as_str()).collect();
    assert_eq!(names, ["2026-02-04", "2026-05-05"]);
    assert_eq!(days.iter().map(|(_, table)| table.hits.len()).collect::<Vec<_>>(), [1, 1]);
}

#[test]
fn the_same_hit_five_times_at_once_and_a_month_apart_counts_once() {
    let (zone, at) = (Zone::utc(), moment("2026-05-05T23:59:59Z"));
    let mut again = view(7, 1, at, "/");
    again.received.0 += 30 * DAY;
    // The sender's clock was measured anew: it now seems to be of the next day, and of another visitor.
    let mut elsewhere = view(7, 2, at + 2_000, "/");
    elsewhere.received.0 += 31 * DAY;
    let days = folded(&zone, &[vec![view(7, 1, at, "/"); 5], vec![again], vec![elsewhere]]);
    let total = ask(&zone, &days, &Query::totals(at - DAY, at + DAY)).total;
    assert_eq!((total.pageviews, total.visits, total.visitors), (1, 1, 1));
}

#[test]
fn uniques_of_a_week_are_at_most_the_sum_of_its_days_and_the_same_in_every_breakdown() {
    for seed in 1..40 {
        let world = World::random(&mut fastrand::Rng::with_seed(seed));
        let days = folded(&world.zone, std::slice::from_ref(&world.hits));
        let week = Query { bucket: Some(Unit::Day), ..Query::totals(world.from - DAY, world.to + DAY) };
        let total = ask(&world.zone, &days, &week);
        let sum: u64 = total.series.iter().map(|day| day.visitors).sum();
        assert!(total.total.visitors <= sum, "seed {seed}");
        assert_eq!(total.total.visits, total.series.iter().map(|day| day.visits).sum::<u64>(), "seed {seed}");
        for by in ["page", "country", "source", "device", "entry-page", "event", "hour"] {
            let query = Query { by: vec![by.parse().unwrap()], ..week.clone() };
            assert_eq!(ask(&world.zone, &days, &query).total, total.total, "seed {seed}, by {by}");
        }
    }
}

#[test]
fn days_of_25_and_23_hours_have_every_hour_once() {
    let zone = Zone::named("Europe/Paris").unwrap();
    for (day, hours) in [("2025-10-26", 25), ("2025-03-30", 23), ("2025-06-01", 24)] {
        let noon = zone.day_of(Millis(moment(&format!("{day}T12:00:00Z"))));
        assert_eq!(noon.name, day);
        assert_eq!((noon.end - noon.start) / HOUR, hours);
        let hits =
            (0..hours * 2).map(|half| view(half as u128 + 1, half as u64, noon.start + half * HOUR / 2, "/"));
        let days = folded(&zone, &[hits.collect()]);
        let query = Query { bucket: Some(Unit::Hour), ..Query::totals(noon.start, noon.end) };
        let answer = ask(&zone, &days, &query);
        assert_eq!(answer.series.len() as i64, hours, "{day}");
        assert!(answer.series.iter().all(|hour| hour.pageviews == 2 && hour.visits == 2), "{day}");
        let by_day = Query { bucket: Some(Unit::Day), ..Query::totals(noon.start - DAY, noon.end + DAY) };
        let sums: Vec<u64> = ask(&zone, &days, &by_day).series.iter().map(|day| day.pageviews).collect();
        assert_eq!(sums.iter().sum::<u64>(), hours as u64 * 2, "{day}");
    }
}

#[test]
fn ranges_are_compared_with_their_like() {
    use Compare::{Previous, Weekdays, Year};
    let cases = [
        // Whole months, whole days (over a turn of the clocks), and any other range.
        ("Europe/Paris", Previous, "2026-03-01T00 2026-04-01T00", "2026-02-01T00 2026-03-01T00"),
        ("Europe/Paris", Previous, "2026-01-01T00 2026-04-01T00", "2025-10-01T00 2026-01-01T00"),
        ("Europe/Paris", Previous, "2026-03-29T00 2026-03-30T00", "2026-03-28T00 2026-03-29T00"),
        ("Europe/Paris", Previous, "2026-10-19T00 2026-10-26T00", "2026-10-12T00 2026-10-19T00"),
        ("UTC", Previous, "2026-05-05T06 2026-05-05T09", "2026-05-05T03 2026-05-05T06"),
        ("UTC", Previous, "2026-05-31T00 2026-06-01T00", "2026-05-30T00 2026-05-31T00"),
        // The day that has no midnight begins at one.
        ("America/Sao_Paulo", Previous, "2018-11-05T00 2018-11-06T00", "2018-11-04T01 2018-11-05T00"),
        ("UTC", Weekdays, "2026-05-05T00 2026-05-06T00", "2026-04-28T00 2026-04-29T00"),
        ("UTC", Weekdays, "2026-05-01T00 2026-05-09T00", "2026-04-17T00 2026-04-25T00"),
        ("UTC", Weekdays, "2026-05-01T00 2026-05-08T00", "2026-04-24T00 2026-05-01T00"),
        ("Europe/Paris", Weekdays, "2026-03-31T06 2026-03-31T09", "2026-03-24T06 2026-03-24T09"),
        ("UTC", Year, "2026-05-01T00 2026-06-01T00", "2025-05-01T00 2025-06-01T00"),
        ("UTC", Year, "2024-02-29T00 2024-03-01T00", "2023-02-28T00 2023-03-01T00"),
        ("UTC", Year, "2024-02-01T00 2024-02-29T00", "2023-02-01T00 2023-03-01T00"),
        ("UTC", Year, "2025-02-01T00 2025-03-01T00", "2024-02-01T00 2024-02-29T00"),
        ("UTC", Previous, "2026-05-05T06 2026-05-05T06", "2026-05-05T06 2026-05-05T06"),
    ];
    for (name, compare, range, expected) in cases {
        let zone = Zone::named(name).unwrap();
        let moments = |text: &str| -> Vec<i64> {
            let at = |text: &str| format!("{text}:00[{name}]").parse::<jiff::Zoned>().unwrap();
            text.split(' ').map(|text| at(text).timestamp().as_millisecond()).collect()
        };
        let (range, expected) = (moments(range), moments(expected));
        let found = compare.range(&zone, range[0], range[1]).unwrap();
        assert_eq!([found.0, found.1], expected[..], "{name} {compare:?} {range:?}");
    }
}
