//! The range that a report is compared with.

use jiff::{Span, ToSpan, Zoned};
use model::Millis;
use serde::{Deserialize, Serialize};

use super::BadQuery;
use crate::zone::Zone;

/// Which range. Moments keep their time of day in the site's zone, whatever clocks were turned in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Compare {
    /// The one right before: as many months where the range is whole months, as many days where it is whole days, else as long.
    Previous,
    /// As many whole weeks before as the range touches, so that weekdays meet.
    Weekdays,
    /// The same dates of the year before; 29 February meets the 28th.
    Year,
    Range {
        from: i64,
        to: i64,
    },
}

impl Compare {
    /// Milliseconds since 1970 UTC, the first that counts and the first that does not.
    pub fn range(self, zone: &Zone, from: i64, to: i64) -> Result<(i64, i64), BadQuery> {
        let (first, end) = (zone.at(Millis(from)), zone.at(Millis(to)));
        match self {
            Compare::Range { from, to } => Ok((from, to)),
            _ if from >= to => Ok((from, from)),
            Compare::Previous => match whole(&first, &end)? {
                Some(length) => Ok((begin_of_day(&first, length)?, from)),
                None => {
                    let before = to.checked_sub(from).and_then(|length| from.checked_sub(length));
                    Ok((before.ok_or(BadQuery::Calendar)?, from))
                }
            },
            Compare::Weekdays => {
                let last = zone.at(Millis(to - 1)).date();
                let days = last.since(first.date()).map_err(|_| BadQuery::Calendar)?.get_days();
                shifted(zone, (from, to), (i64::from(days) / 7 + 1).weeks())
            }
            Compare::Year => shifted(zone, (from, to), 1.year()),
        }
    }
}

/// How many months or days a range is that begins and ends with some.
fn whole(first: &Zoned, end: &Zoned) -> Result<Option<Span>, BadQuery> {
    let begins_day = |at: &Zoned| at.start_of_day().is_ok_and(|start| start == *at);
    if !begins_day(first) || !begins_day(end) {
        return Ok(None);
    }
    let (first, end) = (first.date(), end.date());
    if first.day() == 1 && end.day() == 1 {
        let months = |date: jiff::civil::Date| i64::from(date.year()) * 12 + i64::from(date.month());
        return Ok(Some((months(end) - months(first)).months()));
    }
    let days = end.since(first).map_err(|_| BadQuery::Calendar)?.get_days();
    Ok(Some(i64::from(days).days()))
}

fn begin_of_day(at: &Zoned, before: Span) -> Result<i64, BadQuery> {
    let date = at.date().checked_sub(before).map_err(|_| BadQuery::Calendar)?;
    let start = date.to_zoned(at.time_zone().clone()).map_err(|_| BadQuery::Calendar)?;
    Ok(start.timestamp().as_millisecond())
}

/// Both ends so much earlier: the first moment, and the one after the last.
fn shifted(zone: &Zone, (from, to): (i64, i64), by: Span) -> Result<(i64, i64), BadQuery> {
    let earlier = |at: i64| {
        let at = zone.at(Millis(at)).checked_sub(by).map_err(|_| BadQuery::Calendar)?;
        Ok(at.timestamp().as_millisecond())
    };
    let (first, last) = (earlier(from)?, earlier(to - 1)?);
    let begins_day = zone.day_of(Millis(from)).start == from;
    let first = if begins_day { zone.day_of(Millis(first)).start } else { first };
    let ends_day = zone.day_of(Millis(to)).start == to;
    let end = if ends_day { zone.day_of(Millis(last)).end } else { last + 1 };
    Ok((first, end.max(first)))
}
