//! The calendar of a site's zone as begins of its units.

use jiff::{ToSpan, Zoned};
use model::Millis;

use crate::query::{BUCKETS_MAX, BadQuery, Unit};
use crate::zone::{Zone, hour_start, next_hour};

/// Units of a range, in order: each from its begin to the next one's.
#[derive(Clone, Debug)]
pub struct Buckets {
    /// Milliseconds since 1970 UTC; the first is not after the range's begin.
    pub starts: Vec<i64>,
    pub end: i64,
}

impl Buckets {
    /// Every unit that the range touches. At most [`BUCKETS_MAX`].
    pub fn new(zone: &Zone, unit: Unit, from: i64, to: i64) -> Result<Buckets, BadQuery> {
        let mut starts = Vec::new();
        let mut at = start(zone.at(Millis(from)), unit);
        loop {
            let here = at.timestamp().as_millisecond();
            if here >= to && !starts.is_empty() {
                return Ok(Buckets { starts, end: here });
            }
            starts.push(here);
            if starts.len() > BUCKETS_MAX {
                return Err(BadQuery::Limit { what: "buckets of a report", max: BUCKETS_MAX });
            }
            at = match next(&at, unit) {
                Some(next) => next,
                None => return Ok(Buckets { starts, end: i64::MAX }),
            };
        }
    }

    /// The whole range as one.
    pub fn one(from: i64, to: i64) -> Buckets {
        Buckets { starts: vec![from], end: to }
    }

    /// Which one a moment is in; the first for those before, the last for those after.
    pub fn of(&self, at: i64) -> usize {
        self.starts.partition_point(|&start| start <= at).saturating_sub(1)
    }
}

fn start(at: Zoned, unit: Unit) -> Zoned {
    let day = || at.start_of_day().ok();
    let since = |days: i64| day()?.checked_sub(days.days()).ok()?.start_of_day().ok();
    let found = match unit {
        Unit::Minute => {
            let second = at.timestamp().as_second();
            let minute = jiff::Timestamp::from_second(second - second.rem_euclid(60)).ok();
            minute.map(|minute| minute.to_zoned(at.time_zone().clone()))
        }
        Unit::Hour => Some(hour_start(&at)),
        Unit::Day => day(),
        Unit::Week => since(at.weekday().to_monday_zero_offset().into()),
        Unit::Month => since(i64::from(at.day()) - 1),
        Unit::Quarter => {
            let first = at.with().day(1).month((at.month() - 1) / 3 * 3 + 1).build().ok();
            first.and_then(|first| first.start_of_day().ok())
        }
        Unit::Year => since(i64::from(at.day_of_year()) - 1),
    };
    found.unwrap_or(at)
}

fn next(at: &Zoned, unit: Unit) -> Option<Zoned> {
    let days = |span: jiff::Span| at.checked_add(span).ok()?.start_of_day().ok();
    match unit {
        Unit::Minute => at.checked_add(1.minute()).ok(),
        Unit::Hour => next_hour(at),
        Unit::Day => days(1.day()),
        Unit::Week => days(1.week()),
        Unit::Month => days(1.month()),
        Unit::Quarter => days(3.months()),
        Unit::Year => days(1.year()),
    }
}
