//! Every limit of a question at its maximum and one past it, and questions that make no sense at all.

use fastrand::Rng;
use history::query::*;
use history::report::{Control, Funnel, answer, funnel, journey, retention};

use crate::ask;
use crate::shelf::Shelf;
use crate::world::World;

const MALFORMED: usize = 5_000;
const DAY: i64 = 86_400_000;

fn page(values: usize, bytes: usize) -> Filter {
    Filter::Is { by: "page".parse().unwrap(), values: vec!["x".repeat(bytes); values] }
}

fn nested(depth: usize) -> Filter {
    (1..depth).fold(page(1, 1), |inner, _| Filter::Not(Box::new(inner)))
}

fn assert_limit(what: &str, max: usize, ask: impl Fn(usize) -> Result<(), BadQuery>) {
    assert_eq!(ask(max), Ok(()), "{what}");
    let error = ask(max + 1).unwrap_err();
    assert!(matches!(error, BadQuery::Limit { max: said, .. } if said == max), "{what}: {error}");
    assert!(error.to_string().contains(&max.to_string()), "{what}: {error}");
}

#[test]
fn each_limit_holds_at_its_maximum_and_not_past_it() {
    let query = || Query::totals(0, DAY);
    let with = |filter: Filter| Query { filter: Some(filter), ..query() }.check();
    let page_by = || "page".parse().unwrap();
    assert_limit("metrics", METRICS_MAX, |n| Query { metrics: vec![Metric::Visits; n], ..query() }.check());
    assert_limit("dimensions", DIMENSIONS_MAX, |n| Query { by: vec![page_by(); n], ..query() }.check());
    assert_limit("rows", ROWS_MAX, |limit| Query { limit, ..query() }.check());
    assert_limit("rows before", CELLS_MAX, |offset| Query { offset, ..query() }.check());
    assert_limit("depth", FILTER_DEPTH_MAX, |n| with(nested(n)));
    assert_limit("filters", FILTERS_MAX, |n| with(Filter::And(vec![page(1, 1); n - 1])));
    assert_limit("values", VALUES_MAX, |n| with(page(n, 1)));
    assert_limit("bytes of a value", PATTERN_BYTES_MAX, |n| with(page(1, n)));
    let pattern = |n| Filter::Matches { by: page_by(), pattern: "x".repeat(n) };
    assert_limit("bytes of a pattern", PATTERN_BYTES_MAX, |n| with(pattern(n)));
    let goal = |n| Query { goal: Some(page(n, 1)), ..query() }.check();
    assert_limit("values of a goal", VALUES_MAX, goal);
}

#[test]
fn each_limit_of_an_answer_holds_too() {
    let zone = history::zone::Zone::utc();
    let control = Control::plain();
    let bad = |error: history::report::ReportError| match error {
        history::report::ReportError::Query(error) => error,
        other => panic!("{other}"),
    };
    assert_limit("buckets", BUCKETS_MAX, |n| {
        let query = Query { bucket: Some(Unit::Minute), ..Query::totals(0, n as i64 * 60_000) };
        answer(&[], &zone, &query, &control).map(|_| ()).map_err(bad)
    });
    assert_limit("steps", STEPS_MAX, |n| {
        let steps = vec![page(1, 1); n];
        let steps = Funnel { from: 0, to: DAY, steps, window_ms: DAY, bots: Bots::Without };
        funnel(&[], &zone, &steps, &control).map(|_| ()).map_err(bad)
    });
    assert_limit("cohorts", COHORTS_MAX, |n| {
        let query =
            Retention { from: 0, to: n as i64 * DAY, unit: Unit::Day, filter: None, bots: Bots::With };
        retention(&[], &zone, &query, &control).map(|_| ()).map_err(bad)
    });
    let way = |depth, children, page: usize| {
        let page = Some("x".repeat(page));
        let (backward, filter, bots) = (false, None, Bots::With);
        Journey { from: 0, to: DAY, page, backward, depth, children, filter, bots }.check()
    };
    assert_limit("depth of a journey", JOURNEY_DEPTH_MAX, |n| way(n, 1, 1));
    assert_limit("children of a journey", JOURNEY_CHILDREN_MAX, |n| way(1, n, 1));
    assert_limit("page of a journey", PATTERN_BYTES_MAX, |n| way(1, 1, n));
    assert!(matches!(way(0, 1, 1), Err(BadQuery::Least { .. })));
    assert!(matches!(way(1, 0, 1), Err(BadQuery::Least { .. })));
}

/// One visit for each way of four pages among twelve, until the tree has so many pages.
fn ways(nodes: usize) -> Vec<history::EnrichedHit> {
    let (mut seen, mut hits) = (std::collections::HashSet::new(), Vec::new());
    for way in 0u64.. {
        let digits: Vec<u64> = (0..4).rev().map(|power| way / 12u64.pow(power) % 12).collect();
        for length in 1..=4 {
            if seen.len() + 1 == nodes {
                return hits;
            }
            seen.insert(digits[..length].to_vec());
            let mut hit = crate::world::pageview(&format!("/{}", digits[length - 1]));
            hit.id = model::HitId((u128::from(way) << 8) + length as u128);
            hit.visitor = model::VisitorId(way);
            (hit.at.0, hit.received.0) = (length as i64, length as i64);
            hits.push(hit);
        }
    }
    hits
}

#[test]
fn the_tree_of_a_journey_is_bounded() {
    let zone = history::zone::Zone::utc();
    let (page, backward, filter, bots) = (None, false, None, Bots::With);
    let query = Journey { from: 0, to: DAY, page, backward, depth: 4, children: 20, filter, bots };
    assert_limit("pages in the tree", JOURNEY_NODES_MAX, |nodes| {
        let mut fold = history::fold::Fold::new(zone.clone());
        fold.add_hits(&ways(nodes));
        let library = history::report::Library::new(usize::MAX);
        let folded = fold.finish().into_iter();
        let parts = folded.map(|folded| std::sync::Arc::new(library.hold(&folded.day, folded.table)));
        match journey(&parts.collect::<Vec<_>>(), &zone, &query, &Control::plain()) {
            Err(history::report::ReportError::Query(error)) => Err(error),
            other => {
                other.unwrap();
                Ok(())
            }
        }
    });
}

#[test]
fn conversions_without_a_goal_are_refused() {
    let query = Query { metrics: vec![Metric::ConversionRate], ..Query::totals(0, DAY) };
    assert_eq!(query.check(), Err(BadQuery::NoGoal));
    let sort = Sort { by: Metric::Converted, ascending: false };
    assert_eq!(Query { sort, ..Query::totals(0, DAY) }.check(), Err(BadQuery::NoGoal));
}

/// A text that was a question, with some of it lost, doubled, or replaced.
fn broken(rng: &mut Rng, text: &str) -> String {
    const PIECES: [&str; 16] = [
        "null",
        "-1",
        "9223372036854775807",
        "-9223372036854775808",
        "1e400",
        "{}",
        "[]",
        "\"\"",
        "\\u0000",
        "(",
        "\"and\":[",
        "é",
        "1.5",
        "true",
        "\"from\":",
        "}",
    ];
    let mut text: Vec<char> = text.chars().collect();
    for _ in 0..rng.usize(1..4) {
        let at = rng.usize(..text.len());
        let end = (at + rng.usize(..12)).min(text.len());
        match rng.u8(..4) {
            0 => drop(text.drain(at..end)),
            1 => {
                let again: Vec<char> = text[at..end].to_vec();
                text.splice(at..at, again);
            }
            2 => drop(text.splice(at..end, PIECES[rng.usize(..PIECES.len())].chars())),
            // A whole number becomes another value.
            _ => {
                let digits = |c: &char| c.is_ascii_digit() || *c == '-';
                let Some(start) = (at..text.len()).find(|&i| digits(&text[i])) else { continue };
                let end = (start..text.len()).find(|&i| !digits(&text[i])).unwrap_or(text.len());
                text.splice(start..end, PIECES[rng.usize(..PIECES.len())].chars());
            }
        }
        if text.is_empty() {
            return String::new();
        }
    }
    text.into_iter().collect()
}

#[test]
fn malformed_questions_get_a_sentence_and_no_panic() {
    let mut rng = Rng::with_seed(4);
    let world = World::random(&mut rng);
    let shelf = Shelf::folded_in_parts(&world, &mut rng);
    let (parts, zone, control) = (&shelf.overlaid, &world.zone, Control::plain());
    let mut refused = 0;
    for number in 0..MALFORMED {
        let query = ask::random(&world, &mut rng);
        let sentence = match number % 4 {
            0 => {
                let text = broken(&mut rng, &serde_json::to_string(&query).unwrap());
                outcome(&text, |query: &Query| answer(parts, zone, query, &control).map(|_| ()))
            }
            1 => {
                let text = serde_json::to_string(&ask::retention(&query, &mut rng)).unwrap();
                let text = broken(&mut rng, &text);
                outcome(&text, |query: &Retention| retention(parts, zone, query, &control).map(|_| ()))
            }
            2 => {
                let text = serde_json::to_string(&ask::journey(&query, &mut rng)).unwrap();
                let text = broken(&mut rng, &text);
                outcome(&text, |query: &Journey| journey(parts, zone, query, &control).map(|_| ()))
            }
            _ => {
                let text = serde_json::to_string(&ask::funnel(&query, &mut rng)).unwrap();
                let text = broken(&mut rng, &text);
                outcome(&text, |query: &Funnel| funnel(parts, zone, query, &control).map(|_| ()))
            }
        };
        if let Some(sentence) = sentence {
            assert!(sentence.len() > 10, "{sentence}");
            refused += 1;
        }
    }
    assert!(refused > MALFORMED / 2, "{refused} were refused: the others happened to make sense");
}

fn outcome<Q: serde::de::DeserializeOwned>(
    text: &str,
    ask: impl Fn(&Q) -> Result<(), history::report::ReportError>,
) -> Option<String> {
    match serde_json::from_str::<Q>(text) {
        Ok(query) => ask(&query).err().map(|error| error.to_string()),
        Err(error) => Some(error.to_string()),
    }
}
