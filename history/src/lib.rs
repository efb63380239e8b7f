//! What was, as bytes and numbers: the encoding of the tail and the exact recount over it.
//! Pure: bytes in, hits and totals out. Never does I/O, never decides who is present.

pub mod hit;
pub mod recount;
pub mod tail;

pub use hit::{EnrichedHit, EnrichedKind, Page};
pub use recount::{Counts, Recount, Totals};
pub use tail::{BadTail, Tail};
