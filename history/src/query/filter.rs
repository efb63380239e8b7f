//! Which hits count. `{"and": […]}`, `{"is": {"by": "page", "values": ["/"]}}`, `{"visit": {"is": …}}` and so on.

use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

use super::{BadQuery, Dimension, FILTER_DEPTH_MAX, FILTERS_MAX, limit};

/// Values of one filter.
pub const VALUES_MAX: usize = 1_000;
/// Bytes of a pattern, and of any value.
pub const PATTERN_BYTES_MAX: usize = 2_048;
/// Bytes of a pattern made ready; one that needs more is refused.
const PATTERN_MEMORY_MAX: usize = 1 << 20;

/// A hit without the dimension (a pageview has no event, an event may lack a property) is never what a filter names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Filter {
    And(Vec<Filter>),
    Or(Vec<Filter>),
    Not(Box<Filter>),
    /// Is one of the values.
    Is {
        by: Dimension,
        values: Vec<String>,
    },
    /// Has one of the values in it; letters as they stand.
    Contains {
        by: Dimension,
        values: Vec<String>,
    },
    /// Begins with one of the values.
    Starts {
        by: Dimension,
        values: Vec<String>,
    },
    /// Some part of it matches a regular expression (`^` and `$` are its ends).
    Matches {
        by: Dimension,
        pattern: String,
    },
    /// The visit has a hit, in the range or not, for which this holds: `did` at the visit's level.
    Visit(Box<Filter>),
    /// The visitor has a hit in the range for which this holds: `did` at the visitor's level.
    Visitor(Box<Filter>),
}

/// How a text is judged.
pub(crate) enum Judge<'f> {
    Is(&'f [String]),
    Contains(&'f [String]),
    Starts(&'f [String]),
    Matches(Regex),
}

impl Judge<'_> {
    pub fn holds(&self, text: &str) -> bool {
        match self {
            Judge::Is(values) => values.iter().any(|value| value == text),
            Judge::Contains(values) => values.iter().any(|value| text.contains(value.as_str())),
            Judge::Starts(values) => values.iter().any(|value| text.starts_with(value.as_str())),
            Judge::Matches(pattern) => pattern.is_match(text),
        }
    }
}

impl Filter {
    /// The dimension and the judge of a filter that has no filters inside.
    pub(crate) fn judge(&self) -> Result<Option<(&Dimension, Judge<'_>)>, BadQuery> {
        Ok(match self {
            Filter::Is { by, values } => Some((by, Judge::Is(values))),
            Filter::Contains { by, values } => Some((by, Judge::Contains(values))),
            Filter::Starts { by, values } => Some((by, Judge::Starts(values))),
            Filter::Matches { by, pattern } => Some((by, Judge::Matches(compile(pattern)?))),
            _ => None,
        })
    }

    /// Some filter in it is of a dimension for which this holds.
    pub fn names(&self, holds: &dyn Fn(&Dimension) -> bool) -> bool {
        match self {
            Filter::And(inner) | Filter::Or(inner) => inner.iter().any(|filter| filter.names(holds)),
            Filter::Not(inner) | Filter::Visit(inner) | Filter::Visitor(inner) => inner.names(holds),
            Filter::Is { by, .. }
            | Filter::Contains { by, .. }
            | Filter::Starts { by, .. }
            | Filter::Matches { by, .. } => holds(by),
        }
    }

    /// Some filter in it is at the visitor's level.
    pub(crate) fn asks_visitor(&self) -> bool {
        match self {
            Filter::And(inner) | Filter::Or(inner) => inner.iter().any(Filter::asks_visitor),
            Filter::Not(inner) | Filter::Visit(inner) => inner.asks_visitor(),
            Filter::Visitor(_) => true,
            Filter::Is { .. } | Filter::Contains { .. } | Filter::Starts { .. } | Filter::Matches { .. } => {
                false
            }
        }
    }

    /// As a goal it is of events, else of pageviews.
    pub(crate) fn is_of_events(&self) -> bool {
        self.names(&|by| matches!(by, Dimension::Event | Dimension::Prop(_)))
    }

    pub(crate) fn check(&self) -> Result<(), BadQuery> {
        let mut count = 0;
        self.check_at(1, &mut count)
    }

    fn check_at(&self, depth: usize, count: &mut usize) -> Result<(), BadQuery> {
        *count += 1;
        limit("filters within filters", depth, FILTER_DEPTH_MAX)?;
        limit("filters", *count, FILTERS_MAX)?;
        match self {
            Filter::And(inner) | Filter::Or(inner) => {
                inner.iter().try_for_each(|filter| filter.check_at(depth + 1, count))
            }
            Filter::Not(inner) | Filter::Visit(inner) | Filter::Visitor(inner) => {
                inner.check_at(depth + 1, count)
            }
            Filter::Is { values, .. } | Filter::Contains { values, .. } | Filter::Starts { values, .. } => {
                limit("values of a filter", values.len(), VALUES_MAX)?;
                let longest = values.iter().map(String::len).max().unwrap_or(0);
                limit("bytes of a filter's value", longest, PATTERN_BYTES_MAX)
            }
            Filter::Matches { pattern, .. } => {
                limit("bytes of a pattern", pattern.len(), PATTERN_BYTES_MAX)?;
                compile(pattern).map(|_| ())
            }
        }
    }
}

fn compile(pattern: &str) -> Result<Regex, BadQuery> {
    let pattern = RegexBuilder::new(pattern)
        .size_limit(PATTERN_MEMORY_MAX)
        .dfa_size_limit(PATTERN_MEMORY_MAX)
        .nest_limit(50)
        .build();
    pattern.map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => {
            BadQuery::Limit { what: "bytes of a pattern made ready", max: PATTERN_MEMORY_MAX }
        }
        other => BadQuery::Pattern(other.to_string().lines().last().unwrap_or_default().to_owned()),
    })
}
