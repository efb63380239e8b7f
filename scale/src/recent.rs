//! The readings of the last while, at most an hour's worth of seconds: means, highest, and how fast they change.

use std::collections::VecDeque;
use std::time::Duration;

use model::Millis;

use crate::limits::RECENT_MAX;

#[derive(Clone, Debug, Default)]
pub struct Recent {
    readings: VecDeque<(Millis, f64)>,
}

impl Recent {
    /// A reading that is no later than the last one takes its place.
    pub fn add(&mut self, at: Millis, value: f64) {
        while self.readings.back().is_some_and(|(last, _)| *last >= at) {
            self.readings.pop_back();
        }
        if self.readings.len() == RECENT_MAX {
            self.readings.pop_front();
        }
        self.readings.push_back((at, value));
    }

    fn since(&self, from: Millis) -> impl Iterator<Item = &(Millis, f64)> {
        self.readings.iter().rev().take_while(move |(at, _)| *at >= from)
    }

    pub fn mean(&self, at: Millis, within: Duration) -> Option<f64> {
        let (sum, count) = self
            .since(at.minus(within))
            .fold((0.0, 0.0), |(sum, count), (_, value)| (sum + value, count + 1.0));
        (count > 0.0).then(|| sum / count)
    }

    pub fn highest(&self, at: Millis, within: Duration) -> Option<f64> {
        self.since(at.minus(within)).map(|(_, value)| *value).reduce(f64::max)
    }

    /// What each of the last so many readings reached. None: there are not so many.
    pub fn reached(&self, count: usize) -> Option<f64> {
        let last = self.readings.iter().rev().take(count).map(|(_, value)| *value);
        (self.readings.len() >= count).then(|| last.reduce(f64::min))?
    }

    /// Change a second, by least squares. None: fewer than three readings.
    pub fn slope(&self, at: Millis, within: Duration) -> Option<f64> {
        let points: Vec<(f64, f64)> = self
            .since(at.minus(within))
            .map(|(when, value)| (-at.since(*when).as_secs_f64(), *value))
            .collect();
        if points.len() < 3 {
            return None;
        }
        let count = points.len() as f64;
        let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
        let (time, value) = (mean(|point| point.0), mean(|point| point.1));
        let spread: f64 = points.iter().map(|point| (point.0 - time).powi(2)).sum();
        let joint: f64 = points.iter().map(|point| (point.0 - time) * (point.1 - value)).sum();
        (spread > 0.0).then(|| joint / spread)
    }

    /// Whether readings reach back so far.
    pub fn reaches(&self, back: Millis) -> bool {
        self.readings.front().is_some_and(|(first, _)| *first <= back)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn rising(minutes: i64) -> Recent {
        let mut recent = Recent::default();
        (0..=minutes).for_each(|minute| recent.add(Millis(minute * 60_000), 60.0 * minute as f64));
        recent
    }

    #[test]
    fn a_line_has_its_slope_and_its_last_minutes_their_mean() {
        let (recent, now) = (rising(10), Millis(600_000));
        assert_eq!(recent.slope(now, 10 * MINUTE).map(|slope| (slope * 1e6).round()), Some(1e6));
        assert_eq!(recent.mean(now, 2 * MINUTE), Some(540.0));
        assert_eq!(recent.highest(now, 2 * MINUTE), Some(600.0));
        assert_eq!((recent.reached(2), recent.reached(12)), (Some(540.0), None));
        assert_eq!(recent.slope(now, MINUTE), None);
    }

    #[test]
    fn readings_are_bounded_and_none_goes_back() {
        let mut recent = rising(RECENT_MAX as i64);
        assert_eq!(recent.readings.len(), RECENT_MAX);
        recent.add(Millis(0), 7.0);
        assert_eq!(recent.readings.len(), 1);
    }
}
