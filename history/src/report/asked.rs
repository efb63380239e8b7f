//! A query under way over one range: the rows that count, their sums, and the distinct visitors of what is asked for.

use std::sync::Arc;

use super::answer::Sums;
use super::breakdown::masks_alone;
use super::buckets::Buckets;
use super::distinct::{Distinct, are_few};
use super::group::{Context, Grouping, Groups, NONE};
use super::left::Left;
use super::mask::of_kind;
use super::numbering::number_visitors;
use super::part::Part;
use super::rolling;
use super::scan::View;
use super::sums::Cells;
use super::wants::Wants;
use super::{Control, ReportError};
use crate::query::Query;
use crate::table::Kind;

pub(super) struct Asked<'q> {
    pub query: &'q Query,
    pub context: &'q Context,
    pub control: &'q Control<'q>,
    pub wants: Wants,
    pub range: (i64, i64),
    pub buckets: &'q Buckets,
    views: Vec<View>,
    /// The rows of these that are conversions; none where nothing of a goal is asked for.
    goal_views: Vec<View>,
    /// All visitors' numbers are below this.
    visitors: usize,
}

/// The sums of all groups, and those of their conversions.
pub(super) struct Tally {
    cells: Cells,
    goal_cells: Option<Cells>,
}

/// Whose visitors: of all rows that count, or of the conversions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Whose {
    All,
    Converted,
}

impl<'q> Asked<'q> {
    /// Judges the rows of every part. `parts`: in order, of one library.
    pub fn new(
        parts: &[Arc<Part>],
        query: &'q Query,
        context: &'q Context,
        (range, buckets): ((i64, i64), &'q Buckets),
        control: &'q Control<'q>,
    ) -> Result<Asked<'q>, ReportError> {
        let parts: Vec<Arc<Part>> =
            parts.iter().filter(|part| part.touches(range.0, range.1)).cloned().collect();
        let masks = masks_alone(query.filter.as_ref(), &parts, range, query.bots, context, control)?;
        let wants = Wants::of(query);
        let (views, goal_views) = (Vec::new(), Vec::new());
        let mut asked =
            Asked { query, context, control, wants, range, buckets, views, goal_views, visitors: 0 };
        let goal = query.goal.as_ref().filter(|_| wants.is_of_goal());
        let of_goal = goal.map(|goal| masks_alone(Some(goal), &parts, range, query.bots, context, control));
        let mut of_goal = of_goal.transpose()?.unwrap_or_default().into_iter();
        for (part, mask) in parts.iter().zip(masks) {
            if let (Some(goal), Some(of_goal)) = (goal, of_goal.next()) {
                let kind = if goal.is_of_events() { Kind::Event } else { Kind::Pageview };
                let of_goal = mask.clone().and(of_goal, part)?.and(of_kind(part, kind)?, part)?;
                asked.goal_views.push(View::new(part, of_goal, range, query.bots, buckets)?);
            }
            asked.views.push(View::new(part, mask, range, query.bots, buckets)?);
        }
        if wants.visitors || wants.converted {
            asked.number_visitors()?;
        }
        Ok(asked)
    }

    /// Conversions are among the rows that count, so their visitors are too.
    fn number_visitors(&mut self) -> Result<(), ReportError> {
        let all = self.views.iter().filter(|view| view.part.asks_all_visitors(&view.mask));
        number_visitors(all.map(|view| &view.part), self.control)?;
        for (index, view) in self.views.iter_mut().enumerate() {
            self.control.check()?;
            let visitor = view.part.visitors(&view.mask)?;
            view.visitor = Some(visitor.clone());
            if let Some(of_goal) = self.goal_views.get_mut(index) {
                of_goal.visitor = Some(visitor);
            }
        }
        self.visitors = self.views.first().map_or(0, |view| view.part.library().visitors());
        Ok(())
    }

    /// Of each part, the groups of its rows.
    pub fn groups(&self, grouping: &Grouping<'_>) -> Result<Vec<Groups>, ReportError> {
        self.views.iter().map(|view| grouping.of(&view.part, self.context)).collect()
    }

    /// All rows in one group.
    pub fn one_group(&self) -> Vec<Groups> {
        self.views.iter().map(|_| Groups::One).collect()
    }

    /// What the filter leaves, in these groups of visits, where it is few and its visitors are asked for.
    pub fn left(&self, groups: &[Groups]) -> Result<Option<Left>, ReportError> {
        if !self.wants.visitors {
            return Ok(None);
        }
        Left::of(&self.views, groups, self.buckets, self.control)
    }

    /// Where nothing but visitors is asked for.
    pub fn tally_of(&self, count: usize, left: &Left) -> Result<Tally, ReportError> {
        let buckets = self.buckets.starts.len();
        let cells = Cells::of_rows(left.rows(count), buckets, self.wants, self.control)?;
        Ok(Tally { cells, goal_cells: None })
    }

    pub fn tally(&self, count: usize, groups: &[Groups], of_visit: bool) -> Result<Tally, ReportError> {
        let sum = |views: &[View], wants: Wants| {
            let mut cells = Cells::new(count, self.buckets.starts.len(), wants, self.control)?;
            for (view, groups) in views.iter().zip(groups) {
                cells.walk(view, of_visit, groups, self.buckets, self.control)?;
            }
            Ok::<Cells, ReportError>(cells)
        };
        let cells = sum(&self.views, self.wants)?;
        let goal_cells = match self.wants.is_of_goal() {
            true => Some(sum(&self.goal_views, self.wants.of_conversions())?),
            false => None,
        };
        Ok(Tally { cells, goal_cells })
    }

    /// Distinct visitors of groups, by their slots (`NONE`: not asked for), and of each bucket if so.
    /// `rows`: how many there may be at most.
    pub fn distinct(
        &self,
        whose: Whose,
        (groups, of_visit): (&[Groups], bool),
        slots: &[u32],
        in_buckets: bool,
        rows: u64,
    ) -> Result<Vec<u64>, ReportError> {
        let count = slots.iter().filter(|&&slot| slot != NONE).count();
        let buckets = if in_buckets { self.buckets.starts.len() } else { 1 };
        let mut distinct = Distinct::new(count * buckets, self.visitors, rows, self.control)?;
        distinct.buckets = buckets;
        for (view, groups) in self.views_of(whose).iter().zip(groups) {
            distinct.walk(view, of_visit, groups, slots, self.buckets, self.control)?;
        }
        distinct.counts(self.control)
    }

    /// Distinct visitors of groups, by their slots, among what the filter leaves.
    pub fn distinct_of(&self, left: &Left, slots: &[u32], rows: u64) -> Result<Vec<u64>, ReportError> {
        let count = slots.iter().filter(|&&slot| slot != NONE).count();
        let mut distinct = Distinct::new(count, self.visitors, rows, self.control)?;
        distinct.mark(left.of_slots(slots), self.control)?;
        distinct.counts(self.control)
    }

    /// All distinct visitors, and those of each bucket. `rows`: how many there may be at most.
    fn visitors_in_buckets(
        &self,
        whose: Whose,
        groups: &[Groups],
        rows: u64,
        buckets: usize,
    ) -> Result<(u64, Vec<u64>), ReportError> {
        let bytes = buckets.saturating_mul(self.visitors / 8);
        if buckets > 1 && !are_few(rows, bytes) {
            let counted = rolling::count(self.views_of(whose), self.buckets, self.visitors, self.control)?;
            if let Some(counts) = counted {
                return Ok((counts.all, counts.buckets));
            }
        }
        let distinct = |in_buckets| self.distinct(whose, (groups, true), &[0], in_buckets, rows);
        let all = distinct(false)?[0];
        Ok((all, if buckets > 1 { distinct(true)? } else { vec![all; buckets] }))
    }

    fn views_of(&self, whose: Whose) -> &[View] {
        if whose == Whose::All { &self.views } else { &self.goal_views }
    }

    /// The headline and its series; the series is empty where the query has no buckets.
    pub fn totals(&self) -> Result<(Sums, Vec<Sums>), ReportError> {
        let groups = self.one_group();
        let tally = self.tally(1, &groups, true)?;
        let buckets = if self.query.bucket.is_some() { self.buckets.starts.len() } else { 0 };
        let mut total = tally.total(0);
        let mut series: Vec<Sums> = (0..buckets).map(|bucket| tally.sums(0, bucket)).collect();
        for whose in [Whose::All, Whose::Converted] {
            if !self.wants.visitors_of(whose) {
                continue;
            }
            let (all, of_buckets) =
                self.visitors_in_buckets(whose, &groups, tally.rows(whose, 0), buckets)?;
            total.put_visitors(whose, all);
            series.iter_mut().zip(of_buckets).for_each(|(sums, visitors)| sums.put_visitors(whose, visitors));
        }
        Ok((total, series))
    }
}

impl Tally {
    /// Rows or visits that counted: never fewer than visitors.
    pub fn rows(&self, whose: Whose, group: usize) -> u64 {
        match (whose, &self.goal_cells) {
            (Whose::All, _) => self.cells.rows(group),
            (Whose::Converted, Some(cells)) => cells.rows(group),
            (Whose::Converted, None) => 0,
        }
    }

    pub fn sums(&self, group: usize, bucket: usize) -> Sums {
        let of_goal = self.goal_cells.as_ref().map(|cells| cells.sums(group, bucket));
        with_conversions(self.cells.sums(group, bucket), of_goal)
    }

    pub fn total(&self, group: usize) -> Sums {
        let of_goal = self.goal_cells.as_ref().map(|cells| cells.total(group));
        with_conversions(self.cells.total(group), of_goal)
    }
}

fn with_conversions(sums: Sums, of_goal: Option<Sums>) -> Sums {
    let of_goal = of_goal.unwrap_or_default();
    let conversions = of_goal.pageviews + of_goal.events;
    Sums { conversions, goal_revenue: of_goal.revenue, ..sums }
}

impl Sums {
    pub(super) fn put_visitors(&mut self, whose: Whose, visitors: u64) {
        match whose {
            Whose::All => self.visitors = visitors,
            Whose::Converted => self.converted = visitors,
        }
    }
}
