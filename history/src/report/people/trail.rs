//! What somebody did, visit by visit.

use std::sync::Arc;

use hashbrown::HashMap;
use model::VisitorId;

use super::super::ReportError;
use super::super::columns::{Column, text_of};
use super::super::part::Part;
use super::TRAIL_HITS_MAX;
use super::belonging::Seen;
use super::summary::VisitTexts;
use crate::table::{HitText, Kind};

/// One visit of a trail.
#[derive(Clone, Debug, PartialEq)]
pub struct TrailVisit {
    pub visitor: VisitorId,
    pub is_bot: bool,
    /// First and last sign of life, milliseconds since 1970 UTC.
    pub first: i64,
    pub last: i64,
    pub texts: VisitTexts,
    pub pageviews: u64,
    pub events: u64,
    pub engaged_ms: u64,
    /// Pageviews, events and identifies in order of time, `TRAIL_HITS_MAX` at most.
    pub hits: Vec<TrailHit>,
    /// How many more there were.
    pub hits_left: usize,
}

/// One hit of a trail.
#[derive(Clone, Debug, PartialEq)]
pub struct TrailHit {
    pub at: i64,
    pub kind: Kind,
    pub hostname: Arc<str>,
    pub path: Arc<str>,
    pub query: Arc<str>,
    pub title: Arc<str>,
    /// Of an event its name, of an identify the identity.
    pub name: Arc<str>,
    /// A JSON object of texts; empty without.
    pub props: Arc<str>,
    pub engaged_ms: u32,
    pub scroll: u8,
}

/// A page of these visits, the latest first.
pub fn page(
    parts: &[Arc<Part>],
    seen: &[Seen],
    mut theirs: Vec<usize>,
    (offset, limit): (usize, usize),
    ids: &HashMap<u32, VisitorId>,
) -> Result<Vec<TrailVisit>, ReportError> {
    let id = |at: &usize| ids.get(&seen[*at].visitor).copied().unwrap_or(VisitorId(0));
    theirs.sort_by_key(|at| (std::cmp::Reverse(seen[*at].first), id(at), seen[*at].is_bot));
    let page = theirs.iter().skip(offset).take(limit);
    page.map(|at| visit(&parts[seen[*at].visit.0 as usize], &seen[*at], id(at))).collect()
}

fn visit(part: &Part, seen: &Seen, visitor: VisitorId) -> Result<TrailVisit, ReportError> {
    let number = seen.visit.1 as usize;
    let starts = part.column(Column::Starts)?;
    let kinds = part.column(Column::Kind)?;
    let rows = starts.get(number) as usize..starts.get(number + 1) as usize;
    let rows: Vec<usize> = rows.filter(|&row| kinds.get(row) != Kind::Presence as u32).collect();
    let shown = &rows[..rows.len().min(TRAIL_HITS_MAX)];
    Ok(TrailVisit {
        visitor,
        is_bot: seen.is_bot,
        first: seen.first,
        last: seen.last,
        texts: VisitTexts::read(part, seen.visit.1)?,
        pageviews: seen.pageviews.into(),
        events: seen.events.into(),
        engaged_ms: seen.engaged_ms.into(),
        hits: shown.iter().map(|&row| hit(part, row)).collect::<Result<_, _>>()?,
        hits_left: rows.len() - shown.len(),
    })
}

fn hit(part: &Part, row: usize) -> Result<TrailHit, ReportError> {
    let number = |column| Ok::<u32, ReportError>(part.column(column)?.get(row));
    let text = |text| {
        let column = Column::HitText(text);
        Ok::<Arc<str>, ReportError>(text_of(part, column, part.column(column)?.get(row)))
    };
    Ok(TrailHit {
        at: part.head().day_start + i64::from(number(Column::At)?),
        kind: Kind::ALL[number(Column::Kind)? as usize],
        hostname: text(HitText::Hostname)?,
        path: text(HitText::Path)?,
        query: text(HitText::Query)?,
        title: text(HitText::Title)?,
        name: text(HitText::Name)?,
        props: text(HitText::Props)?,
        engaged_ms: number(Column::Engaged)?,
        scroll: number(Column::Scroll)? as u8,
    })
}
