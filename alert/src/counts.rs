//! The last hour of a site, in slots of five seconds, made of its hits. A visit begins with a visitor of whom nothing was heard for half an hour, as in reports.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use model::alert::By;
use model::{Millis, VisitorId, limits};

/// What is counted together.
pub const SLOT: Duration = Duration::from_secs(5);
/// How long a visitor is silent before their next hit begins a visit.
pub const VISIT_GAP: Duration = Duration::from_secs(30 * 60);
/// Visitors that are known to have been here within the gap; who comes beyond begins no visit.
pub const VISITORS_MAX: usize = 1_000_000;
/// Different pages, sources and countries of the visits that begin in one slot; the others are not told apart.
pub const KEYS_A_SLOT_MAX: usize = 1_000;

const SLOT_MS: i64 = SLOT.as_millis() as i64;
const SLOTS_A_MINUTE: i64 = 60_000 / SLOT_MS;

/// A hit of a person.
#[derive(Clone, Debug)]
pub struct Seen {
    pub at: Millis,
    pub visitor: VisitorId,
    pub page: Arc<str>,
    pub source: Arc<str>,
    pub country: Arc<str>,
    pub kind: SeenKind,
}

#[derive(Clone, Debug, PartialEq)]
pub enum SeenKind {
    Pageview,
    /// The event's name.
    Event(Arc<str>),
    /// An identity was given: begins a visit, too.
    Identity,
    /// Somebody is there still, or went: no more than a sign of life.
    Sign,
}

/// Visits by what they began with.
pub type Keys = HashMap<(By, Arc<str>), u32>;

#[derive(Debug)]
struct Slot {
    /// Slots since 1970.
    number: i64,
    pageviews: u32,
    visits: u32,
    events: HashMap<Arc<str>, u32>,
    keys: Keys,
}

#[derive(Debug)]
pub struct Counts {
    /// Everything from then on is in it.
    known_since: Millis,
    last_hit: Option<Millis>,
    /// The oldest first; only those in which there was something.
    slots: VecDeque<Slot>,
    visitors: HashMap<VisitorId, Millis>,
    swept: Millis,
    /// Of events these alone are counted.
    events: Vec<String>,
}

impl Counts {
    /// Nothing before `known_since` is known, but when the last hit was, where there was any.
    pub fn new(known_since: Millis, last_hit: Option<Millis>, events: Vec<String>) -> Counts {
        Counts {
            known_since,
            last_hit,
            slots: VecDeque::new(),
            visitors: HashMap::new(),
            swept: known_since,
            events,
        }
    }

    /// Of which events it knows.
    pub fn events(&self) -> &[String] {
        &self.events
    }

    /// When the last hit was; None: there never was one since it is known.
    pub fn last_hit(&self) -> Option<Millis> {
        self.last_hit
    }

    /// Nothing happened from then on but what it was told.
    pub fn known_since(&self) -> Millis {
        self.known_since
    }

    /// A hit, whenever it arrives; what is older than the hour is left out.
    pub fn see(&mut self, seen: &Seen, now: Millis) {
        let at = Millis(seen.at.0.min(now.0));
        if self.last_hit.is_none_or(|last| last < at) {
            self.last_hit = Some(at);
        }
        self.forget(now);
        if at < self.kept_since(now) {
            return;
        }
        let begins = seen.kind != SeenKind::Sign && self.begins(seen.visitor, at);
        self.remember(seen.visitor, at);
        let is_counted = match &seen.kind {
            SeenKind::Event(name) => self.events.iter().any(|known| **known == **name),
            SeenKind::Pageview => true,
            SeenKind::Identity | SeenKind::Sign => false,
        };
        if !begins && !is_counted {
            return;
        }
        let slot = self.slot(at.0.div_euclid(SLOT_MS));
        match &seen.kind {
            SeenKind::Pageview => slot.pageviews += 1,
            SeenKind::Event(name) if is_counted => *slot.events.entry(name.clone()).or_default() += 1,
            _ => {}
        }
        if begins {
            slot.begin(seen);
        }
    }

    fn begins(&self, visitor: VisitorId, at: Millis) -> bool {
        match self.visitors.get(&visitor) {
            Some(last) => at.since(*last) >= VISIT_GAP,
            None => self.visitors.len() < VISITORS_MAX,
        }
    }

    fn remember(&mut self, visitor: VisitorId, at: Millis) {
        if let Some(last) = self.visitors.get_mut(&visitor) {
            *last = Millis(last.0.max(at.0));
        } else if self.visitors.len() < VISITORS_MAX {
            self.visitors.insert(visitor, at);
        }
    }

    fn slot(&mut self, number: i64) -> &mut Slot {
        let place = self.slots.partition_point(|slot| slot.number < number);
        if self.slots.get(place).is_none_or(|slot| slot.number != number) {
            let slot = Slot { number, pageviews: 0, visits: 0, events: HashMap::new(), keys: HashMap::new() };
            self.slots.insert(place, slot);
        }
        &mut self.slots[place]
    }

    fn kept_since(&self, now: Millis) -> Millis {
        Millis(now.0 - i64::from(limits::ALERT_MINUTES_MAX) * 60_000)
    }

    fn forget(&mut self, now: Millis) {
        let oldest = self.kept_since(now).0.div_euclid(SLOT_MS);
        while self.slots.front().is_some_and(|slot| slot.number < oldest) {
            self.slots.pop_front();
        }
        if now.since(self.swept) >= VISIT_GAP || self.visitors.len() >= VISITORS_MAX {
            self.swept = now;
            self.visitors.retain(|_, last| now.since(*last) < VISIT_GAP);
        }
    }

    /// Whether all of the last minutes is known.
    pub fn knows(&self, minutes: u32, now: Millis) -> bool {
        self.known_since.0 <= now.0 - i64::from(minutes) * 60_000
    }

    fn last(&self, minutes: u32, now: Millis) -> impl Iterator<Item = &Slot> {
        let first = now.0.div_euclid(SLOT_MS) - i64::from(minutes) * SLOTS_A_MINUTE + 1;
        self.slots.iter().skip_while(move |slot| slot.number < first)
    }

    pub fn pageviews(&self, minutes: u32, now: Millis) -> u32 {
        self.last(minutes, now).map(|slot| slot.pageviews).sum()
    }

    /// Visits that began.
    pub fn visits(&self, minutes: u32, now: Millis) -> u32 {
        self.last(minutes, now).map(|slot| slot.visits).sum()
    }

    pub fn events_named(&self, name: &str, minutes: u32, now: Millis) -> u32 {
        self.last(minutes, now).filter_map(|slot| slot.events.get(name)).sum()
    }

    /// The visits that began, by what they began with.
    pub fn keys(&self, minutes: u32, now: Millis) -> Keys {
        let mut keys = Keys::new();
        for (key, count) in self.last(minutes, now).flat_map(|slot| &slot.keys) {
            *keys.entry(key.clone()).or_default() += count;
        }
        keys
    }
}

impl Slot {
    fn begin(&mut self, seen: &Seen) {
        self.visits += 1;
        for (by, key) in [(By::Page, &seen.page), (By::Source, &seen.source), (By::Country, &seen.country)] {
            let key = (by, key.clone());
            if self.keys.len() < KEYS_A_SLOT_MAX || self.keys.contains_key(&key) {
                *self.keys.entry(key).or_default() += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_795_392_000_000);

    fn after(seconds: i64) -> Millis {
        Millis(NOW.0 + seconds * 1_000)
    }

    fn hit(at: Millis, visitor: u64, kind: SeenKind) -> Seen {
        let (page, source, country) = ("/".into(), "Search".into(), "FR".into());
        Seen { at, visitor: VisitorId(visitor), page, source, country, kind }
    }

    fn view(at: Millis, visitor: u64) -> Seen {
        hit(at, visitor, SeenKind::Pageview)
    }

    fn counts() -> Counts {
        Counts::new(NOW, None, vec!["error".into()])
    }

    #[test]
    fn the_last_minutes_are_counted_and_no_more() {
        let mut counts = counts();
        for second in 0..600 {
            counts.see(&view(after(second), second as u64), after(second));
        }
        let now = after(599);
        for minutes in [1, 5, 9] {
            assert_eq!(counts.pageviews(minutes, now), minutes * 60);
            assert_eq!(counts.visits(minutes, now), minutes * 60);
        }
        assert_eq!(counts.pageviews(60, now), 600);
        assert_eq!(counts.pageviews(1, after(700)), 0);
        assert!(!counts.knows(11, now) && counts.knows(9, now));
    }

    #[test]
    fn what_comes_late_counts_when_it_was_and_what_is_older_than_the_hour_does_not() {
        let mut counts = counts();
        counts.see(&view(after(100), 1), after(100));
        counts.see(&view(after(30), 2), after(100));
        assert_eq!((counts.pageviews(1, after(100)), counts.pageviews(2, after(100))), (1, 2));
        assert_eq!(counts.last_hit(), Some(after(100)));
        counts.see(&view(after(-4_000), 3), after(100));
        assert_eq!(counts.pageviews(60, after(100)), 2);
        counts.see(&view(after(5_000), 4), after(5_000));
        assert_eq!(counts.slots.len(), 1, "what is older goes");
    }

    #[test]
    fn a_visit_begins_after_half_an_hour_of_silence() {
        let mut counts = counts();
        for second in [0, 60, 1_000, 2_700, 4_600] {
            counts.see(&view(after(second), 1), after(second));
        }
        counts.see(&hit(after(4_600), 2, SeenKind::Sign), after(4_600));
        counts.see(&hit(after(4_601), 3, SeenKind::Identity), after(4_601));
        counts.see(&hit(after(4_602), 4, SeenKind::Event("any".into())), after(4_602));
        assert_eq!((counts.visits(1, after(4_603)), counts.pageviews(1, after(4_603))), (3, 1));
        assert_eq!(counts.visits(60, after(4_603)), 3);
        counts.see(&view(after(4_604), 2), after(4_604));
        assert_eq!(counts.visits(1, after(4_605)), 3, "of a visitor who was there");
    }

    #[test]
    fn events_are_counted_by_the_names_that_are_asked_for() {
        let mut counts = counts();
        for name in ["error", "error", "bought"] {
            counts.see(&hit(after(1), 1, SeenKind::Event(name.into())), after(1));
        }
        assert_eq!(counts.events_named("error", 1, after(2)), 2);
        assert_eq!(counts.events_named("bought", 1, after(2)), 0);
    }

    #[test]
    fn so_many_visitors_are_known_and_so_many_keys_told_apart() {
        let mut counts = counts();
        for visitor in 0..VISITORS_MAX as u64 + 1 {
            let page = format!("/{}", visitor.min(2_000)).into();
            counts.see(&Seen { page, ..view(after(1), visitor) }, after(1));
        }
        assert_eq!(counts.visits(1, after(1)), VISITORS_MAX as u32);
        assert_eq!(counts.keys(1, after(1)).len(), KEYS_A_SLOT_MAX);
        counts.see(&view(after(2_000), u64::MAX), after(2_000));
        assert_eq!(counts.visits(1, after(2_000)), 1, "those who went make room");
    }
}
