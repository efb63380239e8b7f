//! What past weeks had at this hour of the week, and how much that varies from one week to the other: learned of the visits that each hour began.
//!
//! Counts are looked at by their square roots, where chance is as wide at a busy hour as at a quiet one, and by medians, which what came once does not move.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use model::Millis;
use model::alert::By;

use crate::quiet::hour_of_week;

/// Past weeks that are looked at, and how much of the past has to be known before anything is said.
pub const LEARNED_FROM: Duration = Duration::from_secs(8 * 7 * 86_400);
pub const LEARNED_MIN: Duration = Duration::from_secs(7 * 86_400);
/// Keys of which it is known what share of visits begins with them, of each of pages, sources and countries.
pub const SHARES_MAX: usize = 200;

const HOURS: usize = 168;
const HOUR_MS: i64 = 3_600_000;
/// A visitor who comes brings others: counts vary more than chance alone would have it.
const CLUSTERED: f64 = 1.5;
/// What a median of distances is of a standard deviation.
const MAD_TO_DEVIATION: f64 = 1.4826;
/// An hour of the same number of the week counts as much as both that are beside it.
const OWN_WEIGHT: usize = 2;

#[derive(Clone, Debug, PartialEq)]
pub struct Usual {
    /// Square roots of visits an hour, by the hour of the week.
    levels: Vec<f64>,
    /// Deviation of an hour's visits from week to week, as a part of them.
    varies: f64,
    zone: TimeZone,
    shares: HashMap<(By, Arc<str>), f64>,
}

/// The visits that began in one hour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hour {
    pub start: Millis,
    pub visits: u32,
}

impl Usual {
    /// Of whole hours without a gap. None: they are too few, or an hour of the week is not among them.
    pub fn of(hours: &[Hour], zone: TimeZone) -> Option<Usual> {
        let (first, last) = (hours.first()?, hours.last()?);
        if last.start.since(first.start) + Duration::from_secs(3_600) < LEARNED_MIN {
            return None;
        }
        let mut roots: Vec<Vec<f64>> = vec![Vec::new(); HOURS];
        for hour in hours {
            roots[hour_of_week(&zone, hour.start)].push(root(f64::from(hour.visits)));
        }
        let levels: Option<Vec<f64>> = (0..HOURS).map(|hour| level(&roots, hour)).collect();
        let levels = levels?;
        let varies = varies(&roots, &levels);
        Some(Usual { levels, varies, zone, shares: HashMap::new() })
    }

    /// What part of all visits begins with these; the sums of each of the three are at most 1.
    pub fn with_shares(self, shares: HashMap<(By, Arc<str>), f64>) -> Usual {
        Usual { shares, ..self }
    }

    pub fn share(&self, by: By, key: &str) -> f64 {
        self.shares.get(&(by, Arc::from(key))).copied().unwrap_or(0.0)
    }

    pub fn shares(&self) -> impl Iterator<Item = (&(By, Arc<str>), f64)> {
        self.shares.iter().map(|(key, share)| (key, *share))
    }

    /// Visits that are expected to begin within a time that ends now: between the middles of hours what lies between them.
    pub fn expected(&self, now: Millis, within: Duration) -> f64 {
        let middle = Millis(now.0 - within.as_millis() as i64 / 2 - HOUR_MS / 2);
        let start = middle.0.div_euclid(HOUR_MS) * HOUR_MS;
        let share = (middle.0 - start) as f64 / HOUR_MS as f64;
        let of = |at: i64| {
            let level = self.levels[hour_of_week(&self.zone, Millis(at))];
            (level * level - ANSCOMBE).max(0.0)
        };
        let hourly = of(start) + share * (of(start + HOUR_MS) - of(start));
        hourly * within.as_secs_f64() / 3_600.0
    }

    /// How many deviations a number is from what was expected: below 0 it is less.
    pub fn deviations(&self, value: u32, expected: f64) -> f64 {
        let variance = CLUSTERED / 4.0 + expected * self.varies * self.varies / 4.0;
        (root(f64::from(value)) - root(expected)) / variance.sqrt()
    }
}

/// What makes the variance of a small count's root the same as that of a large one: Anscombe, 1948.
const ANSCOMBE: f64 = 3.0 / 8.0;

fn root(count: f64) -> f64 {
    (count + ANSCOMBE).sqrt()
}

fn level(roots: &[Vec<f64>], hour: usize) -> Option<f64> {
    let beside = [(hour + HOURS - 1) % HOURS, (hour + 1) % HOURS];
    let own = std::iter::repeat_n(&roots[hour], OWN_WEIGHT).flatten();
    if roots[hour].is_empty() {
        return None;
    }
    median(own.chain(beside.iter().flat_map(|hour| &roots[*hour])).copied().collect())
}

/// Of the busier half of the hours: what chance does not explain.
fn varies(roots: &[Vec<f64>], levels: &[f64]) -> f64 {
    let usual = median(levels.to_vec()).unwrap_or(0.0);
    let busy: Vec<usize> = (0..HOURS).filter(|hour| levels[*hour] >= usual).collect();
    let distances = busy.iter().flat_map(|hour| roots[*hour].iter().map(|root| (root - levels[*hour]).abs()));
    let deviation = MAD_TO_DEVIATION * median(distances.collect()).unwrap_or(0.0);
    let visits = busy.iter().map(|hour| levels[*hour].powi(2)).sum::<f64>() / busy.len().max(1) as f64;
    let beyond = (deviation * deviation - CLUSTERED / 4.0).max(0.0);
    (4.0 * beyond / visits.max(1.0)).sqrt()
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    let lower = values[(values.len() - 1) / 2];
    Some((lower + upper) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MONDAY: Millis = Millis(1_795_392_000_000);

    fn weeks(count: usize, visits: impl Fn(usize, usize) -> u32) -> Vec<Hour> {
        let hour = |number: usize| Hour {
            start: Millis(MONDAY.0 + number as i64 * HOUR_MS),
            visits: visits(number / HOURS, number % HOURS),
        };
        (0..count * HOURS).map(hour).collect()
    }

    fn after(hours: f64) -> Millis {
        Millis(MONDAY.0 + (hours * HOUR_MS as f64) as i64)
    }

    const HALF_AN_HOUR: Duration = Duration::from_secs(1_800);

    #[test]
    fn it_expects_what_came_at_that_hour_of_the_week() {
        let day = |_, hour: usize| if (8..20).contains(&(hour % 24)) { 600 } else { 60 };
        let usual = Usual::of(&weeks(4, day), TimeZone::UTC).unwrap();
        let expected = |hours: f64| usual.expected(after(4.0 * 168.0 + hours), HALF_AN_HOUR);
        assert!((expected(12.75) - 300.0).abs() < 1.0, "{}", expected(12.75));
        assert!((expected(3.75) - 30.0).abs() < 1.0, "{}", expected(3.75));
        assert!((expected(8.25) - 165.0).abs() < 5.0, "half way between {}", expected(8.25));
    }

    #[test]
    fn what_came_once_is_not_usual() {
        let once = |week, hour| if (week, hour) == (1, 50) { 60_000 } else { 600 };
        let usual = Usual::of(&weeks(3, once), TimeZone::UTC).unwrap();
        let expected = usual.expected(after(3.0 * 168.0 + 50.75), HALF_AN_HOUR);
        assert!((expected - 300.0).abs() < 1.0, "{expected}");
    }

    #[test]
    fn what_varies_from_week_to_week_is_farther_from_news() {
        let steady = Usual::of(&weeks(4, |_, _| 1_000), TimeZone::UTC).unwrap();
        let moody = |week: usize, hour: usize| [700, 1_000, 1_300, 1_000][(week + hour) % 4];
        let moody = Usual::of(&weeks(4, moody), TimeZone::UTC).unwrap();
        let (surely, perhaps) = (steady.deviations(1_500, 1_000.0), moody.deviations(1_500, 1_000.0));
        assert!(surely > 2.0 * perhaps && perhaps > 0.0, "{surely} {perhaps}");
        assert!(steady.deviations(500, 1_000.0) < -5.0);
    }

    #[test]
    fn of_less_than_a_week_nothing_is_said() {
        let hours = weeks(1, |_, _| 5);
        assert!(Usual::of(&hours, TimeZone::UTC).is_some());
        assert!(Usual::of(&hours[1..], TimeZone::UTC).is_none());
        assert!(Usual::of(&[], TimeZone::UTC).is_none());
    }
}
