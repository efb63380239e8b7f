//! The query language of reports, as it stands in JSON. Every maximum has a name, and its error says it.

mod compare;
mod dimension;
mod filter;
mod journey;
mod retention;

use serde::{Deserialize, Serialize};

pub use compare::Compare;
pub use dimension::Dimension;
pub(crate) use filter::Judge;
pub use filter::{Filter, PATTERN_BYTES_MAX, VALUES_MAX};
pub use journey::{JOURNEY_CHILDREN_MAX, JOURNEY_DEPTH_MAX, JOURNEY_NODES_MAX, Journey};
pub use retention::{COHORTS_MAX, Retention};

/// Metrics of one report.
pub const METRICS_MAX: usize = 50;
/// Dimensions of one breakdown.
pub const DIMENSIONS_MAX: usize = 2;
/// Buckets of one report.
pub const BUCKETS_MAX: usize = 20_000;
/// Cells (groups × buckets) of one report.
pub const CELLS_MAX: usize = 4_000_000;
/// Rows of one page of results.
pub const ROWS_MAX: usize = 10_000;
/// Filters within filters.
pub const FILTER_DEPTH_MAX: usize = 8;
/// Filters of one query, counted with those inside.
pub const FILTERS_MAX: usize = 64;
/// Steps of a funnel.
pub const STEPS_MAX: usize = 10;

/// One question to a site's history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// Milliseconds since 1970 UTC, the first that counts and the first that does not.
    pub from: i64,
    pub to: i64,
    #[serde(default = "metrics_by_default")]
    pub metrics: Vec<Metric>,
    #[serde(default)]
    pub by: Vec<Dimension>,
    #[serde(default)]
    pub bucket: Option<Unit>,
    #[serde(default)]
    pub filter: Option<Filter>,
    /// What counts as a conversion: see [`Metric::Converted`].
    #[serde(default)]
    pub goal: Option<Filter>,
    /// Another range to be asked the same.
    #[serde(default)]
    pub compare: Option<Compare>,
    #[serde(default)]
    pub bots: Bots,
    #[serde(default)]
    pub sort: Sort,
    #[serde(default = "rows_by_default")]
    pub limit: usize,
    #[serde(default)]
    pub offset: usize,
    /// With a breakdown: the sums over all groups too.
    #[serde(default = "yes")]
    pub totals: bool,
}

fn metrics_by_default() -> Vec<Metric> {
    vec![Metric::Visitors, Metric::Visits, Metric::Pageviews]
}

const fn yes() -> bool {
    true
}

const fn rows_by_default() -> usize {
    10
}

/// A unit of the site's calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

/// Whether hits that were judged bots' count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Bots {
    #[default]
    Without,
    With,
    Only,
}

/// What the rows of a breakdown are ordered by; rows that are equal in it by their texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sort {
    pub by: Metric,
    #[serde(default)]
    pub ascending: bool,
}

impl Default for Sort {
    fn default() -> Sort {
        Sort { by: Metric::Visitors, ascending: false }
    }
}

/// A number of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Metric {
    /// Distinct visitors with a hit that counts.
    Visitors,
    /// Visits that began in the range and have a hit that counts.
    Visits,
    Pageviews,
    Events,
    ViewsAVisit,
    /// Of the visits, those with one pageview, no event and under 10 s engaged.
    BounceRate,
    /// Mean of the visits: last sign of life minus first.
    VisitDuration,
    /// Sum over the hits that count.
    EngagedTime,
    /// Mean of the deepest point over pageviews.
    ScrollDepth,
    /// Sum of the property `revenue` of events, in millionths.
    Revenue,
    /// Distinct visitors with a hit that counts and is the goal's. A goal that names an event or a property is of events, any
    /// other of pageviews. In a group or bucket the hit is in it.
    Converted,
    /// The hits that count and are the goal's.
    Conversions,
    /// Of the visitors, those who converted.
    ConversionRate,
    /// As revenue, of the conversions.
    GoalRevenue,
}

impl Metric {
    pub const fn needs_goal(self) -> bool {
        matches!(self, Metric::Converted | Metric::Conversions | Metric::ConversionRate | Metric::GoalRevenue)
    }
}

/// A query that cannot be answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadQuery {
    #[error("the range ends before it begins")]
    Range,
    #[error("{what}: at most {max}")]
    Limit { what: &'static str, max: usize },
    #[error("{what}: at least {min}")]
    Least { what: &'static str, min: usize },
    #[error("the pattern is not understood: {0}")]
    Pattern(String),
    #[error("`{0}` is not a dimension")]
    Dimension(String),
    #[error("conversions are asked for, but no goal is given")]
    NoGoal,
    #[error("the range to compare with is beyond the calendar")]
    Calendar,
    #[error("retention is by day, week or month")]
    RetentionUnit,
    #[error(
        "a correction looks at each visit alone: it asks neither for `visitor` nor for `new-or-returning`"
    )]
    OtherVisits,
}

impl Query {
    /// All hits of a range, as one row.
    pub fn totals(from: i64, to: i64) -> Query {
        Query {
            from,
            to,
            metrics: metrics_by_default(),
            by: Vec::new(),
            bucket: None,
            filter: None,
            goal: None,
            compare: None,
            bots: Bots::default(),
            sort: Sort::default(),
            limit: rows_by_default(),
            offset: 0,
            totals: true,
        }
    }

    /// Holds the query against the limits that need no history.
    pub fn check(&self) -> Result<(), BadQuery> {
        if self.to < self.from {
            return Err(BadQuery::Range);
        }
        limit("dimensions of a breakdown", self.by.len(), DIMENSIONS_MAX)?;
        limit("rows of a page of results", self.limit, ROWS_MAX)?;
        limit("rows before a page of results", self.offset, CELLS_MAX)?;
        limit("metrics of a report", self.metrics.len(), METRICS_MAX)?;
        let asks_goal = self.metrics.iter().any(|metric| metric.needs_goal()) || self.sort.by.needs_goal();
        if asks_goal && self.goal.is_none() {
            return Err(BadQuery::NoGoal);
        }
        if let Some(Compare::Range { from, to }) = self.compare
            && to < from
        {
            return Err(BadQuery::Range);
        }
        self.filters().try_for_each(Filter::check)
    }

    /// It must be given every part that begins before the end of its ranges, not only those that touch them.
    pub fn needs_all_before(&self) -> bool {
        self.by.contains(&Dimension::NewOrReturning) || asks_firsts(self.filters())
    }

    fn filters(&self) -> impl Iterator<Item = &Filter> {
        self.filter.iter().chain(&self.goal)
    }
}

/// Some filter asks who was there before.
pub(crate) fn asks_firsts<'f>(mut filters: impl Iterator<Item = &'f Filter>) -> bool {
    filters.any(|filter| filter.names(&|by| *by == Dimension::NewOrReturning))
}

pub(crate) fn limit(what: &'static str, is: usize, max: usize) -> Result<(), BadQuery> {
    if is > max { Err(BadQuery::Limit { what, max }) } else { Ok(()) }
}
