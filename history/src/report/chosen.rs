//! The hits that a correction names.

use std::sync::Arc;

use super::breakdown::masks_of;
use super::buckets::Buckets;
use super::columns::Column;
use super::group::Context;
use super::part::Part;
use super::scan::{Sink, View};
use super::{Control, ReportError};
use crate::amend::{CORRECTED_MAX, Chosen, Correction};
use crate::query::{BadQuery, Bots, asks_firsts, limit};
use crate::zone::Zone;

/// Finds them, humans' and bots' alike. `parts` as for [`super::answer`]; none of them may hide visits.
pub fn chosen(
    parts: &[Arc<Part>],
    zone: &Zone,
    correction: &Correction,
    control: &Control<'_>,
) -> Result<Chosen, ReportError> {
    if correction.to < correction.from {
        return Err(BadQuery::Range.into());
    }
    correction.filter.check()?;
    let range = (correction.from, correction.to);
    let one = Buckets::one(range.0, range.1);
    let filters = std::iter::once(&correction.filter);
    let context = Context::new(zone, parts, asks_firsts(filters), control)?;
    let parts: Vec<Arc<Part>> = parts.iter().filter(|part| part.touches(range.0, range.1)).cloned().collect();
    let masks = masks_of(Some(&correction.filter), &parts, range, Bots::With, &context, control)?;
    let mut chosen = Chosen::default();
    for (part, mask) in parts.iter().zip(masks) {
        let mut rows = Rows::default();
        View::new(part, mask, range, Bots::With, &one)?.walk(false, &one, control, &mut rows)?;
        if rows.0.is_empty() {
            continue;
        }
        limit("hits of a correction", chosen.hits.len() + rows.0.len(), CORRECTED_MAX)?;
        let (low, high) = (part.column(Column::IdLow)?, part.column(Column::IdHigh)?);
        let (at, day_start) = (part.column(Column::At)?, part.head().day_start);
        chosen.days.push(day_start);
        chosen.hits.extend(rows.0.into_iter().map(|row| {
            let id = u64::from(high.get(row)) << 32 | u64::from(low.get(row));
            (day_start + i64::from(at.get(row)), id)
        }));
    }
    Ok(chosen)
}

#[derive(Default)]
struct Rows(Vec<usize>);

impl Sink for Rows {
    fn visit(&mut self, _: usize, _: usize) {}

    fn begin(&mut self, _: usize, _: Option<usize>) {}

    fn hit(&mut self, _: usize, row: usize, _: usize) {
        self.0.push(row);
    }
}
