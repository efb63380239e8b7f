//! What each kind of hit says about who sent it.

use metrics::counter;
use model::limits::DUE_MAX;
use model::{BrowserId, HitId, Millis, OpenPage, Visitor};

use super::slots::{NEVER, SlotIndex};
use super::stay::{self, Reading};
use super::{Presence, Seen};

impl Presence {
    pub(super) fn pageview(&mut self, seen: &Seen<'_>, due_ms: Option<u32>) {
        let alive_until = stay::alive_until(seen.hit.at, due_ms);
        if self.is_over(seen.hit.id, alive_until, seen.now) {
            if let Some(index) = self.here(seen) {
                stay::step(self.state(index), seen.hit.at, &seen.hit.page.path);
            }
            return;
        }
        let here = self.here(seen).or_else(|| self.adopt(seen));
        let Some(index) = here.or_else(|| self.arrive(seen)) else {
            return;
        };
        self.stop_leaving(index);
        let is_unbeating = due_ms.is_none();
        if is_unbeating && self.slots.get(index).is_unbeating {
            self.state(index).pages.pop();
        }
        self.slots.get_mut(index).is_unbeating = is_unbeating;
        self.open(index, seen, seen.hit.id, true, alive_until);
    }

    pub(super) fn heartbeat(&mut self, seen: &Seen<'_>, pageview: HitId, mut reading: Reading) {
        let alive_until = reading.sign.as_ref().map_or(NEVER, |sign| sign.alive_until);
        let index = match self.holder(seen, pageview) {
            Some(index) => index,
            None if self.is_over(pageview, alive_until, seen.now) => return,
            None => {
                let Some(index) = self.here(seen).or_else(|| self.arrive(seen)) else {
                    return;
                };
                self.stop_leaving(index);
                self.open(index, seen, pageview, false, alive_until);
                index
            }
        };
        if seen.hit.at < self.slots.get(index).heard {
            reading.sign = None;
        }
        let state = self.state(index);
        let page = stay::page_of(state, pageview).expect("the holder of a page has it open");
        stay::read(state, page, &reading);
        self.hear(index, seen);
        self.look_at(index, alive_until);
    }

    pub(super) fn leave(&mut self, seen: &Seen<'_>, pageview: HitId, reading: &Reading) {
        self.has_left(pageview);
        let Some(index) = self.holder(seen, pageview) else {
            return;
        };
        let state = self.state(index);
        let page = stay::page_of(state, pageview).expect("the holder of a page has it open");
        stay::read(state, page, reading);
        let page = stay::close(state, page);
        let is_last = state.pages.is_empty();
        self.outcomes.note_leave(seen.site, self.slots.get(index), seen.hit, &page.path);
        self.hear(index, seen);
        if is_last {
            self.linger(index, seen.now, &page.path);
        }
    }

    /// The visitor did something; where nobody is present, that makes them so.
    pub(super) fn act(&mut self, seen: &Seen<'_>, pageview: Option<HitId>) -> Option<SlotIndex> {
        let holder = pageview.and_then(|pageview| self.holder(seen, pageview));
        if let Some(index) = holder.or_else(|| self.here(seen)) {
            self.used(index, pageview, seen.hit.at);
            self.hear(index, seen);
            return Some(index);
        }
        let due_ms = pageview.map(|_| DUE_MAX.as_millis() as u32);
        let alive_until = stay::alive_until(seen.hit.at, due_ms);
        let page = pageview.unwrap_or(seen.hit.id);
        if self.is_over(page, alive_until, seen.now) {
            return None;
        }
        let index = self.arrive(seen)?;
        self.slots.get_mut(index).is_unbeating = due_ms.is_none();
        self.open(index, seen, page, true, alive_until);
        Some(index)
    }

    /// The page of an action is the one used last; who never beats lives by actions.
    fn used(&mut self, index: SlotIndex, pageview: Option<HitId>, at: Millis) {
        let is_unbeating = self.slots.get(index).is_unbeating;
        let state = self.state(index);
        if let Some(page) = pageview.and_then(|pageview| stay::page_of(state, pageview)) {
            stay::use_page(state, page, at);
        }
        if is_unbeating && let Some(page) = state.pages.last_mut() {
            page.alive_until = stay::alive_until(at, None).max(page.alive_until);
            state.alive_until = page.alive_until.max(state.alive_until);
        }
    }

    fn is_over(&self, pageview: HitId, alive_until: Millis, now: Millis) -> bool {
        alive_until <= now || self.left.get(&pageview).is_some()
    }

    /// The slot of the sender, if present.
    pub(super) fn here(&self, seen: &Seen<'_>) -> Option<SlotIndex> {
        let index = self.slots.by_key(seen.site, seen.key)?;
        (!self.slots.get(index).is_gone).then_some(index)
    }

    /// None: as many are present as there may be; who comes now is counted in history only.
    fn arrive(&mut self, seen: &Seen<'_>) -> Option<SlotIndex> {
        let (of_shard, of_site) = self.slots.counts(seen.site);
        if self.slots.by_key(seen.site, seen.key).is_none()
            && (of_shard >= self.limits.of_shard || of_site >= self.limits.of_site)
        {
            counter!("watchfire_presence_full_total").increment(1);
            return None;
        }
        if let Some(from) = seen.from_path.filter(|_| seen.key.browser != BrowserId(0)) {
            self.arrivals.add(seen.site, seen.key, from.clone(), seen.now);
        }
        let hit = seen.hit;
        let index = self.put(
            seen.site,
            Visitor {
                key: seen.key,
                since: hit.at,
                alive_until: hit.at,
                active: false,
                engaged_ms: 0,
                pages: Vec::new(),
                trail: Vec::new(),
                source: hit.source.clone(),
                place: hit.place.clone(),
                agent: hit.agent.clone(),
                language: hit.language.clone(),
                bot: hit.bot,
                identity: None,
            },
        );
        Some(index)
    }

    fn open(
        &mut self,
        index: SlotIndex,
        seen: &Seen<'_>,
        pageview: HitId,
        active: bool,
        alive_until: Millis,
    ) {
        let path = &seen.hit.page.path;
        let state = self.state(index);
        if stay::page_of(state, pageview).is_some() {
            stay::step(state, seen.hit.at, path);
        } else {
            let page =
                OpenPage { pageview, path: path.clone(), active, engaged_ms: 0, scroll: 0, alive_until };
            stay::open(state, page, seen.hit.at);
        }
        self.hear(index, seen);
        self.look_at(index, alive_until);
    }

    /// What any hit of a stay says about it.
    fn hear(&mut self, index: SlotIndex, seen: &Seen<'_>) {
        let hit = seen.hit;
        let slot = self.slots.get_mut(index);
        slot.heard = hit.at.max(slot.heard);
        let state = self.state(index);
        if hit.at < state.since {
            state.since = hit.at;
            state.source = hit.source.clone();
        }
        state.bot = state.bot.or(hit.bot);
    }
}
