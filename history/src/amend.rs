//! What was folded, changed after the fact: a visitor erased, days let go, verdicts corrected.

use model::VisitorId;
use serde::{Deserialize, Serialize};

use crate::query::{BadQuery, Dimension, Filter};
use crate::segment::Head;
use crate::table::Table;

/// What visits are corrected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    Bot,
    Human,
}

/// Visits that began in a range and have a hit for which a filter holds count as a bot's or as a human's, whatever their hits were
/// judged when they came. It looks at each visit alone: what it says of one is the same whenever it is asked, of hits that come
/// late too, and once it is taken back everything is as it was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Correction {
    /// Milliseconds since 1970 UTC, the first that counts and the first that does not.
    pub from: i64,
    pub to: i64,
    pub filter: Filter,
    pub verdict: Verdict,
}

impl Correction {
    /// Its filter may not ask for other visits of the same visitor.
    pub fn check(&self) -> Result<(), BadQuery> {
        if self.to < self.from {
            return Err(BadQuery::Range);
        }
        if self.filter.asks_visitor() || self.filter.names(&|by| *by == Dimension::NewOrReturning) {
            return Err(BadQuery::OtherVisits);
        }
        self.filter.check()
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
