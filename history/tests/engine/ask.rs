//! Random queries.

use fastrand::Rng;
use history::query::{Bots, Compare, Dimension, Filter, Journey, Metric, Query, Retention, Sort, Unit};
use history::report::Funnel;

use crate::world::{COUNTRIES, EVENTS, PATHS, World};

const METRICS: [Metric; 10] = [
    Metric::Visitors,
    Metric::Visits,
    Metric::Pageviews,
    Metric::Events,
    Metric::ViewsAVisit,
    Metric::BounceRate,
    Metric::VisitDuration,
    Metric::EngagedTime,
    Metric::ScrollDepth,
    Metric::Revenue,
];

const GOAL_METRICS: [Metric; 4] =
    [Metric::Converted, Metric::Conversions, Metric::ConversionRate, Metric::GoalRevenue];

const DIMENSIONS: [&str; 19] = [
    "bot",
    "new-or-returning",
    "page",
    "entry-page",
    "exit-page",
    "title",
    "hostname",
    "query",
    "channel",
    "source",
    "referrer",
    "utm_campaign",
    "country",
    "browser",
    "device",
    "screen",
    "language",
    "hour",
    "weekday",
];

pub fn random(world: &World, rng: &mut Rng) -> Query {
    let mut moment = || rng.i64(world.from - 3_600_000..world.to + 3_600_000);
    let (a, b) = (moment(), moment());
    let mut query = Query::totals(a.min(b), a.max(b));
    if rng.u8(..3) == 0 {
        (query.from, query.to) = (world.from - 86_400_000, world.to + 86_400_000 * 3);
    }
    if rng.bool() {
        // The begins of days, where whole parts lie within.
        query.from = world.zone.day_of(model::Millis(query.from)).start;
        query.to = world.zone.day_of(model::Millis(query.to)).end;
    }
    query.metrics = METRICS.to_vec();
    query.by = (0..[0, 1, 1, 2][rng.usize(..4)]).map(|_| dimension(rng)).collect();
    let days = (query.to - query.from) / 86_400_000;
    let units = [Unit::Hour, Unit::Day, Unit::Week, Unit::Month, Unit::Quarter, Unit::Year];
    query.bucket = match rng.u8(..8) {
        0..=2 => None,
        3 if days < 2 && query.by.is_empty() => Some(Unit::Minute),
        _ => Some(units[rng.usize(..6)]),
    };
    query.filter = (rng.u8(..4) > 0).then(|| filter(rng, 3));
    query.goal = rng.bool().then(|| filter(rng, 2));
    if query.goal.is_some() {
        query.metrics.extend(GOAL_METRICS);
    }
    query.compare = (rng.u8(..3) == 0).then(|| compare(&query, rng));
    query.bots = [Bots::Without, Bots::With, Bots::Only][rng.usize(..3)];
    query.sort = Sort { by: query.metrics[rng.usize(..query.metrics.len())], ascending: rng.bool() };
    query.limit = rng.usize(..12);
    query.offset = if rng.bool() { 0 } else { rng.usize(..4) };
    query
}

/// As a random query, but for cohorts.
pub fn retention(query: &Query, rng: &mut Rng) -> Retention {
    let unit = [Unit::Day, Unit::Week, Unit::Month][rng.usize(..3)];
    let Query { from, to, bots, .. } = *query;
    Retention { from, to, unit, filter: query.filter.clone(), bots }
}

/// As a random query, but for ways.
pub fn journey(query: &Query, rng: &mut Rng) -> Journey {
    let page = rng.bool().then(|| [&PATHS[..], &["/never"]].concat()[rng.usize(..7)].to_owned());
    let (depth, children) = (rng.usize(1..=5), rng.usize(1..=4));
    let Query { from, to, bots, .. } = *query;
    let filter = query.filter.clone();
    Journey { from, to, page, backward: rng.bool(), depth, children, filter, bots }
}

/// As a random query, but for steps.
pub fn funnel(query: &Query, rng: &mut Rng) -> Funnel {
    let page = |rng: &mut Rng| Filter::Is {
        by: "page".parse().unwrap(),
        values: vec![PATHS[rng.usize(..PATHS.len())].to_owned()],
    };
    let is_of_pages = rng.bool();
    let steps = (0..rng.usize(1..=4)).map(|_| if is_of_pages { page(rng) } else { filter(rng, 1) }).collect();
    let window_ms = [60_000, 3_600_000, 86_400_000, 864_000_000][rng.usize(..4)];
    let bots = [Bots::Without, Bots::With, Bots::Only][rng.usize(..3)];
    Funnel { from: query.from, to: query.to, steps, window_ms, bots }
}

fn compare(query: &Query, rng: &mut Rng) -> Compare {
    let (from, to) = (query.from - rng.i64(0..86_400_000), query.to - rng.i64(0..86_400_000));
    let range = Compare::Range { from, to: to.max(from) };
    [Compare::Previous, Compare::Weekdays, Compare::Year, range][rng.usize(..4)]
}

fn dimension(rng: &mut Rng) -> Dimension {
    match rng.u8(..8) {
        0 => Dimension::Event,
        1 => Dimension::Prop("plan".into()),
        _ => DIMENSIONS[rng.usize(..DIMENSIONS.len())].parse().unwrap(),
    }
}

fn values(rng: &mut Rng) -> Vec<String> {
    let all: Vec<&str> = [&PATHS[..], &EVENTS[..], &COUNTRIES[..]].concat();
    let others =
        ["Google", "direct", "search", "desktop", "Firefox", "a", "r", "1", "small", "09", "fr", "A"];
    let mut value = || match rng.bool() {
        true => all[rng.usize(..all.len())].to_owned(),
        false => others[rng.usize(..others.len())].to_owned(),
    };
    let (first, second) = (value(), value());
    if rng.bool() { vec![first] } else { vec![first, second] }
}

pub fn filter(rng: &mut Rng, depth: usize) -> Filter {
    let inner = |rng: &mut Rng| Box::new(filter(rng, depth - 1));
    let several = |rng: &mut Rng| (0..rng.usize(0..=3)).map(|_| filter(rng, depth - 1)).collect();
    let kinds = if depth == 0 { 4 } else { 9 };
    match rng.u8(..kinds) {
        0 => Filter::Is { by: dimension(rng), values: values(rng) },
        1 => Filter::Contains { by: dimension(rng), values: values(rng) },
        2 => Filter::Starts { by: dimension(rng), values: values(rng) },
        3 => {
            let patterns = ["^/a", "o+", "^$", "(?i)GOOGLE|fire", "."];
            Filter::Matches { by: dimension(rng), pattern: patterns[rng.usize(..5)].into() }
        }
        4 => Filter::And(several(rng)),
        5 => Filter::Or(several(rng)),
        6 => Filter::Not(inner(rng)),
        7 => Filter::Visit(inner(rng)),
        _ => Filter::Visitor(inner(rng)),
    }
}
