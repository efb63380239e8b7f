//! What was seen of a page, as it is kept: stretches of one day of UTC.

use std::collections::BTreeMap;

use model::{Millis, PageId};
use serde::{Deserialize, Serialize};
use store::pages::PageDay;

use crate::Reason;
use crate::seen::Seen;

pub const DAY_MS: i64 = 86_400_000;

/// Stretches are milliseconds since the day's begin, from the first that counts to the first that does not, in the order that they were seen.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Day {
    /// It is known how the page was.
    #[serde(default)]
    pub known: Vec<(i64, i64)>,
    /// It was down; all of that is in `known`.
    #[serde(default)]
    pub down: Vec<(i64, i64, Reason)>,
    /// As of the last look of the day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Seen>,
}

/// Of UTC, as days since 1970-01-01.
pub fn day_of(at: Millis) -> u32 {
    u32::try_from(at.0.div_euclid(DAY_MS)).unwrap_or(0)
}

/// The days of a page or of a service, as they were read and as they are to be written.
#[derive(Clone, Debug, Default)]
pub struct Days {
    /// Version, what it is, and whether it changed, by day.
    all: BTreeMap<u32, (u64, Day, bool)>,
}

impl Days {
    pub fn read(rows: &[PageDay]) -> anyhow::Result<Days> {
        let mut all = BTreeMap::new();
        for row in rows {
            all.insert(row.day, (row.version, serde_json::from_str(&row.body)?, false));
        }
        Ok(Days { all })
    }

    /// Days whose versions are kept elsewhere.
    pub fn of(days: impl IntoIterator<Item = (u32, Day)>) -> Days {
        Days { all: days.into_iter().map(|(day, of_day)| (day, (0, of_day, false))).collect() }
    }

    /// One of them alone.
    pub fn only(&self, day: u32) -> Days {
        Days { all: self.all.get(&day).map(|found| (day, found.clone())).into_iter().collect() }
    }

    /// Each, and whether it changed.
    pub fn into_days(self) -> impl Iterator<Item = (u32, Day, bool)> {
        self.all.into_iter().map(|(day, (_, of_day, is_changed))| (day, of_day, is_changed))
    }

    /// Of the last look of all.
    pub fn last(&self) -> Option<Seen> {
        self.all.values().rev().find_map(|(_, day, _)| day.last)
    }

    /// Takes in what another look added.
    pub fn add(
        &mut self,
        known: Option<(Millis, Millis)>,
        down: Option<(Millis, Millis, Reason)>,
        last: Seen,
    ) {
        for (day, from, to) in known.into_iter().flat_map(|(from, to)| by_day(from, to)) {
            extend(&mut self.changed(day).known, (from, to));
        }
        let down = down.into_iter().flat_map(|(from, to, reason)| {
            by_day(from, to).into_iter().map(move |(day, from, to)| (day, (from, to, reason)))
        });
        for (day, stretch) in down {
            extend_down(&mut self.changed(day).down, stretch);
        }
        self.changed(day_of(last.at)).last = Some(last);
    }

    fn changed(&mut self, day: u32) -> &mut Day {
        let (_, of_day, is_changed) = self.all.entry(day).or_default();
        *is_changed = true;
        of_day
    }

    /// Those that changed.
    pub fn written(self, page: PageId) -> anyhow::Result<Vec<PageDay>> {
        let mut written = Vec::new();
        for (day, (version, body, is_changed)) in self.all {
            if is_changed {
                written.push(PageDay { page, day, version, body: serde_json::to_string(&body)? });
            }
        }
        Ok(written)
    }

    /// Every day with its begin.
    pub fn all(&self) -> impl Iterator<Item = (i64, &Day)> {
        self.all.iter().map(|(day, (_, of_day, _))| (i64::from(*day) * DAY_MS, of_day))
    }
}

/// A stretch cut at midnights, each part from its day's begin.
fn by_day(from: Millis, to: Millis) -> Vec<(u32, i64, i64)> {
    let mut parts = Vec::new();
    let mut start = from.0;
    while start < to.0 {
        let day = day_of(Millis(start));
        let begin = i64::from(day) * DAY_MS;
        let end = to.0.min(begin + DAY_MS);
        parts.push((day, start - begin, end - begin));
        start = end;
    }
    parts
}

fn extend(stretches: &mut Vec<(i64, i64)>, (from, to): (i64, i64)) {
    match stretches.last_mut() {
        Some(last) if last.1 == from => last.1 = to,
        _ => stretches.push((from, to)),
    }
}

fn extend_down(stretches: &mut Vec<(i64, i64, Reason)>, (from, to, reason): (i64, i64, Reason)) {
    match stretches.last_mut() {
        Some(last) if last.1 == from && last.2 == reason => last.1 = to,
        _ => stretches.push((from, to, reason)),
    }
}
