//! The HTTP front door that every service opens: bounded connections, time limits, one error shape,
//! the client's address behind trusted proxies, credentials as carried. Never decides a right.

pub mod address;
pub mod asset;
pub mod credential;
pub mod identity;
pub mod measured;
pub mod refusal;
pub mod serve;

pub use address::{ClientAddress, TrustedProxies};
pub use asset::Asset;
pub use credential::credential;
pub use measured::{Waited, measured};
pub use refusal::Refusal;
pub use serve::{DoorOptions, panicked, serve};
