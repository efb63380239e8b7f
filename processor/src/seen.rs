//! Hits taken lately, by id: what is delivered again changes nothing.

use model::limits::REBUILD_WINDOW;
use model::{HitId, Millis, SiteId};

use crate::recent::Recent;

/// Ids remembered at most, of pageviews, events and identifies of all sites. Past them the oldest third is
/// forgotten early: history counts each id once all the same, the live chart might count one twice.
pub const SEEN_HITS_MAX: usize = 6_000_000;

/// The ids of the rebuild window. A heartbeat or a leave needs none: its totals are running, so a second one
/// changes nothing by itself.
pub struct Seen(Recent<u128, ()>);

impl Default for Seen {
    fn default() -> Seen {
        Seen(Recent::new(REBUILD_WINDOW, SEEN_HITS_MAX))
    }
}

impl Seen {
    pub fn advance(&mut self, now: Millis) {
        self.0.advance(now);
    }

    /// Whether this is the first time. Ids are random, so a site's is folded into them: the same id sent to two
    /// sites is two hits.
    pub fn is_first(&mut self, site: SiteId, id: HitId) -> bool {
        let key = id.0 ^ (u128::from(site.value()) << 88);
        let is_first = self.0.get_mut(&key).is_none();
        if is_first {
            self.0.insert(key, ());
        }
        is_first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hit_is_first_once_a_site() {
        let seen = &mut Seen::default();
        let mut is_first = |site, id| seen.is_first(SiteId::of(site), HitId(id));
        assert_eq!(
            [is_first(1, 7), is_first(1, 7), is_first(2, 7), is_first(1, 8)],
            [true, false, true, true]
        );
    }
}
