//! Looks at pages of sites every half minute, whether they are there, and keeps what it saw. One process of a cluster looks at a site, by a lease that
//! the store keeps. Never reaches an address that is not public (`outbox::dial` does not), never says of a time at which nobody looked how it was.
//!
//! | module | what |
//! |---|---|
//! | `address` | which pages may be looked at |
//! | `look` | one look at one page |
//! | `seen` | what looks add up to: when a page was down, and when nobody looked |
//! | `days` | that, as it is kept by day |
//! | `uptime` | how much of a range a page was there |
//! | `keeping` | who looks at which site, and when |
//! | `services` | the services of the installation itself, looked at in the same rhythm |
//! | `standing` | how they are and were, as anybody may read it |

pub mod address;
mod days;
mod keeping;
mod look;
mod reason;
mod seen;
pub mod services;
pub mod standing;
mod uptime;

pub use keeping::{Patrol, keep, look_at};
pub use look::Eye;
pub use reason::Reason;
pub use seen::{Now, Seen};
pub use uptime::{Outage, PageUptime, last, read};

use std::time::Duration;

/// How often a page is looked at.
pub const LOOK_EVERY: Duration = Duration::from_secs(30);
/// What a look may take, with every redirect.
pub const LOOK_MAX: Duration = Duration::from_secs(10);
/// Looks that are further apart say nothing of the time between them.
pub const GAP_MAX: Duration = Duration::from_secs(90);
/// Redirects that are followed.
pub const REDIRECTS_MAX: usize = 5;
