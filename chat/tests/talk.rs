//! Chat over a real store and a real Live: what each may do, and who hears of it.

#![allow(clippy::unwrap_used)]

#[path = "talk/carry.rs"]
mod carry;
#[path = "talk/commits.rs"]
mod commits;
#[path = "talk/guests.rs"]
mod guests;
#[path = "talk/hearing.rs"]
mod hearing;
#[path = "talk/rights.rs"]
mod rights;
#[path = "talk/saying.rs"]
mod saying;
#[path = "talk/world.rs"]
mod world;
