//! Journeys through the real program: what a user does, over HTTP and WebSocket alone.

mod arrows;
mod cases;
mod cluster;
mod crash;
mod deadletters;
mod limits;
mod moving;
mod replay;
mod rights;
