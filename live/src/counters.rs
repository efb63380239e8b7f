//! Counters of a site as a pure sum over its present visitors: adding a state and taking it away are inverse.

use std::sync::Arc;

use hashbrown::HashMap;
use model::Visitor;

use crate::Change;

/// What present visitors are counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Dimension {
    /// Every open page of a visitor, each once.
    Page,
    Source,
    Channel,
    Country,
    Device,
    Browser,
    Os,
    Language,
}

impl Dimension {
    pub const ALL: [Dimension; 8] = [
        Dimension::Page,
        Dimension::Source,
        Dimension::Channel,
        Dimension::Country,
        Dimension::Device,
        Dimension::Browser,
        Dimension::Os,
        Dimension::Language,
    ];

    /// The written form in JSON and filters.
    pub const fn name(self) -> &'static str {
        match self {
            Dimension::Page => "page",
            Dimension::Source => "source",
            Dimension::Channel => "channel",
            Dimension::Country => "country",
            Dimension::Device => "device",
            Dimension::Browser => "browser",
            Dimension::Os => "os",
            Dimension::Language => "language",
        }
    }

    pub fn named(name: &str) -> Option<Dimension> {
        Dimension::ALL.into_iter().find(|dimension| dimension.name() == name)
    }
}

/// Calls `with` once for each key under which `visitor` counts in `dimension`. Unknown is the empty key.
pub fn keys<'v>(visitor: &'v Visitor, dimension: Dimension, mut with: impl FnMut(&'v str)) {
    match dimension {
        Dimension::Page if visitor.pages.is_empty() => {
            visitor.page().into_iter().for_each(|path| with(path));
        }
        Dimension::Page => {
            for (index, page) in visitor.pages.iter().enumerate() {
                let first = visitor.pages[..index].iter().all(|other| other.path != page.path);
                if first {
                    with(&page.path);
                }
            }
        }
        Dimension::Source => with(&visitor.source.name),
        Dimension::Channel => with(visitor.source.channel.name()),
        Dimension::Country => with(&visitor.place.country),
        Dimension::Device => with(visitor.agent.device.name()),
        Dimension::Browser => with(&visitor.agent.browser),
        Dimension::Os => with(&visitor.agent.os),
        Dimension::Language => with(&visitor.language),
    }
}

/// Whether two states surely count under the same keys of a dimension: comparing where shared strings are is
/// cheaper than counting down and up again. False: perhaps they do.
fn count_alike(dimension: Dimension, before: &Visitor, after: &Visitor) -> bool {
    match dimension {
        Dimension::Page => {
            let pages = before.pages.iter().zip(&after.pages);
            !before.pages.is_empty()
                && before.pages.len() == after.pages.len()
                && pages.into_iter().all(|(before, after)| Arc::ptr_eq(&before.path, &after.path))
        }
        Dimension::Source | Dimension::Channel => Arc::ptr_eq(&before.source, &after.source),
        Dimension::Country => Arc::ptr_eq(&before.place, &after.place),
        Dimension::Device | Dimension::Browser | Dimension::Os => Arc::ptr_eq(&before.agent, &after.agent),
        Dimension::Language => Arc::ptr_eq(&before.language, &after.language),
    }
}

/// Present visitors of one site, in total and by each dimension. Bots are left out unless added by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counters {
    pub present: u32,
    /// Of them, how many are active; the others are idle.
    pub active: u32,
    /// Present bots, in no other number here.
    pub bots: u32,
    by: [HashMap<Arc<str>, u32>; 8],
}

impl Counters {
    /// The counts of these visitors, each once.
    pub fn recount<'v>(visitors: impl IntoIterator<Item = &'v Visitor>) -> Counters {
        let mut counters = Counters::default();
        visitors.into_iter().for_each(|visitor| counters.add(visitor));
        counters
    }

    pub fn apply(&mut self, change: &Change) {
        match (&change.before, &change.after) {
            (Some(before), Some(after)) if before.bot.is_none() && after.bot.is_none() => {
                self.active = self.active + u32::from(after.active) - u32::from(before.active);
                for dimension in Dimension::ALL {
                    if !count_alike(dimension, before, after) {
                        self.take_keys(before, dimension);
                        self.add_keys(after, dimension);
                    }
                }
            }
            (before, after) => {
                before.iter().for_each(|before| self.take(before));
                after.iter().for_each(|after| self.add(after));
            }
        }
    }

    pub fn add(&mut self, visitor: &Visitor) {
        if visitor.bot.is_some() {
            self.bots += 1;
            return;
        }
        self.present += 1;
        self.active += u32::from(visitor.active);
        Dimension::ALL.into_iter().for_each(|dimension| self.add_keys(visitor, dimension));
    }

    /// Takes away what `add` of the same state added; a key that reaches zero is gone.
    pub fn take(&mut self, visitor: &Visitor) {
        if visitor.bot.is_some() {
            self.bots -= 1;
            return;
        }
        self.present -= 1;
        self.active -= u32::from(visitor.active);
        Dimension::ALL.into_iter().for_each(|dimension| self.take_keys(visitor, dimension));
    }

    fn add_keys(&mut self, visitor: &Visitor, dimension: Dimension) {
        let counts = &mut self.by[dimension as usize];
        keys(visitor, dimension, |key| *counts.entry_ref(key).or_insert(0) += 1);
    }

    fn take_keys(&mut self, visitor: &Visitor, dimension: Dimension) {
        let counts = &mut self.by[dimension as usize];
        keys(visitor, dimension, |key| {
            let count = counts.get_mut(key).expect("a counted key is in the counters");
            *count -= 1;
            if *count == 0 {
                counts.remove(key);
            }
        });
    }

    /// Every key of a dimension with its count, in no order.
    pub fn of(&self, dimension: Dimension) -> &HashMap<Arc<str>, u32> {
        &self.by[dimension as usize]
    }
}
