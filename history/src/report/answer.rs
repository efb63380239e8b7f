//! What a report says: whole numbers, from which every metric follows.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::query::Metric;

/// The sums of one group, bucket or whole range.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sums {
    /// Distinct, exact.
    pub visitors: u64,
    pub visits: u64,
    pub pageviews: u64,
    pub events: u64,
    /// Of the visits.
    pub bounces: u64,
    /// Of the visits.
    pub duration_ms: u64,
    pub engaged_ms: u64,
    /// Over pageviews, percent each.
    pub scroll: u64,
    /// Millionths.
    pub revenue: i64,
    /// Distinct visitors who did the goal, exact.
    pub converted: u64,
    /// Hits that are the goal's.
    pub conversions: u64,
    /// Of the conversions, millionths.
    pub goal_revenue: i64,
}

/// One group of a breakdown.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// A text for each dimension of the query.
    pub key: Vec<Arc<str>>,
    pub sums: Sums,
    /// For each bucket, where the query has some.
    pub series: Vec<Sums>,
}

/// The answer to a query.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Answer {
    /// All hits that count, whether in a group or not.
    pub total: Sums,
    /// Begins of the buckets; empty without.
    pub buckets: Vec<i64>,
    /// Of all hits that count, for each bucket.
    pub series: Vec<Sums>,
    /// The groups from `offset` on, `limit` at most.
    pub rows: Vec<Row>,
    /// How many groups there are.
    pub groups: usize,
    /// Where the query compares.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compared: Option<Compared>,
}

/// The same of another range.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Compared {
    pub from: i64,
    pub to: i64,
    pub total: Sums,
    /// Begins of its buckets. The first meets the answer's first, and so on; there may be more or fewer.
    pub buckets: Vec<i64>,
    pub series: Vec<Sums>,
    /// For each row of the answer, what its group has here.
    pub rows: Vec<Sums>,
}

impl Sums {
    /// Means over nothing are zero.
    pub fn metric(&self, metric: Metric) -> f64 {
        let ratio = |part: u64, whole: u64| if whole == 0 { 0.0 } else { part as f64 / whole as f64 };
        match metric {
            Metric::Visitors => self.visitors as f64,
            Metric::Visits => self.visits as f64,
            Metric::Pageviews => self.pageviews as f64,
            Metric::Events => self.events as f64,
            Metric::ViewsAVisit => ratio(self.pageviews, self.visits),
            Metric::BounceRate => ratio(self.bounces, self.visits),
            Metric::VisitDuration => ratio(self.duration_ms, self.visits),
            Metric::EngagedTime => self.engaged_ms as f64,
            Metric::ScrollDepth => ratio(self.scroll, self.pageviews),
            Metric::Revenue => self.revenue as f64,
            Metric::Converted => self.converted as f64,
            Metric::Conversions => self.conversions as f64,
            Metric::ConversionRate => ratio(self.converted, self.visitors),
            Metric::GoalRevenue => self.goal_revenue as f64,
        }
    }
}
