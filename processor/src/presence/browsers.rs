//! Which browser a page belongs to: tabs agree on their browser id late, the next page of a stay may come under
//! a new one, and presence rebuilt from the tail knows none. Pages and whole stays move to where they belong.

use model::{BrowserId, HitId, OpenPage, Step, Visitor, VisitorKey};

use super::slots::SlotIndex;
use super::{Presence, Seen, stay};

impl Presence {
    /// Who has this page open. Where that is another browser of the same visitor, the tabs have agreed on a
    /// browser id since: the page moves to the sender's.
    pub(super) fn holder(&mut self, seen: &Seen<'_>, pageview: HitId) -> Option<SlotIndex> {
        let own = self.here(seen);
        if let Some(own) = own.filter(|&own| stay::page_of(&self.slots.get(own).visitor, pageview).is_some())
        {
            return Some(own);
        }
        let (other, page) = self
            .slots
            .of_visitor(seen.site, seen.key.visitor)
            .filter(|(_, slot)| !slot.is_gone)
            .find_map(|(index, slot)| Some((index, stay::page_of(&slot.visitor, pageview)?)))?;
        if seen.key.browser == BrowserId(0) {
            return Some(other);
        }
        Some(self.move_page(other, page, own, seen))
    }

    fn move_page(
        &mut self,
        from: SlotIndex,
        page: usize,
        to: Option<SlotIndex>,
        seen: &Seen<'_>,
    ) -> SlotIndex {
        if self.slots.get(from).visitor.pages.len() == 1 {
            let Some(to) = to else {
                return self.rekey(from, seen.key);
            };
            let page = stay::close(self.state(from), page);
            let whole = self.slots.get(from).visitor.clone();
            self.vanish(from);
            return self.take_over(to, page, |state| stay::merge(state, &whole));
        }
        let state = self.state(from);
        let page = stay::close(state, page);
        state.engaged_ms -= page.engaged_ms.min(state.engaged_ms);
        let to = to.unwrap_or_else(|| {
            let alone = alone_on(&self.slots.get(from).visitor, &page, seen);
            self.put(seen.site, alone)
        });
        let engaged_ms = page.engaged_ms;
        self.take_over(to, page, |state| state.engaged_ms = state.engaged_ms.saturating_add(engaged_ms))
    }

    fn take_over(&mut self, to: SlotIndex, page: OpenPage, join: impl FnOnce(&mut Visitor)) -> SlotIndex {
        self.stop_leaving(to);
        let alive_until = page.alive_until;
        let state = self.state(to);
        let opened = state.trail.iter().rev().find(|step| step.path == page.path).map(|step| step.at);
        stay::open(state, page, opened.unwrap_or(state.since));
        join(state);
        self.look_at(to, alive_until);
        to
    }

    /// The stay goes on under another key.
    fn rekey(&mut self, from: SlotIndex, key: VisitorKey) -> SlotIndex {
        let slot = self.slots.get(from);
        let (site, heard, is_unbeating) = (slot.site, slot.heard, slot.is_unbeating);
        let visitor = Visitor { key, ..Visitor::clone(&slot.visitor) };
        self.vanish(from);
        let index = self.put(site, visitor);
        let slot = self.slots.get_mut(index);
        (slot.heard, slot.is_unbeating) = (heard, is_unbeating);
        if let Some(next) = self.next_look(index) {
            self.look_at(index, next);
        }
        index
    }

    /// A page that opens under a new browser id right after another of the same visitor left is its next page.
    pub(super) fn adopt(&mut self, seen: &Seen<'_>) -> Option<SlotIndex> {
        if seen.key.browser == BrowserId(0) {
            return None;
        }
        let leaving = self.leaving.get(&(seen.site, seen.key.visitor))?;
        let fit = |index: SlotIndex| {
            let visitor = &self.slots.get(index).visitor;
            (visitor.page() == seen.from_path && seen.from_path.is_some(), visitor.alive_until)
        };
        let best = leaving.iter().copied().max_by_key(|&index| fit(index))?;
        Some(self.rekey(best, seen.key))
    }
}

/// A stay of its own for one page of somebody who turned out to be several.
fn alone_on(shared: &Visitor, page: &OpenPage, seen: &Seen<'_>) -> Visitor {
    let opened = shared.trail.iter().rev().find(|step| step.path == page.path);
    let since = opened.map_or(seen.hit.at, |step| step.at);
    Visitor {
        key: seen.key,
        since,
        engaged_ms: 0,
        pages: Vec::new(),
        trail: vec![Step { at: since, path: page.path.clone() }],
        identity: None,
        ..shared.clone()
    }
}
