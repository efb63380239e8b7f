//! How each column of a part comes from a segment or a table, or from other columns.

use std::sync::Arc;

use parking_lot::RwLock;

use super::packed::Packed;
use super::part::Part;
use crate::segment::{BadSegment, Coded, Columns, Reader, Stored};
use crate::table::{HitText, Kind, Table, Visit, VisitText};
use crate::words::Words;

/// Engaged for less than this, a visit of one pageview and no event is a bounce.
const BOUNCE_ENGAGED_MS: u32 = 10_000;

pub(super) enum Source {
    Segment(Box<Reader>),
    Table(Box<Table>),
}

/// A column in memory. Moments are milliseconds since the part's day began, 49 days at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Column {
    /// Of each visit: its first hit's row; and at the end the number of hits.
    Starts,
    Visitor,
    First,
    /// Last sign of life.
    Last,
    VisitText(VisitText),
    EntryPage,
    ExitPage,
    VisitPageviews,
    VisitEvents,
    VisitEngaged,
    /// 1 for a bounce.
    Bounce,
    /// Of each hit.
    At,
    Kind,
    HitText(HitText),
    Engaged,
    EngagedBefore,
    Scroll,
    Alive,
    /// The id's lower and upper half.
    IdLow,
    IdHigh,
    /// The visits with a hit after their day's end, [`OVER_WIDTH`] numbers each: its own, the row of its first hit, of its first
    /// after that end, and the one past its last.
    Over,
}

pub(super) const OVER_WIDTH: usize = 4;

pub(super) fn decode(part: &Part, source: &Source, column: Column) -> Result<Packed, BadSegment> {
    if let (Column::Over, Source::Segment(reader)) = (column, source)
        && let Some(over) = reader.over()
    {
        return Ok(Packed::wide(over.as_flattened().to_vec()));
    }
    if let Some(derived) = derive(part, column)? {
        return Ok(derived);
    }
    match source {
        Source::Segment(reader) => of_segment(part, reader, column),
        Source::Table(table) => Ok(of_table(part, table, column)),
    }
}

/// What of a segment a column is made of.
pub(super) fn stored(column: Column) -> Vec<Stored> {
    let of = |columns: &[Column]| columns.iter().copied().flat_map(stored).collect();
    let number = |column| vec![Stored::Numbers(column)];
    match column {
        Column::Starts => vec![Stored::Starts],
        Column::Kind => vec![Stored::Kinds],
        Column::Visitor => number(Columns::Visitor),
        Column::First => {
            vec![Stored::Numbers(Columns::FirstSeconds), Stored::Numbers(Columns::FirstMillis)]
        }
        Column::At => {
            let after = [Columns::AfterSeconds, Columns::AfterMillis].map(Stored::Numbers);
            [of(&[Column::Starts, Column::First]), after.to_vec()].concat()
        }
        Column::Last => [of(&[Column::At]), number(Columns::Alive)].concat(),
        Column::VisitText(text) => vec![Stored::VisitText(text)],
        Column::HitText(text) => vec![Stored::HitText(text)],
        Column::EntryPage | Column::ExitPage => {
            of(&[Column::Starts, Column::Kind, Column::HitText(HitText::Path)])
        }
        Column::VisitPageviews | Column::VisitEvents => of(&[Column::Starts, Column::Kind]),
        Column::VisitEngaged => of(&[Column::Starts, Column::Engaged]),
        Column::Bounce => of(&[Column::VisitPageviews, Column::Engaged]),
        Column::Engaged => number(Columns::Engaged),
        Column::EngagedBefore => number(Columns::EngagedBefore),
        Column::Scroll => number(Columns::Scroll),
        Column::Alive => number(Columns::Alive),
        Column::IdLow | Column::IdHigh => number(Columns::Id),
        Column::Over => Vec::new(),
    }
}

/// A number since the day began; what does not fit becomes the last that does.
fn since(at: i64, day_start: i64) -> u32 {
    u32::try_from((at - day_start).max(0)).unwrap_or(u32::MAX)
}

fn of_segment(part: &Part, reader: &Reader, column: Column) -> Result<Packed, BadSegment> {
    let library = part.library();
    let u32s = |column| reader.numbers(column, |value| value as u32);
    Ok(match column {
        Column::Starts => Packed::wide(reader.starts()?),
        Column::Visitor => {
            let visitors = reader.numbers(Columns::Visitor, |visitor| visitor as u64)?;
            Packed::wide(library.number_visitors(&visitors))
        }
        Column::First => {
            let mut first = u32s(Columns::FirstSeconds)?;
            let millis = u32s(Columns::FirstMillis)?;
            first.iter_mut().zip(millis).for_each(|(first, millis)| *first = *first * 1_000 + millis);
            Packed::new(first)
        }
        Column::At => {
            let (starts, first) = (part.column(Column::Starts)?, part.column(Column::First)?);
            let mut at = u32s(Columns::AfterSeconds)?;
            let millis = u32s(Columns::AfterMillis)?;
            // Adding up flags costs less than a loop over each visit's few hits, which no processor foresees.
            let mut is_next = vec![0u8; at.len()];
            if let [_, inner @ .., _] = starts.wide_values() {
                inner.iter().for_each(|&start| is_next[start as usize] = 1);
            }
            let first: Vec<u32> = (0..first.len()).map(|visit| first.get(visit)).collect();
            let mut visit = 0;
            for ((at, millis), is_next) in at.iter_mut().zip(millis).zip(is_next) {
                visit += usize::from(is_next);
                *at = first[visit].saturating_add(at.saturating_mul(1_000)).saturating_add(millis);
            }
            Packed::new(at)
        }
        Column::Last => {
            let (starts, at) = (part.column(Column::Starts)?, part.column(Column::At)?);
            let alive = u32s(Columns::Alive)?;
            let end = |row: usize| at.get(row).saturating_add(alive[row]);
            by_visit(&starts, |rows| rows.map(end).max().unwrap_or(0))
        }
        Column::Kind => {
            let (column, kinds) = reader.kinds()?;
            coded(&column, &kinds.iter().map(|&kind| kind as u32).collect::<Vec<_>>())?
        }
        Column::VisitText(text) => dense(&reader.visit_text(text)?, &library.visit_words[text as usize])?,
        Column::HitText(text) => dense(&reader.hit_text(text)?, &library.hit_words[text as usize])?,
        Column::Engaged => Packed::new(u32s(Columns::Engaged)?),
        Column::EngagedBefore => Packed::new(u32s(Columns::EngagedBefore)?),
        Column::Scroll => Packed::new(u32s(Columns::Scroll)?),
        Column::Alive => Packed::new(u32s(Columns::Alive)?),
        Column::IdLow => Packed::wide(u32s(Columns::Id)?),
        Column::IdHigh => Packed::wide(reader.numbers(Columns::Id, |id| (id as u64 >> 32) as u32)?),
        _ => return Err(BadSegment::NoSegment("a column that is not written")),
    })
}

fn dense(column: &Coded, words: &RwLock<Words>) -> Result<Packed, BadSegment> {
    let numbers = words.write().number_all(&column.distinct()?);
    coded(column, &numbers)
}

/// A column's rows in the least bytes that hold the numbers of its texts.
fn coded(column: &Coded, numbers: &[u32]) -> Result<Packed, BadSegment> {
    Ok(match numbers.iter().max() {
        None => Packed::Same(0, 0),
        Some(&only) if numbers.len() == 1 => Packed::Same(only, column.len()),
        Some(..=0xFF) => {
            Packed::U8(column.rows(&numbers.iter().map(|&number| number as u8).collect::<Vec<_>>())?)
        }
        Some(..=0xFFFF) => {
            Packed::U16(column.rows(&numbers.iter().map(|&number| number as u16).collect::<Vec<_>>())?)
        }
        Some(_) => Packed::U32(column.rows(numbers)?),
    })
}

fn of_table(part: &Part, table: &Table, column: Column) -> Packed {
    let (library, day_start) = (part.library(), part.head().day_start);
    let visits = |value: &dyn Fn(&Visit) -> u32| Packed::new(table.visits.iter().map(value).collect());
    let hits =
        |value: &dyn Fn(&crate::table::Hit) -> u32| Packed::new(table.hits.iter().map(value).collect());
    let number = |words: &RwLock<Words>, text: u32| words.write().number_shared(table.words.text(text));
    match column {
        Column::Starts => {
            let ends = table.visits.iter().map(|visit| visit.hits.end);
            Packed::wide(std::iter::once(0).chain(ends).collect())
        }
        Column::Visitor => {
            let visitors: Vec<u64> = table.visits.iter().map(|visit| visit.visitor.0).collect();
            Packed::wide(library.number_visitors(&visitors))
        }
        Column::First => visits(&|visit| since(visit.first, day_start)),
        Column::Last => visits(&|visit| since(table.last_of(visit), day_start)),
        Column::VisitText(text) => {
            visits(&|visit| number(&library.visit_words[text as usize], visit.texts[text as usize]))
        }
        Column::HitText(text) => {
            hits(&|hit| number(&library.hit_words[text as usize], hit.texts[text as usize]))
        }
        Column::At => hits(&|hit| since(hit.at, day_start)),
        Column::Kind => hits(&|hit| hit.kind as u32),
        Column::Engaged => hits(&|hit| hit.engaged_ms),
        Column::EngagedBefore => hits(&|hit| hit.engaged_before_ms),
        Column::Scroll => hits(&|hit| hit.scroll.into()),
        Column::Alive => hits(&|hit| hit.alive_ms),
        Column::IdLow => Packed::wide(table.hits.iter().map(|hit| hit.id as u32).collect()),
        Column::IdHigh => Packed::wide(table.hits.iter().map(|hit| (hit.id >> 32) as u32).collect()),
        _ => Packed::Same(0, table.visits.len()),
    }
}

/// The columns that follow from others.
fn derive(part: &Part, column: Column) -> Result<Option<Packed>, BadSegment> {
    let starts = || part.column(Column::Starts);
    let kinds = || part.column(Column::Kind);
    Ok(Some(match column {
        Column::VisitPageviews => count_kind(&*starts()?, &*kinds()?, Kind::Pageview),
        Column::VisitEvents => count_kind(&*starts()?, &*kinds()?, Kind::Event),
        Column::VisitEngaged => {
            let (starts, engaged) = (starts()?, part.column(Column::Engaged)?);
            if let Packed::Same(0, _) = *engaged {
                return Ok(Some(Packed::Same(0, starts.len() - 1)));
            }
            by_visit(&starts, |rows| rows.fold(0, |sum: u32, row| sum.saturating_add(engaged.get(row))))
        }
        Column::Bounce => {
            let pageviews = part.column(Column::VisitPageviews)?;
            let events = part.column(Column::VisitEvents)?;
            let engaged = part.column(Column::VisitEngaged)?;
            let is_bounce = |visit| {
                pageviews.get(visit) == 1 && events.get(visit) == 0 && engaged.get(visit) < BOUNCE_ENGAGED_MS
            };
            Packed::new((0..pageviews.len()).map(|visit| is_bounce(visit).into()).collect())
        }
        Column::Over => {
            let (starts, at) = (starts()?, part.column(Column::At)?);
            let head = part.head();
            let end = since(head.day_end, head.day_start);
            let visits = (0u32..).zip(starts.wide_values().windows(2));
            let over = visits.filter(|(_, hits)| at.get(hits[1] as usize - 1) >= end).map(|(visit, hits)| {
                let is_after = |row: &u32| at.get(*row as usize) >= end;
                [visit, hits[0], (hits[0]..hits[1]).find(is_after).unwrap_or(hits[1]), hits[1]]
            });
            Packed::wide(over.flatten().collect())
        }
        Column::EntryPage | Column::ExitPage => {
            let (starts, kinds) = (starts()?, kinds()?);
            let paths = part.column(Column::HitText(HitText::Path))?;
            let is_view = |row: &usize| kinds.get(*row) == Kind::Pageview as u32;
            let is_entry = column == Column::EntryPage;
            by_visit(&starts, |mut rows| {
                let view = if is_entry { rows.find(is_view) } else { rows.rfind(is_view) };
                view.map_or(0, |row| paths.get(row))
            })
        }
        _ => return Ok(None),
    }))
}

fn count_kind(starts: &Packed, kinds: &Packed, kind: Kind) -> Packed {
    let kind = kind as u32;
    match kinds {
        Packed::Same(all, _) if *all != kind => Packed::Same(0, starts.len() - 1),
        Packed::Same(..) => by_visit(starts, |rows| rows.len() as u32),
        _ => by_visit(starts, |rows| rows.filter(|&row| kinds.get(row) == kind).count() as u32),
    }
}

fn by_visit(starts: &Packed, mut value: impl FnMut(std::ops::Range<usize>) -> u32) -> Packed {
    let visits = starts.wide_values().windows(2);
    Packed::new(visits.map(|hits| value(hits[0] as usize..hits[1] as usize)).collect())
}

/// The text of a number of a column of texts.
pub(super) fn text_of(part: &Part, column: Column, number: u32) -> Arc<str> {
    match column {
        Column::VisitText(text) => part.library().visit_text(text, number),
        Column::HitText(text) => part.library().hit_text(text, number),
        _ => part.library().hit_text(HitText::Path, number),
    }
}
