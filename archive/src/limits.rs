//! What bounds reports, all together and each.

use std::time::Duration;

/// Hits of the tail that no fold took in yet and that a report takes in.
pub const UNFOLDED_MAX: usize = 2_000_000;
/// Batches that one call to the store returns.
pub const PAGE_BATCHES: usize = 512;

#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of decoded columns, texts and visitors kept between reports, over all sites.
    pub cache_bytes: usize,
    /// Bytes that one report takes beside them.
    pub report_bytes: usize,
    /// How long one report may take.
    pub report_time: Duration,
    /// Reports computed at once.
    pub at_once: usize,
    /// Reports that wait for their turn.
    pub waiting: usize,
    /// Threads of one report.
    pub threads: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Limits {
            cache_bytes: 160 << 20,
            report_bytes: history::report::MEMORY_MAX,
            report_time: Duration::from_secs(20),
            at_once: cores,
            waiting: 256,
            threads: cores,
        }
    }
}
