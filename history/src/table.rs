//! Folded history as rows: visits, and the hits of each. What a segment holds, and what folding makes.

use std::ops::Range;

use hashbrown::HashSet;
use model::VisitorId;

use crate::words::Words;

/// What a visit says of its origin, each a text: decided by the visit's first hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(usize)]
pub enum VisitText {
    Channel,
    Source,
    Referrer,
    UtmSource,
    UtmMedium,
    UtmCampaign,
    UtmTerm,
    UtmContent,
    Country,
    Region,
    City,
    Browser,
    BrowserVersion,
    Os,
    OsVersion,
    Device,
    Screen,
    Language,
}

/// How many texts a visit has.
pub const VISIT_TEXTS: usize = 18;

/// What a hit says of itself, each a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(usize)]
pub enum HitText {
    Hostname,
    Path,
    Query,
    Title,
    /// Of an event its name, of an identify the identity; else empty.
    Name,
    /// A JSON object of texts, keys as they came; empty without props.
    Props,
    /// Why it was judged a bot's; empty: it was not.
    Bot,
}

/// How many texts a hit has.
pub const HIT_TEXTS: usize = 7;

impl VisitText {
    pub const ALL: [VisitText; VISIT_TEXTS] = [
        VisitText::Channel,
        VisitText::Source,
        VisitText::Referrer,
        VisitText::UtmSource,
        VisitText::UtmMedium,
        VisitText::UtmCampaign,
        VisitText::UtmTerm,
        VisitText::UtmContent,
        VisitText::Country,
        VisitText::Region,
        VisitText::City,
        VisitText::Browser,
        VisitText::BrowserVersion,
        VisitText::Os,
        VisitText::OsVersion,
        VisitText::Device,
        VisitText::Screen,
        VisitText::Language,
    ];

    /// The column's name in a segment.
    pub const fn column(self) -> &'static str {
        [
            "channel",
            "source",
            "referrer",
            "utm_source",
            "utm_medium",
            "utm_campaign",
            "utm_term",
            "utm_content",
            "country",
            "region",
            "city",
            "browser",
            "browser_version",
            "os",
            "os_version",
            "device",
            "screen",
            "language",
        ][self as usize]
    }
}

impl HitText {
    pub const ALL: [HitText; HIT_TEXTS] = [
        HitText::Hostname,
        HitText::Path,
        HitText::Query,
        HitText::Title,
        HitText::Name,
        HitText::Props,
        HitText::Bot,
    ];

    /// The column's name in a segment.
    pub const fn column(self) -> &'static str {
        ["hostname", "path", "query", "title", "name", "props", "bot"][self as usize]
    }
}

/// What a row of the hits is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Kind {
    Pageview = 0,
    Event = 1,
    Identify = 2,
    /// Signs of life of a pageview that is in no row of this visit: it began in an earlier visit, or never came.
    Presence = 3,
}

impl Kind {
    pub const ALL: [Kind; 4] = [Kind::Pageview, Kind::Event, Kind::Identify, Kind::Presence];
}

/// One visit: a run of one visitor's hits with no gap over 30 minutes, all judged human or all judged bot when they came.
#[derive(Clone, Debug, PartialEq)]
pub struct Visit {
    pub visitor: VisitorId,
    /// Counts as a bot's: its hits were judged so, or a correction says so.
    pub bot: bool,
    /// First sign of life, milliseconds since 1970 UTC.
    pub first: i64,
    /// Numbers in the table's words, by [`VisitText`].
    pub texts: [u32; VISIT_TEXTS],
    /// Its hits in the table; never empty.
    pub hits: Range<u32>,
}

/// One row of the hits.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// Milliseconds since 1970 UTC.
    pub at: i64,
    pub kind: Kind,
    /// The hit's id in 64 bits; of [`Kind::Presence`] that of the pageview it tells of.
    pub id: u64,
    /// Numbers in the table's words, by [`HitText`].
    pub texts: [u32; HIT_TEXTS],
    /// By how much this visit raised the pageview's engaged time, in milliseconds.
    pub engaged_ms: u32,
    /// What the pageview had been engaged before this visit, as far as this row's total says; nearly always zero.
    pub engaged_before_ms: u32,
    /// Deepest point shown, percent.
    pub scroll: u8,
    /// From `at` to the last sign of life of it in this visit, in milliseconds.
    pub alive_ms: u32,
}

/// Rows of one site and day: visits by (bot, visitor, first), each one's hits by (time, kind, id).
#[derive(Clone, Debug, Default)]
pub struct Table {
    pub words: Words,
    pub visits: Vec<Visit>,
    pub hits: Vec<Hit>,
}

impl Table {
    pub fn hits_of(&self, visit: &Visit) -> &[Hit] {
        &self.hits[visit.hits.start as usize..visit.hits.end as usize]
    }

    /// The visits for which this holds, with words of their own, in the same order.
    pub fn select(&self, holds: impl Fn(&Visit) -> bool) -> Table {
        let mut selected = Table::default();
        let mut numbers: Vec<Option<u32>> = vec![None; self.words.count()];
        for visit in self.visits.iter().filter(|visit| holds(visit)) {
            let mut renumber = |text: u32| {
                let number = || selected.words.number_shared(self.words.text(text));
                *numbers[text as usize].get_or_insert_with(number)
            };
            let texts = visit.texts.map(&mut renumber);
            let hits = self.hits_of(visit).iter();
            let hits: Vec<Hit> =
                hits.map(|hit| Hit { texts: hit.texts.map(&mut renumber), ..hit.clone() }).collect();
            let start = selected.hits.len() as u32;
            selected.hits.extend(hits);
            let hits = start..selected.hits.len() as u32;
            selected.visits.push(Visit { texts, hits, ..visit.clone() });
        }
        selected
    }

    /// The visits of these visitors.
    pub fn of_visitors(&self, visitors: &HashSet<VisitorId>) -> Table {
        self.select(|visit| visitors.contains(&visit.visitor))
    }

    /// As its hits were judged when they came, whatever was corrected since.
    pub fn is_judged_bot(&self, visit: &Visit) -> bool {
        let first = self.hits_of(visit).first();
        first.is_some_and(|hit| !self.words.text(hit.texts[HitText::Bot as usize]).is_empty())
    }

    /// The same visits, each with a verdict of these, in order anew.
    pub fn with_verdicts(mut self, is_bot: &[bool]) -> Table {
        if self.visits.iter().zip(is_bot).all(|(visit, is_bot)| visit.bot == *is_bot) {
            return self;
        }
        let mut visits = std::mem::take(&mut self.visits);
        visits.iter_mut().zip(is_bot).for_each(|(visit, is_bot)| visit.bot = *is_bot);
        visits.sort_by_key(|visit| (visit.bot, visit.visitor, visit.first));
        let mut hits = Vec::with_capacity(self.hits.len());
        for visit in &mut visits {
            let start = hits.len() as u32;
            hits.extend_from_slice(&self.hits[visit.hits.start as usize..visit.hits.end as usize]);
            visit.hits = start..hits.len() as u32;
        }
        Table { words: self.words, visits, hits }
    }

    /// Last sign of life of a visit.
    pub fn last_of(&self, visit: &Visit) -> i64 {
        let ends = self.hits_of(visit).iter().map(Hit::end);
        ends.max().unwrap_or(visit.first)
    }
}

impl Hit {
    /// The last sign of life that this row holds.
    pub fn end(&self) -> i64 {
        self.at + i64::from(self.alive_ms)
    }

    /// The running total that the row's heartbeats reached in this visit.
    pub fn engaged_total(&self) -> u32 {
        self.engaged_before_ms.saturating_add(self.engaged_ms)
    }
}

/// A hit's id in the 64 bits that a segment keeps.
pub fn short_id(id: model::HitId) -> u64 {
    let (high, low) = ((id.0 >> 64) as u64, id.0 as u64);
    let mut mixed = high.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ low;
    mixed = (mixed ^ (mixed >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    mixed ^ (mixed >> 29)
}

/// A hit id that these 64 bits are the short form of: of all there are, the one whose upper half is zero.
pub fn hit_id_of(short: u64) -> model::HitId {
    let mut mixed = short ^ (short >> 29) ^ (short >> 58);
    // The inverse of the factor above, modulo 2^64.
    mixed = mixed.wrapping_mul(0xCFEE_444D_8B59_A89B);
    model::HitId(u128::from(mixed ^ (mixed >> 32)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_id_has_a_long_form() {
        for short in (0..64).map(|bit| 1 << bit).chain([0, u64::MAX, 0x0123_4567_89AB_CDEF]) {
            assert_eq!(short_id(hit_id_of(short)), short);
        }
    }
}
