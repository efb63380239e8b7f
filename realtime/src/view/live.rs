//! The live view: counters, the largest rows of each dimension, the last 30 minutes, the peak.

use std::collections::BTreeMap;
use std::sync::Arc;

use hashbrown::HashMap;
use live::{Counters, Dimension, SeriesMinute, counters};
use model::limits::LIVE_MINUTES;
use model::{Millis, Visitor};
use serde::{Serialize, Serializer};

use crate::mirror::Mirror;
use crate::options::{COUNTRIES_MAX, ROWS_MAX};
use crate::topic::Filter;

pub struct LiveView {
    filter: Filter,
    counters: Counters,
    /// Bots that are counted like everybody else, because the filter says so.
    bots: u32,
    /// Dimensions whose counts changed since the last delta.
    changed: [bool; Dimension::ALL.len()],
    told: Picture,
}

/// All that a snapshot holds.
#[derive(Default, Serialize)]
pub struct Picture {
    present: u32,
    active: u32,
    bots: u32,
    peak: Option<Peak>,
    minutes: Minutes,
    rows: ByDimension<Rows>,
    keys: ByDimension<usize>,
}

/// What differs between two pictures.
#[derive(Default, Serialize)]
pub struct Delta {
    #[serde(skip_serializing_if = "Option::is_none")]
    present: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    active: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bots: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    peak: Option<Option<Peak>>,
    #[serde(skip_serializing_if = "Minutes::is_empty")]
    minutes: Minutes,
    #[serde(skip_serializing_if = "ByDimension::is_empty")]
    rows: ByDimension<BTreeMap<Arc<str>, Option<u32>>>,
    #[serde(skip_serializing_if = "ByDimension::is_empty")]
    keys: ByDimension<usize>,
}

/// Counts by key.
type Rows = BTreeMap<Arc<str>, u32>;

#[derive(Clone, Copy, Serialize, PartialEq)]
struct Peak {
    hour: Millis,
    count: u32,
}

#[derive(Clone, Default, PartialEq)]
struct Minutes(Vec<SeriesMinute>);

/// Something of each dimension, or of some.
struct ByDimension<T>([Option<T>; Dimension::ALL.len()]);

impl LiveView {
    pub fn of(filter: Filter, mirror: &Mirror) -> LiveView {
        let mut view = LiveView {
            filter,
            counters: Counters::default(),
            bots: 0,
            changed: Default::default(),
            told: Picture::default(),
        };
        view.restart(mirror);
        view.delta(mirror);
        view
    }

    pub fn restart(&mut self, mirror: &Mirror) {
        self.counters = Counters::default();
        self.bots = 0;
        mirror.visitors().for_each(|visitor| self.add(visitor));
        self.changed = [true; Dimension::ALL.len()];
    }

    pub fn change(&mut self, before: Option<&Visitor>, after: Option<&Visitor>) {
        let before = before.filter(|visitor| self.filter.matches(visitor));
        let after = after.filter(|visitor| self.filter.matches(visitor));
        let differs = match (before, after) {
            (Some(before), Some(after)) if before.bot == after.bot => self.mark(before, after),
            (None, None) => false,
            _ => {
                self.changed = [true; Dimension::ALL.len()];
                true
            }
        };
        if differs {
            before.into_iter().for_each(|visitor| self.take(visitor));
            after.into_iter().for_each(|visitor| self.add(visitor));
        }
    }

    /// Marks the dimensions in which the two states count differently; whether any number differs.
    fn mark(&mut self, before: &Visitor, after: &Visitor) -> bool {
        let mut differs = before.active != after.active;
        for dimension in Dimension::ALL {
            let same = match dimension {
                Dimension::Page => same_pages(before, after),
                _ => only_key(before, dimension) == only_key(after, dimension),
            };
            self.changed[dimension as usize] |= !same;
            differs |= !same;
        }
        differs
    }

    pub fn told(&self) -> &Picture {
        &self.told
    }

    pub fn delta(&mut self, mirror: &Mirror) -> Option<Delta> {
        let told = &mut self.told;
        let mut delta = Delta {
            present: replaced(&mut told.present, self.counters.present),
            active: replaced(&mut told.active, self.counters.active),
            bots: replaced(&mut told.bots, self.counters.bots + self.bots),
            peak: replaced(&mut told.peak, mirror.peak.map(|(hour, count)| Peak { hour, count })),
            minutes: told.minutes.advance(&mirror.series.0),
            ..Delta::default()
        };
        for dimension in Dimension::ALL {
            let index = dimension as usize;
            if !std::mem::take(&mut self.changed[index]) {
                continue;
            }
            let counts = self.counters.of(dimension);
            let rows = largest(counts, rows_max(dimension));
            let before = told.rows.0[index].get_or_insert_default();
            let differing = difference(before, &rows);
            *before = rows;
            delta.rows.0[index] = (!differing.is_empty()).then_some(differing);
            delta.keys.0[index] = replaced(told.keys.0[index].get_or_insert_default(), counts.len());
        }
        delta.is_some().then_some(delta)
    }

    fn add(&mut self, visitor: &Visitor) {
        if !self.filter.matches(visitor) {
            return;
        }
        match self.unmasked(visitor) {
            Some(counted) => {
                self.bots += 1;
                self.counters.add(&counted);
            }
            None => self.counters.add(visitor),
        }
    }

    fn take(&mut self, visitor: &Visitor) {
        match self.unmasked(visitor) {
            Some(counted) => {
                self.bots -= 1;
                self.counters.take(&counted);
            }
            None => self.counters.take(visitor),
        }
    }

    /// A bot as the visitor it would be, where the filter counts bots.
    fn unmasked(&self, visitor: &Visitor) -> Option<Visitor> {
        let counts = visitor.bot.is_some() && self.filter.bots;
        counts.then(|| Visitor { bot: None, ..visitor.clone() })
    }
}

fn rows_max(dimension: Dimension) -> usize {
    match dimension {
        Dimension::Country => COUNTRIES_MAX,
        _ => ROWS_MAX,
    }
}

fn only_key(visitor: &Visitor, dimension: Dimension) -> &str {
    let mut found = "";
    counters::keys(visitor, dimension, |key| found = key);
    found
}

fn same_pages(before: &Visitor, after: &Visitor) -> bool {
    let paths = before.pages.iter().map(|page| &page.path);
    paths.eq(after.pages.iter().map(|page| &page.path))
        && (!after.pages.is_empty() || before.page() == after.page())
}

/// Puts `new` in the place of `old`; what it is now, where that is something else.
fn replaced<T: PartialEq + Copy>(old: &mut T, new: T) -> Option<T> {
    (std::mem::replace(old, new) != new).then_some(new)
}

/// The `max` largest counts; of equal ones those with the first keys.
fn largest(counts: &HashMap<Arc<str>, u32>, max: usize) -> Rows {
    if counts.len() <= max {
        return counts.iter().map(|(key, &count)| (key.clone(), count)).collect();
    }
    let mut all: Vec<(&Arc<str>, u32)> = counts.iter().map(|(key, &count)| (key, count)).collect();
    all.select_nth_unstable_by(max, |(key, count), (other_key, other_count)| {
        other_count.cmp(count).then_with(|| key.cmp(other_key))
    });
    all[..max].iter().map(|&(key, count)| (key.clone(), count)).collect()
}

/// The rows of `after` that are not in `before`, and None for those that left.
fn difference(before: &Rows, after: &Rows) -> BTreeMap<Arc<str>, Option<u32>> {
    let left = before.keys().filter(|key| !after.contains_key(*key)).map(|key| (key.clone(), None));
    let differing = after.iter().filter(|(key, count)| before.get(*key) != Some(count));
    left.chain(differing.map(|(key, &count)| (key.clone(), Some(count)))).collect()
}

impl Delta {
    fn is_some(&self) -> bool {
        let Delta { present, active, bots, peak, minutes, rows, keys } = self;
        present.is_some()
            || active.is_some()
            || bots.is_some()
            || peak.is_some()
            || !minutes.is_empty()
            || !rows.is_empty()
            || !keys.is_empty()
    }
}

impl Minutes {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes over `now`; those of its minutes that were not told so. One that live lost is told to be nothing.
    fn advance(&mut self, now: &[SeriesMinute]) -> Minutes {
        if self.0 == now {
            return Minutes::default();
        }
        let newest = now.iter().chain(&self.0).map(|known| known.minute).max();
        let oldest = newest.map_or(0, |newest| newest.0 - LIVE_MINUTES as i64 + 1);
        let is_lost = |told: &&SeriesMinute| {
            told.minute.0 >= oldest && now.iter().all(|known| known.minute != told.minute)
        };
        let lost = self.0.iter().filter(is_lost);
        let lost = lost.map(|told| SeriesMinute { minute: told.minute, pageviews: 0, visitors: 0 });
        let fresh = now.iter().filter(|minute| !self.0.contains(minute)).copied();
        let fresh = lost.chain(fresh).collect();
        self.0 = now.to_vec();
        Minutes(fresh)
    }
}

impl Serialize for Minutes {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Written {
            minute: Millis,
            pageviews: u32,
            visitors: u32,
        }
        to.collect_seq(self.0.iter().map(|known| Written {
            minute: known.minute.start(),
            pageviews: known.pageviews,
            visitors: known.visitors,
        }))
    }
}

impl<T> ByDimension<T> {
    fn is_empty(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }
}

impl<T> Default for ByDimension<T> {
    fn default() -> ByDimension<T> {
        ByDimension(std::array::from_fn(|_| None))
    }
}

impl<T: Serialize> Serialize for ByDimension<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let named = Dimension::ALL.iter().zip(&self.0);
        to.collect_map(named.filter_map(|(dimension, held)| Some((dimension.name(), held.as_ref()?))))
    }
}

#[cfg(test)]
mod minutes {
    use model::Minute;

    use super::*;

    #[test]
    fn a_minute_that_live_lost_is_told_to_be_nothing_and_an_old_one_is_not_told() {
        let minute =
            |minute, pageviews| SeriesMinute { minute: Minute(minute), pageviews, visitors: pageviews };
        let mut told = Minutes(vec![minute(70, 1), minute(98, 2), minute(99, 3)]);
        let delta = told.advance(&[minute(99, 1), minute(100, 4)]);
        assert_eq!(delta.0, [minute(98, 0), minute(99, 1), minute(100, 4)]);
        assert!(told.advance(&[minute(99, 1), minute(100, 4)]).is_empty());
    }
}
