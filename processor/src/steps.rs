//! What a hit says of itself, worked out: its agent, whether a program sent it, where the visit came from.
//! Pure: no clock, no I/O, no state but caches and tables of their own; no input makes it fail.

pub mod agent;
pub mod bots;
mod rules;
pub mod source;
