//! What an autoscaler is told: bounds, what an instance can do, what it costs, what is too late.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What is paid for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Billed {
    /// Each hour that an instance began.
    Hour,
    /// Each second, and a minute at least.
    Second,
}

impl Billed {
    /// Seconds that are paid for of an instance that was there for so long.
    pub fn seconds(self, age: Duration) -> f64 {
        let seconds = age.as_secs_f64();
        match self {
            Billed::Hour => (seconds / 3_600.0).ceil().max(1.0) * 3_600.0,
            Billed::Second => seconds.max(60.0),
        }
    }

    /// Until more has to be paid; zero where that is at every moment.
    pub fn paid_for(self, age: Duration) -> Duration {
        match self {
            Billed::Hour => Duration::from_secs_f64(self.seconds(age)).saturating_sub(age),
            Billed::Second => Duration::ZERO,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Instances at least, none of them spot: one may burn.
    pub instances_min: u32,
    pub instances_max: u32,
    /// Hits a second that one instance processes when it does nothing else.
    pub capacity: f64,
    /// The share of that which is planned for.
    pub busy: f64,
    /// Processing that is later than this is over target, in seconds.
    pub late: f64,
    /// Between two decisions, in seconds.
    pub every: f64,
    /// From launch to serving, in seconds, until it was measured.
    pub boot: f64,
    /// How long load must have been lower before an instance is ended, in seconds; five boots at least.
    pub quiet: f64,
    /// Whether the weeks before are believed.
    pub forecast: bool,
    /// Whether instances beyond the least may be spot.
    pub spot: bool,
    pub price: f64,
    pub spot_price: f64,
    pub billed: Billed,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            instances_min: 2,
            instances_max: 32,
            capacity: 10_000.0,
            busy: 0.7,
            late: 5.0,
            every: 60.0,
            boot: 120.0,
            quiet: 600.0,
            forecast: true,
            spot: false,
            price: 0.1,
            spot_price: 0.03,
            billed: Billed::Second,
        }
    }
}

impl Settings {
    /// What is wrong with them, as a sentence. None: nothing.
    pub fn problem(&self) -> Option<&'static str> {
        let positive = [self.capacity, self.late, self.every, self.boot];
        let known = [self.quiet, self.price, self.spot_price];
        if self.instances_min == 0 {
            return Some("there is at least one instance");
        }
        if self.instances_max < self.instances_min {
            return Some("the most instances are no fewer than the least");
        }
        if self.instances_max as usize > crate::limits::FLEET_MAX {
            return Some("there are at most 1024 instances");
        }
        if !positive.iter().all(|value| value.is_finite() && *value > 0.0) {
            return Some("capacity, late, every and boot are more than zero");
        }
        if !known.iter().all(|value| value.is_finite() && *value >= 0.0) {
            return Some("quiet and prices are zero or more");
        }
        if !(0.05..=0.95).contains(&self.busy) {
            return Some("busy is from 0.05 to 0.95");
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_that_began_is_paid_for_and_a_second_as_it_passes() {
        let minutes = |count: u64| Duration::from_secs(60 * count);
        assert_eq!(Billed::Hour.seconds(minutes(0)), 3_600.0);
        assert_eq!(Billed::Hour.seconds(minutes(61)), 7_200.0);
        assert_eq!(Billed::Hour.paid_for(minutes(50)), minutes(10));
        assert_eq!(Billed::Second.seconds(Duration::from_secs(5)), 60.0);
        assert_eq!(Billed::Second.seconds(minutes(7)), 420.0);
        assert_eq!(Billed::Second.paid_for(minutes(7)), Duration::ZERO);
    }

    #[test]
    fn settings_that_make_no_sense_are_told() {
        let check = |change: fn(&mut Settings), is_good: bool| {
            let mut settings = Settings::default();
            change(&mut settings);
            assert_eq!(settings.problem().is_none(), is_good, "{settings:?}");
        };
        check(|_| (), true);
        check(|settings| settings.instances_min = 0, false);
        check(|settings| settings.instances_max = 1, false);
        check(|settings| settings.instances_max = 1_024, true);
        check(|settings| settings.instances_max = 1_025, false);
        check(|settings| settings.capacity = 0.0, false);
        check(|settings| settings.late = f64::NAN, false);
        check(|settings| settings.price = -1.0, false);
        check(|settings| settings.busy = 0.95, true);
        check(|settings| settings.busy = 0.96, false);
    }
}
