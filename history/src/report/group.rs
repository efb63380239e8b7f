//! What a row is grouped by: dense numbers for each dimension, and the texts they stand for.

use std::sync::Arc;

use jiff::tz::TimeZone;

use super::buckets::Buckets;
use super::columns::{Column, text_of};
use super::firsts::{Firsts, NEW, RETURNING};
use super::packed::Packed;
use super::part::Part;
use super::{Control, ReportError};
use crate::query::{BadQuery, CELLS_MAX, Dimension, Unit, limit};
use crate::table::{HitText, Kind};
use crate::words::Words;
use crate::zone::Zone;

/// The group of a row that is in none.
pub(super) const NONE: u32 = u32::MAX;

/// The hits that have a dimension; None: all.
pub(super) fn kind_of(by: &Dimension) -> Option<Kind> {
    match by {
        Dimension::Event | Dimension::Prop(_) => Some(Kind::Event),
        Dimension::Hit(HitText::Title) => Some(Kind::Pageview),
        _ => None,
    }
}

/// The value of a property in a segment's text of properties.
pub(super) fn prop(props: &str, key: &str) -> Option<String> {
    if props.is_empty() {
        return None;
    }
    let mut props: std::collections::BTreeMap<String, String> = serde_json::from_str(props).ok()?;
    props.remove(key)
}

/// What surrounds a query: the site's clock, and who was there before.
pub(super) struct Context {
    zone: TimeZone,
    pub firsts: Firsts,
}

impl Context {
    /// `parts`: all that were given. `asks_firsts`: who was there before is asked for.
    pub fn new(
        zone: &Zone,
        parts: &[Arc<Part>],
        asks_firsts: bool,
        control: &Control<'_>,
    ) -> Result<Context, ReportError> {
        let firsts = if asks_firsts { Firsts::find(parts, control)? } else { Firsts::default() };
        Ok(Context { zone: zone.time_zone().clone(), firsts })
    }

    /// The hour or weekday of each hit of a part.
    pub fn labels(&self, by: &Dimension, part: &Part) -> Result<Vec<u8>, ReportError> {
        let head = part.head();
        let zone = Zone::of(self.zone.clone());
        let unit = if *by == Dimension::Hour { Unit::Hour } else { Unit::Day };
        let buckets = Buckets::new(&zone, unit, head.first.min(head.day_start), head.last.max(head.day_end))?;
        let label = |start: &i64| {
            let at = zone.at(model::Millis(*start));
            if unit == Unit::Hour { at.hour() as u8 } else { at.weekday().to_monday_one_offset() as u8 }
        };
        let labels: Vec<u8> = buckets.starts.iter().map(label).collect();
        let at = part.column(Column::At)?;
        let of = |row| labels[buckets.of(head.day_start + i64::from(at.get(row)))];
        Ok((0..at.len()).map(of).collect())
    }

    pub fn text(by: &Dimension, label: u32) -> String {
        if *by == Dimension::Hour { format!("{label:02}") } else { label.to_string() }
    }
}

/// The groups of a query: of each part's rows a number, and of each number its texts.
pub(super) struct Grouping<'q> {
    dimensions: Vec<Numbered<'q>>,
    /// Groups there may be, empty ones counted.
    pub count: usize,
    /// Every dimension is of the visit.
    pub is_of_visit: bool,
}

struct Numbered<'q> {
    by: &'q Dimension,
    column: Column,
    count: usize,
    /// From a text's number to the group's, where they differ.
    renumbered: Option<(Vec<u32>, Words)>,
}

/// The group of each visit or hit of a part.
pub(super) enum Groups {
    One,
    Column(Arc<Packed>),
}

impl<'q> Grouping<'q> {
    /// Needs every part's columns decoded, so that all numbers are known.
    pub fn new(by: &'q [Dimension], parts: &[Arc<Part>]) -> Result<Grouping<'q>, ReportError> {
        let mut dimensions = Vec::new();
        for by in by {
            dimensions.push(Numbered::new(by, parts)?);
        }
        let mut count: usize = 1;
        for dimension in &dimensions {
            count = count.saturating_mul(dimension.count.max(1));
        }
        limit("groups of a breakdown", count, CELLS_MAX)?;
        Ok(Grouping { dimensions, count, is_of_visit: by.iter().all(Dimension::is_of_visit) })
    }

    /// The group of each row: of visits where all dimensions are theirs, else of hits.
    pub fn of(&self, part: &Part, context: &Context) -> Result<Groups, ReportError> {
        match &self.dimensions[..] {
            [] => Ok(Groups::One),
            [one] => Ok(Groups::Column(one.of(part, context, self.is_of_visit)?)),
            several => {
                let columns = several.iter().map(|one| one.of(part, context, self.is_of_visit));
                let columns: Vec<Arc<Packed>> = columns.collect::<Result<_, _>>()?;
                let number = |row| {
                    several.iter().zip(&columns).fold(0, |group, (one, column)| match column.get(row) {
                        NONE => NONE,
                        _ if group == NONE => NONE,
                        number => group * one.count as u32 + number,
                    })
                };
                Ok(Groups::Column(Arc::new(Packed::new((0..columns[0].len()).map(number).collect()))))
            }
        }
    }

    pub fn texts(&self, group: u32, part: &Part) -> Vec<Arc<str>> {
        let mut rest = group;
        let mut texts = Vec::new();
        for one in self.dimensions.iter().rev() {
            let count = one.count.max(1) as u32;
            texts.push(one.text(rest % count, part));
            rest /= count;
        }
        texts.reverse();
        texts
    }
}

impl<'q> Numbered<'q> {
    fn new(by: &'q Dimension, parts: &[Arc<Part>]) -> Result<Numbered<'q>, ReportError> {
        let column = match by {
            Dimension::Visit(text) => Column::VisitText(*text),
            Dimension::Hit(text) => Column::HitText(*text),
            Dimension::EntryPage => Column::EntryPage,
            Dimension::ExitPage => Column::ExitPage,
            Dimension::Event => Column::HitText(HitText::Name),
            Dimension::Prop(_) => Column::HitText(HitText::Props),
            Dimension::Hour | Dimension::Weekday => Column::At,
            Dimension::NewOrReturning => Column::First,
        };
        for part in parts {
            part.column(column)?;
        }
        let words = parts.first().map_or(0, |part| part.words_count(column));
        let mut numbered = Numbered { by, column, count: words, renumbered: None };
        match by {
            Dimension::Hour => numbered.count = 24,
            Dimension::Weekday => numbered.count = 8,
            Dimension::NewOrReturning => numbered.count = 2,
            Dimension::Prop(key) => {
                let mut values = Words::default();
                let of = |number| {
                    let props = parts.first().map(|part| text_of(part, column, number));
                    props.and_then(|props| prop(&props, key)).map_or(NONE, |value| values.number(&value))
                };
                let numbers: Vec<u32> = (0..words as u32).map(of).collect();
                numbered.count = values.count();
                numbered.renumbered = Some((numbers, values));
            }
            _ => {}
        }
        Ok(numbered)
    }

    fn of(&self, part: &Part, context: &Context, of_visit: bool) -> Result<Arc<Packed>, ReportError> {
        if matches!(self.by, Dimension::Hour | Dimension::Weekday) {
            let labels = context.labels(self.by, part)?;
            return Ok(Arc::new(Packed::U8(labels)));
        }
        let column = match self.by {
            Dimension::NewOrReturning => Arc::new(context.firsts.kinds(part)?),
            _ => part.column(self.column)?,
        };
        if let Some(kind) = kind_of(self.by) {
            let kinds = part.column(Column::Kind)?;
            let of = |row| match &self.renumbered {
                _ if kinds.get(row) != kind as u32 => NONE,
                Some((numbers, _)) => numbers[column.get(row) as usize],
                None => column.get(row),
            };
            return Ok(Arc::new(Packed::new((0..column.len()).map(of).collect())));
        }
        if self.by.is_of_visit() == of_visit {
            return Ok(column);
        }
        // A visit's dimension beside a hit's: each hit has its visit's.
        let starts = part.column(Column::Starts)?;
        let mut values = Vec::with_capacity(part.head().hits as usize);
        for visit in 0..column.len() {
            let hits = starts.get(visit + 1) - starts.get(visit);
            values.extend(std::iter::repeat_n(column.get(visit), hits as usize));
        }
        Ok(Arc::new(Packed::new(values)))
    }

    fn text(&self, number: u32, part: &Part) -> Arc<str> {
        match (&self.renumbered, self.by) {
            (Some((_, words)), _) => words.text(number).clone(),
            (None, Dimension::Hour | Dimension::Weekday) => Context::text(self.by, number).into(),
            (None, Dimension::NewOrReturning) => [NEW, RETURNING][number as usize].into(),
            _ => text_of(part, self.column, number),
        }
    }
}

/// Not more cells than a report may have.
pub(super) fn check_cells(groups: usize, buckets: usize) -> Result<(), BadQuery> {
    limit("cells (groups × buckets) of a report", groups.saturating_mul(buckets), CELLS_MAX)
}
