//! What comes at which time of the week: a quarter of an hour each, learned from the weeks before.

use std::time::Duration;

use model::Millis;
use serde::{Deserialize, Serialize};

const SLOT_SECONDS: i64 = 900;
/// Quarters of an hour of a week.
pub const SLOTS: usize = 672;
const SLOTS_A_DAY: usize = 96;
/// 1970-01-01 was a Thursday: Monday came four days later.
const MONDAY_SECONDS: i64 = 4 * 86_400;
/// What came once is not what comes each week: of two weeks no more is believed than this much of the lower one,
const OF_LOWER_MAX: f64 = 1.3;
/// and of a single one than this much of what is usual at that time of the day.
const OF_USUAL_MAX: f64 = 1.5;
/// Readings of which a slot is learned at least: what saw a moment of it alone is not believed.
const READINGS_MIN: u32 = 3;

/// Rates by time of the week. A few kilobytes, however long it learns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    slots: Vec<Option<Slot>>,
    gathering: Option<Gathering>,
}

/// The last two weeks of a quarter of an hour.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Slot {
    last: f64,
    before: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Gathering {
    /// Quarters of an hour since 1970.
    quarter: i64,
    sum: f64,
    readings: u32,
}

impl Default for Forecast {
    fn default() -> Forecast {
        Forecast { slots: vec![None; SLOTS], gathering: None }
    }
}

impl Forecast {
    /// Whether it has a slot for each quarter of an hour, as one that was read back might not.
    pub fn is_whole(&self) -> bool {
        let is_rate = |rate: f64| rate.is_finite() && rate >= 0.0;
        let is_good = |slot: &Slot| is_rate(slot.last) && slot.before.is_none_or(is_rate);
        self.slots.len() == SLOTS && self.slots.iter().flatten().all(is_good)
    }

    /// A rate that was measured at this moment.
    pub fn learn(&mut self, at: Millis, rate: f64) {
        let quarter = at.0.div_euclid(SLOT_SECONDS * 1_000);
        match &mut self.gathering {
            Some(gathering) if gathering.quarter == quarter => {
                gathering.sum += rate;
                gathering.readings += 1;
            }
            _ => {
                self.keep();
                self.gathering = Some(Gathering { quarter, sum: rate, readings: 1 });
            }
        }
    }

    fn keep(&mut self) {
        let Some(Gathering { quarter, sum, readings }) = self.gathering.take() else {
            return;
        };
        if readings < READINGS_MIN {
            return;
        }
        let rate = sum / f64::from(readings);
        let slot = &mut self.slots[slot_of(quarter)];
        *slot = Some(Slot { last: rate, before: slot.map(|slot| slot.last) });
    }

    fn believed(&self, slot: usize) -> Option<f64> {
        let Slot { last, before } = self.slots[slot]?;
        let (rate, most) = match before {
            Some(before) => ((last + before) / 2.0, OF_LOWER_MAX * last.min(before)),
            None => (last, OF_USUAL_MAX * self.usual(slot)),
        };
        Some(rate.min(most))
    }

    /// The middle one of the days' rates at this time of the day.
    fn usual(&self, slot: usize) -> f64 {
        let days = (slot % SLOTS_A_DAY..SLOTS).step_by(SLOTS_A_DAY);
        let mut rates: Vec<f64> = days.filter_map(|slot| self.slots[slot]).map(|slot| slot.last).collect();
        rates.sort_by(f64::total_cmp);
        rates.get(rates.len() / 2).copied().unwrap_or_default()
    }

    /// Between the middles of two quarters. None: not both were seen in any week.
    pub fn at(&self, at: Millis) -> Option<f64> {
        let from_middle = at.0 - SLOT_SECONDS * 500;
        let quarter = from_middle.div_euclid(SLOT_SECONDS * 1_000);
        let share = from_middle.rem_euclid(SLOT_SECONDS * 1_000) as f64 / (SLOT_SECONDS * 1_000) as f64;
        let (before, after) = (self.believed(slot_of(quarter))?, self.believed(slot_of(quarter + 1))?);
        Some(before + share * (after - before))
    }

    /// The highest of what is known of a time that begins now.
    pub fn highest(&self, at: Millis, within: Duration) -> Option<f64> {
        let quarters = within.as_secs() as i64 / SLOT_SECONDS;
        let middles = (0..=quarters + 1)
            .map(|number| Millis((at.0.div_euclid(900_000) + number) * 900_000 + 450_000))
            .filter(|middle| *middle > at && *middle < at.plus(within));
        middles.chain([at, at.plus(within)]).filter_map(|moment| self.at(moment)).reduce(f64::max)
    }
}

/// Of the quarters since 1970.
fn slot_of(quarter: i64) -> usize {
    (quarter - MONDAY_SECONDS / SLOT_SECONDS).rem_euclid(SLOTS as i64) as usize
}

/// Hours since Monday 00:00 UTC.
pub fn hour_of_week(at: Millis) -> f64 {
    (at.0 - MONDAY_SECONDS * 1_000).rem_euclid(7 * 86_400_000) as f64 / 3_600_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const WEEK: i64 = 7 * 86_400_000;

    fn taught(weeks: i64, rate: impl Fn(i64) -> f64) -> Forecast {
        let mut forecast = Forecast::default();
        for minute in 0..weeks * 10_080 + 1 {
            forecast.learn(Millis(minute * 60_000), rate(minute));
        }
        forecast
    }

    #[test]
    fn it_expects_what_came_at_that_time_of_the_week() {
        let forecast = taught(1, |minute| (minute / 60) as f64);
        assert_eq!(forecast.at(Millis(WEEK + 30 * 60_000 + 100 * 3_600_000)), Some(100.0));
        let highest = forecast.highest(Millis(WEEK + 10 * 3_600_000), Duration::from_secs(2 * 3_600));
        assert!(highest.is_some_and(|rate| rate > 11.0 && rate <= 12.0), "{highest:?}");
    }

    #[test]
    fn two_weeks_count_alike() {
        let forecast = taught(2, |minute| if minute < 10_080 { 100.0 } else { 120.0 });
        assert_eq!(forecast.at(Millis(3 * WEEK + 5 * 3_600_000)), Some(110.0));
    }

    #[test]
    fn what_came_once_is_not_expected_each_week() {
        let noon = |day: i64| Millis(5 * WEEK + (day * 24 + 12) * 3_600_000 + 450_000);
        let burst = |minute: i64| if (2_160..2_220).contains(&minute) { 1_000.0 } else { 100.0 };
        assert_eq!(taught(1, burst).at(noon(1)), Some(150.0));
        assert_eq!(taught(2, burst).at(noon(1)), Some(130.0));
        let weekly = |minute: i64| burst(minute % 10_080);
        assert_eq!(taught(2, weekly).at(noon(1)), Some(1_000.0));
        assert_eq!(taught(2, weekly).at(noon(2)), Some(100.0));
    }

    #[test]
    fn what_was_not_seen_is_not_known() {
        let mut forecast = taught(0, |_| 1.0);
        assert_eq!(forecast.at(Millis(0)), None);
        forecast.learn(Millis(900_000), 5.0);
        forecast.learn(Millis(1_800_000), 5.0);
        assert_eq!(forecast.slots.iter().flatten().count(), 0, "one reading is no quarter of an hour");
    }

    #[test]
    fn the_week_begins_on_monday() {
        // 2026-11-23T00:00:00Z is a Monday.
        assert_eq!(hour_of_week(Millis(1_795_392_000_000)), 0.0);
        assert_eq!(hour_of_week(Millis(1_795_392_000_000 - 1_800_000)), 167.5);
    }

    #[test]
    fn one_that_was_read_back_is_looked_at() {
        let text = serde_json::to_string(&taught(1, |_| 3.0)).unwrap();
        assert!(serde_json::from_str::<Forecast>(&text).unwrap().is_whole());
        assert!(!Forecast { slots: vec![None; 3], gathering: None }.is_whole());
        assert!(
            !Forecast { slots: vec![Some(Slot { last: -1.0, before: None }); SLOTS], gathering: None }
                .is_whole()
        );
    }
}
