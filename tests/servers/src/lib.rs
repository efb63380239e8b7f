//! Real servers for tests: each on loopback ports and in a folder of its own, ended with whoever started it.
//! Never touches a server that was running before.

pub mod certificates;
pub mod dovecot;
pub mod mongodb;
mod process;
pub mod rabbitmq;
pub mod redis;

pub use process::{Process, Signal, free_port};
