//! A query answered: sums in one walk, distinct visitors of what is shown in further ones.

use std::sync::Arc;

use super::answer::{Answer, Row, Sums};
use super::buckets::Buckets;
use super::columns::Column;
use super::distinct::Distinct;
use super::group::{Clock, Grouping, Groups, NONE, check_cells};
use super::mask::{Mask, Ready};
use super::part::Part;
use super::scan::View;
use super::sums::{Cells, Wants};
use super::{Control, ReportError};
use crate::query::{Bots, Metric, Query};
use crate::zone::Zone;

/// Groups beyond half more than those to be shown whose visitors are counted at first.
const CANDIDATES: usize = 5;

/// The answer to a query over parts, which are all of one library, in order of their days, and hold every hit of the range.
pub fn answer(
    parts: &[Arc<Part>],
    zone: &Zone,
    query: &Query,
    control: &Control<'_>,
) -> Result<Answer, ReportError> {
    query.check()?;
    let buckets = match query.bucket {
        Some(unit) => Buckets::new(zone, unit, query.from, query.to)?,
        None => Buckets::one(query.from, query.to),
    };
    let parts: Vec<Arc<Part>> =
        parts.iter().filter(|part| part.touches(query.from, query.to)).cloned().collect();
    let mut asked =
        Asked { query, clock: Clock::new(zone), views: Vec::new(), visitors: 0, control, buckets: &buckets };
    asked.look(&parts)?;
    let grouping = Grouping::new(&query.by, &parts)?;
    asked.answer(&parts, &grouping)
}

/// Finds the visitors that filters within a filter ask for: those with a hit in the range for which it holds.
pub(super) fn visitors_for(
    filter: &mut Ready<'_>,
    parts: &[Arc<Part>],
    range: (i64, i64),
    bots: Bots,
    clock: &Clock,
    control: &Control<'_>,
) -> Result<(), ReportError> {
    let one = Buckets::one(range.0, range.1);
    filter.find_visitors(&mut |inner| {
        for part in parts {
            part.column(Column::Visitor)?;
        }
        let visitors = parts.first().map_or(0, |part| part.library().visitors());
        let mut distinct = Distinct::new(1, visitors, u64::MAX, control)?;
        for part in parts {
            let view = View::new(part, inner.mask(part, clock, control)?, range, bots, &one)?;
            distinct.walk(&view, true, &Groups::One, &[0], &one, control)?;
        }
        Ok(distinct.into_set())
    })
}

/// A query under way.
pub(super) struct Asked<'q> {
    query: &'q Query,
    clock: Clock,
    views: Vec<View>,
    /// All visitors' numbers are below this.
    visitors: usize,
    control: &'q Control<'q>,
    buckets: &'q Buckets,
}

impl<'q> Asked<'q> {
    /// Judges the rows of every part.
    fn look(&mut self, parts: &[Arc<Part>]) -> Result<(), ReportError> {
        for part in parts {
            self.control.check()?;
            part.column(Column::Visitor)?;
        }
        self.visitors = parts.first().map_or(0, |part| part.library().visitors());
        let mut filter = self.query.filter.as_ref().map(Ready::new).transpose()?;
        if let Some(filter) = &mut filter {
            let range = (self.query.from, self.query.to);
            visitors_for(filter, parts, range, self.query.bots, &self.clock, self.control)?;
        }
        let mut views = Vec::with_capacity(parts.len());
        for part in parts {
            let mask = match &filter {
                Some(filter) => filter.mask(part, &self.clock, self.control)?,
                None => Mask::All,
            };
            let range = (self.query.from, self.query.to);
            views.push(View::new(part, mask, range, self.query.bots, self.buckets)?);
        }
        self.views = views;
        Ok(())
    }

    fn answer(&self, parts: &[Arc<Part>], grouping: &Grouping<'_>) -> Result<Answer, ReportError> {
        let wants = Wants::of(&self.query.metrics);
        let buckets = self.buckets.starts.len();
        let mut answer = Answer::default();
        if self.query.bucket.is_some() {
            answer.buckets = self.buckets.starts.clone();
        }
        if self.query.by.is_empty() || self.query.totals {
            self.totals(wants, &mut answer)?;
        }
        let Some(part) = parts.first().filter(|_| !self.query.by.is_empty()) else { return Ok(answer) };
        check_cells(grouping.count, buckets)?;
        let groups: Vec<Groups> = self.groups(grouping)?;
        let mut cells = Cells::new(grouping.count, buckets, wants, self.control)?;
        self.sum(&mut cells, &groups, grouping.is_of_visit)?;
        let mut found: Vec<u32> =
            (0..grouping.count as u32).filter(|&group| cells.rows(group as usize) > 0).collect();
        answer.groups = found.len();
        let shown = self.shown(&mut found, &cells, &groups, grouping, part)?;
        self.rows(&shown, &cells, &groups, grouping, part, &mut answer)?;
        Ok(answer)
    }

    fn groups(&self, grouping: &Grouping<'_>) -> Result<Vec<Groups>, ReportError> {
        self.views.iter().map(|view| grouping.of(&view.part, &self.clock)).collect()
    }

    fn sum(&self, cells: &mut Cells, groups: &[Groups], of_visit: bool) -> Result<(), ReportError> {
        for (view, groups) in self.views.iter().zip(groups) {
            cells.walk(view, of_visit, groups, self.buckets, self.control)?;
        }
        Ok(())
    }

    /// The headline and its series.
    fn totals(&self, wants: Wants, answer: &mut Answer) -> Result<(), ReportError> {
        let buckets = self.buckets.starts.len();
        let one: Vec<Groups> = self.views.iter().map(|_| Groups::One).collect();
        let mut cells = Cells::new(1, buckets, wants, self.control)?;
        self.sum(&mut cells, &one, true)?;
        answer.total = cells.total(0);
        let is_series = self.query.bucket.is_some();
        if is_series {
            answer.series = (0..buckets).map(|bucket| cells.sums(0, bucket)).collect();
        }
        if !wants.visitors {
            return Ok(());
        }
        if is_series && buckets > 1 {
            let visitors = self.distinct(&one, &[0], true, true, cells.rows(0))?;
            answer.series.iter_mut().zip(visitors).for_each(|(sums, visitors)| sums.visitors = visitors);
        }
        answer.total.visitors = self.distinct(&one, &[0], true, false, cells.rows(0))?[0];
        if let [only] = &mut answer.series[..] {
            only.visitors = answer.total.visitors;
        }
        Ok(())
    }

    /// Distinct visitors of groups, by their slots (`NONE`: not asked for), and of each bucket if so.
    fn distinct(
        &self,
        groups: &[Groups],
        slots: &[u32],
        of_visit: bool,
        in_buckets: bool,
        rows: u64,
    ) -> Result<Vec<u64>, ReportError> {
        let one = Buckets::one(self.query.from, self.query.to);
        let count = slots.iter().filter(|&&slot| slot != NONE).count();
        let buckets = if in_buckets { self.buckets } else { &one };
        let mut distinct = Distinct::new(count * buckets.starts.len(), self.visitors, rows, self.control)?;
        distinct.buckets = if in_buckets { buckets.starts.len() } else { 1 };
        for (view, groups) in self.views.iter().zip(groups) {
            distinct.walk(view, of_visit, groups, slots, self.buckets, self.control)?;
        }
        distinct.counts(self.control)
    }

    /// The groups to show, in order.
    fn shown(
        &self,
        found: &mut [u32],
        cells: &Cells,
        groups: &[Groups],
        grouping: &Grouping<'_>,
        part: &Part,
    ) -> Result<Vec<(u32, u64)>, ReportError> {
        let sort = self.query.sort;
        let wanted = self.query.offset.saturating_add(self.query.limit);
        let mut counted: Vec<(u32, u64)> = Vec::new();
        if sort.by != Metric::Visitors {
            counted = found.iter().map(|&group| (group, 0)).collect();
        } else if !sort.ascending {
            // No group has more visitors than rows: groups with fewer than the last one shown need no count.
            found.sort_by_key(|&group| std::cmp::Reverse(cells.rows(group as usize)));
            let mut rest = &found[..];
            let mut chunk = wanted.saturating_add(wanted / 2).saturating_add(CANDIDATES);
            while !rest.is_empty() {
                let enough = counted.len() >= wanted && wanted > 0;
                if enough {
                    counted
                        .select_nth_unstable_by_key(wanted - 1, |(_, visitors)| std::cmp::Reverse(*visitors));
                    if counted[wanted - 1].1 > cells.rows(rest[0] as usize) {
                        break;
                    }
                }
                let (now, later) = rest.split_at(chunk.min(rest.len()));
                self.count(now, groups, grouping, cells, &mut counted)?;
                rest = later;
                chunk = chunk.saturating_mul(4);
            }
        } else {
            self.count(found, groups, grouping, cells, &mut counted)?;
        }
        let value = |&(group, visitors): &(u32, u64)| {
            let sums = Sums { visitors, ..cells.total(group as usize) };
            if sort.ascending { sums.metric(sort.by) } else { -sums.metric(sort.by) }
        };
        let mut keyed: Vec<(f64, (u32, u64))> = counted.iter().map(|row| (value(row), *row)).collect();
        let text = |group: u32| grouping.texts(group, part);
        // Only ties need texts; only what is shown needs order.
        let by = |a: &(f64, (u32, u64)), b: &(f64, (u32, u64))| {
            a.0.total_cmp(&b.0).then_with(|| text(a.1.0).cmp(&text(b.1.0)))
        };
        if wanted > 0 && wanted < keyed.len() {
            keyed.select_nth_unstable_by(wanted - 1, by);
            keyed.truncate(wanted);
        }
        keyed.sort_by(by);
        Ok(keyed.into_iter().skip(self.query.offset).take(self.query.limit).map(|(_, row)| row).collect())
    }

    fn count(
        &self,
        now: &[u32],
        groups: &[Groups],
        grouping: &Grouping<'_>,
        cells: &Cells,
        counted: &mut Vec<(u32, u64)>,
    ) -> Result<(), ReportError> {
        let rows = now.iter().map(|&group| cells.rows(group as usize)).sum();
        let mut slots = vec![NONE; grouping.count];
        now.iter().zip(0..).for_each(|(&group, slot)| slots[group as usize] = slot);
        let visitors = self.distinct(groups, &slots, grouping.is_of_visit, false, rows)?;
        counted.extend(now.iter().copied().zip(visitors));
        Ok(())
    }

    fn rows(
        &self,
        shown: &[(u32, u64)],
        cells: &Cells,
        groups: &[Groups],
        grouping: &Grouping<'_>,
        part: &Part,
        answer: &mut Answer,
    ) -> Result<(), ReportError> {
        let wants = Wants::of(&self.query.metrics);
        let shown_groups: Vec<u32> = shown.iter().map(|(group, _)| *group).collect();
        let mut visitors: Vec<(u32, u64)> = shown.to_vec();
        if wants.visitors && self.query.sort.by != Metric::Visitors {
            visitors.clear();
            self.count(&shown_groups, groups, grouping, cells, &mut visitors)?;
        }
        let buckets = if self.query.bucket.is_some() { self.buckets.starts.len() } else { 0 };
        let mut series: Vec<u64> = Vec::new();
        if wants.visitors && buckets > 0 {
            let mut slots = vec![NONE; grouping.count];
            shown_groups.iter().zip(0..).for_each(|(&group, slot)| slots[group as usize] = slot);
            let rows = shown_groups.iter().map(|&group| cells.rows(group as usize)).sum();
            series = self.distinct(groups, &slots, grouping.is_of_visit, true, rows)?;
        }
        for (index, (group, visitors)) in visitors.into_iter().enumerate() {
            let of_bucket = |bucket| Sums {
                visitors: series.get(index * buckets + bucket).copied().unwrap_or(0),
                ..cells.sums(group as usize, bucket)
            };
            let visitors = if wants.visitors { visitors } else { 0 };
            answer.rows.push(Row {
                key: grouping.texts(group, part),
                sums: Sums { visitors, ..cells.total(group as usize) },
                series: (0..buckets).map(of_bucket).collect(),
            });
        }
        Ok(())
    }
}
