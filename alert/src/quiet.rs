//! When people are left in peace: of each day from one time to another one, by the site's clock.

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};
use model::Millis;
use model::alert::Quiet;

/// When it ends, where it is quiet now; None: it is not. An hour that the clocks leave out or have twice is taken as they go.
pub fn quiet_until(quiet: &Quiet, zone: &TimeZone, now: Millis) -> Option<Millis> {
    let here = Timestamp::from_millisecond(now.0).ok()?.to_zoned(zone.clone());
    let minute = here.hour() as u16 * 60 + here.minute() as u16;
    let is_quiet = match quiet.from <= quiet.to {
        true => (quiet.from..quiet.to).contains(&minute),
        false => minute >= quiet.from || minute < quiet.to,
    };
    if !is_quiet {
        return None;
    }
    let days = if minute < quiet.to { 0 } else { 1 };
    let end = end_of(quiet, &here, days)?;
    Some(Millis(end.timestamp().as_millisecond()))
}

fn end_of(quiet: &Quiet, here: &Zoned, days: i32) -> Option<Zoned> {
    let (hour, minute) = (i8::try_from(quiet.to / 60).ok()?, i8::try_from(quiet.to % 60).ok()?);
    let day = here.date().checked_add(days.days()).ok()?;
    let end = day.to_datetime(Time::new(hour, minute, 0, 0).ok()?);
    // Where the clock is turned back over the end, the later one is.
    here.time_zone().to_ambiguous_zoned(end).later().ok()
}

/// The hour of the week by the site's clock, 0 on Monday at midnight.
pub fn hour_of_week(zone: &TimeZone, at: Millis) -> usize {
    let moment = Timestamp::from_millisecond(at.0).unwrap_or(Timestamp::UNIX_EPOCH);
    let here = moment.to_zoned(zone.clone());
    here.weekday().to_monday_zero_offset() as usize * 24 + here.hour() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(text: &str) -> Millis {
        Millis(text.parse::<Timestamp>().unwrap().as_millisecond())
    }

    fn check(quiet: (u16, u16), zone: &str, now: &str, until: Option<&str>) {
        let zone = TimeZone::get(zone).unwrap();
        let quiet = Quiet { from: quiet.0, to: quiet.1 };
        assert_eq!(quiet_until(&quiet, &zone, moment(now)), until.map(moment), "{now} {quiet:?}");
    }

    #[test]
    fn it_is_quiet_by_the_clock_of_the_site() {
        let night = (22 * 60, 7 * 60);
        check(night, "UTC", "2026-11-22T21:59:59Z", None);
        check(night, "UTC", "2026-11-22T22:00:00Z", Some("2026-11-23T07:00:00Z"));
        check(night, "UTC", "2026-11-23T06:59:59Z", Some("2026-11-23T07:00:00Z"));
        check(night, "UTC", "2026-11-23T07:00:00Z", None);
        check(night, "Europe/Paris", "2026-11-22T21:30:00Z", Some("2026-11-23T06:00:00Z"));
        check((12 * 60, 13 * 60 + 30), "UTC", "2026-11-23T13:29:00Z", Some("2026-11-23T13:30:00Z"));
        check((12 * 60, 12 * 60), "UTC", "2026-11-23T12:00:00Z", None);
        // Clocks go forward and back.
        check(night, "Europe/Paris", "2026-03-28T23:00:00Z", Some("2026-03-29T05:00:00Z"));
        check(night, "Europe/Paris", "2026-10-24T23:00:00Z", Some("2026-10-25T06:00:00Z"));
        let half_past_two = (22 * 60, 2 * 60 + 30);
        check(half_past_two, "Europe/Paris", "2026-10-25T01:15:00Z", Some("2026-10-25T01:30:00Z"));
    }

    #[test]
    fn the_week_begins_on_monday_by_the_clock_of_the_site() {
        let paris = TimeZone::get("Europe/Paris").unwrap();
        assert_eq!(hour_of_week(&TimeZone::UTC, moment("2026-11-23T00:00:00Z")), 0);
        assert_eq!(hour_of_week(&paris, moment("2026-11-22T23:00:00Z")), 0);
        assert_eq!(hour_of_week(&TimeZone::UTC, moment("2026-11-22T23:59:00Z")), 167);
    }
}
