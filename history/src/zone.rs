//! A site's time zone: which day a moment is of, and where the units of its calendar begin.

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Unit, Zoned, ZonedRound};
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

/// The begin of the hour that a moment is in, by the zone's own clock.
pub(crate) fn hour_start(zoned: &Zoned) -> Zoned {
    let round = ZonedRound::new().smallest(Unit::Hour).mode(jiff::RoundMode::Trunc);
    zoned.round(round).unwrap_or_else(|_| zoned.clone())
}
