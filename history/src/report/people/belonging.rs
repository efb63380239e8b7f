//! Whose each visit is.

use std::sync::Arc;

use super::super::columns::Column;
use super::super::part::Part;
use super::super::{Control, ReportError};
use super::naming::{Naming, counts};
use crate::query::Bots;

/// One visit of somebody who is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    pub visitor: u32,
    pub is_bot: bool,
    pub first: i64,
    pub last: i64,
    /// Part, and visit in it.
    pub visit: (u32, u32),
    pub pageviews: u32,
    pub events: u32,
    pub engaged_ms: u32,
}

/// The visits of all visitors (by number) for which this holds, by visitor, verdict and time.
pub fn seen(
    parts: &[Arc<Part>],
    bots: Bots,
    is_asked: &dyn Fn(u32) -> bool,
    control: &Control<'_>,
) -> Result<Vec<Seen>, ReportError> {
    let mut seen = Vec::new();
    for (number, part) in (0..).zip(parts) {
        control.check()?;
        let visitor = part.column(Column::Visitor)?;
        let asked = visitor.wide_values().iter().zip(0..).filter(|(visitor, _)| is_asked(**visitor));
        let asked = asked.filter(|(_, visit)| part.hidden().binary_search(visit).is_err());
        let visits: Vec<(u32, u32)> = asked.map(|(&visitor, visit)| (visitor, visit)).collect();
        if visits.is_empty() {
            continue;
        }
        let (first, last) = (part.column(Column::First)?, part.column(Column::Last)?);
        let (pageviews, events) = (part.column(Column::VisitPageviews)?, part.column(Column::VisitEvents)?);
        let engaged = part.column(Column::VisitEngaged)?;
        let (day_start, humans) = (part.head().day_start, part.head().humans);
        for (visitor, visit) in visits {
            let (row, is_bot) = (visit as usize, visit >= humans);
            if counts(bots, is_bot) {
                seen.push(Seen {
                    visitor,
                    is_bot,
                    first: day_start + i64::from(first.get(row)),
                    last: day_start + i64::from(last.get(row)),
                    visit: (number, visit),
                    pageviews: pageviews.get(row),
                    events: events.get(row),
                    engaged_ms: engaged.get(row),
                });
            }
        }
        control.needs(seen.len() * size_of::<Seen>() * 2)?;
    }
    seen.sort_unstable_by_key(|visit| (visit.visitor, visit.is_bot, visit.first, visit.visit));
    Ok(seen)
}

/// Every identity that a visit belongs to, and the visit's place in `seen`.
pub fn belonging<'s>(seen: &'s [Seen], naming: &'s Naming) -> impl Iterator<Item = (u32, usize)> + 's {
    let same = |a: &Seen, b: &Seen| (a.visitor, a.is_bot) == (b.visitor, b.is_bot);
    let mut start = 0;
    seen.chunk_by(same).flat_map(move |visits| {
        let from = start;
        start += visits.len();
        of_visitor(visits, naming).into_iter().map(move |(identity, at)| (identity, from + at))
    })
}

/// The same of one visitor's visits of one verdict, in order of time.
fn of_visitor(visits: &[Seen], naming: &Naming) -> Vec<(u32, usize)> {
    let mut known = visits.iter().find_map(|visit| naming.of_visit(visit.visit).first());
    let mut belonging = Vec::new();
    for (at, visit) in visits.iter().enumerate() {
        let named = naming.of_visit(visit.visit);
        let mut identities: Vec<u32> = named.iter().map(|named| named.identity).collect();
        identities.sort_unstable();
        identities.dedup();
        known = named.last().or(known);
        if identities.is_empty() {
            identities.extend(known.map(|known| known.identity));
        }
        belonging.extend(identities.into_iter().map(|identity| (identity, at)));
    }
    belonging
}
