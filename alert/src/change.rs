//! Whether more visits begin than past weeks would have it, or fewer. The last minute tells of what breaks loose, longer times of what comes slowly or
//! stays away.

use std::time::Duration;

use model::Millis;

use crate::{Counts, Usual, Verdict};

/// The times that are looked at, in minutes: for more, and for fewer, which only a number that is not small can tell.
const MORE: [u32; 4] = [1, 5, 15, 60];
const FEWER: [u32; 3] = [5, 15, 60];
/// Deviations from what is usual, from which on it is so, and below which it is so no longer.
const SO: f64 = 6.0;
const NOT: f64 = 3.0;
/// More is at least so many times what is usual, and so many visits; fewer at most such a part of it.
const TIMES: f64 = 2.0;
const VISITS_MORE: f64 = 25.0;
const PART: f64 = 0.5;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    More,
    Fewer,
    None,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Change {
    pub verdict: Verdict,
    pub direction: Direction,
    pub minutes: u32,
    pub value: u32,
    pub expected: f64,
}

/// The clearest of all times; where none is clear, what the last quarter of an hour says.
pub fn look(counts: &Counts, usual: &Usual, now: Millis) -> Change {
    let mut clearest: Option<(f64, Change)> = None;
    let mut is_calm = true;
    for minutes in MORE {
        if !counts.knows(minutes, now) {
            is_calm = false;
            continue;
        }
        let (change, deviations) = of(counts, usual, now, minutes);
        is_calm &= deviations.abs() < NOT;
        let is_clearer = clearest.is_none_or(|(known, _)| known < deviations.abs());
        if change.verdict == Verdict::So && is_clearer {
            clearest = Some((deviations.abs(), change));
        }
    }
    if let Some((_, change)) = clearest {
        return change;
    }
    let (last, _) = of(counts, usual, now, 15);
    let verdict = match (is_calm, counts.knows(15, now)) {
        (true, _) => Verdict::Not,
        (false, true) => Verdict::Between,
        (false, false) => Verdict::Unknown,
    };
    Change { verdict, direction: Direction::None, ..last }
}

fn of(counts: &Counts, usual: &Usual, now: Millis, minutes: u32) -> (Change, f64) {
    let value = counts.visits(minutes, now);
    let expected = usual.expected(now, Duration::from_secs(u64::from(minutes) * 60));
    let deviations = usual.deviations(value, expected);
    let visits = f64::from(value);
    let is_more = deviations >= SO && visits >= TIMES * expected && visits - expected >= VISITS_MORE;
    let is_fewer = FEWER.contains(&minutes) && deviations <= -SO && visits <= PART * expected;
    let (verdict, direction) = match (is_more, is_fewer) {
        (true, _) => (Verdict::So, Direction::More),
        (_, true) => (Verdict::So, Direction::Fewer),
        _ => (Verdict::Between, Direction::None),
    };
    (Change { verdict, direction, minutes, value, expected }, deviations)
}
