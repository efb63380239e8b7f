//! A watched site as last committed: every present visitor, the last 30 minutes, the peak; kept current by applied commits.
//! Pure: never asks Live for anything.

use std::sync::Arc;
use std::time::Duration;

use hashbrown::HashMap;
use live::series::Minutes;
use live::{Applied, Series, Snapshot};
use model::{Millis, Visitor, VisitorKey};

/// The peak is that of the last 7 days.
const PEAK_AGE_MAX: Duration = Duration::from_secs(7 * 86_400);

pub struct Mirror {
    version: u64,
    visitors: HashMap<VisitorKey, Arc<Visitor>>,
    /// Present visitors, bots left out.
    pub present: u32,
    minutes: Minutes,
    /// As `minutes`, oldest first.
    pub series: Series,
    /// The start of the hour and the count.
    pub peak: Option<(Millis, u32)>,
}

/// A commit is missing between the mirror and this one, or the peak became too old: watch the site again.
#[derive(Debug, PartialEq, Eq)]
pub struct Gap;

impl Mirror {
    /// A peak that is too old at `now` is none.
    pub fn of(snapshot: Snapshot, now: Millis) -> Mirror {
        let visitors = snapshot.visitors.into_iter().map(|visitor| (visitor.key, visitor)).collect();
        Mirror {
            version: snapshot.version,
            visitors,
            present: snapshot.counters.present,
            minutes: Minutes::resume(&snapshot.series),
            series: snapshot.series,
            peak: snapshot.peak.filter(|(hour, _)| now.since(*hour) < PEAK_AGE_MAX),
        }
    }

    pub fn visitors(&self) -> impl Iterator<Item = &Arc<Visitor>> {
        self.visitors.values()
    }

    /// Applies the next commit; `changed` is told each visitor's state before and after. A commit that the
    /// mirror has already is passed over: false.
    pub fn apply(
        &mut self,
        applied: &Applied,
        mut changed: impl FnMut(Option<&Arc<Visitor>>, Option<&Arc<Visitor>>),
    ) -> Result<bool, Gap> {
        if applied.version <= self.version {
            return Ok(false);
        }
        if applied.version != self.version + 1 {
            return Err(Gap);
        }
        self.version = applied.version;
        for change in &applied.commit.changes {
            let before = match &change.after {
                Some(after) => self.visitors.insert(change.key, after.clone()),
                None => self.visitors.remove(&change.key),
            };
            changed(before.as_ref(), change.after.as_ref());
        }
        self.count(applied).map(|()| true)
    }

    fn count(&mut self, applied: &Applied) -> Result<(), Gap> {
        let at = applied.commit.at;
        self.minutes.advance(at, self.present);
        self.minutes.raise(at, applied.present);
        applied.commit.pageviews.iter().for_each(|&(minute, count)| self.minutes.view(minute, count));
        self.series = self.minutes.series();
        self.present = applied.present;
        let hour = applied.peak;
        let before = self.peak.map_or((0, Millis(0)), |(hour, count)| (count, hour));
        if hour.count > 0 && (hour.count, hour.hour) >= before {
            self.peak = Some((hour.hour, hour.count));
        }
        // Which hour comes next to it, Live knows.
        match self.peak {
            Some((peak, _)) if hour.hour.since(peak) >= PEAK_AGE_MAX => Err(Gap),
            _ => Ok(()),
        }
    }
}
