//! Which earlier stretch a range is held against.

use door::Refusal;
use history::query::Compare;
use history::zone::Zone;
use jiff::Zoned;
use jiff::tz::TimeZone;
use model::Millis;

use super::range::Span;
use super::refused::query;

/// As the engine says; but where the range is not over, the earlier one ends as far into itself as this one is at `now`, by the
/// clocks on the wall.
pub fn earlier(compare: Compare, span: Span, zone: &Zone, now: Millis) -> Result<Span, Refusal> {
    let found = compare.range(zone, span.from, span.to).map_err(|bad| query("compare", bad))?;
    let (from, to) = found;
    if now.0 >= span.to || matches!(compare, Compare::Range { .. }) {
        return Ok(Span { from, to });
    }
    let end = as_far_into(
        &zone.at(Millis(from)),
        &zone.at(Millis(span.from)),
        &zone.at(now.max(Millis(span.from))),
    );
    Ok(Span { from, to: end.unwrap_or(to).clamp(from, to) })
}

fn as_far_into(begin: &Zoned, this_begin: &Zoned, now: &Zoned) -> Option<i64> {
    // Of wall clocks, that are never turned.
    let wall = |at: &Zoned| at.datetime().to_zoned(TimeZone::UTC).ok();
    let passed = wall(now)?.timestamp().duration_since(wall(this_begin)?.timestamp());
    let end = begin.datetime().checked_add(passed).ok()?;
    Some(end.to_zoned(begin.time_zone().clone()).ok()?.timestamp().as_millisecond())
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
        let before = earlier(compare, span, &zone, Millis(at(now))).unwrap();
        assert_eq!([local(&zone, before.from), local(&zone, before.to)], expected, "{compare:?} {range:?}");
    }

    const WEEK: [&str; 2] = ["2026-03-27T00:00:00+01:00", "2026-04-03T00:00:00+02:00"];

    #[test]
    fn a_range_that_is_over_is_held_against_all_of_the_earlier_one() {
        let later = "2026-04-02T22:00:00Z";
        check(Compare::Previous, WEEK, later, ["2026-03-20T00:00:00+01:00", "2026-03-27T00:00:00+01:00"]);
        check(Compare::Year, WEEK, later, ["2025-03-27T00:00:00+01:00", "2025-04-03T00:00:00+02:00"]);
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
}
