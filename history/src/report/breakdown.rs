//! A query answered: sums in one walk, distinct visitors of what is shown in further ones.

use std::sync::Arc;

use super::ahead;
use super::answer::{Answer, Compared, Row, Sums};
use super::asked::{Asked, Tally, Whose};
use super::buckets::Buckets;
use super::distinct::Distinct;
use super::group::{Context, Grouping, Groups, NONE, check_cells};
use super::left::Left;
use super::mask::{Mask, Ready};
use super::numbering::number_visitors;
use super::part::Part;
use super::scan::View;
use super::{Control, ReportError};
use crate::query::{Bots, Filter, Metric, Query};
use crate::zone::Zone;

/// Groups beyond half more than those to be shown whose visitors are counted at first.
const CANDIDATES: usize = 5;

/// The answer to a query over parts, which are all of one library, in order of their days, and hold every hit of the range, and
/// of the one it is compared with ([`crate::query::Compare::range`]); where [`Query::needs_all_before`], every hit before too.
pub fn answer(
    parts: &[Arc<Part>],
    zone: &Zone,
    query: &Query,
    control: &Control<'_>,
) -> Result<Answer, ReportError> {
    query.check()?;
    let range = (query.from, query.to);
    let compared = query.compare.map(|compare| compare.range(zone, query.from, query.to)).transpose()?;
    let buckets = buckets_of(zone, query, range)?;
    let context = Context::new(zone, parts, query.needs_all_before(), control)?;
    let touches = |part: &&Arc<Part>| {
        let of = |(from, to)| part.touches(from, to);
        of(range) || compared.is_some_and(of)
    };
    let parts: Vec<Arc<Part>> = parts.iter().filter(touches).cloned().collect();
    ahead::expect(&parts, query);
    let asked = Asked::new(&parts, query, &context, (range, &buckets), control)?;
    let grouping = Grouping::new(&query.by, &parts)?;
    let mut answer = Answer::default();
    let shown = asked.answer(parts.first(), &grouping, &mut answer)?;
    if let Some(range) = compared {
        let buckets = buckets_of(zone, query, range)?;
        let asked = Asked::new(&parts, query, &context, (range, &buckets), control)?;
        answer.compared = Some(asked.compared(&grouping, &shown)?);
    }
    Ok(answer)
}

fn buckets_of(zone: &Zone, query: &Query, (from, to): (i64, i64)) -> Result<Buckets, ReportError> {
    Ok(match query.bucket {
        Some(unit) => Buckets::new(zone, unit, from, to)?,
        None => Buckets::one(from, to),
    })
}

/// Finds the visitors that filters within a filter ask for: those with a hit in the range for which it holds.
pub(super) fn visitors_for(
    filter: &mut Ready<'_>,
    parts: &[Arc<Part>],
    range: (i64, i64),
    bots: Bots,
    context: &Context,
    control: &Control<'_>,
) -> Result<(), ReportError> {
    let one = Buckets::one(range.0, range.1);
    filter.find_visitors(&mut |inner| {
        number_visitors(parts, control)?;
        let visitors = visitors_of(parts);
        let mut distinct = Distinct::new(1, visitors, u64::MAX, control)?;
        for part in parts {
            let view = View::new(part, inner.mask(part, context, control)?, range, bots, &one)?;
            distinct.walk(&view, true, &Groups::One, &[0], &one, control)?;
        }
        Ok(distinct.into_set())
    })
}

/// What a filter leaves of each part. Every visitor has a number then.
pub(super) fn masks_of(
    filter: Option<&Filter>,
    parts: &[Arc<Part>],
    range: (i64, i64),
    bots: Bots,
    context: &Context,
    control: &Control<'_>,
) -> Result<Vec<Mask>, ReportError> {
    number_visitors(parts, control)?;
    masks_alone(filter, parts, range, bots, context, control)
}

/// What a filter leaves of each part.
pub(super) fn masks_alone(
    filter: Option<&Filter>,
    parts: &[Arc<Part>],
    range: (i64, i64),
    bots: Bots,
    context: &Context,
    control: &Control<'_>,
) -> Result<Vec<Mask>, ReportError> {
    let Some(filter) = filter else { return Ok(vec![Mask::All; parts.len()]) };
    let mut ready = Ready::new(filter)?;
    visitors_for(&mut ready, parts, range, bots, context, control)?;
    parts.iter().map(|part| ready.mask(part, context, control)).collect()
}

/// All visitors' numbers are below this, once every part's were asked for.
pub(super) fn visitors_of(parts: &[Arc<Part>]) -> usize {
    parts.first().map_or(0, |part| part.library().visitors())
}

/// A group, and its visitors as far as they were counted.
#[derive(Clone, Copy, Debug, Default)]
struct Counted {
    group: u32,
    visitors: u64,
    converted: u64,
}

/// The groups of a query under way, with their sums.
struct Grouped<'a> {
    grouping: &'a Grouping<'a>,
    groups: Vec<Groups>,
    tally: Tally,
    left: Option<Left>,
}

impl Asked<'_> {
    /// Returns the groups shown.
    fn answer(
        &self,
        part: Option<&Arc<Part>>,
        grouping: &Grouping<'_>,
        answer: &mut Answer,
    ) -> Result<Vec<u32>, ReportError> {
        if self.query.bucket.is_some() {
            answer.buckets = self.buckets.starts.clone();
        }
        if self.query.by.is_empty() || self.query.totals {
            (answer.total, answer.series) = self.totals()?;
        }
        let Some(part) = part.filter(|_| !self.query.by.is_empty()) else { return Ok(Vec::new()) };
        let of = self.grouped(grouping)?;
        let rows = |&group: &u32| of.tally.rows(Whose::All, group as usize) > 0;
        let mut found: Vec<u32> = (0..grouping.count as u32).filter(rows).collect();
        answer.groups = found.len();
        let shown = self.shown(&mut found, &of, part)?;
        answer.rows = self.rows(&shown, &of, part)?;
        Ok(shown.iter().map(|counted| counted.group).collect())
    }

    fn compared(&self, grouping: &Grouping<'_>, shown: &[u32]) -> Result<Compared, ReportError> {
        let mut compared = Compared { from: self.range.0, to: self.range.1, ..Compared::default() };
        if self.query.bucket.is_some() {
            compared.buckets = self.buckets.starts.clone();
        }
        if self.query.by.is_empty() || self.query.totals {
            (compared.total, compared.series) = self.totals()?;
        }
        if !shown.is_empty() {
            let of = self.grouped(grouping)?;
            let mut rows: Vec<Counted> =
                shown.iter().map(|&group| Counted { group, ..Counted::default() }).collect();
            for whose in self.counted_of() {
                self.count(whose, &mut rows, &of)?;
            }
            compared.rows = rows.iter().map(|row| sums_of(row, &of)).collect();
        }
        Ok(compared)
    }

    /// Whose visitors the metrics ask for.
    fn counted_of(&self) -> impl Iterator<Item = Whose> {
        [Whose::All, Whose::Converted].into_iter().filter(|&whose| self.wants.visitors_of(whose))
    }

    fn grouped<'a>(&self, grouping: &'a Grouping<'a>) -> Result<Grouped<'a>, ReportError> {
        check_cells(grouping.count, self.buckets.starts.len())?;
        let groups = self.groups(grouping)?;
        let left = if grouping.is_of_visit { self.left(&groups)? } else { None };
        let tally = match &left {
            Some(left) if self.wants.is_rows_only() && !self.wants.is_of_goal() => {
                self.tally_of(grouping.count, left)?
            }
            _ => self.tally(grouping.count, &groups, grouping.is_of_visit)?,
        };
        Ok(Grouped { grouping, groups, tally, left })
    }

    /// The groups to show, in order; their visitors are counted where the order needs them.
    fn shown(&self, found: &mut [u32], of: &Grouped<'_>, part: &Part) -> Result<Vec<Counted>, ReportError> {
        let sort = self.query.sort;
        let wanted = self.query.offset.saturating_add(self.query.limit);
        let mut counted: Vec<Counted> = Vec::new();
        if sort.by == Metric::Visitors && !sort.ascending {
            self.count_most(found, wanted, of, &mut counted)?;
        } else {
            counted.extend(found.iter().map(|&group| Counted { group, ..Counted::default() }));
            for &whose in ordered_by(sort.by) {
                self.count(whose, &mut counted, of)?;
            }
        }
        let value = |counted: &Counted| {
            let value = sums_of(counted, of).metric(sort.by);
            if sort.ascending { value } else { -value }
        };
        let mut keyed: Vec<(f64, Counted)> = counted.iter().map(|row| (value(row), *row)).collect();
        let text = |row: &Counted| of.grouping.texts(row.group, part);
        // Only ties need texts; only what is shown needs order.
        let by = |a: &(f64, Counted), b: &(f64, Counted)| {
            a.0.total_cmp(&b.0).then_with(|| text(&a.1).cmp(&text(&b.1)))
        };
        if wanted > 0 && wanted < keyed.len() {
            keyed.select_nth_unstable_by(wanted - 1, by);
            keyed.truncate(wanted);
        }
        keyed.sort_by(by);
        Ok(keyed.into_iter().skip(self.query.offset).take(self.query.limit).map(|(_, row)| row).collect())
    }

    /// Counts the visitors of every group that may be among the first `wanted`: no group has more visitors than rows, so those
    /// with fewer than the last one shown need no count.
    fn count_most(
        &self,
        found: &mut [u32],
        wanted: usize,
        of: &Grouped<'_>,
        counted: &mut Vec<Counted>,
    ) -> Result<(), ReportError> {
        let rows = |group: u32| of.tally.rows(Whose::All, group as usize);
        found.sort_by_key(|&group| std::cmp::Reverse(rows(group)));
        let mut rest = &found[..];
        let mut chunk = wanted.saturating_add(wanted / 2).saturating_add(CANDIDATES);
        while !rest.is_empty() {
            if counted.len() >= wanted && wanted > 0 {
                counted.select_nth_unstable_by_key(wanted - 1, |row| std::cmp::Reverse(row.visitors));
                if counted[wanted - 1].visitors > rows(rest[0]) {
                    return Ok(());
                }
            }
            let (now, later) = rest.split_at(chunk.min(rest.len()));
            let start = counted.len();
            counted.extend(now.iter().map(|&group| Counted { group, ..Counted::default() }));
            self.count(Whose::All, &mut counted[start..], of)?;
            rest = later;
            chunk = chunk.saturating_mul(4);
        }
        Ok(())
    }

    fn count(&self, whose: Whose, now: &mut [Counted], of: &Grouped<'_>) -> Result<(), ReportError> {
        let visitors = self.visitors_of(whose, now, of, false)?;
        for (row, visitors) in now.iter_mut().zip(visitors) {
            match whose {
                Whose::All => row.visitors = visitors,
                Whose::Converted => row.converted = visitors,
            }
        }
        Ok(())
    }

    fn visitors_of(
        &self,
        whose: Whose,
        now: &[Counted],
        of: &Grouped<'_>,
        in_buckets: bool,
    ) -> Result<Vec<u64>, ReportError> {
        let rows = now.iter().map(|row| of.tally.rows(whose, row.group as usize)).sum();
        let mut slots = vec![NONE; of.grouping.count];
        now.iter().zip(0..).for_each(|(row, slot)| slots[row.group as usize] = slot);
        if let (Whose::All, false, Some(left)) = (whose, in_buckets, &of.left) {
            return self.distinct_of(left, &slots, rows);
        }
        self.distinct(whose, (&of.groups, of.grouping.is_of_visit), &slots, in_buckets, rows)
    }

    fn rows(&self, shown: &[Counted], of: &Grouped<'_>, part: &Part) -> Result<Vec<Row>, ReportError> {
        let mut shown = shown.to_vec();
        let buckets = if self.query.bucket.is_some() { self.buckets.starts.len() } else { 0 };
        let mut series: Vec<(Whose, Vec<u64>)> = Vec::new();
        for whose in self.counted_of() {
            if !ordered_by(self.query.sort.by).contains(&whose) {
                self.count(whose, &mut shown, of)?;
            }
            if buckets > 0 {
                series.push((whose, self.visitors_of(whose, &shown, of, true)?));
            }
        }
        let row = |(index, row): (usize, &Counted)| Row {
            key: of.grouping.texts(row.group, part),
            sums: sums_of(row, of),
            series: (0..buckets)
                .map(|bucket| {
                    let mut sums = of.tally.sums(row.group as usize, bucket);
                    for (whose, visitors) in &series {
                        sums.put_visitors(*whose, visitors[index * buckets + bucket]);
                    }
                    sums
                })
                .collect(),
        };
        Ok(shown.iter().enumerate().map(row).collect())
    }
}

/// Whose visitors must be counted of every group to put them in order.
fn ordered_by(metric: Metric) -> &'static [Whose] {
    match metric {
        Metric::Visitors => &[Whose::All],
        Metric::Converted => &[Whose::Converted],
        Metric::ConversionRate => &[Whose::All, Whose::Converted],
        _ => &[],
    }
}

fn sums_of(row: &Counted, of: &Grouped<'_>) -> Sums {
    Sums { visitors: row.visitors, converted: row.converted, ..of.tally.total(row.group as usize) }
}
