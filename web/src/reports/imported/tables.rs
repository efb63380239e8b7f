//! What is kept of a day of which only totals are known: its tables, their dimensions, and the metrics that they tell.

use history::query::{Dimension, Metric};
use history::report::Sums;
use serde::{Deserialize, Serialize};
use store::totals::TotalsTable;

/// What was counted of one group on one day.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DayRow {
    /// A text for each of the table's dimensions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub key: Vec<String>,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub visitors: u64,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub visits: u64,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub pageviews: u64,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub bounces: u64,
    /// Of all visits, seconds.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub duration_s: u64,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub events: u64,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl DayRow {
    /// Both together; sums that pass what a number holds stay there.
    pub fn add(&mut self, other: &DayRow) {
        self.visitors = self.visitors.saturating_add(other.visitors);
        self.visits = self.visits.saturating_add(other.visits);
        self.pageviews = self.pageviews.saturating_add(other.pageviews);
        self.bounces = self.bounces.saturating_add(other.bounces);
        self.duration_s = self.duration_s.saturating_add(other.duration_s);
        self.events = self.events.saturating_add(other.events);
    }

    pub(super) fn sums(&self) -> Sums {
        Sums {
            visitors: self.visitors,
            visits: self.visits,
            pageviews: self.pageviews,
            events: self.events,
            bounces: self.bounces,
            duration_ms: self.duration_s.saturating_mul(1_000),
            ..Sums::default()
        }
    }
}

/// What a table is broken down by, in the order of its rows' keys.
pub fn dimensions(table: TotalsTable) -> &'static [&'static str] {
    match table {
        TotalsTable::All => &[],
        TotalsTable::Pages => &["hostname", "page"],
        TotalsTable::EntryPages => &["entry-page"],
        TotalsTable::ExitPages => &["exit-page"],
        TotalsTable::Sources => {
            &["source", "referrer", "utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term"]
        }
        TotalsTable::Places => &["country", "region", "city"],
        TotalsTable::Devices => &["device"],
        TotalsTable::Browsers => &["browser", "browser_version"],
        TotalsTable::Systems => &["os", "os_version"],
        TotalsTable::Events => &["event"],
    }
}

/// Whether a table tells a metric.
pub(super) fn tells(table: TotalsTable, metric: Metric) -> bool {
    match metric {
        Metric::Visitors => true,
        Metric::Visits => table != TotalsTable::Events,
        Metric::Pageviews | Metric::ViewsAVisit => {
            !matches!(table, TotalsTable::Events | TotalsTable::ExitPages)
        }
        Metric::BounceRate | Metric::VisitDuration => {
            !matches!(table, TotalsTable::Events | TotalsTable::ExitPages | TotalsTable::Pages)
        }
        Metric::Events => matches!(table, TotalsTable::Events | TotalsTable::All),
        _ => false,
    }
}

/// The table that can be broken down by these, and where each stands in its keys.
pub(super) fn table_of(by: &[Dimension]) -> Option<(TotalsTable, Vec<usize>)> {
    TotalsTable::EVERY.into_iter().find_map(|table| {
        let place = |by: &Dimension| dimensions(table).iter().position(|name| *name == by.to_string());
        let places: Option<Vec<usize>> = by.iter().map(place).collect();
        places.map(|places| (table, places))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_breakdown_finds_the_table_that_tells_all_its_dimensions() {
        let check = |by: &[&str], expected: Option<(TotalsTable, Vec<usize>)>| {
            let by: Vec<Dimension> = by.iter().map(|by| by.parse().unwrap()).collect();
            assert_eq!(table_of(&by), expected, "{by:?}");
        };
        check(&[], Some((TotalsTable::All, vec![])));
        check(&["page"], Some((TotalsTable::Pages, vec![1])));
        check(&["country", "city"], Some((TotalsTable::Places, vec![0, 2])));
        check(&["browser", "browser_version"], Some((TotalsTable::Browsers, vec![0, 1])));
        check(&["page", "country"], None);
        check(&["title"], None);
        check(&["prop:a"], None);
    }
}
