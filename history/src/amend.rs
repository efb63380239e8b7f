//! What was folded, changed after the fact: a visitor erased, days let go, verdicts corrected.

use hashbrown::HashSet;
use model::VisitorId;
use serde::{Deserialize, Serialize};

use crate::query::Filter;
use crate::segment::Head;
use crate::table::Table;

/// Hits of one correction.
pub const CORRECTED_MAX: usize = 5_000_000;

/// As long as two days can be: the clock may be turned by an hour.
const TWO_DAYS_MS: i64 = 49 * 3_600_000;

/// A hit that was judged human and is corrected says this as its `bot`; corrected back it says nothing again.
pub const CORRECTED: &str = "corrected";
/// Before the reason for which a hit was judged a bot's, where that was corrected.
pub const CLEARED: &str = "cleared:";

/// What hits are corrected to. The verdict before stays readable, so that the opposite correction restores it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    Bot,
    Human,
}

/// Hits to correct: those of a range for which a filter holds, whatever they were judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Correction {
    /// Milliseconds since 1970 UTC, the first that counts and the first that does not.
    pub from: i64,
    pub to: i64,
    pub filter: Filter,
    pub verdict: Verdict,
}

/// The hits that a correction names, over all days: found once, before any day changes.
#[derive(Clone, Debug, Default)]
pub struct Chosen {
    /// Begins of the days that hold some, in order.
    pub days: Vec<i64>,
    /// Moment and id; a moment is cut at 49 days after its day's begin, as reports see it.
    pub(crate) hits: HashSet<(i64, u64)>,
}

impl Chosen {
    pub fn count(&self) -> usize {
        self.hits.len()
    }

    pub(crate) fn has(&self, day_start: i64, at: i64, id: u64) -> bool {
        let at = day_start + (at - day_start).min(u32::MAX.into());
        self.hits.contains(&(at, id))
    }
}

impl Verdict {
    /// What a hit's `bot` says once corrected; None: it says so already.
    pub fn of(self, bot: &str) -> Option<String> {
        match (self, bot, bot.strip_prefix(CLEARED)) {
            (Verdict::Bot, "", _) => Some(CORRECTED.to_owned()),
            (Verdict::Bot, _, Some(reason)) => Some(reason.to_owned()),
            (Verdict::Human, CORRECTED, _) => Some(String::new()),
            (Verdict::Human, reason, None) if !reason.is_empty() => Some(format!("{CLEARED}{reason}")),
            _ => None,
        }
    }
}

impl Table {
    /// Everything but one visitor's visits. That visitor's hits must no longer stand in the tail either: who comes again, counts.
    pub fn without_visitor(&self, visitor: VisitorId) -> Table {
        self.select(|visit| visit.visitor != visitor)
    }
}

/// The segments that go when nothing is kept from before a moment: those whose day ended by then, whole; visits belong to the day
/// they began on, and go with it. Returns indexes of `heads`.
pub fn expired(heads: &[Head], from: i64) -> Vec<usize> {
    (0..heads.len()).filter(|&index| heads[index].day_end <= from).collect()
}

/// Which segments correcting one of them needs beside it: the two days before it, and all to two days after its last sign of
/// life. Returns indexes of `heads`, which are in order of their days.
pub fn around(heads: &[Head], corrected: usize) -> Vec<usize> {
    let head = &heads[corrected];
    let from = head.day_start - TWO_DAYS_MS;
    let to = head.last.max(head.day_end) + TWO_DAYS_MS;
    let is_near = |&index: &usize| {
        let near = &heads[index];
        index != corrected && near.day_end > from && near.day_start < to
    };
    (0..heads.len()).filter(is_near).collect()
}
