//! The last 30 minutes a minute, and the peaks of the last 7 days an hour. "Now" is the newest commit's time.

use std::collections::BTreeMap;

use model::limits::LIVE_MINUTES;
use model::{Millis, Minute};

use crate::{Series, SeriesMinute};

const HOUR_MS: i64 = 3_600_000;
/// How long an hour's peak counts.
const PEAK_HOURS: i64 = 7 * 24;

/// Pageviews and most visitors present at once, of each of the last `LIVE_MINUTES`.
#[derive(Debug, Default)]
pub struct Minutes {
    newest: Minute,
    minutes: BTreeMap<Minute, SeriesMinute>,
}

impl Minutes {
    /// Who was present before a commit at `at` was so in every minute since the commit before.
    pub fn advance(&mut self, at: Millis, present: u32) {
        let now = at.minute();
        if now <= self.newest {
            return;
        }
        let oldest = Minute(now.0 - LIVE_MINUTES as i64 + 1);
        self.minutes = self.minutes.split_off(&oldest);
        if present > 0 {
            let silent = (self.newest.0 + 1).max(oldest.0)..=now.0;
            silent.for_each(|minute| self.minute(Minute(minute)).visitors = present);
        }
        self.newest = now;
    }

    /// Whether a later minute than that of `at` was told of already.
    pub fn are_past(&self, at: Millis) -> bool {
        at.minute() < self.newest
    }

    /// So many are present from `at` on; of a minute that is past, nothing is told any more.
    pub fn raise(&mut self, at: Millis, present: u32) {
        if present > 0 && !self.are_past(at) {
            let minute = self.minute(self.newest);
            minute.visitors = present.max(minute.visitors);
        }
    }

    /// Pageviews that happened in a minute; older ones than the series holds change nothing.
    pub fn view(&mut self, minute: Minute, pageviews: u32) {
        if minute.0 > self.newest.0 - LIVE_MINUTES as i64 {
            self.minute(minute.min(self.newest)).pageviews += pageviews;
        }
    }

    /// Takes pageviews away again that `view` added.
    pub fn unview(&mut self, minute: Minute, pageviews: u32) {
        if let Some(known) = self.minutes.get_mut(&minute.min(self.newest)) {
            known.pageviews = known.pageviews.saturating_sub(pageviews);
        }
    }

    /// Goes on where a snapshot stands.
    pub fn resume(series: &Series) -> Minutes {
        let newest = series.0.last().map_or(Minute::default(), |last| last.minute);
        Minutes { newest, minutes: series.0.iter().map(|known| (known.minute, *known)).collect() }
    }

    pub fn series(&self) -> Series {
        Series(self.minutes.values().copied().collect())
    }

    fn minute(&mut self, minute: Minute) -> &mut SeriesMinute {
        self.minutes.entry(minute).or_insert(SeriesMinute { minute, pageviews: 0, visitors: 0 })
    }
}

/// The most visitors present at once in each hour, by the hour's start.
#[derive(Debug, Default)]
pub struct Hours(BTreeMap<Millis, u32>);

impl Hours {
    /// The start of the hour of `at`, and its peak once `present` were there.
    pub fn raise(&mut self, at: Millis, present: u32) -> (Millis, u32) {
        let hour = Millis(at.0.div_euclid(HOUR_MS) * HOUR_MS);
        if !self.0.contains_key(&hour) {
            let oldest = Millis(hour.0 - (PEAK_HOURS - 1) * HOUR_MS);
            self.0 = self.0.split_off(&oldest);
        }
        let peak = self.0.entry(hour).or_insert(0);
        *peak = present.max(*peak);
        (hour, *peak)
    }

    pub fn restore(&mut self, hour: Millis, count: u32) {
        let peak = self.0.entry(hour).or_insert(0);
        *peak = count.max(*peak);
    }

    /// The highest hour, the latest of equals.
    pub fn peak(&self) -> Option<(Millis, u32)> {
        let highest = self.0.iter().max_by_key(|(_, count)| **count);
        highest.filter(|(_, count)| **count > 0).map(|(hour, count)| (*hour, *count))
    }
}
