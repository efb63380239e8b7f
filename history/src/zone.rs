//! A site's time zone: which day a moment is of, and where the units of its calendar begin.

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};
use model::Millis;

/// A calendar day of a zone: 23, 24 or 25 hours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Day {
    /// `2026-11-21`.
    pub name: String,
    /// Milliseconds since 1970 UTC; the end is the next day's begin.
    pub start: i64,
    pub end: i64,
}

/// A zone by its IANA name.
#[derive(Clone, Debug)]
pub struct Zone(TimeZone);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a time zone")]
pub struct BadZone(pub String);

impl Zone {
    pub fn named(name: &str) -> Result<Zone, BadZone> {
        TimeZone::get(name).map(Zone).map_err(|_| BadZone(name.to_owned()))
    }

    pub fn of(zone: TimeZone) -> Zone {
        Zone(zone)
    }

    pub fn utc() -> Zone {
        Zone(TimeZone::UTC)
    }

    /// A moment in this zone; moments that no calendar reaches become its first or last.
    pub fn at(&self, at: Millis) -> Zoned {
        let moment = Timestamp::from_millisecond(at.0);
        let moment = moment.unwrap_or(if at.0 < 0 { Timestamp::MIN } else { Timestamp::MAX });
        moment.to_zoned(self.0.clone())
    }

    /// The day that a moment is of.
    pub fn day_of(&self, at: Millis) -> Day {
        let zoned = self.at(at);
        let start = zoned.start_of_day().unwrap_or_else(|_| zoned.clone());
        let end = start.checked_add(1.day()).and_then(|next| next.start_of_day());
        let end = end.map_or(i64::MAX, |end| end.timestamp().as_millisecond());
        Day { name: zoned.date().to_string(), start: start.timestamp().as_millisecond(), end }
    }

    pub fn time_zone(&self) -> &TimeZone {
        &self.0
    }
}

/// The begin of the hour that a moment is in, by the zone's own clock: where the clock was turned since, that moment.
pub(crate) fn hour_start(at: &Zoned) -> Zoned {
    let into = i64::from(at.minute()) * 60_000 + i64::from(at.second()) * 1_000 + i64::from(at.millisecond());
    let start = at.checked_sub(into.milliseconds()).unwrap_or_else(|_| at.clone());
    if start.offset() == at.offset() {
        return start;
    }
    let turned = at.timestamp().checked_add(1.millisecond()).ok();
    let turned = turned.and_then(|after| at.time_zone().preceding(after).next());
    turned.map_or(start, |turned| turned.timestamp().to_zoned(at.time_zone().clone()))
}

/// The begin of the hour after the one that begins at a moment.
pub(crate) fn next_hour(start: &Zoned) -> Option<Zoned> {
    let left = 60 - i64::from(start.minute());
    let next = start.checked_add(left.minutes()).ok()?;
    if next.offset() == start.offset() {
        return Some(next);
    }
    let turned = start.time_zone().following(start.timestamp()).next()?;
    Some(turned.timestamp().to_zoned(start.time_zone().clone()))
}
