//! Retention answered: each visitor's cohort from when they were there first, then distinct visitors by cohort and period.

use std::sync::Arc;

use serde::Serialize;

use super::bits::Bits;
use super::breakdown::{masks_of, visitors_of};
use super::buckets::Buckets;
use super::columns::Column;
use super::distinct::Distinct;
use super::group::{Context, Groups, NONE};
use super::packed::Packed;
use super::part::Part;
use super::scan::{Sink, View};
use super::{Control, ReportError};
use crate::query::{COHORTS_MAX, Retention, limit};
use crate::zone::Zone;

/// Those whose first visit began in one period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cohort {
    /// The period's begin.
    pub start: i64,
    /// Distinct, exact: of the cohort, who has a hit that counts in its own period (that is the whole cohort), in the one after,
    /// and so on to the range's end.
    pub visitors: Vec<u64>,
}

/// A cohort for each period that the range touches. `parts` as for [`super::answer`], and every one that begins before the
/// range's end.
pub fn retention(
    parts: &[Arc<Part>],
    zone: &Zone,
    query: &Retention,
    control: &Control<'_>,
) -> Result<Vec<Cohort>, ReportError> {
    query.check()?;
    let range = (query.from, query.to);
    let buckets = Buckets::new(zone, query.unit, query.from, query.to)?;
    let periods = buckets.starts.len();
    limit("periods of a retention report", periods, COHORTS_MAX)?;
    let context = Context::new(zone, parts, true, control)?;
    let parts: Vec<Arc<Part>> =
        parts.iter().filter(|part| part.touches(query.from, query.to)).cloned().collect();
    let masks = masks_of(query.filter.as_ref(), &parts, range, query.bots, &context, control)?;
    let mut views = Vec::with_capacity(parts.len());
    for (part, mask) in parts.iter().zip(masks) {
        views.push(View::new(part, mask, range, query.bots, &buckets)?);
    }
    let cohort_of = |&visitor: &u32| {
        let first = context.firsts.first(visitor as usize, query.bots);
        if (query.from..query.to).contains(&first) { buckets.of(first) as u32 } else { NONE }
    };
    let mut members = Bits::new(visitors_of(&parts));
    for view in &views {
        let visitors = view.part.column(Column::Visitor)?;
        let cohorts: Vec<u32> = visitors.wide_values().iter().map(cohort_of).collect();
        let mut sink = Members { set: &mut members, cohorts: &cohorts, visitors: visitors.wide_values() };
        view.walk(true, &buckets, control, &mut sink)?;
    }
    let mut distinct = Distinct::new(periods * periods, members.len(), u64::MAX, control)?;
    distinct.buckets = periods;
    let slots: Vec<u32> = (0..periods as u32).collect();
    for view in &views {
        let visitors = view.part.column(Column::Visitor)?;
        let of = |visitor: &u32| if members.has(*visitor as usize) { cohort_of(visitor) } else { NONE };
        let groups = Packed::wide(visitors.wide_values().iter().map(of).collect());
        distinct.walk(view, true, &Groups::Column(Arc::new(groups)), &slots, &buckets, control)?;
    }
    let counts = distinct.counts(control)?;
    let cohort = |(cohort, &start): (usize, &i64)| {
        let own = cohort * periods;
        Cohort { start, visitors: counts[own + cohort..own + periods].to_vec() }
    };
    Ok(buckets.starts.iter().enumerate().map(cohort).collect())
}

/// Finds the visitors with a hit in their cohort's own period.
struct Members<'m> {
    set: &'m mut Bits,
    /// Of each visit.
    cohorts: &'m [u32],
    visitors: &'m [u32],
}

impl Sink for Members<'_> {
    fn visit(&mut self, visit: usize, bucket: usize) {
        if self.cohorts[visit] == bucket as u32 {
            self.set.set(self.visitors[visit] as usize);
        }
    }

    fn begin(&mut self, _: usize, _: Option<usize>) {}

    fn hit(&mut self, visit: usize, _: usize, bucket: usize) {
        self.visit(visit, bucket);
    }
}
