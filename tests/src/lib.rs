//! The world that journeys happen in: the real composition, spoken to only as its users do.
//! Never reaches around HTTP and WebSocket, but to turn the clock and to look into the tail at the end.

pub mod ground;
pub mod ledger;
pub mod parts;
pub mod person;
pub mod program;
pub mod proxy;
pub mod push;
pub mod receiver;
pub mod tag;
pub mod wait;
pub mod world;

pub use ground::{Cluster, Ground};
pub use parts::Size;
pub use person::{Answer, Person};
pub use program::Program;
pub use proxy::{Proxy, Upstreams};
pub use push::Push;
pub use tag::Tag;
pub use wait::{eventually, within};
pub use world::World;
