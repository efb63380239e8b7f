//! When each visitor was there first, and which visits are therefore returns.

use std::sync::Arc;

use super::columns::Column;
use super::numbering::number_visitors;
use super::packed::Packed;
use super::part::Part;
use super::{Control, ReportError};
use crate::query::Bots;

pub(super) const NEW: &str = "new";
pub(super) const RETURNING: &str = "returning";

/// Begin of each visitor's first visit as a human and as a bot, by their numbers; `i64::MAX`: none. 16 bytes a visitor.
#[derive(Default)]
pub(super) struct Firsts {
    humans: Vec<i64>,
    bots: Vec<i64>,
}

impl Firsts {
    /// Looks through all these parts.
    pub fn find(parts: &[Arc<Part>], control: &Control<'_>) -> Result<Firsts, ReportError> {
        number_visitors(parts, control)?;
        let visitors = parts.first().map_or(0, |part| part.library().visitors());
        control.needs(visitors * 16)?;
        let mut firsts = Firsts { humans: vec![i64::MAX; visitors], bots: vec![i64::MAX; visitors] };
        for part in parts {
            control.check()?;
            let (visitor, first) = (part.column(Column::Visitor)?, part.column(Column::First)?);
            let mut hidden = part.hidden().iter().peekable();
            let numbers = visitor.wide_values().iter().zip(0u32..);
            for (&number, visit) in numbers {
                if hidden.next_if_eq(&&visit).is_some() {
                    continue;
                }
                let at = part.head().day_start + i64::from(first.get(visit as usize));
                let known = match visit < part.head().humans {
                    true => &mut firsts.humans[number as usize],
                    false => &mut firsts.bots[number as usize],
                };
                *known = at.min(*known);
            }
        }
        Ok(firsts)
    }

    fn of(&self, visitor: usize, is_bot: bool) -> i64 {
        let firsts = if is_bot { &self.bots } else { &self.humans };
        firsts.get(visitor).copied().unwrap_or(i64::MAX)
    }

    /// The first visit of a visitor among those that a report counts.
    pub fn first(&self, visitor: usize, bots: Bots) -> i64 {
        match bots {
            Bots::Without => self.of(visitor, false),
            Bots::Only => self.of(visitor, true),
            Bots::With => self.of(visitor, false).min(self.of(visitor, true)),
        }
    }

    /// Of each visit of a part: 0 for new, 1 for returning.
    pub fn kinds(&self, part: &Part) -> Result<Packed, ReportError> {
        let (visitor, first) = (part.column(Column::Visitor)?, part.column(Column::First)?);
        let (day_start, humans) = (part.head().day_start, part.head().humans as usize);
        let is_return = |visit: usize| {
            let at = day_start + i64::from(first.get(visit));
            self.of(visitor.get(visit) as usize, visit >= humans) < at
        };
        Ok(Packed::U8((0..visitor.len()).map(|visit| is_return(visit).into()).collect()))
    }
}
