//! How much of a range a page was there: exactly, whatever days a zone has.

use model::{Millis, PageId, SiteId};
use store::pages::PageDay;
use store::{Pages, StoreError};

use crate::Reason;
use crate::days::{DAY_MS, Days, day_of};
use crate::seen::{Now, Seen};

/// Today and yesterday.
const RECENT_DAYS: usize = 2;
/// Days of one range: ten years of them, and more than any is.
const RANGE_DAYS_MAX: usize = 4_000;

/// Of one page, within a range.
#[derive(Clone, Debug, PartialEq)]
pub struct PageUptime {
    /// How long it is known how the page was, and how long of that it was down.
    pub known_ms: i64,
    pub down_ms: i64,
    pub outages: Vec<Outage>,
    pub now: Now,
    /// When it was looked at last, of late, and how many milliseconds that took.
    pub looked: Option<Millis>,
    pub took_ms: Option<u32>,
}

/// A stretch within the range at which the page was down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outage {
    pub from: i64,
    pub to: i64,
    pub reason: Reason,
    /// It began before the range.
    pub began_before: bool,
    /// It goes on.
    pub is_open: bool,
}

impl PageUptime {
    /// 0 to 1. None: nobody looked.
    pub fn share(&self) -> Option<f64> {
        (self.known_ms > 0).then(|| (self.known_ms - self.down_ms) as f64 / self.known_ms as f64)
    }
}

/// What is kept of a page says of a range, and of now.
pub async fn read(
    pages: &dyn Pages,
    site: SiteId,
    page: PageId,
    (from, to): (i64, i64),
    now: Millis,
) -> Result<PageUptime, StoreError> {
    let decoded = |rows: &[PageDay]| Days::read(rows).map_err(StoreError::Unavailable);
    let to = to.min(now.0);
    let last = last(pages, site, page, now).await?;
    // One day more, to see whether what is under way at the begin began before.
    let days = (day_of(Millis(from - DAY_MS)), day_of(Millis(to)));
    let days = match from < to {
        true => pages.seen(site, page, days, RANGE_DAYS_MAX).await?,
        false => Vec::new(),
    };
    Ok(uptime(&decoded(&days)?, (from, to), last, now))
}

/// The last look of today and yesterday. None: there was none.
pub async fn last(
    pages: &dyn Pages,
    site: SiteId,
    page: PageId,
    now: Millis,
) -> Result<Option<Seen>, StoreError> {
    let today = day_of(now);
    let rows = pages.seen(site, page, (today.saturating_sub(1), today), RECENT_DAYS).await?;
    Ok(Days::read(&rows).map_err(StoreError::Unavailable)?.last())
}

/// Of the days of the range and the one before; `last` is the last look of all.
pub fn uptime(days: &Days, (from, to): (i64, i64), last: Option<Seen>, now: Millis) -> PageUptime {
    let known = joined(
        days.all()
            .flat_map(|(begin, day)| day.known.iter().map(move |(from, to)| (begin + from, begin + to, ()))),
    );
    let down = joined(days.all().flat_map(|(begin, day)| {
        day.down.iter().map(move |(from, to, reason)| (begin + from, begin + to, *reason))
    }));
    let now = Seen::now(last, now);
    let goes_on = |ended: i64| matches!(now, Now::Down { .. }) && last.is_some_and(|last| last.at.0 == ended);
    let outage = |&(began, ended, reason): &(i64, i64, Reason)| Outage {
        from: began.max(from),
        to: ended.min(to),
        reason,
        began_before: began < from,
        is_open: goes_on(ended),
    };
    let outages: Vec<Outage> = down.iter().map(outage).filter(|outage| outage.from < outage.to).collect();
    PageUptime {
        known_ms: known.iter().map(|(began, ended, ())| (ended.min(&to) - began.max(&from)).max(0)).sum(),
        down_ms: outages.iter().map(|outage| outage.to - outage.from).sum(),
        outages,
        now,
        looked: last.map(|last| last.at),
        took_ms: last.and_then(|last| last.took_ms),
    }
}

/// Stretches that touch or overlap as one; of two that differ in what is said of them none.
fn joined<T: Copy + PartialEq>(stretches: impl Iterator<Item = (i64, i64, T)>) -> Vec<(i64, i64, T)> {
    let mut all: Vec<_> = stretches.collect();
    all.sort_by_key(|(from, to, _)| (*from, *to));
    let mut joined: Vec<(i64, i64, T)> = Vec::new();
    for (from, to, of) in all {
        match joined.last_mut() {
            Some(last) if from <= last.1 && last.2 == of => last.1 = last.1.max(to),
            _ => joined.push((from, to, of)),
        }
    }
    joined
}
