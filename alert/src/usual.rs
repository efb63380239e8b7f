//! What past weeks had at this hour of the week, and how much that varies from one week to the other: learned of the visits that each hour began.
//!
//! Counts are looked at by their square roots, where chance is as wide at a busy hour as at a quiet one. What came once moves little: no hour counts for
//! more than a few times what is usual beside it.

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
/// Counts vary at least so many times as much as chance alone would have it: a visitor who comes brings others.
const CLUSTERED_MIN: f64 = 1.5;
/// An hour of the same number of the week counts as much as so many that are beside it, or of the same hour on other days.
const OWN_WEIGHT: f64 = 2.0;
const DAILY_WEIGHT: f64 = 2.0;
/// What an hour counts for at most: so many times the middle one of those that it is held against, and so many visits more.
const TIMES_MAX: f64 = 2.0;
const VISITS_MORE_MAX: f64 = 6.0;
/// Of the distances the largest part that is left out: what was news then does not make the site one that varies.
const LEFT_OUT: f64 = 0.01;

#[derive(Clone, Debug, PartialEq)]
pub struct Usual {
    /// Visits an hour, by the hour of the week.
    levels: Vec<f64>,
    /// How many times as much as chance alone counts vary.
    clustered: f64,
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
        let mut seen: Vec<Vec<f64>> = vec![Vec::new(); HOURS];
        for hour in hours {
            seen[hour_of_week(&zone, hour.start)].push(f64::from(hour.visits));
        }
        let levels: Option<Vec<f64>> = (0..HOURS).map(|hour| level(&seen, hour)).collect();
        let levels = levels?;
        let (clustered, varies) = spread(&seen, &levels);
        Some(Usual { levels, clustered, varies, zone, shares: HashMap::new() })
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
        let of = |at: i64| self.levels[hour_of_week(&self.zone, Millis(at))];
        let hourly = of(start) + share * (of(start + HOUR_MS) - of(start));
        hourly * within.as_secs_f64() / 3_600.0
    }

    /// How many deviations a number is from what was expected: below 0 it is less.
    pub fn deviations(&self, value: u32, expected: f64) -> f64 {
        let variance = self.clustered / 4.0 + expected * self.varies * self.varies / 4.0;
        (root(f64::from(value)) - root(expected)) / variance.sqrt()
    }
}

/// What makes the variance of a small count's root the same as that of a large one: Anscombe, 1948.
const ANSCOMBE: f64 = 3.0 / 8.0;

fn root(count: f64) -> f64 {
    (count + ANSCOMBE).sqrt()
}

/// Of this hour of the week, those beside it, and the same hour of other days: a mean, to which none adds without measure. None: the hour was never seen.
fn level(seen: &[Vec<f64>], hour: usize) -> Option<f64> {
    if seen[hour].is_empty() {
        return None;
    }
    let beside = [(hour + HOURS - 1) % HOURS, (hour + 1) % HOURS].map(|hour| &seen[hour]);
    let near: Vec<f64> = seen[hour].iter().chain(beside.into_iter().flatten()).copied().collect();
    let daily: Vec<f64> =
        (hour % 24..HOURS).step_by(24).flat_map(|hour| seen[hour].iter().copied()).collect();
    let most = |values: &[f64]| Some(TIMES_MAX * median(values.to_vec())? + VISITS_MORE_MAX);
    let (near_max, daily_max) = (most(&near)?, most(&daily)?);
    let sum = |values: &[f64], max: f64| values.iter().map(|visits| visits.min(max)).sum::<f64>();
    let mean_of_days = sum(&daily, daily_max) / daily.len() as f64;
    let own = (OWN_WEIGHT - 1.0) * sum(&seen[hour], near_max) + sum(&near, near_max);
    let weight = (OWN_WEIGHT - 1.0) * seen[hour].len() as f64 + near.len() as f64;
    Some((own + DAILY_WEIGHT * mean_of_days.min(near_max)) / (weight + DAILY_WEIGHT))
}

/// How many times as much as chance counts vary, and how much an hour differs from week to week, as a part of it: by how far hours were from what was
/// usual, in the quieter half and in the busier one.
fn spread(seen: &[Vec<f64>], levels: &[f64]) -> (f64, f64) {
    let middle = median(levels.to_vec()).unwrap_or(0.0);
    let half = |is_busy: bool| {
        let hours = (0..HOURS).filter(|hour| (levels[*hour] > middle) == is_busy);
        let distances = hours.flat_map(|hour| {
            seen[hour].iter().map(move |visits| (levels[hour], root(*visits) - root(levels[hour])))
        });
        let mut squares: Vec<(f64, f64)> =
            distances.map(|(level, distance)| (distance * distance, level)).collect();
        squares.sort_by(|(one, _), (other, _)| one.total_cmp(other));
        squares.truncate(squares.len() - (squares.len() as f64 * LEFT_OUT) as usize);
        let count = squares.len().max(1) as f64;
        let (square, level) =
            squares.iter().fold((0.0, 0.0), |(square, level), (one, of)| (square + one, level + of));
        (square / count, level / count)
    };
    let ((quiet, quiet_level), (busy, busy_level)) = (half(false), half(true));
    let varies = match busy_level - quiet_level {
        apart if apart > 1.0 => (4.0 * (busy - quiet) / apart).max(0.0),
        _ => 0.0,
    };
    let clustered = (4.0 * quiet - quiet_level * varies).max(CLUSTERED_MIN);
    (clustered, varies.sqrt())
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
        assert!((100.0..230.0).contains(&expected(8.25)), "on the way from 30 to 300: {}", expected(8.25));
    }

    #[test]
    fn what_came_once_moves_what_is_usual_a_little() {
        let once = |week, hour| if (week, hour) == (1, 50) { 60_000 } else { 600 };
        let usual = Usual::of(&weeks(3, once), TimeZone::UTC).unwrap();
        let expected = usual.expected(after(3.0 * 168.0 + 50.75), HALF_AN_HOUR);
        assert!(
            (300.0..350.0).contains(&expected),
            "a hundred times as much, in one of three weeks: {expected}"
        );
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
