//! The language of questions: one JSON object each, told apart by `kind`, each field held against its limit.

use std::collections::HashSet;

use door::Refusal;
use history::query::{
    Bots, CELLS_MAX, Compare, DIMENSIONS_MAX, Dimension, Filter, JOURNEY_CHILDREN_MAX, JOURNEY_DEPTH_MAX,
    Metric, PATTERN_BYTES_MAX, Query, ROWS_MAX, STEPS_MAX, Sort, Unit,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::range::{MOMENT_MAX, Range};
use super::refused::{limit, query};

/// Questions of one request.
pub const QUESTIONS_MAX: usize = 16;
/// Filters of one question; those of a share link and of a comparison come beside them, within the engine's own maximum.
pub const FILTERS_MAX: usize = 36;
/// Filters within filters.
pub const FILTER_DEPTH_MAX: usize = 6;
/// How long a funnel may stay open: as old as a hit may be when it arrives.
pub const WINDOW_MS_MAX: i64 = 400 * 86_400_000;

const KINDS: &str = "breakdown, funnel, retention, journeys";
/// Units that a cohort is followed for after its own.
pub const PERIODS_MAX: usize = 60;

#[derive(Clone, Debug)]
pub enum Question {
    Breakdown(Breakdown),
    Funnel(Funnel),
    Retention(Retention),
    Journeys(Journeys),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Breakdown {
    pub range: Range,
    #[serde(default = "metrics_by_default")]
    pub metrics: Vec<Metric>,
    #[serde(default)]
    pub by: Vec<Dimension>,
    pub bucket: Option<Unit>,
    pub compare: Option<Compare>,
    pub filter: Option<Filter>,
    /// What counts as a conversion.
    pub goal: Option<Filter>,
    #[serde(default)]
    pub bots: Bots,
    pub sort: Option<Sort>,
    #[serde(default = "rows_by_default")]
    pub limit: usize,
    #[serde(default)]
    pub offset: usize,
    #[serde(default = "yes")]
    pub totals: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Funnel {
    pub range: Range,
    pub steps: Vec<Filter>,
    pub window_ms: i64,
    pub filter: Option<Filter>,
    #[serde(default)]
    pub bots: Bots,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    pub range: Range,
    pub unit: Unit,
    #[serde(default = "periods_by_default")]
    pub periods: usize,
    pub filter: Option<Filter>,
    #[serde(default)]
    pub bots: Bots,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Journeys {
    pub range: Range,
    /// None: from the visit's begin, or its end.
    pub page: Option<String>,
    #[serde(default)]
    pub direction: Direction,
    #[serde(default = "depth_by_default")]
    pub depth: usize,
    #[serde(default = "branches_by_default")]
    pub limit: usize,
    pub filter: Option<Filter>,
    #[serde(default)]
    pub bots: Bots,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    #[default]
    Next,
    Previous,
}

const fn periods_by_default() -> usize {
    8
}

const fn depth_by_default() -> usize {
    3
}

const fn branches_by_default() -> usize {
    5
}

fn metrics_by_default() -> Vec<Metric> {
    vec![Metric::Visitors, Metric::Visits, Metric::Pageviews]
}

const fn rows_by_default() -> usize {
    10
}

const fn yes() -> bool {
    true
}

impl Question {
    /// A question from its JSON.
    pub fn read(stated: Value) -> Result<Question, Refusal> {
        let Value::Object(mut fields) = stated else {
            return Err(query("", "it is a JSON object"));
        };
        let kind = fields.remove("kind");
        let kind = kind.as_ref().and_then(Value::as_str);
        let fields = Value::Object(fields);
        let question = match kind {
            Some("breakdown") => Question::Breakdown(read(fields)?),
            Some("funnel") => Question::Funnel(read(fields)?),
            Some("retention") => Question::Retention(read(fields)?),
            Some("journeys") => Question::Journeys(read(fields)?),
            Some(other) => {
                return Err(query("kind", format!("there is no `{}`; there are {KINDS}", short(other))));
            }
            None => return Err(query("kind", format!("say which: {KINDS}"))),
        };
        question.check()?;
        Ok(question)
    }

    pub fn range(&self) -> Range {
        match self {
            Question::Breakdown(breakdown) => breakdown.range,
            Question::Funnel(funnel) => funnel.range,
            Question::Retention(retention) => retention.range,
            Question::Journeys(journeys) => journeys.range,
        }
    }

    pub fn compare(&self) -> Option<Compare> {
        match self {
            Question::Breakdown(breakdown) => breakdown.compare,
            Question::Funnel(_) | Question::Retention(_) | Question::Journeys(_) => None,
        }
    }

    /// Whether a visitor returns is told by all of their past.
    pub fn needs_all_before(&self) -> bool {
        let is_of_past = |by: &Dimension| *by == Dimension::NewOrReturning;
        matches!(self, Question::Retention(_)) || self.names(&is_of_past)
    }

    pub fn metrics(&self) -> &[Metric] {
        match self {
            Question::Breakdown(breakdown) => &breakdown.metrics,
            Question::Funnel(_) | Question::Retention(_) | Question::Journeys(_) => &[],
        }
    }

    /// It is broken down or filtered by a dimension for which this holds.
    pub fn names(&self, holds: &dyn Fn(&Dimension) -> bool) -> bool {
        let (by, filters): (&[Dimension], Vec<&Filter>) = match self {
            Question::Breakdown(asks) => (&asks.by, asks.filter.iter().chain(&asks.goal).collect()),
            Question::Funnel(asks) => (&[], asks.filter.iter().chain(&asks.steps).collect()),
            Question::Retention(asks) => (&[], asks.filter.iter().collect()),
            Question::Journeys(asks) => (&[], asks.filter.iter().collect()),
        };
        by.iter().any(holds) || filters.iter().any(|filter| filter.names(holds))
    }

    fn check(&self) -> Result<(), Refusal> {
        match self {
            Question::Breakdown(breakdown) => breakdown.check(),
            Question::Funnel(funnel) => funnel.check(),
            Question::Retention(retention) => retention.check(),
            Question::Journeys(journeys) => journeys.check(),
        }
    }
}

impl Breakdown {
    fn check(&self) -> Result<(), Refusal> {
        if self.metrics.is_empty() {
            return Err(query("metrics", "name at least one"));
        }
        let mut seen = HashSet::new();
        if let Some(twice) = self.metrics.iter().find(|metric| !seen.insert(**metric)) {
            return Err(query("metrics", format!("`{}` stands twice", name(*twice))));
        }
        if !self.metrics.contains(&self.sort().by) {
            return Err(query("sort", format!("`{}` is not among the metrics", name(self.sort().by))));
        }
        at_most("by", self.by.len(), DIMENSIONS_MAX, "dimensions")?;
        at_most("limit", self.limit, ROWS_MAX, "rows of one page")?;
        at_most("offset", self.offset, CELLS_MAX, "rows before the page")?;
        if self.limit == 0 {
            return Err(query("limit", "at least one row"));
        }
        if self.goal.is_none()
            && let Some(metric) = self.metrics.iter().find(|metric| metric.needs_goal())
        {
            return Err(query("goal", format!("`{}` needs one, and none is given", name(*metric))));
        }
        if let Some(Compare::Range { from, to }) = self.compare
            && !(0 <= from && from <= to && to <= MOMENT_MAX)
        {
            return Err(query("compare", format!("`from` and `to` are in order and from 0 to {MOMENT_MAX}")));
        }
        check_filters("filter", &self.filter, FILTERS_MAX)?;
        check_filters("goal", &self.goal, FILTERS_MAX)
    }

    pub fn sort(&self) -> Sort {
        self.sort.unwrap_or(Sort { by: self.metrics[0], ascending: false })
    }
}

impl Funnel {
    fn check(&self) -> Result<(), Refusal> {
        if self.steps.is_empty() {
            return Err(query("steps", "a funnel has at least one step"));
        }
        at_most("steps", self.steps.len(), STEPS_MAX, "steps")?;
        if !(1..=WINDOW_MS_MAX).contains(&self.window_ms) {
            return Err(query("window_ms", format!("from 1 to {WINDOW_MS_MAX} milliseconds")));
        }
        check_filters("steps", &self.steps, FILTERS_MAX)?;
        check_filters("filter", &self.filter, FILTERS_MAX)
    }
}

impl Retention {
    fn check(&self) -> Result<(), Refusal> {
        if !matches!(self.unit, Unit::Day | Unit::Week | Unit::Month) {
            return Err(query("unit", "retention is by day, week or month"));
        }
        from_one("periods", self.periods, PERIODS_MAX)?;
        check_filters("filter", &self.filter, FILTERS_MAX)
    }
}

impl Journeys {
    fn check(&self) -> Result<(), Refusal> {
        from_one("depth", self.depth, JOURNEY_DEPTH_MAX)?;
        from_one("limit", self.limit, JOURNEY_CHILDREN_MAX)?;
        at_most("page", self.page.as_ref().map_or(0, String::len), PATTERN_BYTES_MAX, "bytes")?;
        check_filters("filter", &self.filter, FILTERS_MAX)
    }
}

fn from_one(field: &str, is: usize, max: usize) -> Result<(), Refusal> {
    match (1..=max).contains(&is) {
        true => Ok(()),
        false => Err(query(field, format!("from 1 to {max}"))),
    }
}

fn at_most(field: &str, is: usize, max: usize, what: &str) -> Result<(), Refusal> {
    if is > max { Err(limit(field, what, max)) } else { Ok(()) }
}

/// Holds filters of one field against the limits, and their patterns too.
pub fn check_filters<'f>(
    field: &str,
    filters: impl IntoIterator<Item = &'f Filter>,
    max: usize,
) -> Result<(), Refusal> {
    let mut count = 0;
    for filter in filters {
        measure(field, filter, 1, &mut count)?;
        at_most(field, count, max, "filters")?;
        let asks = Query { filter: Some(filter.clone()), ..Query::totals(0, 0) };
        asks.check().map_err(|bad| query(field, bad))?;
    }
    Ok(())
}

fn measure(field: &str, filter: &Filter, depth: usize, count: &mut usize) -> Result<(), Refusal> {
    *count += 1;
    at_most(field, *count, FILTERS_MAX, "filters")?;
    at_most(field, depth, FILTER_DEPTH_MAX, "filters within one another")?;
    match filter {
        Filter::And(inner) | Filter::Or(inner) => {
            inner.iter().try_for_each(|filter| measure(field, filter, depth + 1, count))
        }
        Filter::Not(inner) | Filter::Visit(inner) | Filter::Visitor(inner) => {
            measure(field, inner, depth + 1, count)
        }
        Filter::Is { .. } | Filter::Contains { .. } | Filter::Starts { .. } | Filter::Matches { .. } => {
            Ok(())
        }
    }
}

/// Fields from their JSON; the error names the one to blame.
pub fn read<T: DeserializeOwned>(fields: Value) -> Result<T, Refusal> {
    serde_path_to_error::deserialize(fields).map_err(|error| {
        let path = error.path().to_string();
        query(&short(&path), short(&error.into_inner().to_string()))
    })
}

/// As it stands in JSON.
pub fn name(metric: Metric) -> String {
    match serde_json::to_value(metric) {
        Ok(Value::String(name)) => name,
        _ => format!("{metric:?}"),
    }
}

/// What somebody sent, cut so that an answer does not grow with it.
pub fn short(text: &str) -> String {
    const CHARS_MAX: usize = 300;
    match text.char_indices().nth(CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
