//! What forges tell of commits: who sent a delivery and whether it is theirs, what was pushed, which conversations it is about,
//! and how it reads in a room; and the scripts by which plain repositories tell the same. Pure: bytes and a moment in, values out.
//! Never listens, never asks a forge, never posts.
//!
//! ```text
//! headers, body ──verified──▶ Verified ──events──▶ [Push | Release] ──told──▶ lines of a message
//!                                                        └──references──▶ conversations
//! ```

mod bitbucket;
mod deliveries;
mod event;
mod filter;
mod forge;
mod github;
mod gitlab;
pub mod limits;
mod payload;
mod plain;
mod references;
mod script;
mod signature;
mod telling;
mod text;

pub use deliveries::{Refused, Verified, verified};
pub use event::{Change, Commit, Event, Place, PlaceKind, Push, Release, Repository};
pub use filter::{BadFilter, Filter};
pub use forge::Forge;
pub use references::{Reference, Target, references};
pub use script::{BadScript, Plain, Script};
pub use signature::standard;
pub use telling::{Line, Piece, Telling};
