//! Which sums and counts a query needs, so that no other is made.

use super::asked::Whose;
use crate::query::{Metric, Query};

/// Which sums a query needs.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wants {
    pub visitors: bool,
    pub visits: bool,
    pub pageviews: bool,
    pub events: bool,
    pub bounces: bool,
    pub duration: bool,
    pub engaged: bool,
    pub scroll: bool,
    pub revenue: bool,
    /// Visitors who converted.
    pub converted: bool,
    pub conversions: bool,
    pub goal_revenue: bool,
}

impl Wants {
    /// What the metrics of a query need, and the order of its rows.
    pub fn of(query: &Query) -> Wants {
        let order = (!query.by.is_empty()).then_some(query.sort.by);
        let metrics: Vec<Metric> = query.metrics.iter().copied().chain(order).collect();
        let any = |of: &[Metric]| metrics.iter().any(|metric| of.contains(metric));
        Wants {
            visitors: any(&[Metric::Visitors, Metric::ConversionRate]),
            visits: any(&[Metric::Visits, Metric::ViewsAVisit, Metric::BounceRate, Metric::VisitDuration]),
            pageviews: any(&[Metric::Pageviews, Metric::ViewsAVisit, Metric::ScrollDepth]),
            events: any(&[Metric::Events]),
            bounces: any(&[Metric::BounceRate]),
            duration: any(&[Metric::VisitDuration]),
            engaged: any(&[Metric::EngagedTime]),
            scroll: any(&[Metric::ScrollDepth]),
            revenue: any(&[Metric::Revenue]),
            converted: any(&[Metric::Converted, Metric::ConversionRate]),
            conversions: any(&[Metric::Conversions]),
            goal_revenue: any(&[Metric::GoalRevenue]),
        }
    }

    pub fn is_of_goal(self) -> bool {
        self.converted || self.conversions || self.goal_revenue
    }

    pub fn visitors_of(self, whose: Whose) -> bool {
        match whose {
            Whose::All => self.visitors,
            Whose::Converted => self.converted,
        }
    }

    /// What to sum of the rows that are conversions.
    pub fn of_conversions(self) -> Wants {
        let (hits, revenue) = (self.conversions, self.goal_revenue);
        Wants { pageviews: hits, events: hits, revenue, ..Wants::default() }
    }

    /// No sums at all: visitors only, counted apart.
    pub fn is_rows_only(self) -> bool {
        let sums = [self.visits, self.pageviews, self.events, self.bounces, self.duration];
        let more = [self.engaged, self.scroll, self.revenue];
        sums.iter().chain(&more).all(|wanted| !wanted)
    }
}
