//! Hearing a topic also where live is away at first: tried again until it is there.

use std::time::Duration;

use crate::{Live, Subscription};

/// Between two tries the wait is drawn from up to this, doubled from try to try.
const RETRY_MIN: Duration = Duration::from_millis(50);
const RETRY_MAX: Duration = Duration::from_secs(2);

/// Subscribes as soon as live can be reached. Nobody knows what was said before: whoever keeps anything that goes by
/// the topic reads it again. Says once that it waits; ends only so, or dropped.
pub async fn hear(live: &dyn Live, topic: &str) -> Subscription {
    let mut longest = RETRY_MIN;
    loop {
        let error = match live.subscribe(topic).await {
            Ok(subscription) => return subscription,
            Err(error) => error,
        };
        match longest == RETRY_MIN {
            true => tracing::warn!(topic, %error, "not heard yet; tried again until it is"),
            false => tracing::debug!(topic, %error, "still not heard"),
        }
        tokio::time::sleep(longest.mul_f64(0.5 + fastrand::f64() / 2.0)).await;
        longest = (longest * 2).min(RETRY_MAX);
    }
}
