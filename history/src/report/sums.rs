//! Sums by group and bucket: only those that the query's metrics need.

use std::sync::Arc;

use super::answer::Sums;
use super::buckets::Buckets;
use super::columns::{Column, text_of};
use super::group::{Groups, NONE, prop};
use super::mask::Mask;
use super::packed::{Packed, with_packed};
use super::part::Part;
use super::scan::{Sink, View};
use super::wants::Wants;
use super::{Control, ReportError};
use crate::table::{HitText, Kind};

/// The property of events that revenue is read from.
pub const REVENUE_PROP: &str = "revenue";

/// Sums of every group in every bucket.
pub(super) struct Cells {
    buckets: usize,
    wants: Wants,
    /// Rows or visits that counted: never fewer than visitors.
    rows: Vec<u64>,
    /// What is not wanted stays zero; empty where nothing but rows is.
    sums: Vec<Sums>,
}

impl Cells {
    pub fn new(
        groups: usize,
        buckets: usize,
        wants: Wants,
        control: &Control<'_>,
    ) -> Result<Cells, ReportError> {
        let cells = groups * buckets;
        control.needs(cells * (size_of::<Sums>() + 8))?;
        Ok(Cells { buckets, wants, rows: vec![0; groups], sums: vec![Sums::default(); cells] })
    }

    /// Of groups whose rows were counted, and nothing else is wanted.
    pub fn of_rows(
        rows: Vec<u64>,
        buckets: usize,
        wants: Wants,
        control: &Control<'_>,
    ) -> Result<Cells, ReportError> {
        let cells = Cells::new(rows.len(), buckets, wants, control)?;
        Ok(Cells { rows, ..cells })
    }

    pub fn rows(&self, group: usize) -> u64 {
        self.rows[group]
    }

    pub fn sums(&self, group: usize, bucket: usize) -> Sums {
        self.sums[group * self.buckets + bucket]
    }

    pub fn total(&self, group: usize) -> Sums {
        let mut total = Sums::default();
        let cells = &self.sums[group * self.buckets..(group + 1) * self.buckets];
        cells.iter().for_each(|sums| total.add(sums));
        total
    }

    /// `of_visit`: the groups are of visits, else of hits.
    pub fn walk(
        &mut self,
        view: &View,
        of_visit: bool,
        groups: &Groups,
        buckets: &Buckets,
        control: &Control<'_>,
    ) -> Result<(), ReportError> {
        let at_once = matches!((groups, &view.mask), (Groups::One, Mask::All));
        let columns = Needed::new(&view.part, self.wants, view.is_by_visit(of_visit), at_once)?;
        match groups {
            Groups::One => self.walk_by(view, of_visit, |_| 0, &columns, buckets, control),
            Groups::Column(column) if self.wants.is_rows_only() => with_packed!(&**column, |group| {
                let mut counting = Counting { rows: &mut self.rows, group, of_visit };
                view.walk(of_visit, buckets, control, &mut counting)
            }),
            Groups::Column(column) => with_packed!(&**column, |group| {
                self.walk_by(view, of_visit, group, &columns, buckets, control)
            }),
        }
    }

    fn walk_by(
        &mut self,
        view: &View,
        of_visit: bool,
        group: impl Fn(usize) -> u32,
        columns: &Needed,
        buckets: &Buckets,
        control: &Control<'_>,
    ) -> Result<(), ReportError> {
        let is_one = self.rows.len() == 1;
        let visit_groups = Vec::new();
        let mut adding = Adding { cells: self, columns, group, of_visit, is_one, begins: None, visit_groups };
        view.walk(of_visit, buckets, control, &mut adding)
    }
}

impl Sums {
    /// Of two groups that have nobody in common.
    pub fn add(&mut self, other: &Sums) {
        self.visitors += other.visitors;
        self.visits += other.visits;
        self.pageviews += other.pageviews;
        self.events += other.events;
        self.bounces += other.bounces;
        self.duration_ms += other.duration_ms;
        self.engaged_ms += other.engaged_ms;
        self.scroll += other.scroll;
        self.revenue += other.revenue;
    }
}

/// The columns that the sums need of one part.
struct Needed {
    kinds: Arc<Packed>,
    pageviews: Option<Arc<Packed>>,
    events: Option<Arc<Packed>>,
    bounce: Option<Arc<Packed>>,
    duration: Option<(Arc<Packed>, Arc<Packed>)>,
    visit_engaged: Option<Arc<Packed>>,
    engaged: Option<Arc<Packed>>,
    /// Of each visit, and of each hit.
    scroll: Option<(Vec<u32>, Arc<Packed>)>,
    revenue: Option<(Vec<i64>, Vec<i64>)>,
}

impl Needed {
    /// `at_once`: nothing tells visits apart, so that what all hits have in common needs no count.
    fn new(part: &Part, wants: Wants, by_visit: bool, at_once: bool) -> Result<Needed, ReportError> {
        let column = |wanted: bool, column| match wanted {
            true => part.column(column).map(Some),
            false => Ok(None),
        };
        let duration = match wants.duration {
            true => Some((part.column(Column::First)?, part.column(Column::Last)?)),
            false => None,
        };
        let kinds = part.column(Column::Kind)?;
        let is_counted =
            at_once && matches!(&*kinds, Packed::Same(kind, _) if *kind == Kind::Pageview as u32);
        Ok(Needed {
            kinds,
            pageviews: column(wants.pageviews && by_visit && !is_counted, Column::VisitPageviews)?,
            events: column(wants.events && by_visit, Column::VisitEvents)?,
            bounce: column(wants.bounces, Column::Bounce)?,
            duration,
            visit_engaged: column(wants.engaged && by_visit, Column::VisitEngaged)?,
            engaged: column(wants.engaged, Column::Engaged)?,
            scroll: if wants.scroll { Some(scroll(part)?) } else { None },
            revenue: if wants.revenue { Some(revenue(part)?) } else { None },
        })
    }
}

fn scroll(part: &Part) -> Result<(Vec<u32>, Arc<Packed>), ReportError> {
    let (starts, kinds) = (part.column(Column::Starts)?, part.column(Column::Kind)?);
    let scroll = part.column(Column::Scroll)?;
    let of = |row: u32| match kinds.get(row as usize) == Kind::Pageview as u32 {
        true => scroll.get(row as usize),
        false => 0,
    };
    let visits = 0..part.head().visits as usize;
    let sums = visits.map(|visit| (starts.get(visit)..starts.get(visit + 1)).map(of).sum());
    Ok((sums.collect(), scroll))
}

/// Revenue of each visit and of each hit, in millionths.
fn revenue(part: &Part) -> Result<(Vec<i64>, Vec<i64>), ReportError> {
    let column = Column::HitText(HitText::Props);
    let (props, kinds) = (part.column(column)?, part.column(Column::Kind)?);
    let starts = part.column(Column::Starts)?;
    let words = part.words_count(column) as u32;
    let of = |number| prop(&text_of(part, column, number), REVENUE_PROP).and_then(|text| millionths(&text));
    let known: Vec<i64> = (0..words).map(|number| of(number).unwrap_or(0)).collect();
    let value = |row: usize| match kinds.get(row) == Kind::Event as u32 {
        true => known[props.get(row) as usize],
        false => 0,
    };
    let hits: Vec<i64> = (0..props.len()).map(value).collect();
    let visits = 0..part.head().visits as usize;
    let sums =
        visits.map(|visit| hits[starts.get(visit) as usize..starts.get(visit + 1) as usize].iter().sum());
    Ok((sums.collect(), hits))
}

/// A decimal number (`-12.5`) in millionths; further digits are cut. None for anything else, or past nine digits.
pub fn millionths(text: &str) -> Option<i64> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(whole) || !is_digits(part) || whole.len() > 9 {
        return None;
    }
    let whole: i64 = whole.parse().ok()?;
    let part: i64 = format!("{part:0<6}")[..6].parse().ok()?;
    Some(sign * (whole * 1_000_000 + part))
}

/// Rows only.
struct Counting<'c, G> {
    rows: &'c mut [u64],
    group: G,
    of_visit: bool,
}

impl<G: Fn(usize) -> u32> Sink for Counting<'_, G> {
    #[inline(always)]
    fn visit(&mut self, visit: usize, _: usize) {
        if let Some(rows) = self.rows.get_mut((self.group)(visit) as usize) {
            *rows += 1;
        }
    }

    fn whole(&mut self, first: usize, starts: &[u32], _: usize) {
        let all = match (self.of_visit, starts) {
            (true, _) => {
                return (first..).zip(starts.windows(2)).for_each(|(visit, hits)| {
                    (hits[0]..hits[1]).for_each(|_| self.visit(visit, 0));
                });
            }
            (false, &[start, .., end]) => start as usize..end as usize,
            (false, _) => return,
        };
        all.for_each(|row| self.visit(row, 0));
    }

    #[inline(always)]
    fn begin(&mut self, _: usize, _: Option<usize>) {}

    #[inline(always)]
    fn hit(&mut self, visit: usize, row: usize, _: usize) {
        self.visit(if self.of_visit { visit } else { row }, 0);
    }
}

struct Adding<'c, G> {
    cells: &'c mut Cells,
    columns: &'c Needed,
    group: G,
    of_visit: bool,
    /// There is but one group.
    is_one: bool,
    /// The bucket that the visit under way counts in.
    begins: Option<usize>,
    /// Groups that the visit under way counted in.
    visit_groups: Vec<u32>,
}

impl<G: Fn(usize) -> u32> Adding<'_, G> {
    fn count_visit(&mut self, group: u32, visit: usize, bucket: usize) {
        let sums = &mut self.cells.sums[group as usize * self.cells.buckets + bucket];
        sums.visits += 1;
        if let Some(bounce) = &self.columns.bounce {
            sums.bounces += u64::from(bounce.get(visit));
        }
        if let Some((first, last)) = &self.columns.duration {
            sums.duration_ms += u64::from(last.get(visit).saturating_sub(first.get(visit)));
        }
    }
}

impl<G: Fn(usize) -> u32> Sink for Adding<'_, G> {
    #[inline(always)]
    fn visit(&mut self, visit: usize, bucket: usize) {
        let group = (self.group)(visit);
        if group == NONE {
            return;
        }
        let columns = self.columns;
        self.cells.rows[group as usize] += 1;
        if self.cells.wants.visits {
            self.count_visit(group, visit, bucket);
        }
        let sums = &mut self.cells.sums[group as usize * self.cells.buckets + bucket];
        if let Some(pageviews) = &columns.pageviews {
            sums.pageviews += u64::from(pageviews.get(visit));
        }
        if let Some(events) = &columns.events {
            sums.events += u64::from(events.get(visit));
        }
        if let Some(engaged) = &columns.visit_engaged {
            sums.engaged_ms += u64::from(engaged.get(visit));
        }
        if let Some((scroll, _)) = &columns.scroll {
            sums.scroll += u64::from(scroll[visit]);
        }
        if let Some((revenue, _)) = &columns.revenue {
            sums.revenue += revenue[visit];
        }
    }

    fn visits(&mut self, visits: std::ops::Range<usize>, hits: std::ops::Range<usize>, bucket: usize) {
        if !self.is_one {
            return visits.for_each(|visit| self.visit(visit, bucket));
        }
        self.cells.rows[0] += visits.len() as u64;
        let (wants, columns) = (self.cells.wants, self.columns);
        let Some(sums) = self.cells.sums.get_mut(bucket) else { return };
        let sum =
            |column: &Option<Arc<Packed>>| column.as_ref().map_or(0, |column| column.sum(visits.clone()));
        if wants.visits {
            sums.visits += visits.len() as u64;
            sums.bounces += sum(&columns.bounce);
            if let Some((first, last)) = &columns.duration {
                sums.duration_ms += last.sum(visits.clone()).saturating_sub(first.sum(visits.clone()));
            }
        }
        sums.pageviews += match &*columns.kinds {
            Packed::Same(kind, _) if wants.pageviews && *kind == Kind::Pageview as u32 => hits.len() as u64,
            _ => sum(&columns.pageviews),
        };
        sums.events += sum(&columns.events);
        sums.engaged_ms += sum(&columns.visit_engaged);
        if let Some((scroll, _)) = &columns.scroll {
            sums.scroll += scroll[visits.clone()].iter().map(|&scroll| u64::from(scroll)).sum::<u64>();
        }
        if let Some((revenue, _)) = &columns.revenue {
            sums.revenue += revenue[visits].iter().sum::<i64>();
        }
    }

    #[inline(always)]
    fn begin(&mut self, _: usize, bucket: Option<usize>) {
        self.begins = bucket;
        self.visit_groups.clear();
    }

    #[inline(always)]
    fn hit(&mut self, visit: usize, row: usize, bucket: usize) {
        let group = (self.group)(if self.of_visit { visit } else { row });
        if group == NONE {
            return;
        }
        self.cells.rows[group as usize] += 1;
        let wants = self.cells.wants;
        if let (true, Some(begins)) = (wants.visits, self.begins)
            && !self.visit_groups.contains(&group)
        {
            self.visit_groups.push(group);
            self.count_visit(group, visit, begins);
        }
        let sums = &mut self.cells.sums[group as usize * self.cells.buckets + bucket];
        let kind = self.columns.kinds.get(row);
        sums.pageviews += u64::from(wants.pageviews && kind == Kind::Pageview as u32);
        sums.events += u64::from(wants.events && kind == Kind::Event as u32);
        if let Some(engaged) = &self.columns.engaged {
            sums.engaged_ms += u64::from(engaged.get(row));
        }
        if let (Some((_, scroll)), true) = (&self.columns.scroll, kind == Kind::Pageview as u32) {
            sums.scroll += u64::from(scroll.get(row));
        }
        if let Some((_, revenue)) = &self.columns.revenue {
            sums.revenue += revenue[row];
        }
    }
}
