//! What the collector can be told, and every maximum that is its own.

use std::path::PathBuf;
use std::time::Duration;

use door::DoorOptions;

/// A request's body must arrive within this.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(10);
/// A body that is too large is read to its end where it states at most so many bytes, for a client that is cut off while it
/// sends may never see why. A larger one is answered at once.
pub const DISCARDED_BYTES_MAX: usize = 256 * 1024;
/// Visitors whose rate is remembered; past it the longest unseen half is forgotten.
pub const RATED_VISITORS_MAX: usize = 200_000;
/// Hits at once on top of the rate: a tag that comes out of a tunnel sends all it kept, a few requests of 100.
pub const VISITOR_BURST_MAX: u32 = 500;
/// Seconds of its rate that a site may send at once.
pub const SITE_BURST_SECONDS: u32 = 2;
/// Unknown site ids that are remembered as unknown; past it all are forgotten.
pub const UNKNOWN_SITES_MAX: usize = 10_000;
/// Sites that could not be read again after a change are tried again after this.
pub const SITES_AGAIN_AFTER: Duration = Duration::from_secs(1);
/// Credentials whose principal is remembered, and for how long; past the maximum all are forgotten.
pub const SENDERS_MAX: usize = 1_000;
pub const SENDER_LASTS: Duration = Duration::from_secs(1);
/// Bytes of a stated language (RFC 5646 calls 35 enough).
pub const LANGUAGE_BYTES_MAX: usize = 35;

#[derive(Clone, Debug)]
pub struct Options {
    /// A MaxMind-format file. None: countries by the built-in table.
    pub geoip: Option<PathBuf>,
    /// Hits a second that one site may send in the long run; `SITE_BURST_SECONDS` of it at once.
    pub site_rate: u32,
    /// Hits a second that one visitor may send in the long run; `VISITOR_BURST_MAX` more at once. Twenty open tabs that
    /// beat are under 2 a second, so 20 is only met by a page that went wild, or by a sender that is no page.
    pub visitor_rate: u32,
    /// Bytes of hits that wait to be published, or are being published; past it a request is answered 503.
    pub waiting_bytes_max: usize,
    /// Unknown site ids that are looked up in the store a second.
    pub lookups_a_second_max: u32,
    /// For `run` alone.
    pub door: DoorOptions,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            geoip: None,
            site_rate: 20_000,
            visitor_rate: 20,
            waiting_bytes_max: 32 * 1024 * 1024,
            lookups_a_second_max: 50,
            door: DoorOptions::default(),
        }
    }
}
