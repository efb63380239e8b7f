//! The visitors of several parts numbered together, which is much cheaper than part by part.

use std::sync::Arc;

use super::columns::{Column, Source};
use super::packed::Packed;
use super::part::Part;
use super::{Control, ReportError};
use crate::segment::Columns;

/// Visits whose visitors are numbered together: 12 bytes each, beside the tables.
const VISITS_TOGETHER: usize = 1 << 20;

/// Decodes the visitors of all these parts where no report did before.
pub(super) fn number_visitors<'p>(
    parts: impl IntoIterator<Item = &'p Arc<Part>>,
    control: &Control<'_>,
) -> Result<(), ReportError> {
    let (mut waiting, mut visits) = (Vec::new(), 0);
    for part in parts.into_iter().filter(|part| !part.has(Column::Visitor)) {
        let ids = match part.source() {
            Source::Segment(reader) => reader.numbers(Columns::Visitor, |visitor| visitor as u64)?,
            Source::Table(table) => table.visits.iter().map(|visit| visit.visitor.0).collect(),
        };
        visits += ids.len();
        waiting.push((part, ids));
        if visits >= VISITS_TOGETHER {
            number(std::mem::take(&mut waiting), control)?;
            visits = 0;
        }
    }
    number(waiting, control)
}

fn number(waiting: Vec<(&Arc<Part>, Vec<u64>)>, control: &Control<'_>) -> Result<(), ReportError> {
    control.check()?;
    let (parts, ids): (Vec<_>, Vec<_>) = waiting.into_iter().unzip();
    let Some(part) = parts.first() else { return Ok(()) };
    let numbered = part.library().number_lists(&ids);
    for (part, numbers) in parts.into_iter().zip(numbered) {
        part.keep(Column::Visitor, Packed::wide(numbers));
    }
    Ok(())
}
