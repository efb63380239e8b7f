//! Presence: who is on which page now, decided from hits and the time that is passed in. One machine a shard.
//! Never does I/O and never reads a clock: the same hits at the same times give the same commits.
//!
//! A hit is taken at its own time `at`, and a page lives from there: a hit so late that its page would be over
//! by now makes nobody present. What was gone long enough is forgotten with it, so nothing here only grows.

mod arrivals;
mod browsers;
mod outcome;
mod signs;
mod slots;
mod stay;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::time::Duration;

use hashbrown::HashMap;
use history::{EnrichedHit, EnrichedKind};
use live::{Commit, Mark};
use model::limits::{
    BROWSERS_A_VISITOR_MAX, DUE_MAX, HEARTBEAT_GRACE, LEAVE_GRACE, LIVE_MINUTES, PRESENT_A_SHARD_MAX,
    PRESENT_A_SITE_MAX,
};
use model::{BrowserId, HitId, Millis, SiteId, Visitor, VisitorId, VisitorKey};
use smallvec::SmallVec;

use crate::recent::Recent;
use arrivals::Arrivals;
use outcome::Outcomes;
use slots::{NEVER, SiteIndex, SlotIndex, Slots};
use stay::{Reading, Sign};

/// An older hit is for history only.
const LIVE_AGE_MAX: Duration = Duration::from_secs(60 * LIVE_MINUTES as u64);
/// How long a page that left is remembered: a heartbeat of it that comes later would be over by itself.
const LEFT_REMEMBERED: Duration = Duration::from_secs(2 * DUE_MAX.as_secs() + HEARTBEAT_GRACE.as_secs() + 60);
/// Pages that left within that time, at most; the oldest third is forgotten early.
pub const LEFT_PAGES_MAX: usize = 1_500_000;

/// A hit as presence sees it: beside what history keeps, what only the living know.
#[derive(Clone, Debug)]
pub struct Sighting {
    pub hit: EnrichedHit,
    /// Zero: the sender cannot tell.
    pub browser: BrowserId,
    /// Path of the page it came from, where that is on the same hostname.
    pub from_path: Option<Arc<str>>,
}

/// The machine of one shard.
pub struct Presence {
    outcomes: Outcomes,
    slots: Slots,
    /// When which slot is looked at; an entry that its slot no longer knows of is nothing.
    timers: BinaryHeap<Reverse<(Millis, SlotIndex)>>,
    /// Slots changed since the last commit.
    dirty: Vec<SlotIndex>,
    left: Recent<HitId, ()>,
    /// Who lingers after the last page left.
    leaving: HashMap<(SiteIndex, VisitorId), SmallVec<[SlotIndex; 2]>>,
    arrivals: Arrivals,
    /// When commits were taken last; before the first, a time that none is before.
    committed: Millis,
    limits: Limits,
}

/// How many may be present at once.
#[derive(Clone, Copy, Debug)]
struct Limits {
    of_site: usize,
    of_shard: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { of_site: PRESENT_A_SITE_MAX, of_shard: PRESENT_A_SHARD_MAX }
    }
}

/// A sighting on its way through the machine.
struct Seen<'s> {
    hit: &'s EnrichedHit,
    from_path: Option<&'s Arc<str>>,
    site: SiteIndex,
    key: VisitorKey,
    now: Millis,
}

impl Presence {
    pub fn new(shard: u16) -> Presence {
        Presence {
            outcomes: Outcomes::new(shard),
            slots: Slots::default(),
            timers: BinaryHeap::new(),
            dirty: Vec::new(),
            left: Recent::new(LEFT_REMEMBERED, LEFT_PAGES_MAX),
            leaving: HashMap::new(),
            arrivals: Arrivals::default(),
            committed: NEVER,
            limits: Limits::default(),
        }
    }

    /// Goes on from states as they were last committed.
    pub fn restore(&mut self, states: Vec<(SiteId, Vec<Arc<Visitor>>)>) {
        for (site, visitors) in states {
            let site = self.outcomes.site(site);
            for visitor in visitors {
                self.outcomes.restored(site, &visitor);
                let is_leaving = visitor.pages.is_empty();
                let (key, alive_until) = (visitor.key, visitor.alive_until);
                let index = self.slots.add(site, visitor);
                if is_leaving {
                    self.slots.get_mut(index).is_leaving = true;
                    self.leaving.entry((site, key.visitor)).or_default().push(index);
                }
                let next = self.next_look(index).unwrap_or(alive_until);
                self.look_at(index, next);
            }
        }
    }

    /// The newest batch of the tail whose hits were taken.
    pub fn mark(&mut self, site: SiteId, mark: Mark) {
        let site = self.outcomes.site(site);
        self.outcomes.mark(site, mark);
    }

    /// The browser of a visitor who has one only; zero where nobody knows which.
    pub fn browser_of(&mut self, site: SiteId, visitor: VisitorId) -> BrowserId {
        let site = self.outcomes.site(site);
        let mut browsers = self.slots.of_visitor(site, visitor).map(|(_, slot)| slot.key().browser);
        match (browsers.next(), browsers.next()) {
            (Some(only), None) => only,
            _ => BrowserId(0),
        }
    }

    /// What comes later of this page makes nobody present.
    pub fn has_left(&mut self, pageview: HitId) {
        if self.left.get_mut(&pageview).is_none() {
            self.left.insert(pageview, ());
        }
    }

    /// Lets time pass: pages that were silent for too long close, visitors without any are gone.
    pub fn tick(&mut self, now: Millis) {
        while let Some(&Reverse((due, index))) = self.timers.peek() {
            if due > now {
                break;
            }
            self.timers.pop();
            self.look(index, due, now);
        }
        self.left.advance(now);
        self.arrivals.forget_before(now);
    }

    /// Takes one hit, at `now`: at or after the time it was received, never going back.
    pub fn hit(&mut self, site: SiteId, sighting: &Sighting, now: Millis) {
        let hit = &sighting.hit;
        if now.since(hit.at) > LIVE_AGE_MAX {
            return;
        }
        let key = VisitorKey { visitor: hit.visitor, browser: sighting.browser };
        let site = self.outcomes.site(site);
        let key = self.known_apart(site, key);
        let seen = Seen { hit, from_path: sighting.from_path.as_ref(), site, key, now };
        self.outcomes.note(site, key, hit);
        match &hit.kind {
            EnrichedKind::Pageview { due_ms, .. } => self.pageview(&seen, *due_ms),
            EnrichedKind::Heartbeat { pageview, engaged_ms, scroll, active, due_ms } => {
                let alive_until = stay::alive_until(hit.at, Some(*due_ms));
                let sign = Some(Sign { at: hit.at, active: *active, alive_until });
                self.heartbeat(&seen, *pageview, Reading { engaged_ms: *engaged_ms, scroll: *scroll, sign });
            }
            EnrichedKind::Leave { pageview, engaged_ms, scroll } => {
                let reading = Reading { engaged_ms: *engaged_ms, scroll: *scroll, sign: None };
                self.leave(&seen, *pageview, &reading);
            }
            EnrichedKind::Event { pageview, .. } => drop(self.act(&seen, *pageview)),
            EnrichedKind::Identify { identity, .. } => {
                if let Some(index) = self.act(&seen, None) {
                    self.state(index).identity = Some(identity.clone());
                }
            }
        }
    }

    /// The key that a browser is known by: its own, or with too many others one of all.
    fn known_apart(&self, site: SiteIndex, key: VisitorKey) -> VisitorKey {
        let is_new = key.browser != BrowserId(0) && self.slots.by_key(site, key).is_none();
        if is_new && self.slots.of_visitor(site, key.visitor).count() >= BROWSERS_A_VISITOR_MAX {
            return VisitorKey { browser: BrowserId(0), ..key };
        }
        key
    }

    /// What changed since the last call, one commit a site that has something to tell. `now` may be before that of the
    /// last call, and of states that were restored: a clock that was ahead is set right again.
    pub fn take_commits(&mut self, now: Millis) -> Vec<Commit> {
        if now < std::mem::replace(&mut self.committed, now) {
            self.linger_from(now);
        }
        self.tick(now);
        for index in std::mem::take(&mut self.dirty) {
            let slot = self.slots.get_mut(index);
            slot.is_dirty = false;
            let (site, key, before) = (slot.site, slot.key(), slot.before.take());
            let after = (!slot.is_gone).then(|| slot.visitor.clone());
            if after.is_none() {
                self.slots.remove(index);
            }
            self.outcomes.change(site, key, before, after);
        }
        self.outcomes.take_commits(now)
    }

    /// Live had nothing of this shard for the site before a commit of so many changes: if there are more here, it forgot
    /// them, and all are committed again.
    pub fn commit_again(&mut self, site: SiteId, changes: usize) {
        let index = self.outcomes.site(site);
        if self.slots.counts(index).1 <= changes {
            return;
        }
        let of_site: Vec<_> =
            self.slots.iter().filter(|(_, slot)| slot.site == index).map(|(slot, _)| slot).collect();
        for slot in of_site {
            self.touch(slot);
            self.slots.get_mut(slot).before = None;
        }
    }

    /// The site is no more: its visitors are forgotten without a word.
    pub fn forget(&mut self, site: SiteId) {
        let index = self.outcomes.site(site);
        let of_site: Vec<_> =
            self.slots.iter().filter(|(_, slot)| slot.site == index).map(|(slot, _)| slot).collect();
        self.dirty.retain(|slot| !of_site.contains(slot));
        self.leaving.retain(|(site, _), _| *site != index);
        of_site.into_iter().for_each(|slot| drop(self.slots.remove(slot)));
        self.outcomes.forget(index);
    }

    /// States of everybody present, bots included, in no order.
    pub fn visitors(&self) -> impl Iterator<Item = (SiteId, &Arc<Visitor>)> {
        let here = self.slots.iter().filter(|(_, slot)| !slot.is_gone);
        here.map(|(_, slot)| (self.outcomes.id_of(slot.site), &slot.visitor))
    }

    /// How many are present as of the last commit, bots left out.
    pub fn present(&self) -> usize {
        self.outcomes.present()
    }

    /// Sites that hits came for.
    pub fn sites(&self) -> Vec<SiteId> {
        self.outcomes.sites()
    }

    /// Nobody is present, nothing is due.
    pub fn is_quiet(&self) -> bool {
        self.timers.is_empty() && self.dirty.is_empty()
    }

    /// The last page left: present a moment longer, unless the next page came first.
    fn linger(&mut self, index: SlotIndex, now: Millis, path: &Arc<str>) {
        let slot = self.slots.get_mut(index);
        slot.is_leaving = true;
        let (site, key) = (slot.site, slot.key());
        let alive_until = now.plus(LEAVE_GRACE);
        self.state(index).alive_until = alive_until;
        self.leaving.entry((site, key.visitor)).or_default().push(index);
        self.look_at(index, alive_until);
        let next = self.arrivals.take(site, key, path).and_then(|next| self.slots.by_key(site, next));
        if let Some(next) = next.filter(|&next| !self.slots.get(next).is_gone) {
            let whole = self.slots.get(index).visitor.clone();
            stay::merge(self.state(next), &whole);
            self.vanish(index);
        }
    }

    /// Time went back to `now`: nobody who left lingers until it is again what it was then.
    fn linger_from(&mut self, now: Millis) {
        let until = now.plus(LEAVE_GRACE);
        let leaving: Vec<SlotIndex> = self.leaving.values().flatten().copied().collect();
        for index in leaving {
            if self.slots.get(index).visitor.alive_until > until {
                self.state(index).alive_until = until;
                self.look_at(index, until);
            }
        }
    }

    fn stop_leaving(&mut self, index: SlotIndex) {
        let slot = self.slots.get_mut(index);
        if !std::mem::take(&mut slot.is_leaving) {
            return;
        }
        let of = (slot.site, slot.key().visitor);
        if let Some(leaving) = self.leaving.get_mut(&of) {
            leaving.retain(|other| *other != index);
            if leaving.is_empty() {
                self.leaving.remove(&of);
            }
        }
    }

    fn put(&mut self, site: SiteIndex, visitor: Visitor) -> SlotIndex {
        let Some(index) = self.slots.by_key(site, visitor.key) else {
            let index = self.slots.add(site, Arc::new(visitor));
            self.slots.get_mut(index).is_dirty = true;
            self.dirty.push(index);
            return index;
        };
        // Gone since the last commit and back again: what was committed stays what the next commit is against.
        *self.state(index) = visitor;
        let slot = self.slots.get_mut(index);
        (slot.is_gone, slot.is_unbeating, slot.heard) = (false, false, Millis(i64::MIN));
        index
    }

    fn vanish(&mut self, index: SlotIndex) {
        self.stop_leaving(index);
        self.touch(index);
        self.slots.get_mut(index).is_gone = true;
    }

    /// A state to change; what it was at the last commit is kept.
    fn state(&mut self, index: SlotIndex) -> &mut Visitor {
        self.touch(index);
        Arc::make_mut(&mut self.slots.get_mut(index).visitor)
    }

    fn touch(&mut self, index: SlotIndex) {
        let slot = self.slots.get_mut(index);
        if !std::mem::replace(&mut slot.is_dirty, true) {
            slot.before = Some(slot.visitor.clone());
            self.dirty.push(index);
        }
    }

    fn look_at(&mut self, index: SlotIndex, due: Millis) {
        let slot = self.slots.get_mut(index);
        if due < slot.timer {
            slot.timer = due;
            self.timers.push(Reverse((due, index)));
        }
    }

    fn look(&mut self, index: SlotIndex, due: Millis, now: Millis) {
        let Some(slot) = self.slots.try_get_mut(index).filter(|slot| slot.timer == due) else {
            return;
        };
        slot.timer = NEVER;
        if slot.is_gone {
            return;
        }
        if self.next_look(index).is_some_and(|next| next <= now) && !stay::expire(self.state(index), now) {
            self.vanish(index);
        }
        if self.slots.get(index).visitor.pages.is_empty() && !self.slots.get(index).is_leaving {
            self.vanish(index);
        }
        if let Some(next) = self.next_look(index).filter(|_| !self.slots.get(index).is_gone) {
            self.look_at(index, next);
        }
    }

    /// When something about the visitor is due by itself.
    fn next_look(&self, index: SlotIndex) -> Option<Millis> {
        let slot = self.slots.get(index);
        if slot.is_leaving {
            return Some(slot.visitor.alive_until);
        }
        slot.visitor.pages.iter().map(|page| page.alive_until).min()
    }
}

#[cfg(test)]
pub(crate) mod fixtures;
#[cfg(test)]
mod full;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
