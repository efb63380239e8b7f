//! The headline numbers as a page has them that no script fills.

use std::time::Duration;

use history::query::Metric;
use model::Site;
use serde_json::{Value, json};

use super::http::{limit_rate, one};
use super::question::name;
use super::said::{Answer, Named};
use super::within::OF_WHOLE_VISITS;
use crate::Web;
use crate::guard::Caller;

/// A page does not wait longer for them: the scripts that nearly everybody has ask for themselves.
const WAIT_MAX: Duration = Duration::from_secs(2);

const METRICS: [(Metric, &str); 8] = [
    (Metric::Visitors, "Visitors"),
    (Metric::Visits, "Visits"),
    (Metric::Pageviews, "Pageviews"),
    (Metric::ViewsAVisit, "Views a visit"),
    (Metric::BounceRate, "Bounce rate"),
    (Metric::VisitDuration, "Visit duration"),
    (Metric::EngagedTime, "Engaged time a visit"),
    (Metric::ScrollDepth, "Scroll depth"),
];

/// One of them, of the last 28 days and of the 28 before.
pub struct Headline {
    pub name: &'static str,
    pub now: String,
    pub before: String,
}

/// Empty where they cannot be had at once. `is_of_hits`: whoever asks is not told of whole visits.
pub async fn headline(web: &Web, caller: &Caller, site: &Site, is_of_hits: bool) -> Vec<Headline> {
    if limit_rate(web, caller, 1).is_err() {
        return Vec::new();
    }
    let told = |(metric, _): &&(Metric, _)| !(is_of_hits && OF_WHOLE_VISITS.contains(metric));
    let shown: Vec<_> = METRICS.iter().filter(told).collect();
    let metrics: Vec<String> = shown.iter().map(|(metric, _)| name(*metric)).collect();
    let question: Value =
        json!({ "kind": "breakdown", "range": "28d", "metrics": metrics, "compare": "previous" });
    let told = tokio::time::timeout(WAIT_MAX, one(web, caller, site, question)).await;
    let Ok(Ok(told)) = told else { return Vec::new() };
    let Answer::Breakdown(said) = told.answer else { return Vec::new() };
    let (now, before) = (said.totals, said.before.and_then(|before| before.totals));
    let line = |&(metric, name): &(Metric, &'static str)| {
        let of =
            |totals: &Option<Totals>| totals.as_ref().map_or_else(String::new, |totals| text(metric, totals));
        Headline { name, now: of(&now), before: of(&before) }
    };
    shown.into_iter().map(line).collect()
}

type Totals = Named<serde_json::Number>;

fn text(metric: Metric, totals: &Totals) -> String {
    let value = |metric: Metric| {
        let found = totals.0.iter().find(|(known, _)| *known == metric);
        found.and_then(|(_, value)| value.as_f64()).unwrap_or(0.0)
    };
    match metric {
        Metric::BounceRate | Metric::ScrollDepth => format!("{:.1}%", value(metric) * 100.0),
        Metric::ViewsAVisit => format!("{:.2}", value(metric)),
        Metric::VisitDuration => clock(value(metric)),
        Metric::EngagedTime => clock(value(metric) / value(Metric::Visits).max(1.0)),
        _ => format!("{:.0}", value(metric)),
    }
}

/// `12:05`
fn clock(ms: f64) -> String {
    let seconds = (ms / 1_000.0) as u64;
    format!("{}:{:02}", seconds / 60, seconds % 60)
}
