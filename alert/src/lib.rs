//! Whether an alert is so: what is counted of the last minutes, what is usual, what it came from, when people are left in peace, and how it is said.
//! Never does I/O, never reads a clock.
//!
//! | module | what |
//! |---|---|
//! | `counts` | the last hour of a site, made of its hits |
//! | `verdict` | whether a condition is so, by these numbers |
//! | `watch` | from verdicts to a beginning and an end, without flapping |
//! | `usual` | what past weeks had at this hour, and how much that varies |
//! | `change` | whether this is more, or less, than chance would have it |
//! | `cause` | which page, source, country a difference came from |
//! | `page` | how a site's watched pages are, and which of them ail |
//! | `quiet` | when people are left in peace |
//! | `words` | how it is said |

pub mod cause;
pub mod change;
pub mod counts;
pub mod page;
pub mod quiet;
pub mod usual;
pub mod verdict;
pub mod watch;
pub mod words;

pub use counts::{Counts, Seen, SeenKind};
pub use page::{Page, PageState};
pub use usual::Usual;
pub use verdict::{Judged, Reading, Verdict, judge};
pub use watch::{Turned, Watch};
