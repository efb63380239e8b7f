//! The recount: every definition as it reads, over the hits themselves. Slow, obvious, and nothing of the engine in it but the
//! types that questions and answers are written in.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use history::query::{Bots, Compare, Dimension, Filter, Metric, Query, Unit};
use history::report::{Answer, Compared, Row, Sums};
use history::table::{HitText, VisitText};
use history::zone::Zone;
use history::{EnrichedHit, EnrichedKind};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};
use model::{HitId, VisitorId};

use crate::world::World;

pub struct Recount {
    pub zone: TimeZone,
    pub visits: Vec<Visit>,
}

#[derive(Clone)]
pub struct Visit {
    pub visitor: VisitorId,
    pub bot: bool,
    pub first: i64,
    pub last: i64,
    /// Of the first hit.
    pub origin: EnrichedHit,
    pub marks: Vec<Mark>,
}

/// What counts: a pageview, event or identify, or that a page of another visit showed life.
#[derive(Clone)]
pub struct Mark {
    pub hit: EnrichedHit,
    pub engaged_ms: u64,
    pub scroll: u8,
    /// What the pageview's signs of life in this visit reached, and the last of them.
    pub total: u32,
    pub end: i64,
    /// Why it is a bot's.
    pub bot: String,
}

const GAP: i64 = 30 * 60_000;

fn of_pageview(hit: &EnrichedHit) -> Option<(HitId, u32, u8)> {
    match hit.kind {
        EnrichedKind::Heartbeat { pageview, engaged_ms, scroll, .. }
        | EnrichedKind::Leave { pageview, engaged_ms, scroll } => Some((pageview, engaged_ms, scroll)),
        _ => None,
    }
}

pub fn is_view(hit: &EnrichedHit) -> bool {
    matches!(hit.kind, EnrichedKind::Pageview { .. })
}

fn is_event(hit: &EnrichedHit) -> bool {
    matches!(hit.kind, EnrichedKind::Event { .. })
}

impl Recount {
    pub fn new(world: &World) -> Recount {
        let mut recount = Recount { zone: world.zone.time_zone().clone(), visits: Vec::new() };
        let mut seen = HashSet::new();
        let mut people: BTreeMap<(VisitorId, bool), Vec<EnrichedHit>> = BTreeMap::new();
        for hit in &world.hits {
            if seen.insert(hit.id) {
                people.entry((hit.visitor, hit.bot.is_some())).or_default().push(hit.clone());
            }
        }
        for ((visitor, bot), mut hits) in people {
            hits.sort_by_key(|hit| hit.at);
            // (date of the visit, pageview, total)
            let mut totals: Vec<(Date, HitId, u32)> = Vec::new();
            for hits in hits.chunk_by(|a, b| b.at.0 - a.at.0 <= GAP) {
                let date = recount.at(hits[0].at.0).date();
                let marks = marks(hits, date, &mut totals);
                let (first, last) = (hits[0].at.0, hits[hits.len() - 1].at.0);
                recount.visits.push(Visit { visitor, bot, first, last, origin: hits[0].clone(), marks });
            }
        }
        recount
    }

    pub fn at(&self, at: i64) -> Zoned {
        Timestamp::from_millisecond(at).unwrap().to_zoned(self.zone.clone())
    }

    pub fn answer(&self, query: &Query) -> Answer {
        let range = query.from..query.to;
        let buckets = query.bucket.map(|unit| self.buckets(unit, query.from, query.to)).unwrap_or_default();
        let mut counted: Vec<(&Visit, &Mark)> = Vec::new();
        for visit in self.visits.iter().filter(|visit| wanted(query.bots, visit.bot)) {
            let holds = |mark: &&Mark| {
                let filter = query.filter.as_ref();
                range.contains(&mark.hit.at.0)
                    && filter.is_none_or(|filter| self.holds(query, filter, visit, mark))
            };
            counted.extend(visit.marks.iter().filter(holds).map(|mark| (visit, mark)));
        }
        let mut groups: BTreeMap<Vec<String>, Vec<(&Visit, &Mark)>> = BTreeMap::new();
        for &(visit, mark) in &counted {
            let key: Option<Vec<String>> = query.by.iter().map(|by| self.value(by, visit, mark)).collect();
            if let (Some(key), false) = (key, query.by.is_empty()) {
                groups.entry(key).or_default().push((visit, mark));
            }
        }
        let series = |marks: &[(&Visit, &Mark)]| -> Vec<Sums> {
            let of = |i: usize| {
                let from = buckets[i];
                let to = buckets.get(i + 1).copied().unwrap_or(i64::MAX);
                self.sums(query, marks, from.max(query.from), to.min(query.to))
            };
            (0..buckets.len()).map(of).collect()
        };
        let mut rows: Vec<(f64, Row)> = Vec::new();
        let count = groups.len();
        for (key, marks) in groups {
            let sums = self.sums(query, &marks, query.from, query.to);
            let value = sums.metric(query.sort.by);
            let key = key.into_iter().map(Into::into).collect();
            rows.push((
                if query.sort.ascending { value } else { -value },
                Row { key, sums, series: series(&marks) },
            ));
        }
        rows.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.key.cmp(&b.1.key)));
        let mut answer = Answer {
            total: self.sums(query, &counted, query.from, query.to),
            series: series(&counted),
            buckets,
            rows: rows.into_iter().map(|(_, row)| row).skip(query.offset).take(query.limit).collect(),
            groups: count,
            compared: None,
        };
        answer.compared = query.compare.map(|compare| self.compared(query, compare, &answer));
        answer
    }

    /// Which range it is, `cases` says by examples; what is in it, a query of its own does.
    fn compared(&self, query: &Query, compare: Compare, answer: &Answer) -> Compared {
        let (from, to) = compare.range(&Zone::of(self.zone.clone()), query.from, query.to).unwrap();
        let other = Query { from, to, compare: None, limit: 10_000, offset: 0, ..query.clone() };
        let other = self.answer(&other);
        let of = |row: &Row| other.rows.iter().find(|other| other.key == row.key).map(|row| row.sums);
        Compared {
            from,
            to,
            total: other.total,
            rows: answer.rows.iter().map(|row| of(row).unwrap_or_default()).collect(),
            buckets: other.buckets,
            series: other.series,
        }
    }

    /// Begins of the units that the range touches, found by trying every moment at which one could begin.
    pub fn buckets(&self, unit: Unit, from: i64, to: i64) -> Vec<i64> {
        let name = |at: i64| {
            let (at, date) = (self.at(at), self.at(at).date());
            let monday = date.checked_sub(i64::from(date.weekday().to_monday_zero_offset()).days()).unwrap();
            let offset = at.offset().seconds();
            match unit {
                Unit::Minute => (i32::from(at.hour()) * 60 + i32::from(at.minute()), offset, date),
                Unit::Hour => (at.hour().into(), offset, date),
                Unit::Day => (0, 0, date),
                Unit::Week => (0, 0, monday),
                Unit::Month => (0, 0, date.first_of_month()),
                Unit::Quarter => (0, 0, Date::new(date.year(), (date.month() - 1) / 3 * 3 + 1, 1).unwrap()),
                Unit::Year => (0, 0, date.first_of_year()),
            }
        };
        let moments: Vec<i64> = if matches!(unit, Unit::Minute | Unit::Hour) {
            let step = if unit == Unit::Minute { 60_000 } else { 15 * 60_000 };
            let start = from.div_euclid(step) * step;
            (-8..=(to - start) / step + 8).map(|i| start + i * step).collect()
        } else {
            let first = name(from).2;
            let days = (0..500).map(|day| first.checked_add(day.days()).unwrap());
            let begins =
                days.map(|day| day.to_zoned(self.zone.clone()).unwrap().timestamp().as_millisecond());
            begins.take_while(|&at| at <= to).collect()
        };
        let mut buckets: Vec<i64> = Vec::new();
        for at in moments {
            let is_in = at < to || buckets.is_empty();
            if is_in && buckets.last().is_none_or(|&last| name(last) != name(at)) {
                buckets.push(at);
            }
        }
        let before = buckets.partition_point(|&start| start <= from);
        buckets.split_off(before.saturating_sub(1))
    }

    pub fn holds(&self, query: &Query, filter: &Filter, visit: &Visit, mark: &Mark) -> bool {
        let value = |by: &Dimension| self.value(by, visit, mark);
        match filter {
            Filter::And(inner) => inner.iter().all(|filter| self.holds(query, filter, visit, mark)),
            Filter::Or(inner) => inner.iter().any(|filter| self.holds(query, filter, visit, mark)),
            Filter::Not(inner) => !self.holds(query, inner, visit, mark),
            Filter::Is { by, values } => value(by).is_some_and(|value| values.contains(&value)),
            Filter::Contains { by, values } => {
                value(by).is_some_and(|value| values.iter().any(|part| value.contains(part)))
            }
            Filter::Starts { by, values } => {
                value(by).is_some_and(|value| values.iter().any(|part| value.starts_with(part)))
            }
            Filter::Matches { by, pattern } => {
                value(by).is_some_and(|value| regex::Regex::new(pattern).unwrap().is_match(&value))
            }
            Filter::Visit(inner) => visit.marks.iter().any(|mark| self.holds(query, inner, visit, mark)),
            Filter::Visitor(inner) => {
                let theirs = |other: &&Visit| other.visitor == visit.visitor && wanted(query.bots, other.bot);
                self.visits.iter().filter(theirs).any(|visit| {
                    let in_range = |mark: &&Mark| (query.from..query.to).contains(&mark.hit.at.0);
                    visit.marks.iter().filter(in_range).any(|mark| self.holds(query, inner, visit, mark))
                })
            }
        }
    }

    fn value(&self, by: &Dimension, visit: &Visit, mark: &Mark) -> Option<String> {
        let (origin, hit) = (&visit.origin, &mark.hit);
        let views = || visit.marks.iter().filter(|mark| is_view(&mark.hit));
        let path = |mark: Option<&Mark>| mark.map(|mark| mark.hit.page.path.to_string()).unwrap_or_default();
        Some(match by {
            Dimension::NewOrReturning => {
                let is_earlier = |other: &&Visit| {
                    (other.visitor, other.bot) == (visit.visitor, visit.bot) && other.first < visit.first
                };
                let returns = self.visits.iter().any(|other| is_earlier(&other));
                if returns { "returning".to_owned() } else { "new".to_owned() }
            }
            Dimension::EntryPage => path(views().next()),
            Dimension::ExitPage => path(views().next_back()),
            Dimension::Hour => format!("{:02}", self.at(hit.at.0).hour()),
            Dimension::Weekday => self.at(hit.at.0).weekday().to_monday_one_offset().to_string(),
            Dimension::Event => match &hit.kind {
                EnrichedKind::Event { name, .. } => name.to_string(),
                _ => return None,
            },
            Dimension::Prop(key) => match &hit.kind {
                EnrichedKind::Event { props, .. } => {
                    props.iter().find(|(name, _)| **name == **key)?.1.to_string()
                }
                _ => return None,
            },
            Dimension::Hit(HitText::Path) => hit.page.path.to_string(),
            Dimension::Hit(HitText::Hostname) => hit.page.hostname.to_string(),
            Dimension::Hit(HitText::Query) => hit.page.query.to_string(),
            Dimension::Hit(HitText::Title) => match &hit.kind {
                EnrichedKind::Pageview { title, .. } => title.to_string(),
                _ => return None,
            },
            Dimension::Hit(HitText::Bot) => mark.bot.clone(),
            Dimension::Hit(_) => unreachable!("not asked for"),
            Dimension::Visit(text) => match text {
                VisitText::Channel => origin.source.channel.name().to_owned(),
                VisitText::Source => origin.source.name.to_string(),
                VisitText::Referrer => origin.source.referrer.to_string(),
                VisitText::UtmCampaign => origin.source.utm_campaign.to_string(),
                VisitText::Country => origin.place.country.clone(),
                VisitText::Browser => origin.agent.browser.to_string(),
                VisitText::Device => origin.agent.device.name().to_owned(),
                VisitText::Language => origin.language.to_string(),
                VisitText::Screen => origin
                    .screen
                    .map(|screen| format!("{}x{}", screen.width, screen.height))
                    .unwrap_or_default(),
                _ => unreachable!("not asked for"),
            },
        })
    }

    fn sums(&self, query: &Query, marks: &[(&Visit, &Mark)], from: i64, to: i64) -> Sums {
        let mut sums = Sums::default();
        let mut visitors = BTreeSet::new();
        let mut converted = BTreeSet::new();
        let mut visits: BTreeMap<(VisitorId, bool, i64), &Visit> = BTreeMap::new();
        for (visit, mark) in marks {
            visits.insert((visit.visitor, visit.bot, visit.first), visit);
            if !(from..to).contains(&mark.hit.at.0) {
                continue;
            }
            visitors.insert(visit.visitor);
            sums.pageviews += u64::from(is_view(&mark.hit));
            sums.events += u64::from(is_event(&mark.hit));
            sums.engaged_ms += mark.engaged_ms;
            if is_view(&mark.hit) {
                sums.scroll += u64::from(mark.scroll);
            }
            sums.revenue += revenue(&mark.hit);
            let Some(goal) = &query.goal else { continue };
            let is_its_kind = if names_event(goal) { is_event(&mark.hit) } else { is_view(&mark.hit) };
            if is_its_kind && self.holds(query, goal, visit, mark) {
                converted.insert(visit.visitor);
                sums.conversions += 1;
                sums.goal_revenue += revenue(&mark.hit);
            }
        }
        sums.converted = converted.len() as u64;
        sums.visitors = visitors.len() as u64;
        let began = |visit: &&&Visit| (from..to).contains(&visit.first);
        for visit in visits.values().filter(began) {
            sums.visits += 1;
            sums.duration_ms += (visit.last - visit.first) as u64;
            let count =
                |is: fn(&EnrichedHit) -> bool| visit.marks.iter().filter(|mark| is(&mark.hit)).count();
            let engaged: u64 = visit.marks.iter().map(|mark| mark.engaged_ms).sum();
            sums.bounces += u64::from(count(is_view) == 1 && count(is_event) == 0 && engaged < 10_000);
        }
        assert!(query.metrics.contains(&Metric::Visits));
        sums
    }
}

fn names_event(filter: &Filter) -> bool {
    let text = serde_json::to_string(filter).unwrap();
    text.contains(r#""by":"event""#) || text.contains(r#""by":"prop:"#)
}

pub fn wanted(bots: Bots, bot: bool) -> bool {
    match bots {
        Bots::Without => !bot,
        Bots::With => true,
        Bots::Only => bot,
    }
}

fn revenue(hit: &EnrichedHit) -> i64 {
    let EnrichedKind::Event { props, .. } = &hit.kind else { return 0 };
    let value = props.iter().find(|(key, _)| &**key == "revenue").map_or("", |(_, value)| value);
    match value {
        "12.5" => 12_500_000,
        "-3" => -3_000_000,
        "0.0000019" => 1,
        "7" => 7_000_000,
        _ => 0,
    }
}

fn mark_of(hit: &EnrichedHit) -> Mark {
    let bot = hit.bot.map_or("", |reason| reason.name()).to_owned();
    Mark { hit: hit.clone(), engaged_ms: 0, scroll: 0, total: 0, end: hit.at.0, bot }
}

fn marks(hits: &[EnrichedHit], date: Date, totals: &mut Vec<(Date, HitId, u32)>) -> Vec<Mark> {
    let mut marks: Vec<Mark> = Vec::new();
    let counted = hits.iter().filter(|hit| hit.kind.counts_once());
    marks.extend(counted.map(mark_of));
    let is_of = |mark: &Mark, id: HitId| page_of(mark) == Some(id);
    for hit in hits {
        let Some((pageview, total, scroll)) = of_pageview(hit) else { continue };
        let at = marks.iter().position(|mark| is_of(mark, pageview)).unwrap_or_else(|| {
            marks.push(mark_of(hit));
            marks.len() - 1
        });
        marks[at].scroll = marks[at].scroll.max(scroll);
        marks[at].total = marks[at].total.max(total);
        marks[at].end = marks[at].end.max(hit.at.0);
    }
    raise(&mut marks, date, totals);
    marks.sort_by_key(|mark| mark.hit.at);
    marks
}

/// The pageview that it is, or shows life of.
fn page_of(mark: &Mark) -> Option<HitId> {
    of_pageview(&mark.hit).map(|(id, ..)| id).or(is_view(&mark.hit).then_some(mark.hit.id))
}

/// What a visit that began on a date added to what was reached before.
fn raise(marks: &mut [Mark], date: Date, totals: &mut Vec<(Date, HitId, u32)>) {
    let yesterday = date.yesterday().unwrap();
    let mut reached = Vec::new();
    for mark in marks {
        let Some(id) = page_of(mark) else { continue };
        let total = mark.total;
        let near = totals.iter().filter(|(day, of, _)| *of == id && *day >= yesterday);
        let before = near.map(|(_, _, total)| *total).max().unwrap_or(0);
        mark.engaged_ms = u64::from(total.saturating_sub(before));
        reached.push((date, id, total));
    }
    totals.extend(reached);
}
