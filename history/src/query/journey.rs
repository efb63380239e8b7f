//! Which pages come after a page, or before it, as a tree.

use serde::{Deserialize, Serialize};

use super::{BadQuery, Bots, Filter, PATTERN_BYTES_MAX, asks_firsts, limit};

/// Pages after one another.
pub const JOURNEY_DEPTH_MAX: usize = 5;
/// Pages told apart after each page.
pub const JOURNEY_CHILDREN_MAX: usize = 20;
/// Pages in the whole tree.
pub const JOURNEY_NODES_MAX: usize = 20_000;

/// Counts visits: those that began in the range and have a hit that counts. A visit's way is the paths of all its pageviews in
/// order, and it is counted once: from the first time that it shows the page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Journey {
    /// Milliseconds since 1970 UTC, the first that counts and the first that does not.
    pub from: i64,
    pub to: i64,
    /// The path to go from; None: from the visit's begin (backward: from its end).
    #[serde(default)]
    pub page: Option<String>,
    #[serde(default)]
    pub backward: bool,
    /// One to [`JOURNEY_DEPTH_MAX`].
    #[serde(default = "depth_by_default")]
    pub depth: usize,
    /// One to [`JOURNEY_CHILDREN_MAX`].
    #[serde(default = "children_by_default")]
    pub children: usize,
    #[serde(default)]
    pub filter: Option<Filter>,
    #[serde(default)]
    pub bots: Bots,
}

const fn depth_by_default() -> usize {
    3
}

const fn children_by_default() -> usize {
    5
}

impl Journey {
    /// Holds the query against the limits that need no history.
    pub fn check(&self) -> Result<(), BadQuery> {
        if self.to < self.from {
            return Err(BadQuery::Range);
        }
        if self.depth == 0 || self.children == 0 {
            return Err(BadQuery::Least { what: "depth and children of a journey", min: 1 });
        }
        limit("pages after one another of a journey", self.depth, JOURNEY_DEPTH_MAX)?;
        limit("pages after each page of a journey", self.children, JOURNEY_CHILDREN_MAX)?;
        limit("bytes of a page", self.page.as_ref().map_or(0, String::len), PATTERN_BYTES_MAX)?;
        self.filter.iter().try_for_each(Filter::check)
    }

    /// As [`super::Query::needs_all_before`].
    pub fn needs_all_before(&self) -> bool {
        asks_firsts(self.filter.iter())
    }
}
