//! Puts questions to the archive, all of one moment, and says its answers.

use std::collections::BTreeSet;

use archive::{Archive, Asked};
use door::Refusal;
use history::query::{Bots, Compare, Dimension, Filter, Metric, Query, Unit};
use history::report::{self, Buckets, Compared, Reached, Sums};
use history::zone::Zone;
use model::{Millis, Site};
use store::DayTotals;

use super::earlier::earlier;
use super::imported::{Imported, Imports, counted_days};
use super::question::{Breakdown, Direction, Funnel, Journeys, Question, Retention};
use super::range::{Span, local};
use super::refused;
use super::said::{
    Answer, Before, BranchSaid, BreakdownSaid, Bucket, CohortSaid, FunnelSaid, ImportedSaid, JourneysSaid,
    Named, RangeSaid, RetentionSaid, RowSaid, StepSaid,
};
use super::within::Within;

/// Numbers of one answer.
pub const NUMBERS_MAX: usize = 500_000;

/// When it is, and what of the site's history may be asked about.
#[derive(Clone, Debug)]
pub struct Moment {
    pub now: Millis,
    /// Nothing is told for which this does not hold.
    pub within: Option<Within>,
}

/// Answers each question, or refuses it, in their order; all see the same history. Refuses all together where the archive has no
/// turn or no time for them.
pub async fn ask(
    archive: &Archive,
    totals: &dyn DayTotals,
    site: &Site,
    questions: Vec<Result<Question, Refusal>>,
    moment: Moment,
) -> Result<Vec<Result<Answer, Refusal>>, Refusal> {
    let zone = Zone::named(&site.time_zone).map_err(|bad| refused::archive(bad.into()))?;
    let Some(span) = touched(&questions, &zone, &moment) else {
        return Ok(questions
            .into_iter()
            .map(|question| Err(question.err().unwrap_or_else(nothing)))
            .collect());
    };
    let good: Vec<&Question> = questions.iter().flatten().collect();
    let imported = Imported::read(totals, site.id, &zone, moment.now, &good).await?;
    let all = move |asked: &Asked<'_>| {
        let counted_days = if imported.is_empty() { BTreeSet::new() } else { counted_days(asked.parts) };
        let put = Put { asked, moment: &moment, imported: &imported, counted_days };
        let answer = |question: Result<Question, Refusal>| put.answer(&question?);
        Ok(questions.into_iter().map(answer).collect())
    };
    archive.ask(site, (span.from, span.to), all).await.map_err(refused::archive)
}

fn nothing() -> Refusal {
    refused::query("range", "it touches nothing")
}

/// From the earliest to the latest moment that a question asks about; None where none is good.
fn touched(questions: &[Result<Question, Refusal>], zone: &Zone, moment: &Moment) -> Option<Span> {
    let now = moment.now;
    let is_of_past = |by: &Dimension| *by == Dimension::NewOrReturning;
    let needs_all = moment.within.iter().any(|within| within.filter().names(&is_of_past));
    let spans = questions.iter().flatten().filter_map(|question| {
        if question.range().is_all() || needs_all || question.needs_all_before() {
            return Some(Span { from: i64::MIN, to: i64::MAX });
        }
        let span = question.range().span(zone, now, None).ok()?;
        let before = question.compare().map(|compare| earlier(compare, span, zone, now));
        let before = before.and_then(Result::ok).unwrap_or(span);
        Some(Span { from: span.from.min(before.from), to: span.to.max(before.to) })
    });
    // One that is refused for its range alone is refused where it is answered.
    let bad = questions.iter().any(Result::is_ok).then_some(Span { from: 0, to: 0 });
    spans.reduce(|a, b| Span { from: a.from.min(b.from), to: a.to.max(b.to) }).or(bad)
}

/// One question put to the parts.
pub(super) struct Put<'p> {
    pub asked: &'p Asked<'p>,
    pub moment: &'p Moment,
    pub imported: &'p Imported,
    /// Days that hits are kept of.
    pub counted_days: BTreeSet<u32>,
}

impl Put<'_> {
    fn answer(&self, question: &Question) -> Result<Answer, Refusal> {
        self.moment.within.iter().try_for_each(|within| within.check(question))?;
        let first = match &self.moment.within {
            Some(within) if question.range().is_all() => self.first_within(within)?,
            Some(_) => None,
            None => {
                let first = self.asked.range.map(|(first, _)| first);
                first.into_iter().chain(self.imported.first(self.asked.zone)).min()
            }
        };
        let span = question.range().span(self.asked.zone, self.moment.now, first)?;
        match question {
            Question::Breakdown(breakdown) => {
                self.breakdown(breakdown, span).map(Box::new).map(Answer::Breakdown)
            }
            Question::Funnel(funnel) => self.funnel(funnel, span).map(Answer::Funnel),
            Question::Retention(retention) => self.retention(retention, span).map(Answer::Retention),
            Question::Journeys(journeys) => self.journeys(journeys, span).map(Answer::Journeys),
        }
    }

    fn breakdown(&self, asks: &Breakdown, span: Span) -> Result<BreakdownSaid, Refusal> {
        self.check_numbers(asks, span)?;
        let is_bound = self.moment.within.is_some();
        let spans = [Some(span), self.earlier(asks, span)?];
        let imports = self.imported.of(asks, is_bound, &spans, self.asked.zone, &self.counted_days);
        match imports {
            Imports::Counted(counted) => self.breakdown_with(asks, span, &counted),
            Imports::Left(said) => self.breakdown_of_hits(asks, span, Some(said)),
            Imports::None => self.breakdown_of_hits(asks, span, None),
        }
    }

    fn breakdown_of_hits(
        &self,
        asks: &Breakdown,
        span: Span,
        imported: Option<ImportedSaid>,
    ) -> Result<BreakdownSaid, Refusal> {
        let answer = self.query(&self.query_of(asks, span)?)?;
        let metrics = &asks.metrics;
        let has_totals = asks.totals || asks.by.is_empty();
        let of = |sums: &Sums| {
            let sums = *sums;
            Named::of(metrics, move |_| sums)
        };
        let series = |series: &[Sums]| asks.bucket.map(|_| Named::series(metrics, |_| series));
        let compared = answer.compared.as_ref();
        let row = |(place, row): (usize, &report::Row)| RowSaid {
            key: row.key.iter().map(|text| text.to_string()).collect(),
            values: of(&row.sums),
            series: series(&row.series),
            before: compared.and_then(|compared| compared.rows.get(place)).map(of),
        };
        let before = |compared: &Compared| Before {
            range: self.range(Span { from: compared.from, to: compared.to }),
            totals: has_totals.then(|| of(&compared.total)),
            buckets: asks.bucket.map(|_| self.buckets(&compared.buckets)),
            series: if has_totals { series(&compared.series) } else { None },
            imported: None,
        };
        let past = asks.offset + answer.rows.len();
        Ok(BreakdownSaid {
            range: self.range(span),
            by: asks.by.clone(),
            metrics: metrics.clone(),
            totals: has_totals.then(|| of(&answer.total)),
            buckets: asks.bucket.map(|_| self.buckets(&answer.buckets)),
            series: if has_totals { series(&answer.series) } else { None },
            rows: answer.rows.iter().enumerate().map(row).collect(),
            groups: answer.groups,
            offset: asks.offset,
            next: (past < answer.groups && !answer.rows.is_empty()).then_some(past),
            before: compared.map(before),
            imported,
        })
    }

    /// What the span is held against.
    pub(super) fn earlier(&self, asks: &Breakdown, span: Span) -> Result<Option<Span>, Refusal> {
        asks.compare.map(|compare| earlier(compare, span, self.asked.zone, self.moment.now)).transpose()
    }

    pub(super) fn query_of(&self, asks: &Breakdown, span: Span) -> Result<Query, Refusal> {
        let earlier = self.earlier(asks, span)?;
        Ok(Query {
            from: span.from,
            to: span.to,
            metrics: asks.metrics.clone(),
            by: asks.by.clone(),
            bucket: asks.bucket,
            filter: self.within(asks.filter.as_ref()),
            goal: asks.goal.as_ref().map(|goal| self.narrowed(goal)),
            compare: earlier.map(|Span { from, to }| Compare::Range { from, to }),
            bots: asks.bots,
            sort: asks.sort(),
            limit: asks.limit,
            offset: asks.offset,
            totals: asks.totals,
        })
    }

    fn funnel(&self, asks: &Funnel, span: Span) -> Result<FunnelSaid, Refusal> {
        let steps = asks.steps.iter().map(|step| match self.within(asks.filter.as_ref()) {
            Some(within) => and([within, self.narrowed(step)]),
            None => step.clone(),
        });
        let funnel = report::Funnel {
            from: span.from,
            to: span.to,
            steps: steps.collect(),
            window_ms: asks.window_ms,
            bots: asks.bots,
        };
        let reached = report::funnel(self.asked.parts, self.asked.zone, &funnel, self.asked.control);
        let steps = steps_said(&reached.map_err(refused::report)?);
        Ok(FunnelSaid { range: self.range(span), steps, imported: self.left(span) })
    }

    fn retention(&self, asks: &Retention, span: Span) -> Result<RetentionSaid, Refusal> {
        let query = history::query::Retention {
            from: span.from,
            to: span.to,
            unit: asks.unit,
            filter: self.within(asks.filter.as_ref()),
            bots: asks.bots,
        };
        let Asked { parts, zone, control, .. } = self.asked;
        let cohorts = report::retention(parts, zone, &query, control).map_err(refused::report)?;
        // What has not begun yet is not nobody.
        let begun = cohorts.iter().filter(|cohort| cohort.start <= self.moment.now.0).count();
        let cohort = |(place, cohort): (usize, &report::Cohort)| {
            let seen = cohort.visitors.iter().take((begun - place).min(asks.periods + 1));
            CohortSaid {
                from: cohort.start,
                begin: local(zone, cohort.start),
                visitors: cohort.visitors.first().copied().unwrap_or(0),
                returned: seen.copied().collect(),
            }
        };
        let cohorts = cohorts.iter().take(begun).enumerate().map(cohort).collect();
        let imported = self.left(span);
        Ok(RetentionSaid { range: self.range(span), unit: asks.unit, cohorts, imported })
    }

    fn journeys(&self, asks: &Journeys, span: Span) -> Result<JourneysSaid, Refusal> {
        let query = history::query::Journey {
            from: span.from,
            to: span.to,
            page: asks.page.clone(),
            backward: asks.direction == Direction::Previous,
            depth: asks.depth,
            children: asks.limit,
            filter: self.within(asks.filter.as_ref()),
            bots: asks.bots,
        };
        let Asked { parts, zone, control, .. } = self.asked;
        let root = report::journey(parts, zone, &query, control).map_err(refused::report)?;
        Ok(JourneysSaid {
            range: self.range(span),
            page: asks.page.clone(),
            direction: asks.direction,
            visits: root.visits,
            ended: root.ended,
            rest: root.others,
            tree: root.children.iter().map(branch).collect(),
            imported: self.left(span),
        })
    }

    /// Of people's ways daily totals tell nothing.
    fn left(&self, span: Span) -> Option<ImportedSaid> {
        let because = "a day's totals hold no visits";
        if self.moment.within.is_some() {
            return None;
        }
        self.imported.left(span, self.asked.zone, &self.counted_days, because)
    }

    pub(super) fn query(&self, query: &Query) -> Result<report::Answer, Refusal> {
        report::answer(self.asked.parts, self.asked.zone, query, self.asked.control).map_err(refused::report)
    }

    /// A filter, and what bounds every question.
    fn within(&self, filter: Option<&Filter>) -> Option<Filter> {
        let bound = self.moment.within.iter().map(|within| within.filter().clone());
        let both: Vec<Filter> = bound.chain(filter.map(|filter| self.narrowed(filter))).collect();
        match both.len() {
            0 => None,
            _ => Some(and(both)),
        }
    }

    fn narrowed(&self, filter: &Filter) -> Filter {
        self.moment.within.as_ref().map_or_else(|| filter.clone(), |within| within.narrowed(filter))
    }

    /// The begin of the first day with a hit for which the bound holds: even that others were there before is not told.
    fn first_within(&self, within: &Within) -> Result<Option<i64>, Refusal> {
        let Some((mut from, last)) = self.asked.range else { return Ok(None) };
        let mut to = last + 1;
        for unit in [Unit::Month, Unit::Day] {
            let query = Query {
                metrics: vec![Metric::Visitors],
                bucket: Some(unit),
                filter: Some(within.filter().clone()),
                bots: Bots::With,
                ..Query::totals(from, to)
            };
            let answer = self.query(&query)?;
            let Some(place) = answer.series.iter().position(|sums| sums.visitors > 0) else {
                return Ok(None);
            };
            from = answer.buckets[place].max(from);
            to = answer.buckets.get(place + 1).copied().unwrap_or(to);
        }
        Ok(Some(from))
    }

    fn check_numbers(&self, asks: &Breakdown, span: Span) -> Result<(), Refusal> {
        let buckets = match asks.bucket {
            Some(unit) => {
                let buckets = Buckets::new(self.asked.zone, unit, span.from, span.to);
                buckets.map_err(|bad| refused::query("bucket", bad))?.starts.len() + 1
            }
            None => 1,
        };
        let lines = if asks.by.is_empty() { 1 } else { asks.limit + 1 };
        let numbers = lines.saturating_mul(buckets).saturating_mul(asks.metrics.len());
        match numbers > NUMBERS_MAX {
            true => {
                Err(refused::limit("limit", "numbers in one answer (rows × buckets × metrics)", NUMBERS_MAX))
            }
            false => Ok(()),
        }
    }

    pub(super) fn range(&self, span: Span) -> RangeSaid {
        let Span { from, to } = span;
        RangeSaid { from, to, begin: local(self.asked.zone, from), end: local(self.asked.zone, to) }
    }

    pub(super) fn buckets(&self, starts: &[i64]) -> Vec<Bucket> {
        let bucket = |&from: &i64| Bucket { from, begin: local(self.asked.zone, from), imported: false };
        starts.iter().map(bucket).collect()
    }
}

/// All of them; those that are such lists already make the list no deeper.
fn and(filters: impl IntoIterator<Item = Filter>) -> Filter {
    let mut all = Vec::new();
    for filter in filters {
        match filter {
            Filter::And(inner) => all.extend(inner),
            other => all.push(other),
        }
    }
    Filter::And(all)
}

/// As deep as `JOURNEY_DEPTH_MAX`.
fn branch(node: &report::Node) -> BranchSaid {
    BranchSaid {
        page: node.page.to_string(),
        visits: node.visits,
        ended: node.ended,
        rest: node.others,
        then: node.children.iter().map(branch).collect(),
    }
}

fn steps_said(reached: &[Reached]) -> Vec<StepSaid> {
    let ratio = |part: u64, whole: u64| if whole == 0 { 0.0 } else { part as f64 / whole as f64 };
    let first = reached.first().map_or(0, |step| step.visitors);
    let mut steps = Vec::with_capacity(reached.len());
    for (place, step) in reached.iter().enumerate() {
        let previous = place.checked_sub(1).map_or(first, |before| reached[before].visitors);
        let next = reached.get(place + 1).map_or(step.visitors, |next| next.visitors);
        steps.push(StepSaid {
            visitors: step.visitors,
            share: ratio(step.visitors, first),
            of_previous: ratio(step.visitors, previous),
            lost: step.visitors.saturating_sub(next),
            time_ms: ratio(step.time_ms, step.visitors),
        });
    }
    steps
}
