//! Who arrived within the last moment by a link from the same hostname: when the page they came from leaves only
//! afterwards, because requests overtook each other, the two are one stay.

use std::collections::VecDeque;
use std::sync::Arc;

use hashbrown::HashMap;
use model::limits::LEAVE_GRACE;
use model::{Millis, VisitorId, VisitorKey};

use super::slots::SiteIndex;

#[derive(Default)]
pub struct Arrivals {
    by_visitor: HashMap<(SiteIndex, VisitorId), Vec<Arrival>>,
    /// When whose arrivals are looked through for old ones, oldest first.
    order: VecDeque<(Millis, (SiteIndex, VisitorId))>,
}

struct Arrival {
    until: Millis,
    key: VisitorKey,
    from: Arc<str>,
}

impl Arrivals {
    pub fn add(&mut self, site: SiteIndex, key: VisitorKey, from: Arc<str>, now: Millis) {
        let (of, until) = ((site, key.visitor), now.plus(LEAVE_GRACE));
        self.by_visitor.entry(of).or_default().push(Arrival { until, key, from });
        self.order.push_back((until, of));
    }

    /// The oldest other arrival of the visitor that came from `path`; it is taken out.
    pub fn take(&mut self, site: SiteIndex, leaving: VisitorKey, path: &Arc<str>) -> Option<VisitorKey> {
        let arrivals = self.by_visitor.get_mut(&(site, leaving.visitor))?;
        let found = arrivals.iter().position(|arrival| arrival.from == *path && arrival.key != leaving)?;
        Some(arrivals.remove(found).key)
    }

    pub fn forget_before(&mut self, now: Millis) {
        while let Some(&(until, of)) = self.order.front() {
            if until > now {
                break;
            }
            self.order.pop_front();
            if let Some(arrivals) = self.by_visitor.get_mut(&of) {
                arrivals.retain(|arrival| arrival.until > now);
                if arrivals.is_empty() {
                    self.by_visitor.remove(&of);
                }
            }
        }
    }
}
