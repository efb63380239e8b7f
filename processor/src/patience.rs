//! Waiting for a seam that failed: tries again, ever slower, until it answers or time is up.

use std::fmt::Display;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::options::Options;

/// Waits between tries.
pub struct Patience {
    next: Duration,
    max: Duration,
}

impl Patience {
    pub fn new(options: &Options) -> Patience {
        Patience { next: options.retry_wait, max: options.retry_wait_max }
    }

    /// Says what failed and waits. False: `over` came first.
    pub async fn wait(
        &mut self,
        shard: u16,
        what: &str,
        error: impl Display,
        over: &CancellationToken,
    ) -> bool {
        tracing::warn!(shard, error = %error, wait = ?self.next, "{what}; trying again");
        let wait = self.next;
        self.next = (wait * 2).min(self.max);
        over.run_until_cancelled(tokio::time::sleep(wait)).await.is_some()
    }
}
