//! Present visitors, newest first: the newest are told, the rest only counted.

use std::cmp::{Ordering, Reverse};
use std::collections::BTreeMap;
use std::sync::Arc;

use model::{Millis, Visitor, VisitorKey};
use serde::{Serialize, Serializer};

use crate::mirror::Mirror;
use crate::options::VISITORS_MAX;
use crate::topic::Filter;

/// Newest first; visitors of one moment by key.
type Place = (Reverse<Millis>, VisitorKey);

pub struct VisitorsView {
    filter: Filter,
    /// Everybody who matches.
    order: BTreeMap<Place, Arc<Visitor>>,
    changed: bool,
    told: Vec<Arc<Visitor>>,
    told_total: usize,
}

#[derive(Serialize)]
pub struct Told<'v> {
    total: usize,
    visitors: Vec<Shown<'v>>,
}

#[derive(Serialize)]
pub struct Delta<'v> {
    total: usize,
    set: Vec<Shown<'v>>,
    gone: Vec<ShownKey>,
}

impl VisitorsView {
    pub fn of(filter: Filter, mirror: &Mirror) -> VisitorsView {
        let mut view =
            VisitorsView { filter, order: BTreeMap::new(), changed: false, told: Vec::new(), told_total: 0 };
        view.restart(mirror);
        view.told = view.newest();
        view.told_total = view.order.len();
        view
    }

    pub fn restart(&mut self, mirror: &Mirror) {
        let shown = mirror.visitors().filter(|visitor| shows(&self.filter, visitor));
        self.order = shown.map(|visitor| (place(visitor), visitor.clone())).collect();
        self.changed = true;
    }

    pub fn change(&mut self, before: Option<&Arc<Visitor>>, after: Option<&Arc<Visitor>>) {
        let after = after.filter(|visitor| shows(&self.filter, visitor));
        if let Some(before) = before {
            self.changed |= self.order.remove(&place(before)).is_some();
        }
        if let Some(after) = after {
            self.order.insert(place(after), after.clone());
            self.changed = true;
        }
    }

    pub fn told(&self) -> Told<'_> {
        Told { total: self.told_total, visitors: self.told.iter().map(|visitor| Shown(visitor)).collect() }
    }

    pub fn delta(&mut self) -> Option<Delta<'_>> {
        if !std::mem::take(&mut self.changed) {
            return None;
        }
        let mut newest = self.newest();
        let (set, gone) = difference(&self.told, &mut newest);
        let total = self.order.len();
        let shows = !set.is_empty() || !gone.is_empty() || total != self.told_total;
        self.told = newest;
        self.told_total = total;
        let set = set.into_iter().map(|index| Shown(&self.told[index])).collect();
        shows.then_some(Delta { total, set, gone })
    }

    fn newest(&self) -> Vec<Arc<Visitor>> {
        self.order.values().take(VISITORS_MAX).cloned().collect()
    }
}

fn shows(filter: &Filter, visitor: &Visitor) -> bool {
    (visitor.bot.is_none() || filter.bots) && filter.matches(visitor)
}

fn place(visitor: &Visitor) -> Place {
    (Reverse(visitor.since), visitor.key)
}

/// Where in `now` somebody came or changed, and who went. Who looks the same as before keeps the state
/// that was told, so that a snapshot says what the deltas said.
fn difference(told: &[Arc<Visitor>], now: &mut [Arc<Visitor>]) -> (Vec<usize>, Vec<ShownKey>) {
    let (mut set, mut gone) = (Vec::new(), Vec::new());
    let mut told = told.iter().peekable();
    for (index, visitor) in now.iter_mut().enumerate() {
        let here = place(visitor);
        while let Some(before) = told.next_if(|before| place(before) < here) {
            gone.push(ShownKey(before.key));
        }
        match told.next_if(|before| place(before).cmp(&here) == Ordering::Equal) {
            Some(before) if looks_same(before, visitor) => *visitor = before.clone(),
            _ => set.push(index),
        }
    }
    gone.extend(told.map(|before| ShownKey(before.key)));
    // A stay that began anew under the same key has moved: it is set, not gone.
    if !set.is_empty() && !gone.is_empty() {
        let mut moved: Vec<VisitorKey> = set.iter().map(|&index| now[index].key).collect();
        moved.sort_unstable();
        gone.retain(|key| moved.binary_search(&key.0).is_err());
    }
    (set, gone)
}

/// Everything that `Shown` writes but `engaged`.
fn looks_same(one: &Arc<Visitor>, other: &Arc<Visitor>) -> bool {
    if Arc::ptr_eq(one, other) {
        return true;
    }
    one.active == other.active
        && one.pages.len() == other.pages.len()
        && one.pages.iter().zip(&other.pages).all(|(one, other)| {
            (one.active, one.scroll) == (other.active, other.scroll) && one.path == other.path
        })
        && one.since == other.since
        && one.trail == other.trail
        && one.source == other.source
        && one.place == other.place
        && one.agent == other.agent
        && one.language == other.language
        && one.bot == other.bot
        && one.identity == other.identity
}

/// A visitor's key as dashboards know it.
#[derive(Debug)]
pub struct ShownKey(pub VisitorKey);

impl Serialize for ShownKey {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&self.0)
    }
}

/// A visitor as dashboards see it.
struct Shown<'v>(&'v Visitor);

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Page<'v> {
            path: &'v str,
            active: bool,
            scroll: u8,
        }
        #[derive(Serialize)]
        struct Written<'v> {
            key: ShownKey,
            since: Millis,
            active: bool,
            engaged: u32,
            pages: Vec<Page<'v>>,
            trail: &'v [model::Step],
            source: &'v str,
            channel: &'v str,
            referrer: &'v str,
            campaign: &'v str,
            country: &'v str,
            region: &'v str,
            city: &'v str,
            browser: &'v str,
            browser_version: &'v str,
            os: &'v str,
            os_version: &'v str,
            device: &'v str,
            language: &'v str,
            bot: Option<&'v str>,
            identity: Option<&'v str>,
        }
        let Visitor { source, place, agent, .. } = self.0;
        let pages = self.0.pages.iter();
        let pages = pages.map(|open| Page { path: &open.path, active: open.active, scroll: open.scroll });
        let written = Written {
            key: ShownKey(self.0.key),
            since: self.0.since,
            active: self.0.active,
            engaged: self.0.engaged_ms,
            pages: pages.collect(),
            trail: &self.0.trail,
            source: &source.name,
            channel: source.channel.name(),
            referrer: &source.referrer,
            campaign: &source.utm_campaign,
            country: &place.country,
            region: &place.region,
            city: &place.city,
            browser: &agent.browser,
            browser_version: &agent.browser_version,
            os: &agent.os,
            os_version: &agent.os_version,
            device: agent.device.name(),
            language: &self.0.language,
            bot: self.0.bot.map(model::BotReason::name),
            identity: self.0.identity.as_deref(),
        };
        written.serialize(to)
    }
}
