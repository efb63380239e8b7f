//! Figures of a site's conversations with its customers, by day and by agent: what docs/definitions.md says of them, and nothing else. All are of
//! the conversations that were begun in a range of days, as they are now.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use model::chat::Verdict;
use model::rights::Principal;
use model::{AccountId, Millis, Site, SiteId, limits};
use parking_lot::Mutex;
use serde::Serialize;
use store::chat::Figured;

use crate::hours::presence;
use crate::{Chat, Refused, Result};

/// Sites whose time of answers this process remembers; past it all are measured again.
const MEASURED_MAX: usize = 10_000;
const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
/// So long answers take at most, and how that is called; the widget has these words in all its languages.
const TIMES: [(i64, &str); 4] = [
    (5 * MINUTE_MS, "a few minutes"),
    (HOUR_MS, "an hour"),
    (6 * HOUR_MS, "a few hours"),
    (24 * HOUR_MS, "a day"),
];

/// When each site's time of answers was measured, and in which words it is.
pub type Measured = Mutex<BTreeMap<SiteId, (Millis, &'static str)>>;

/// Of the conversations that are no spam, nor held for it: a day's, an agent's, or all.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Service {
    pub begun: u64,
    pub answered: u64,
    /// From what the customer said first to the first answer, milliseconds: half of them took no longer, nine of ten no longer. None: nobody answered.
    pub first_answer_median_ms: Option<i64>,
    pub first_answer_p90_ms: Option<i64>,
    /// Closed, and not opened again.
    pub closed: u64,
    /// From begin to close, of these.
    pub resolution_median_ms: Option<i64>,
    pub resolution_p90_ms: Option<i64>,
    /// Those that the customer said something of, and the mean of their stars.
    pub rated: u64,
    pub stars_mean: Option<f64>,
}

/// What was begun, as the filter of spam and people judged it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Judged {
    pub ham: u64,
    /// The filter held them, whatever was said of them later.
    pub held: u64,
    pub spam: u64,
    /// Held, and people said that they are none.
    pub freed: u64,
    /// Not held, and people said that they are spam.
    pub caught: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FiguresOfDay {
    #[serde(serialize_with = "as_text")]
    pub day: Date,
    #[serde(flatten)]
    pub service: Service,
    pub judged: Judged,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FiguresOfAgent {
    /// Who looks after them; None: nobody.
    pub agent: Option<AccountId>,
    pub name: String,
    #[serde(flatten)]
    pub service: Service,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figures {
    #[serde(serialize_with = "as_text")]
    pub from: Date,
    #[serde(serialize_with = "as_text")]
    pub to: Date,
    pub all: Service,
    pub judged: Judged,
    /// Each day of the range.
    pub days: Vec<FiguresOfDay>,
    /// Those who look after any, by name; nobody's at the end.
    pub agents: Vec<FiguresOfAgent>,
}

impl Chat {
    /// Of the conversations that were begun on these days of the site's zone, for its agents. Limit past `FIGURES_DAYS_MAX` days, and past
    /// `FIGURES_CONVERSATIONS_MAX` conversations.
    pub async fn figures(&self, by: &Principal, site: &Site, from: Date, to: Date) -> Result<Figures> {
        self.may_converse(by, site.id).await?;
        let days = days_between(from, to)?;
        let zone = TimeZone::get(&site.time_zone).unwrap_or(TimeZone::UTC);
        let (start, end) = (begin_of(from, &zone)?, begin_of(after(to)?, &zone)?);
        let found = self.store.conversations.figured(site.id, start, end).await?;
        let mut by_day: BTreeMap<Date, Vec<Figured>> =
            days.into_iter().map(|day| (day, Vec::new())).collect();
        let mut by_agent: BTreeMap<Option<AccountId>, Vec<Figured>> = BTreeMap::new();
        for one in &found {
            by_day.entry(day_of(one.opened, &zone)).or_default().push(one.clone());
            if one.is_served() {
                by_agent.entry(one.assignee).or_default().push(one.clone());
            }
        }
        let days = by_day.into_iter().map(|(day, found)| FiguresOfDay {
            day,
            service: Service::of(&found),
            judged: Judged::of(&found),
        });
        let days = days.collect();
        let agents = self.by_name(by_agent).await?;
        Ok(Figures { from, to, all: Service::of(&found), judged: Judged::of(&found), days, agents })
    }

    async fn by_name(
        &self,
        by_agent: BTreeMap<Option<AccountId>, Vec<Figured>>,
    ) -> Result<Vec<FiguresOfAgent>> {
        let people = by_agent.keys().flatten().map(|agent| model::chat::Who::Account(*agent)).collect();
        let names = self.names(people).await?;
        let named = |agent: &Option<AccountId>| match agent {
            Some(agent) => crate::told::named(model::chat::Who::Account(*agent), &names).to_owned(),
            None => String::new(),
        };
        let mut agents: Vec<FiguresOfAgent> = by_agent
            .into_iter()
            .map(|(agent, found)| FiguresOfAgent { agent, name: named(&agent), service: Service::of(&found) })
            .collect();
        agents.sort_by_key(|of| (of.agent.is_none(), of.name.to_lowercase(), of.agent));
        Ok(agents)
    }

    /// How soon there is an answer, in words that the widget knows in all languages; empty: too few were answered to say. Measured now and then.
    pub async fn answers_within(&self, site: &Site) -> Result<&'static str> {
        let now = self.clock.now();
        let is_fresh = |at: Millis| at <= now && now.since(at) < limits::ANSWERS_MEASURED_EVERY;
        if let Some((_, words)) = self.measured.lock().get(&site.id).filter(|(at, _)| is_fresh(*at)) {
            return Ok(words);
        }
        let from = now.minus(limits::ANSWERS_MEASURED_LONG);
        let found = match self.store.conversations.figured(site.id, from, now).await {
            // Of so many nobody waits for the count on a customer's page.
            Err(store::StoreError::Limit { .. }) => Vec::new(),
            found => found?,
        };
        let words = within(site, &found, now);
        let mut measured = self.measured.lock();
        if measured.len() >= MEASURED_MAX {
            measured.clear();
        }
        measured.insert(site.id, (now, words));
        Ok(words)
    }
}

/// Of the last week where enough were answered in it, else of all that there are.
fn within(site: &Site, found: &[Figured], now: Millis) -> &'static str {
    let times = |since: Millis| -> Vec<i64> {
        let counted = found.iter().filter(|one| one.opened >= since && one.is_served());
        let in_hours = counted.filter(|one| presence(site, one.opened).open);
        in_hours.filter_map(Figured::answered_in).collect()
    };
    let enough = |times: &Vec<i64>| times.len() >= limits::ANSWERS_MEASURED_MIN;
    let week = Some(times(now.minus(limits::ANSWERS_MEASURED_SHORT))).filter(enough);
    let Some(times) = week.or_else(|| Some(times(Millis(i64::MIN))).filter(enough)) else {
        return "";
    };
    let median = quantile(times, 50).unwrap_or(i64::MAX);
    TIMES.iter().find(|(most, _)| median <= *most).map_or("", |(_, words)| words)
}

impl Service {
    fn of(found: &[Figured]) -> Service {
        let served: Vec<&Figured> = found.iter().filter(|one| one.is_served()).collect();
        let answered: Vec<i64> = served.iter().filter_map(|one| one.answered_in()).collect();
        let resolved: Vec<i64> = served.iter().filter_map(|one| one.resolved_in()).collect();
        let stars: Vec<u64> = served.iter().filter_map(|one| one.score).map(u64::from).collect();
        let mean = stars.iter().sum::<u64>() as f64 / stars.len() as f64;
        Service {
            begun: served.len() as u64,
            answered: answered.len() as u64,
            first_answer_median_ms: quantile(answered.clone(), 50),
            first_answer_p90_ms: quantile(answered, 90),
            closed: resolved.len() as u64,
            resolution_median_ms: quantile(resolved.clone(), 50),
            resolution_p90_ms: quantile(resolved, 90),
            rated: stars.len() as u64,
            stars_mean: (!stars.is_empty()).then_some(mean),
        }
    }
}

impl Judged {
    fn of(found: &[Figured]) -> Judged {
        let count = |is: fn(&Figured) -> bool| found.iter().filter(|one| is(one)).count() as u64;
        Judged {
            ham: count(|one| one.verdict == Verdict::Ham),
            held: count(|one| one.was_held),
            spam: count(|one| one.verdict == Verdict::Spam),
            freed: count(|one| one.was_held && one.verdict == Verdict::Ham),
            caught: count(|one| !one.was_held && one.verdict == Verdict::Spam),
        }
    }
}

/// The smallest of them that so many of a hundred are not above. None of none.
fn quantile(mut times: Vec<i64>, percent: usize) -> Option<i64> {
    let place = (times.len() * percent).div_ceil(100).checked_sub(1)?;
    times.sort_unstable();
    times.get(place).copied()
}

fn as_text<S: serde::Serializer>(day: &Date, to: S) -> std::result::Result<S::Ok, S::Error> {
    to.collect_str(day)
}

fn days_between(from: Date, to: Date) -> Result<Vec<Date>> {
    if from > to {
        return Err(Refused::Invalid("the range ends before it begins"));
    }
    let days: Vec<Date> =
        from.series(1.days()).take_while(|day| *day <= to).take(limits::FIGURES_DAYS_MAX + 1).collect();
    if days.len() > limits::FIGURES_DAYS_MAX {
        return Err(Refused::Limit { what: "days of figures", max: limits::FIGURES_DAYS_MAX });
    }
    Ok(days)
}

fn after(day: Date) -> Result<Date> {
    day.tomorrow().map_err(|_| NO_DAY)
}

const NO_DAY: Refused = Refused::Invalid("there is no such day");

/// The first moment of a day there.
fn begin_of(day: Date, zone: &TimeZone) -> Result<Millis> {
    let begin = day.to_zoned(zone.clone()).map_err(|_| NO_DAY)?;
    Ok(Millis(begin.timestamp().as_millisecond()))
}

/// The day of a moment there.
pub fn day_of(at: Millis, zone: &TimeZone) -> Date {
    Timestamp::from_millisecond(at.0).unwrap_or_default().to_zoned(zone.clone()).date()
}

#[cfg(test)]
mod tests {
    use model::Hours;

    use super::*;

    const NOW: Millis = Millis(1_763_712_000_000);

    fn begun(minutes_ago: i64) -> Figured {
        Figured {
            opened: Millis(NOW.0 - minutes_ago * MINUTE_MS),
            assignee: None,
            first_answer_at: None,
            closed_at: None,
            score: None,
            verdict: Verdict::Ham,
            blocked: false,
            was_held: false,
        }
    }

    /// Answered after so many minutes.
    fn answered(minutes_ago: i64, after: i64) -> Figured {
        let begun = begun(minutes_ago);
        Figured { first_answer_at: Some(Millis(begun.opened.0 + after * MINUTE_MS)), ..begun }
    }

    #[test]
    fn half_and_nine_of_ten_took_no_longer() {
        for (times, median, p90) in [
            (vec![], None, None),
            (vec![7], Some(7), Some(7)),
            (vec![2, 1], Some(1), Some(2)),
            (vec![3, 1, 2], Some(2), Some(3)),
            ((1..=10).collect(), Some(5), Some(9)),
            ((1..=11).rev().collect(), Some(6), Some(10)),
        ] {
            assert_eq!(
                (quantile(times.clone(), 50), quantile(times.clone(), 90)),
                (median, p90),
                "{times:?}"
            );
        }
    }

    #[test]
    fn service_is_of_what_is_no_spam() {
        let closed = |one: Figured| Figured { closed_at: Some(NOW), ..one };
        let found = [
            begun(60),
            answered(50, 2),
            closed(Figured { score: Some(4), ..answered(40, 4) }),
            closed(Figured { score: Some(1), ..begun(20) }),
            Figured { verdict: Verdict::Spam, ..closed(answered(10, 1)) },
            Figured { verdict: Verdict::Held, was_held: true, ..begun(10) },
            Figured { blocked: true, ..answered(10, 1) },
        ];
        let expected = Service {
            begun: 4,
            answered: 2,
            first_answer_median_ms: Some(2 * MINUTE_MS),
            first_answer_p90_ms: Some(4 * MINUTE_MS),
            closed: 2,
            resolution_median_ms: Some(20 * MINUTE_MS),
            resolution_p90_ms: Some(40 * MINUTE_MS),
            rated: 2,
            stars_mean: Some(2.5),
        };
        assert_eq!(Service::of(&found), expected);
        assert_eq!(Service::of(&[]), Service::default());
    }

    #[test]
    fn what_the_filter_held_is_told_from_what_people_said() {
        let judged = |verdict, was_held| Figured { verdict, was_held, ..begun(1) };
        let found = [
            judged(Verdict::Ham, false),
            judged(Verdict::Ham, true),
            judged(Verdict::Held, true),
            judged(Verdict::Spam, true),
            judged(Verdict::Spam, false),
            judged(Verdict::Spam, false),
        ];
        assert_eq!(Judged::of(&found), Judged { ham: 2, held: 3, spam: 3, freed: 1, caught: 2 });
    }

    fn check(found: &[Figured], hours: &[Hours], expected: &str) {
        let mut site = Site::new(SiteId::of(1), "s", &["*"], Millis(0));
        site.chat.hours = hours.to_vec();
        assert_eq!(within(&site, found, NOW), expected, "{found:?}");
    }

    #[test]
    fn how_soon_there_is_an_answer_is_said_of_enough_of_them() {
        let least = limits::ANSWERS_MEASURED_MIN as i64;
        let some = |count: i64, ago: i64, after: i64| -> Vec<Figured> {
            (0..count).map(|number| answered(ago + number, after)).collect()
        };
        check(&some(least - 1, 60, 3), &[], "");
        check(&some(least, 60, 3), &[], "a few minutes");
        check(&some(least, 60, 5), &[], "a few minutes");
        check(&some(least, 60, 6), &[], "an hour");
        check(&some(least, 60, 60), &[], "an hour");
        check(&some(least, 60, 61), &[], "a few hours");
        check(&some(least, 60, 361), &[], "a day");
        check(&some(least, 60, 1_441), &[], "");
        let week = 7 * 24 * 60;
        let both = [some(least, 60, 3), some(3 * least, week + 60, 300)].concat();
        check(&both, &[], "a few minutes");
        let few = [some(least - 1, 60, 3), some(3 * least, week + 60, 300)].concat();
        check(&few, &[], "a few hours");
        let unanswered = [some(least, 60, 3), (0..99).map(begun).collect()].concat();
        check(&unanswered, &[], "a few minutes");
        let spam: Vec<Figured> =
            some(least, 60, 3).into_iter().map(|one| Figured { verdict: Verdict::Spam, ..one }).collect();
        check(&spam, &[], "");
        // NOW is a Friday, 8 in the morning.
        let closed = [Hours { day: 1, from: 0, to: 1_440 }];
        check(&some(least, 60, 3), &closed, "");
        let open = [Hours { day: 5, from: 0, to: 1_440 }];
        check(&some(least, 60, 3), &open, "a few minutes");
    }

    #[test]
    fn a_range_has_so_many_days_and_no_more() {
        let day = |text: &str| text.parse::<Date>().unwrap();
        assert_eq!(days_between(day("2026-02-27"), day("2026-03-01")).unwrap().len(), 3);
        let from = day("2025-01-01");
        let last = from.checked_add((limits::FIGURES_DAYS_MAX as i32 - 1).days()).unwrap();
        assert_eq!(days_between(from, last).unwrap().len(), limits::FIGURES_DAYS_MAX);
        assert!(matches!(days_between(from, last.tomorrow().unwrap()), Err(Refused::Limit { .. })));
        assert!(matches!(days_between(last, from), Err(Refused::Invalid(_))));
        assert!(matches!(days_between(from, day("9999-12-31")), Err(Refused::Limit { .. })));
    }

    #[test]
    fn a_day_is_one_of_the_sites_zone() {
        let zone = TimeZone::get("Pacific/Auckland").unwrap();
        let day = day_of(NOW, &zone);
        assert_eq!(day.to_string(), "2025-11-21");
        let begin = begin_of(day, &zone).unwrap();
        assert_eq!(
            (day_of(begin, &zone), day_of(Millis(begin.0 - 1), &zone)),
            (day, day.yesterday().unwrap())
        );
    }
}
