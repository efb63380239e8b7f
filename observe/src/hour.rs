//! The last hour of a process, a minute at a time.

use std::collections::{BTreeMap, VecDeque};

use model::Minute;

use crate::vitals::{Made, Numbers, vital};

/// Minutes that are kept, the present one among them.
pub const MINUTES: usize = 60;

/// Minutes of a process, the oldest first.
#[derive(Debug, Default)]
pub struct Hour {
    minutes: VecDeque<(Minute, BTreeMap<&'static str, Folded>)>,
}

/// Readings of one minute: rates are a mean, the others as bad as they were.
#[derive(Clone, Copy, Debug, Default)]
struct Folded {
    readings: u32,
    sum: f64,
    max: f64,
}

impl Folded {
    fn value(self, made: Made) -> f64 {
        match made {
            Made::Rate(_) => self.sum / f64::from(self.readings),
            Made::Gauge(_) | Made::P99(..) => self.max,
        }
    }
}

impl Hour {
    pub fn add(&mut self, minute: Minute, numbers: &Numbers) {
        if self.minutes.back().is_none_or(|(last, _)| *last < minute) {
            self.minutes.push_back((minute, BTreeMap::new()));
        }
        while self.minutes.len() > MINUTES {
            self.minutes.pop_front();
        }
        let Some((_, folded)) = self.minutes.back_mut() else {
            return;
        };
        for (name, value) in numbers {
            let folded = folded.entry(name).or_default();
            folded.readings += 1;
            folded.sum += value;
            folded.max = if folded.readings == 1 { *value } else { folded.max.max(*value) };
        }
    }

    /// By name, `MINUTES` values up to this minute; None where there is none.
    pub fn until(&self, minute: Minute) -> BTreeMap<&'static str, Vec<Option<f64>>> {
        let mut hour: BTreeMap<&'static str, Vec<Option<f64>>> = BTreeMap::new();
        for (at, numbers) in &self.minutes {
            let age = minute.0 - at.0;
            let Some(index) = usize::try_from(age).ok().and_then(|age| (MINUTES - 1).checked_sub(age)) else {
                continue;
            };
            for (name, folded) in numbers {
                let Some(vital) = vital(name) else { continue };
                hour.entry(name).or_insert_with(|| vec![None; MINUTES])[index] =
                    Some(folded.value(vital.made));
            }
        }
        hour
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_is_the_mean_of_rates_and_the_worst_of_the_rest() {
        let mut hour = Hour::default();
        for (rate, lag) in [(10.0, 0.3), (20.0, 0.1)] {
            hour.add(Minute(100), &Numbers::from([("collector_hits", rate), ("processor_lag", lag)]));
        }
        hour.add(Minute(102), &Numbers::from([("collector_hits", 5.0)]));
        let until = hour.until(Minute(102));
        let hits = &until["collector_hits"];
        assert_eq!(hits.len(), MINUTES);
        assert_eq!(hits[MINUTES - 3..], [Some(15.0), None, Some(5.0)]);
        assert_eq!(until["processor_lag"][MINUTES - 3..], [Some(0.3), None, None]);
    }

    #[test]
    fn what_is_older_than_an_hour_is_gone() {
        let mut hour = Hour::default();
        for minute in 0..MINUTES as i64 + 5 {
            hour.add(Minute(minute), &Numbers::from([("cpu", minute as f64)]));
        }
        assert_eq!(hour.minutes.len(), MINUTES);
        assert_eq!(hour.until(Minute(64))["cpu"][0], Some(5.0));
        assert_eq!(hour.until(Minute(64 + 59))["cpu"], [vec![Some(64.0)], vec![None; 59]].concat());
        assert!(hour.until(Minute(64 + 60)).is_empty());
    }

    #[test]
    fn a_clock_that_was_set_back_adds_to_the_last_minute() {
        let mut hour = Hour::default();
        hour.add(Minute(10), &Numbers::from([("cpu", 1.0)]));
        hour.add(Minute(9), &Numbers::from([("cpu", 3.0)]));
        assert_eq!(hour.until(Minute(10))["cpu"][MINUTES - 1], Some(2.0));
    }
}
