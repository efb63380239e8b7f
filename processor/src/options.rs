//! What the processor can be told.

use std::time::Duration;

#[derive(Clone, Debug)]
pub struct Options {
    /// Flushes follow each other no faster, so that under load many hits share an fsync. A hit that comes after
    /// a quiet moment does not wait.
    pub flush_every: Duration,
    /// Messages that one flush takes at most; each holds at most `BATCH_HITS_MAX` hits.
    pub messages_a_flush_max: usize,
    /// How often time passes for presence while no hit comes.
    pub tick_every: Duration,
    /// Raised peaks are written down at most this often.
    pub peaks_every: Duration,
    /// The first wait after a seam failed, doubled up to `retry_wait_max`.
    pub retry_wait: Duration,
    pub retry_wait_max: Duration,
    /// A shard that another processor holds is asked for again after so long.
    pub taken_wait: Duration,
    /// How often it is looked which tails are to be folded into segments.
    pub fold_every: Duration,
    /// A site's tail is folded when a batch has waited in it for so long.
    pub fold_after: Duration,
    /// A site's next fold waits for so many times what its last one took: a day that is dear to fold is folded less often.
    pub fold_rest: u32,
    /// A batch that was folded stays in the tail for so long: presence and the last thirty minutes are rebuilt from there.
    pub tail_kept: Duration,
    /// What waits on the bus at shutdown is processed for at most this long; the rest stays there.
    pub drain_max: Duration,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            flush_every: Duration::from_millis(20),
            messages_a_flush_max: 64,
            tick_every: Duration::from_millis(250),
            peaks_every: Duration::from_secs(5),
            retry_wait: Duration::from_millis(100),
            retry_wait_max: Duration::from_secs(5),
            taken_wait: Duration::from_millis(500),
            fold_every: Duration::from_secs(20),
            fold_after: Duration::from_secs(120),
            fold_rest: 50,
            tail_kept: Duration::from_secs(3_600),
            drain_max: Duration::from_secs(3),
        }
    }
}
