//! Answers as they stand in JSON: numbers by name, ready to be shown.

use std::fmt;

use history::query::{Dimension, Metric, Unit};
use history::report::Sums;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Number;

use super::question::Direction;

/// The answer to one question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Answer {
    Breakdown(Box<BreakdownSaid>),
    Funnel(FunnelSaid),
    Retention(RetentionSaid),
    Journeys(JourneysSaid),
}

impl Answer {
    /// Of which days of its range only totals are known.
    pub fn imported(&self) -> Option<&ImportedSaid> {
        match self {
            Answer::Breakdown(said) => said.imported.as_ref(),
            Answer::Funnel(said) => said.imported.as_ref(),
            Answer::Retention(said) => said.imported.as_ref(),
            Answer::Journeys(said) => said.imported.as_ref(),
        }
    }

    pub fn range(&self) -> &RangeSaid {
        match self {
            Answer::Breakdown(said) => &said.range,
            Answer::Funnel(said) => &said.range,
            Answer::Retention(said) => &said.range,
            Answer::Journeys(said) => &said.range,
        }
    }
}

/// An answer by itself, with the moment it is of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Told {
    /// Milliseconds since 1970 UTC.
    pub at: i64,
    pub time_zone: String,
    #[serde(flatten)]
    pub answer: Answer,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RangeSaid {
    pub from: i64,
    pub to: i64,
    /// Both by the site's own clock.
    pub begin: String,
    pub end: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bucket {
    pub from: i64,
    pub begin: String,
    /// Days of which only totals are known are in it; left out where none are.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub imported: bool,
}

/// The days of a range of which only totals are known, as another program counted them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImportedSaid {
    pub days: usize,
    /// As `2026-11-21`.
    pub first: String,
    pub last: String,
    /// Whether they are in the numbers. Visitors of several such days are sums.
    pub counted: bool,
    /// Why they are not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    /// Metrics that they are not in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub without: Vec<Metric>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BreakdownSaid {
    pub range: RangeSaid,
    pub by: Vec<Dimension>,
    pub metrics: Vec<Metric>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub totals: Option<Named<Number>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub buckets: Option<Vec<Bucket>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub series: Option<Named<Vec<Number>>>,
    pub rows: Vec<RowSaid>,
    pub groups: usize,
    pub offset: usize,
    pub next: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Before>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imported: Option<ImportedSaid>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RowSaid {
    pub key: Vec<String>,
    pub values: Named<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub series: Option<Named<Vec<Number>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Named<Number>>,
}

/// What the earlier range had.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Before {
    pub range: RangeSaid,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub totals: Option<Named<Number>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub buckets: Option<Vec<Bucket>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub series: Option<Named<Vec<Number>>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imported: Option<ImportedSaid>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FunnelSaid {
    pub range: RangeSaid,
    pub steps: Vec<StepSaid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imported: Option<ImportedSaid>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepSaid {
    pub visitors: u64,
    /// Of those who took the first.
    pub share: f64,
    pub of_previous: f64,
    /// Who did not take the next.
    pub lost: u64,
    /// Mean, from the step before.
    pub time_ms: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RetentionSaid {
    pub range: RangeSaid,
    pub unit: Unit,
    pub cohorts: Vec<CohortSaid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imported: Option<ImportedSaid>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CohortSaid {
    pub from: i64,
    pub begin: String,
    pub visitors: u64,
    /// In its own unit (all of them), in the next, and so on.
    pub returned: Vec<u64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JourneysSaid {
    pub range: RangeSaid,
    pub page: Option<String>,
    pub direction: Direction,
    pub visits: u64,
    /// Of them, whose way has no further page.
    pub ended: u64,
    /// Of them, who went to pages that are not in the tree.
    pub rest: u64,
    pub tree: Vec<BranchSaid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imported: Option<ImportedSaid>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BranchSaid {
    pub page: String,
    pub visits: u64,
    pub ended: u64,
    pub rest: u64,
    pub then: Vec<BranchSaid>,
}

/// Something for each metric, in the order they were asked for; a JSON object.
#[derive(Clone, Debug, PartialEq)]
pub struct Named<T>(pub Vec<(Metric, T)>);

impl<T: Serialize> Serialize for Named<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.0.iter().map(|(metric, value)| (metric, value)))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Named<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Named<T>, D::Error> {
        struct Pairs<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Pairs<T> {
            type Value = Named<T>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a value for each metric")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Named<T>, M::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Named(pairs))
            }
        }
        from.deserialize_map(Pairs(std::marker::PhantomData))
    }
}

impl Named<Number> {
    pub fn of(metrics: &[Metric], sums: impl Fn(Metric) -> Sums) -> Named<Number> {
        Named(metrics.iter().map(|&metric| (metric, number(metric, &sums(metric)))).collect())
    }
}

impl Named<Vec<Number>> {
    pub fn series<'s>(metrics: &[Metric], series: impl Fn(Metric) -> &'s [Sums]) -> Named<Vec<Number>> {
        let line = |metric| series(metric).iter().map(|sums| number(metric, sums)).collect();
        Named(metrics.iter().map(|&metric| (metric, line(metric))).collect())
    }
}

/// Counts and sums are whole; means and rates are not; money is in units, from millionths.
fn number(metric: Metric, sums: &Sums) -> Number {
    match metric {
        Metric::Visitors => sums.visitors.into(),
        Metric::Visits => sums.visits.into(),
        Metric::Pageviews => sums.pageviews.into(),
        Metric::Events => sums.events.into(),
        Metric::EngagedTime => sums.engaged_ms.into(),
        Metric::Converted => sums.converted.into(),
        Metric::Conversions => sums.conversions.into(),
        Metric::Revenue | Metric::GoalRevenue => ratio(sums.metric(metric) / 1e6),
        Metric::ScrollDepth => ratio(sums.metric(metric) / 100.0),
        Metric::ViewsAVisit | Metric::BounceRate | Metric::VisitDuration | Metric::ConversionRate => {
            ratio(sums.metric(metric))
        }
    }
}

fn ratio(value: f64) -> Number {
    Number::from_f64(value).unwrap_or_else(|| 0.into())
}
