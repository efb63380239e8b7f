//! Which earlier stretch a range is held against.

use history::zone::Zone;
use jiff::{ToSpan, Zoned};
use model::Millis;
use serde::{Deserialize, Serialize};

use super::range::Span;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Compare {
    /// As long, right before.
    Previous,
    /// As long, as few whole weeks before as can be, so that weekdays meet.
    Weekdays,
    /// The same dates a year before.
    Year,
}

impl Compare {
    /// Where the range is not over, the earlier one ends as far into itself as this one is at `now`.
    pub fn before(self, span: Span, zone: &Zone, now: Millis) -> Span {
        let is_whole_days = [span.from, span.to].iter().all(|&at| zone.day_of(Millis(at)).start == at);
        let days = days(span, zone);
        let back = |at: i64| match self {
            Compare::Previous if !is_whole_days => at - (span.to - span.from),
            Compare::Previous => earlier(zone, at, days.days()),
            Compare::Weekdays => earlier(zone, at, (days.max(1) + 6).div_euclid(7).weeks()),
            Compare::Year => earlier(zone, at, 1.year()),
        };
        let end = span.to.min(now.0.max(span.from));
        Span { from: back(span.from), to: back(end) }
    }
}

/// Days of the site's calendar that the span touches the ends of; 30 hours are 2.
fn days(span: Span, zone: &Zone) -> i64 {
    let (from, to) = (zone.at(Millis(span.from)), zone.at(Millis(span.to)));
    let days = from.date().until(to.date()).map_or(0, |until| i64::from(until.get_days()));
    if to.time() > from.time() { days + 1 } else { days }
}

fn earlier(zone: &Zone, at: i64, by: jiff::Span) -> i64 {
    let at: Zoned = zone.at(Millis(at));
    at.saturating_sub(by).timestamp().as_millisecond()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reports::range::local;

    fn at(text: &str) -> i64 {
        text.parse::<jiff::Timestamp>().unwrap().as_millisecond()
    }

    fn check(compare: Compare, range: [&str; 2], now: &str, expected: [&str; 2]) {
        let zone = Zone::named("Europe/Paris").unwrap();
        let span = Span { from: at(range[0]), to: at(range[1]) };
        let before = compare.before(span, &zone, Millis(at(now)));
        assert_eq!([local(&zone, before.from), local(&zone, before.to)], expected, "{compare:?} {range:?}");
    }

    const WEEK: [&str; 2] = ["2026-03-27T00:00:00+01:00", "2026-04-03T00:00:00+02:00"];

    #[test]
    fn whole_days_go_back_by_days_of_the_calendar() {
        let later = "2027-01-01T00:00:00Z";
        check(Compare::Previous, WEEK, later, ["2026-03-20T00:00:00+01:00", "2026-03-27T00:00:00+01:00"]);
        check(Compare::Weekdays, WEEK, later, ["2026-03-20T00:00:00+01:00", "2026-03-27T00:00:00+01:00"]);
        check(Compare::Year, WEEK, later, ["2025-03-27T00:00:00+01:00", "2025-04-03T00:00:00+02:00"]);
        let month = ["2026-03-01T00:00:00+01:00", "2026-04-01T00:00:00+02:00"];
        check(Compare::Previous, month, later, ["2026-01-29T00:00:00+01:00", "2026-03-01T00:00:00+01:00"]);
        check(Compare::Weekdays, month, later, ["2026-01-25T00:00:00+01:00", "2026-02-25T00:00:00+01:00"]);
        let leap = ["2028-02-29T00:00:00+01:00", "2028-03-01T00:00:00+01:00"];
        check(Compare::Year, leap, "2029-01-01T00:00:00Z", [
            "2027-02-28T00:00:00+01:00",
            "2027-03-01T00:00:00+01:00",
        ]);
    }

    #[test]
    fn a_range_that_is_not_over_is_held_against_as_much_of_the_earlier_one() {
        let now = "2026-03-29T12:30:00+02:00";
        check(Compare::Previous, WEEK, now, ["2026-03-20T00:00:00+01:00", "2026-03-22T12:30:00+01:00"]);
        let today = ["2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00"];
        check(Compare::Previous, today, now, ["2026-03-28T00:00:00+01:00", "2026-03-28T12:30:00+01:00"]);
        check(Compare::Weekdays, today, now, ["2026-03-22T00:00:00+01:00", "2026-03-22T12:30:00+01:00"]);
        let to_come = ["2026-03-30T00:00:00+02:00", "2026-03-31T00:00:00+02:00"];
        check(Compare::Previous, to_come, now, ["2026-03-29T00:00:00+01:00", "2026-03-29T00:00:00+01:00"]);
    }

    #[test]
    fn hours_go_back_by_their_length() {
        let hours = ["2026-03-29T03:00:00+02:00", "2026-03-29T09:00:00+02:00"];
        let later = "2027-01-01T00:00:00Z";
        check(Compare::Previous, hours, later, ["2026-03-28T20:00:00+01:00", "2026-03-29T03:00:00+02:00"]);
        check(Compare::Weekdays, hours, later, ["2026-03-22T03:00:00+01:00", "2026-03-22T09:00:00+01:00"]);
    }
}
