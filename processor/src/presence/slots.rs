//! Where present visitors stand in memory: a slab, found by key and, of one visitor, one after another.
//! The tables hold only places, so that a visitor costs few bytes beside its state.

use std::hash::BuildHasher;
use std::sync::Arc;

use hashbrown::{DefaultHashBuilder, HashTable};
use model::{Millis, Visitor, VisitorId, VisitorKey};

/// A site's place among the sites of the shard.
pub type SiteIndex = u32;
/// A visitor's place in the slab; good until the slot is freed.
pub type SlotIndex = u32;

/// No time at all.
pub const NEVER: Millis = Millis(i64::MAX);

const NONE: u32 = u32::MAX;

/// One visitor, present or gone since the last commit.
pub struct Slot {
    pub site: SiteIndex,
    /// Its key is the slot's.
    pub visitor: Arc<Visitor>,
    /// The state of the last commit, while `is_dirty`.
    pub before: Option<Arc<Visitor>>,
    /// The newest sign of life: an older one that comes later does not turn the clock back.
    pub heard: Millis,
    /// When it is looked at next, as it stands in the timers; `NEVER` where it does not.
    pub timer: Millis,
    pub is_dirty: bool,
    pub is_gone: bool,
    /// Its last page left; it is present for `LEAVE_GRACE`.
    pub is_leaving: bool,
    /// Its newest page came from a sender that never beats: the next one takes its place.
    pub is_unbeating: bool,
    /// Neighbours among the slots of the same visitor.
    next: u32,
    previous: u32,
}

impl Slot {
    pub fn key(&self) -> VisitorKey {
        self.visitor.key
    }
}

/// All slots of a shard.
#[derive(Default)]
pub struct Slots {
    slots: Slab,
    free: Vec<SlotIndex>,
    by_key: HashTable<SlotIndex>,
    /// The first slot of each visitor.
    by_visitor: HashTable<SlotIndex>,
    /// How many slots each site has.
    by_site: Vec<u32>,
    hasher: DefaultHashBuilder,
}

impl Slots {
    pub fn get(&self, index: SlotIndex) -> &Slot {
        self.slots.get(index).expect("an index is not used after its slot was freed")
    }

    pub fn get_mut(&mut self, index: SlotIndex) -> &mut Slot {
        self.try_get_mut(index).expect("an index is not used after its slot was freed")
    }

    /// None: the slot was freed.
    pub fn try_get_mut(&mut self, index: SlotIndex) -> Option<&mut Slot> {
        self.slots.get_mut(index)
    }

    pub fn iter(&self) -> impl Iterator<Item = (SlotIndex, &Slot)> {
        (0..self.slots.len).filter_map(|index| Some((index, self.slots.get(index)?)))
    }

    pub fn by_key(&self, site: SiteIndex, key: VisitorKey) -> Option<SlotIndex> {
        let hash = self.hasher.hash_one((site, key));
        let same = |&index: &SlotIndex| self.get(index).key() == key && self.get(index).site == site;
        self.by_key.find(hash, same).copied()
    }

    /// Every slot of one visitor, whatever its browser.
    pub fn of_visitor(
        &self,
        site: SiteIndex,
        visitor: VisitorId,
    ) -> impl Iterator<Item = (SlotIndex, &Slot)> {
        let mut at = self.first_of(site, visitor).unwrap_or(NONE);
        std::iter::from_fn(move || {
            let slot = (at != NONE).then(|| (at, self.get(at)))?;
            at = slot.1.next;
            Some(slot)
        })
    }

    /// Slots in use, and those of one site.
    pub fn counts(&self, site: SiteIndex) -> (usize, usize) {
        let of_site = self.by_site.get(site as usize).copied().unwrap_or(0);
        (self.slots.len as usize - self.free.len(), of_site as usize)
    }

    /// Adds a visitor whose key has no slot yet.
    pub fn add(&mut self, site: SiteIndex, visitor: Arc<Visitor>) -> SlotIndex {
        let key = visitor.key;
        let first = self.first_of(site, key.visitor);
        let slot = Slot {
            site,
            visitor,
            before: None,
            heard: Millis(i64::MIN),
            timer: NEVER,
            is_dirty: false,
            is_gone: false,
            is_leaving: false,
            is_unbeating: false,
            next: first.unwrap_or(NONE),
            previous: NONE,
        };
        let index = self.place(slot);
        if self.by_site.len() <= site as usize {
            self.by_site.resize(site as usize + 1, 0);
        }
        self.by_site[site as usize] += 1;
        if let Some(first) = first {
            self.get_mut(first).previous = index;
            self.replace_first(site, key.visitor, first, Some(index));
        } else {
            self.insert_first(site, key.visitor, index);
        }
        let Slots { slots, by_key, hasher, .. } = self;
        let hash_of = |&index: &SlotIndex| {
            let slot = slots.get(index).expect("an indexed slot is there");
            hasher.hash_one((slot.site, slot.key()))
        };
        by_key.insert_unique(hasher.hash_one((site, key)), index, hash_of);
        index
    }

    /// Frees a slot; its index may be given out again.
    pub fn remove(&mut self, index: SlotIndex) -> Slot {
        let (site, key) = (self.get(index).site, self.get(index).key());
        let hash = self.hasher.hash_one((site, key));
        if let Ok(entry) = self.by_key.find_entry(hash, |&other| other == index) {
            entry.remove();
        }
        let (next, previous) = (self.get(index).next, self.get(index).previous);
        if next != NONE {
            self.get_mut(next).previous = previous;
        }
        if previous != NONE {
            self.get_mut(previous).next = next;
        } else {
            self.replace_first(site, key.visitor, index, (next != NONE).then_some(next));
        }
        self.free.push(index);
        self.by_site[site as usize] -= 1;
        self.slots.take(index).expect("an index is not used after its slot was freed")
    }

    fn place(&mut self, slot: Slot) -> SlotIndex {
        let index = self.free.pop().unwrap_or(self.slots.len);
        self.slots.put(index, slot);
        index
    }

    fn first_of(&self, site: SiteIndex, visitor: VisitorId) -> Option<SlotIndex> {
        let hash = self.hasher.hash_one((site, visitor));
        let same =
            |&index: &SlotIndex| self.get(index).key().visitor == visitor && self.get(index).site == site;
        self.by_visitor.find(hash, same).copied()
    }

    fn insert_first(&mut self, site: SiteIndex, visitor: VisitorId, index: SlotIndex) {
        let Slots { slots, by_visitor, hasher, .. } = self;
        let hash_of = |&index: &SlotIndex| {
            let slot = slots.get(index).expect("an indexed slot is there");
            hasher.hash_one((slot.site, slot.key().visitor))
        };
        by_visitor.insert_unique(hasher.hash_one((site, visitor)), index, hash_of);
    }

    fn replace_first(
        &mut self,
        site: SiteIndex,
        visitor: VisitorId,
        first: SlotIndex,
        by: Option<SlotIndex>,
    ) {
        let hash = self.hasher.hash_one((site, visitor));
        let Ok(mut entry) = self.by_visitor.find_entry(hash, |&other| other == first) else {
            return;
        };
        match by {
            Some(index) => *entry.get_mut() = index,
            None => drop(entry.remove()),
        }
    }
}

/// Slots in pieces of a fixed length: growing moves nothing and wastes at most one piece.
#[derive(Default)]
struct Slab {
    pieces: Vec<Vec<Option<Slot>>>,
    len: SlotIndex,
}

const PIECE_SLOTS: usize = 1_024;

impl Slab {
    fn get(&self, index: SlotIndex) -> Option<&Slot> {
        self.pieces.get(index as usize / PIECE_SLOTS)?.get(index as usize % PIECE_SLOTS)?.as_ref()
    }

    fn get_mut(&mut self, index: SlotIndex) -> Option<&mut Slot> {
        self.pieces.get_mut(index as usize / PIECE_SLOTS)?.get_mut(index as usize % PIECE_SLOTS)?.as_mut()
    }

    fn take(&mut self, index: SlotIndex) -> Option<Slot> {
        self.pieces.get_mut(index as usize / PIECE_SLOTS)?.get_mut(index as usize % PIECE_SLOTS)?.take()
    }

    /// `index`: an empty place, or the first behind the last.
    fn put(&mut self, index: SlotIndex, slot: Slot) {
        if index < self.len {
            self.pieces[index as usize / PIECE_SLOTS][index as usize % PIECE_SLOTS] = Some(slot);
            return;
        }
        if self.len as usize == self.pieces.len() * PIECE_SLOTS {
            self.pieces.push(Vec::with_capacity(PIECE_SLOTS));
        }
        let last = self.pieces.last_mut().expect("a piece was just added");
        last.push(Some(slot));
        self.len += 1;
    }
}

#[cfg(test)]
mod tests {
    use model::BrowserId;

    use super::*;
    use crate::presence::fixtures;

    fn key(visitor: u64, browser: u64) -> VisitorKey {
        VisitorKey { visitor: VisitorId(visitor), browser: BrowserId(browser) }
    }

    fn browsers(slots: &Slots, visitor: u64) -> Vec<u64> {
        let mut browsers: Vec<_> =
            slots.of_visitor(0, VisitorId(visitor)).map(|(_, slot)| slot.key().browser.0).collect();
        browsers.sort();
        browsers
    }

    #[test]
    fn slots_are_found_by_key_and_by_visitor_however_they_come_and_go() {
        let mut rng = fastrand::Rng::with_seed(5);
        let mut slots = Slots::default();
        let mut model = std::collections::BTreeMap::new();
        for _ in 0..5_000 {
            let (visitor, browser) = (rng.u64(0..5), rng.u64(0..6));
            match model.remove(&(visitor, browser)) {
                Some(index) => drop(slots.remove(index)),
                None => {
                    let index = slots.add(0, Arc::new(fixtures::visitor(key(visitor, browser))));
                    model.insert((visitor, browser), index);
                }
            }
            assert_eq!(slots.by_key(0, key(visitor, browser)), model.get(&(visitor, browser)).copied());
            let expected: Vec<u64> = model.keys().filter(|key| key.0 == visitor).map(|key| key.1).collect();
            assert_eq!(browsers(&slots, visitor), expected);
            assert_eq!(slots.iter().count(), model.len());
        }
        assert_eq!(slots.by_key(1, key(0, 0)), None, "another site");
    }
}
