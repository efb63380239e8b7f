//! Verdicts as corrections leave them: the last that holds for a visit decides, and without one its hits do.

use std::sync::Arc;

use super::columns::Column;
use super::group::Context;
use super::library::Library;
use super::mask::{Mask, Ready};
use super::part::Part;
use super::{Control, ReportError};
use crate::amend::{Correction, Verdict};
use crate::query::Filter;
use crate::segment::BadSegment;
use crate::table::{HitText, Table};
use crate::zone::{Day, Zone};

/// Of each visit of a part, hidden or not, whether it counts as a bot's. `corrections`: in the order that they were made.
pub fn verdicts(
    part: &Arc<Part>,
    corrections: &[Correction],
    zone: &Zone,
    control: &Control<'_>,
) -> Result<Vec<bool>, ReportError> {
    let starts = part.column(Column::Starts)?;
    let bot = part.column(Column::HitText(HitText::Bot))?;
    let visits = part.head().visits as usize;
    let judged =
        |visit| !part.library().hit_text(HitText::Bot, bot.get(starts.get(visit) as usize)).is_empty();
    let mut is_bot: Vec<bool> = (0..visits).map(judged).collect();
    for correction in corrections {
        named(part, correction, zone, control, |visit| is_bot[visit] = correction.verdict == Verdict::Bot)?;
    }
    Ok(is_bot)
}

/// How many visits of a part a correction names, and hits of them.
pub fn count(
    part: &Arc<Part>,
    correction: &Correction,
    zone: &Zone,
    control: &Control<'_>,
) -> Result<(usize, usize), ReportError> {
    let starts = part.column(Column::Starts)?;
    let (mut visits, mut hits) = (0, 0);
    named(part, correction, zone, control, |visit| {
        visits += 1;
        hits += (starts.get(visit + 1) - starts.get(visit)) as usize;
    })?;
    Ok((visits, hits))
}

fn named(
    part: &Arc<Part>,
    correction: &Correction,
    zone: &Zone,
    control: &Control<'_>,
    mut take: impl FnMut(usize),
) -> Result<(), ReportError> {
    control.check()?;
    correction.check()?;
    let head = part.head();
    let (from, to) = (correction.from, correction.to);
    if head.visits == 0 || head.day_end <= from || to <= head.day_start.min(head.first) {
        return Ok(());
    }
    let context = Context::new(zone, std::slice::from_ref(part), false, control)?;
    let filter = Filter::Visit(Box::new(correction.filter.clone()));
    let mask = Ready::new(&filter)?.mask(part, &context, control)?;
    let first = part.column(Column::First)?;
    let begins = |visit: &usize| (from..to).contains(&(head.day_start + i64::from(first.get(*visit))));
    let holds = |visit: &usize| match &mask {
        Mask::All => true,
        Mask::Visits(bits) => bits.has(*visit),
        Mask::Hits(_) => false,
    };
    (0..head.visits as usize).filter(begins).filter(holds).for_each(&mut take);
    Ok(())
}

/// A day's table with verdicts as corrections leave them.
pub fn judged(day: &Day, table: Table, corrections: &[Correction], zone: &Zone) -> Result<Table, BadSegment> {
    if corrections.iter().all(|correction| correction.to <= day.start || day.end <= correction.from) {
        let judged: Vec<bool> = table.visits.iter().map(|visit| table.is_judged_bot(visit)).collect();
        return Ok(table.with_verdicts(&judged));
    }
    let part = Arc::new(Library::new(usize::MAX).hold(day, table.clone()));
    let judged = verdicts(&part, corrections, zone, &Control::plain());
    // They were checked before they were kept; what this program cannot read of a later one, it cannot fold by.
    let judged = judged.map_err(|_| BadSegment::NoSegment("a correction cannot be followed"))?;
    Ok(table.with_verdicts(&judged))
}
