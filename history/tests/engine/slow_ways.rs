//! The recount of cohorts, journeys and funnels, as their definitions read.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use history::query::{Bots, Filter, Journey, Query, Retention};
use history::report::{Cohort, Funnel, Node, Reached};
use model::VisitorId;

use crate::slow::{Mark, Recount, Visit, is_view, wanted};

impl Recount {
    /// The hits of a range for which a filter holds.
    fn counted(&self, from: i64, to: i64, filter: Option<&Filter>, bots: Bots) -> Vec<(&Visit, &Mark)> {
        let query = Query { bots, ..Query::totals(from, to) };
        let visits = self.visits.iter().filter(|visit| wanted(bots, visit.bot));
        let marks = visits.flat_map(|visit| visit.marks.iter().map(move |mark| (visit, mark)));
        let holds = |(visit, mark): &(&Visit, &Mark)| {
            (from..to).contains(&mark.hit.at.0)
                && filter.is_none_or(|filter| self.holds(&query, filter, visit, mark))
        };
        marks.filter(holds).collect()
    }

    pub fn retention(&self, query: &Retention) -> Vec<Cohort> {
        let starts = self.buckets(query.unit, query.from, query.to);
        let period = |at: i64| starts.iter().rposition(|&start| start <= at).unwrap_or(0);
        let mut firsts: BTreeMap<VisitorId, i64> = BTreeMap::new();
        for visit in self.visits.iter().filter(|visit| wanted(query.bots, visit.bot)) {
            let first = firsts.entry(visit.visitor).or_insert(visit.first);
            *first = visit.first.min(*first);
        }
        let hits = self.counted(query.from, query.to, query.filter.as_ref(), query.bots);
        let there = |cohort: usize, then: usize| -> BTreeSet<VisitorId> {
            let is = |(visit, mark): &&(&Visit, &Mark)| {
                let first = firsts[&visit.visitor];
                (query.from..query.to).contains(&first)
                    && period(first) == cohort
                    && period(mark.hit.at.0) == then
            };
            hits.iter().filter(is).map(|(visit, _)| visit.visitor).collect()
        };
        let cohort = |cohort: usize| {
            let members = there(cohort, cohort);
            let count = |then| there(cohort, then).intersection(&members).count() as u64;
            Cohort { start: starts[cohort], visitors: (cohort..starts.len()).map(count).collect() }
        };
        (0..starts.len()).map(cohort).collect()
    }

    pub fn journey(&self, query: &Journey) -> Node {
        let hits = self.counted(query.from, query.to, query.filter.as_ref(), query.bots);
        let mut visits: BTreeMap<*const Visit, &Visit> = BTreeMap::new();
        for (visit, _) in hits {
            if (query.from..query.to).contains(&visit.first) {
                visits.insert(visit, visit);
            }
        }
        let way = |visit: &&Visit| -> Option<Vec<String>> {
            let views = visit.marks.iter().filter(|mark| is_view(&mark.hit));
            let mut pages: Vec<String> = views.map(|mark| mark.hit.page.path.to_string()).collect();
            let at = match &query.page {
                Some(page) => pages.iter().position(|path| path == page)?,
                None if query.backward => pages.len(),
                None => return Some(pages),
            };
            if query.backward {
                pages.truncate(at);
                pages.reverse();
                return Some(pages);
            }
            Some(pages[at + 1..].to_vec())
        };
        let ways: Vec<Vec<String>> = visits.values().filter_map(way).collect();
        node(query.page.as_deref().unwrap_or(""), ways, query.depth, query.children)
    }

    /// Every chain of steps is tried: of each first step, the soonest second after it, and so on.
    pub fn funnel(&self, funnel: &Funnel) -> Vec<Reached> {
        let query = Query { bots: funnel.bots, ..Query::totals(funnel.from, funnel.to) };
        let mut people: BTreeMap<VisitorId, Vec<(&Visit, &Mark)>> = BTreeMap::new();
        for (visit, mark) in self.counted(funnel.from, funnel.to, None, funnel.bots) {
            people.entry(visit.visitor).or_default().push((visit, mark));
        }
        let mut reached = vec![Reached::default(); funnel.steps.len()];
        for hits in people.values_mut() {
            hits.sort_by_key(|(_, mark)| mark.hit.at);
            let is =
                |step: usize, hit: &(&Visit, &Mark)| self.holds(&query, &funnel.steps[step], hit.0, hit.1);
            for step in 0..funnel.steps.len() {
                // The first hit at which a chain of so many steps is complete, and of the chains then the latest begun.
                let mut found: Option<(i64, i64, i64)> = None;
                for begin in 0..hits.len() {
                    let Some(times) = chain(hits, begin, step, &is, funnel.window_ms) else { continue };
                    let (end, began) = (times[step], times[0]);
                    let time = if step == 0 { 0 } else { end - times[step - 1] };
                    let is_sooner =
                        found.is_none_or(|(best, since, _)| (end, Reverse(began)) < (best, Reverse(since)));
                    if is_sooner {
                        found = Some((end, began, time));
                    }
                }
                let Some((_, _, time)) = found else { break };
                reached[step].visitors += 1;
                reached[step].time_ms += time as u64;
            }
        }
        reached
    }
}

/// The times of steps from one that begins at a hit, each as soon as can be.
fn chain(
    hits: &[(&Visit, &Mark)],
    begin: usize,
    steps: usize,
    is: &dyn Fn(usize, &(&Visit, &Mark)) -> bool,
    window_ms: i64,
) -> Option<Vec<i64>> {
    if !is(0, &hits[begin]) {
        return None;
    }
    let at = |index: usize| hits[index].1.hit.at.0;
    let mut times = vec![at(begin)];
    let mut last = begin;
    for step in 1..=steps {
        last = (last + 1..hits.len()).find(|&next| is(step, &hits[next]))?;
        if at(last) - times[0] > window_ms {
            return None;
        }
        times.push(at(last));
    }
    Some(times)
}

fn node(page: &str, ways: Vec<Vec<String>>, depth: usize, children: usize) -> Node {
    let visits = ways.len() as u64;
    let mut next: BTreeMap<String, Vec<Vec<String>>> = BTreeMap::new();
    let mut ended = 0;
    for way in ways {
        match way.split_first() {
            Some((first, rest)) => next.entry(first.clone()).or_default().push(rest.to_vec()),
            None => ended += 1,
        }
    }
    let mut next: Vec<(String, Vec<Vec<String>>)> = next.into_iter().collect();
    next.sort_by_key(|(page, ways)| (Reverse(ways.len()), page.clone()));
    let shown = if depth == 0 { 0 } else { children.min(next.len()) };
    let rest = next.split_off(shown);
    Node {
        page: Arc::from(page),
        visits,
        ended,
        children: next.into_iter().map(|(page, ways)| node(&page, ways, depth - 1, children)).collect(),
        others: rest.iter().map(|(_, ways)| ways.len() as u64).sum(),
    }
}
