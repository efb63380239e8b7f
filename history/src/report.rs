//! Exact answers over folded history: segments and tables that were just folded alike.
//!
//! A [`Library`] keeps one site's decoded columns within a bound. Texts and visitors are dense numbers all over a library, so
//! that a filter looks at each distinct text once, and a count of distinct visitors is a set of bits.

mod ahead;
mod answer;
mod asked;
pub(crate) mod bits;
mod breakdown;
mod buckets;
mod columns;
mod distinct;
mod firsts;
mod funnel;
mod group;
mod journey;
pub mod judged;
mod left;
mod library;
mod mask;
mod numbering;
mod overlay;
pub(crate) mod packed;
mod part;
pub mod people;
mod properties;
mod retention;
mod rolling;
mod scan;
mod sift;
mod sums;
mod visitors;
mod wants;

pub use answer::{Answer, Compared, Row, Sums};
pub use breakdown::answer;
pub use buckets::Buckets;
pub use funnel::{Funnel, Reached, funnel};
pub use journey::{Node, journey};
pub use library::{Library, Stock};
pub use overlay::overlay;
pub use part::Part;
pub use properties::{PROPERTIES_TOLD_MAX, properties};
pub use retention::{Cohort, retention};
pub use sums::{REVENUE_PROP, millionths};

use crate::query::BadQuery;
use crate::segment::BadSegment;

/// What bounds one report, and what can stop it.
pub struct Control<'c> {
    /// Asked every few thousand rows; true ends the report.
    pub stop: &'c (dyn Fn() -> bool + Sync),
    /// Bytes that a report may take beside the columns it reads.
    pub memory_max: usize,
    /// Threads that it may use.
    pub threads: usize,
}

/// Bytes of one report, where nothing else is said.
pub const MEMORY_MAX: usize = 256 << 20;

impl Control<'_> {
    /// One thread, the usual memory, never stopped.
    pub const fn plain() -> Control<'static> {
        Control { stop: &|| false, memory_max: MEMORY_MAX, threads: 1 }
    }

    pub(crate) fn check(&self) -> Result<(), ReportError> {
        if (self.stop)() { Err(ReportError::Stopped) } else { Ok(()) }
    }

    pub(crate) fn needs(&self, bytes: usize) -> Result<(), ReportError> {
        if bytes > self.memory_max { Err(ReportError::Memory { max: self.memory_max }) } else { Ok(()) }
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    #[error(transparent)]
    Query(#[from] BadQuery),
    #[error(transparent)]
    Segment(#[from] BadSegment),
    #[error("the report was stopped")]
    Stopped,
    #[error(
        "the report needs more than {max} bytes of memory: ask for fewer buckets, a shorter range or fewer groups"
    )]
    Memory { max: usize },
}
