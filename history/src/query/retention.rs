//! How many of those who came first in one period come again in later ones.

use serde::{Deserialize, Serialize};

use super::{BadQuery, Bots, Filter, Unit};

/// Periods of one retention report, and so its cohorts.
pub const COHORTS_MAX: usize = 400;

/// Cohorts are the visitors whose first visit, in all the history that is given, began in a period of the range.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    /// Milliseconds since 1970 UTC, the first that counts and the first that does not.
    pub from: i64,
    pub to: i64,
    /// Day, week or month of the site's zone. At most [`COHORTS_MAX`] in the range.
    pub unit: Unit,
    /// Which hits count as being there. Who has none in the period of their first visit is in no cohort.
    #[serde(default)]
    pub filter: Option<Filter>,
    #[serde(default)]
    pub bots: Bots,
}

impl Retention {
    /// Holds the query against the limits that need no history.
    pub fn check(&self) -> Result<(), BadQuery> {
        if self.to < self.from {
            return Err(BadQuery::Range);
        }
        if !matches!(self.unit, Unit::Day | Unit::Week | Unit::Month) {
            return Err(BadQuery::RetentionUnit);
        }
        self.filter.iter().try_for_each(Filter::check)
    }
}
