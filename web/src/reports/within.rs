//! What a share link is limited to: a filter that holds for all that is counted, whatever is asked.

use door::Refusal;
use history::query::{Dimension, Filter, Metric};

use super::question::Question;
use super::refused;

/// What is told by all hits of a visit.
pub const OF_WHOLE_VISITS: [Metric; 2] = [Metric::BounceRate, Metric::VisitDuration];

/// Nothing is told of hits for which the filter does not hold; but where a visit came from is the visit's.
#[derive(Clone, Debug, PartialEq)]
pub struct Within {
    filter: Filter,
    /// A visit is in it with all its hits or with none.
    is_of_visits: bool,
}

impl Within {
    pub fn new(filter: Filter) -> Within {
        let is_of_visits = is_of_visits(&filter);
        Within { filter, is_of_visits }
    }

    pub fn filter(&self) -> &Filter {
        &self.filter
    }

    pub fn is_of_visits(&self) -> bool {
        self.is_of_visits
    }

    /// Refuses what tells more of a visitor, or of a visit, than the hits for which the filter holds: who came first or again is told by
    /// all of a visitor's past, entry, exit and ways by all pages of a visit.
    pub fn check(&self, question: &Question) -> Result<(), Refusal> {
        if question.needs_all_before() {
            return Err(beyond("who comes for the first time, and who comes again"));
        }
        let is_of_ends = |by: &Dimension| matches!(by, Dimension::EntryPage | Dimension::ExitPage);
        let is_of_whole_visits = matches!(question, Question::Journeys(_))
            || question.names(&is_of_ends)
            || question.metrics().iter().any(|metric| OF_WHOLE_VISITS.contains(metric));
        match is_of_whole_visits && !self.is_of_visits {
            true => Err(beyond("where visits begin, end and go on to, and how long they last")),
            false => Ok(()),
        }
    }

    /// A filter that sees no further: what a visit or a visitor did counts only where this holds for it.
    pub fn narrowed(&self, filter: &Filter) -> Filter {
        let all = |inner: &[Filter]| inner.iter().map(|filter| self.narrowed(filter)).collect();
        let did = |inner: &Filter| Box::new(Filter::And(vec![self.filter.clone(), self.narrowed(inner)]));
        match filter {
            Filter::And(inner) => Filter::And(all(inner)),
            Filter::Or(inner) => Filter::Or(all(inner)),
            Filter::Not(inner) => Filter::Not(Box::new(self.narrowed(inner))),
            Filter::Visit(inner) => Filter::Visit(did(inner)),
            Filter::Visitor(inner) => Filter::Visitor(did(inner)),
            leaf => leaf.clone(),
        }
    }
}

fn is_of_visits(filter: &Filter) -> bool {
    match filter {
        Filter::And(inner) | Filter::Or(inner) => inner.iter().all(is_of_visits),
        Filter::Not(inner) => is_of_visits(inner),
        Filter::Visit(_) | Filter::Visitor(_) => true,
        Filter::Is { by, .. }
        | Filter::Contains { by, .. }
        | Filter::Starts { by, .. }
        | Filter::Matches { by, .. } => by.is_of_visit(),
    }
}

fn beyond(what: &str) -> Refusal {
    refused::query("", format!("this link shows a part of the site, which does not tell {what}"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn within(filter: Value) -> Within {
        Within::new(serde_json::from_value(filter).unwrap())
    }

    fn is(by: &str) -> Value {
        json!({"is": {"by": by, "values": ["x"]}})
    }

    #[test]
    fn a_filter_is_of_visits_where_no_hit_is_told_from_another_of_its_visit() {
        let check =
            |filter: Value, expected| assert_eq!(within(filter.clone()).is_of_visits(), expected, "{filter}");
        check(is("country"), true);
        check(is("entry-page"), true);
        check(is("page"), false);
        check(is("event"), false);
        check(is("hour"), false);
        check(json!({"visit": is("page")}), true);
        check(json!({"visitor": is("event")}), true);
        check(json!({"not": is("page")}), false);
        check(json!({"and": [is("country"), {"not": {"visit": is("page")}}]}), true);
        check(json!({"or": [is("country"), is("title")]}), false);
    }

    #[test]
    fn what_a_visit_or_visitor_did_is_looked_for_within_alone() {
        let within = within(is("country"));
        let check = |filter: Value, expected: Value| {
            let narrowed = within.narrowed(&serde_json::from_value(filter).unwrap());
            assert_eq!(serde_json::to_value(narrowed).unwrap(), expected);
        };
        check(is("page"), is("page"));
        check(json!({"visit": is("page")}), json!({"visit": {"and": [is("country"), is("page")]}}));
        let inner = json!({"visit": {"and": [is("country"), is("page")]}});
        check(
            json!({"not": {"visitor": {"or": [{"visit": is("page")}]}}}),
            json!({"not": {"visitor": {"and": [is("country"), {"or": [inner]}]}}}),
        );
    }

    #[test]
    fn questions_that_see_further_are_refused() {
        let check = |filter: Value, question: Value, allowed: bool| {
            let asked = Question::read(question.clone()).unwrap();
            assert_eq!(within(filter.clone()).check(&asked).is_ok(), allowed, "{filter} {question}");
        };
        let by = |by: &str| json!({"kind": "breakdown", "range": "7d", "by": [by]});
        let filtered = |filter: Value| json!({"kind": "breakdown", "range": "7d", "filter": filter});
        let goal = |filter: Value| json!({"kind": "breakdown", "range": "7d", "goal": filter});
        let funnel = |step: Value| json!({"kind": "funnel", "range": "7d", "window_ms": 1, "steps": [step]});
        let (journeys, retention) = (
            json!({"kind": "journeys", "range": "7d"}),
            json!({"kind": "retention", "range": "7d", "unit": "day"}),
        );
        for (filter, of_visits) in [(is("page"), false), (is("country"), true)] {
            check(filter.clone(), by("page"), true);
            check(filter.clone(), funnel(is("page")), true);
            check(filter.clone(), journeys.clone(), of_visits);
            check(filter.clone(), by("entry-page"), of_visits);
            check(filter.clone(), filtered(json!({"not": is("exit-page")})), of_visits);
            check(filter.clone(), goal(is("exit-page")), of_visits);
            check(filter.clone(), funnel(json!({"visit": is("entry-page")})), of_visits);
            check(filter.clone(), retention.clone(), false);
            check(filter.clone(), by("new-or-returning"), false);
            check(filter, filtered(is("new-or-returning")), false);
        }
    }
}
