//! The hub on a loopback port: real routes, the embedded store, Live in memory, real WebSocket clients and raw sockets.

#![allow(clippy::unwrap_used)]

#[path = "hub/admission.rs"]
mod admission;
#[path = "hub/events.rs"]
mod events;
#[path = "hub/house.rs"]
mod house;
#[path = "hub/line.rs"]
mod line;
#[path = "hub/reach.rs"]
mod reach;
#[path = "hub/revocation.rs"]
mod revocation;
#[path = "hub/rooms.rs"]
mod rooms;
#[path = "hub/slow.rs"]
mod slow;
#[path = "hub/stream.rs"]
mod stream;
#[path = "hub/wire.rs"]
mod wire;
