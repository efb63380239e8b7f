//! Waiting for a condition, with a bound and a word for what was awaited.

use std::future::Future;
use std::time::{Duration, Instant};

/// How long a condition may take that should hold in a moment.
const PATIENCE: Duration = Duration::from_secs(20);

/// Asks again until `ask` gives something; panics with `what` when it takes too long.
pub async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, ask: impl FnMut() -> F) -> T {
    within(PATIENCE, what, ask).await
}

/// As `eventually`, with a bound of one's own.
pub async fn within<T, F: Future<Output = Option<T>>>(
    bound: Duration,
    what: &str,
    mut ask: impl FnMut() -> F,
) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = ask().await {
            return found;
        }
        assert!(began.elapsed() < bound, "not within {bound:?}: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
