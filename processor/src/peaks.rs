//! Peaks that live reported and history does not have yet.

use hashbrown::HashMap;
use live::Applied;
use model::{Millis, Peak, SiteId};

/// The highest counts by site and hour.
#[derive(Default)]
pub struct Peaks {
    /// What history has, of each site's newest hour.
    saved: HashMap<SiteId, Peak>,
    raised: HashMap<(SiteId, Millis), u32>,
}

impl Peaks {
    pub fn raise(&mut self, applied: &[Applied]) {
        for Peak { site, hour, count } in applied.iter().map(|applied| applied.peak) {
            let saved = self.saved.get(&site).is_some_and(|saved| saved.hour == hour && saved.count >= count);
            if count > 0 && !saved {
                let raised = self.raised.entry((site, hour)).or_insert(0);
                *raised = count.max(*raised);
            }
        }
    }

    /// Peaks that are to be saved.
    pub fn unsaved(&self) -> Vec<Peak> {
        let peak = |(&(site, hour), &count)| Peak { site, hour, count };
        self.raised.iter().map(peak).collect()
    }

    /// History has all of them.
    pub fn are_saved(&self) -> bool {
        self.raised.is_empty()
    }

    /// History has these now.
    pub fn saved(&mut self, peaks: &[Peak]) {
        for peak in peaks {
            self.raised.remove(&(peak.site, peak.hour));
            let newest = self.saved.entry(peak.site).or_insert(*peak);
            if peak.hour >= newest.hour {
                *newest = *peak;
            }
        }
    }

    /// The site is no more.
    pub fn forget(&mut self, site: SiteId) {
        self.saved.remove(&site);
        self.raised.retain(|(other, _), _| *other != site);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use live::Commit;

    use super::*;

    fn applied(hour: i64, count: u32) -> Applied {
        let (site, at) = (SiteId::of(1), Millis(hour));
        let commit = Commit {
            site,
            shard: 0,
            origin: live::Origin::default(),
            mark: None,
            at,
            changes: vec![],
            pageviews: vec![],
            feed: vec![],
        };
        Applied {
            site,
            version: 1,
            present: 0,
            peak: Peak { site, hour: at, count },
            is_first: false,
            commit: Arc::new(commit),
        }
    }

    #[test]
    fn only_what_history_does_not_have_is_unsaved() {
        let mut peaks = Peaks::default();
        let mut check = |hour, count, expected: &[u32]| {
            peaks.raise(&[applied(hour, count)]);
            let unsaved = peaks.unsaved();
            assert_eq!(unsaved.iter().map(|peak| peak.count).collect::<Vec<_>>(), expected, "{hour} {count}");
            peaks.saved(&unsaved);
        };
        check(0, 0, &[]);
        check(0, 5, &[5]);
        check(0, 5, &[]);
        check(0, 6, &[6]);
        check(1, 3, &[3]);
    }
}
