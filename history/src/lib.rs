//! What was, as bytes and numbers: the encoding of the tail and the exact recount over it.
//! Pure: bytes in, hits and totals out. Never does I/O, never decides who is present.

pub mod amend;
pub mod fold;
pub mod hit;
pub mod query;
pub mod recount;
pub mod report;
pub mod segment;
pub mod table;
pub mod tail;
pub mod words;
pub mod zone;

pub use hit::{EnrichedHit, EnrichedKind, Page};
pub use recount::{Counts, Recount, Totals};
pub use tail::{BadTail, Tail};
