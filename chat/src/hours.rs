//! Office hours of a site: whether somebody is there now, and when there will be.

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use model::{Hours, Millis, Site};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Presence {
    pub open: bool,
    /// Where it is not: when it will be.
    pub opens_at: Option<Millis>,
}

/// As the site's hours say at that moment, in its zone. Hours that a change of clocks leaves out begin with the next moment that is there.
pub fn presence(site: &Site, now: Millis) -> Presence {
    let hours = &site.chat.hours;
    if hours.is_empty() {
        return Presence { open: true, opens_at: None };
    }
    let zone = TimeZone::get(&site.time_zone).unwrap_or(TimeZone::UTC);
    let today = Timestamp::from_millisecond(now.0).unwrap_or_default().to_zoned(zone.clone()).date();
    // The day before may still be going on, and a week later each day was seen.
    let days = (-1..=7).filter_map(|days| today.checked_add(days.days()).ok());
    let mut spans: Vec<(Millis, Millis)> = days
        .flat_map(|day| {
            hours.iter().filter_map(move |hours| {
                (hours.day as i8 == day.weekday().to_monday_one_offset()).then_some((day, *hours))
            })
        })
        .filter_map(|(day, hours)| span(day, hours, &zone))
        .collect();
    spans.sort_unstable();
    let open = spans.iter().any(|(from, to)| *from <= now && now < *to);
    let next = spans.iter().map(|(from, _)| *from).find(|from| *from > now);
    Presence { open, opens_at: next.filter(|_| !open) }
}

fn span(day: Date, hours: Hours, zone: &TimeZone) -> Option<(Millis, Millis)> {
    Some((moment(day, hours.from, zone)?, moment(day, hours.to, zone)?))
}

fn moment(day: Date, minutes: u16, zone: &TimeZone) -> Option<Millis> {
    let at = match minutes {
        1_440 => day.tomorrow().ok()?.at(0, 0, 0, 0),
        _ => day.to_datetime(Time::new((minutes / 60) as i8, (minutes % 60) as i8, 0, 0).ok()?),
    };
    Some(Millis(at.to_zoned(zone.clone()).ok()?.timestamp().as_millisecond()))
}

#[cfg(test)]
mod tests {
    use model::SiteId;

    use super::*;

    fn at(text: &str) -> Millis {
        Millis(text.parse::<Timestamp>().unwrap().as_millisecond())
    }

    fn check(hours: &[(u8, u16, u16)], zone: &str, now: &str, open: bool, opens_at: Option<&str>) {
        let mut site = Site::new(SiteId::of(1), "s", &["*"], Millis(0));
        site.time_zone = zone.into();
        site.chat.hours = hours.iter().map(|&(day, from, to)| Hours { day, from, to }).collect();
        assert_eq!(presence(&site, at(now)), Presence { open, opens_at: opens_at.map(at) }, "{now}");
    }

    #[test]
    fn somebody_is_there_in_the_hours_of_the_sites_zone() {
        const NINE_TO_FIVE: &[(u8, u16, u16)] = &[(1, 540, 1_020), (5, 540, 1_020)];
        check(&[], "UTC", "2026-11-22T03:00:00Z", true, None);
        // A Sunday.
        check(NINE_TO_FIVE, "Europe/Paris", "2026-11-22T12:00:00Z", false, Some("2026-11-23T08:00:00Z"));
        check(NINE_TO_FIVE, "Europe/Paris", "2026-11-23T07:59:59Z", false, Some("2026-11-23T08:00:00Z"));
        check(NINE_TO_FIVE, "Europe/Paris", "2026-11-23T08:00:00Z", true, None);
        check(NINE_TO_FIVE, "Europe/Paris", "2026-11-23T15:59:59Z", true, None);
        check(NINE_TO_FIVE, "Europe/Paris", "2026-11-23T16:00:00Z", false, Some("2026-11-27T08:00:00Z"));
        check(NINE_TO_FIVE, "Europe/Paris", "2026-11-27T16:00:00Z", false, Some("2026-11-30T08:00:00Z"));
        check(&[(7, 0, 1_440)], "UTC", "2026-11-22T23:59:59Z", true, None);
        check(&[(7, 0, 1_440)], "UTC", "2026-11-23T00:00:00Z", false, Some("2026-11-29T00:00:00Z"));
        // Clocks go forward at two.
        check(&[(7, 150, 240)], "Europe/Paris", "2026-03-29T00:30:00Z", false, Some("2026-03-29T01:30:00Z"));
    }
}
