//! Which stretch of time a question is about, in words of the site's own calendar.

use door::Refusal;
use history::zone::Zone;
use jiff::civil::Date;
use jiff::{ToSpan, Zoned};
use model::Millis;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::refused::query;

/// Years that a range may touch: from the first on, and before the second.
const YEARS: std::ops::Range<i16> = 1970..2200;
/// Milliseconds since 1970 of the begin of the last of them, UTC.
pub const MOMENT_MAX: i64 = 7_258_118_400_000;

/// From the first moment that counts to the first that does not, milliseconds since 1970 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub from: i64,
    pub to: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    Preset(Preset),
    Between(Edge, Edge),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    At(i64),
    Day(Date),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    Yesterday,
    /// That many, today the last.
    Days(i64),
    ThisMonth,
    LastMonth,
    ThisYear,
    TwelveMonths,
    All,
}

/// Every preset by its name.
pub const PRESETS: [(&str, Preset); 11] = [
    ("today", Preset::Days(1)),
    ("yesterday", Preset::Yesterday),
    ("7d", Preset::Days(7)),
    ("28d", Preset::Days(28)),
    ("30d", Preset::Days(30)),
    ("90d", Preset::Days(90)),
    ("this-month", Preset::ThisMonth),
    ("last-month", Preset::LastMonth),
    ("this-year", Preset::ThisYear),
    ("12mo", Preset::TwelveMonths),
    ("all", Preset::All),
];

impl Range {
    /// The stretch as it is at `now`. `first`: the first sign of life of the whole history.
    pub fn span(self, zone: &Zone, now: Millis, first: Option<i64>) -> Result<Span, Refusal> {
        let span = match self {
            Range::Preset(preset) => preset.span(zone, now, first),
            Range::Between(from, to) => {
                Span { from: from.begin(zone).ok_or_else(unheard)?, to: to.end(zone).ok_or_else(unheard)? }
            }
        };
        // A last day counts: it ends where the next one begins.
        let is_backwards = matches!(self, Range::Between(_, Edge::Day(_))) && span.to == span.from;
        match is_backwards || span.to < span.from {
            true => Err(query("range", "it ends before it begins")),
            false => Ok(span),
        }
    }

    pub fn is_all(self) -> bool {
        self == Range::Preset(Preset::All)
    }
}

fn unheard() -> Refusal {
    query("range", "the site's calendar has no such day")
}

impl Edge {
    fn begin(self, zone: &Zone) -> Option<i64> {
        match self {
            Edge::At(at) => Some(at),
            Edge::Day(day) => start(zone, day),
        }
    }

    /// Of a day its end: it counts.
    fn end(self, zone: &Zone) -> Option<i64> {
        match self {
            Edge::At(at) => Some(at),
            Edge::Day(day) => start(zone, day.tomorrow().ok()?),
        }
    }
}

impl Preset {
    fn span(self, zone: &Zone, now: Millis, first: Option<i64>) -> Span {
        let today = zone.at(now).date();
        let back = |days: i64| today.saturating_sub(days.days());
        let month = today.first_of_month();
        let (from, to) = match self {
            Preset::Yesterday => (back(1), today),
            Preset::Days(days) => (back(days - 1), back(-1)),
            Preset::ThisMonth => (month, back(-1)),
            Preset::LastMonth => (month.saturating_sub(1.month()), month),
            Preset::ThisYear => (today.first_of_year(), back(-1)),
            Preset::TwelveMonths => (month.saturating_sub(11.months()), back(-1)),
            Preset::All => (first.map_or(today, |first| zone.at(Millis(first)).date().min(today)), back(-1)),
        };
        let begin = |day| start(zone, day).unwrap_or(now.0);
        Span { from: begin(from), to: begin(to) }
    }
}

/// The begin of a day; after midnight where the clock is turned at midnight.
pub fn start(zone: &Zone, day: Date) -> Option<i64> {
    let start = day.to_zoned(zone.time_zone().clone()).ok()?;
    Some(start.timestamp().as_millisecond())
}

/// A moment by the site's clock: `2026-03-02T00:00:00+01:00`.
pub fn local(zone: &Zone, at: i64) -> String {
    let at: Zoned = zone.at(Millis(at));
    at.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

impl<'de> Deserialize<'de> for Range {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Range, D::Error> {
        read(&Value::deserialize(from)?).map_err(serde::de::Error::custom)
    }
}

fn read(value: &Value) -> Result<Range, String> {
    if let Some(name) = value.as_str() {
        let found = PRESETS.iter().find(|(known, _)| *known == name);
        return found.map(|(_, preset)| Range::Preset(*preset)).ok_or_else(|| {
            let names = PRESETS.map(|(name, _)| name).join(", ");
            format!("there is no such preset; there are {names}, and {{\"from\": …, \"to\": …}}")
        });
    }
    let fields = value.as_object().ok_or("give a preset, as \"28d\", or {\"from\": …, \"to\": …}")?;
    if let Some(other) = fields.keys().find(|key| !["from", "to"].contains(&key.as_str())) {
        return Err(format!("it has `from` and `to`, and no `{}`", super::question::short(other)));
    }
    let edge = |name| edge(name, fields.get(name).ok_or(format!("it lacks `{name}`"))?);
    Ok(Range::Between(edge("from")?, edge("to")?))
}

fn edge(name: &str, value: &Value) -> Result<Edge, String> {
    if let Some(at) = value.as_i64().filter(|at| (0..=MOMENT_MAX).contains(at)) {
        return Ok(Edge::At(at));
    }
    let day = value.as_str().filter(|text| text.len() == 10).and_then(|text| text.parse::<Date>().ok());
    let day = day.filter(|day| YEARS.contains(&day.year()));
    let (first, past) = (YEARS.start, YEARS.end);
    let message = || {
        format!("`{name}` is a day of {first} to {}, as \"2026-11-01\", or milliseconds since 1970", past - 1)
    };
    day.map(Edge::Day).ok_or_else(message)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// 12:30 on a Sunday in spring, the day on which Paris skipped an hour.
    const NOW: &str = "2026-03-29T12:30:00+02:00[Europe/Paris]";

    fn zone() -> Zone {
        Zone::named("Europe/Paris").unwrap()
    }

    fn at(text: &str) -> i64 {
        text.parse::<Zoned>().unwrap().timestamp().as_millisecond()
    }

    fn span(range: Value) -> (String, String) {
        let first = at("2025-10-26T02:30:00+02:00[Europe/Paris]");
        let range: Range = serde_json::from_value(range).unwrap();
        let span = range.span(&zone(), Millis(at(NOW)), Some(first)).unwrap();
        (local(&zone(), span.from), local(&zone(), span.to))
    }

    #[test]
    fn presets_are_of_the_sites_calendar() {
        let check = |preset: &str, from: &str, to: &str| {
            let (is_from, is_to) = span(json!(preset));
            assert_eq!((&is_from[..], &is_to[..]), (from, to), "{preset}");
        };
        check("today", "2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00");
        check("yesterday", "2026-03-28T00:00:00+01:00", "2026-03-29T00:00:00+01:00");
        check("7d", "2026-03-23T00:00:00+01:00", "2026-03-30T00:00:00+02:00");
        check("28d", "2026-03-02T00:00:00+01:00", "2026-03-30T00:00:00+02:00");
        check("30d", "2026-02-28T00:00:00+01:00", "2026-03-30T00:00:00+02:00");
        check("90d", "2025-12-30T00:00:00+01:00", "2026-03-30T00:00:00+02:00");
        check("this-month", "2026-03-01T00:00:00+01:00", "2026-03-30T00:00:00+02:00");
        check("last-month", "2026-02-01T00:00:00+01:00", "2026-03-01T00:00:00+01:00");
        check("this-year", "2026-01-01T00:00:00+01:00", "2026-03-30T00:00:00+02:00");
        check("12mo", "2025-04-01T00:00:00+02:00", "2026-03-30T00:00:00+02:00");
        check("all", "2025-10-26T00:00:00+02:00", "2026-03-30T00:00:00+02:00");
    }

    #[test]
    fn a_history_without_hits_is_of_today() {
        let all = Range::Preset(Preset::All).span(&zone(), Millis(at(NOW)), None).unwrap();
        assert_eq!(all, Range::Preset(Preset::Days(1)).span(&zone(), Millis(at(NOW)), None).unwrap());
    }

    #[test]
    fn days_count_to_their_end_and_milliseconds_do_not() {
        let (from, to) = span(json!({"from": "2026-10-25", "to": "2026-10-25"}));
        assert_eq!((&from[..], &to[..]), ("2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00"));
        let (from, to) = span(json!({"from": 0, "to": 1_000}));
        assert_eq!((&from[..], &to[..]), ("1970-01-01T01:00:00+01:00", "1970-01-01T01:00:01+01:00"));
    }

    #[test]
    fn what_is_no_range_is_refused_with_a_sentence() {
        let check = |value: Value, says: &str| {
            let error = serde_json::from_value::<Range>(value.clone()).unwrap_err().to_string();
            assert!(error.contains(says), "{value}: {error}");
        };
        check(json!("8d"), "there are today, yesterday");
        check(json!(8), "give a preset");
        check(json!({"from": 0}), "lacks `to`");
        check(json!({"from": 0, "to": 1, "till": 2}), "no `till`");
        check(json!({"from": -1, "to": 1}), "`from` is a day of 1970 to 2199");
        check(json!({"from": 0, "to": MOMENT_MAX + 1}), "`to` is a day");
        check(json!({"from": 0.5, "to": 1}), "`from` is a day");
        check(json!({"from": "2026-02-30", "to": 1}), "`from` is a day");
        check(json!({"from": "20260228", "to": 1}), "`from` is a day");
        check(json!({"from": "1969-12-31", "to": 1}), "`from` is a day");
        check(json!({"from": "2200-01-01", "to": 1}), "`from` is a day");
        assert!(serde_json::from_value::<Range>(json!({"from": 0, "to": MOMENT_MAX})).is_ok());
        assert!(serde_json::from_value::<Range>(json!({"from": "1970-01-01", "to": "2199-12-31"})).is_ok());
        for backwards in [json!({"from": 2, "to": 1}), json!({"from": "2026-11-02", "to": "2026-11-01"})] {
            let backwards: Range = serde_json::from_value(backwards).unwrap();
            let refused = backwards.span(&zone(), Millis(0), None).unwrap_err();
            assert_eq!(refused.message, "`range`: it ends before it begins.");
        }
    }
}
